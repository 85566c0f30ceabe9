"""Loops over thousands of items that leave the event loop room to breathe."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

SLICE: Final = 200
"""Items between two turns of the event loop: a few milliseconds of what is done here with one."""

LINES: Final = 10
"""Lines of the log between two turns: each is masked and takes one to three milliseconds."""

T = TypeVar("T")


async def in_slices(items: Iterable[T], size: int = SLICE) -> AsyncIterator[T]:
    """Yield ``items`` with a turn of the event loop after every ``size`` of them."""
    for position, item in enumerate(items, start=1):
        yield item
        if position % size == 0:
            await asyncio.sleep(0)
