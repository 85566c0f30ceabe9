"""How many calls a portal gets at once, for how long it is spared, and what all who ask it share: promises as numbers."""

from __future__ import annotations

import asyncio
from random import Random

import httpx
import pytest
import structlog.testing

from exporter.errors import OverloadError, RateLimitedError
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.concurrent_calls import call_concurrently
from exporter.platforms.bitrix24.credential import PortalAddress
from exporter.platforms.bitrix24.portal import Portal, PortalRegistry
from exporter.platforms.bitrix24.settings import Budget
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.platforms.bitrix24.test_portal import Caller

SALON = PortalAddress("https://salon.bitrix24.example", "salon.bitrix24.example")


class Highest(Random):
    """Jitter that leaves every wait as long as it can be."""

    def random(self) -> float:
        return 1.0


def portal_on(clock: ManualClock, *, random: Random | None = None) -> Portal:
    budget = Budget(requests_per_second=100.0, burst=100)
    portal = Portal(SALON, clock, random or Highest(), RecordedEvents(), budget)
    portal.members["me"] = budget
    return portal


def services(clock: ManualClock) -> Services:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    return Services(transport, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))


async def test_a_portal_that_has_answered_gets_four_calls_at_once_and_one_that_has_not_gets_one() -> None:
    async def script() -> None:
        clock = ManualClock()
        portal = portal_on(clock)
        assert 1 == portal.calls_at_once()
        first = Caller(portal)
        await clock.settle()
        portal.accepted()
        first.answer.set()
        callers = [Caller(portal) for _ in range(6)]
        await clock.settle()
        assert [True] * 4 + [False] * 2 == [caller.has_it() for caller in callers]
        callers[0].answer.set()
        await clock.settle()
        assert [True] * 5 + [False] == [caller.has_it() for caller in callers]
        for caller in callers[1:]:
            await caller.cancel()

    await script()


async def test_behind_calls_that_hang_one_more_is_made_each_five_seconds() -> None:
    async def script() -> None:
        clock = ManualClock()
        portal = portal_on(clock)
        portal.accepted()
        callers = [Caller(portal) for _ in range(7)]
        for seconds, begun in ((4.9, 4), (0.2, 5), (4.8, 5), (0.2, 6), (4.8, 6), (0.2, 7)):
            await clock.advance(seconds)
            assert begun == sum(caller.has_it() for caller in callers), clock.monotonic()
        for caller in callers:
            await caller.cancel()

    await script()


async def test_a_call_that_hangs_is_waited_for_once() -> None:
    async def script() -> None:
        clock = ManualClock()
        portal = portal_on(clock)
        hanging, second, third = Caller(portal), Caller(portal), Caller(portal)
        await clock.advance(5.1)
        second.answer.set()
        await clock.settle()
        assert [True, True] == [second.has_it(), third.has_it()]
        for caller in (hanging, third):
            await caller.cancel()

    await script()


async def test_a_collector_has_as_many_calls_underway_as_the_portal_takes_at_once() -> None:
    async def script() -> None:
        clock = ManualClock()
        portal = portal_on(clock)
        portal.accepted()
        begun: list[int] = []

        async def call() -> None:
            async with portal.slot(RecordedEvents()):
                begun.append(len(begun))
                await asyncio.Event().wait()

        task = asyncio.create_task(call_concurrently(lambda: call, lambda underway: underway < portal.calls_at_once()))
        await clock.settle()
        assert 4 == len(begun)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    await script()


@pytest.mark.parametrize("kind", ["refused", "blocked", "came to nothing"])
def test_for_ten_minutes_after_a_refusal_a_portal_gets_one_call_at_a_time(kind: str) -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.accepted()
    assert 4 == portal.calls_at_once()
    match kind:
        case "refused":
            portal.refused(RateLimitedError("slow down"))
        case "blocked":
            portal.overloaded(OverloadError("blocked"))
        case _:
            portal.careful()
    clock.now += 599.9
    assert 1 == portal.calls_at_once()
    clock.now += 0.1
    assert 4 == portal.calls_at_once()


def test_pauses_double_from_two_seconds_to_a_minute_and_half_of_each_is_jitter() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    pauses = []
    for _ in range(8):
        portal.refused(RateLimitedError("slow down"))
        pauses.append(portal.bucket.paused_for())
        clock.now += pauses[-1]
    assert [2, 4, 8, 16, 32, 60, 60, 60] == pytest.approx(pauses)


