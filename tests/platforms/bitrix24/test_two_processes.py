"""Several processes with one token file: one renews, the others take what it brought, and no pair is lost."""

from __future__ import annotations

import asyncio
import fcntl
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporter.clock import SystemClock
from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24 import open_session, tokenfile
from exporter.platforms.bitrix24.authserver import TOKEN_OPERATION
from exporter.platforms.bitrix24.session import BitrixSession, Shared
from exporter.platforms.bitrix24.tokenfile import TokenFile, exclusively
from exporter.polling.admission import Admission
from tests.harness.bitrix24_target import Bench, poll_bookings
from tests.harness.clock import ManualClock

HOLDER = """
import fcntl, os, sys, time
descriptor = os.open(sys.argv[1], os.O_RDWR | os.O_CREAT)
fcntl.flock(descriptor, fcntl.LOCK_EX)
print("held", flush=True)
time.sleep(60)
"""


class StandingClock(ManualClock):
    """Time does not pass while one waits for another process, however long that takes on a busy machine."""

    async def sleep(self, seconds: float) -> None:
        del seconds
        await asyncio.sleep(0.001)


def pair(name: str) -> bytes:
    tokens = {
        "access_token": f"a-{name}",
        "refresh_token": f"r-{name}",
        "client_endpoint": "https://salon.bitrix24.example/rest/",
    }
    return json.dumps(tokens).encode()


def refresh_token(folder: Path) -> str:
    return str(json.loads((folder / "tokens.json").read_bytes())["refresh_token"])


@pytest.fixture
def holder(tmp_path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process that holds the lock of ``tokens.json``."""
    command = [sys.executable, "-c", HOLDER, str(tmp_path / "tokens.json.lock")]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert "held\n" == process.stdout.readline()
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def asked(bench: Bench) -> int:
    """Return how often the auth server was asked for a pair."""
    return sum(operation == TOKEN_OPERATION for operation, _, _ in bench.events.requests)


@pytest.mark.slow
async def test_two_exporters_whose_token_expired_spend_it_once_and_both_go_on(
    bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The clock of this test runs while others renew in real time: on a busy machine 35 s would be over too soon.
    monkeypatch.setattr(tokenfile, "LOCK_SECONDS", 86_400.0)

    def new_process(bench: Bench) -> BitrixSession:
        target = bench.target(webhook_url=None, oauth=bench.oauth())
        clock = StandingClock(bench.now)
        return open_session(target, replace(bench.services(), clock=clock, admission=Admission(clock), shared=Shared()))

    _, issued = bench.app()
    content = bench.simulator.bitrix24.oauth.token_file(issued, bench.url, bench.now)
    (tmp_path / "tokens.json").write_text(json.dumps(content))
    for _ in range(3):
        bench.clock.now += 3601
        before = asked(bench)
        await asyncio.gather(*(poll_bookings(new_process(bench)) for _ in range(4)))
        assert 1 == asked(bench) - before
        for _ in range(2):
            await poll_bookings(new_process(bench))
        assert 1 == asked(bench) - before


@pytest.mark.slow
def test_a_process_that_dies_with_the_lock_holds_nobody_up(tmp_path: Path, holder: subprocess.Popen[str]) -> None:
    file = TokenFile(tmp_path / "tokens.json")
    assert not file.lock()
    os.kill(holder.pid, signal.SIGKILL)
    holder.wait()
    assert file.lock()


@pytest.mark.slow
@pytest.mark.usefixtures("holder")
async def test_a_process_that_never_lets_go_is_named_before_the_code_of_a_login_has_expired(tmp_path: Path) -> None:
    clock = ManualClock(auto=True)
    with pytest.raises(TargetConfigError, match=r"another process .*/tokens\.json for 28 s, .* end it if it hangs, or give"):
        async with exclusively(TokenFile(tmp_path / "tokens.json"), clock):
            raise AssertionError
    assert 28 <= clock.monotonic() < 30


@pytest.mark.slow
@pytest.mark.usefixtures("holder")
def test_who_only_reads_waits_for_nobody_and_leaves_the_pair_beside_to_the_one_who_writes_it(tmp_path: Path) -> None:
    (tmp_path / "tokens.json").write_bytes(pair("old"))
    (tmp_path / "tokens.json.new").write_bytes(pair("new"))
    assert "r-old" == TokenFile(tmp_path / "tokens.json").load().refresh.reveal()
    assert (tmp_path / "tokens.json.new").exists()


async def test_a_block_that_fails_lets_the_file_go(tmp_path: Path) -> None:
    for _ in range(2):
        with pytest.raises(ZeroDivisionError):
            async with exclusively(TokenFile(tmp_path / "tokens.json"), SystemClock()):
                raise ZeroDivisionError


@pytest.mark.slow
async def test_who_is_cancelled_while_a_thread_takes_the_lock_does_not_keep_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    go_on, locked = threading.Event(), fcntl.flock

    def slow(descriptor: int, operation: int) -> None:
        go_on.wait(30)
        locked(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", slow)
    file = TokenFile(tmp_path / "tokens.json")
    taking = exclusively(file, SystemClock())
    task = asyncio.ensure_future(taking.__aenter__())
    await asyncio.sleep(0)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    go_on.set()
    async with asyncio.timeout(10), exclusively(TokenFile(tmp_path / "tokens.json"), SystemClock()):
        pass


def test_a_file_system_without_locks_is_used_as_if_nobody_shared_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object) -> None:
        raise OSError(95, "Operation not supported")

    monkeypatch.setattr(fcntl, "flock", refused)
    assert TokenFile(tmp_path / "tokens.json").lock()


@pytest.mark.slow
def test_in_whatever_order_two_processes_take_their_steps_a_whole_pair_is_left(tmp_path: Path) -> None:
    """Each renews once, by the steps of a renewal; one that does not get the lock tries again when it is its turn."""

    def renewal(name: str, folder: Path) -> Iterator[None]:
        file = TokenFile(folder / "tokens.json")
        while not file.lock():
            yield
        yield
        file.load()
        yield
        descriptor = file.prepare()
        yield
        file.store(descriptor, pair(name))
        yield
        file.unlock()

    for number, order in enumerate(itertools.product("AB", repeat=8)):
        folder = tmp_path / str(number)
        folder.mkdir()
        (folder / "tokens.json").write_bytes(pair("old"))
        steps = {"A": renewal("A", folder), "B": renewal("B", folder)}
        for who in (*order, *("AB" * 12)):
            next(steps[who], None)
            assert refresh_token(folder) in {"r-old", "r-A", "r-B"}
        assert not (folder / "tokens.json.new").exists()
        assert TokenFile(folder / "tokens.json").load().refresh.reveal() in {"r-A", "r-B"}
