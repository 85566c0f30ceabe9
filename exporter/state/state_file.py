"""What stands in the state file, JSON: for each target its connections (hash of the id) and its collectors with their states.

::

    {"version": 2, "targets": {"salon-wix": {
        "account": "9f8e7d6c5b4a",
        "connections": {"0a1b2c3d4e5f": [[1790000000.0, "synced", false], [1790003600.0, "error"]]},
        "collectors": {"bookings": [[1790000000.0, "ok", false], [1790000300.0, "failing auth"]]}}}}

``events`` beside ``targets`` has what is remembered of private events (:mod:`exporter.state.events_state`), ``pairs`` what is
remembered of pairs, by their names (:mod:`exporter.state.pair_text`).
``account`` is the hash of what tells the account from others, with a key before it where that is secret; files of earlier
versions have none.
Each state has its moment on the wall clock; ``false`` says that it may be older, see :class:`exporter.model.Change`. Version 1
had of a connection no more than ``{"status": "synced", "since": 1790000000.0}``; it is read, too.
"""

from __future__ import annotations

import itertools
import sys
from collections import Counter
from collections.abc import Collection, Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Final

import msgspec
import structlog
from msgspec.structs import replace

from exporter.limits import KEPT_CHANGES, KNOWN_CONNECTIONS, STATE_FILE, STATE_FILE_TARGET
from exporter.model import Change
from exporter.private_calendar import EventMemory
from exporter.state.changes import Changes
from exporter.state.events_state import events_of, within_room
from exporter.state.pair_memory import PairMemory
from exporter.state.pair_text import pair_of
from exporter.support.files import read_file
from exporter.support.json_text import UNREADABLE, decoder

log = structlog.get_logger(__name__)

VERSION: Final = 2

_MAX_BYTES: Final = 256 * 1024 * 1024  # eight times what is written: an earlier version wrote more
_MINUTE: Final = 60.0

# Whatever else stands there was not written by us.
_Key = Annotated[str, msgspec.Meta(max_length=40)]
_State = Annotated[str, msgspec.Meta(pattern=r"\A[a-z0-9_ ]{1,40}\Z")]
_MANY: Final = msgspec.Meta(max_length=KNOWN_CONNECTIONS.number)

_Written = tuple[float | str | bool, ...]


class EarlierChange(Change, frozen=True, gc=False):
    """What an earlier run saw: its moment is one of the wall clock, and moves on our line when that clock is set."""


@dataclass(slots=True)
class Past:
    """What is remembered of a target: the states of its collectors, and of its connections, the one seen last behind all.

    ``account`` is the hash of the account that they are of, empty where nobody knows; ``events`` is what is known of its
    private events. ``stepped`` is by how many seconds the wall clock had been set when the moments of an earlier run were last
    moved.
    """

    connections: dict[str, Changes] = field(default_factory=dict)
    collectors: dict[str, Changes] = field(default_factory=dict)
    account: str = ""
    events: EventMemory | None = None
    stepped: float = field(default=0.0, init=False)

    @property
    def tracks(self) -> tuple[dict[str, Changes], ...]:
        """Return the lists of changes of all connections and collectors."""
        return self.connections, self.collectors


class _Row(msgspec.Struct, frozen=True, array_like=True):
    at: float
    state: _State
    known: bool = True


_Rows = Annotated[tuple[_Row, ...], msgspec.Meta(min_length=1, max_length=KEPT_CHANGES.number)]


class _Target(msgspec.Struct, frozen=True):
    connections: Annotated[dict[_Key, _Rows], _MANY] = {}
    collectors: Annotated[dict[_Key, _Rows], _MANY] = {}
    account: _Key = ""


class _File(msgspec.Struct, frozen=True):
    targets: dict[str, msgspec.Raw] = {}  # read one by one: all rows at once would take as much again as what they become
    events: dict[str, msgspec.Raw] = {}


class _Pairs(msgspec.Struct, frozen=True):
    version: int
    pairs: dict[str, msgspec.Raw] = {}


class _Since(msgspec.Struct, frozen=True):
    status: _State
    since: float


class _FirstFile(msgspec.Struct, frozen=True):
    targets: dict[str, Annotated[dict[_Key, _Since], _MANY]] = {}


