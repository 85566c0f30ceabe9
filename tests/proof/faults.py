"""The faults that are planted between bookings and calendars, and what is to be told of each."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from exporter.proof import Arrival, Import, Learning, Proof, ProofState
from tests.proof.mirror import Mirror
from tests.proof.world import HOUR, LONG, MINUTE, Read, World

GRACE: Final = 30 * MINUTE
POLL: Final = 5 * MINUTE
EVENTS: Final = 10 * MINUTE
_BOTH: Final = 2 * POLL
"""The calendar is read after the grace, and the bookings after the calendar."""

MISSING: Final = "booking_not_in_calendar"
LEFT: Final = "cancelled_in_calendar"
SHIFTED: Final = "calendar_shifted"
NOT_BLOCKING: Final = "calendar_not_blocking"
FAILING: Final = "collector_failing"
EXPIRED: Final = "data_expired"

Act = Callable[[World, Mirror], Awaitable[None] | None]


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault: what ``plant`` does, in the words of ``planted``, and what is told of its pair within ``bound`` seconds.

    ``named`` is the kind of finding, empty where the pair may tell nothing, ``reason`` then why it learns. ``shows`` is what
    the proof has to say, ``None`` being no proof at all, and ``series`` are lines of the page with the least and the most of
    their values; ``{0}`` in them is the pair. ``beside`` are further kinds that follow from the fault. ``mend`` repairs it, and
    the findings have to end ``mended`` seconds after that. One that is there ``before`` the first poll has no repair.
    """

    planted: str
    plant: Act
    named: str
    bound: float
    shows: Callable[[Proof | None], bool]
    series: tuple[tuple[str, float, float], ...] = ()
    beside: frozenset[str] = frozenset()
    mend: Act | None = None
    mended: float = LONG + _BOTH
    before: bool = False
    reason: str = ""
    note: str = ""


def _bookings(state: str, window: str) -> str:
    return f'booking_sync_proof_bookings{{{{pair="{{0}}",window="{window}",state="{state}"}}}}'


def _state(state: str) -> str:
    return f'booking_sync_proof_state{{{{pair="{{0}}",state="{state}"}}}}'


def _missing(proof: Proof | None, least: int = 1, most: int = 1000) -> bool:
    return (
        proof is not None
        and proof.state is ProofState.BROKEN
        and proof.shift is None
        and least <= proof.number("next_7d", Arrival.MISSING) <= most
    )


def _stop(world: World, mirror: Mirror) -> None:
    mirror.desk.partner.stop()
    world.book(mirror.desk, world.clock.now + 3 * HOUR)


def _resume(_: World, mirror: Mirror) -> None:
    mirror.desk.partner.resume()


def _lose(world: World, mirror: Mirror) -> None:
    partner = mirror.desk.partner
    victim = partner.next_copied(world.clock.now + 9 * HOUR, world.clock.now + 20 * HOUR)
    assert victim is not None
    partner.lose(victim.id)


def _find(_: World, mirror: Mirror) -> None:
    for row in mirror.desk.source.bookings():
        if row.live and not mirror.desk.partner.copies(row.id):
            mirror.desk.partner.find(row.id)


def _leave(world: World, mirror: Mirror) -> None:
    partner = mirror.desk.partner
    victim = partner.next_copied(world.clock.now + 9 * HOUR, float("inf"))
    assert victim is not None
    partner.leaves_cancelled = True
    mirror.desk.source.cancel(victim.id)


def _sweep(_: World, mirror: Mirror) -> None:
    mirror.desk.partner.leaves_cancelled = False
    mirror.desk.partner.sweep()


def _enter_unseen(world: World, mirror: Mirror) -> None:
    assert mirror.desk.importer is not None
    start = world.midnight(2) + 21.5 * HOUR
    mirror.desk.importer.missed.add(start)
    world.enter(mirror.desk, start, HOUR)


