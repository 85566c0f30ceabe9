"""A booking resource and its owner's calendar, whose truth a test sets and :class:`~exporter.state.pairs.Pairs` polls."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from exporter.calendar_busy import BusyObservation, Period
from exporter.counting import clipped, minus, union
from exporter.model import BookingsObservation
from exporter.paired_bookings import PairedBooking, PairedBookings
from exporter.private_calendar import EventsObservation, PairedEvents
from exporter.proof import Arrival, PairSpec, Proof, ProofState
from exporter.state.pair_memory import PairMemory
from exporter.state.pairs import Pairs

MINUTE = 60.0
HOUR = 3600.0
DAY = 86_400.0
MAX_AGE = 900.0
GRACE = 30 * MINUTE
BEGIN = 1_790_035_200.0  # a midnight in UTC
SPEC = PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE)


def hours(start: float, end: float, day: int = 1) -> Period:
    """Return a period in hours of a ``day`` after :data:`BEGIN`."""
    return BEGIN + day * DAY + start * HOUR, BEGIN + day * DAY + end * HOUR


NEW = hours(10, 11, day=3)
"""A booking that comes while somebody watches."""


class Kept(dict[str, PairMemory]):
    """Memories of pairs, as a state file has them."""

    def load(self, pair: str) -> PairMemory | None:
        return self.get(pair)

    def keep(self, pair: str, memory: PairMemory) -> None:
        self[pair] = memory


class Scene:
    """Both ends of a pair as they are: ``bookings`` by id, ``copies`` and ``private`` dates in the calendar.

    A poll begins ``now`` and takes a second. ``knows`` is what the platform imported, ``None`` where it does not tell;
    ``knows_booked`` are the bookings that it told with it.
    """

    def __init__(self, *specs: PairSpec, has_entries: bool = False, kept: Kept | None = None, now: float = BEGIN) -> None:
        self.specs = specs or (SPEC,)
        self.kept = Kept() if kept is None else kept
        self.lags: list[tuple[str, float]] = []
        self.now, self.stepped = now, 0.0
        self.has_entries = has_entries
        self.bookings: dict[str, Period] = {}
        self.others: dict[str, Period] = {}  # of another resource
        self.to_accept: list[Period] = []  # by the merchant
        self.others_to_accept: list[Period] = []
        self.created: dict[str, float] = {}
        self.changed: dict[str, float] = {}
        self.copies: list[Period] = []
        self.private: list[Period] = []
        self.free: list[Period] = []
        self.knows: list[Period] | None = None
        self.knows_booked: list[Period] = []
        self.complete, self.unread = True, 0
        self.unclear: tuple[Period, ...] = ()
        self.start_again()

    def start_again(self) -> None:
        self.pairs = Pairs(self.kept, lambda pair, seconds: self.lags.append((pair, seconds)))
        self.pairs.arrange(self.specs)

    @property
    def wall(self) -> float:
        return self.now + self.stepped

    def read_bookings(self) -> None:
        spec, span = self.specs[0], (self.wall - DAY, self.wall + 8 * DAY)
        rows = self._rows(self.bookings, span)
        paired = [PairedBookings(spec.resource, *span, rows, self.complete, tuple(self.to_accept), spec.ids)]
        if len(self.specs) > 1:
            paired.append(
                PairedBookings(
                    self.specs[1].resource, *span, self._rows(self.others, span), self.complete, tuple(self.others_to_accept)
                )
            )
        self._publish(spec.bookings, BookingsObservation(self.now, (), paired=tuple(paired)))

    def _rows(self, bookings: dict[str, Period], span: Period) -> tuple[PairedBooking, ...]:
        rows = [
            PairedBooking(key, *times, self.created.get(key), self.changed.get(key))
            for key, times in bookings.items()
            if times[0] < span[1] and span[0] < times[1]
        ]
        return tuple(sorted(rows, key=lambda row: row.start))

    def read_calendar(self) -> None:
        start, end = self.wall - DAY, self.wall + 8 * DAY
        busy = clipped([*self.copies, *self.private], start, end)
        entries = tuple(sorted(busy)) if self.has_entries else None
        free = tuple(sorted(self.free)) if self.has_entries else None
        periods = minus(union(busy), self.unclear)
        told = BusyObservation(
            self.now, start, end, periods, entries=entries, free=free, unclear=self.unclear, unread=self.unread
        )
        self._publish(self.specs[0].calendar, told)

    def read_events(self) -> None:
        if self.knows is not None:
            span = self.wall, self.wall + 7 * DAY
            known = PairedEvents(self.specs[0].resource, *span, tuple(self.knows), tuple(self.knows_booked), self.specs[0].ids)
            self._publish(self.specs[0].bookings, EventsObservation(self.now, (), paired=(known,)))

    def _publish(self, target: str, observation: BookingsObservation | BusyObservation | EventsObservation) -> None:
        self.now += 1
        self.pairs.observed(target, observation, self.now, max_age=MAX_AGE, stepped=self.stepped)

    def poll(self, seconds: float = 0.0) -> None:
        """Let ``seconds`` pass, then read all ends, the bookings once more behind the calendar."""
        self.now += seconds
        self.read_bookings()
        self.read_events()
        self.read_calendar()
        self.read_bookings()

    def polls(self, seconds: float, interval: float = 5 * MINUTE) -> None:
        """Poll each ``interval`` until ``seconds`` passed."""
        until = self.now + seconds
        while self.now < until:
            self.poll(interval)

    def book(self, name: str, times: Period, *, arrives: bool = True) -> None:
        self.bookings[name] = times
        if arrives:
            self.copies.append(times)

    def prove(self) -> None:
        """Let five bookings at two places arrive, far enough from the days of a test."""
        for number in range(6):
            self.book(f"proof-{number}", hours(9 + number, 10 + number, day=5 + number % 2))
        self.poll()

    def shown(self) -> tuple[Proof, ...]:
        return self.pairs.proofs(self.specs[0].bookings, self.now, self.stepped)

    def proof(self) -> Proof:
        (proof,) = (proof for proof in self.shown() if proof.pair == self.specs[0].name)
        return proof

    def state(self) -> ProofState:
        return self.proof().state

    def missing(self) -> list[str]:
        return [row.booking for row in self.proof().missing]

    def left(self) -> list[Period]:
        return times(self.proof().left)

    def number(self, arrival: Arrival, window: str = "next_7d") -> int:
        (found,) = (one for one in self.proof().windows if one.window == window)
        return found.bookings[arrival]


def times(rows: Iterable[object]) -> list[Period]:
    """Return when ``rows`` begin and end."""
    return [(row.start, row.end) for row in rows]  # type: ignore[attr-defined]


def moved(periods: Sequence[Period], seconds: float) -> list[Period]:
    """Return ``periods`` later by ``seconds``."""
    return [(start + seconds, end + seconds) for start, end in periods]
