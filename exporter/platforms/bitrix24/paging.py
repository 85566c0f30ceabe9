"""Reads a list method to its end, in as few requests as the API allows (bitrix24.md section 4).

``total`` is 0 and ``next`` is missing on these methods, so the end is the first page that is not full. Page one is read alone,
because most portals end there. The following pages go into batches: as many as the last poll found, and beyond that in
blocks that double. A portal that did not grow thus costs ``1 + ceil(floor(N / 50) / 50)`` requests.

Every read has an end: a page must bring something new, most of what is sent must be, and rows and pages have a cap.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Sequence
from itertools import islice
from operator import lt
from typing import Final, Generic, Protocol, TypeVar

from exporter.counting import hull
from exporter.errors import InvalidResponseError, PollError
from exporter.limits import PORTAL_PAGE_ROWS
from exporter.model import Window
from exporter.platforms.bitrix24.answers import Reply, RowPage
from exporter.platforms.bitrix24.api import Api, Command, Params, rows_of
from exporter.platforms.bitrix24.api_errors import Refusal
from exporter.platforms.bitrix24.batching import MAX_COMMANDS, Batcher
from exporter.platforms.bitrix24.operating import BATCH
from exporter.platforms.decoding import ROWS_AT_ONCE, off_the_loop

PAGE_ROWS: Final = 50
INITIAL_BLOCK: Final = 4
GROWN_BLOCK: Final = 2
PAGES_AT_ONCE: Final = 4
"""So many are decoded at most between two turns of the event loop: half a millisecond."""
SPARE_PAGES: Final = 10
"""Pages that may bring little, beside twice those that the most rows fill."""
NONE_READABLE: Final = "the portal sends bookings of which none can be read"
"""Said where odd rows come alone: they are not no bookings."""


class _HasId(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T", bound=_HasId)


class Join(Protocol[T]):
    """Puts the rows of pages together: each id once, as it was read last; ``distinct`` says that none came twice."""

    def __call__(self, parts: Sequence[Sequence[T]], *, distinct: bool) -> Sequence[T]: ...


def _is_much(replies: Sequence[Reply]) -> bool:
    """Return whether so many pages would hold the loop: a turn for each, though, costs a third of what is done in it."""
    return len(replies) > PAGES_AT_ONCE or sum(map(rows_of, replies)) > ROWS_AT_ONCE


def _one_each(rows: Sequence[T]) -> Sequence[int]:
    return (1,) * len(rows)


def _each_once(parts: Sequence[Sequence[T]], *, distinct: bool) -> Sequence[T]:
    del distinct
    return tuple({row.id: row for rows in parts for row in rows}.values())


class Pager(Generic[T]):
    """One list method of one portal, of at most ``max_rows`` rows; ``too_many`` makes the error for more.

    A row counts for as many as ``weigh`` says of it, one that cannot be read for one. ``join`` puts the rows of pages together.
    It remembers between polls how many pages there were.
    """

    def __init__(
        self,
        api: Api,
        batcher: Batcher,
        method: str,
        read: Callable[[Reply], RowPage[T]],
        *,
        max_rows: int,
        too_many: Callable[[], PollError],
        weigh: Callable[[Sequence[T]], Sequence[int]] = _one_each,
        join: Join[T] = _each_once,
    ) -> None:
        self._api = api
        self._batcher = batcher
        self._method = method
        self._read = read
        self._max_rows = max_rows
        self._too_many = too_many
        self._weigh = weigh
        self._join = join
        self._pages = 0

    async def read_all(self, params: Params) -> tuple[Sequence[T], int]:
        """Return all rows, each id once and as it was read last, and the number of malformed rows that were left out.

        Raises :class:`~exporter.errors.PollError` rather than return a part.
        """
        pages = _Pages[T](self._method, self._max_rows, self._too_many, self._weigh, self._join)
        reply = await self._api.call(self._command(params, 0), share=self._batcher.share)
        await self._add(pages, [reply])
        expected, grown = self._pages - 1, INITIAL_BLOCK if self._pages == 0 else GROWN_BLOCK
        while not pages.complete:
            if expected > 0:
                # One page more than last time, where it costs no further request.
                block = min(MAX_COMMANDS, expected + 1)
                expected -= block
            else:
                block, grown = grown, min(MAX_COMMANDS, grown * 2)
            await self._read_block(pages, params, block)
        self._pages = pages.needed
        # Where a row came twice all of them are looked at again.
        return await off_the_loop(self._api.admission, pages.count * pages.step, pages.finish), pages.malformed

    async def _read_block(self, pages: _Pages[T], params: Params, block: int) -> None:
        commands = {f"p{page}": self._command(params, page * pages.step) for page in range(pages.count, pages.count + block)}
        # While the operating time of `batch` is used up, by the links for one, the pages are asked for one by one.
        batched = self._method not in self._api.not_batchable and self._api.ledger.allows(BATCH, self._batcher.share)
        outcomes = await self._batcher.run(commands) if batched else {}
        came: list[Reply] = []
        for key, command in commands.items():
            outcome = outcomes.get(key)
            if came and (not isinstance(outcome, Reply) or _is_much([*came, outcome])):
                await self._add(pages, came)
                came = []
            if outcome is None:  # not by a batch
                if pages.complete:
                    return
                outcome = await self._api.call(command, share=self._batcher.share)
            if isinstance(outcome, Refusal):
                raise outcome.error
            came.append(outcome)
        if came:
            await self._add(pages, came)

    async def _add(self, pages: _Pages[T], replies: Sequence[Reply]) -> None:
        """Take the next pages, and let the event loop have a turn."""
        for reply, page in zip(replies, await self._api.decode(replies, self._read), strict=True):
            pages.add(reply, page)
        await asyncio.sleep(0)

    def _command(self, params: Params, start: int) -> Command:
        # Without an order the portal sorts as it likes, and offsets skip and repeat rows.
        return Command(self._method, {**params, "order": {"id": "ASC"}, "start": start})


class _Pages(Generic[T]):
    """The pages read so far."""

    def __init__(
        self,
        method: str,
        max_rows: int,
        too_many: Callable[[], PollError],
        weigh: Callable[[Sequence[T]], Sequence[int]],
        join: Join[T] = _each_once,
    ) -> None:
        self.count = 0
        self.needed = 0  # pages up to the first that was not full
        self.malformed = 0
        self.complete = False
        self.step = PAGE_ROWS
        self._method = method
        self._max_rows = max_rows
        self._too_many = too_many
        self._weigh = weigh
        self._join = join
        self._parts: list[Sequence[T]] = []
        self._ids = 0  # those of rows that could not be read as well
        self._largest = 0
        self._weight = 0  # of all rows
        self._weights: dict[str, int] = {}  # by id, once they no longer come in order
        self._repeated = 0  # rows that were sent before, or that nobody can tell apart

    @property
    def rows(self) -> Sequence[T]:
        """All rows so far, each id once and as it was read last."""
        return self._join(self._parts, distinct=not self._repeated)

    def finish(self) -> Sequence[T]:
        """Return :attr:`rows` when there is nothing to add any more: what was only needed for that makes room."""
        self._weights.clear()
        return self.rows

    def add(self, reply: Reply, page: RowPage[T]) -> None:
        """Take the next page.

        Raises :class:`InvalidResponseError` when the portal does not page as it should, and what ``too_many`` makes when the
        rows count for more than ``max_rows``.
        """
        start = self.count * self.step
        if reply.next is not None and reply.next <= start:
            raise InvalidResponseError(f"{self._method} names a next page that is not ahead")
        if self.count and reply.next is not None and reply.next < start + self.step:
            raise InvalidResponseError(f"{self._method} changes the size of its pages while they are read")
        if self.count == 0:
            if reply.next is not None and reply.next > PORTAL_PAGE_ROWS.number:
                raise InvalidResponseError(f"{self._method} names a next page behind more than {PORTAL_PAGE_ROWS}")
            # Should pages ever have another size, the portal shows it here (bitrix24.md 13).
            self.step = reply.next or max(PAGE_ROWS, page.size)
        new = self._take(page)
        # The last page is not full and names no next one. A block of a batch may reach beyond it; should there be rows, it was
        # not the last.
        self.complete = page.size < self.step and reply.next is None
        if not self.complete and not new:
            raise InvalidResponseError(f"{self._method} repeats a page: it ignores start")
        self._repeated += page.size - new
        if not self.complete:
            self._check_progress()
        if self._weight > self._max_rows:
            raise self._too_many()
        self.malformed += page.malformed
        self.count += 1
        if not self.complete:
            self.needed = 0
        elif not self.needed:
            self.needed = self.count

    def _take(self, page: RowPage[T]) -> int:
        """Keep the rows of ``page``; returns how many of its ids are new."""
        each = self._weigh(page.rows)
        if not self._weights and not page.malformed and self._lies_ahead(page.ids):
            self._parts.append(page.rows)
            self._weight += sum(each)
            self._ids += len(page.ids)
            return len(page.ids)
        weights = self._weights = self._weights or self._weighed()
        self._parts.append(page.rows)
        ids = [row.id for row in page.rows] if page.malformed else page.ids
        last = dict(zip(ids, each, strict=True))
        self._weight += sum(last.values()) - sum([weights.get(row_id, 0) for row_id in last])
        weights.update(last)
        if page.malformed:
            unreadable = {row_id: 1 for row_id in page.ids if row_id not in weights}
            self._weight += len(unreadable)
            weights.update(unreadable)
        new = len(weights) - self._ids
        self._ids = len(weights)
        return new

    def _lies_ahead(self, ids: Sequence[str]) -> bool:
        """Return whether ``ids`` are larger than all before them, one by one, as was asked for: then none came before."""
        numbers = [self._largest, *map(int, ids)]
        self._largest = numbers[-1]
        return all(map(lt, numbers, islice(numbers, 1, None)))

    def _weighed(self) -> dict[str, int]:
        """Return what the rows so far count for, by id, when each came once."""
        return {row.id: weight for rows in self._parts for row, weight in zip(rows, self._weigh(rows), strict=True)}

    def _check_progress(self) -> None:
        # Some come twice when somebody books meanwhile; a portal that sends little else would be read for hours.
        if self._repeated > self._ids:
            raise InvalidResponseError(f"{self._method} repeats most of its rows instead of coming to an end")
        if self.count > 2 * self._max_rows // PAGE_ROWS + SPARE_PAGES:
            raise InvalidResponseError(f"{self._method} sends pages without end, most of them nearly empty")


def within(low: int, high: int) -> dict[str, object]:
    """Return the parameters that select what overlaps ``[low, high)``, in Unix seconds."""
    return {"filter": {"within": {"dateFrom": low, "dateTo": high}}}


def whole_seconds(windows: Sequence[Window]) -> tuple[int, int]:
    """Return whole seconds that cover all windows, one second wider on each side (bitrix24.md 13: bounds unknown)."""
    first, last = hull(windows)
    return max(0, math.floor(first) - 1), math.ceil(last) + 1
