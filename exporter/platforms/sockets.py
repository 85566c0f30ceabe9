"""The sockets of the pool, and no more of them than leave file descriptors to scrapes, logs and files.

A process that has no descriptor left cannot even accept the scrape that would tell of it. So a connection that finds no room
waits for one that closes, outside of every deadline but for a poll's interval at most, and fails then as a fault of this
machine.
"""

from __future__ import annotations

import contextlib
import errno
import os
import resource
import socket
from collections.abc import AsyncIterator, Callable
from contextvars import ContextVar
from functools import partial
from typing import Final

from aiohappyeyeballs import AddrInfoType

from exporter.clock import Clock, paused
from exporter.support.fair_semaphore import FairSemaphore

RESERVED_DESCRIPTORS: Final = 64
NO_DESCRIPTOR: Final = frozenset({errno.EMFILE, errno.ENFILE})
_MIN_SOCKETS: Final = 1
_UNLIMITED: Final = 1_000_000


def max_sockets() -> int:
    """Return how many connections may be open at a time: the process's limit of open files less those that others need."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return _UNLIMITED if soft == resource.RLIM_INFINITY else max(_MIN_SOCKETS, soft - RESERVED_DESCRIPTORS)


class Sockets:
    """Opens sockets for ``max_connections`` connections at a time. ``spare`` closes one that nobody uses, if there is one."""

    def __init__(self, clock: Clock, max_connections: int) -> None:
        self.spare: Callable[[], object] = lambda: None
        self._rooms = FairSemaphore(clock, max_connections)

    @contextlib.asynccontextmanager
    async def room(self) -> AsyncIterator[None]:
        """Hold the room of the connection that the block opens, and hand it over to its socket.

        Waits for room as long as the deadlines around may be paused; raises :class:`OSError` (``EMFILE``) without any.
        """
        if self._rooms.places <= 0:
            self.spare()  # it closes in the next turn of the loop
        with paused() as max_seconds:
            admitted = await self._rooms.acquire(max_seconds)
        if not admitted:
            raise OSError(errno.EMFILE, os.strerror(errno.EMFILE))
        room = _Room(partial(self._rooms.release, 1))
        token = _room.set(room)
        try:
            yield
        finally:
            _room.reset(token)
            room.let_go()

    def open(self, address: AddrInfoType) -> socket.socket:
        """Return a new socket for ``address``, in the room of the block around."""
        family, kind, protocol, *_ = address
        opened = _CountedSocket(family, kind, protocol)
        opened.room = _room.get()
        opened.room.holders += 1
        return opened


class _Room:
    """The room of one connection: left when its block has ended and the last of its sockets is closed.

    There may be several at first: of a name with many addresses, more than one is tried.
    """

    def __init__(self, release: Callable[[], object]) -> None:
        self.holders = 1
        self._leave = release

    def let_go(self) -> None:
        self.holders -= 1
        if not self.holders:
            self._leave()


_room: ContextVar[_Room] = ContextVar("room")


class _CountedSocket(socket.socket):
    """A socket that gives its room back when it is closed."""

    room: _Room | None = None

    def close(self) -> None:
        super().close()
        room, self.room = self.room, None
        if room is not None:
            room.let_go()
