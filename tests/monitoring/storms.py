"""Storms: one cause that befalls one target, five, forty or a thousand; what is published meanwhile, and what fires when.

A fleet is polled as the scheduler does it: most slow polls lie together, as they were started, the others anywhere in their
interval, so that the targets come back one by one. A storm begins ``phase`` minutes after the slow polls.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from pathlib import Path
from typing import Final

from exporter.errors import AuthError, NetworkError, ServerError
from tests.monitoring.bundle import ALERT_NAMES
from tests.monitoring.outages import COLLECTORS, Outage, Site, firing, fleet, own_labels, polls, series_of

PHASES: Final = (0.5, 2.5, 4.5)
NUMBERS: Final = (1, 5, 40, 1_000)
LASTS: Final = 36.0
"""Minutes; the longest back-off of a refused key began a minute before, so that the last target is late."""

_PLAYED: Final = 40
_AT_ONCE: Final = 100
"""Targets; promtool reads 10,000 samples for a query and no more, which a range over the connections of 150 targets has.

So a storm at a thousand has the alerts of forty, 25 times over: rules know shares and least numbers, which forty reach as well.
"""

MINUTES: Final = 160
"""How long is played: all storms have three quarters of an hour after the repair, in which an alert may still come or end."""

_TOGETHER: Final = 0.3
_GOLDEN: Final = 0.618034
_MAX_AGE_MINUTES: Final = 5
_OWNERS_TAKE: Final = 15.0
_CHAIRS: Final = {"Chair 1": "google", "Chair 2": "google", "Chair 3": "apple"}

Page = dict[str, list[float | None]]


class Cause(StrEnum):
    """What breaks. The last four leave the polls alone, or bring at least a part."""

    KEY_REFUSED = "a key is refused"
    NETWORK_CUT = "the host's network is cut"
    PLATFORM_DOWN = "a platform is down"
    PROVIDER_DOWN = "a calendar provider is down"
    GRANTS_REVOKED = "one grant of three is revoked"
    MOST_REVOKED = "two grants of three are revoked"
    ALL_REVOKED = "all grants are revoked"

    @property
    def pages(self) -> bool:
        """Whether somebody is woken; else it is a ticket."""
        return self not in (Cause.PROVIDER_DOWN, Cause.GRANTS_REVOKED)


_REVOKED: Final = {
    Cause.GRANTS_REVOKED: ("apple",),
    Cause.MOST_REVOKED: ("google",),
    Cause.ALL_REVOKED: ("google", "apple"),
}


@dataclass(frozen=True, slots=True)
class Storm:
    """One cause at a number of targets, at one moment of the polling grid."""

    cause: Cause
    number: int
    phase: float

    @property
    def name(self) -> str:
        """Return what tells this storm from all others."""
        return f"{self.cause}, {self.number}, {self.phase:g}"

    @property
    def played(self) -> int:
        """Return how many targets the rules are played to; their alerts are then repeated up to the number of the storm."""
        return min(self.number, _PLAYED)

    @property
    def begin(self) -> float:
        """Return the minute; a burn rate asks for an hour of history."""
        return 75 + _TOGETHER + self.phase

    @property
    def seen(self) -> int:
        """Return the minute of the first scrape: where no history counts, none is played."""
        return 0 if self.cause in _REVOKED else 50

    @property
    def end(self) -> float:
        """Return the minute of the repair."""
        return self.begin + LASTS


@dataclass(frozen=True, slots=True)
class Spell:
    """An alert that fires from a minute of the storm on, and until another one; ``None`` when it never ended."""

    labels: Mapping[str, str]
    begin: int
    end: int | None


def spells(storms: Sequence[Storm], folder: Path) -> dict[str, list[Spell]]:
    """Return what fires in each storm, in minutes since it began, as the shipped rules have it.

    Several are evaluated at once, each as a job of its own: most of the time goes into beginning an evaluation.
    """
    found: dict[str, list[Spell]] = {}
    for together in _together(storms):
        found |= _spells(together, folder)
    return {storm.name: list(_repeated(found[storm.name], storm.number // storm.played)) for storm in storms}


def _repeated(spells: Sequence[Spell], times: int) -> Iterator[Spell]:
    """Yield every spell of a target ``times`` times, as one of a target of its own, and all others once."""
    for spell in spells:
        target = spell.labels.get("target")
        for number in range(times if target else 1):
            yield replace(spell, labels={**spell.labels, "target": f"{target}-{number}"}) if number else spell


def _together(storms: Sequence[Storm]) -> Iterator[list[Storm]]:
    """Yield storms that may be evaluated at once; each one is alone if it is too large for more."""
    group: list[Storm] = []
    for storm in sorted(storms, key=lambda storm: storm.number):
        if group and sum(one.played for one in group) + storm.played > _AT_ONCE:
            yield group
            group = []
        group.append(storm)
    yield group


def _spells(storms: Sequence[Storm], folder: Path) -> dict[str, list[Spell]]:
    first = {storm.name: int(storm.begin) for storm in storms}
    page = {name: values for storm in storms for name, values in published(storm).items()}
    return played(page, first, MINUTES, folder)


def played(
    page: Page, first: Mapping[str, int], minutes: int, folder: Path, alerts: Collection[str] = ALERT_NAMES
) -> dict[str, list[Spell]]:
    """Return what of ``alerts`` fires for each job, in minutes since its minute in ``first``, when it began."""
    found: dict[str, list[Spell]] = {job: [] for job in first}
    since: dict[tuple[tuple[str, str], ...], int] = {}
    for minute, rows in firing(page, range(minutes + 1), folder, alerts).items():
        # The rules ask whether the job of their own name is there, which none of these is.
        now = {tuple(sorted(labels.items())): labels["job"] for labels in rows if labels["job"] in found}
        for key in now.keys() - since.keys():
            assert minute > first[now[key]], f"{key} before anything happened"
            since[key] = minute
        for key in since.keys() - now.keys():
            job = dict(key)["job"]
            found[job].append(Spell(dict(key), since.pop(key) - first[job], minute - first[job]))
    for key, minute in since.items():
        job = dict(key)["job"]
        found[job].append(Spell(dict(key), minute - first[job], None))
    return found


def published(storm: Storm) -> Page:
    """Return what the exporter publishes each minute, the calm before the storm included."""
    sites = list(_sites(storm))
    page = series_of(storm.name, sites, MINUTES)
    for site in sites:
        if site.platform == "wix":
            _connections(page, site, storm, MINUTES)
    unseen: list[float | None] = [None] * storm.seen
    return {name: unseen + values[storm.seen :] for name, values in page.items()}


def _sites(storm: Storm) -> Iterator[Site]:
    def outage(error: AuthError | NetworkError | ServerError) -> Outage:
        return Outage(storm.begin, storm.end, error)

    def phase_of(platform: str) -> float:
        return max(COLLECTORS[platform].values()) / 60

    def wix(number: int, hit: Outage | Sequence[Outage], credential: str = "") -> list[Site]:
        return fleet(number, "wix", lambda at: _phase(at, phase_of("wix")), hit, credential=credential)

    def bitrix24(number: int, hit: Outage | Sequence[Outage] = ()) -> list[Site]:
        return fleet(number, "bitrix24", lambda at: _phase(at, phase_of("bitrix24")), hit)

    match storm.cause:
        case Cause.KEY_REFUSED:
            yield from (*wix(storm.played, outage(AuthError("revoked")), "/run/secrets/agency"), *bitrix24(2))
        case Cause.NETWORK_CUT:
            hit = outage(NetworkError("unreachable"))
            yield from (*wix(storm.played - storm.played // 2, hit), *bitrix24(storm.played // 2, hit))
        case Cause.PLATFORM_DOWN:
            yield from (*wix(storm.played, outage(ServerError("fault"))), *bitrix24(2))
        case _:
            yield from wix(storm.played, ())


def _phase(at: int, interval: float) -> float:
    """Return when the slow poll of the ``at``-th site is: three of five lie together, two anywhere."""
    return _TOGETHER + (0.0 if at % 5 < 3 else at * _GOLDEN * interval % interval)


def _connections(page: Page, site: Site, storm: Storm, minutes: int) -> None:
    """Add what is published of the calendars of a site as of its newest poll of them."""
    labels = f'{own_labels(storm.name)},target="{site.name}",platform="wix"'
    down = Outage(storm.begin, storm.end, ServerError("provider")) if storm.cause is Cause.PROVIDER_DOWN else None
    revoked = _revoked(site, storm)
    bad = _REVOKED.get(storm.cause, ())
    done = list(polls(site, "connections", minutes + 1))
    at, good = -1, None
    for minute in range(minutes + 1):
        while at + 1 < len(done) and done[at + 1][0] <= minute:
            at += 1
            good = good if done[at][1] else done[at][0]
        if good is None or (done[at][1] and minute - good > _MAX_AGE_MINUTES):
            continue
        fails = down is not None and down.hits(done[at][0])
        error = revoked is not None and revoked.hits(good)
        if fails:
            _fails_in_part(page, labels, minute, sum(1 for poll in done[: at + 1] if down and down.hits(poll[0])))
        for provider in ("google", "apple"):
            _put(page, f'provider_up{{{labels},provider="{provider}"', minute, minutes, not (fails and provider == "google"))
        gone = fails and minute - storm.begin > _MAX_AGE_MINUTES
        shown = {chair: kind for chair, kind in _CHAIRS.items() if not (gone and kind == "google")}
        for chair, kind in shown.items():
            _chair(page, f'{labels},connection="{chair}"', kind, minute, minutes, error=error and kind in bad)
        for kind in ("google", "apple"):
            number = sum(one == kind for one in shown.values())
            wrong = number if error and kind in bad else 0
            for status, count in (("synced", number - wrong), ("error", wrong)):
                _put(page, f'connections{{{labels},calendar_type="{kind}",status="{status}"', minute, minutes, count)


def _revoked(site: Site, storm: Storm) -> Outage | None:
    """Return for how long the grants of a site are missing: each owner mends his own, one after the other."""
    if storm.cause not in _REVOKED:
        return None
    late = int(site.name.rpartition("-")[2]) * _GOLDEN * _OWNERS_TAKE % _OWNERS_TAKE
    return Outage(storm.begin, storm.end + late, ServerError("revoked"))


def _chair(page: Page, labels: str, kind: str, minute: int, minutes: int, *, error: bool) -> None:
    for status in ("synced", "error"):
        _put(page, f'connection_status{{{labels},status="{status}"', minute, minutes, error == (status == "error"))
    _put(page, f'connection_error{{{labels},reason="token_revoked"', minute, minutes, error)
    info = f'{labels},calendar_type="{kind}",provider="{kind}",schedule="0a1b2c3d4e5f"'
    _put(page, f"connection_info{{{info}", minute, minutes, value=True)
    for direction in ("import", "export"):
        _put(page, f'connection_sync_enabled{{{labels},direction="{direction}"', minute, minutes, value=True)


def _fails_in_part(page: Page, labels: str, minute: int, failures: int) -> None:
    """Make of a poll of the connections that succeeded one that brought only a part."""
    collector = f'{labels},collector="connections"'
    before = f"booking_sync_collector_last_success_timestamp_seconds{{{collector}}}"
    page[f"booking_sync_collector_up{{{collector}}}"][minute] = 0.0
    page[before][minute] = page[before][minute - 1]
    minutes = len(page[before]) - 1
    _put(page, f'collector_failing{{{collector},reason="server_error"', minute, minutes, value=True)
    _put(page, f'collector_failures_total{{{collector},reason="server_error"', minute, minutes, failures)


def _put(page: Page, series: str, minute: int, minutes: int, value: float) -> None:
    page.setdefault(f"booking_sync_{series}}}", [None] * (minutes + 1))[minute] = float(value)
