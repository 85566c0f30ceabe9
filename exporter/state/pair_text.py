"""What the state file says of a pair: hashes with times, in whole seconds of the wall clock.

::

    {"ends": "0a1b2c3d4e5f", "at": 1790000000, "state": "proved", "since": 1789000000, "proved": true,
     "bookings": {"5f4e3d2c1b0a": [1790003600, 1790007200, 1789990000, 1789989900, 1789990300, null, 1]},
     "gone": [[1790003600, 1790007200, 1789990000, false]], "unknown": [[1790003600, 1790007200, 1789990000, false]],
     "whole": [1790000000, 1789913600, 1790691200], "calendar_at": 1790000000, "arrived_in_all": 41,
     "evidence": [], "lags": [[1789990300, 180]], "imports_proved": true, "imports_evidence": [],
     "bookings_at": 1790000000, "watched_at": 1790000000, "compared_at": 1790000000}

See :class:`~exporter.state.pair_memory.PairMemory` for what they mean. The last number of a booking adds 1 where the calendar
was looked at, and 2 where it is missing.
"""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
import structlog

from exporter.limits import STATE_FILE_PAIR
from exporter.proof import ProofState
from exporter.state.pair_memory import GoneBooking, KnownBooking, PairMemory, UnknownTime
from exporter.support.json_text import UNREADABLE, decoder

log = structlog.get_logger(__name__)

MAX_ROWS: Final = 10_000

_Key = Annotated[str, msgspec.Meta(max_length=40)]
_Moment = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1_000_000_000)]
_MANY: Final = msgspec.Meta(max_length=MAX_ROWS)
_LOOKED: Final = 1
_MISSING: Final = 2


class _Memory(msgspec.Struct, frozen=True):
    ends: _Key
    at: _Moment
    state: ProofState = ProofState.LEARNING
    since: _Moment = 0.0
    proved: bool = False
    bookings: Annotated[
        dict[_Key, tuple[_Moment, _Moment, _Moment, _Moment | None, _Moment | None, _Moment | None, _Number]], _MANY
    ] = {}
    gone: Annotated[tuple[tuple[_Moment, _Moment, _Moment, bool], ...], _MANY] = ()
    unknown: Annotated[tuple[tuple[_Moment, _Moment, _Moment, bool], ...], _MANY] = ()
    whole: tuple[_Moment, _Moment, _Moment] = (0.0, 0.0, 0.0)
    calendar_at: _Moment = 0.0
    arrived_in_all: _Number = 0
    evidence: Annotated[tuple[tuple[_Moment, _Moment, _Number], ...], _MANY] = ()
    lags: Annotated[tuple[tuple[_Moment, _Moment], ...], _MANY] = ()
    imports_proved: bool = False
    imports_evidence: Annotated[tuple[tuple[_Moment, _Moment], ...], _MANY] = ()
    bookings_at: _Moment = 0.0
    watched_at: _Moment = 0.0
    compared_at: _Moment = 0.0


def pair_text(memory: PairMemory, stepped: float) -> bytes:
    """Return what the state file says of ``memory``, 64 KiB at most.

    Of more, what is farthest ahead is left out: it is seen anew after a restart, which makes a verdict or a proof late and no
    lie.
    ``stepped`` is by how many seconds the wall clock was set.
    """
    bookings = {
        key: _row(memory.bookings[key], stepped) for key in sorted(memory.bookings, key=lambda key: _begin(memory, key))
    }
    gone = [_time(row.start, row.end, row.since, row.left, stepped) for row in sorted(memory.gone, key=lambda row: row.start)]
    unknown = [_time(row.start, row.end, row.since, row.missing, stepped) for row in memory.unknown]
    evidence = [(round(start), round(end), number) for start, end, number in memory.evidence]
    rest = {
        "ends": memory.ends,
        "at": _wall(memory.at, stepped),
        "state": memory.state,
        "since": _wall(memory.since, stepped),
        "proved": memory.proved,
        "whole": (_wall(memory.whole_at, stepped), round(memory.whole_start), round(memory.whole_end)),
        "calendar_at": _wall(memory.calendar_at, stepped),
        "arrived_in_all": memory.arrived_in_all,
        "lags": [(_wall(at, stepped), round(seconds)) for at, seconds in memory.lags],
        "imports_proved": memory.imports_proved,
        "imports_evidence": [(round(start), round(end)) for start, end in memory.imports_evidence],
        "bookings_at": _wall(memory.bookings_at, stepped),
        "watched_at": _wall(memory.watched_at, stepped),
        "compared_at": _wall(memory.compared_at, stepped),
    }
    while True:
        text = msgspec.json.encode(rest | {"bookings": bookings, "gone": gone, "unknown": unknown, "evidence": evidence})
        excess = len(text) - STATE_FILE_PAIR.number
        if excess <= 0:
            return text
        for rows in (unknown, gone, evidence):
            while rows and excess > 0:
                excess -= len(msgspec.json.encode(rows.pop())) + 1
            if excess <= 0:
                break
        while bookings and excess > 0:
            excess -= len(msgspec.json.encode(dict([bookings.popitem()]))) - 1


def pair_of(text: bytes | msgspec.Raw, pair: str | None = None) -> PairMemory | None:
    """Return the memory of ``pair`` that ``text`` holds; ``None``, with a warning, where it was not written by us."""
    try:
        read = decoder(_Memory).decode(text)
    except UNREADABLE as error:
        log.warning("state_of_pair_ignored", pair=pair, why=type(error).__name__)
        return None
    whole_at, whole_start, whole_end = read.whole
    bookings = {
        key: KnownBooking(start, end, seen, made, arrived, vanished, bool(flags & _LOOKED), bool(flags & _MISSING))
        for key, (start, end, seen, made, arrived, vanished, flags) in read.bookings.items()
    }
    return PairMemory(
        read.ends,
        read.at,
        read.state,
        read.since,
        read.proved,
        bookings,
        tuple(GoneBooking(*row) for row in read.gone),
        tuple(UnknownTime(*row) for row in read.unknown),
        whole_at,
        whole_start,
        whole_end,
        read.calendar_at,
        read.arrived_in_all,
        read.evidence,
        read.lags,
        read.imports_proved,
        read.imports_evidence,
        read.bookings_at,
        read.watched_at,
        read.compared_at,
    )


def _wall(moment: float, stepped: float) -> int:
    return max(0, round(moment + stepped)) if moment else 0


def _begin(memory: PairMemory, key: str) -> float:
    return memory.bookings[key].start


def _row(booking: KnownBooking, stepped: float) -> tuple[int | None, ...]:
    moments = (
        None if moment is None else _wall(moment, stepped) for moment in (booking.made, booking.arrived, booking.vanished)
    )
    flags = _LOOKED * booking.looked + _MISSING * booking.missing
    return round(booking.start), round(booking.end), _wall(booking.seen, stepped), *moments, flags


def _time(start: float, end: float, since: float, verdict: bool, stepped: float) -> tuple[int, int, int, bool]:
    return round(start), round(end), _wall(since, stepped), verdict
