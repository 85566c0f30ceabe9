"""A view for each row of the table of verdicts, in which it is the first row that holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import MismatchKind
from exporter.connection_checks import CalendarProbe, ImportCalendars, StaffProtection, UnprotectedReason, UnprotectedStaff
from exporter.errors import Reason
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    Budget,
    Change,
    CollectorName,
    Conflict,
    Connection,
    ConnectionStatus,
    ErrorReason,
    GoneConnection,
    Moved,
    Provider,
    Window,
    WindowBookings,
)
from exporter.policy import AcceptedReason, ConfigWarning, RejectedConfig, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation, ExternalConflict, ImportedEvents, ImportFault, WindowEvents
from exporter.proof import Proof, SilentPair
from exporter.state import verdict, verdict_events, verdict_proof
from exporter.state.snapshot import CollectorState, View
from exporter.state.verdict_row import VerdictRow
from tests.harness import views
from tests.harness.views import NEXT_24H, NOW

SITE: Final = "salon"
HOUR: Final = 3600.0
_CONNECTIONS: Final = views.unpolled(SITE, "wix", CollectorName.CONNECTIONS)
_BOOKINGS: Final = views.unpolled(SITE, "wix", CollectorName.BOOKINGS)
_LINKS: Final = views.unpolled(SITE, "bitrix24", CollectorName.LINKS)
_EVENTS: Final = views.unpolled(SITE, "wix", CollectorName.EVENTS)
_SLOTS: Final = views.unpolled(SITE, "wix", CollectorName.SLOTS)
_GOOD: Final = views.succeeded(_BOOKINGS, views.wix_bookings())
_NEXT_7D: Final = Window("next_7d", NOW - 30, NOW - 30 + 7 * 86_400)
_MEANT: Final = AcceptedReason("the stylist left", NOW + 86_400)


def view(*states: CollectorState, policy: TargetPolicy | None = None, usage: ApiUsage | None = None, **target: object) -> View:
    """Return what is shown of one target; ``target`` has further fields of its view."""
    shown = views.view_of(views.target_of(SITE, states[0].platform, states, usage=usage))
    [row] = shown.targets
    return replace(shown, targets=(replace(row, policy=policy or TargetPolicy(), **target),))


def connected(
    *rows: Connection,
    others: Sequence[Connection] = (),
    gone: Sequence[GoneConnection] = (),
    policy: TargetPolicy | None = None,
) -> View:
    """Return a site with these connections, others that are not listed, and some that are there no more."""
    seen = replace(views.connections(*rows), others=tuple(others), gone=tuple(gone))
    return view(views.succeeded(_CONNECTIONS, seen), _GOOD, policy=policy)


def overlapping(start: float, policy: TargetPolicy | None = None) -> View:
    """Return a portal with two bookings that overlap from ``start`` on."""
    conflict = Conflict("7", "341", "352", start, start + 1_800)
    windows = tuple(
        WindowBookings(window, 2, conflicting=2 if start < window.end else 0, accepted=2 if policy else 0)
        for window in (NEXT_24H, _NEXT_7D)
    )
    seen = BookingsObservation(
        NOW - 30,
        windows,
        conflicts=(conflict,),
        resource_names={"7": "Chair 1"},
        next_conflict=None if policy else start,
    )
    return view(views.succeeded(_BOOKINGS, seen), policy=policy)


def shared(*keys: str) -> View:
    """Return a site whose connections share their external account with schedules of others."""
    rows = (replace(views.connection(key), shares_account=True) for key in keys)
    seen = replace(views.connections(*rows), sharing_account=len(keys))
    return view(views.succeeded(_CONNECTIONS, seen), _GOOD)


def staffed(*reasons: UnprotectedReason, accepted: UnprotectedReason | None = None) -> View:
    """Return a site where one staff member is protected and another is not for each of ``reasons``."""
    unprotected = tuple(UnprotectedStaff(f"Chair {number}", reason) for number, reason in enumerate(reasons, 2))
    meant = () if accepted is None else (UnprotectedStaff("Chair 9", accepted),)
    seen = replace(views.connections(views.connection("a")), staff=StaffProtection(1, 1, unprotected, meant))
    policy = TargetPolicy(connections={"Chair 9": _MEANT}) if meant else None
    return view(views.succeeded(_CONNECTIONS, seen), _GOOD, policy=policy)


def marked(bookings: int, own: int | None = None) -> View:
    """Return a site where Wix marks so many bookings of the week as double-booked, and the exporter found ``own`` of them."""
    seen = BookingsObservation(
        NOW - 30,
        (WindowBookings(_NEXT_7D, 9, conflicting=own),),
        platform_conflicts={"next_24h": 0, "next_7d": bookings},
    )
    return view(views.succeeded(_BOOKINGS, seen))


def private(*conflicts: ExternalConflict, faults: Mapping[ImportFault, float] | None = None) -> View:
    """Return a site with bookings that private events overlap, or a connection whose import is suspect."""
    imports = (ImportedEvents("a", "a", {"next_7d": 0}, NOW - 60, faults=faults),) if faults else ()
    windows = tuple(
        WindowEvents(
            window,
            {cause: sum(row.cause is cause and window.start <= row.start < window.end for row in conflicts) for cause in Cause},
        )
        for window in (NEXT_24H, _NEXT_7D)
    )
    ahead = min((row.start for row in conflicts if row.cause is not Cause.BOOKED_OVER), default=None)
    seen = EventsObservation(NOW - 30, windows, imports, conflicts=conflicts, next_conflict=ahead)
    listed = [views.succeeded(_CONNECTIONS, views.connections(views.connection("a")))] if faults else []
    return view(*listed, views.succeeded(_EVENTS, seen))


def offered(over_busy: int = 0, open_slots: int = 9) -> View:
    """Return a site with so many slots over private events, and so many that can be booked."""
    return view(views.succeeded(_SLOTS, views.wix_slots(over_busy, open_slots)))


def paired(*pairs: Proof, silent: Sequence[SilentPair] = ()) -> View:
    """Return a site whose pairs say this, and others that are ``silent``."""
    return view(_GOOD, pairs=pairs, silent_pairs=tuple(silent))


def private_conflict(start: float, cause: Cause = Cause.NOT_BLOCKED) -> ExternalConflict:
    """Return a booking of half an hour that a private event overlaps, from ``start`` on."""
    return ExternalConflict("812", "a", start, start + 1_800, cause)


def linked(answers: LinkAnswers, unverified: int = 0) -> View:
    """Return a portal whose links are as ``answers`` say."""
    return view(views.succeeded(_LINKS, LinksObservation(NOW - 30, (WindowLinks(_NEXT_7D, (answers,), unverified),))))


def went_down(key: str, at: float = NOW - HOUR) -> Connection:
    """Return a connection that worked until ``at``."""
    changes = (Change(NOW - 9 * 86_400, "synced"), Change(at, "disconnected"))
    return replace(views.connection(key, ConnectionStatus.DISCONNECTED, since=at), changes=changes)


def _expired(reason: Reason) -> CollectorState:
    return views.failed(views.succeeded(_CONNECTIONS, views.connections(at=NOW - HOUR)), reason, "lost", count=60)


_OPERATING_SPENT: Final = ApiUsage((Budget("requests", 10.0, 4.0), Budget("operating", 240.0, 0.0)))
_DOWN_PROVIDER: Final = views.connections(views.connection("a"), providers=[Provider("google", up=False)])

SCENES: Final[Mapping[VerdictRow, View]] = {
    verdict.NOT_POLLED: view(_CONNECTIONS, _BOOKINGS),
    verdict.TARGET_FAILING: view(
        views.failed(_CONNECTIONS, Reason.AUTH, "refused"), views.failed(_GOOD, Reason.AUTH, "refused")
    ),
    verdict.TARGET_EXPIRED: view(_expired(Reason.NETWORK)),
    verdict.CONNECTIONS_DOWN: connected(went_down("a"), went_down("b")),
    verdict.CONFLICT_SOON: overlapping(NOW + HOUR),
    verdict_events.EXTERNAL_CONFLICT_SOON: private(private_conflict(NOW + HOUR)),
    verdict_events.SLOTS_OVER_BUSY: offered(over_busy=3),
    verdict_events.NO_OPEN_SLOTS: offered(open_slots=0),
    verdict.COLLECTOR_FAILING: view(views.failed(_CONNECTIONS, Reason.PERMISSION, "refused"), _GOOD),
    verdict.DATA_EXPIRED: view(_expired(Reason.PERMISSION), _GOOD),
    verdict.PROVIDER_FAILING: view(
        views.failed(_CONNECTIONS, Reason.SERVER_ERROR, "1 of 1", at=NOW - 30, observation=_DOWN_PROVIDER)
    ),
    verdict.CONFLICT_LATER: overlapping(NOW + 25 * HOUR),
    verdict.CONFLICT_MARKED: marked(2),
    verdict_events.EXTERNAL_CONFLICT_LATER: private(private_conflict(NOW + 25 * HOUR, Cause.UNKNOWN)),
    verdict_events.BOOKED_OVER: private(private_conflict(NOW + HOUR, Cause.BOOKED_OVER)),
    verdict_proof.NOT_IN_CALENDAR_SOON: paired(views.proof(missing=(HOUR, 30 * HOUR))),
    verdict_proof.CALENDAR_SHIFTED: paired(views.proof(missing=(25 * HOUR, 26 * HOUR, 30 * HOUR), shift=HOUR)),
    verdict_proof.NOT_IN_CALENDAR_LATER: paired(views.proof(missing=(25 * HOUR,))),
    verdict_proof.CALENDAR_NOT_BLOCKING: paired(views.proof(unknown=(HOUR,))),
    verdict_proof.CANCELLED_IN_CALENDAR: paired(views.proof(left=(HOUR,))),
    verdict_proof.PROOF_NEVER_LEARNT: paired(views.unlearnt()),
    verdict.CALENDAR_MISMATCH: view(views.succeeded(_LINKS, views.mismatched((23 * HOUR, MismatchKind.MOVED)))),
    verdict.CALENDAR_MISMATCH_LATER: view(views.succeeded(_LINKS, views.mismatched((25 * HOUR, MismatchKind.MISSING)))),
    verdict.CONNECTION_ERROR: connected(
        views.connection("a", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED), views.connection("b")
    ),
    verdict.CONNECTION_CUT: connected(went_down("a"), views.connection("b")),
    verdict.CONNECTION_STUCK: connected(views.connection("a", ConnectionStatus.SYNC_IN_PROGRESS)),
    verdict.CONNECTION_UNCLEAR: connected(views.connection("a", ConnectionStatus.UNDEFINED)),
    verdict.PROBE_FAILED: connected(
        replace(views.connection("a"), probe=CalendarProbe(succeeded=False, at=NOW - 60, since=NOW - HOUR)),
        views.connection("b"),
    ),
    verdict.IMPORT_CALENDAR_MISSING: connected(
        replace(views.connection("a"), import_calendars=ImportCalendars(1, 1)), views.connection("b")
    ),
    verdict.ACCOUNT_SHARED: shared("a", "b"),
    verdict.STAFF_UNPROTECTED: staffed(UnprotectedReason.NO_CONNECTION),
    verdict_events.IMPORT_SILENT: private(faults={ImportFault.SILENT: NOW - HOUR}),
    verdict_events.IMPORT_FROZEN: private(faults={ImportFault.FROZEN: NOW - 9 * 86_400}),
    verdict_events.IMPORT_SHORTENED: private(faults={ImportFault.SHORTENED: NOW - HOUR}),
    verdict_events.HEARTBEAT_MISSING: private(faults={ImportFault.HEARTBEAT: NOW - HOUR}),
    verdict.API_LIMITED: view(_GOOD, usage=ApiUsage(paused_until=NOW + 20)),
    verdict.BUDGET_SPENT: view(_GOOD, usage=_OPERATING_SPENT),
    verdict.CREDENTIAL_EXPIRY: view(_GOOD, usage=ApiUsage(credential_expiry=NOW + 13 * 86_400)),
    verdict.PORTAL_MOVED: view(_GOOD, usage=ApiUsage(moved=Moved("new.bitrix24.com", "webhook_url"))),
    verdict.UNLINKED_BOOKINGS: linked(LinkAnswers(0, 7, 3, 0, {})),
    verdict.INTAKE_SILENT: view(_GOOD, silent_since=NOW - 30 * HOUR),
    verdict.WINDOW_INCOMPLETE: view(
        views.succeeded(_BOOKINGS, BookingsObservation(NOW - 30, (WindowBookings(NEXT_24H, 1, complete=False),)))
    ),
    verdict.LINKS_UNVERIFIED: linked(LinkAnswers(0, 4, 1, 0, {}), unverified=6),
    verdict.POLL_OVERDUE: view(replace(_GOOD, next_poll=NOW - 61)),
    verdict.CONFIG_WARNING: replace(
        view(_GOOD), config_warnings=(ConfigWarning("unknown_schedule", SITE, "no such schedule", "Remove it."),)
    ),
    verdict.RELOAD_REFUSED: replace(view(_GOOD), rejected_config=RejectedConfig(NOW - 60, "targets[0]: no platform", 2)),
    verdict.TARGET_PAUSED: replace(view(_CONNECTIONS, policy=TargetPolicy(paused=_MEANT)), missing=()),
    verdict.CHECK_REFUSED: replace(
        view(_GOOD), config_warnings=(ConfigWarning("check_refused", SITE, "not counted", "Switch it off."),)
    ),
    verdict.TARGET_CLOSED: view(_GOOD, policy=TargetPolicy(closed=((NOW - HOUR, NOW + HOUR),))),
    verdict.CONNECTION_ACCEPTED: connected(
        went_down("a"), views.connection("b"), policy=TargetPolicy(connections={"a": _MEANT})
    ),
    verdict.CONFLICT_ACCEPTED: overlapping(NOW + HOUR, TargetPolicy(bookings={"352": _MEANT})),
    verdict.WARNING_ACCEPTED: replace(
        view(_GOOD, policy=TargetPolicy(warnings={"conflicts_off": _MEANT})),
        accepted_warnings=(ConfigWarning("conflicts_off", SITE, "not looked for", "Switch it on."),),
    ),
    verdict.CONNECTION_CUT_BEFORE: connected(went_down("a", NOW - 86_401), views.connection("b")),
}
