"""Links of many bookings, asked about side by side: as fast as the budget allows, and as modest as one by one."""

from __future__ import annotations

import asyncio
import contextlib
import json

import httpx
import pytest

from exporter.booking_links import LinksObservation
from exporter.errors import NotEntitledError, OperatingLimitError, PollError, PollTimeoutError, RateLimitedError, ServerError
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import Budget
from exporter.platforms.retry import wait_allowance
from tests.harness.timed_portal import WHOLE_PLAN, TimedBench, TimedCall

pytestmark = pytest.mark.slow

LINKS = "booking.v1.booking.externaldata.list"
WIDE = Budget(requests_per_second=1000.0, burst=10_000, operating_seconds=600.0)


async def poll(session: BitrixSession, collector: CollectorName = CollectorName.LINKS) -> PollResult:
    with wait_allowance(900):
        return await session.collectors[collector].poll()


def known(result: PollResult) -> int:
    assert isinstance(result.observation, LinksObservation)
    [window] = result.observation.windows
    assert not window.unverified
    return window.linked + window.unlinked


async def failure(bench: TimedBench, session: BitrixSession) -> PollError:
    with pytest.raises(PollError) as caught:
        await bench.timed(poll(session))
    return caught.value


def answer(error: str, status: int = 400) -> httpx.Response:
    return httpx.Response(status, content=json.dumps({"error": error, "error_description": "no"}))


def widen(bench: TimedBench) -> None:
    """Let the portal take any number of requests."""
    bench.portal.set_plan(None)


async def until_four_are_underway(bench: TimedBench) -> None:
    for _ in range(300):
        if bench.http.at_once() == 4:
            return
        await bench.clock.advance(0.1)
    pytest.fail("never were four calls underway")


# Speed