def test_a_pause_that_the_portal_names_counts_when_it_is_longer_than_ours() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.refused(RateLimitedError("slow down", retry_after=40.0))
    assert 40 == portal.bucket.paused_for()
    clock.now += 39.75
    portal.refused(RateLimitedError("slow down"))
    assert 0.25 == portal.bucket.paused_for(), "that one was on its way"
    clock.now += 0.25
    portal.refused(RateLimitedError("slow down", retry_after=1.0))
    assert 4 == portal.bucket.paused_for()


def test_an_answer_in_the_last_half_second_of_a_pause_does_not_make_the_next_one_shorter() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.refused(RateLimitedError("slow down"))
    clock.now += 1.5
    portal.accepted()
    clock.now += 0.5
    portal.refused(RateLimitedError("slow down"))
    assert 4 == portal.bucket.paused_for()


def test_a_refusal_that_was_on_its_way_when_the_portal_was_blocked_asks_for_no_more_in_the_log_either() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.overloaded(OverloadError("blocked"))
    with structlog.testing.capture_logs() as logged:
        portal.refused(RateLimitedError("slow down"))
    assert [("requests_paused", "rate_limited", 0.0)] == [(line["event"], line["reason"], line["seconds"]) for line in logged]
    assert 900 == portal.bucket.paused_for()


def test_a_portal_that_support_has_blocked_is_left_alone_for_a_quarter_of_an_hour() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    assert 900 == portal.overloaded(OverloadError("blocked")).retry_after
    clock.now += 899
    assert 1 == portal.bucket.paused_for()
    clock.now += 1
    assert 0 == portal.bucket.paused_for()


def test_those_who_share_a_portal_keep_to_the_most_modest_budget_while_it_is_there() -> None:
    clock = ManualClock()
    registry = PortalRegistry()
    first = registry.lease(services(clock), Budget(requests_per_second=2.0, burst=20), SALON)
    second = registry.lease(services(clock), Budget(requests_per_second=5.0, burst=10), SALON)
    bucket = first.portal.bucket
    assert bucket is second.portal.bucket
    assert (2.0, 10) == (bucket.rate, bucket.burst)
    second.release()
    assert (2.0, 20) == (bucket.rate, bucket.burst)
    third = registry.lease(services(clock), Budget(requests_per_second=1.0, burst=30), SALON)
    assert (1.0, 20) == (bucket.rate, bucket.burst)
    first.release()
    assert (1.0, 30) == (bucket.rate, bucket.burst)
    third.release()
    assert {} == registry._portals
    second.release()
    assert {} == registry._portals


async def test_who_leaves_a_portal_that_others_still_ask_takes_nothing_of_it_away() -> None:
    async def script() -> None:
        clock = ManualClock()
        registry, budget = PortalRegistry(), Budget(requests_per_second=1.0, burst=3)
        first, second = (registry.lease(services(clock), budget, SALON) for _ in range(2))
        assert await first.portal.bucket.acquire()
        first.release()
        assert 2 == second.portal.bucket.remaining()
        second.release()
        clock.now += 0.5
        assert 2.5 == registry.lease(services(clock), budget, SALON).portal.bucket.remaining(), "it was kept"

    await script()


async def test_a_portal_that_somebody_came_back_to_is_not_forgotten_when_its_bucket_is_empty() -> None:
    async def script() -> None:
        clock = ManualClock()
        registry, budget = PortalRegistry(), Budget(requests_per_second=1.0, burst=3)
        lease = registry.lease(services(clock), budget, SALON)
        assert await lease.portal.bucket.acquire()
        lease.release()
        back = registry.lease(services(clock), budget, SALON)
        clock.now += 10
        registry.lease(services(clock), budget, PortalAddress("https://spa.bitrix24.example", "spa.bitrix24.example"))
        assert back.portal is registry.lease(services(clock), budget, SALON).portal

    await script()


@pytest.mark.parametrize(("later", "calls"), [(0.5, 4), (1.0, 1)])
async def test_who_comes_back_to_a_portal_begins_with_one_call_once_its_bucket_is_empty(later: float, calls: int) -> None:
    async def script() -> None:
        clock = ManualClock()
        registry, budget = PortalRegistry(), Budget(requests_per_second=1.0, burst=3)
        lease = registry.lease(services(clock), budget, SALON)
        lease.portal.accepted()
        assert await lease.portal.bucket.acquire()
        lease.release()
        clock.now += later
        assert calls == registry.lease(services(clock), budget, SALON).portal.calls_at_once()

    await script()
