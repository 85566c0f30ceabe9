"""How many requests a list costs, and at which page or row a read ends, without a portal."""

from __future__ import annotations

import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from concurrent.futures import Executor, ThreadPoolExecutor
from contextlib import nullcontext
from types import SimpleNamespace
from typing import Any, cast

import pytest
from msgspec import Raw

from exporter.counting import Booking, joined, reservations
from exporter.errors import ClientError, InvalidResponseError, PollError, TargetConfigError
from exporter.model import Window
from exporter.platforms.bitrix24.answers import Reply, RowPage
from exporter.platforms.bitrix24.api import Api, Command, CommandOutcome
from exporter.platforms.bitrix24.api_errors import Action, Refusal
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.paging import Pager, _Pages, whole_seconds, within
from exporter.polling.admission import Admission
from tests.harness.clock import ManualClock

METHOD = "booking.v1.booking.list"


class List:
    """A list of ``rows`` bookings that is read alone and in batches; ``asked`` is how many pages each request asks for."""

    def __init__(
        self,
        rows: int,
        *,
        page_rows: int = 50,
        names_next: bool = False,
        heavy: Collection[int] = (),
        most: int = 100_000,
        threads: Executor | None = None,
    ) -> None:
        self.rows = rows
        self.page_rows = page_rows
        self.names_next = names_next
        self.heavy = heavy
        self.asked: list[int] = []
        self.decoded: list[int] = []
        self.joined_by: set[int] = set()
        self.starts: list[int] = []
        self.shares: set[float] = set()
        self.batches = True
        self.refusals: dict[int, Refusal] = {}
        self.not_batchable: set[str] = set()
        self.admission = Admission(ManualClock(), threads=threads)
        self.ledger = SimpleNamespace(allows=lambda operation, share: self.batches and (operation, share) == ("batch", 0.75))
        self.share = 0.75
        self._pager = Pager[Booking](
            cast("Api", self),
            cast("Batcher", self),
            METHOD,
            self._page,
            max_rows=most,
            too_many=lambda: TargetConfigError("many"),
            join=self._join,
        )

    async def read(self) -> tuple[Sequence[Booking], int]:
        self.asked.clear()
        self.starts.clear()
        self.decoded.clear()
        return await self._pager.read_all({"filter": "f"})

    async def call(self, command: Command, *, share: float) -> Reply:
        self.asked.append(1)
        self.shares.add(share)
        return self._reply(command)

    async def run(self, commands: Mapping[str, Command]) -> dict[str, CommandOutcome]:
        self.asked.append(len(commands))
        return {key: self.refusals.get(self._start(command)) or self._reply(command) for key, command in commands.items()}

    async def decode(self, replies: Sequence[Reply], read: Callable[[Reply], RowPage[Booking]]) -> list[RowPage[Booking]]:
        self.decoded.append(len(replies))
        return [read(reply) for reply in replies]

    def _start(self, command: Command) -> int:
        assert (METHOD, {"filter": "f", "order": {"id": "ASC"}}) == (
            command.method,
            {key: value for key, value in command.params.items() if key != "start"},
        )
        start = command.params["start"]
        assert isinstance(start, int)
        return start

    def _reply(self, command: Command) -> Reply:
        start = self._start(command)
        self.starts.append(start)
        following = start + self.page_rows
        size = 512 * 100 if start // self.page_rows in self.heavy else 1
        return Reply(Raw(str(start).encode().rjust(size)), following if self.names_next and following < self.rows else None)

    def _join(self, parts: Sequence[Sequence[Booking]], *, distinct: bool) -> Sequence[Booking]:
        self.joined_by.add(threading.get_ident())
        assert distinct
        return [row for part in parts for row in part]

    def _page(self, reply: Reply) -> RowPage[Booking]:
        start = int(bytes(reply.result))
        rows = tuple(Booking(str(at + 1), 0.0, 1.0) for at in range(start, min(start + self.page_rows, self.rows)))
        return RowPage(rows, tuple(row.id for row in rows), len(rows), 0)


@pytest.mark.parametrize(
    ("rows", "asked"),
    [
        (0, [1]),
        (49, [1]),
        (50, [1, 4]),
        (249, [1, 4]),
        (250, [1, 4, 8]),
        (649, [1, 4, 8]),
        (650, [1, 4, 8, 16]),
        (3049, [1, 4, 8, 16, 32]),
        (3050, [1, 4, 8, 16, 32, 50]),
        (5600, [1, 4, 8, 16, 32, 50, 50]),
    ],
)
async def test_the_first_read_asks_for_one_page_then_for_blocks_that_double_from_four_to_fifty(
    rows: int, asked: list[int]
) -> None:
    portal = List(rows)
    found, malformed = await portal.read()
    assert (rows, 0) == (len(found), malformed)
    assert asked == portal.asked
    assert [50 * page for page in range(sum(asked))] == portal.starts