class _Version(msgspec.Struct, frozen=True):
    version: int


def read_state_file(path: Path, targets: Container[str] | None = None) -> dict[str, Past]:
    """Return what the file says of each target, or of ``targets`` alone, in moments of the wall clock.

    Nothing, with a warning, if it is not ours.
    """
    try:
        content = read_file(path, _MAX_BYTES)
        match decoder(_Version).decode(content).version:
            case 1:
                first = decoder(_FirstFile).decode(content).targets
                return {name: Past(_of_first_version(rows)) for name, rows in first.items() if _is_of(targets, name)}
            case version if version == VERSION:
                file = decoder(_File).decode(content)
                return {
                    name: _past(text, file.events.get(name)) for name, text in file.targets.items() if _is_of(targets, name)
                }
            case version:
                why = f"version {version} is not {VERSION}"
    except FileNotFoundError:
        return {}  # the first start
    except OSError as error:
        why = error.strerror or type(error).__name__
    except UNREADABLE as error:
        why = f"not a state file ({type(error).__name__})"
    log.warning("state_file_ignored", path=str(path), why=why)
    return {}


def _is_of(targets: Container[str] | None, name: str) -> bool:
    return targets is None or name in targets


def read_parts(own: Path, parts: Iterable[Path], targets: Collection[str]) -> tuple[dict[str, Past], int]:
    """Return what ``own`` and the other ``parts`` of a divided file remember, and of how many targets it came from others.

    The ``parts`` are in their order, that written last first: whoever wrote of a target last has watched it last. Of the others
    only ``targets`` count.
    """
    known: dict[str, Past] = {}
    taken = 0
    for part in parts:
        found = read_state_file(part, None if part == own else frozenset(targets) - known.keys())
        taken += 0 if part == own else len(found)
        known = {**found, **known}
    return known, taken


def read_pairs(parts: Iterable[Path]) -> dict[str, PairMemory]:
    """Return what ``parts`` of a divided file, that written last first, remember of pairs; nothing of one that is not ours.

    Whoever wrote of a pair last has judged it last.
    """
    known: dict[str, PairMemory] = {}
    for part in parts:
        try:
            file = decoder(_Pairs).decode(read_file(part, _MAX_BYTES))
        except (OSError, *UNREADABLE):
            continue  # told where targets are read of it
        pairs = file.pairs if file.version == VERSION else {}
        found = ((name, pair_of(text, name)) for name, text in pairs.items() if name not in known)
        known.update({name: memory for name, memory in found if memory is not None})
    return known


def _past(text: msgspec.Raw, events: msgspec.Raw | None) -> Past:
    target = decoder(_Target).decode(text)
    memory = None if events is None else events_of(events)
    return Past(_changes(target.connections), _changes(target.collectors), target.account, memory)


def fitted(past: Past, stepped: float, room: int = STATE_FILE_TARGET.number) -> bytes:
    """Return what the state file says of a target, once ``past`` has no more than there is ``room`` for, in bytes.

    What goes first is the oldest state of all its connections and collectors, the present ones last of all. ``stepped`` is by
    how many seconds the wall clock was set.
    """
    while (excess := len(text := _text(past, stepped)) - room) > 0:
        _forget(past, excess)
    return text


def file_size(texts: Mapping[str, bytes]) -> int:
    """Return how many bytes the whole file has at most."""
    return sum(len(text) + _name_size(target) for target, text in texts.items())


def equal_parts(targets: Mapping[str, Past]) -> int:
    """Return the room that each of ``targets`` has when all have the same."""
    return (STATE_FILE.number - sum(map(_name_size, targets))) // max(1, len(targets))


def _name_size(target: str) -> int:
    return 4 * len(target) + len('"":,')


