"""Blocks of commands: they shrink while the portal chokes, grow again, and whoever cannot be helped is given up."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any

import httpx
import pytest

from exporter.errors import PollError, Reason
from exporter.platforms.bitrix24.api import Command
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.blocksize import BlockSize
from exporter.platforms.retry import wait_allowance
from tests.harness.bitrix24_target import GET, HOUR, Bench
from tests.harness.clock import ManualClock

Answers = Callable[[int], httpx.Response | None]
"""Given the number of commands of a batch, returns what the portal answers instead of doing them; ``None`` lets it."""


def html(status: int) -> httpx.Response:
    return httpx.Response(status, content=b"<html>", headers={"content-type": "text/html"})


def too_long(_: int) -> httpx.Response:
    return httpx.Response(
        400, content=b'{"error":"ERROR_BATCH_LENGTH_EXCEEDED","error_description":"Max batch length exceeded"}'
    )


def lost(_: int) -> httpx.Response:
    raise httpx.ReadError("the connection broke")


def silent(_: int) -> httpx.Response:
    raise httpx.ReadTimeout("no answer")


def done_nothing(_: int) -> httpx.Response:
    return httpx.Response(200, content=b'{"result":{"result":[],"result_error":[]},"time":{}}')


CHOKES: Mapping[str, tuple[Answers, Reason]] = {
    "504": (lambda _: html(504), Reason.SERVER_ERROR),
    "a login page": (lambda _: html(200), Reason.INVALID_RESPONSE),
    "half of the JSON": (lambda _: httpx.Response(200, content=b'{"result":'), Reason.INVALID_RESPONSE),
    "a lost connection": (lost, Reason.NETWORK),
}


class Batches:
    """A portal of 120 bookings that answers batches of more than ``most`` commands as ``choke`` says; notes their sizes."""

    def __init__(self, bench: Bench, choke: Answers, most: int) -> None:
        self.sizes: list[int] = []
        self.at: list[float] = []
        self.most = most
        self.choke = choke
        self._bench = bench
        bench.world.fill(120, bench.now, days=(0.1, 6.9))
        bench.http.instead = self._instead
        self.batcher = Batcher(bench.open()._api, 50)

    async def _instead(self, request: httpx.Request) -> httpx.Response | None:
        commands = json.loads(request.content).get("cmd")
        if commands is None:
            return None
        self.sizes.append(len(commands))
        self.at.append(self._bench.now)
        return self.choke(len(commands)) if len(commands) > self.most else None

    async def run(self) -> int:
        """Ask about each booking and return about how many there was an answer."""
        bookings = {f"g{row.id}": Command(GET, {"id": row.id}) for row in self._bench.world.bookings()}
        with wait_allowance(300):
            outcomes = await self.batcher.run(bookings)
        assert bookings.keys() == outcomes.keys()
        return len(outcomes)

    async def failure(self) -> PollError:
        with pytest.raises(PollError) as caught:
            await self.run()
        return caught.value


@pytest.mark.parametrize("choke", CHOKES)
async def test_a_portal_that_chokes_on_a_batch_gets_half_until_it_does_not_and_then_a_quarter_more_each_time(
    bench: Bench,
    choke: str,
) -> None:
    portal = Batches(bench, CHOKES[choke][0], 12)
    assert 120 == await portal.run()
    assert [50, 25, 12, 15, 7, 8, 10, 12, 15, 7] == portal.sizes[:10]


@pytest.mark.slow
@pytest.mark.parametrize("choke", CHOKES)
async def test_a_portal_that_recovers_gets_whole_batches_again(bench: Bench, choke: str) -> None:
    portal = Batches(bench, CHOKES[choke][0], 12)
    await portal.run()
    portal.most, portal.sizes = 50, []
    for _ in range(3):
        assert 120 == await portal.run()
    portal.sizes = []
    assert 120 == await portal.run()
    assert [50, 50, 20] == portal.sizes


@pytest.mark.parametrize("choke", CHOKES)
async def test_a_portal_that_chokes_on_every_batch_is_given_up_at_the_fourth_and_asked_for_less_in_the_next_poll(
    bench: Bench,
    choke: str,
) -> None:
    portal = Batches(bench, CHOKES[choke][0], 0)
    assert CHOKES[choke][1] is (await portal.failure()).reason
    assert [50, 25, 12, 6] == portal.sizes
    await portal.failure()
    assert [3, 1, 1, 1] == portal.sizes[4:]


async def test_a_batch_that_timed_out_is_not_sent_again_in_its_poll_and_the_next_one_is_half(
    bench: Bench,
) -> None:
    portal = Batches(bench, silent, 0)
    for size in (50, 25, 12, 6, 3, 1, 1):
        assert Reason.TIMEOUT is (await portal.failure()).reason
        assert size == portal.sizes[-1]
    assert 7 == len(portal.sizes)


async def test_a_portal_that_answers_batches_without_doing_anything_is_given_up_at_the_fourth(
    bench: Bench,
) -> None:
    portal = Batches(bench, done_nothing, 0)
    assert Reason.INVALID_RESPONSE is (await portal.failure()).reason
    assert 4 == len(portal.sizes)


async def test_a_block_that_passes_gives_a_portal_four_more_attempts(bench: Bench) -> None:
    portal = Batches(bench, lost, 0)
    portal.choke = lambda _: None if len(portal.sizes) == 4 else lost(0)
    await portal.failure()
    assert [50, 25, 12, 6, 7, 3, 1, 1] == portal.sizes


@pytest.mark.parametrize("choke", [lost, done_nothing])
async def test_a_portal_that_chokes_is_asked_again_after_one_two_and_four_seconds_of_which_half_is_jitter(
    bench: Bench, choke: Answers
) -> None:
    portal = Batches(bench, choke, 0)
    await portal.failure()
    waits = [later - earlier for earlier, later in zip(portal.at, portal.at[1:], strict=False)]
    assert [True] * 3 == [most / 2 <= wait <= most for wait, most in zip(waits, (1.0, 2.0, 4.0), strict=True)], waits


@pytest.mark.parametrize(
    "refusal", [httpx.Response(400, content=b'{"error":"ERROR_ARGUMENT"}'), html(413)], ids=["with a code", "without one"]
)
async def test_a_batch_that_is_refused_for_anything_but_its_length_is_not_tried_with_fewer_commands(
    bench: Bench, refusal: httpx.Response
) -> None:
    portal = Batches(bench, lambda _: refusal, 0)
    assert Reason.CLIENT_ERROR is (await portal.failure()).reason
    assert [50] == portal.sizes


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 2, 10, 24, 25, 49])
async def test_what_a_portal_calls_too_long_is_a_limit_that_is_found_and_never_tried_again(bench: Bench, most: int) -> None:
    portal = Batches(bench, too_long, most)
    for _ in range(4):
        assert 120 == await portal.run()
    refused = [size for size in portal.sizes if size > most]
    assert len(refused) == len(set(refused)) <= 12
    portal.sizes = []
    for _ in range(3):
        assert 120 == await portal.run()
    assert most == max(portal.sizes)


async def test_a_portal_that_calls_one_command_too_long_is_given_up(
    bench: Bench,
) -> None:
    portal = Batches(bench, too_long, 0)
    assert Reason.CLIENT_ERROR is (await portal.failure()).reason
    assert [50, 25, 12, 6, 3, 1] == portal.sizes


async def test_one_command_that_fails_keeps_no_other_of_its_batch_from_being_answered(bench: Bench) -> None:
    known = [bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR).id for _ in range(9)]
    commands: dict[str, Command] = {f"g{number}": Command(GET, {"id": number}) for number in [*known, 4711]}
    outcomes: Mapping[str, Any] = await Batcher(bench.open()._api, 50).run(commands)
    assert commands.keys() == outcomes.keys()
    assert ["g4711"] == [key for key, outcome in outcomes.items() if hasattr(outcome, "error")]


def test_what_comes_of_blocks_that_were_on_their_way_teaches_a_size_once() -> None:
    clock = ManualClock()
    size = BlockSize(50, clock)
    for commands in (50, 25, 50):
        size.choked(commands)
    size.too_long(50)
    assert (12, 49) == (size.next(), size.limit)
    size = BlockSize(50, clock)
    for _ in range(4):
        size.too_long(50)
    assert (25, 49) == (size.next(), size.limit)
    for _ in range(4):
        size.choked(25)
    assert 12 == size.next()
    size.too_long(50)
    size.choked(50)
    assert (12, 49) == (size.next(), size.limit)
    for _ in range(40):
        size.passed(size.next(), 0.0)
    clock.now += 3601
    assert 50 == size.next()
    for _ in range(4):  # that were tried in doubt
        size.too_long(50)
    assert (49, 49) == (size.next(), size.limit)
