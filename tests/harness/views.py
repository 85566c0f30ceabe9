"""Synthetic views for pages: a Wix site and a Bitrix24 portal in every state that an operator can meet.

Built through the real :class:`Snapshot`, so that freshness is the product's, not the test's. Everything is fixed: the moment
is :data:`NOW`, and nothing is random.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_busy import BusyObservation, BusyWindow
from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.connection_checks import CalendarProbe, ImportCalendars, ProbesAsked, StaffProtection
from exporter.errors import Reason
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
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.private_calendar import (
    Cause,
    EventsObservation,
    ExternalConflict,
    ImportedEvents,
    ImportFault,
    ImportHeartbeat,
    WindowEvents,
)
from exporter.proof import (
    WINDOWS_SECONDS,
    Arrival,
    BusyTime,
    Import,
    Learning,
    MissingBooking,
    Proof,
    ProofState,
    WindowProof,
)
from exporter.state.failure import Failure
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry, View

NOW: Final = 1_790_000_000.0
WIX: Final = "salon-wix"
BITRIX24: Final = "salon-b24"
CALENDAR: Final = "anna-cal"
OPERATIONS: Final[Mapping[str, tuple[str, ...]]] = {
    "wix": ("connections.list", "bookings.count"),
    "bitrix24": ("booking.list", "externaldata.list"),
    "calendar": ("free_busy_query",),
}
NEXT_24H: Final = Window("next_24h", NOW - 30, NOW - 30 + 86_400)
TODAY: Final = Window("today", 1_789_941_600.0, 1_790_028_000.0)

Target = tuple[TargetEntry, Mapping[CollectorName, CollectorState]]


def view_of(*targets: Target, at: float = NOW) -> View:
    """Return what the exporter would show of ``targets`` at the moment ``at``."""
    snapshot = Snapshot()
    for entry, states in targets:
        snapshot.put_target(entry, states)
    return snapshot.view(at)


def target_of(
    name: str,
    platform: str,
    states: Sequence[CollectorState],
    *,
    labels: Mapping[str, str] | None = None,
    usage: ApiUsage | None = None,
    policy: TargetPolicy | None = None,
) -> Target:
    """Return one target with its collectors."""
    shown = usage or ApiUsage()
    return TargetEntry(name, platform, labels or {}, lambda: shown, policy or TargetPolicy()), {
        state.collector: state for state in states
    }


def unpolled(target: str, platform: str, collector: CollectorName) -> CollectorState:
    """Return a collector that was just configured; its first poll is due in two seconds."""
    return CollectorState(target, platform, collector, interval=60.0, max_age=300.0, next_poll=NOW + 2)


def succeeded(before: CollectorState, observation: Observation) -> CollectorState:
    """Return the collector after a good poll that took 1.5 s and ended with ``observation``."""
    return replace(
        before,
        finished_polls=before.finished_polls + 1,
        up=True,
        last_success=observation.at,
        last_poll=observation.at,
        last_duration=1.5,
        next_poll=observation.at + before.interval,
        failure=None,
        observation=observation,
    )


def failed(
    before: CollectorState,
    reason: Reason,
    message: str,
    *,
    at: float = NOW,
    count: int = 1,
    status: int | None = None,
    observation: Observation | None = None,
) -> CollectorState:
    """Return the collector after its ``count``-th failed poll in a row; with ``observation`` it succeeded partially."""
    since = at - (count - 1) * before.interval
    return replace(
        before,
        finished_polls=before.finished_polls + count,
        up=False,
        last_poll=at,
        last_duration=0.4,
        next_poll=at + before.interval,
        failure=Failure(reason, message, at, count, status=status, since=since, partial=observation is not None),
        observation=observation or before.observation,
    )


def connection(
    key: str,
    status: ConnectionStatus = ConnectionStatus.SYNCED,
    *,
    error_reason: ErrorReason | None = None,
    calendar_type: CalendarType = CalendarType.GOOGLE,
    provider: str = "google",
    schedule: str = "0a1b2c3d4e5f",
    import_enabled: bool = True,
    export_enabled: bool = True,
    since: float = NOW - 7_200,
    observed_at: float = NOW - 30,
) -> Connection:
    """Return one connection, in sync unless told otherwise."""
    return Connection(
        key,
        calendar_type,
        provider,
        schedule,
        status,
        error_reason,
        import_enabled,
        export_enabled,
        since,
        observed_at,
    )


def connections(*rows: Connection, at: float = NOW - 30, providers: Sequence[Provider] | None = None) -> ConnectionsObservation:
    """Return what a poll of the connections saw, by default with every provider of the rows working."""
    known = [Provider(label, up=True) for label in dict.fromkeys(row.provider for row in rows)]
    shown = tuple(known if providers is None else providers)
    return ConnectionsObservation(at, rows, shown, sharing_account=0, staff=StaffProtection(1, 0, ()))


def wix_connections(at: float = NOW - 30) -> ConnectionsObservation:
    """Return a site with a good, an importing, and a broken connection."""
    return connections(
        connection("Chair 1", schedule="Chair 1", observed_at=at),
        replace(
            connection(
                "9f86d081884c",
                ConnectionStatus.CONNECTED,
                calendar_type=CalendarType.APPLE,
                provider="apple",
                export_enabled=False,
                observed_at=at,
            ),
            probe=CalendarProbe(succeeded=True, at=at - 600, since=at - 7_200),
            import_calendars=ImportCalendars(present=2, missing=0),
        ),
        connection(
            "60303ae22b99",
            ConnectionStatus.ERROR,
            error_reason=ErrorReason.TOKEN_REVOKED,
            calendar_type=CalendarType.MICROSOFT,
            provider="microsoft",
            schedule="1b2c3d4e5f60",
            since=NOW - 600,
            observed_at=at,
        ),
        at=at,
    )


def wix_bookings(at: float = NOW - 30) -> BookingsObservation:
    """Return counts without rows: no conflicts, no next booking, nothing discovered."""
    return BookingsObservation(
        at,
        (
            WindowBookings(TODAY, 9, by_status={"confirmed": 8, "pending": 1}),
            WindowBookings(NEXT_24H, 0, by_status={"confirmed": 0, "pending": 0}),
        ),
        platform_conflicts={"next_24h": 0},
    )


_BEATS: Final = ImportHeartbeat(arrives=True, written=NOW - 4_400, lag=1_260.0)


def wix_events(at: float = NOW - 30) -> EventsObservation:
    """Return private events: one blocks nothing, one was put over a booking, copies came back.

    One import is silent, and through the other a heartbeat comes.
    """
    next_7d = Window("next_7d", at, at + 604_800)
    return EventsObservation(
        at,
        (
            WindowEvents(NEXT_24H, {Cause.NOT_BLOCKED: 1, Cause.BOOKED_OVER: 0, Cause.UNKNOWN: 0}, copies=2),
            WindowEvents(next_7d, {Cause.NOT_BLOCKED: 1, Cause.BOOKED_OVER: 1, Cause.UNKNOWN: 0}, copies=7),
        ),
        (
            ImportedEvents("Chair 1", "Chair 1", {"next_24h": 2, "next_7d": 9}, NOW - 7_200, NOW + 500_000, heartbeat=_BEATS),
            ImportedEvents(
                "9f86d081884c",
                "0a1b2c3d4e5f",
                {"next_24h": 0, "next_7d": 0},
                NOW - 90_000,
                faults={ImportFault.SILENT: NOW - 90_000},
            ),
        ),
        {"apple": True, "google": True},
        (
            ExternalConflict("b-812", "Chair 1", NOW + 5_400, NOW + 9_000, Cause.NOT_BLOCKED),
            ExternalConflict("b-815", "Chair 1", NOW + 200_000, NOW + 203_600, Cause.BOOKED_OVER),
        ),
        NOW + 5_400,
    )


def bitrix24_bookings(at: float = NOW - 30) -> BookingsObservation:
    """Return counted rows with two bookings of one chair that overlap."""
    return BookingsObservation(
        at,
        (
            WindowBookings(TODAY, 12, conflicting=2, accepted=0, by_resource={"7": 8, "8": 4}),
            WindowBookings(NEXT_24H, 5, conflicting=2, accepted=0, by_resource={"7": 5, "8": 0}),
        ),
        next_booking=NOW + 1_800,
        measures_next=True,
        conflicts=(Conflict("7", "341", "352", NOW + 3_600, NOW + 5_400),),
        resource_names={"7": "Chair 1", "8": "Chair 2"},
        dropped_resources=3,
        next_conflict=NOW + 3_600,
    )


def wix_slots(over_busy: int = 0, open_slots: int = 9, at: float = NOW - 30) -> SlotsObservation:
    """Return a site with one service that has ``open_slots``, of which so many lie over private events of one schedule."""
    first = NOW + 3 * 3_600 if over_busy else None
    schedules = (ScheduleSlots("Chair 2", over_busy, first), ScheduleSlots("a1b2c3d4e5f6", 0))
    return SlotsObservation(at, (ServiceSlots("Haircut", open_slots, NOW + 7_200 if open_slots else None),), schedules)


def proof(
    pair: str = "Anna",
    *,
    missing: Sequence[float] = (),
    arrived: int = 41,
    left: Sequence[float] = (),
    unknown: Sequence[float] = (),
    imports: bool = True,
    shift: float | None = None,
) -> Proof:
    """Return a pair that has proved itself, with half an hour for each start in seconds from now.

    ``missing`` are bookings that are not in the calendar, ``left`` those that are there although they were cancelled,
    ``unknown`` what the calendar has and the platform does not know.
    """
    numbers = [sum(start < seconds for start in missing) for seconds in WINDOWS_SECONDS.values()]
    return Proof(
        pair,
        NOW - 60,
        ProofState.BROKEN if missing else ProofState.PROVED,
        NOW - 7_200,
        tuple(
            WindowProof(window, {Arrival.ARRIVED: arrived - number, Arrival.MISSING: number, Arrival.PENDING: 1})
            for window, number in zip(WINDOWS_SECONDS, numbers, strict=True)
        ),
        missing=tuple(
            MissingBooking(str(900 + number), NOW + start, NOW + start + 1_800, NOW - 7_200)
            for number, start in enumerate(missing)
        ),
        left_behind=len(left),
        left=tuple(BusyTime(NOW + start, NOW + start + 1_800, NOW - 3_600) for start in left),
        shift=shift,
        lag=180.0,
        imports={Import.KNOWN: 3, Import.MISSING: len(unknown), Import.PENDING: 0} if imports else None,
        unknown_to_platform=tuple(BusyTime(NOW + start, NOW + start + 1_800, NOW - 5_400) for start in unknown),
        arrived_in_all=70,
        calendar="anna-cal",
        resource="Chair 1",
    )


def unlearnt(learning: Learning = Learning.NONE_ARRIVES, days: float = 8, pair: str = "Ben") -> Proof:
    """Return a pair that has been learning for so many ``days``."""
    windows = tuple(WindowProof(window, {Arrival.MISSING: 6}) for window in WINDOWS_SECONDS)
    since = NOW - days * 86_400
    return Proof(
        pair, NOW - 60, ProofState.LEARNING, since, windows, learning, arrived_in_all=0, calendar="ben-cal", resource="Chair 2"
    )


def bitrix24_links(at: float = NOW - 30) -> LinksObservation:
    """Return link coverage of one window; a booking may have several links."""
    by_entity = {("crm", "deal"): 4, ("crm", "contact"): 1, ("calendar", "event"): 3, ("other", "other"): 0}
    copies = CalendarCopies((WindowCopies("next_24h", (CopyAnswers(0, 2, {}),), unverified=1),))
    return LinksObservation(at, (WindowLinks(NEXT_24H, (LinkAnswers(0, 4, 1, 3, by_entity),)),), copies=copies)


def mismatched(*bookings: tuple[float, MismatchKind], unverified: int = 0) -> LinksObservation:
    """Return a portal whose ``bookings`` differ from their copies: when each begins, from now, and how it differs."""
    rows = tuple(MismatchedBooking(str(812 + at), kind, NOW + start) for at, (start, kind) in enumerate(bookings))
    answers = CopyAnswers(0, 9, Counter(row.kind for row in rows))
    copies = CalendarCopies((WindowCopies("next_7d", (answers,), unverified),), rows)
    window = Window("next_7d", NOW - 30, NOW - 30 + 7 * 86_400)
    return LinksObservation(
        NOW - 30, (WindowLinks(window, (LinkAnswers(0, 9, 0, 9, {("calendar", "event"): 9}),)),), copies=copies
    )


def with_old_link_answers(at: float = NOW) -> View:
    """Return a portal at ``at`` whose poll of 30 s ago read five links again; it had read seven others 270 s earlier."""
    by_entity = {("crm", "deal"): 4, ("calendar", "event"): 3}
    answers = (LinkAnswers(0, 4, 1, 3, by_entity), LinkAnswers(270, 5, 2, 0, {("crm", "deal"): 6}))
    links = LinksObservation(NOW - 30, (WindowLinks(NEXT_24H, answers, unverified=1),))
    bookings = succeeded(_B24_BOOKINGS, BookingsObservation(NOW - 30, (WindowBookings(NEXT_24H, 13),)))
    return view_of(bitrix24_target(bookings, succeeded(_B24_LINKS, links)), at=at)


def bitrix24_usage() -> ApiUsage:
    """Return a portal that has spent some of its budgets."""
    return ApiUsage(
        budgets=(Budget("requests", 10.0, 7.5), Budget("operating", 240.0, 228.25)),
        operating=(OperatingTime("booking.list", 11.75, NOW + 400), OperatingTime("externaldata.list", 0.5, None)),
        credential_expiry=NOW + 30 * 86_400,
    )


def wix_target(connections_state: CollectorState, bookings_state: CollectorState, *further: CollectorState) -> Target:
    """Return the Wix site of the examples; one of its connections is accepted as it is, and its key lies in a file."""
    usage = ApiUsage(budgets=(Budget("requests", 200.0, 198.0),))
    labels = {"site": "salon-berlin", "owner": "anna"}
    entry, states = target_of(WIX, "wix", (connections_state, bookings_state, *further), labels=labels, usage=usage)
    policy = TargetPolicy(connections={"Chair 1": AcceptedReason("cut on some days")}, credential="/run/secrets/wix")
    return replace(entry, policy=policy), states


def bitrix24_target(bookings_state: CollectorState, links_state: CollectorState) -> Target:
    """Return the Bitrix24 portal of the examples; its webhook stands in the configuration."""
    return target_of(
        BITRIX24,
        "bitrix24",
        (bookings_state, links_state),
        labels={"site": "salon-berlin"},
        usage=bitrix24_usage(),
        policy=TargetPolicy(credential=f"inline:{BITRIX24}"),
    )


def calendar_busy(at: float = NOW - 30) -> BusyObservation:
    """Return an owner's calendar with an hour and a half today, and a holiday."""
    periods = ((NOW + 3_600, NOW + 9_000),)
    windows = (BusyWindow(TODAY, 5_400.0), BusyWindow(NEXT_24H, 5_400.0))
    return BusyObservation(at, NOW - 86_400, NOW + 8 * 86_400, periods, windows, whole_days=1)


