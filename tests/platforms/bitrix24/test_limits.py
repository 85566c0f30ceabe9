"""Inside every limit: the shared bucket, operating time, the block by hand (bitrix24.md section 6)."""

from __future__ import annotations

import asyncio
import json
from itertools import pairwise

import pytest
import structlog.testing

from exporter.errors import OperatingLimitError, OverloadError, PollError, RateLimitedError, Reason
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import Budget
from exporter.simulator.faults import Fault, FaultKind
from exporter.support.secret import Secret
from tests.harness.bitrix24_target import HOUR, LINKS, LIST, NEXT_7D, Bench, counts, poll_bookings, poll_links
from tests.harness.events import RecordedEvents

DEFAULT = Budget()


def refusals(bench: Bench) -> list[float]:
    return [call.at for call in bench.simulator.log if call.status == 503]


async def failed_poll(session: BitrixSession, bench: Bench) -> tuple[PollError, float]:
    """Poll, which must fail, and wait as the scheduler does. Returns the error and how long the poll took."""
    began = bench.now
    with pytest.raises(PollError) as caught:
        await poll_bookings(session)
    took = bench.now - began
    await bench.clock.sleep(caught.value.retry_after or 300)
    return caught.value, took


# The bucket


async def test_a_portal_whose_bucket_another_application_keeps_full_is_told_at_once_asked_no_more_and_exact_in_the_end(
    bench: Bench,
) -> None:
    bench.portal.set_plan("standard")
    bench.world.fill(300, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D, budget=DEFAULT)
    began = bench.now
    bench.portal.fill_bucket(began)
    bench.portal.press(2.0, began, until=began + 200)
    polls = [await failed_poll(session, bench) for _ in range(20) if bench.now - began < 200]
    assert max(seconds for _, seconds in polls) <= 30
    assert all(error.reason is Reason.RATE_LIMITED and error.retry_after for error, _ in polls)
    assert {"next_7d": 300} == counts(await poll_bookings(session))
    assert bench.now - began >= 200
    assert 1 <= len(refusals(bench)) <= 12
    waits = [later - earlier for earlier, later in pairwise(call.at for call in bench.simulator.log)]
    assert all(wait >= 1.0 for wait, refused in zip(waits, bench.simulator.log, strict=False) if refused.status == 503)
    between = sum(error.retry_after or 0 for error, _ in polls)
    inside = sum(seconds for _, seconds in polls)
    assert sum(bench.events.waited) >= inside > 0, "what a poll waits is counted"
    assert between + inside >= 150, "and the pauses are most of the time"
    assert set(bench.events.retries) == {(LIST, "rate_limited")}


async def test_one_refusal_per_back_off_step_however_many_are_waiting(bench: Bench) -> None:
    bench.portal.set_plan("standard")
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    sessions = [bench.open(name=name, windows=NEXT_7D, budget=DEFAULT) for name in ("one", "two", "three")]
    began = bench.now
    bench.portal.fill_bucket(began)
    bench.portal.press(3.0, began, until=began + 60)
    polls = [session.collectors[name].poll() for session in sessions for name in session.collectors]
    results = await asyncio.gather(*polls, return_exceptions=True)
    failed = [result for result in results if not isinstance(result, PollResult)]
    assert all(isinstance(result, RateLimitedError) for result in failed)
    assert failed, "the bucket stays full for longer than a poll waits"
    wait = max(result.retry_after or 0 for result in failed if isinstance(result, RateLimitedError))
    await bench.clock.sleep(max(wait, began + 60 - bench.now))
    for session in sessions:
        assert {"next_7d": 120} == counts(await poll_bookings(session))
    steps = [later - earlier for earlier, later in pairwise(refusals(bench))]
    # The k-th refusal in a row holds everybody for at least 2^k seconds, and at most for a minute, half of which is jitter.
    assert all(step >= min(2.0**k, 30.0) for k, step in enumerate(steps))
    assert 3 <= len(refusals(bench)) <= 6, "all six wait for the same one"


async def test_a_poll_that_would_wait_for_ever_ends_as_rate_limited_within_half_a_minute(bench: Bench) -> None:
    bench.portal.set_plan("standard")
    bench.portal.fill_bucket(bench.now)
    bench.portal.press(10.0, bench.now)
    began = bench.now
    with pytest.raises(RateLimitedError) as caught:
        await poll_bookings(bench.open(budget=DEFAULT))
    assert caught.value.retry_after is not None
    assert bench.now - began <= 30


@pytest.mark.slow
async def test_our_own_pace_never_trips_the_portal(bench: Bench) -> None:
    bench.portal.set_plan("standard")
    bench.portal.costs[LINKS.lower()] = 0.05
    bench.world.fill(1500, bench.now, days=(0.1, 6.9))
    session = bench.open(budget=DEFAULT)
    await poll_bookings(session)
    began = bench.now
    await poll_links(session)
    assert [] == refusals(bench)
    assert bench.calls() / (bench.now - began) <= 1.5  # 60 batches at one a second, after a burst of ten


