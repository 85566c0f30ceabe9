"""What both ends of a pair say together, made of what they say now and what is remembered.

Moments are Unix seconds (``float``) of the steady clock; when bookings and busy times begin and end they are of the wall clock.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from statistics import median
from typing import Final, NamedTuple

from msgspec.structs import replace

from exporter.counting import shift_of
from exporter.private_calendar import WEEK_SECONDS
from exporter.proof import (
    WINDOWS_SECONDS,
    Arrival,
    BusyTime,
    Import,
    Learning,
    MissingBooking,
    PairSpec,
    Proof,
    ProofState,
    WindowProof,
)
from exporter.state.pair_ends import Ends, times_of
from exporter.state.pair_exports import Exports, ahead, followed
from exporter.state.pair_gaps import with_new_graces
from exporter.state.pair_imports import Imports, compared
from exporter.state.pair_memory import KnownBooking, PairMemory

SHOWN: Final = 10
"""So many missing bookings, and so many busy times, are told one by one."""

KEPT_LAGS: Final = 500


class Judged(NamedTuple):
    """What is remembered of a pair after a poll of one of its ends, what it says, and which lags in seconds are new."""

    memory: PairMemory
    proof: Proof
    lags: tuple[float, ...] = ()


def judged(spec: PairSpec, before: PairMemory, ends: Ends) -> Judged:
    """Return what the pair ``spec`` says at ``ends``, once ``before`` was known."""
    before = with_new_graces(before, ends, spec.grace)
    found = followed(before, ends, spec.grace)
    memory = replace(found.memory, at=ends.now, lags=_recent_lags(found, ends))
    imports = None
    if spec.imports and ends.events is not None:
        imports = compared(memory, ends, ends.events, spec.grace)
        memory = imports.memory
    missing = _missing(memory.bookings, found, ends) if spec.exports and memory.proved else ()
    state = _state(spec, memory, imports, is_missing=bool(missing))
    if before.since == 0.0 or state is not before.state:
        memory = replace(memory, state=state, since=ends.now)
    left = (
        tuple(row for row in sorted(memory.gone, key=lambda row: row.start) if row.left)
        if spec.exports and memory.proved
        else ()
    )
    proof = Proof(
        spec.name,
        min(ends.bookings.at, ends.calendar.at),
        state,
        memory.since,
        _windows(memory, found, ends) if spec.exports else (),
        _reason(spec, memory.bookings, found) if state is ProofState.LEARNING else None,
        missing[:SHOWN],
        len(left),
        tuple(BusyTime(row.start, row.end, row.since) for row in left[:SHOWN]),
        _shift(memory.bookings, found, ends) if spec.exports else None,
        median(seconds for _, seconds in memory.lags) if spec.exports and memory.lags else None,
        None if imports is None else imports.numbers,
        () if imports is None else imports.missing[:SHOWN],
        memory.arrived_in_all,
        spec.calendar,
        spec.resource,
    )
    return Judged(memory, proof, found.lags if spec.exports else ())


def _recent_lags(found: Exports, ends: Ends) -> tuple[tuple[float, float], ...]:
    lags = [*found.memory.lags, *((ends.calendar.at, seconds) for seconds in found.lags)]
    return tuple(lag for lag in lags if lag[0] > ends.now - WEEK_SECONDS)[-KEPT_LAGS:]


def _state(spec: PairSpec, memory: PairMemory, imports: Imports | None, *, is_missing: bool) -> ProofState:
    """Return the state of a pair; one that looks for imports alone is judged by them."""
    if spec.exports:
        is_proved = memory.proved
    else:
        is_proved = memory.imports_proved
        is_missing = imports is not None and imports.numbers[Import.MISSING] > 0
    if not is_proved:
        return ProofState.LEARNING
    return ProofState.BROKEN if is_missing else ProofState.PROVED


def _arrival(booking: KnownBooking, *, is_proved: bool) -> Arrival:
    if booking.arrived is not None and booking.vanished is None:
        return Arrival.ARRIVED
    return Arrival.MISSING if is_proved and booking.missing else Arrival.PENDING


def _windows(memory: PairMemory, found: Exports, ends: Ends) -> tuple[WindowProof, ...]:
    windows = []
    for name, seconds in WINDOWS_SECONDS.items():
        numbers = dict.fromkeys(Arrival, 0)
        for key in ahead(found.listed, ends, seconds):
            numbers[_arrival(memory.bookings[key], is_proved=memory.proved)] += 1
        windows.append(WindowProof(name, numbers))
    return tuple(windows)


def _missing(bookings: Mapping[str, KnownBooking], found: Exports, ends: Ends) -> tuple[MissingBooking, ...]:
    keys = ahead(found.listed, ends, WINDOWS_SECONDS["next_7d"])
    held = [(key, known) for key in keys if (known := bookings[key]).missing]
    rows = [MissingBooking(found.listed[key].id, known.start, known.end, _absent_since(known)) for key, known in held]
    return tuple(sorted(rows, key=lambda row: (row.start, row.booking)))


def _absent_since(booking: KnownBooking) -> float:
    return booking.seen if booking.vanished is None else booking.vanished


def _reason(spec: PairSpec, bookings: Mapping[str, KnownBooking], found: Exports) -> Learning:
    if not spec.exports:
        return Learning.FEW_BOOKINGS
    arrived = any(_arrival(bookings[key], is_proved=False) is Arrival.ARRIVED for key in found.listed)
    absent: Collection[str] = [key for key in found.listed if bookings[key].missing]
    if found.free and len(found.free) >= len(absent):
        return Learning.MARKED_FREE
    return Learning.NONE_ARRIVES if absent and not arrived else Learning.FEW_BOOKINGS


def _shift(bookings: Mapping[str, KnownBooking], found: Exports, ends: Ends) -> float | None:
    """Return by how many seconds all bookings that are due and absent are in the calendar at another time."""
    told = ends.calendar.told
    absent = [
        (booking.start, booking.end) for key in found.listed if (booking := bookings[key]).missing and booking.end > ends.wall
    ]
    booked = [*times_of(ends.bookings.told.bookings), *ends.others.booked]
    return shift_of(sorted(absent), booked, told.periods, (told.start, told.end))
