"""Who may begin when the machine is busy."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable

import pytest

from exporter.polling.admission import Admission
from exporter.support.fair_semaphore import FairSemaphore
from tests.harness.clock import ManualClock
from tests.harness.lag import LateLag
from tests.harness.weight import weight


@pytest.fixture
async def clock() -> ManualClock:
    return ManualClock()


@pytest.fixture
async def lag(clock: ManualClock) -> LateLag:
    return LateLag(clock)


@pytest.fixture
async def admission(clock: ManualClock, lag: LateLag) -> Admission:
    return Admission(clock, lag)


class Callers:
    """Tasks that ask for admission, and when they got it."""

    def __init__(self, clock: ManualClock) -> None:
        self._clock = clock
        self.began: list[float] = []
        self.tasks: list[asyncio.Task[None]] = []

    def ask(self, number: int, for_what: Callable[[], Awaitable[object]]) -> None:
        async def one() -> None:
            await for_what()
            self.began.append(self._clock.monotonic())

        self.tasks += [asyncio.create_task(one()) for _ in range(number)]


async def connect(admission: Admission, origin: str = "api.example:443", *, refused: bool = False) -> None:
    """Open a connection when it is admitted."""
    with contextlib.suppress(ConnectionRefusedError):
        async with admission.connection(origin):
            if refused:
                raise ConnectionRefusedError


async def test_a_punctual_loop_admits_a_poll_at_once(clock: ManualClock, admission: Admission) -> None:
    await clock.advance(1)
    callers = Callers(clock)
    callers.ask(10, lambda: admission.poll(60))
    await clock.settle()
    assert [1.0] * 10 == callers.began


@pytest.mark.slow
async def test_polls_that_are_due_together_begin_bit_by_bit_at_no_more_than_400_a_second(
    clock: ManualClock, admission: Admission
) -> None:
    await clock.advance(1)
    callers = Callers(clock)
    callers.ask(2000, lambda: admission.poll(60))
    await clock.advance(10)
    assert 2000 == len(callers.began)
    per_second = [sum(start <= at < start + 1 for at in callers.began) for start in (1, 2, 3, 4, 5)]
    assert max(per_second) <= 420
    assert callers.began[-1] < 7, "and no slower than the loop allows"


@pytest.mark.parametrize(("late", "begun"), [(0.24, True), (0.26, False), (5.0, False)])
async def test_a_loop_that_is_more_than_a_quarter_of_a_second_late_admits_none(
    clock: ManualClock, lag: LateLag, admission: Admission, *, late: float, begun: bool
) -> None:
    lag.lateness = late
    await clock.advance(1)
    callers = Callers(clock)
    callers.ask(1, lambda: admission.poll(60))
    await clock.advance(5)
    assert begun is bool(callers.began)


async def test_the_later_the_loop_the_fewer_begin(clock: ManualClock, lag: LateLag, admission: Admission) -> None:
    lag.lateness = 0.2
    await clock.advance(1)
    callers = Callers(clock)
    callers.ask(1000, lambda: admission.poll(60))
    await clock.advance(1)
    assert 0 < len(callers.began) <= 100


async def test_polls_begin_in_the_order_in_which_they_were_due(clock: ManualClock, lag: LateLag, admission: Admission) -> None:
    lag.lateness = 1.0
    order: list[int] = []

    async def poll(number: int) -> None:
        await admission.poll(60)
        order.append(number)

    tasks = [asyncio.create_task(poll(number)) for number in range(100)]
    await clock.advance(5)
    lag.lateness = 0.0
    await clock.advance(5)
    assert list(range(100)) == order
    await asyncio.gather(*tasks)


async def test_a_poll_that_was_given_up_while_it_waited_costs_the_others_no_place(
    clock: ManualClock, lag: LateLag, admission: Admission
) -> None:
    lag.lateness = 1.0
    callers = Callers(clock)
    callers.ask(40, lambda: admission.poll(600))
    await clock.advance(5)
    for task in callers.tasks[:30]:
        task.cancel()
    await clock.settle()
    lag.lateness = 0.0
    await clock.advance(0.06)
    assert 10 == len(callers.began)


@pytest.mark.slow
async def test_connections_are_opened_at_no_more_than_200_a_second(clock: ManualClock, admission: Admission) -> None:
    callers = Callers(clock)
    callers.ask(1000, lambda: connect(admission))
    await clock.advance(10)
    assert 1000 == len(callers.began)
    assert max(sum(start <= at < start + 1 for at in callers.began) for start in range(6)) <= 212
    assert callers.began[-1] < 5.1


@pytest.mark.slow
async def test_a_wait_for_a_connection_counts_for_no_deadline_and_ends_after_an_interval(
    clock: ManualClock, admission: Admission
) -> None:
    callers = Callers(clock)

    async def exchange() -> None:
        async with clock.timeout(300, slack=20), clock.timeout(1):
            await connect(admission)

    callers.ask(10_000, exchange)
    await clock.advance(60)
    assert 10_000 == len(callers.began), "no deadline of a second struck in a queue of fifty"
    assert max(callers.began) <= 20


@pytest.mark.slow
async def test_an_origin_opens_its_first_connection_before_another_opens_its_thousandth(
    clock: ManualClock, admission: Admission
) -> None:
    many, few = Callers(clock), Callers(clock)
    many.ask(5_000, lambda: connect(admission, "sites.example:443"))
    await clock.settle()
    few.ask(20, lambda: connect(admission, "portal.example:443"))
    await clock.advance(1)
    assert 20 == len(few.began), "they take turns, one of each"
    await clock.advance(30)
    assert 5_000 == len(many.began), "and nothing is lost by it"


@pytest.mark.slow
async def test_five_thousand_origins_that_refuse_delay_no_origin_that_answers(clock: ManualClock, admission: Admission) -> None:
    async def knock_all() -> None:
        knocking = [connect(admission, f"portal{number}.example:443", refused=True) for number in range(5_000)]
        await asyncio.gather(*knocking)

    first = asyncio.create_task(knock_all())
    await clock.advance(30)
    await first
    again = asyncio.create_task(knock_all())
    await clock.settle()
    good = Callers(clock)
    good.ask(20, lambda: connect(admission, "sites.example:443"))
    await clock.advance(1)
    assert 20 == len(good.began)
    await clock.advance(30)
    assert again.done(), "those that refuse are tried all the same"


@pytest.mark.slow
async def test_an_origin_that_answers_again_waits_behind_nobody_any_more(clock: ManualClock, admission: Admission) -> None:
    await connect(admission, "portal.example:443", refused=True)
    await connect(admission, "portal.example:443")
    many, good = Callers(clock), Callers(clock)
    many.ask(2_000, lambda: connect(admission, "sites.example:443"))
    await clock.settle()
    good.ask(1, lambda: connect(admission, "portal.example:443"))
    await clock.advance(1)
    assert 1 == len(good.began)


@pytest.mark.slow
async def test_who_waits_no_longer_for_a_connection_costs_the_others_no_time(clock: ManualClock, admission: Admission) -> None:
    callers = Callers(clock)
    callers.ask(2_000, lambda: connect(admission))
    await clock.settle()
    for task in callers.tasks[:1_900]:
        task.cancel()
    await clock.advance(1)
    assert len(callers.began) >= 100


@pytest.mark.slow
async def test_polls_that_gave_up_waiting_leave_nothing_behind(clock: ManualClock, lag: LateLag, admission: Admission) -> None:
    lag.lateness = 1.0
    callers = Callers(clock)
    callers.ask(100, lambda: admission.poll(60))
    await clock.advance(61)
    assert 100 == len(callers.began)
    assert not admission._polls._queue


@pytest.mark.slow
async def test_at_most_64_answers_are_decoded_at_once(clock: ManualClock, admission: Admission) -> None:
    at_once = most = 0

    async def decode() -> None:
        nonlocal at_once, most
        async with clock.timeout(5), admission.decoding():
            at_once += 1
            most = max(most, at_once)
            await clock.sleep(3)
            at_once -= 1

    tasks = [asyncio.create_task(decode()) for _ in range(500)]
    await clock.advance(60)
    await asyncio.gather(*tasks)
    assert 64 == most


@pytest.mark.slow
async def test_decoding_that_does_not_end_delays_another_poll_by_one_interval_only(
    clock: ManualClock, admission: Admission
) -> None:
    async def hang() -> None:
        async with admission.decoding():
            await asyncio.Event().wait()

    async def decode() -> None:
        async with clock.timeout(300, slack=60), admission.decoding():
            pass

    hanging = [asyncio.create_task(hang()) for _ in range(64)]
    await clock.settle()
    callers = Callers(clock)
    callers.ask(1, decode)
    await clock.advance(61)
    assert [60] == callers.began
    for task in hanging:
        task.cancel()


async def test_a_place_that_came_in_the_moment_of_giving_up_is_not_lost(clock: ManualClock) -> None:
    turnstile = FairSemaphore(clock, 0)
    waiting = asyncio.create_task(turnstile.acquire(None))
    await clock.settle()
    turnstile.release(1)
    waiting.cancel()  # before it can notice that it was let in
    await clock.settle()
    assert 1 == turnstile.places


@pytest.mark.slow
async def test_ever_new_origins_that_refuse_do_not_fill_the_memory() -> None:
    clock = ManualClock()
    admission = Admission(clock)
    sizes = []
    for begin in (0, 100_000):
        for number in range(begin, begin + 20_000):
            clock.now += 1
            with contextlib.suppress(ConnectionError):
                async with admission.connection(f"moved{number:06}.bitrix24.com:443"):
                    raise ConnectionError
        sizes.append(weight(admission))
    early, late = (sizes[0], sizes[1])
    assert late < 1.2 * early
    assert late < 4 * 1024 * 1024