def _see(_: World, mirror: Mirror) -> None:
    assert mirror.desk.importer is not None
    mirror.desk.importer.missed.clear()


def _sign_in(_: World, mirror: Mirror) -> None:
    mirror.desk.calendar.feed.is_html = True


def _publish(_: World, mirror: Mirror) -> None:
    mirror.desk.calendar.feed.is_html = False


STOPPED: Final = Fault(
    "The sync stops; somebody books and cancels",
    _stop,
    MISSING,
    GRACE + _BOTH + POLL,
    _missing,
    ((_state("broken"), 1, 1), (_bookings("missing", "next_24h"), 1, 9)),
    beside=frozenset({LEFT}),
    mend=_resume,
    note="from the booking on; copies of cancelled ones stay behind as well",
)
LOST: Final = Fault(
    "The copy of one booking is lost",
    _lose,
    MISSING,
    GRACE + _BOTH + POLL,
    lambda proof: _missing(proof, 1, 1),
    ((_state("broken"), 1, 1), (_bookings("missing", "next_24h"), 1, 1), (_bookings("missing", "next_7d"), 1, 1)),
    mend=_find,
)
MOVED: Final = Fault(
    "All copies stand an hour too late",
    lambda _, mirror: mirror.desk.partner.shift(2),
    SHIFTED,
    GRACE + _BOTH + POLL,
    lambda proof: proof is not None and proof.state is ProofState.BROKEN and proof.shift == HOUR,
    ((_state("broken"), 1, 1), ('booking_sync_proof_shift_seconds{{pair="{0}"}}', 3600, 3600)),
    beside=frozenset({MISSING}),
    mend=lambda _, mirror: mirror.desk.partner.shift(0),
)
KEPT: Final = Fault(
    "A booking is cancelled, and its copy stays",
    _leave,
    LEFT,
    GRACE + _BOTH + POLL,
    lambda proof: proof is not None and proof.state is ProofState.PROVED and proof.left_behind >= 1,
    ((_state("proved"), 1, 1), ('booking_sync_proof_left_behind{{pair="{0}"}}', 1, 1)),
    mend=_sweep,
)
FREE: Final = Fault(
    "All copies are written as free, entries are read",
    lambda _, mirror: mirror.desk.partner.write_as_free(),
    "",
    _BOTH,
    lambda proof: proof is not None and proof.state is ProofState.LEARNING and proof.learning is Learning.MARKED_FREE,
    (
        (_state("learning"), 1, 1),
        (_bookings("missing", "next_7d"), 0, 0),
        ('booking_sync_proof_learning{{pair="{0}",reason="marked_free"}}', 1, 1),
    ),
    before=True,
    reason="marked_free",
    note="never an alert; listed after a week",
)
UNSEEN: Final = Fault(
    "All copies are written as free, busy times are read",
    FREE.plant,
    "",
    GRACE + _BOTH,
    lambda proof: proof is not None and proof.state is ProofState.LEARNING and proof.learning is Learning.NONE_ARRIVES,
    (
        (_state("learning"), 1, 1),
        (_bookings("missing", "next_7d"), 0, 0),
        ('booking_sync_proof_learning{{pair="{0}",reason="none_arrives"}}', 1, 1),
    ),
    before=True,
    reason="none_arrives",
    note="never an alert; listed after a week",
)
FREE_FEED: Final = replace(FREE, planted="All copies are written as free, a feed is read")
REFUSED: Final = Fault(
    "The owner changes the password (401)",
    lambda _, mirror: mirror.change_password("another one"),
    FAILING,
    POLL,
    lambda proof: proof is None or proof.number("next_7d", Arrival.MISSING) == 0,
    (('booking_sync_collector_up{{target="{0}-cal",platform="calendar",collector="busy"}}', 0, 0),),
    mend=lambda _, mirror: mirror.change_password("correct horse"),
    beside=frozenset({EXPIRED}),
    mended=35 * MINUTE,
    note="the pair is withdrawn, and nothing is missing",
)
DELETED: Final = Fault(
    "The calendar is deleted (404)",
    lambda _, mirror: mirror.delete(),
    FAILING,
    3 * POLL,
    lambda proof: proof is None or proof.number("next_7d", Arrival.MISSING) == 0,
    (('booking_sync_collector_up{{target="{0}-cal",platform="calendar",collector="busy"}}', 0, 0),),
    mend=lambda _, mirror: mirror.make_again(),
    beside=frozenset({EXPIRED}),
    mended=35 * MINUTE,
    note="the pair is withdrawn, and nothing is missing",
)
SIGN_IN: Final = replace(
    DELETED,
    planted="The publisher shows a page to sign in instead of the feed",
    plant=_sign_in,
    mend=_publish,
)
EMPTIED: Final = Fault(
    "The calendar is disconnected, and all copies are taken away",
    lambda _, mirror: mirror.desk.partner.disconnect(),
    MISSING,
    GRACE + _BOTH + POLL,
    lambda proof: _missing(proof, 15),
    ((_state("broken"), 1, 1), (_bookings("missing", "next_7d"), 15, 60), (_bookings("arrived", "next_7d"), 0, 0)),
    mend=_resume,
)
UNKNOWN: Final = Fault(
    "A private date does not reach the platform",
    _enter_unseen,
    NOT_BLOCKING,
    GRACE + POLL + EVENTS + POLL,
    lambda proof: (
        proof is not None
        and proof.state is ProofState.PROVED
        and proof.imports is not None
        and proof.imports[Import.MISSING] == 1
    ),
    ((_state("proved"), 1, 1), ('booking_sync_proof_imports{{pair="{0}",state="missing"}}', 1, 1)),
    mend=_see,
    mended=EVENTS + POLL,
)

