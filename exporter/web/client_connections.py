"""Open connections of clients, and which of them are evicted when there is no room for one more (connection exhaustion)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import IntEnum
from heapq import nsmallest
from typing import Final

import structlog
from starlette.types import Scope

from exporter.support.log_sampling import LogSampler
from exporter.web import limits

_log = structlog.get_logger("exporter.web")

_SHARE: Final = 32  # of all places are made free at once, since it takes a look at everybody
_CONNECTION: Final = "visitor"  # in ASGI's `state` of each request


class EvictionRank(IntEnum):
    """How little a connection would be missed, the least first."""

    SILENT = 0
    """Has not signed in and asks for nothing for a second: it shakes hands, sends its headers slowly, or sits there."""
    STRANGER = 1
    """Has not signed in, and waits for an answer."""
    STALLED = 2
    """Is let in, and does not read its answer."""
    YOUNG = 3
    """Has come just now, and had no time to ask, or to be answered."""
    IDLE = 4
    """Is let in, and may ask again."""
    SERVED = 5
    """Is let in, and waits for an answer."""


@dataclass(eq=False, slots=True)
class ClientConnection:
    """One connection from its accept on. ``hang_up`` cuts it; ``seen`` is when it ``came``, or was last answered.

    ``address`` may stand for a whole network.
    """

    address: str
    came: float
    seen: float
    hang_up: Callable[[], object]
    leave: Callable[[ClientConnection], object] = field(repr=False)
    admitted: bool = False
    """Whether it has signed in, or got a page where no password is asked for."""
    busy: bool = False
    stalled: bool = False
    gone: bool = False
    wrong_passwords: int = 0

    def eviction_rank(self, now: float) -> EvictionRank:
        """Return how soon the connection is evicted at ``now``, in monotonic seconds."""
        if not self.admitted:
            if now - self.seen < limits.YOUNG_SECONDS:
                return EvictionRank.YOUNG
            return EvictionRank.STRANGER if self.busy else EvictionRank.SILENT
        if self.stalled:
            return EvictionRank.STALLED
        return EvictionRank.SERVED if self.busy else EvictionRank.IDLE


def client_connection_of(scope: Scope) -> ClientConnection | None:
    """Return who sent a request; ``None`` where no server of ours stands before the application."""
    found = scope.get("state", {}).get(_CONNECTION)
    return found if isinstance(found, ClientConnection) else None


def connection_state(client: ClientConnection) -> dict[str, object]:
    """Return the state in which :func:`client_connection_of` finds ``client``."""
    return {_CONNECTION: client}


class ConnectionTable:
    """The open connections, ``most`` at a time.

    Room is made where it is missed least, in the order of :class:`EvictionRank`; who has just come has a second before it
    counts as silent. Among equals those of the address with the most connections go first; of these who was answered longest
    ago, but of the idle who came last: a scraper keeps its connection, a flood makes new ones. Whoever is let in has half of
    the places at most while others want some. So a new connection always gets in, and is heard.
    """

    def __init__(self, max_connections: int) -> None:
        self._max_connections = max_connections
        self._here: set[ClientConnection] = set()
        self._sampler = LogSampler()

    def __len__(self) -> int:
        return len(self._here)

    def enter(self, address: str, now: float, hang_up: Callable[[], object]) -> ClientConnection:
        """Return the visitor that a new connection is, in the place of another when there is no room."""
        if len(self._here) >= self._max_connections:
            self.make_room(now, max(1, self._max_connections // _SHARE))
        client = ClientConnection(address, now, now, hang_up, self._leave)
        self._here.add(client)
        return client

    def make_room(self, now: float, places: int = 1) -> bool:
        """Hang up on so many of whom it costs least. Returns whether there was anybody."""
        crowd = Counter(client.address for client in self._here)
        admitted = [client for client in self._here if client.admitted]
        of_them = admitted if len(admitted) > self._max_connections // 2 else self._here
        least = nsmallest(places, of_them, key=lambda client: _eviction_order(client, now, crowd))
        for client in least:
            if (times := self._sampler.count_if_logged("full")) is not None:
                fix = "find out which clients open them; protect the port, or raise the limit of open files if it is low"
                _log.warning("connections_full", most=self._max_connections, hung_up=times, fix=fix)
            self._leave(client)
            client.hang_up()
        return bool(least)

    def _leave(self, client: ClientConnection) -> None:
        client.gone = True
        self._here.discard(client)


def _eviction_order(client: ClientConnection, now: float, crowd: Mapping[str, int]) -> tuple[EvictionRank, int, float]:
    """Return how much ``client`` would be missed, the least first."""
    eviction_rank = client.eviction_rank(now)
    return eviction_rank, -crowd[client.address], -client.came if eviction_rank is EvictionRank.IDLE else client.seen
