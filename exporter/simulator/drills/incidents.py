"""The scripted incidents: each one sentence, one change of the world, one alert to expect."""

from __future__ import annotations

from collections.abc import Callable

from exporter.simulator.drills.calendar_mishaps import CALENDAR_INCIDENTS
from exporter.simulator.drills.incident import Incident, Undo
from exporter.simulator.drills.world import SimulatedWorld
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.wix.connections import Connections


def _token_revoked(world: SimulatedWorld) -> Undo:
    return _on_exporting_connection(world, 0, Connections.revoke_token)


def _sync_stuck(world: SimulatedWorld) -> Undo:
    return _on_exporting_connection(world, 1, Connections.stick_sync)


def _on_exporting_connection(world: SimulatedWorld, number: int, harm: Callable[[Connections, str], None]) -> Undo:
    site = next(iter(world.wix.sites.values()), None)
    exporting = [] if site is None else [connection.id for connection in site.connections if connection.exports]
    if site is None or not exporting:
        return _nothing
    connections, victim = site.connections, exporting[number % len(exporting)]
    harm(connections, victim)
    return lambda: connections.recover(victim) if connections.get(victim) else None


def _provider_down(world: SimulatedWorld) -> Undo:
    site = next(iter(world.wix.sites.values()), None)
    connection = next(iter(site.connections), None) if site else None
    if site is None or connection is None:
        return _nothing
    provider = site.providers[connection.provider_id]
    site.provider_down(provider)
    return lambda: site.provider_up(provider)


def _double_booking(world: SimulatedWorld) -> Undo:
    portal = next(iter(world.bitrix24.portals.values()), None)
    added = portal.customers.double_book() if portal else ()
    # The last site: in the demo world the first one's bookings are copied into a portal, and stay there.
    site = next(iter(reversed(world.wix.sites.values())), None)
    second = site.bookings.double_book() if site and site.bookings.staff else None

    def undo() -> None:
        for booking in added:
            if portal:
                portal.world.delete_booking(booking.id)
        if site and second:
            site.bookings.cancel(second)

    return undo


def _lost_crm_link(world: SimulatedWorld) -> Undo:
    portal = next(iter(world.bitrix24.portals.values()), None)
    return portal.customers.lose_links() if portal else _nothing


def _api_throttled(world: SimulatedWorld) -> Undo:
    portals = list(world.bitrix24.portals.values())
    if not portals:
        fault = Fault(FaultKind.RATE_LIMITED, platform="wix", retry_after="30")
        world.faults.add(fault)
        return lambda: world.faults.remove(fault)
    portal = portals[-1]
    portal.press(_FLOOD_PER_SECOND, world.now())
    portal.fill_bucket(world.now())
    return lambda: portal.press(0.0, world.now())


def _intake_stopped(world: SimulatedWorld) -> Undo:
    diaries = [portal.diary for portal in world.bitrix24.portals.values()]
    diaries += [site.diary for site in world.wix.sites.values()]
    for diary in diaries:
        diary.stop_intake()

    def resume() -> None:
        for diary in diaries:
            diary.resume_intake()

    return resume


def _access_lost(world: SimulatedWorld) -> Undo:
    # The third: calendars of the first one's provider cannot be listed, so nobody could see it.
    return _on_exporting_connection(world, 2, Connections.kill_token)


def _invite_expired(world: SimulatedWorld) -> Undo:
    site = next(iter(reversed(world.wix.sites.values())), None)
    if site is None:
        return _nothing
    hired = site.add_staff(identity="EXPIRED")
    return lambda: site.bookings.dismiss(hired)


def _private_event_sold(world: SimulatedWorld) -> Undo:
    # The last site: in the demo world the first one's bookings are copied into a portal, and stay there.
    site = next(iter(reversed(world.wix.sites.values())), None)
    victim = None if site is None else site.sell_private_time()
    if site is None or victim is None:
        return _nothing
    return lambda: site.bookings.cancel(victim)


def _import_silent(world: SimulatedWorld) -> Undo:
    site = next(iter(world.wix.sites.values()), None)
    exporting = [] if site is None else [connection for connection in site.connections if connection.exports]
    if site is None or not exporting:
        return _nothing
    private, schedule = site.private, exporting[1 % len(exporting)].schedule_id
    private.fall_silent(schedule)
    return lambda: private.end_silence(schedule)