def calendar_target(busy_state: CollectorState) -> Target:
    """Return the calendar of the owner of the examples, whose password lies in a file."""
    usage = ApiUsage(budgets=(Budget("requests", 3.0, 2.0),))
    policy = TargetPolicy(credential="/run/secrets/anna", sign_in="caldav")
    return target_of(CALENDAR, "calendar", (busy_state,), labels={"site": "salon-berlin"}, usage=usage, policy=policy)


_CALENDAR_BUSY: Final = unpolled(CALENDAR, "calendar", CollectorName.BUSY)
_WIX_CONNECTIONS: Final = unpolled(WIX, "wix", CollectorName.CONNECTIONS)
_WIX_BOOKINGS: Final = unpolled(WIX, "wix", CollectorName.BOOKINGS)
_WIX_EVENTS: Final = unpolled(WIX, "wix", CollectorName.EVENTS)
_WIX_SLOTS: Final = unpolled(WIX, "wix", CollectorName.SLOTS)
_B24_BOOKINGS: Final = unpolled(BITRIX24, "bitrix24", CollectorName.BOOKINGS)
_B24_LINKS: Final = unpolled(BITRIX24, "bitrix24", CollectorName.LINKS)


def before_first_poll() -> View:
    """Return an exporter that has just started."""
    wix, portal = wix_target(_WIX_CONNECTIONS, _WIX_BOOKINGS), bitrix24_target(_B24_BOOKINGS, _B24_LINKS)
    return view_of(wix, (replace(portal[0], usage=ApiUsage), portal[1]))