@pytest.mark.parametrize(
    ("before", "rows", "asked"),
    [
        (49, 49, [1]),
        (49, 60, [1, 2]),
        (50, 50, [1, 2]),  # one page more than last time, where it costs no further request
        (50, 150, [1, 2, 2]),
        (480, 480, [1, 10]),
        (480, 549, [1, 10]),
        (480, 550, [1, 10, 2]),
        (480, 650, [1, 10, 2, 4]),
        (480, 20, [1]),
        (2549, 2549, [1, 50]),
        (2550, 2550, [1, 50, 2]),
        (4000, 4000, [1, 50, 31]),
    ],
)
async def test_a_later_read_asks_at_once_for_what_the_one_before_found_and_then_for_two_more_pages(
    before: int, rows: int, asked: list[int]
) -> None:
    portal = List(before)
    await portal.read()
    portal.rows = rows
    found, _ = await portal.read()
    assert rows == len(found)
    assert asked == portal.asked


async def test_pages_are_asked_for_one_by_one_while_batches_have_spent_their_share_or_are_refused() -> None:
    portal = List(120)
    portal.batches = False
    assert 120 == len((await portal.read())[0])
    assert [1, 1, 1] == portal.asked == portal.decoded
    assert {0.75} == portal.shares
    portal.batches = True
    portal.not_batchable = {METHOD}
    assert 120 == len((await portal.read())[0])
    assert [1, 1, 1] == portal.asked


@pytest.mark.parametrize(
    ("heavy", "decoded"),
    [
        ((), [1, 4, 4, 4, 4, 4, 1]),
        ((5, 6), [1, 4, 4, 4, 4, 4, 1]),  # 200 rows
        ((5, 6, 7), [1, 4, 2, 4, 4, 4, 3]),
        (range(22), [1, 2, 2, 2, 2, 2, 2, 2, 2, 2, 2, 1]),
    ],
)
async def test_four_pages_or_200_rows_at_most_are_decoded_between_two_turns_of_the_loop(
    heavy: Collection[int], decoded: list[int]
) -> None:
    portal = List(1049, heavy=heavy)
    await portal.read()
    await portal.read()
    assert [1, 21] == portal.asked
    assert decoded == portal.decoded


@pytest.mark.parametrize(("rows", "in_a_thread"), [(49, False), (249, True)])
async def test_a_page_is_put_together_in_the_loop_and_what_may_be_more_than_200_rows_outside_of_it(
    rows: int, in_a_thread: bool
) -> None:
    with ThreadPoolExecutor(1) as threads:
        portal = List(rows, threads=threads)
        await portal.read()
    assert in_a_thread is (threading.get_ident() not in portal.joined_by)


async def test_a_row_counts_for_one_where_nobody_says_otherwise() -> None:
    assert 120 == len((await List(120, most=120).read())[0])
    with pytest.raises(TargetConfigError, match="many"):
        await List(121, most=120).read()


async def test_a_page_that_is_refused_ends_the_read_with_its_error() -> None:
    portal = List(300)
    portal.refusals = {100: Refusal(ClientError("no such page"), Action.GIVE_UP)}
    with pytest.raises(ClientError, match="no such page"):
        await portal.read()


@pytest.mark.parametrize(("page_rows", "asked"), [(20, [1, 4, 8]), (100, [1, 4])])
async def test_a_portal_that_names_another_size_of_its_pages_is_followed(page_rows: int, asked: list[int]) -> None:
    portal = List(240, page_rows=page_rows, names_next=True)
    assert 240 == len((await portal.read())[0])
    assert asked == portal.asked
    assert [page_rows * page for page in range(sum(asked))] == portal.starts


def pages_of(most: int, too_many: Callable[[], PollError] = lambda: TargetConfigError("too many")) -> _Pages[Booking]:
    return _Pages("list", most, too_many, reservations)


def add(pages: _Pages[Booking], numbers: Sequence[int], following: int | None = None, /, **more: Any) -> None:  # noqa: ANN401
    rows = tuple(Booking(str(number), 0.0, 1.0) for number in numbers)
    page: dict[str, Any] = {"rows": rows, "ids": tuple(row.id for row in rows), "size": len(rows), "malformed": 0} | more
    pages.add(Reply(Raw(b"{}"), following), RowPage(**page))