def _copy_moved(world: SimulatedWorld) -> Undo:
    portal, now = next(iter(world.bitrix24.portals.values()), None), world.now()
    if portal is None or not portal.world.resources:
        return _nothing
    first = min(portal.world.resources)
    soon = [row for row in portal.world.bookings() if first in row.resource_ids and 3 < (row.start - now) / _HOUR < 20]  # noqa: PLR2004  as a double booking
    # Before a day off nobody comes soon enough for the alert.
    added = None if soon else portal.customers.book(int(now + 10 * _HOUR), first, created=now)
    move_back = portal.calendar.shift_all(first, _HOUR, after=now)

    def undo() -> None:
        move_back()
        if added:
            portal.world.delete_booking(added.id)

    return undo


def _busy_time_offered(world: SimulatedWorld) -> Undo:
    # The last connection of the last site: in the demo world its calendar is full at noon, when people come.
    site = next(iter(reversed(world.wix.sites.values())), None)
    importing = [] if site is None else [connection.schedule_id for connection in site.connections if connection.imports]
    if site is None or not importing:
        return _nothing
    private, schedule = site.private, importing[-1]
    private.stop_blocking(schedule)
    return lambda: private.resume_blocking(schedule)


def _service_closed(world: SimulatedWorld) -> Undo:
    site = next(iter(world.wix.sites.values()), None)
    service = next(iter(site.services), None) if site else None
    if site is None or service is None:
        return _nothing
    site.close_service(service.id)
    return lambda: site.open_service(service.id)


def _nothing() -> None:
    """Undo nothing: the world has no part in which this incident could happen."""


_FLOOD_PER_SECOND = 20.0
_HOUR = 3600

