"""Pairs: the bookings of a resource against its owner's own calendar, from poll to poll.

Moments are Unix seconds (``float``) of the steady clock (:meth:`exporter.clock.Clock.steady`) unless they are said to be of the
wall clock, as the times of bookings and of busy periods are.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence

from msgspec.structs import replace

from exporter.calendar_busy import BusyObservation
from exporter.model import BookingsObservation, Observation
from exporter.paired_bookings import PairedBookings
from exporter.private_calendar import EventsObservation, PairedEvents
from exporter.proof import PairSpec, Proof, SilentPair
from exporter.state.pair_ends import Ends, Others, Read, ends_hash, times_of
from exporter.state.pair_exports import left_times
from exporter.state.pair_judgement import judged
from exporter.state.pair_memory import NoMemories, PairMemories, PairMemory


class _Pair:
    """A pair with what was read of it last; ``memory`` is ``None`` until both ends were read."""

    __slots__ = ("bookings", "calendar", "ends", "events", "memory", "proof", "spec")

    def __init__(self, spec: PairSpec, ends: str) -> None:
        self.spec, self.ends = spec, ends
        self.memory: PairMemory | None = None
        self.bookings: Read[PairedBookings] | None = None
        self.calendar: Read[BusyObservation] | None = None
        self.events: Read[PairedEvents] | None = None
        self.proof: Proof | None = None

    @property
    def until(self) -> float:
        """Until when the proof may be shown."""
        reads = (self.bookings, self.calendar)
        return min(-math.inf if read is None else read.at + read.max_age for read in reads)

    @property
    def imports_until(self) -> float:
        return -math.inf if self.events is None else self.events.at + self.events.max_age

    @property
    def read_as(self) -> str:
        """One name for all targets that read this calendar."""
        return self.spec.read_as or self.spec.calendar

    def shown(self, now: float, stepped: float) -> Proof | None:
        proof = self.proof
        if proof is None or now > self.until or (proof.windows and not self.spec.exports):
            return None
        if proof.imports is not None and (now > self.imports_until or not self.spec.imports):
            proof = replace(proof, imports=None, unknown_to_platform=())
        return _moved(proof, stepped) if stepped else proof

    def lacking(self, now: float) -> tuple[str, ...]:
        """Return the targets at its ends of which nothing is fresh at ``now``."""
        ends = ((self.spec.bookings, self.bookings), (self.spec.calendar, self.calendar))
        return tuple(target for target, read in ends if read is None or not read.is_fresh(now))


class Pairs:
    """Holds the newest observation of both ends of each pair, judges them, and remembers. Lives in the event loop."""

    def __init__(self, memories: PairMemories | None = None, on_lag: Callable[[str, float], None] | None = None) -> None:
        """``on_lag`` is told the name of a pair and each new lag in seconds, once."""
        self._memories = NoMemories() if memories is None else memories
        self._on_lag = on_lag
        self._pairs: dict[str, _Pair] = {}
        self._of_bookings: dict[str, list[_Pair]] = {}  # a fleet has thousands of targets, and few of them are in a pair
        self._of_calendar: dict[str, list[_Pair]] = {}
        self._sharing: dict[str, list[_Pair]] = {}  # two targets may read one calendar
        self._shown: dict[str, tuple[float, tuple[Proof, ...]]] = {}

    def arrange(self, specs: Sequence[PairSpec], accounts: Mapping[str, str] | None = None) -> None:
        """Watch the pairs of ``specs`` (each name once) and no others.

        ``accounts`` has the hash of each target's account, as the state file has it. A pair between the same ends keeps its
        memory, with another grace or other directions, too; other ends, or other accounts behind their names, begin anew.
        """
        before, self._pairs = self._pairs, {}
        for spec in specs:
            ends = ends_hash(spec, accounts or {})
            pair = before.get(spec.name)
            if pair is None or pair.ends != ends:
                pair = _Pair(spec, ends)
            pair.spec = spec
            self._pairs[spec.name] = pair
        self._of_bookings, self._of_calendar, self._sharing = {}, {}, {}
        for pair in self._pairs.values():
            self._sharing.setdefault(pair.read_as, []).append(pair)
            self._of_bookings.setdefault(pair.spec.bookings, []).append(pair)
            self._of_calendar.setdefault(pair.spec.calendar, []).append(pair)
        self._shown.clear()

    def observed(
        self, target: str, observation: Observation, now: float, *, max_age: float, stepped: float = 0.0
    ) -> frozenset[str]:
        """Take a new observation of ``target`` that is published at ``now``, and judge the pairs that it is of.

        Observations that say nothing of a pair are passed over, so each may be handed in. ``max_age`` is that of its collector
        in seconds, ``stepped`` by how many seconds the wall clock was set. Returns the targets whose :meth:`proofs` are others
        now.
        """
        pairs = self._of_calendar if isinstance(observation, BusyObservation) else self._of_bookings
        touched = [pair for pair in pairs.get(target, ()) if _take(pair, observation, now, max_age)]
        for pair in touched:
            self._judge(pair, now, stepped)
            self._shown.pop(pair.spec.bookings, None)
        return frozenset(pair.spec.bookings for pair in touched)

    def proofs(self, target: str, now: float, stepped: float = 0.0) -> tuple[Proof, ...]:
        """Return what the pairs say whose bookings are those of ``target``, in moments of the wall clock.

        A pair of which an end is older than its ``max_age`` at ``now`` says nothing. The same tuple is returned as long as
        nothing changes.
        """
        if target not in self._of_bookings:
            return ()
        kept = self._shown.get(target)
        found = tuple([proof for pair in self._of_bookings[target] if (proof := pair.shown(now, stepped)) is not None])
        if kept is not None and kept[0] == stepped and kept[1] == found:
            return kept[1]
        self._shown[target] = stepped, found
        return found

    def holds_until(self, target: str, now: float) -> float:
        """Return the moment after which :meth:`proofs` of ``target`` change without a new observation; infinity for never."""
        moments = [
            moment
            for pair in self._of_bookings.get(target, ())
            if pair.proof is not None
            for moment in (pair.until, pair.imports_until)
        ]
        return min((moment for moment in moments if moment >= now), default=math.inf)

    def silent(self, target: str, now: float) -> tuple[tuple[SilentPair, ...], float]:
        """Return those pairs of the bookings of ``target`` that say nothing at ``now``.

        With them comes the moment after which they are others without a new observation; infinity for never.
        """
        pairs = self._of_bookings.get(target, ())
        ends = [read.at + read.max_age for pair in pairs for read in (pair.bookings, pair.calendar) if read is not None]
        silent = [
            SilentPair(pair.spec.name, pair.spec.resource, pair.spec.calendar, pair.lacking(now))
            for pair in pairs
            if pair.shown(now, 0.0) is None
        ]
        return tuple(silent), min((moment for moment in ends if moment >= now), default=math.inf)

    def _judge(self, pair: _Pair, now: float, stepped: float) -> None:
        bookings, calendar = pair.bookings, pair.calendar
        if bookings is None or calendar is None:
            pair.proof = None
            return
        if pair.memory is None:
            remembered = self._memories.load(pair.spec.name)
            pair.memory = PairMemory(pair.ends, now) if remembered is None else remembered.moved(pair.ends, now)
        events = pair.events if pair.events is not None and pair.events.is_fresh(now) else None
        ends = Ends(bookings, calendar, now, now + stepped, events, self._others(pair, now + stepped))
        pair.memory, pair.proof, lags = judged(pair.spec, pair.memory, ends)
        self._memories.keep(pair.spec.name, pair.memory)
        if self._on_lag is not None:
            for seconds in lags:
                self._on_lag(pair.spec.name, seconds)

    def _others(self, pair: _Pair, wall: float) -> Others:
        """Return what is known of the bookings of other pairs whose calendar is the same."""
        sharing = [other for other in self._sharing[pair.read_as] if other is not pair]
        if not sharing and not pair.spec.others_unread:
            return Others()
        read = [other.bookings for other in sharing if other.bookings is not None]
        whole = not pair.spec.others_unread and len(read) == len(sharing) and all(one.told.complete for one in read)
        return Others(
            tuple(times for one in read for times in (*times_of(one.told.bookings), *one.told.waiting)),
            tuple(times for other in sharing if other.memory for times in left_times(other.memory.gone, wall)),
            min(one.at for one in read) if whole else -math.inf,
        )


def _take(pair: _Pair, observation: Observation, now: float, max_age: float) -> bool:
    """Let ``pair`` have what an ``observation`` of one of its ends says of it. Returns whether that may be anything."""
    spec = pair.spec
    match observation:
        case BookingsObservation(at=at, paired=paired):
            bookings = next((one for one in paired if _is_of(one, spec)), None)
            pair.bookings = None if bookings is None else Read(bookings, at, now, max_age)
        case EventsObservation(at=at, paired=known) if spec.imports:
            events = next((one for one in known if _is_of(one, spec)), None)
            pair.events = None if events is None else Read(events, at, now, max_age)
        case BusyObservation(at=at):
            pair.calendar = Read(observation, at, now, max_age)
        case _:
            return False
    return True


def _is_of(told: PairedBookings | PairedEvents, spec: PairSpec) -> bool:
    """Return whether ``told`` is of the resource of ``spec``; a poll that a reload overtook looked for what it was before."""
    return (told.resource, told.ids) == (spec.resource, spec.ids)


def _moved(proof: Proof, seconds: float) -> Proof:
    """Return ``proof`` with its moments moved by ``seconds``; bookings and busy times lie where the calendar has them."""
    return replace(
        proof,
        at=proof.at + seconds,
        since=proof.since + seconds,
        missing=tuple(replace(row, since=row.since + seconds) for row in proof.missing),
        left=tuple(replace(row, since=row.since + seconds) for row in proof.left),
        unknown_to_platform=tuple(replace(row, since=row.since + seconds) for row in proof.unknown_to_platform),
    )
