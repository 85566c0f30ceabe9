"""The faults that are planted, and by what each is to be named."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from exporter.simulator.bitrix24.simulator import DEFAULT_SCOPES
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, import_from, sync_config
from exporter.simulator.wix.operations import READ_OWN_CONNECTIONS, READ_STAFF, READ_TIME_SLOTS
from tests.planted.world import DAY, HOUR, MINUTE, PORTAL, SERVICE, SITE, Plant, World

BOOKINGS: Final = 5 * MINUTE
EVENTS: Final = 10 * MINUTE
SLOTS: Final = 30 * MINUTE
HOURLY: Final = 70 * MINUTE
LINKS: Final = 15 * MINUTE
CONNECTIONS: Final = MINUTE

Named = tuple[str, str, str]
"""A target, a kind of finding and its subject. Where the kind is ``check_refused`` the subject is what cannot be read."""


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what ``plant`` does, in the words of ``planted``, and everything that is to be ``named`` then.

    ``bound`` is how many seconds that may take by the definition of the check, ``cause`` what the finding tells of it. Before
    it the world was healthy for ``warm`` seconds, half an hour of which after what ``prepare`` did. ``restarts``: after
    ``plant`` the exporter is asked for a while and then started again without its memory, and what counts is what it says from
    then on. ``lines`` are of its page: numbers that change without a finding of their own. ``becomes`` takes the place of what
    is named in the end. ``note`` tells of them and of a second finding.
    """

    planted: str
    plant: Plant
    named: tuple[Named, ...]
    bound: float
    warm: float = 2 * HOUR
    prepare: Plant | None = None
    restarts: bool = False
    lines: tuple[str, ...] = ()
    becomes: Named | None = None
    cause: str = ""
    note: str = ""


def _after_midnight(world: World) -> float:
    """Return a moment within 24 hours at which nobody has anything."""
    return world.clock.time() - world.clock.time() % DAY + DAY + 2 * HOUR


def _imports(world: World, who: int, *calendars: str) -> None:
    world.site.connections.amend(world.connections[who], syncConfig=sync_config(import_from(*calendars)))


def _import_off(world: World) -> None:
    config = sync_config({**import_from(ACCOUNT_CALENDARS[1]), "enabled": False})
    world.site.connections.amend(world.connections[1], syncConfig=config)


def _share(world: World) -> None:
    other = world.site.connections[world.connections[1]].row["externalAccountEmail"]
    world.site.connections.amend(world.connections[3], externalAccountEmail=other)


def _remove_account(world: World) -> None:
    world.identify(2, "DISCONNECTED")
    world.site.connections.disconnect(world.connections[2])


def _double_book(world: World) -> None:
    world.site.bookings.double_book()


def _book_at_night(world: World) -> None:
    start = _after_midnight(world)
    world.site.bookings.add(start, start + HOUR, staff=world.staff[1])


def _enter_over(world: World) -> None:
    booking = world.next_booking(1)
    world.enter(1, booking.start + 60, 600)


def _freeze(world: World) -> None:
    world.frozen.add(4)


def _stop_writing(world: World) -> None:
    world.writes = False


def _staff(planted: str, plant: Plant, who: str, cause: str, bound: float = HOURLY) -> Fault:
    return Fault(planted, plant, ((SITE, "staff_unprotected", who),), bound, cause=cause)


def _hired(identity: str) -> Plant:
    def plant(world: World) -> None:
        world.hire(identity)

    return plant


def _copies() -> Iterator[Fault]:
    named = ((PORTAL, "calendar_mismatch", "links"),)
    yield Fault(
        "A booking's copy in the staff's calendar is deleted",
        lambda world: world.portal.calendar.edit(world.next_reservation().id, deleted=True),
        named,
        LINKS,
        cause="missing",
    )
    yield Fault(
        "A booking's copy is an hour later than the booking",
        lambda world: world.portal.calendar.shift(world.next_reservation().id, 3600),
        named,
        LINKS,
        cause="moved",
    )
    yield Fault(
        "Somebody of the staff declines a booking's copy",
        lambda world: world.portal.calendar.edit(world.next_reservation().id, status="N"),
        named,
        LINKS,
        cause="declined",
    )


_NEW: Final = "somebody new"

