"""One renewal for all who share a token file: how long it lasts, whom it belongs to, and how it ends when they go."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import threading
from collections.abc import Awaitable, Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Any

import httpx
import pytest
from structlog.testing import capture_logs

from exporter.clock import SystemClock, paused
from exporter.errors import InternalError, PollError, Reason, TargetConfigError
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.oauth import TokenChains, _Chain
from exporter.platforms.bitrix24.settings import OAuth
from exporter.platforms.bitrix24.tokenfile import TokenFile, exclusively
from exporter.platforms.retry import wait_allowance
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents

Answer = Callable[[], Awaitable[httpx.Response]]


def pair(number: int) -> dict[str, str]:
    return {
        "access_token": f"a{number}",
        "refresh_token": f"r{number}",
        "client_endpoint": "https://salon.bitrix24.example/rest/",
    }


@dataclass
class AuthServer(httpx.AsyncBaseTransport):
    """Gives the ``instead`` in their order, then one pair after the other; remembers what it was asked with."""

    instead: list[Answer] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request.url.params["refresh_token"])
        if self.instead:
            return await self.instead.pop(0)()
        await asyncio.sleep(0)
        return httpx.Response(200, json=pair(int(self.asked[-1][1:]) + 1))


class Bench:
    """A token file with an expired pair, the chain of a process, and an auth server."""

    def __init__(self, chain: _Chain, clock: ManualClock, path: Path) -> None:
        self.chain = chain
        self.clock = clock
        self.path = path
        self.server = AuthServer()
        self.events = RecordedEvents()

    async def renew(self, spent: str = "a1") -> None:
        services = Services(self.server, self.clock, Random(7), self.events, StatusHistory(), Admission(self.clock))
        oauth = OAuth(client_id="local.app", client_secret=Secret("planted"), token_file=self.path)
        await self.chain.renew(Secret(spent), oauth, services)

    def stored(self) -> str:
        return str(json.loads(self.path.read_bytes())["refresh_token"])


async def renewing(folder: Path, *, auto: bool = True) -> Bench:
    path = folder / "tokens.json"
    path.write_text(json.dumps(pair(1)))
    chain = await TokenChains().of(path)
    chain.join("a poll")
    return Bench(chain, ManualClock(auto=auto), path)


def after(clock: ManualClock, seconds: float, status: int = 502, **headers: str) -> Answer:
    async def answer() -> httpx.Response:
        for _ in range(round(seconds * 10)):
            await clock.sleep(0.1)
        return httpx.Response(status, headers={name.replace("_", "-"): value for name, value in headers.items()})

    return answer


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until ``condition`` holds: what a thread does has no event."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  ditto
            await asyncio.sleep(0.001)


# How long it lasts


@pytest.mark.parametrize("each", [(15, 15, 15), (5, 5, 5), (100,), (0, 0, 100), (1.9, 100), (1.9, 0, 100)])
async def test_a_renewal_ends_before_others_give_up_waiting_for_it_and_no_answer_is_cut_off(
    each: tuple[float, ...], tmp_path: Path
) -> None:
    bench = await renewing(tmp_path)
    bench.server.instead = [after(bench.clock, seconds) for seconds in each]
    with pytest.raises(PollError):
        await bench.renew()
    assert 27 >= bench.clock.monotonic()
    assert [] == [seconds for _, code, seconds in bench.events.requests if code == "none" and seconds < 20]


async def test_an_answer_that_takes_almost_20_seconds_after_a_fault_is_not_lost(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)

    async def slow() -> httpx.Response:
        for _ in range(199):
            await bench.clock.sleep(0.1)
        return httpx.Response(200, json=pair(2))

    bench.server.instead = [after(bench.clock, 0), after(bench.clock, 0), slow]
    await bench.renew()
    assert "r2" == bench.stored()


# Whom it belongs to


async def test_the_patience_of_the_poll_that_began_it_is_not_that_of_a_renewal(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    bench.server.instead = [after(bench.clock, 0, 503)]
    with wait_allowance(0):
        await bench.renew()
    assert "r2" == bench.stored()


async def test_the_deadline_of_the_poll_that_began_it_does_not_say_how_long_a_renewal_waits_for_its_turn(
    tmp_path: Path,
) -> None:
    bench = await renewing(tmp_path)
    may_wait: list[float | None] = []

    async def queueing() -> httpx.Response:
        with paused() as seconds:
            may_wait.append(seconds)
        return httpx.Response(200, json=pair(2))

    bench.server.instead = [queueing]
    async with bench.clock.timeout(1_000, slack=0):
        await bench.renew()
    assert [4] == may_wait


# An auth server that asks to wait


@pytest.mark.parametrize(("status", "reason"), [(429, Reason.RATE_LIMITED), (503, Reason.SERVER_ERROR), (403, Reason.AUTH)])
async def test_an_auth_server_that_asks_to_wait_is_asked_once_until_then_however_many_polls_come(
    status: int, reason: Reason, tmp_path: Path
) -> None:
    with capture_logs() as logs:
        bench = await renewing(tmp_path)
        bench.server.instead = [after(bench.clock, 0, status, retry_after="90")]
        for left in (90, 80, 70):
            with pytest.raises(PollError) as caught, wait_allowance(30):
                await bench.renew()
            assert (reason, left) == (caught.value.reason, caught.value.retry_after)
            bench.clock.now += 10
        assert 1 == len(bench.server.asked)
        bench.clock.now += 60
        await bench.renew()
        assert ["r1", "r1"] == bench.server.asked
    assert ["requests_paused", "tokens_renewed", "requests_go_on"] == sorted(
        (entry["event"] for entry in logs), key=["requests_paused", "tokens_renewed", "requests_go_on"].index
    )


async def test_a_short_pause_that_is_running_is_sat_out_by_a_poll(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    bench.server.instead = [after(bench.clock, 0, 429, retry_after="20")]
    with pytest.raises(PollError), wait_allowance(30):
        await bench.renew()
    with wait_allowance(30):
        await asyncio.gather(*(bench.renew() for _ in range(3)))
    assert 2 == len(bench.server.asked)
    assert 20 <= bench.clock.monotonic() < 90


async def test_a_pair_that_another_process_stores_ends_a_pause_for_those_who_need_no_other(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    bench.server.instead = [after(bench.clock, 0, 429, retry_after="90")]
    with pytest.raises(PollError):
        await bench.renew()
    bench.path.write_text(json.dumps(pair(22)))
    await bench.renew()
    assert 1 == len(bench.server.asked)


# A lock that cannot be had


async def test_without_a_lock_a_pair_that_another_process_stored_meanwhile_is_used(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    await bench.chain.current()
    bench.path.with_name("tokens.json.lock").mkdir()
    bench.path.write_text(json.dumps(pair(22)))
    await bench.renew()
    assert "a22" == (await bench.chain.current()).access.reveal()


async def test_without_a_lock_and_without_another_pair_nothing_is_asked_and_the_lock_file_is_named(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    bench.path.with_name("tokens.json.lock").mkdir()
    with pytest.raises(TargetConfigError, match=r"lock file .*/tokens\.json\.lock: Is a directory"):
        await bench.renew()
    assert [] == bench.server.asked


# The last session goes


async def test_a_renewal_that_waits_for_another_process_is_called_off_when_the_last_session_goes(tmp_path: Path) -> None:
    bench = await renewing(tmp_path, auto=False)
    other = TokenFile(bench.path)
    assert other.lock()
    poll = asyncio.create_task(bench.renew())
    await until(lambda: bool(bench.clock.slept))
    poll.cancel()
    async with asyncio.timeout(10):
        await bench.chain.leave("a poll")
    other.unlock()
    await bench.clock.advance(60)
    assert [] == bench.server.asked
    assert TokenFile(bench.path).lock()


async def test_a_renewal_that_waits_for_another_process_goes_on_while_a_session_is_left(tmp_path: Path) -> None:
    bench = await renewing(tmp_path, auto=False)
    bench.chain.join("another poll")
    other = TokenFile(bench.path)
    assert other.lock()
    poll = asyncio.create_task(bench.renew())
    await until(lambda: bool(bench.clock.slept))
    async with asyncio.timeout(10):
        await bench.chain.leave("a poll")
    other.unlock()
    while not poll.done():
        await bench.clock.advance(0.1)
        await asyncio.sleep(0.001)
    assert "r2" == bench.stored()


async def test_who_joins_while_a_renewal_is_called_off_has_one_of_its_own(tmp_path: Path) -> None:
    bench = await renewing(tmp_path, auto=False)
    other = TokenFile(bench.path)
    assert other.lock()
    poll = asyncio.create_task(bench.renew())
    await until(lambda: bool(bench.clock.slept))
    leaving = asyncio.create_task(bench.chain.leave("a poll"))
    await asyncio.sleep(0)
    bench.chain.join("after a reload")
    next_poll = asyncio.create_task(bench.renew())
    other.unlock()
    await leaving
    while not next_poll.done():
        await bench.clock.advance(0.1)
        await asyncio.sleep(0.001)
    assert await asyncio.gather(poll, return_exceptions=True)
    await next_poll
    assert ["r1"] == bench.server.asked
    assert "r2" == bench.stored()


async def test_a_session_that_is_closed_renews_nothing(tmp_path: Path) -> None:
    bench = await renewing(tmp_path)
    await bench.chain.leave("a poll")
    with pytest.raises(InternalError, match="session that is closed"):
        await bench.renew()
    assert [] == bench.server.asked


class AtOnce(ThreadPoolExecutor):
    """Threads of a loop that have done their work as soon as it is given to them, so that turns of the loop can be counted."""

    def submit(self, work: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:  # noqa: ANN401  as its parent
        done: Future[Any] = Future()
        try:
            done.set_result(work(*args, **kwargs))
        except OSError as error:
            done.set_exception(error)
        return done


@pytest.mark.slow
async def test_at_whatever_turn_the_last_session_goes_nothing_was_sent_or_the_new_pair_is_on_disk(tmp_path: Path) -> None:
    outcomes: list[tuple[int, str]] = []
    asyncio.get_running_loop().set_default_executor(AtOnce(1))
    for turns in range(40):
        bench = await renewing(tmp_path)
        poll = asyncio.create_task(bench.renew())
        for _ in range(turns):
            await asyncio.sleep(0)
        poll.cancel()
        await bench.chain.leave("a poll")
        outcomes.append((len(bench.server.asked), bench.stored()))
        with TokenFile(bench.path).locked() as free:
            assert free
        assert not bench.path.with_name("tokens.json.new").exists()
    assert {(0, "r1"), (1, "r2")} == set(outcomes)


# A thread that still writes


async def test_a_store_that_hangs_keeps_the_lock_although_the_renewal_was_cancelled(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    hangs, goes_on = threading.Event(), threading.Event()
    flush = os.fsync

    def slow(descriptor: int) -> None:
        hangs.set()
        goes_on.wait(30)
        flush(descriptor)

    of_the_test = asyncio.all_tasks()
    bench = await renewing(tmp_path)
    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", slow)
        poll = asyncio.create_task(bench.renew())
        await until(hangs.is_set)
        for task in asyncio.all_tasks() - of_the_test:
            task.cancel()  # as the end of the loop does
        await asyncio.gather(poll, return_exceptions=True)
        assert not TokenFile(bench.path).lock(), "it would truncate, or rename, what the thread writes"
        goes_on.set()
        await until(TokenFile(bench.path).lock)
    assert "r2" == bench.stored()


def test_a_loop_that_ends_while_a_thread_takes_the_lock_says_nothing_and_lets_it_go(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    takes, goes_on = threading.Event(), threading.Event()
    told: list[str] = []
    flock = fcntl.flock

    def slow(descriptor: int, operation: int) -> None:
        takes.set()
        goes_on.wait(30)
        flock(descriptor, operation)

    async def renewal() -> None:
        try:
            async with exclusively(TokenFile(tmp_path / "tokens.json"), SystemClock()):
                raise AssertionError
        finally:
            goes_on.set()

    async def main() -> asyncio.Task[None]:
        asyncio.get_running_loop().set_exception_handler(lambda _, context: told.append(context["message"]))
        task = asyncio.create_task(renewal())
        await until(takes.is_set)
        return task

    with monkeypatch.context() as patch:
        patch.setattr(fcntl, "flock", slow)
        asyncio.run(main())
    assert [] == told
    assert TokenFile(tmp_path / "tokens.json").lock()
