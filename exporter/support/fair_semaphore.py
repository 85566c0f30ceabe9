"""A fair semaphore (first in, first out) with bounded waits: whoever waits longest is next."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from functools import partial

from exporter.clock import Clock


class FairSemaphore:
    """A number of free ``places``, and a first-in-first-out queue of those who wait for one. Lives in one event loop."""

    def __init__(self, clock: Clock, places: int) -> None:
        self.places = places
        self._clock = clock
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    async def acquire(self, max_seconds: float | None) -> bool:
        """Take a place; return ``False`` when none came free within ``max_seconds``, ``None`` being without a bound."""
        if self.places > 0 and not self._queue:
            self.places -= 1
            return True
        admitted: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue[admitted] = None
        try:
            return await wait_for_place(admitted, self._clock, max_seconds)
        except asyncio.CancelledError:
            if admitted.done() and not admitted.cancelled() and admitted.result():
                self.release(1)  # it was admitted and told to stop in the same turn of the loop
            raise
        finally:
            self._queue.pop(admitted, None)

    def release(self, places: int) -> None:
        """Give ``places`` back; those who wait longest take them."""
        self.places += places
        while self.places > 0 and self._queue:
            if resolve_wait(self._queue.popitem(last=False)[0], with_place=True):
                self.places -= 1


async def wait_for_place(waiting: asyncio.Future[bool], clock: Clock, max_seconds: float | None) -> bool:
    """Return whether ``waiting`` got its place; ``False`` after ``max_seconds``, which ``None`` leaves out."""
    call_off = None if max_seconds is None else clock.call_later(max_seconds, partial(resolve_wait, waiting, with_place=False))
    try:
        return await waiting
    finally:
        if call_off is not None:
            call_off()


def resolve_wait(waiting: asyncio.Future[bool], *, with_place: bool) -> bool:
    """End the wait of one that queues; return ``False`` when its wait had ended already."""
    if waiting.done():
        return False
    waiting.set_result(with_place)
    return True