INCIDENTS: tuple[Incident, ...] = (
    Incident(
        "token-revoked",
        "The owner of a calendar withdrew Wix's access, and bookings no longer reach the calendar.",
        "First exporting connection of the first Wix site: status ERROR, reason TOKEN_REVOKED.",
        "BookingSyncConnectionNeedsOwner",
        _token_revoked,
        on_board_after=0,
        pages_after=22 * 60,
    ),
    Incident(
        "sync-stuck",
        "A calendar began to sync and never finished.",
        "Second exporting connection of the first Wix site: status SYNC_IN_PROGRESS for ever.",
        "BookingSyncConnectionStuck",
        _sync_stuck,
        on_board_after=3600,
        pages_after=68 * 60,
    ),
    Incident(
        "provider-down",
        "A calendar provider does not answer Wix, so the state of its calendars is unknown.",
        "First Wix site: the provider of its first connection is named in failedProviderIds and its connections are missing.",
        "BookingSyncProviderDown",
        _provider_down,
        on_board_after=0,
        pages_after=26 * 60,
    ),
    Incident(
        "double-booking",
        "Two customers have booked the same chair at the same time.",
        "First Bitrix24 portal and last Wix site: a second booking on a resource that is taken within a day.",
        "BookingSyncDoubleBooking",
        _double_booking,
        on_board_after=0,
        pages_after=15 * 60,
    ),
    Incident(
        "lost-crm-link",
        "The automation that links bookings to deals is broken, and the sales team no longer sees them.",
        "First Bitrix24 portal: bookings of the next week, and new ones, have no deal in their external data.",
        "BookingSyncUnlinkedBookings",
        _lost_crm_link,
        on_board_after=0,
        pages_after=155 * 60,
    ),
    Incident(
        "api-throttled",
        "Another application of the portal uses up its request limit.",
        "Last Bitrix24 portal: its bucket is full, every call is 503 QUERY_LIMIT_EXCEEDED. Without portals: Wix answers 429.",
        "BookingSyncApiLimited",
        _api_throttled,
        on_board_after=0,
        pages_after=25 * 60,
    ),
    Incident(
        "intake-stopped",
        "The booking form is broken: customers cannot book.",
        "All sites and portals: no new booking arrives.",
        "BookingSyncIntakeSilent",
        _intake_stopped,
        on_board_after=24 * 3600,
        pages_after=305 * 60,
        needs_before="the same day a week before",
        compares_weeks=True,
    ),
    Incident(
        "access-lost",
        "Wix has lost its access to a calendar, and still says that it is synced.",
        "Third exporting connection of the first Wix site: its calendars cannot be listed, its status stays SYNCED.",
        "BookingSyncConnectionProbeFailed",
        _access_lost,
        on_board_after=0,
        by_check=True,
        pages_after=81 * 60,
    ),
    Incident(
        "invite-expired",
        "Somebody new takes bookings without a calendar, because the invitation to the site has expired.",
        "Last Wix site: one staff member more, whose invitation has expired and who has no connection.",
        "BookingSyncStaffUnprotected",
        _invite_expired,
        on_board_after=0,
        by_check=True,
        pages_after=136 * 60,
    ),
    Incident(
        "copy-moved",
        "Entries in the calendar of a staff member lie an hour later than the bookings that they are copies of.",
        "First Bitrix24 portal: copies of the coming bookings of its first resource are an hour late.",
        "BookingSyncStaffCalendarMismatch",
        _copy_moved,
        on_board_after=0,
        pages_after=95 * 60,
    ),
    Incident(
        "private-event-sold",
        "A customer could book the time of a private event, although its calendar is connected.",
        "Last Wix site: a booking over an event within a day, in the calendar of the first exporting connection.",
        "BookingSyncExternalConflict",
        _private_event_sold,
        on_board_after=0,
        pages_after=21 * 60,
    ),
    Incident(
        "import-silent",
        "A calendar brings no private events any more, and its connection still says that it is synced.",
        "First Wix site: no events of the second exporting connection come.",
        "BookingSyncImportSilent",
        _import_silent,
        on_board_after=0,
        pages_after=76 * 60,
        needs_before="events of it for a week",
    ),
    Incident(
        "busy-time-offered",
        "Wix knows the events of a private calendar and offers their times to customers.",
        "Last Wix site: the events of its last importing connection are listed and block no slot.",
        "BookingSyncSlotsOverBusy",
        _busy_time_offered,
        on_board_after=0,
        pages_after=47 * 60,
    ),
    Incident(
        "service-closed",
        "A service was closed for online booking, and customers find no time for it.",
        "First Wix site: its first service has no slots.",
        "BookingSyncNoOpenSlots",
        _service_closed,
        on_board_after=0,
        pages_after=97 * 60,
    ),
    *CALENDAR_INCIDENTS,
)


class IncidentControl:
    """Starts and stops incidents; several may run at once."""

    def __init__(self, world: SimulatedWorld) -> None:
        self._world = world
        self._known = {incident.name: incident for incident in INCIDENTS}
        self._active: dict[str, tuple[float, Undo]] = {}

    @property
    def names(self) -> tuple[str, ...]:
        """Return the names of all incidents."""
        return tuple(self._known)

    @property
    def active(self) -> tuple[str, ...]:
        """Return the names of the running incidents, oldest first."""
        return tuple(self._active)

    def start(self, name: str) -> None:
        """Begin the incident; one that runs already stays as it is. Raises :class:`KeyError` for an unknown name."""
        incident = self._known[name]
        if name not in self._active:
            self._active[name] = (self._world.now(), incident.begin(self._world))

    def stop(self, name: str) -> None:
        """Repair what the incident changed; one that does not run is fine. Raises :class:`KeyError` for an unknown name."""
        _, repair = self._active.pop(self._known[name].name, (0.0, _nothing))
        repair()

    def stop_all(self) -> None:
        """Repair everything."""
        for name in self.active:
            self.stop(name)

    def forget(self) -> None:
        """Drop all incidents without repairing, because the world is rebuilt anyway."""
        self._active.clear()

    def overview(self) -> list[dict[str, object]]:
        """Return every incident as JSON, with the moment it began (Unix seconds) or ``null``."""
        return [
            {
                "name": incident.name,
                "description": incident.description,
                "changes": incident.changes,
                "expected_alert": incident.alert,
                "on_board_after": incident.on_board_after,
                "active_since": self._active.get(incident.name, (None, None))[0],
            }
            for incident in self._known.values()
        ]
