"""Single-flight: callers that ask for the same work at the same moment share one run of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Hashable, KeysView
from typing import Generic, TypeVar

T = TypeVar("T")


class SingleFlight(Generic[T]):
    """Runs the work of a key once (single-flight): whoever asks for the key while its work runs gets the same result."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, asyncio.Task[T]] = {}

    @property
    def keys(self) -> KeysView[Hashable]:
        """What is under way."""
        return self._flights.keys()

    async def do(self, key: Hashable, work: Callable[[], Awaitable[T]]) -> T:
        """Return what ``work`` returns, done once for all who ask while it is done. Raises what it raises, for each of them.

        A caller that is cancelled takes nothing from the others.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = asyncio.ensure_future(_run(work))
            flight.add_done_callback(lambda _: self._flights.pop(key))
        return await asyncio.shield(flight)


async def _run(work: Callable[[], Awaitable[T]]) -> T:
    return await work()