@pytest.mark.parametrize("following", [0, -1])
def test_a_first_page_whose_next_one_is_not_ahead_is_an_error(following: int) -> None:
    with pytest.raises(InvalidResponseError, match="not ahead"):
        add(pages_of(1000), range(1, 51), following)


def test_a_page_size_of_one_is_followed_and_one_of_500_as_well() -> None:
    pages = pages_of(1000)
    add(pages, [1], 1)
    assert (1, False) == (pages.step, pages.complete)
    add(pages, [])
    assert (True, 1) == (pages.complete, len(pages.rows))
    add(large := pages_of(1000), range(1, 501), 500)
    assert 500 == large.step


def test_a_first_page_larger_than_any_is_the_size_of_all() -> None:
    pages = pages_of(1000)
    add(pages, range(1, 71))
    assert (70, False) == (pages.step, pages.complete)
    add(pages, range(71, 140))
    assert (True, 2, 139) == (pages.complete, pages.needed, len(pages.rows))


def test_a_read_may_repeat_as_many_rows_as_it_has_and_one_more_is_too_many() -> None:
    pages = pages_of(10_000)
    add(pages, range(1, 51))
    add(pages, range(2, 52))
    assert 51 == len(pages.rows)
    with pytest.raises(InvalidResponseError, match="repeats most"):
        add(pages, range(3, 53))  # 98 repeated, 52 known
    calm, full = pages_of(10_000), pages_of(10_000)
    for pages, last in ((calm, 76), (full, 75)):
        add(pages, range(1, 51))
        add(pages, range(13, 63))
        with pytest.raises(InvalidResponseError, match="repeats most") if pages is full else nullcontext():
            add(pages, range(last - 50, last))
    assert 75 == len(calm.rows), "and as many repeated"


def test_malformed_rows_are_counted_over_all_pages_and_weigh_one_each() -> None:
    pages = pages_of(52)
    add(pages, range(1, 49), 50, ids=tuple(map(str, range(1, 51))), size=50, malformed=2)
    add(pages, [51], size=2, ids=("51", "52"), malformed=1)
    assert (3, 49) == (pages.malformed, len(pages.rows))
    with pytest.raises(TargetConfigError):
        add(pages_of(49), range(1, 49), 50, ids=tuple(map(str, range(1, 51))), size=50, malformed=2)


def test_rows_that_come_back_in_another_order_weigh_once_and_as_much_as_they_did_last() -> None:
    pages = pages_of(52)
    add(pages, [3, 2, 1, *range(4, 51)])
    add(pages, [1, 51])
    assert 51 == len(pages.rows)
    heavier = RowPage((Booking("1", 0.0, 1.0, ("7", "8", "9")),), ("1",), 1, 0)
    with pytest.raises(TargetConfigError):
        pages.add(Reply(Raw(b"{}")), heavier)  # 50 and 3


def test_a_row_that_could_not_be_read_and_comes_again_weighs_once() -> None:
    pages = pages_of(50)
    add(pages, range(2, 51), 50, ids=tuple(map(str, range(1, 51))), size=50, malformed=1)
    add(pages, [1])
    assert (True, 50) == (pages.complete, len(pages.rows))
    with pytest.raises(TargetConfigError):
        add(pages, [51])


def test_a_single_row_that_came_twice_is_told_to_whoever_puts_the_pages_together() -> None:
    pages = _Pages("list", 1000, lambda: TargetConfigError("too many"), reservations, joined)
    add(pages, range(1, 51))
    add(pages, range(50, 60))
    assert 59 == len(pages.rows)


def test_ids_that_repeat_within_a_page_are_one_row() -> None:
    pages = pages_of(100)
    add(pages, [1, 1, 2])
    assert (True, 2) == (pages.complete, len(pages.rows))


@pytest.mark.parametrize(
    ("windows", "expected"),
    [
        ([(100.0, 200.0)], (99, 201)),
        ([(100.5, 200.5), (50.25, 60.0)], (49, 202)),
        ([(0.5, 1.0)], (0, 2)),
        ([(1.0, 2.0)], (0, 3)),
        ([(2.0, 3.0)], (1, 4)),
    ],
)
def test_what_is_asked_for_covers_all_windows_and_a_second_more_on_each_side(
    windows: list[tuple[float, float]], expected: tuple[int, int]
) -> None:
    assert expected == whole_seconds([Window("w", start, end) for start, end in windows])
    assert {"filter": {"within": {"dateFrom": 5, "dateTo": 9}}} == within(5, 9)
