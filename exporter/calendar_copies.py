"""The frozen values about copies of bookings in the staff's calendar, a part of those of :mod:`exporter.model`.

Moments are Unix seconds (``float``), ages seconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum

import msgspec
from msgspec.structs import replace


class MismatchKind(StrEnum):
    """How a booking's copy differs from it: the first of these that holds."""

    MISSING = "missing"
    MOVED = "moved"
    DECLINED = "declined"

    __hash__ = str.__hash__


class CopyAnswers(msgspec.Struct, frozen=True, gc=False):
    """What the portal answered in one poll about the copies of a window's bookings.

    ``age`` is by how many seconds that poll began before the one of the observation. ``compared`` bookings could be compared
    with their copies, and ``mismatches`` of them differ, each booking counted once.
    """

    age: float
    compared: int
    mismatches: Mapping[MismatchKind, int]


class WindowCopies(msgspec.Struct, frozen=True, gc=False):
    """The copies of the bookings of the window of this name: the sum of what ``answers`` say, each at its own age.

    ``unverified`` counts the bookings that have a copy of which is not known whether it says the same.
    """

    window: str
    answers: tuple[CopyAnswers, ...]
    unverified: int = 0

    @property
    def compared(self) -> int:
        """The number of bookings that could be compared with their copies."""
        return sum(row.compared for row in self.answers)

    @property
    def mismatches(self) -> Mapping[MismatchKind, int] | None:
        """The number of bookings that differ from their copies, by kind; ``None`` where no copy of several could be compared.

        Without any copies there is none that differs.
        """
        if self.unverified and not self.compared:
            return None
        return {kind: sum(row.mismatches.get(kind, 0) for row in self.answers) for kind in MismatchKind}

    def verified_within(self, seconds: float) -> WindowCopies:
        """Return the same without the answers of a greater ``age``; their bookings are unverified."""
        fresh = tuple(row for row in self.answers if row.age <= seconds)
        withdrawn = sum(row.compared for row in self.answers if row.age > seconds)
        return WindowCopies(self.window, fresh, self.unverified + withdrawn)


class MismatchedBooking(msgspec.Struct, frozen=True, gc=False):
    """A booking whose copy differs: its id on the platform as text, how it differs, when it begins, the age of the answer.

    ``resources`` are the ids of those whom it books.
    """

    booking: str
    kind: MismatchKind
    start: float
    age: float = 0.0
    resources: tuple[str, ...] = ()


class CalendarCopies(msgspec.Struct, frozen=True, gc=False):
    """The copies of a portal's bookings in the staff's calendar.

    ``mismatched`` are the next bookings whose copies differ, the soonest first. ``refused`` is why the portal shows none of the
    copies; then nothing else is known.
    """

    windows: tuple[WindowCopies, ...] = ()
    mismatched: tuple[MismatchedBooking, ...] = ()
    refused: str = ""

    @property
    def next_mismatch(self) -> float | None:
        """When the soonest booking begins whose copy differs."""
        return self.mismatched[0].start if self.mismatched else None

    def ages(self) -> Iterator[float]:
        """Yield the age of each answer."""
        yield from (answers.age for row in self.windows for answers in row.answers)
        yield from (row.age for row in self.mismatched)

    def verified_within(self, seconds: float) -> CalendarCopies:
        """Return the same without the answers of a greater age."""
        return replace(
            self,
            windows=tuple(row.verified_within(seconds) for row in self.windows),
            mismatched=tuple(row for row in self.mismatched if row.age <= seconds),
        )
