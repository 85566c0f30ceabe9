"""What a portal does with single commands of a batch, and how often one that cannot be reached is asked."""

from __future__ import annotations

import json
import ssl

import httpx
import pytest

from exporter.errors import NetworkError, PollError, TlsError
from exporter.platforms.bitrix24.answers import Reply
from exporter.platforms.bitrix24.api import Command
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.blocksize import BlockSize
from exporter.platforms.retry import wait_allowance
from tests.harness.bitrix24_target import GET, HOUR, LINKS, Bench
from tests.harness.clock import ManualClock

TOO_LONG = {"error": "ERROR_BATCH_LENGTH_EXCEEDED", "error_description": "Max batch length exceeded"}


async def test_commands_that_a_batch_was_too_long_for_are_asked_again_and_are_no_refusals(bench: Bench) -> None:
    asked: list[int] = []

    commands = {
        f"g{row.id}": Command(GET, {"id": row.id})
        for row in [bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR) for _ in range(12)]
    }

    async def instead(request: httpx.Request) -> httpx.Response | None:
        keys = list(json.loads(request.content)["cmd"])
        asked.append(len(keys))
        sections = {
            "result": {key: {"booking": {}} for key in keys[:5]},
            "result_error": dict.fromkeys(keys[5:], TOO_LONG),
        }
        return httpx.Response(200, content=json.dumps({"result": sections}))

    bench.http.instead = instead
    outcomes = await Batcher(bench.open()._api, 50).run(commands)
    assert commands.keys() == outcomes.keys()
    assert all(isinstance(outcome, Reply) for outcome in outcomes.values())
    assert [12, 7, 2] == asked


async def test_a_command_that_fails_inside_a_batch_is_called_alone_and_no_batch_asks_for_it_again(bench: Bench) -> None:
    commands = {
        f"g{row.id}": Command(GET, {"id": row.id})
        for row in [bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR) for _ in range(3)]
    }
    asked: list[list[str]] = []

    async def instead(request: httpx.Request) -> httpx.Response | None:
        keys = list(json.loads(request.content).get("cmd", ()))
        asked.append(keys)
        if not keys:
            return None
        sections = {
            "result": {key: {"booking": {}} for key in keys[1:]},
            "result_error": {keys[0]: {"error": "INTERNAL_SERVER_ERROR"}},
        }
        return httpx.Response(200, content=json.dumps({"result": sections}))

    bench.http.instead = instead
    outcomes = await Batcher(bench.open()._api, 50).run(commands)
    assert commands.keys() == outcomes.keys()
    assert all(isinstance(outcome, Reply) for outcome in outcomes.values())
    assert [list(commands), []] == asked


async def test_a_method_that_no_batch_may_run_is_left_to_the_caller_and_put_into_no_batch_again(bench: Bench) -> None:
    asked: list[list[str]] = []

    async def instead(request: httpx.Request) -> httpx.Response:
        keys = list(json.loads(request.content)["cmd"])
        asked.append(keys)
        refused = {key: {"error": "ERROR_BATCH_METHOD_NOT_ALLOWED"} for key in keys if key.startswith("g")}
        sections = {"result": {key: list[object]() for key in keys if key not in refused}, "result_error": refused}
        return httpx.Response(200, content=json.dumps({"result": sections}))

    bench.http.instead = instead
    batcher = Batcher(bench.open()._api, 50)
    commands = {"g1": Command(GET, {"id": 1}), "e1": Command(LINKS, {"bookingId": 1}), "g2": Command(GET, {"id": 2})}
    for _ in range(2):
        assert {"e1"} == (await batcher.run(commands)).keys()
    assert [["g1", "e1", "g2"], ["e1"]] == asked


def failed_handshake() -> ssl.SSLError:
    error = ssl.SSLError(1, "certificate verify failed")
    error.reason = "CERTIFICATE_VERIFY_FAILED"
    return error


@pytest.mark.parametrize(("cause", "reason", "attempts"), [(failed_handshake(), TlsError, 1), (None, NetworkError, 4)])
async def test_a_certificate_that_does_not_hold_is_looked_at_once_and_a_lost_connection_is_tried_four_times(
    bench: Bench, cause: Exception | None, reason: type[PollError], attempts: int
) -> None:
    asked: list[float] = []

    async def instead(request: httpx.Request) -> httpx.Response:
        asked.append(bench.now)
        raise httpx.ReadError("lost", request=request) from cause

    bench.http.instead = instead
    with wait_allowance(300), pytest.raises(reason):
        await bench.open()._api.call(Command(GET, {"id": 1}))
    assert attempts == len(asked)


def test_a_doubt_comes_after_an_hour_and_is_over_for_another_one_when_the_portal_chokes() -> None:
    clock = ManualClock()
    size = BlockSize(50, clock)
    size.too_long(50)
    for _ in range(9):
        size.passed(size.next(), 0.0)
    assert 49 == size.next()
    clock.now += 3599
    assert 49 == size.next()
    clock.now += 1
    assert 50 == size.next()
    size.choked(50)
    assert 25 == size.next()
    for _ in range(9):
        size.passed(size.next(), 0.0)
    assert 49 == size.next(), "it was tried just now"
    clock.now += 3600
    assert 50 == size.next()


@pytest.mark.parametrize(("seconds", "following"), [(24.0, 50), (24.1, 40)])
def test_blocks_grow_by_a_quarter_while_the_larger_one_would_take_half_a_minute_at_most(seconds: float, following: int) -> None:
    size = BlockSize(50, ManualClock())
    size.choked(80)
    assert 40 == size.next()
    size.passed(40, seconds)
    assert following == size.next()


def test_a_block_never_becomes_smaller_than_one_command_and_grows_from_there_by_one() -> None:
    size = BlockSize(50, ManualClock())
    for _ in range(3):
        size.choked(1)
    assert 1 == size.next()
    size.too_long(2)
    assert (1, 1) == (size.next(), size.limit)
    size = BlockSize(50, ManualClock())
    size.choked(3)
    for following in (2, 3, 4, 5, 6, 7, 8, 10):
        size.passed(size.next(), 0.0)
        assert following == size.next()


def test_what_no_portal_has_called_too_long_is_never_exceeded() -> None:
    clock = ManualClock()
    size = BlockSize(50, clock)
    clock.now += 7200
    assert 50 == size.next()


def test_one_more_than_the_portal_named_that_passes_brings_back_all_that_was_wanted() -> None:
    clock = ManualClock()
    size = BlockSize(8, clock)
    size.too_long(5)
    assert 4 == size.limit
    for _ in range(4):
        size.passed(size.next(), 0.0)
    clock.now += 3600
    assert 5 == size.next()
    size.passed(5, 0.0)
    assert 8 == size.limit
    assert 5 == size.next()