async def test_two_targets_of_one_portal_share_its_bucket_and_the_more_modest_budget(bench: Bench) -> None:
    events = RecordedEvents()
    modest = Budget(requests_per_second=0.5, burst=2)
    one = bench.open(name="one", windows=NEXT_7D)
    two = bench.open(events, name="two", windows=NEXT_7D, budget=modest)
    began = bench.now
    for session in (one, two, one, two, one, two):
        await poll_bookings(session)
    assert bench.now - began == pytest.approx(4 / 0.5)
    assert sum(events.waited) > 0
    assert sum(bench.events.waited) > 0
    await two.aclose()
    assert 250 == one.usage().budgets[0].limit


async def test_another_portal_has_a_bucket_of_its_own(bench: Bench) -> None:
    other = bench.simulator.bitrix24.add_portal("other")
    bench.simulator.bitrix24.add_webhook(other, code="otherothercode")
    slow = Budget(requests_per_second=0.01, burst=1)
    one = bench.open(budget=slow)
    two = bench.open(budget=slow, webhook_url=Secret("https://other.bitrix24.example/rest/1/otherothercode/"))
    began = bench.now
    await poll_bookings(one)
    await poll_bookings(two)
    assert bench.now == began


async def test_the_budget_of_requests_is_visible(bench: Bench) -> None:
    session = bench.open(budget=DEFAULT)
    await poll_bookings(session)
    requests = session.usage().budgets[0]
    assert ("requests", 10, 9) == (requests.name, requests.limit, requests.remaining)


# The block by hand


async def test_a_blocked_portal_is_left_alone_and_asked_again_slowly_by_one_call(bench: Bench) -> None:
    with structlog.testing.capture_logs() as logged:
        session = bench.open()
        bench.portal.overloaded = True
        for collector in session.collectors.values():
            with pytest.raises(OverloadError) as caught:
                await collector.poll()
            assert caught.value.retry_after == pytest.approx(900)
        assert 1 == bench.calls()
        bench.clock.now += 901
        for collector in session.collectors.values():
            with pytest.raises(OverloadError):
                await collector.poll()
        assert 2 == bench.calls()
        bench.portal.overloaded = False
        bench.clock.now += 901
        assert {0} == set(counts(await poll_bookings(session)).values())
    lines = [line for line in logged if line["event"].startswith("requests_")]
    assert [("requests_paused", 900.0), ("requests_go_on", 1802.0)] == [(line["event"], line["seconds"]) for line in lines]
    assert "overload" == lines[0]["reason"]


@pytest.mark.parametrize("refused", ["some", "all"])
async def test_a_block_that_shows_inside_a_batch_is_a_block(bench: Bench, refused: str) -> None:
    bench.world.fill(6, bench.now, days=(0.1, 6.9))
    ids = [booking.id for booking in bench.world.bookings()]
    problem = {"error": "OVERLOAD_LIMIT", "error_description": "REST API is blocked due to overload."}
    errors = {f"e{booking}": problem for booking in (ids[:1] if refused == "some" else ids)}
    body = json.dumps({"result": {"result": [], "result_error": errors}})
    bench.simulator.faults.add(Fault(FaultKind.BODY, operation="batch", body=body, content_type="application/json"))
    session = bench.open(windows=NEXT_7D)
    for poll in (poll_links, poll_bookings):
        before = bench.calls("batch")
        with pytest.raises(OverloadError) as caught:
            await poll(session)
        assert pytest.approx(900, abs=5) == caught.value.retry_after
        assert bench.calls("batch") - before == (1 if poll is poll_links else 0)


# Operating time


