"""Who is connected, and who has to go when there is no room for one more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import nsmallest
from typing import Final

import structlog
from starlette.types import Scope

from exporter.support.told import Told
from exporter.web import limits

_log = structlog.get_logger("exporter.web")

_SHARE: Final = 32  # of all places are made free at once, since it takes a look at everybody
_VISITOR: Final = "visitor"  # in ASGI's `state` of each request


class Worth(IntEnum):
    """How little a connection would be missed, the least first."""

    SILENT = 0
    """Has not signed in and asks for nothing for a second: it shakes hands, sends its headers slowly, or sits there."""
    STRANGER = 1
    """Has not signed in, and waits for an answer."""
    STILL = 2
    """Is let in, and does not read its answer."""
    YOUNG = 3
    """Has come just now, and had no time to ask, or to be answered."""
    IDLE = 4
    """Is let in, and may ask again."""
    SERVED = 5
    """Is let in, and waits for an answer."""


@dataclass(eq=False, slots=True)
class Visitor:
    """One connection from its accept on. ``hang_up`` cuts it; ``seen`` is when it ``came``, or was last answered.

    ``address`` may stand for a whole network.
    """

    address: str
    came: float
    seen: float
    hang_up: Callable[[], object]
    leave: Callable[[Visitor], object] = field(repr=False)
    let_in: bool = False
    """Whether it has signed in, or got a page where no password is asked for."""
    busy: bool = False
    still: bool = False
    gone: bool = False
    wrong_passwords: int = 0

    def worth(self, now: float) -> Worth:
        if not self.let_in:
            if now - self.seen < limits.YOUNG_SECONDS:
                return Worth.YOUNG
            return Worth.STRANGER if self.busy else Worth.SILENT
        if self.still:
            return Worth.STILL
        return Worth.SERVED if self.busy else Worth.IDLE


def visitor_of(scope: Scope) -> Visitor | None:
    """Return who sent a request; ``None`` where no server of ours stands before the application."""
    found = scope.get("state", {}).get(_VISITOR)
    return found if isinstance(found, Visitor) else None


def state_of(visitor: Visitor) -> dict[str, object]:
    """Return the state in which :func:`visitor_of` finds ``visitor``."""
    return {_VISITOR: visitor}


class Visitors:
    """The open connections, ``most`` at a time.

    Room is made where it is missed least, in the order of :class:`Worth`; who has just come has a second before it counts as
    silent. Among equals those of the address with the most connections go first; of these who was answered longest ago, but of
    the idle who came last: a scraper keeps its connection, a flood makes new ones.
    Whoever is let in has half of the places at most while others want some. So a new connection always gets in, and is heard.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._here: set[Visitor] = set()
        self._told = Told()

    def __len__(self) -> int:
        return len(self._here)

    def enter(self, address: str, now: float, hang_up: Callable[[], object]) -> Visitor:
        """Return the visitor that a new connection is, in the place of another when there is no room."""
        if len(self._here) >= self._most:
            self.make_room(now, max(1, self._most // _SHARE))
        visitor = Visitor(address, now, now, hang_up, self._leave)
        self._here.add(visitor)
        return visitor

    def make_room(self, now: float, places: int = 1) -> bool:
        """Hang up on so many of whom it costs least. Returns whether there was anybody."""
        crowd = Counter(visitor.address for visitor in self._here)
        let_in = [visitor for visitor in self._here if visitor.let_in]
        of_them = let_in if len(let_in) > self._most // 2 else self._here
        least = nsmallest(places, of_them, key=lambda visitor: _missed(visitor, now, crowd))
        for visitor in least:
            if (times := self._told.news("full")) is not None:
                fix = "who opens them? protect the port, or raise the limit of open files when it is low"
                _log.warning("connections_full", most=self._most, hung_up=times, fix=fix)
            self._leave(visitor)
            visitor.hang_up()
        return bool(least)

    def _leave(self, visitor: Visitor) -> None:
        visitor.gone = True
        self._here.discard(visitor)


def _missed(visitor: Visitor, now: float, crowd: Mapping[str, int]) -> tuple[Worth, int, float]:
    """Return how much ``visitor`` would be missed, the least first."""
    worth = visitor.worth(now)
    return worth, -crowd[visitor.address], -visitor.came if worth is Worth.IDLE else visitor.seen
