"""A day of a fleet in Prometheus, as far as rules look back: what its page shows, and what the recording rules made of it.

The page is the product's own, so that families and labels are the real ones. Nothing changes during the day: every series is
one number at every scrape, and is written for as long as some rule looks back on it. What a query touches depends on how many
samples there are, hardly on what they say, and a day of forty targets takes seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

import httpx
from msgspec.structs import replace
from promql_parser import MatrixSelector, SubqueryExpr, VectorSelector

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.connection_checks import CalendarProbe, ImportCalendars
from exporter.errors import Reason
from exporter.fields.durations import parse_duration
from exporter.metrics import Format, MetricsPage
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Budget,
    CollectorName,
    Conflict,
    ConnectionStatus,
    ErrorReason,
    Observation,
    OperatingTime,
    Window,
    WindowBookings,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.state.snapshot import CollectorState
from exporter.support.remote_write import Labels
from tests.harness.exposition import instruments_for, lines_of
from tests.harness.views import Target, connection, connections, failed, succeeded, target_of, unpolled, view_of
from tests.monitoring.bundle import ALERT_GROUPS, RECORDING_GROUPS
from tests.monitoring.promql import parse, walk
from tests.monitoring.remote_write import Run, remote_write_runs

JOB: Final = "booking-sync-exporter"
INSTANCE: Final = "127.0.0.1:10888"
SCRAPE_SECONDS: Final = 60.0
DAY: Final = 86_400.0
# Longer than Prometheus looks back for an instant, and than the samples of the slowest group lie apart.
_MIN_HISTORY: Final = 900.0
# No sample lies on the edge of a range that ends when people ask: ranges are closed up to Prometheus 2, left-open since 3.
_SINCE_SCRAPE, _SINCE_RULES = 17.0, 7.0
_SCRAPED: Final = {
    "up": 1.0,
    "scrape_duration_seconds": 0.5,
    "scrape_samples_scraped": 12_000.0,
    "scrape_samples_post_metric_relabeling": 12_000.0,
    "scrape_series_added": 0.0,
}

HEAD: Final = (
    "--storage.tsdb.retention.time=100y",
    "--storage.tsdb.min-block-duration=1000d",
    "--storage.tsdb.max-block-duration=1000d",
    "--web.enable-remote-write-receiver",
)
"""Arguments of a Prometheus that takes samples of any moment, series by series: its newest block spans years."""


@dataclass(frozen=True, slots=True)
class Fleet:
    """Wix sites with ``connections`` each, of which one is in error and one is accepted as it is, and Bitrix24 portals.

    Every fourth site refuses to tell its bookings. The first sites are businesses that have a portal, too.
    """

    sites: int
    portals: int
    connections: int


class FleetPage:
    """The metrics page of a fleet whose collectors were all polled ten seconds ago."""

    def __init__(self, fleet: Fleet, at: float) -> None:
        self._fleet = fleet
        view = view_of(*_targets(fleet, at), at=at)
        instruments = instruments_for(view)
        for target in view.targets:
            counters = instruments.target(target.name)
            assert counters is not None
            for state in target.collectors:
                counters.poll_finished(state.collector, 1.5, state.failure.reason if state.failure else None)
            instruments.poll_began(target.platform, 0.01)
        self._page = MetricsPage(instruments)

    def render(self, at: float) -> str:
        """Return the text of the page at a moment; the newest polls ended ten seconds before it."""
        return self._page.render(view_of(*_targets(self._fleet, at), at=at), Format.TEXT).decode()


def write_day(client: httpx.Client, fleet: Fleet, at: float, instance: str = INSTANCE) -> None:
    """Write what lies behind a fleet at ``at`` into a Prometheus: the scrapes, then what the recording rules recorded.

    The Prometheus runs with :data:`HEAD` and has no rules of its own.
    """
    history = looked_back(rule["expr"] for group in (*RECORDING_GROUPS, *ALERT_GROUPS) for rule in group["rules"])
    scraped: dict[Labels, float] = {
        frozenset({**labels, "__name__": name, "job": JOB, "instance": instance}.items()): value
        for name, labels, value in lines_of(FleetPage(fleet, at - _SINCE_SCRAPE).render(at - _SINCE_SCRAPE))
        if name in history
    }
    for name in _SCRAPED.keys() & history.keys():
        scraped[frozenset({"__name__": name, "job": JOB, "instance": instance}.items())] = _SCRAPED[name]
    _write(client, scraped, history, at - _SINCE_SCRAPE, SCRAPE_SECONDS)
    for record, rules in _recordings():
        if record not in history:
            continue
        for expression, every in rules:
            found = {
                frozenset({**one["metric"], "__name__": record}.items()): float(one["value"][1])
                for one in query(client, expression, at)["result"]
            }
            _write(client, found, history, at - _SINCE_RULES, every)


def query(client: httpx.Client, expression: str, at: float) -> dict[str, Any]:
    """Return what an instant query found, with its statistics."""
    answer = client.post("/api/v1/query", data={"query": expression, "time": at, "stats": "all"}).json()
    assert "success" == answer["status"], f"{expression}: {answer}"
    found: dict[str, Any] = answer["data"]
    return found


def interval_of(group: Mapping[str, Any]) -> float:
    """Return every how many seconds a group is evaluated; one that does not say it takes the example configuration's 30."""
    return parse_duration(group.get("interval", "30s"))


