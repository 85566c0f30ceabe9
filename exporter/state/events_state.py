"""What the state file says of a target's private events: hashes with their moments on the wall clock, in whole seconds.

::

    {"at": 1790000000, "until": 1790604800, "copies": false,
     "seen": {"0a1b2c3d4e5f": [1789990000, 600]},
     "lives": {"5f4e3d2c1b0a": [1789000000, 1790000000, 1789990000, 86400, 1790500000, 1789950000, 1790500000, 0, 3]},
     "beats": {"5f4e3d2c1b0a": [1790000000, 0, 1789999200]},
     "looked": {"5f4e3d2c1b0a": 1790000600}}

See :class:`~exporter.private_calendar.EventMemory` for what they mean.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

import msgspec
import structlog

from exporter.limits import REMEMBERED_EVENTS, REMEMBERED_IMPORTS, STATE_FILE
from exporter.private_calendar import EventMemory, ImportLife
from exporter.support.json_text import UNREADABLE, decoder

log = structlog.get_logger(__name__)

_Key = Annotated[str, msgspec.Meta(max_length=40)]
_Moment = Annotated[float, msgspec.Meta(ge=0, le=1e11)]
_Number = Annotated[int, msgspec.Meta(ge=0, le=1_000)]


class _Memory(msgspec.Struct, frozen=True):
    at: _Moment
    until: _Moment
    seen: Annotated[dict[_Key, tuple[_Moment, _Moment]], msgspec.Meta(max_length=REMEMBERED_EVENTS.number)] = {}
    lives: Annotated[
        dict[_Key, tuple[_Moment | None, _Moment | None, _Moment, _Moment, _Moment, _Moment, _Moment, _Moment, _Number]],
        msgspec.Meta(max_length=REMEMBERED_IMPORTS.number),
    ] = {}
    copies: bool = False
    beats: Annotated[dict[_Key, tuple[_Moment, _Moment, _Moment]], msgspec.Meta(max_length=REMEMBERED_IMPORTS.number)] = {}
    looked: Annotated[dict[_Key, _Moment], msgspec.Meta(max_length=REMEMBERED_IMPORTS.number)] = {}


def events_text(memory: EventMemory, stepped: float) -> bytes:
    """Return what the file says of ``memory``; ``stepped`` is by how many seconds the wall clock was set."""

    def wall(moment: float | None) -> int | None:
        return None if moment is None else max(0, round(moment + stepped))

    def of_life(life: ImportLife) -> tuple[int | None, ...]:
        reach = (round(life.far), wall(life.far_since) if life.far_since else 0, round(life.far_before))
        short = wall(life.short_since) if life.short_since else 0
        return wall(life.began), wall(life.last), wall(life.changed), round(life.gap), *reach, short, life.changes

    lives = {key: of_life(life) for key, life in memory.lives.items()}
    seen = {key: (wall(moment), round(before)) for key, (moment, before) in memory.seen.items()}
    beats = {
        key: (wall(came) if came else 0, wall(since) if since else 0, round(written))
        for key, (came, since, written) in memory.beats.items()
    }
    whole = {"at": wall(memory.at), "until": max(0, round(memory.until)), "copies": memory.copies, "seen": seen, "lives": lives}
    looked = {key: wall(moment) for key, moment in memory.looked.items()}
    return msgspec.json.encode(whole | ({"beats": beats} if beats else {}) | ({"looked": looked} if looked else {}))


def events_of(text: msgspec.Raw) -> EventMemory | None:
    """Return the memory that ``text`` holds; ``None`` where it was not written by us."""
    try:
        read = decoder(_Memory).decode(text)
    except UNREADABLE as error:
        log.warning("state_of_events_ignored", why=type(error).__name__)
        return None
    lives = {key: ImportLife(*life) for key, life in read.lives.items()}
    return EventMemory(read.at, read.until, read.seen, lives, read.copies, read.beats, looked=read.looked)


_AROUND: Final = len('"":,')


def within_room(memories: Mapping[str, bytes], taken: int) -> Mapping[str, bytes]:
    """Return as many of ``memories`` as the file has room for beside the ``taken`` bytes, the smallest first.

    Whose memory is not among them has its events seen anew after a restart: the cause of their conflicts is unknown then.
    """
    left = STATE_FILE.number - taken
    kept = {}
    for target, text in sorted(memories.items(), key=lambda item: len(item[1])):
        left -= len(text) + 4 * len(target) + _AROUND
        if left < 0:
            break
        kept[target] = text
    return kept