def healthy() -> View:
    """Return an exporter whose last polls all succeeded."""
    return view_of(
        wix_target(succeeded(_WIX_CONNECTIONS, wix_connections()), succeeded(_WIX_BOOKINGS, wix_bookings())),
        bitrix24_target(succeeded(_B24_BOOKINGS, bitrix24_bookings()), succeeded(_B24_LINKS, bitrix24_links())),
    )


def weekend_slots() -> SlotsObservation:
    """Return a site with a service that has its next slot in three days, and with staff of whom nothing is known."""
    return SlotsObservation(NOW - 30, (ServiceSlots("Haircut", 0, NOW + 3 * 86_400), ServiceSlots("Beard", 5, NOW + 7_200)))


def partial_failure(links: LinksObservation | None = None) -> View:
    """Return a poll in which one provider failed, so that its connection is older; private events; a portal; a calendar.

    ``links`` are what the portal's links show instead.
    """
    first = succeeded(_WIX_CONNECTIONS, wix_connections(NOW - 90))
    rows = wix_connections().connections
    second = connections(
        *(replace(row, observed_at=NOW - 90) if row.provider == "microsoft" else row for row in rows),
        providers=(Provider("google", up=True), Provider("apple", up=True), Provider("microsoft", up=False)),
    )
    partly = failed(
        first, Reason.SERVER_ERROR, "1 of 3 calendar providers could not be asked: microsoft", at=NOW - 30, observation=second
    )
    return view_of(
        wix_target(
            partly,
            succeeded(_WIX_BOOKINGS, wix_bookings()),
            succeeded(_WIX_EVENTS, wix_events()),
            succeeded(_WIX_SLOTS, wix_slots(3, 21)),
        ),
        bitrix24_target(succeeded(_B24_BOOKINGS, bitrix24_bookings()), succeeded(_B24_LINKS, links or bitrix24_links())),
        calendar_target(succeeded(_CALENDAR_BUSY, calendar_busy())),
    )


