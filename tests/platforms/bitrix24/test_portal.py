"""The turn that all callers of a portal share: whoever is cancelled, and wherever, leaves it to the next."""

from __future__ import annotations

import asyncio
import gc
import weakref
from random import Random

import httpx
import pytest

from exporter.errors import OverloadError, RateLimitedError
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.credential import PortalAddress
from exporter.platforms.bitrix24.portal import Portal, PortalRegistry
from exporter.platforms.bitrix24.settings import Budget
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

SALON = PortalAddress("https://salon.bitrix24.example", "salon.bitrix24.example")


class Caller:
    """Takes turns at a portal; each ends when it is told to."""

    def __init__(self, portal: Portal) -> None:
        self.events = RecordedEvents()
        self._has_it = False
        self.answer = asyncio.Event()
        self.task = asyncio.create_task(self._call(portal))

    async def _call(self, portal: Portal) -> None:
        async with portal.slot(self.events):
            self._has_it = True
            await self.answer.wait()

    def has_it(self) -> bool:
        return self._has_it

    async def cancel(self) -> None:
        self.task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await self.task


def portal_on(clock: ManualClock) -> Portal:
    portal = Portal(SALON, clock, Random(1), RecordedEvents(), Budget(requests_per_second=1.0, burst=3))
    portal.members["me"] = Budget(requests_per_second=1.0, burst=3)
    return portal


async def test_a_call_that_is_cancelled_while_the_portal_works_gives_the_turn_on_at_once() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    first, second = Caller(portal), Caller(portal)
    await clock.settle()
    assert (True, False) == (first.has_it(), second.has_it())
    await first.cancel()
    await clock.settle()
    assert second.has_it()
    await second.cancel()


async def test_a_call_that_is_cancelled_while_it_waits_lets_nobody_in_early_and_nobody_out() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    first, second, third = Caller(portal), Caller(portal), Caller(portal)
    await clock.settle()
    await second.cancel()
    await clock.settle()
    assert not third.has_it()  # the first is not answered yet
    first.answer.set()
    await clock.settle()
    assert third.has_it()
    assert 1.0 == portal.bucket.remaining()  # two of three places: who was cancelled took none
    await third.cancel()


async def test_a_call_that_is_cancelled_during_a_pause_leaves_the_pause_as_it_is() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.refused(RateLimitedError("slow down", retry_after=30.0))
    first, second = Caller(portal), Caller(portal)
    await clock.advance(10)
    await first.cancel()
    assert portal.bucket.paused_for() == pytest.approx(20.0)
    await clock.advance(19)
    assert not second.has_it()
    await clock.advance(2)
    assert second.has_it()
    await second.cancel()


async def test_behind_a_call_that_hangs_each_one_waits_for_seconds_only_and_sees_a_later_answer() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    hanging, second, third = Caller(portal), Caller(portal), Caller(portal)
    await clock.advance(5.1)
    assert (True, False) == (second.has_it(), third.has_it())
    hanging.answer.set()  # an answer that came too late is not the second one's
    await clock.settle()
    assert not third.has_it()
    second.answer.set()
    await clock.settle()
    assert third.has_it()
    await third.cancel()


async def test_a_pause_or_a_block_that_outlasts_the_poll_ends_it_and_frees_the_turn() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    portal.refused(RateLimitedError("slow down", retry_after=31.0))
    late = Caller(portal)
    with pytest.raises(RateLimitedError) as refused:
        await late.task
    assert refused.value.retry_after == pytest.approx(31.0)
    await clock.advance(32)
    assert pytest.approx(900.0) == portal.overloaded(OverloadError("blocked")).retry_after
    with pytest.raises(OverloadError):
        await Caller(portal).task
    await clock.advance(900)
    free = Caller(portal)
    await clock.settle()
    assert free.has_it()
    await free.cancel()


def test_pauses_grow_with_refusals_in_a_row_and_begin_anew_after_an_answer() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    pauses = []
    for refusal in range(5):
        if refusal == 4:
            portal.accepted()
        portal.refused(RateLimitedError("slow down"))
        pauses.append(portal.bucket.paused_for())
        clock.now += pauses[-1]
    bounds = [(1.0, 2.0), (2.0, 4.0), (4.0, 8.0), (8.0, 16.0), (1.0, 2.0)]
    assert all(low - 1e-6 <= pause <= high + 1e-6 for pause, (low, high) in zip(pauses, bounds, strict=True))


def test_answers_to_calls_that_were_on_their_way_neither_lengthen_nor_shorten_the_pauses() -> None:
    clock = ManualClock()
    portal = portal_on(clock)
    for bounds in ((1.0, 2.0), (2.0, 4.0), (4.0, 8.0)):
        portal.refused(RateLimitedError("slow down"))
        pause = portal.bucket.paused_for()
        portal.accepted()
        portal.refused(RateLimitedError("slow down"))
        assert pause == portal.bucket.paused_for()
        assert bounds[0] - 1e-6 <= pause <= bounds[1] + 1e-6
        clock.now += pause


@pytest.mark.slow
async def test_a_pool_whose_sessions_were_never_closed_is_freed_with_the_process_that_it_belonged_to() -> None:
    clock = ManualClock()
    pool = httpx.MockTransport(lambda _: httpx.Response(200))
    gone = weakref.ref(pool)
    budget = Budget(requests_per_second=1.0, burst=3)
    services = Services(pool, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
    registry = PortalRegistry()
    lease = registry.lease(services, budget, SALON)
    assert lease.portal is registry.lease(services, budget, SALON).portal
    del pool, services, registry, lease
    gc.collect()
    assert gone() is None


async def test_a_portal_that_everybody_left_keeps_its_pause_and_its_level_for_who_comes_back_and_no_longer() -> None:
    clock = ManualClock()
    services = Services(
        httpx.MockTransport(lambda _: httpx.Response(200)),
        clock,
        Random(1),
        RecordedEvents(),
        StatusHistory(),
        Admission(clock),
    )
    registry, budget = PortalRegistry(), Budget(requests_per_second=1.0, burst=3)
    lease = registry.lease(services, budget, SALON)
    left = lease.portal
    assert await left.bucket.acquire()
    left.refused(RateLimitedError("slow down", retry_after=30.0))
    elsewhere = [PortalAddress(f"https://p{number}.example", f"p{number}.example") for number in range(1000)]
    for place in elsewhere:
        lease.at(place)
    assert 2 == len(registry._portals), "where it is, and where it was told to wait"
    assert left is lease.at(SALON)
    lease.at(elsewhere[0])
    await clock.advance(599)
    lease.at(elsewhere[1])
    assert {SALON, elsewhere[1]} == registry._portals.keys()
    await clock.advance(2)
    lease.at(elsewhere[2])
    assert {elsewhere[2]} == registry._portals.keys()
    lease.release()
    assert {} == registry._portals