WIX: Final = 18
BITRIX24: Final = 18
"""So many desks the whole rehearsal has."""

PLANTED: Final[Mapping[str, Fault]] = {
    "wix-1": STOPPED,
    "wix-2": LOST,
    "wix-3": UNKNOWN,
    "wix-4": UNKNOWN,
    "wix-5": MOVED,
    "wix-6": EMPTIED,
    "wix-7": LOST,
    "wix-8": KEPT,
    "wix-11": LOST,
    "wix-12": UNKNOWN,
    "wix-13": STOPPED,
    "wix-14": EMPTIED,
    "wix-16": MOVED,
    "wix-17": KEPT,
    "wix-18": LOST,
    "bitrix24-1": FREE,
    "bitrix24-2": UNSEEN,
    "bitrix24-3": REFUSED,
    "bitrix24-4": DELETED,
    "bitrix24-5": EMPTIED,
    "bitrix24-6": MOVED,
    "bitrix24-7": KEPT,
    "bitrix24-8": STOPPED,
    "bitrix24-11": MOVED,
    "bitrix24-12": KEPT,
    "bitrix24-13": DELETED,
    "bitrix24-14": SIGN_IN,
    "bitrix24-15": FREE_FEED,
    "bitrix24-17": REFUSED,
    "bitrix24-18": DELETED,
}
"""The desks of the whole rehearsal that have a fault; six have none, two of them read by a feed."""

READS: Final[Mapping[str, Read]] = {
    **dict.fromkeys((f"wix-{number}" for number in range(11, 16)), "feed"),
    **dict.fromkeys((f"bitrix24-{number}" for number in range(11, 17)), "feed"),
    **dict.fromkeys(("wix-16", "wix-17", "bitrix24-17"), "entries"),
    **dict.fromkeys(("wix-18", "bitrix24-5", "bitrix24-18"), "free_busy"),
}
"""How calendars are read in it where it is another way than that of their number."""

FAULTS: Final = (
    *(STOPPED, LOST, MOVED, KEPT, FREE, UNSEEN, FREE_FEED, REFUSED, DELETED, SIGN_IN),
    *(EMPTIED, UNKNOWN),
)
