"""Storms that go otherwise than one expects: they grow, meet a restart, a clock that is set, a replica, a second cause.

Each happens to jobs of its own, so that all are played at once; what befalls them begins at the same minute.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import inf
from typing import Final

from exporter.errors import AuthError, NetworkError, PollError, RateLimitedError, ServerError
from tests.monitoring.outages import Outage, Site, fleet, series_of
from tests.monitoring.storms import Page

BEGIN: Final = 30.2
_END: Final = BEGIN + 40.0
_LONG: Final = BEGIN + 55.0
MINUTES: Final = 165
"""How long is played: all are mended in time for what keeps their messages back to end as well."""

ALERTS: Final = (
    "BookingSyncNothingAnswers",
    "BookingSyncCredentialRefused",
    "BookingSyncPlatformDown",
    "BookingSyncManyTargetsFailing",
    "BookingSyncPlatformLimited",
    "BookingSyncAccessDenied",
    "BookingSyncDataExpired",
    "BookingSyncDataStale",
    "BookingSyncApiLimited",
    "BookingSyncReplicaBlind",
)
"""What such storms could set off; what is wrong with a clock has an alert of its own."""

_KEY: Final = "/run/secrets/agency"
_CUT: Final = NetworkError("no route to host")
_DOWN: Final = ServerError("fault")
_REFUSED: Final = AuthError("refused")
_LIMITED: Final = RateLimitedError("slow down", retry_after=30.0)
_HALF_AN_HOUR_IN: Final = int(BEGIN) + 25


@dataclass(frozen=True, slots=True)
class Messages:
    """How often somebody is told: pages, mails with tickets, and all-clears of both."""

    pages: int
    tickets: int
    over: int


PAGE: Final = Messages(pages=1, tickets=0, over=1)
TICKET: Final = Messages(pages=0, tickets=1, over=1)


@dataclass(frozen=True, slots=True)
class Incident:
    """What happens, the pages of the exporters that it happens to, by job, and what is told of it."""

    what: str
    jobs: Mapping[str, Page]
    told: Messages = PAGE


def incidents() -> list[Incident]:
    """Return all."""
    return [
        *_left_out(),
        *_set_clocks(),
        *_several_exporters(),
        *_one_shard(),
        *_keys(),
        *_besides(),
        *_interrupted(),
        *_changing(),
        *_limits(),
    ]


def _left_out() -> Iterator[Incident]:
    """Yield outages of fleets of which a part is paused (or not configured), from the beginning or from the middle on."""
    four, twelve = _wix(4), _wix(12, _outage(_DOWN))
    yield _one("of four two are paused, and one is down", [*_paused(four[2:]), *_wix(4, _outage(_DOWN))[:1], four[1]])
    yield _one("of four two are paused, and two are down", [*_paused(four[2:]), *_wix(4, _outage(_DOWN))[:2]])
    yield _one("half is paused, and most of the rest is down", [*_paused(_wix(12)[6:]), *twelve[:4], *_wix(12)[4:6]])
    yield _one("half is paused while all are down", [*twelve[:6], *_paused(twelve[6:], _HALF_AN_HOUR_IN)])
    yield _one("all that are down are removed", [*_paused(twelve[:7], _HALF_AN_HOUR_IN), *_wix(12)[7:]])
    added = [replace(site, begin=_HALF_AN_HOUR_IN) for site in _again(twelve[6:], _HALF_AN_HOUR_IN)]
    yield _one("as many again are added while all are down", [*twelve[:6], *added])


def _set_clocks() -> Iterator[Incident]:
    """Yield an outage in which the clock of the exporter is set."""
    for step in (60, -60):
        for when, at in (("in it", _HALF_AN_HOUR_IN), ("at the repair", int(_END) + 2)):
            yield _one(f"the clock is set by {step:+} min {when}", _both(_CUT), clock=_set(at, step))


def _several_exporters() -> Iterator[Incident]:
    """Yield a network that several exporters share, and one that only one of two needs."""
    yield _of_jobs(
        "two jobs with a platform each are cut off",
        [_wix(6, _outage(_CUT)), _bitrix24(5, _outage(_CUT))],
        Messages(pages=2, tickets=0, over=2),
    )
    for what, other, told in (
        ("two shards are cut off", _both(_CUT)[1::2], PAGE),
        ("one replica of two is cut off", [*_wix(8), *_bitrix24(6)], TICKET),
    ):
        mine = _both(_CUT) if other[0].name == "wix-00" else _both(_CUT)[::2]
        yield Incident(what, {what: {**_page(what, mine), **_page(what, other, instance="b:10888")}}, told)


def _one_shard() -> Iterator[Incident]:
    """Yield the network of one shard of two, what comes to it later, and what looks like it and is not."""
    for what, portals, cut in (
        ("one shard of two is cut off", 8, slice(0, None, 2)),
        ("one shard of two, with most of the portals, is cut off", 4, slice(3)),
    ):
        lost = [*_wix(12, _outage(_CUT))[::2], *_bitrix24(portals, _outage(_CUT))[cut]]
        names = {site.name for site in lost}
        left = [site for site in (*_wix(12), *_bitrix24(portals)) if site.name not in names]
        yield Incident(what, {what: {**_page(what, lost), **_page(what, left, instance="b:10888")}})
    first = BEGIN + 30
    for what, more, told in (
        (
            "later a site",
            [*_wix(12, _outage(_CUT, BEGIN + 55, inf))[1:2], *_wix(12)[3::2]],
            Messages(pages=2, tickets=0, over=0),
        ),
        ("later more sites", _wix(12, _outage(_DOWN, first, first + 20))[1::2], Messages(pages=2, tickets=0, over=1)),
        # Who was told of a part gets no all-clear of it while all is down, and none later if the part is what is left.
        (
            "later the other",
            [*_wix(12, _outage(_CUT, first, first + 20))[1::2], *_bitrix24(8, _outage(_CUT, first, first + 20))[1::2]],
            Messages(pages=2, tickets=0, over=1),
        ),
    ):
        lost = [*_wix(12, _outage(_CUT, BEGIN, inf))[::2], *_bitrix24(8, _outage(_CUT, BEGIN, inf))[::2]]
        left = [] if "the other" in what else _bitrix24(8)[1::2]
        yield _one(f"one shard of two is cut off for good, {what}", [*lost, *more, *left], told)
    alone = [*_wix(12)[1:], *_bitrix24(8)[1:], *_wix(12, _outage(_CUT))[:1], *_bitrix24(8, _outage(_CUT))[:1]]
    yield _one("one site of each platform is cut off", alone, Messages(pages=2, tickets=0, over=2))
    apart = [*_wix(12, _outage(_CUT, BEGIN, _LONG))[:6], *_wix(12)[6:]]
    apart += [*_bitrix24(8, _outage(_CUT, BEGIN + 30, _LONG))[1:3], *_bitrix24(8)[:1], *_bitrix24(8)[3:]]
    yield _one("half of a platform is cut off, then two of the other", apart, Messages(pages=3, tickets=0, over=3))


def _keys() -> Iterator[Incident]:
    """Yield refused keys."""
    key = _wix(8, _outage(_REFUSED), credential=_KEY)
    two = Messages(pages=2, tickets=0, over=2)
    yield _of_jobs("a key of two jobs is refused", [key, key], two)
    other = [replace(site, name=f"other-{site.name}", credential="/run/secrets/other") for site in key]
    yield _one("two keys are refused, and there is no other", [*key, *other], two)
    grows = _growing((3, BEGIN, _LONG), (12, BEGIN + 20, _LONG), error=_REFUSED)
    # The three were told when nobody could know; Alertmanager sends no all-clear of what is kept back when it ends.
    yield _one(
        "a key is refused by 3 of 12 sites, then by all",
        [replace(site, credential=_KEY) for site in grows],
        Messages(pages=4, tickets=0, over=1),
    )


def _besides() -> Iterator[Incident]:
    """Yield what befalls a fleet of which a part has been down for an hour and is not mended."""
    late, repaired = BEGIN + 66, BEGIN + 94
    bad = _wix(20, _outage(_DOWN, BEGIN, inf))[:5]
    begins = _wix(20, _outage(_DOWN, late, repaired))[5:]
    two = Messages(pages=2, tickets=0, over=1)
    yield _one("five are down for good, then five more", [*bad, *begins[:5], *_wix(20)[10:], *_bitrix24(2)], two)
    yield _one("five are down for good, then the platform", [*bad, *begins, *_bitrix24(2)], two)
    cut = [*_wix(20, _outage(_CUT, late, repaired))[5:], *_bitrix24(6, _outage(_CUT, late, repaired))]
    yield _one("five are down for good, then the network", [*bad, *cut], two)
    key = [replace(site, credential="/run/secrets/other") for site in _wix(20, _outage(_REFUSED, late, repaired))[5:]]
    yield _one("five are down for good, then a key is refused", [*bad, *key, *_bitrix24(2)], two)
    what = "five are down for good, then a scrape fails"
    yield Incident(what, {what: _without(_page(what, [*bad, *_wix(20)[5:]]), 100, 101)}, Messages(pages=1, tickets=0, over=0))
    refused = _wix(12, _outage(_REFUSED, BEGIN, inf), credential=_KEY)[:8]
    others = _wix(12, _outage(_CUT, late, repaired), credential=_KEY)[8:]
    yield _one(
        "a key is refused by most of its sites for good, then the others are cut off",
        [*refused, *others],
        Messages(pages=5, tickets=0, over=4),
    )


def _interrupted() -> Iterator[Incident]:
    """Yield outages in which the exporter starts again, as another Pod, or is not scraped for some minutes."""
    key = [*_wix(8, _outage(_REFUSED), credential=_KEY), *_bitrix24(2)]
    for cause, sites in (("network", _both(_CUT)), ("key", key)):
        what, at = f"the exporter starts again ({cause})", _HALF_AN_HOUR_IN
        after = _page(what, _again(sites, at), instance="b:10888")
        yield Incident(what, {what: {**_between(_page(what, sites), 0, at - 1), **_between(after, at, inf)}})
    for minutes, at in ((3, 35), (8, 35), (3, 50), (8, 50), (3, 71)):
        what = f"no scrape succeeds for {minutes} min from {at - int(BEGIN)} on"
        yield Incident(what, {what: _without(_page(what, [*_wix(8, _outage(_DOWN)), *_bitrix24(2)]), at, at + minutes)})


def _changing() -> Iterator[Incident]:
    """Yield outages that grow, shrink, come back, or are joined by another."""
    late = BEGIN + 20
    # Three pages of sites alone, one for a part, one for the platform, each for what is more than was told.
    grows = _growing((3, BEGIN, _LONG), (8, BEGIN + 18, _LONG), (30, BEGIN + 36, _LONG))
    yield _one("3 sites are down, then 8, then 30", grows, Messages(pages=5, tickets=0, over=1))
    shrinks = _growing((10, BEGIN, _LONG), (30, BEGIN, BEGIN + 30))
    yield _one("30 sites are down, then 10", shrinks, Messages(pages=2, tickets=0, over=2))
    twice = (_outage(_DOWN, BEGIN, late), _outage(_DOWN, late + 10, late + 30))
    yield _one("a platform is down twice, ten minutes apart", [*_wix(8, twice), *_bitrix24(2)])
    joined = [*_wix(8, _outage(_CUT, BEGIN, _LONG)), *_bitrix24(6, _outage(_CUT, BEGIN + 25, _LONG))]
    yield _one("a platform cannot be reached, then no other, either", joined, Messages(pages=2, tickets=0, over=1))
    other = [*_wix(8, _outage(_REFUSED), credential=_KEY), *_bitrix24(6, _outage(_DOWN, late))]
    yield _one("a key is refused, then the other platform is down", other, Messages(pages=2, tickets=0, over=2))


def _limits() -> Iterator[Incident]:
    """Yield limits: they are no failure as long as there are data."""

    def limited(number: int, hit: int) -> list[Site]:
        return [*fleet(number, "wix", _spread, _outage(_LIMITED), hit=range(hit), collectors=("bookings",)), *_bitrix24(2)]

    yield _one("bookings of one site of nine are limited", limited(9, 1), TICKET)
    yield _one("bookings of all sites are limited", limited(12, 12), TICKET)
    dark = [*_wix(12, _outage(_LIMITED)), *_bitrix24(2)]
    yield _one("all of a platform is limited until no data are left", dark, Messages(pages=1, tickets=1, over=2))


def _spread(at: int) -> float:
    """Return when a slow poll is: each has its own place in its interval."""
    return 0.1 + at * 0.37 % 15


def _outage(error: PollError, begin: float = BEGIN, end: float = _END) -> Outage:
    return Outage(begin, end, error)


def _wix(number: int, outage: Outage | Sequence[Outage] = (), *, credential: str = "") -> list[Site]:
    return fleet(number, "wix", _spread, outage, credential=credential)


def _bitrix24(number: int, outage: Outage | Sequence[Outage] = ()) -> list[Site]:
    return fleet(number, "bitrix24", _spread, outage)


def _both(error: PollError) -> list[Site]:
    return [*_wix(8, _outage(error)), *_bitrix24(6, _outage(error))]


def _growing(*parts: tuple[int, float, float], error: PollError = _DOWN) -> list[Site]:
    """Return sites: up to each number those that no part before it has fail between two minutes."""
    found: list[Site] = []
    for number, begin, end in parts:
        found += _wix(number, _outage(error, begin, end))[len(found) :]
    return found


def _paused(sites: Sequence[Site], minute: int = 0) -> list[Site]:
    return [replace(site, end=minute) for site in sites]


def _again(sites: Sequence[Site], minute: float) -> list[Site]:
    """Return sites as a process asks them that starts at ``minute``: all within half a minute."""
    return [replace(site, phases={name: minute + 0.2 + phase % 0.5 for name, phase in site.phases.items()}) for site in sites]


def _set(at: int, minutes: float) -> Callable[[int], float]:
    return lambda minute: minute + (minutes if minute >= at else 0)


def _page(job: str, sites: Sequence[Site], *, instance: str = "a:10888", clock: Callable[[int], float] = float) -> Page:
    return series_of(job, sites, MINUTES, instance=instance, clock=clock)


def _one(what: str, sites: Sequence[Site], told: Messages = PAGE, *, clock: Callable[[int], float] = float) -> Incident:
    return Incident(what, {what: _page(what, sites, clock=clock)}, told)


def _of_jobs(what: str, fleets: Sequence[Sequence[Site]], told: Messages) -> Incident:
    names = (f"{what}: {number}" for number, _ in enumerate(fleets))
    return Incident(what, {name: _page(name, sites) for name, sites in zip(names, fleets, strict=True)}, told)


def _between(page: Page, begin: float, end: float) -> Page:
    """Return a page that is there within these minutes only."""
    return {name: [value if begin <= at < end else None for at, value in enumerate(row)] for name, row in page.items()}


def _without(page: Page, begin: int, end: int) -> Page:
    """Return a page of which no scrape succeeds within these minutes."""
    return {
        name: [(0.0 if name.startswith("up{") else None) if begin <= at < end else value for at, value in enumerate(row)]
        for name, row in page.items()
    }