def count_over(past: Past, minutes: Counter[int]) -> None:
    """Add to ``minutes`` of the steady line how many bytes the states take that began in them, the present ones left out."""
    for tracked in past.tracks:
        for changes in tracked.values():
            for change in changes[:-1]:
                minutes[int(change.at // _MINUTE)] += _size(_row(change)) + 1


def moment_after(minutes: Mapping[int, int], excess: int) -> float:
    """Return the moment before which states take ``excess`` bytes, or as many as there are."""
    for minute in sorted(minutes):
        excess -= minutes[minute]
        if excess <= 0:
            return (minute + 1) * _MINUTE
    return float("inf")


def forget_before(past: Past, moment: float) -> bool:
    """Forget the states that began before ``moment``, but for the present ones. Returns whether there were any.

    ``moment`` is in Unix seconds.
    """
    forgot = False
    for tracked in past.tracks:
        for key, changes in tracked.items():
            if len(changes) > 1 and changes[0].at < moment:
                gone = sum(1 for _ in _before(changes[:-1], moment))
                tracked[key], forgot = changes[gone:], True
    return forgot


def _before(changes: Changes, moment: float) -> Iterator[Change]:
    return itertools.takewhile(lambda change: change.at < moment, changes)


def state_file(
    texts: Mapping[str, bytes], events: Mapping[str, bytes] | None = None, pairs: Mapping[str, bytes] | None = None
) -> bytes:
    """Return the whole file; ``texts`` is what it says of each target, ``events`` of the private events of some.

    ``pairs`` is what it says of each pair. They come before events where there is not room enough for both.
    """
    raw = {target: msgspec.Raw(text) for target, text in texts.items()}
    size = file_size(texts)
    of_pairs = within_room(pairs or {}, size)
    of_events = within_room(events or {}, size + file_size(of_pairs))
    more = {
        key: {name: msgspec.Raw(text) for name, text in memories.items()}
        for key, memories in (("events", of_events), ("pairs", of_pairs))
        if memories
    }
    return msgspec.json.encode({"version": VERSION, "targets": raw, **more})


def _text(past: Past, stepped: float) -> bytes:
    def rows(track: Mapping[str, Changes]) -> Mapping[str, list[_Written]]:
        return {key: [_row(change, stepped) for change in changes] for key, changes in track.items()}

    account = {"account": past.account} if past.account else {}
    return msgspec.json.encode({**account, "connections": rows(past.connections), "collectors": rows(past.collectors)})


def _row(change: Change, stepped: float = 0.0) -> _Written:
    at = change.at + stepped
    return (at, change.state) if change.known else (at, change.state, False)


def _forget(past: Past, excess: int) -> None:
    """Make ``past`` shorter by some ``excess`` bytes: by the oldest of what is over, then by what nobody saw for longest."""
    over = sorted(
        (change.at, track, key, _size(_row(change)))
        for track, tracked in enumerate(past.tracks)
        for key, changes in tracked.items()
        for change in changes[:-1]
    )
    gone: Counter[tuple[int, str]] = Counter()
    for _, track, key, size in over:
        if excess > 0:
            gone[track, key] += 1
            excess -= size
    for (track, key), number in gone.items():
        past.tracks[track][key] = past.tracks[track][key][number:]
    for tracked in past.tracks:
        while tracked and excess > 0:
            key = next(iter(tracked))
            excess -= _size({key: [_row(change) for change in tracked.pop(key)]})


def _size(value: object) -> int:
    return len(msgspec.json.encode(value))


def _of_first_version(rows: Mapping[str, _Since]) -> dict[str, Changes]:
    return {key: (EarlierChange(row.since, sys.intern(row.status), known=False),) for key, row in rows.items()}


def _changes(rows: Mapping[str, tuple[_Row, ...]]) -> dict[str, Changes]:
    def earlier(row: _Row) -> EarlierChange:
        return EarlierChange(row.at, sys.intern(row.state), row.known)

    return {key: tuple(map(earlier, states)) for key, states in rows.items()}


def seen_by_us(track: Mapping[str, Changes]) -> dict[str, Changes]:
    """Return ``track`` as changes that this run saw."""
    return {key: tuple(Change(row.at, row.state, row.known) for row in changes) for key, changes in track.items()}


def earlier_moved(changes: Changes, seconds: float) -> Changes:
    """Return ``changes`` with those that an earlier run saw later by ``seconds``."""
    if not isinstance(changes[0], EarlierChange):
        return changes  # what an earlier run saw comes first
    return tuple(replace(row, at=row.at + seconds) if isinstance(row, EarlierChange) else row for row in changes)