def failing() -> View:
    """Return an exporter whose last polls failed while the good data of the polls before may still be shown."""
    message = "the platform does not accept the credential"
    return view_of(
        wix_target(
            failed(succeeded(_WIX_CONNECTIONS, wix_connections()), Reason.AUTH, message, status=401),
            failed(succeeded(_WIX_BOOKINGS, wix_bookings()), Reason.AUTH, message, status=401),
        ),
        bitrix24_target(
            failed(
                succeeded(_B24_BOOKINGS, bitrix24_bookings()), Reason.OPERATING_LIMIT, "operating time is used up", status=429
            ),
            failed(_B24_LINKS, Reason.TIMEOUT, "portal.example did not answer within 30 s", count=3),
        ),
    )


def expired() -> View:
    """Return an exporter that has failed for so long that its data is withdrawn."""
    old = NOW - 3_600
    message = "connection to the platform was lost"
    return view_of(
        wix_target(
            failed(succeeded(_WIX_CONNECTIONS, wix_connections(old)), Reason.NETWORK, message, count=60),
            failed(succeeded(_WIX_BOOKINGS, wix_bookings(old)), Reason.NETWORK, message, count=60),
        ),
        bitrix24_target(
            failed(succeeded(_B24_BOOKINGS, bitrix24_bookings(old)), Reason.NETWORK, message, count=60),
            failed(succeeded(_B24_LINKS, bitrix24_links(old)), Reason.NETWORK, message, count=60),
        ),
    )