@pytest.mark.slow
@pytest.mark.parametrize(("bookings", "budget"), [(8_767, WHOLE_PLAN), (2_000, Budget())])
async def test_cold_links_take_a_third_longer_at_most_than_the_budget_allows_and_are_refused_nothing(
    bookings: int, budget: Budget
) -> None:
    bench = TimedBench(bookings)
    result, seconds = await bench.timed(poll(bench.open(budget=budget)))
    assert bookings == known(result)
    assert -(-bookings // 50) == len(bench.http.links())
    assert len(bench.http.calls) - len(bench.http.links()) <= 8
    assert seconds <= 1.3 * (len(bench.http.calls) - budget.burst) / budget.requests_per_second
    assert [] == bench.http.refused()
    assert 4 == bench.http.at_once()


@pytest.mark.parametrize("accounting", ["per_method", "batch_half"])
async def test_answers_that_overtake_one_another_make_no_call_dearer_than_it_was(accounting: str) -> None:
    """The first to come tells what all of them spent: that was taken for the price of one command, and 50 times too much."""

    bench = TimedBench(2000)
    widen(bench)
    bench.http.simulator.switches.accounting = accounting  # type: ignore[assignment]
    bench.portal.costs[LINKS] = 0.1
    bench.http.seconds = lambda commands: 0.03 * commands * (1 + len(bench.http.calls) * 7 % 5 / 5)
    assert 2_000 == known((await bench.timed(poll(bench.open())))[0])
    at_once = [call.at_once for call in bench.http.links()]
    assert 34 <= at_once.count(4), "of 40: at first it is unknown what a call costs"


async def test_what_is_known_already_is_verified_by_one_call_at_a_time() -> None:
    bench = TimedBench(600)
    session = bench.open(verify_calls=8)
    await bench.timed(poll(session))
    bench.http.calls.clear()
    await bench.timed(poll(session))
    assert (8, 1) == (len(bench.http.links()), bench.http.at_once())


async def test_blocks_grow_no_larger_than_what_the_portal_does_in_half_of_its_time() -> None:
    """Fifty commands of 1.3 s take longer than the minute that a portal gives one request, and 25 take half of it."""

    bench = TimedBench(300, lambda commands: 1.3 * commands)
    widen(bench)
    bench.http.instead = lambda call: httpx.Response(504, content=b"<html>") if call.commands > 46 else None
    session = bench.open()
    assert isinstance(await failure(bench, session), ServerError)
    assert [50] == [call.commands for call in bench.http.links()]
    assert 300 == known((await bench.timed(poll(session)))[0])
    assert [50, *[25] * 12] == [call.commands for call in bench.http.links()]


# Refusals


async def test_after_a_refusal_a_portal_is_asked_by_one_call_at_a_time_for_ten_minutes() -> None:
    bench = TimedBench(1000)
    running = asyncio.create_task(poll(bench.open()))
    await until_four_are_underway(bench)
    bench.portal.fill_bucket(bench.clock.now)
    assert 1_000 == known(await bench.meanwhile(running))
    refused = bench.http.refused()
    assert 1 <= len(refused) <= 4, "those that were on their way"
    last = max(call.ended or 0 for call in refused)
    assert 1 <= min(call.began for call in bench.http.calls if call.began > last) - last <= 2, "they are one refusal"
    assert {1} == {call.at_once for call in bench.http.calls if call.began > last}
    for seconds, at_once in ((590, 1), (610, 4)):
        await bench.clock.advance(last + seconds - bench.clock.now)
        bench.http.calls.clear()
        again = asyncio.create_task(poll(bench.open(name=f"after {seconds} s")))
        await bench.clock.advance(8.0)
        assert at_once == bench.http.at_once()
        again.cancel()
        await asyncio.gather(again, return_exceptions=True)


@pytest.mark.parametrize(
    "refusal",
    [
        answer("QUERY_LIMIT_EXCEEDED", 503),
        answer("OPERATION_TIME_LIMIT", 429),
        answer("OVERLOAD_LIMIT", 503),
        answer("INTERNAL_SERVER_ERROR", 500),
        httpx.Response(504, content=b"<html>"),
        httpx.Response(200, content=b"<html>"),
        httpx.Response(403, content=b"<html>", headers={"retry-after": "1"}),
    ],
)
async def test_whatever_a_portal_refuses_with_makes_it_be_asked_by_one_call_at_a_time(refusal: httpx.Response) -> None:
    bench = TimedBench(60)
    widen(bench)
    session = bench.open()
    await bench.timed(poll(session))
    assert 4 == session._api.calls_at_once()
    bench.http.instead = lambda _: refusal
    with contextlib.suppress(PollError):
        await bench.timed(poll(session))
    assert 1 == session._api.calls_at_once()
    bench.clock.now += 700
    assert 4 == session._api.calls_at_once()


@pytest.mark.parametrize("code", ["QUERY_LIMIT_EXCEEDED", "OPERATION_TIME_LIMIT", "OVERLOAD_LIMIT"])
async def test_what_a_portal_refuses_inside_a_batch_makes_it_be_asked_by_one_call_at_a_time_too(code: str) -> None:
    bench = TimedBench(60)
    widen(bench)
    session = bench.open()
    await bench.timed(poll(session))
    errors = {f"e{number}": {"error": code, "error_description": "no"} for number in range(1, 61)}
    refusal = httpx.Response(200, content=json.dumps({"result": {"result": [], "result_error": errors}}))
    bench.http.instead = lambda call: refusal if call.asks == "links" else None
    with contextlib.suppress(PollError):
        await bench.timed(poll(session))
    assert 1 == session._api.calls_at_once()


async def test_a_pause_that_four_calls_wait_for_is_waited_for_once() -> None:
    """Four times the pauses would use up the half minute that a poll waits, and fail it."""

    bench = TimedBench(1000)
    widen(bench)
    refusal = answer("QUERY_LIMIT_EXCEEDED", 503)
    refusal.headers["retry-after"] = "9"
    # The first goes alone, the next four side by side.
    bench.http.instead = lambda call: refusal if call in bench.http.links()[5:9] else None
    result, _ = await bench.timed(poll(bench.open()))
    assert (1_000, 4) == (known(result), len(bench.http.refused()))
    assert {1, 2, 3, 4} == {call.at_once for call in bench.http.refused()}


# Fairness


@pytest.mark.slow
async def test_a_poll_of_bookings_waits_behind_one_call_for_links_each_time_and_not_behind_all() -> None:
    bench = TimedBench(2000)
    session = bench.open(budget=Budget(requests_per_second=1.0, burst=2))
    links = asyncio.create_task(poll(session))
    await bench.clock.advance(20)
    before = len(bench.http.links())
    assert 0 < before < 20
    await bench.timed(poll(session, CollectorName.BOOKINGS))
    own = len(bench.http.calls) - len(bench.http.links()) - 5  # the links read the list, too
    assert 2 <= own <= 7
    assert len(bench.http.links()) - before <= own + 1
    assert 2_000 == known(await bench.meanwhile(links))


# What fails, hangs or is cancelled


async def test_one_call_that_fails_lets_none_begin_and_keeps_what_the_others_bring() -> None:
    bench = TimedBench(1000)
    widen(bench)
    session = bench.open()
    bench.http.instead = lambda _: answer("ACCESS_DENIED", 403) if len(bench.http.links()) == 8 else None
    assert isinstance(await failure(bench, session), NotEntitledError)
    asked = bench.http.links()
    denied = next(call for call in asked if call.status == httpx.codes.FORBIDDEN)
    assert not [call for call in asked if call.began >= (denied.ended or 0)]
    assert not [call for call in asked if call.cancelled]
    learnt = sum(call.commands for call in asked) - denied.commands
    bench.http.instead = lambda _: None
    bench.http.calls.clear()
    assert 1_000 == known((await bench.timed(poll(session)))[0])
    assert 1_000 - learnt == sum(call.commands for call in bench.http.links()[: -(-(1_000 - learnt) // 50)])


async def test_a_call_that_times_out_is_not_repeated_in_its_poll_and_the_next_one_asks_for_half() -> None:
    bench = TimedBench(2000)
    widen(bench)
    session = bench.open(timeout=20.0)
    bench.http.seconds = lambda commands: 1e6 if len(bench.http.links()) == 6 else 0.03 * commands
    assert isinstance(await failure(bench, session), PollTimeoutError)
    hung = bench.http.links()[5]
    assert hung.cancelled
    assert pytest.approx(20.0) == (hung.ended or 0) - hung.began
    assert not [call for call in bench.http.calls if call.began >= (hung.ended or 0)]
    assert 0 == bench.http.underway
    bench.http.calls.clear()
    bench.http.seconds = lambda commands: 0.03 * commands
    assert 2_000 == known((await bench.timed(poll(session)))[0])
    assert (25, 1) == (bench.http.links()[0].commands, bench.http.at_once())


@pytest.mark.parametrize("by", ["the scheduler", "the deadline"])
async def test_a_poll_that_is_ended_in_the_middle_leaves_no_call_running_and_no_place_taken(by: str) -> None:
    before = asyncio.all_tasks()
    bench = TimedBench(2000)
    session = bench.open()

    async def bounded() -> None:
        async with bench.clock.timeout(12.0):
            await poll(session)

    task = asyncio.create_task(bounded())
    await bench.clock.advance(11.9)
    assert 4 == bench.http.underway
    if by == "the scheduler":
        task.cancel()
    else:
        await bench.clock.advance(0.2)
    with pytest.raises(asyncio.CancelledError if by == "the scheduler" else TimeoutError):
        await task
    assert 0 == bench.http.underway
    assert before == asyncio.all_tasks()
    assert [] == session._lease.portal._underway
    sent = len(bench.http.calls)
    await bench.clock.advance(60)
    assert sent == len(bench.http.calls)
    assert 2_000 == known((await bench.timed(poll(session)))[0])


@pytest.mark.parametrize("choke", [answer("ERROR_BATCH_LENGTH_EXCEEDED"), httpx.Response(504, content=b"<html>")])
async def test_four_blocks_that_are_too_large_side_by_side_teach_what_one_would(choke: httpx.Response) -> None:
    bench = TimedBench(2000)
    widen(bench)
    running = asyncio.create_task(poll(bench.open()))
    await until_four_are_underway(bench)
    told: list[TimedCall] = []

    def instead(call: TimedCall) -> httpx.Response | None:
        if call.commands == 50 and len(told) < 4:
            told.append(call)
            return choke
        return None

    bench.http.instead = instead
    assert 2_000 == known(await bench.meanwhile(running))
    after = [call.commands for call in bench.http.links() if call.began >= (told[-1].ended or 0)]
    assert (4, 25) == (len(told), after[0])
    assert min(after[:20]) >= 25, "half, and not half of half of half"


# Operating time


@pytest.mark.slow
@pytest.mark.parametrize("late", [0.0, 0.2])
@pytest.mark.parametrize("accounting", ["per_method", "batch_half"])
async def test_links_stop_at_four_fifths_of_the_operating_time_although_calls_are_underway(
    accounting: str, late: float
) -> None:
    bench = TimedBench(2000)
    widen(bench)
    bench.http.seconds = lambda commands: 0.03 * commands * (1 + late * (len(bench.http.calls) * 7 % 5))
    bench.http.simulator.switches.accounting = accounting  # type: ignore[assignment]
    bench.portal.costs[LINKS] = 0.2 if accounting == "per_method" else 0.4
    session = bench.open(budget=Budget(requests_per_second=1000.0, burst=10_000, operating_seconds=200.0))
    assert isinstance(await failure(bench, session), OperatingLimitError)
    spent = 10 * len(bench.http.links())
    assert 160 <= spent <= 160 + 10, "ten seconds a block, and no more than the one that reaches the limit"
    assert bench.http.at_once() > 1


async def test_links_that_become_dearer_while_calls_are_underway_stop_at_four_fifths_too() -> None:
    bench = TimedBench(2000)
    widen(bench)

    def seconds(commands: int) -> float:
        bench.portal.costs[LINKS] = 0.1 if len(bench.http.links()) < 20 else 0.8
        return 0.03 * commands * (1 + len(bench.http.calls) * 7 % 5 / 5)

    bench.http.seconds = seconds
    assert isinstance(await failure(bench, bench.open()), OperatingLimitError)
    spent = 20 * 5 + (len(bench.http.links()) - 20) * 40
    assert 480 <= spent <= 480 + 40, "forty seconds a block, and no more than the one that reaches the limit"


async def test_a_method_that_rests_is_refused_once_however_many_calls_were_underway() -> None:
    bench = TimedBench(2000)
    widen(bench)
    bench.http.simulator.switches.operating_in_time = "absent"
    bench.portal.costs[LINKS] = 0.2
    bench.portal.operating.limit = 100.0
    session = bench.open(budget=WIDE)
    error = await failure(bench, session)
    assert (OperatingLimitError, True) == (type(error), 290 <= (error.retry_after or 0) <= 300)
    assert 14 >= len(bench.http.links())
    assert 1 == session._api.calls_at_once()


async def test_a_limited_portal_fails_the_poll_no_later_than_one_by_one() -> None:
    bench = TimedBench(2000)
    running = asyncio.create_task(bench.timed(poll(bench.open())))
    await until_four_are_underway(bench)
    bench.portal.press(10.0, bench.clock.now)
    bench.portal.fill_bucket(began := bench.clock.now)
    with pytest.raises(RateLimitedError):
        await bench.meanwhile(running)
    assert bench.clock.now - began <= 35
    assert len(bench.http.refused()) <= 4 + 4 * 4