async def test_operating_time_is_read_from_direct_and_from_nested_answers(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open()
    await poll_bookings(session)  # page one alone, the others nested
    usage = session.usage()
    seconds = {row.operation: row.seconds for row in usage.operating}
    assert seconds[LIST] == pytest.approx(bench.portal.operating.spent(_credential(bench), LIST, bench.now)[0])
    assert seconds[LIST] >= 3 * 0.12
    assert usage.budgets[1].remaining == pytest.approx(600 - seconds[LIST])
    reset = next(row.reset_at for row in usage.operating if row.operation == LIST)
    assert reset == pytest.approx(bench.now + 600, abs=1)


def _credential(bench: Bench) -> str:
    return next(credential for credential, _ in bench.portal.operating._counters)


@pytest.mark.parametrize("style", ["zero", "absent"])
async def test_portals_that_do_not_count_operating_time_work_all_the_same(bench: Bench, style: str) -> None:
    bench.simulator.bitrix24.switches.operating_in_time = "zero" if style == "zero" else "absent"
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open()
    assert 120 == counts(await poll_bookings(session))["next_7d"]
    assert 600 == session.usage().budgets[1].remaining


async def test_a_method_over_its_limit_is_left_alone_until_the_reset_that_the_portal_named(bench: Bench) -> None:
    session = bench.open()
    await poll_bookings(session)
    first_call = bench.now
    bench.portal.operating.limit = 0.1
    bench.clock.now += 100
    with pytest.raises(OperatingLimitError) as caught:
        await poll_bookings(session)
    assert caught.value.retry_after == pytest.approx(first_call + 600 - bench.now, abs=1)
    refused = bench.calls()
    bench.clock.now = first_call + 598
    with pytest.raises(OperatingLimitError):
        await poll_bookings(session)
    assert bench.calls() == refused
    bench.clock.now = first_call + 602
    assert {0} == set(counts(await poll_bookings(session)).values())


async def test_without_a_named_reset_a_method_rests_for_five_minutes_and_then_for_ten(bench: Bench) -> None:
    bench.portal.operating.limit = 0.0
    session = bench.open()
    for wait in (300, 600, 600):
        with pytest.raises(OperatingLimitError) as caught:
            await poll_bookings(session)
        assert caught.value.retry_after == pytest.approx(wait)
        bench.clock.now += wait + 1


async def test_a_batch_of_refused_commands_is_one_refusal(bench: Bench) -> None:
    bench.world.fill(3, bench.now, days=(0.1, 6.9))
    ids = [booking.id for booking in bench.world.bookings()]
    problem = {"error": "OPERATION_TIME_LIMIT", "error_description": "Method is blocked due to operation time limit."}
    body = json.dumps({"result": {"result": [], "result_error": {f"e{booking}": problem for booking in ids}}})
    bench.simulator.faults.add(Fault(FaultKind.BODY, operation="batch", body=body, content_type="application/json"))
    with pytest.raises(OperatingLimitError) as caught:
        await poll_links(bench.open(windows=NEXT_7D))
    assert caught.value.retry_after == pytest.approx(300)


async def test_the_newest_accounting_bans_the_batch_and_other_methods_go_on(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.accounting = "batch_half"
    bench.portal.operating.limit = 2.0
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D, links={"batch_size": 20})
    await poll_links(session)
    with pytest.raises(OperatingLimitError):
        await poll_links(session)
    assert {"next_7d": 40} == counts(await poll_bookings(session))  # one page, no batch
    bench.clock.now += 601
    bench.portal.operating.limit = 480.0
    assert (await poll_links(session)).windows[0].unlinked >= 0


async def test_links_give_way_before_bookings_when_the_operating_budget_runs_low(bench: Bench) -> None:
    bench.portal.costs[LINKS.lower()] = 1.0
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D, budget=Budget(operating_seconds=60, burst=250), links={"verify_calls": 2})
    await poll_links(session)  # 40 s: above a half
    asked = bench.commands(LINKS)
    await poll_links(session)  # no verification
    assert bench.commands(LINKS) == asked
    for hour in range(10):
        bench.world.add_booking(bench.now + hour * HOUR, bench.now + hour * HOUR + 60)
    await poll_links(session)  # 50 s: above four fifths
    bench.world.add_booking(bench.now + HOUR, bench.now + HOUR + 60)
    with pytest.raises(OperatingLimitError) as caught:
        await poll_links(session)
    assert caught.value.retry_after is not None
    assert {"next_7d": 51} == counts(await poll_bookings(session))
    bench.clock.now += caught.value.retry_after + 1
    assert sum((window.linked + window.unlinked) for window in (await poll_links(session)).windows) >= 50


async def test_bookings_stop_at_the_whole_budget_and_go_on_after_the_reset(bench: Bench) -> None:
    bench.portal.costs[LIST] = 20.0
    session = bench.open(budget=Budget(operating_seconds=30))
    await poll_bookings(session)
    await poll_bookings(session)
    with pytest.raises(OperatingLimitError) as caught:
        await poll_bookings(session)
    # The simulated calls take 20 s on the portal's clock and no time on ours.
    assert caught.value.retry_after == pytest.approx(600, abs=21)
    bench.clock.now += 601
    await poll_bookings(session)


async def test_a_failed_poll_of_one_collector_leaves_the_other_alone(bench: Bench) -> None:
    bench.world.fill(20, bench.now, days=(0.1, 6.9))
    bench.portal.operating.limit = 1.0
    session = bench.open(windows=NEXT_7D)
    with pytest.raises(PollError):
        await session.collectors[CollectorName.LINKS].poll()
    assert {"next_7d": 20} == counts(await poll_bookings(session))


async def test_too_many_requests_inside_a_batch_pause_the_portal_and_are_asked_again(bench: Bench) -> None:
    bench.world.fill(3, bench.now, days=(0.1, 6.9))
    problem = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
    refused = {f"e{booking.id}": problem for booking in bench.world.bookings()}
    body = json.dumps({"result": {"result": [], "result_error": refused}})
    fault = Fault(FaultKind.BODY, operation="batch", body=body, content_type="application/json", times=1)
    bench.simulator.faults.add(fault)
    session = bench.open(windows=NEXT_7D)
    began = bench.now
    links = await poll_links(session)
    assert 3 == links.windows[0].linked + links.windows[0].unlinked
    assert bench.now - began >= 1.0
    assert 2 == bench.calls("batch")