FAULTS: Final = (
    Fault(
        "Two bookings overlap, `conflicts` is off, and Wix marks them",
        _double_book,
        ((SITE, "conflict_marked", "bookings"),),
        BOOKINGS,
    ),
    Fault(
        "Wix has no access any more, and the status stays `SYNCED`",
        lambda world: world.site.connections.kill_token(world.connections[1]),
        ((SITE, "connection_probe_failed", "Ben"),),
        HOURLY,
        lines=('staff_unprotected{reason="connection_error"} 1',),
        note="one staff member more is unprotected in numbers, `connection_error`",
    ),
    Fault(
        "The calendar that is chosen for the import is deleted",
        lambda world: world.site.connections.delete_calendar(world.connections[1], ACCOUNT_CALENDARS[1]),
        ((SITE, "import_calendar_missing", "Ben"),),
        HOURLY,
        lines=('staff_unprotected{reason="no_calendar_chosen"} 1',),
        note="one staff member more is unprotected in numbers, `no_calendar_chosen`",
    ),
    Fault(
        "No calendar is chosen for an import that is on",
        lambda world: _imports(world, 1),
        ((SITE, "import_calendar_missing", "Ben"),),
        CONNECTIONS,
        lines=('staff_unprotected{reason="no_calendar_chosen"} 1',),
        note="one staff member more is unprotected in numbers, `no_calendar_chosen`",
    ),
    Fault(
        "Two schedules are connected to one calendar account", _share, ((SITE, "account_shared", "connections"),), CONNECTIONS
    ),
    _staff("Somebody is hired and connects no calendar", _hired("CONNECTED"), _NEW, "no_connection"),
    _staff("A connection's import is switched off", _import_off, "Ben", "import_off", CONNECTIONS),
    _staff("Somebody is hired whose invitation is open", _hired("PENDING"), _NEW, "invite_pending"),
    _staff("Somebody is hired whose invitation has expired", _hired("EXPIRED"), _NEW, "invite_expired"),
    Fault(
        "A staff member's Wix account is removed, and with it the connection",
        _remove_account,
        ((SITE, "connection_disconnected", "Cem"), (SITE, "staff_unprotected", "Cem")),
        HOURLY,
        cause="user_disconnected",
        note="two findings: the connection is cut as well; until the staff is read again the cause is `no_connection`",
    ),
    Fault(
        "The right to probe connections is taken from the API key",
        lambda world: world.grant(world.key.permissions - {READ_OWN_CONNECTIONS}),
        ((SITE, "check_refused", "probe the connections"),),
        HOURLY,
        note="a hint only: nothing is found",
    ),
    Fault(
        "The right to read the staff is taken from the API key",
        lambda world: world.grant(world.key.permissions - READ_STAFF),
        ((SITE, "check_refused", "read the staff"), (SITE, "check_refused", "read whom the bookable slots name")),
        HOURLY,
        note="two hints only: nothing is found",
    ),
    Fault(
        "Wix offers slots over a private event that was there before",
        lambda world: world.sell_over(1),
        ((SITE, "slots_over_busy", "Ben"),),
        SLOTS,
        prepare=lambda world: world.enter(1, world.free_half_hour(1) + 600, 600),
    ),
    Fault(
        "A service is closed for online booking",
        World.close,
        ((SITE, "no_open_slots", SERVICE),),
        SLOTS,
    ),
    Fault(
        "The right to read slots is taken from the API key",
        lambda world: world.grant(world.key.permissions - READ_TIME_SLOTS),
        ((SITE, "collector_failing", "slots"),),
        SLOTS,
        becomes=(SITE, "data_expired", "slots"),
        note="becomes `data_expired` once what was read last is too old",
    ),
    Fault(
        "Wix sells the time of a private event that was there first",
        _book_at_night,
        ((SITE, "external_conflict", "Ben"),),
        EVENTS,
        prepare=lambda world: world.enter(1, _after_midnight(world) + 600, 1800),
        cause="not_blocked",
    ),
    Fault(
        "Somebody enters a private event over a booking",
        _enter_over,
        ((SITE, "booked_over", "Ben"),),
        EVENTS,
        cause="booked_over",
    ),
    Fault(
        "The same, and the exporter starts again without a state file",
        _enter_over,
        ((SITE, "external_conflict", "Ben"),),
        EVENTS,
        restarts=True,
        cause="unknown",
        note="who was first is not known any more",
    ),
    Fault(
        "An import brings nothing any more after a week with events",
        lambda world: world.forget(4),
        ((SITE, "import_silent", "Eva"),),
        EVENTS,
        warm=7 * DAY + 2 * HOUR,
    ),
    Fault(
        "An import brings the same events for ever",
        _freeze,
        ((SITE, "import_frozen", "Eva"),),
        7 * DAY + EVENTS,
        warm=DAY,
        note="a week from the last change on, which was hours before; more where changes were rare",
    ),
    Fault(
        "An import brings only the events of the next two days",
        lambda world: world.forget(4, world.clock.time() + 2 * DAY),
        ((SITE, "import_shortened", "Eva"),),
        EVENTS,
        warm=2 * DAY + 2 * HOUR,
        note="needs to know how far events reached the day before",
    ),
    Fault(
        "The heartbeat of a calendar is deleted",
        lambda world: world.stop_beating(),
        ((SITE, "heartbeat_missing", "Anna"),),
        EVENTS,
    ),
    Fault(
        "A script no longer writes the heartbeat of a calendar, while the last one and all other events still arrive",
        _stop_writing,
        ((SITE, "heartbeat_missing", "Dora"),),
        3 * HOUR + EVENTS,
        note="`late_after` of 3 hours from the beginning of the hour in which it was last written",
    ),
    *_copies(),
    Fault(
        "The scope `calendar` is taken from the webhook",
        lambda world: world.grant_portal(DEFAULT_SCOPES),
        ((PORTAL, "check_refused", "compare bookings with their copies"),),
        LINKS,
        note="a hint only: nothing is found",
    ),
)
