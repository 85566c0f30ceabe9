"""What is remembered of a pair, between polls and across restarts.

Moments are Unix seconds (``float``) of the steady clock; when bookings and busy times begin and end they are of the wall clock.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Protocol

import msgspec
from msgspec.structs import replace

from exporter.model import Value
from exporter.proof import ProofState


class KnownBooking(Value, frozen=True, gc=False):
    """A booking with the times that it has: one that is moved is another one.

    ``seen`` is since when it is known to have them, which its grace begins with; ``made`` when it was made or moved, ``None``
    where nobody saw that. ``arrived`` is when it was first seen in the calendar, ``vanished`` since when it is not any more.
    ``looked`` says that the calendar was read after ``made`` and it was not there yet. ``missing`` is the last verdict.
    """

    start: float
    end: float
    seen: float
    made: float | None = None
    arrived: float | None = None
    vanished: float | None = None
    looked: bool = False
    missing: bool = False

    def made_until(self, now: float) -> KnownBooking:
        """Return this booking, made at a moment that nobody knows if that lies behind ``now``."""
        return self if self.made is None or self.made <= now else replace(self, made=None)


class GoneBooking(Value, frozen=True, gc=False):
    """The times of a booking that had arrived and was cancelled or moved; ``left`` is the last verdict.

    Its grace begins with ``since``, when it was not there any more, or both ends were read again behind a gap.
    """

    start: float
    end: float
    since: float
    left: bool = False


class UnknownTime(Value, frozen=True, gc=False):
    """A busy time of the calendar that neither the platform nor any booking explains; ``missing`` is the last verdict.

    Its grace begins with ``since``, when all bookings and the calendar had been read, or were read again behind a gap.
    """

    start: float
    end: float
    since: float
    missing: bool = False


Evidence = tuple[float, float, int]
"""Times of a booking that was seen to arrive, with the number of the busy time that it lay in."""


class PairMemory(Value, frozen=True, gc=False):
    """What is remembered of a pair as of ``at``.

    ``ends`` is the hash of what the pair ties together: for other ends nothing of it holds. ``state`` holds since ``since``;
    ``proved`` says that bookings arrive. ``bookings`` are by the hash of id and times. ``[whole_start, whole_end)``
    is what the last whole read of the bookings, ``whole_at``, told of; ``calendar_at`` and ``bookings_at`` are when the
    calendar and bookings were read last. ``watched_at`` is when all bookings of the calendar were, those of other pairs, too,
    and ``compared_at`` when the calendar was read that was last compared with what the platform knows.
    ``evidence`` is gathered until it proves the pair; ``imports_evidence`` are busy times that the platform knew, until
    ``imports_proved``. ``lags`` are moments with seconds.
    """

    ends: str
    at: float
    state: ProofState = ProofState.LEARNING
    since: float = 0.0
    proved: bool = False
    bookings: Mapping[str, KnownBooking] = msgspec.field(default_factory=dict)
    gone: tuple[GoneBooking, ...] = ()
    unknown: tuple[UnknownTime, ...] = ()
    whole_at: float = 0.0
    whole_start: float = 0.0
    whole_end: float = 0.0
    calendar_at: float = 0.0
    arrived_in_all: int = 0
    evidence: tuple[Evidence, ...] = ()
    lags: tuple[tuple[float, float], ...] = ()
    imports_proved: bool = False
    imports_evidence: tuple[tuple[float, float], ...] = ()
    bookings_at: float = 0.0
    watched_at: float = 0.0
    compared_at: float = 0.0

    def moved(self, ends: str, now: float) -> PairMemory:
        """Return this memory as one of ``ends`` may be used at ``now``: nothing of other ends, and no moment that lies ahead.

        Such a one was written by a clock that ran wrong, and would hold up a verdict for as long. When a booking was made is
        not known then, or its lag would be too short.
        """
        if self.ends != ends:
            return PairMemory(ends, now)

        def known(moment: float) -> float:
            return min(moment, now)

        bookings = {key: row.made_until(now) for key, row in self.bookings.items()}
        lags = tuple(lag for lag in self.lags if lag[0] <= now)
        return replace(self, bookings=bookings, lags=lags).with_moments(known)

    def moved_by(self, seconds: float) -> PairMemory:
        """Return this memory with its moments later by ``seconds``; bookings and busy times lie where the calendar has them."""
        return self.with_moments(lambda moment: max(0.0, moment + seconds) if moment else 0.0)  # 0 is never

    def with_moments(self, moved: Callable[[float], float]) -> PairMemory:
        """Return this memory with its moments as ``moved`` returns them; bookings and busy times lie where they do."""

        def of(moment: float | None) -> float | None:
            return None if moment is None else moved(moment)

        def booking_of(booking: KnownBooking) -> KnownBooking:
            moments = {"made": of(booking.made), "arrived": of(booking.arrived), "vanished": of(booking.vanished)}
            return replace(booking, seen=moved(booking.seen), **moments)

        return replace(
            self,
            at=moved(self.at),
            since=moved(self.since),
            bookings={key: booking_of(booking) for key, booking in self.bookings.items()},
            gone=tuple(replace(booking, since=moved(booking.since)) for booking in self.gone),
            unknown=tuple(replace(time, since=moved(time.since)) for time in self.unknown),
            whole_at=moved(self.whole_at),
            calendar_at=moved(self.calendar_at),
            lags=tuple((moved(at), seconds) for at, seconds in self.lags),
            bookings_at=moved(self.bookings_at),
            watched_at=moved(self.watched_at),
            compared_at=moved(self.compared_at),
        )


class PairMemories(Protocol):
    """Keeps the memories of pairs across restarts. Who keeps them forgets those of pairs that are no longer configured."""

    def load(self, pair: str) -> PairMemory | None:
        """Return what is remembered of ``pair`` (its name), if anything is."""
        ...

    def keep(self, pair: str, memory: PairMemory) -> None:
        """Remember ``memory`` instead of what was remembered of ``pair``. Called with each poll, so it does not block."""
        ...


class NoMemories:
    """Where there is no state file."""

    def load(self, pair: str) -> PairMemory | None:  # noqa: ARG002  nothing is remembered of any
        """Return ``None``."""
        return None

    def keep(self, pair: str, memory: PairMemory) -> None:
        """Do nothing."""
