"""The frozen values about a pair: whether the bookings of a resource are in its owner's own calendar, and the way back.

Moments are Unix seconds (``float``), durations seconds. Bookings are told by their id on the platform.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Final

import msgspec

from exporter.value import Value

WINDOWS_SECONDS: Final[Mapping[str, float]] = {"next_24h": 86_400.0, "next_7d": 604_800.0}
"""The windows that every pair is judged in, each from now on."""


class ProofState(StrEnum):
    """``LEARNING``: too little was seen to judge. ``PROVED``: bookings arrive. ``BROKEN``: they did, and one is missing."""

    LEARNING = "learning"
    PROVED = "proved"
    BROKEN = "broken"

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class Arrival(StrEnum):
    """Whether a booking is in the calendar; ``PENDING``: not yet, and it is too new to be missing."""

    ARRIVED = "arrived"
    MISSING = "missing"
    PENDING = "pending"

    __hash__ = str.__hash__


class Import(StrEnum):
    """Whether the platform knows a busy time of the calendar; ``PENDING``: not yet, and it is too new to be missing."""

    KNOWN = "known"
    MISSING = "missing"
    PENDING = "pending"

    __hash__ = str.__hash__


class Learning(StrEnum):
    """Why a pair is still learning."""

    FEW_BOOKINGS = "few_bookings"  # what was seen arrived, and is too little
    NONE_ARRIVES = "none_arrives"  # bookings are due and none of them is busy in the calendar
    MARKED_FREE = "marked_free"  # they are there, and marked as free

    __hash__ = str.__hash__


class WindowProof(Value, frozen=True, gc=False):
    """How many bookings that begin within a window (a name of :data:`WINDOWS_SECONDS`) are in which state."""

    window: str
    bookings: Mapping[Arrival, int]


class MissingBooking(Value, frozen=True, gc=False):
    """A booking that is not in the calendar since ``since``, as far as we know: it is known to us since then, or gone."""

    booking: str
    start: float
    end: float
    since: float


class BusyTime(Value, frozen=True, gc=False):
    """A time that the calendar says is busy and should not be, or that the platform should know; told since ``since``."""

    start: float
    end: float
    since: float


class Proof(Value, frozen=True, gc=False):
    """What both ends of a ``pair`` (its name) say together, ``at`` the older of the two.

    ``state`` holds since ``since`` at the latest; ``learning`` says why while it is ``LEARNING``, ``None`` else. ``missing``,
    ``left`` and ``unknown_to_platform`` are the first ten, soonest first; ``left_behind`` counts all that are left of cancelled
    bookings. ``shift`` is by how many seconds all missing bookings are in the calendar later (or, negative, earlier) than they
    should be, ``None`` where they are not. ``lag`` is the median of the lags seen within a week, ``None`` where none was.
    ``imports`` is ``None`` where the way from the calendar to the platform is not checked or not known. ``arrived_in_all`` is
    how many bookings were seen to arrive since the pair is known. ``calendar`` is the target that is its calendar, ``resource``
    whose bookings they are, as the configuration has both.
    """

    pair: str
    at: float
    state: ProofState
    since: float
    windows: tuple[WindowProof, ...]
    learning: Learning | None = None
    missing: tuple[MissingBooking, ...] = ()
    left_behind: int = 0
    left: tuple[BusyTime, ...] = ()
    shift: float | None = None
    lag: float | None = None
    imports: Mapping[Import, int] | None = None
    unknown_to_platform: tuple[BusyTime, ...] = ()
    arrived_in_all: int = 0
    calendar: str = ""
    resource: str = ""

    def number(self, window: str, arrival: Arrival) -> int:
        """Return how many bookings of the ``window`` are in this state."""
        return sum(row.bookings.get(arrival, 0) for row in self.windows if row.window == window)

    @property
    def judges(self) -> bool:
        """Whether it has seen enough to say that a booking is missing."""
        return self.state is not ProofState.LEARNING


class SilentPair(Value, frozen=True, gc=False):
    """A pair that says nothing now. ``lacking`` are the targets at its ends without fresh data; empty before the next poll."""

    pair: str
    resource: str
    calendar: str
    lacking: tuple[str, ...] = ()


class PairSpec(Value, frozen=True, gc=False):
    """A pair as it is configured. ``bookings`` and ``calendar`` are names of targets; ``grace`` is in seconds.

    ``exports`` says that bookings are looked for in the calendar, ``imports`` that its busy times are looked for on the
    platform. ``ids`` are those of the resource on the platform. ``read_as`` is one name for all targets that read the same
    calendar as ``calendar`` does; empty where that is its own. ``others_unread`` says that the calendar is that of another
    resource, too, whose bookings nobody reads.
    """

    name: str
    bookings: str
    resource: str
    calendar: str
    grace: float
    exports: bool = True
    imports: bool = True
    ids: frozenset[str] = frozenset()
    read_as: str = ""
    others_unread: bool = False
    labels: Mapping[str, str] = msgspec.field(default_factory=dict)
