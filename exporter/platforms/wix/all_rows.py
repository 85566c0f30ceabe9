"""All rows of one of the queries that list what a site has, page after page."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol, TypeVar

from exporter.errors import InvalidResponseError, TargetConfigError
from exporter.limits import Cap
from exporter.platforms.base import Admission
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.platforms.exchange import Answer
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.inventory_rows import PAGE_ROWS, Query, RowPage


class HasId(Protocol):
    """A row by which it is known whether it came before."""

    @property
    def id(self) -> str:
        """What tells it from all others."""
        ...


T = TypeVar("T", bound=HasId)


async def all_rows(
    api: WixApi,
    admission: Admission,
    endpoint: Endpoint,
    query: Query,
    read: Callable[[Answer, int], RowPage[T]],
    *,
    cap: Cap,
    fields: Sequence[str] = (),
    timeout: float | None = None,
) -> tuple[Sequence[T], int]:
    """Return all rows of ``endpoint``, each id once, and how many could not be read. Raises rather than return a part.

    ``read`` takes the answer and the number of the page; ``fields`` are those that come only when they are asked for. More rows
    than ``cap`` are a :class:`~exporter.errors.TargetConfigError`, pages without end an
    :class:`~exporter.errors.InvalidResponseError`.
    """
    rows: dict[str, T] = {}
    odd = 0
    beside = {"fields": [*fields]} if fields else {}
    for number in range(2 * cap.number // PAGE_ROWS + 10):  # a page of schedules is half as long, and the last may be empty
        answer = await api.call(endpoint, body={"query": query, **beside}, timeout=timeout)
        page = await off_the_loop(admission, rows_in(answer.body), read, answer, number)
        known = len(rows)
        rows |= {row.id: row for row in page.rows}
        odd += page.odd
        if len(rows) > cap.number:
            raise TargetConfigError(f"{endpoint.operation} has more than {cap}")
        if page.following is None:
            return tuple(rows.values()), odd
        if page.rows and len(rows) == known:
            raise InvalidResponseError(f"Wix answers {endpoint.operation} with the same page again and again")
        query = page.following
    raise InvalidResponseError(f"Wix answers {endpoint.operation} with pages without end, most of them nearly empty")