def looked_back(expressions: Iterable[str]) -> dict[str, float]:
    """Return by metric how many seconds before now the oldest sample lies that one of ``expressions`` wants."""
    longest: dict[str, float] = defaultdict(lambda: _MIN_HISTORY)
    for expression in expressions:
        for node, above in walk(parse(expression)):
            if isinstance(node, VectorSelector) and node.name:
                behind = _total(
                    node.offset,
                    *(one.range for one in above if isinstance(one, MatrixSelector | SubqueryExpr)),
                    *(one.offset for one in above if isinstance(one, SubqueryExpr)),
                )
                longest[node.name] = max(longest[node.name], behind + _MIN_HISTORY)
    return dict(longest)


def _total(*parts: timedelta | None) -> float:
    return sum(part.total_seconds() for part in parts if part is not None)


def _recordings() -> Iterable[tuple[str, list[tuple[str, float]]]]:
    """Yield recorded series with their rules and intervals, each after those that it is made from."""
    rules: dict[str, list[tuple[str, float]]] = defaultdict(list)
    for group in RECORDING_GROUPS:
        for rule in group["rules"]:
            rules[rule["record"]].append((rule["expr"], interval_of(group)))
    while rules:
        for record, own in rules.items():
            if not (looked_back(expression for expression, _ in own).keys() & rules.keys()) - {record}:
                break
        yield record, rules.pop(record)


def _write(
    client: httpx.Client, found: Mapping[Labels, float], history: Mapping[str, float], last: float, every: float
) -> None:
    remote_write_runs(
        client,
        (Run(labels, value, last, every, behind=history[dict(labels)["__name__"]]) for labels, value in found.items()),
    )


def _targets(fleet: Fleet, now: float) -> list[Target]:
    """Return the targets of a fleet whose newest polls ended ten seconds before ``now``."""
    at = now - 10
    wix = [_site(number, fleet.connections, at) for number in range(fleet.sites)]
    return wix + [_portal(number, at) for number in range(fleet.portals)]


def _site(number: int, listed: int, at: float) -> Target:
    name = f"site-{number:04}-wix"
    probed = CalendarProbe(succeeded=True, at=at, since=at - DAY)
    rows = [
        replace(
            connection(f"Chair {chair}", since=at - DAY, observed_at=at),
            probe=probed,
            import_calendars=ImportCalendars(present=1, missing=0),
        )
        for chair in range(listed)
    ]
    rows[0] = connection(
        "Chair 0", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED, since=at - 2 * DAY, observed_at=at
    )
    rows[-1] = connection(f"Chair {listed - 1}", ConnectionStatus.DISCONNECTED, since=at - 2 * DAY, observed_at=at)
    bookings = BookingsObservation(
        at,
        tuple(WindowBookings(window, 9, by_status={"confirmed": 8, "pending": 1}) for window in _windows(at)),
        platform_conflicts={"next_24h": 0, "next_7d": 0},
    )
    counted = _polled(name, "wix", CollectorName.BOOKINGS, bookings)
    if number % 4 == 0:
        counted = failed(counted, Reason.PERMISSION, "the key may not read bookings", at=at, status=403)
    return target_of(
        name,
        "wix",
        [_polled(name, "wix", CollectorName.CONNECTIONS, connections(*rows, at=at)), counted],
        labels={"site": f"site-{number:04}"},
        usage=ApiUsage(budgets=(Budget("requests", 200.0, 198.0),), credential_expiry=at + 90 * DAY),
        policy=TargetPolicy(
            connections={f"Chair {listed - 1}": AcceptedReason("cut on purpose")}, credential="/run/secrets/wix"
        ),
    )


def _portal(number: int, at: float) -> Target:
    name = f"site-{number:04}-b24"
    bookings = BookingsObservation(
        at,
        tuple(WindowBookings(window, 12, conflicting=2, accepted=0, by_resource={"7": 8, "8": 4}) for window in _windows(at)),
        next_booking=at + 1_800,
        measures_next=True,
        conflicts=(Conflict("7", "341", "352", at + 3_600, at + 5_400),),
        resource_names={"7": "Chair 1", "8": "Chair 2"},
        next_conflict=at + 3_600,
    )
    answers = (LinkAnswers(0, 8, 1, 3, {("crm", "deal"): 4, ("crm", "contact"): 1, ("calendar", "event"): 3}),)
    moved = (MismatchedBooking("341", MismatchKind.MOVED, at + 2 * DAY),) if number % 8 == 0 else ()
    answers_of_copies = (CopyAnswers(0, 2, {MismatchKind.MOVED: len(moved)}),)
    copies = CalendarCopies(tuple(WindowCopies(window.name, answers_of_copies, 1) for window in _windows(at)), moved)
    links = LinksObservation(at, tuple(WindowLinks(window, answers, unverified=3) for window in _windows(at)), copies=copies)
    return target_of(
        name,
        "bitrix24",
        [
            _polled(name, "bitrix24", CollectorName.BOOKINGS, bookings),
            _polled(name, "bitrix24", CollectorName.LINKS, links),
        ],
        labels={"site": f"site-{number:04}"},
        usage=ApiUsage(
            budgets=(Budget("requests", 10.0, 7.5), Budget("operating", 240.0, 228.25)),
            operating=(OperatingTime("booking.list", 11.75, at + 400),),
            credential_expiry=at + 90 * DAY,
        ),
        policy=TargetPolicy(credential=f"inline:{name}"),
    )


def _windows(at: float) -> tuple[Window, ...]:
    return Window("next_24h", at, at + DAY), Window("next_7d", at, at + 7 * DAY)


def _polled(name: str, platform: str, collector: CollectorName, seen: Observation) -> CollectorState:
    return succeeded(unpolled(name, platform, collector), seen)
