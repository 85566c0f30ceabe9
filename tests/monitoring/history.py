"""Hours of the exporter's own page: what Prometheus would have scraped from a small, troubled fleet.

The page is the product's (:class:`~exporter.metrics.MetricsPage` over a real snapshot and real counters), so label sets are the
real ones; only the observations are made up. There is a Wix site with every kind of trouble, a Bitrix24 portal of the same
business, whose bookings are paired with their owner's calendar, and a site that has been refusing access for an hour.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import CalendarCopies, CopyAnswers, WindowCopies
from exporter.connection_checks import CalendarProbe, ImportCalendars, StaffProtection, UnprotectedReason, UnprotectedStaff
from exporter.errors import Reason
from exporter.metrics import Format, Instruments, MetricsPage, TargetInstruments
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Budget,
    CalendarType,
    CollectorName,
    Conflict,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    Observation,
    OperatingTime,
    Provider,
    Window,
    WindowBookings,
)
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation, ImportedEvents, ImportHeartbeat, WindowEvents
from exporter.state.snapshot import CollectorState, View
from tests.harness.expected import expected
from tests.harness.exposition import counters_of
from tests.harness.views import failed, proof, succeeded, target_of, unpolled, view_of, wix_slots

JOB: Final = "booking-sync-exporter"
EMPTY_JOB: Final = "without-targets"
INSTANCE: Final = "127.0.0.1:10888"
HOURS: Final = 3.0
STEP_SECONDS: Final = 60
HOUR: Final = 3_600.0
DAY: Final = 24 * HOUR
WIX, BITRIX24 = "wix", "bitrix24"
PAIR, PAIRED = "anna", "salon-b24"
SITE: Final = {"site": "salon-berlin", "team": "north"}

OPERATIONS: Final[Mapping[str, Sequence[str]]] = {
    WIX: ("connections.list", "bookings.count"),
    BITRIX24: ("booking.list", "externaldata.list"),
}


@dataclass(frozen=True, slots=True)
class Member:
    """One target of the fleet and its collectors before their first poll."""

    name: str
    platform: str
    collectors: tuple[CollectorName, ...]
    counters: TargetInstruments
    labels: Mapping[str, str]

    def unpolled(self, collector: CollectorName) -> CollectorState:
        return replace(unpolled(self.name, self.platform, collector), next_poll=None)


def _windows(at: float) -> tuple[Window, Window]:
    return Window("next_24h", at, at + DAY), Window("next_7d", at, at + 7 * DAY)


def _connections(at: float, now: float) -> ConnectionsObservation:
    broken, apple_down = at > now - HOUR, at > now - HOUR / 3

    def row(key: str, kind: CalendarType, status: ConnectionStatus, reason: ErrorReason | None = None) -> Connection:
        since = now - HOUR if broken else now - 10 * HOUR
        return Connection(key, kind, kind.value, "0a1b2c3d4e5f", status, reason, True, True, since, at)

    synced, error = ConnectionStatus.SYNCED, ConnectionStatus.ERROR
    return ConnectionsObservation(
        at,
        (
            row("Chair 1", CalendarType.GOOGLE, synced),
            row("Chair 2", CalendarType.GOOGLE, error if broken else synced, ErrorReason.TOKEN_REVOKED if broken else None),
            row("Chair 3", CalendarType.MICROSOFT, error if broken else synced, ErrorReason.UNDEFINED if broken else None),
            row("Chair 4", CalendarType.MICROSOFT, ConnectionStatus.DISCONNECTED if broken else synced),
            replace(
                row("Chair 5", CalendarType.APPLE, synced),
                probe=CalendarProbe(succeeded=not broken, at=at, since=at),
                import_calendars=ImportCalendars(present=1, missing=1),
            ),
        ),
        (Provider("google", up=True), Provider("microsoft", up=True), Provider("apple", up=not apple_down)),
        sharing_account=2,
        staff=StaffProtection(4, 0, (UnprotectedStaff("Chair 6", UnprotectedReason.NO_CONNECTION),)),
    )


def _bookings(at: float, platform: str, number: int) -> BookingsObservation:
    wix = platform is WIX
    return BookingsObservation(
        at,
        tuple(
            WindowBookings(
                window,
                number * share,
                complete=window.name == "next_24h",
                conflicting=2,
                by_status={"confirmed": number * share - 1, "pending": 1} if wix else None,
                by_resource=None if wix else {"7": number, "8": 0},
            )
            for window, share in zip(_windows(at), (1, 4), strict=True)
        ),
        next_booking=at + 1_800,
        measures_next=True,
        conflicts=(Conflict("7", "341", "352", at + 3_600, at + 5_400),),
        resource_names={} if wix else {"7": "Chair 1", "8": "Chair 2"},
        dropped_resources=0 if wix else 3,
    )


def _links(at: float) -> LinksObservation:
    by_entity = {("crm", "deal"): 10, ("crm", "contact"): 2, ("calendar", "event"): 9}
    return LinksObservation(
        at,
        tuple(WindowLinks(window, (LinkAnswers(0, 12, 8, 9, by_entity),), unverified=3) for window in _windows(at)),
        copies=CalendarCopies(tuple(WindowCopies(window.name, (CopyAnswers(0, 8, {}),), 1) for window in _windows(at))),
    )


def _events(at: float) -> EventsObservation:
    """Return private events that block what they should, copies of bookings that came back, and a heartbeat."""
    windows = tuple(WindowEvents(window, dict.fromkeys(Cause, 0), copies=2) for window in _windows(at))
    beats = ImportHeartbeat(arrives=True, written=at - HOUR, lag=660.0)
    numbers = {"next_24h": 2, "next_7d": 9}
    imports = (ImportedEvents("Chair 1", "Chair 1", numbers, at - HOUR, at + 9 * HOUR, heartbeat=beats),)
    return EventsObservation(at, windows, imports, {"google": True})


class Fleet:
    """The fleet at any moment of the last hours."""

    def __init__(self, now: float) -> None:
        self.now = now
        self.instruments = Instruments(CollectorRegistry())
        self.page = MetricsPage(self.instruments)
        connections, bookings, links = CollectorName.CONNECTIONS, CollectorName.BOOKINGS, CollectorName.LINKS
        self.members = tuple(
            Member(name, platform, collectors, counters_of(self.instruments, name, platform), labels)
            for name, platform, collectors, labels in (
                ("salon-wix", WIX, (connections, bookings, CollectorName.EVENTS, CollectorName.SLOTS), SITE),
                ("salon-b24", BITRIX24, (bookings, links), SITE),
                ("refused-wix", WIX, (connections, bookings), {"site": "elsewhere"}),
            )
        )
        for member in self.members:
            member.counters.expect(expected(member.collectors, OPERATIONS[member.platform], reads_bookings=True))
        self.instruments.arrange_pairs({PAIR: PAIRED})
        self.instruments.config_loaded(ok=True, at=now - HOURS * HOUR, hash="0123456789abcdef")
        self.instruments.loop_lag(0.004)

    def at(self, moment: float) -> View:
        """Count what happened in the step before ``moment`` and return what the exporter shows."""
        self.instruments.proof_lag(PAIR, 180.0)
        view = view_of(
            *(
                target_of(
                    member.name,
                    member.platform,
                    [self._state(member, collector, moment) for collector in member.collectors],
                    labels=member.labels,
                    usage=_usage(member.platform, moment),
                    policy=TargetPolicy(
                        connections={"Chair 1": AcceptedReason("it works, whatever is accepted")},
                        credential=f"inline:{member.name}",
                    ),
                )
                for member in self.members
            ),
            at=moment,
        )
        pairs = (replace(proof(PAIR), at=moment, since=self.now - 2 * HOUR),)
        targets = tuple(replace(target, pairs=pairs) if target.name == PAIRED else target for target in view.targets)
        return replace(view, targets=targets)

    def _state(self, member: Member, collector: CollectorName, moment: float) -> CollectorState:
        refused_since = self.now - HOUR
        refused = member.name == "refused-wix" and moment > refused_since
        seen = refused_since if refused else moment
        state = succeeded(member.unpolled(collector), self._observe(member, collector, seen))
        reason = None
        if refused:
            reason = Reason.AUTH
            state = failed(state, reason, "refused", at=moment, status=401)
        elif isinstance(state.observation, ConnectionsObservation) and not all(one.up for one in state.observation.providers):
            reason = Reason.SERVER_ERROR
            state = failed(state, reason, "a provider failed", at=moment, observation=state.observation)
        self._count(member, collector, reason)
        return state

    def _observe(self, member: Member, collector: CollectorName, at: float) -> Observation:
        if collector is CollectorName.CONNECTIONS:
            return _connections(at, self.now)
        if collector is CollectorName.BOOKINGS:
            return _bookings(at, member.platform, 6 if member.platform is WIX else 4)
        if collector is CollectorName.SLOTS:
            return wix_slots(at=at)
        return _events(at) if collector is CollectorName.EVENTS else _links(at)

    def _count(self, member: Member, collector: CollectorName, reason: Reason | None) -> None:
        counters = member.counters
        self.instruments.poll_began(member.platform, 0.01)
        counters.poll_finished(collector, 0.8, reason)
        for operation in OPERATIONS[member.platform]:
            counters.request(operation, "401" if reason is Reason.AUTH else "200", 0.2)
            counters.retry(operation, "timeout")
        counters.throttle_wait(0.1)
        counters.malformed_rows(collector, 1)
        counters.unrecognized_value(collector, "status")
        if collector is CollectorName.BOOKINGS and reason is None:
            counters.bookings_discovered(1)
            counters.bookings_vanished(1)
        self.instruments.log_message("info")


def _usage(platform: str, moment: float) -> ApiUsage:
    if platform is WIX:
        return ApiUsage(budgets=(Budget("requests", 200.0, 150.0),))
    return ApiUsage(
        budgets=(Budget("requests", 10.0, 7.5), Budget("operating", 240.0, 30.0)),
        operating=(OperatingTime("booking.list", 11.75, moment + 400),),
        credential_expiry=moment + 3 * DAY,
    )


def openmetrics(now: float) -> Iterator[str]:
    """Yield the lines that ``promtool tsdb create-blocks-from openmetrics`` reads: every scrape of the last hours."""
    fleet = Fleet(now)
    empty = MetricsPage(Instruments(CollectorRegistry()))
    steps = int(HOURS * HOUR / STEP_SECONDS)
    for step in range(steps + 1):
        moment = now - (steps - step) * STEP_SECONDS
        text = fleet.page.render(fleet.at(moment), Format.TEXT).decode()
        if moment < now - HOUR:  # an earlier process
            text = re.sub(r"^(process_start_time_seconds) \S+$", r"\1 1000000000", text, flags=re.MULTILINE)
        yield from _scraped(text, JOB, moment)
        yield from _scraped(empty.render(view_of(at=moment), Format.TEXT).decode(), EMPTY_JOB, moment)
    yield "# EOF"


def _scraped(text: str, job: str, moment: float) -> Iterator[str]:
    labels = f'job="{job}",instance="{INSTANCE}"'
    yield f"up{{{labels}}} 1 {moment:.0f}"
    yield f"scrape_samples_scraped{{{labels}}} 900 {moment:.0f}"
    yield f"scrape_duration_seconds{{{labels}}} 0.01 {moment:.0f}"
    for line in text.splitlines():
        if line and not line.startswith("#"):
            series, value = line.rsplit(" ", 1)
            name, _, own = series.removesuffix("}").partition("{")
            yield f"{name}{{{labels}{',' + own if own else ''}}} {value} {moment:.0f}"


def a_week_ago(now: float) -> Iterator[str]:
    """Yield half an hour of recorded series a week ago; recorded series do not exist before their rule ran."""
    for target, platform in (("salon-wix", WIX), ("salon-b24", BITRIX24)):
        labels = f'job="{JOB}",target="{target}",platform="{platform}"'
        for series in (
            f'target_window:booking_sync_bookings:max{{{labels},window="next_24h"}}',
            f'target_window:booking_sync_bookings:max{{{labels},window="next_7d"}}',
            f"target:booking_sync_discovered_bookings:increase4h{{{labels}}}",
        ):
            for minute in range(-15, 15):
                yield f"{series} 30 {now - 7 * DAY + 60 * minute:.0f}"
    yield "# EOF"