def standby() -> View:
    """Return an exporter that waits for another one to end."""
    return replace(view_of(), standby=True)


def awaiting() -> View:
    """Return a site in its first minutes: one connection was asked about and one was not, nor was the staff."""
    rows = (replace(connection("a"), probe_awaited=True), connection("b"))
    seen = replace(connections(*rows), staff=None, staff_awaited=True, probes=ProbesAsked(1, 2))
    return view_of(target_of("salon", "wix", [succeeded(unpolled("salon", "wix", CollectorName.CONNECTIONS), seen)]))


def in_berlin() -> View:
    """Return a site and a portal of a salon in Berlin: a broken connection, and a double booking of an aliased chair."""
    policy = TargetPolicy(zone="Europe/Berlin", resource_aliases={"7": "Window seat"})
    labels = {"site": "salon-berlin"}
    return view_of(
        target_of(WIX, "wix", [succeeded(_WIX_CONNECTIONS, wix_connections())], labels=labels, policy=policy),
        target_of(BITRIX24, "bitrix24", [succeeded(_B24_BOOKINGS, bitrix24_bookings())], labels=labels, policy=policy),
    )


#: Every state by name; a file of golden text is named after it.
SCENES: Final[Mapping[str, Callable[[], View]]] = {
    "before_first_poll": before_first_poll,
    "healthy": healthy,
    "partial_failure": partial_failure,
    "failing": failing,
    "expired": expired,
    "standby": standby,
}
