"""The file behind a pair: written before use, with full disks, closed folders, and death at any step (bitrix24.md 9.2)."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import json
import os
import resource
import signal
import stat
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import AuthError, Reason, TargetConfigError
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.simulator import Fault, FaultKind
from tests.harness.bitrix24_oauth import another_pair, open_oauth, refreshes, stored, write_tokens
from tests.harness.bitrix24_target import Bench, counts, poll_bookings


async def test_the_new_pair_is_on_disk_before_it_is_used(bench: Bench) -> None:
    path = write_tokens(bench)
    bench.clock.now += 3601
    used: list[bool] = []

    def look(_: object) -> None:
        used.append(stored(path)["refresh_token"] == _newest(bench))

    bench.portal.after_page.append(look)
    await poll_bookings(open_oauth(bench))
    assert [True] == used


def _newest(bench: Bench) -> str:
    return list(bench.simulator.bitrix24.oauth._by_refresh)[-1]


async def test_a_poll_that_is_cancelled_during_the_refresh_does_not_lose_the_pair(bench: Bench) -> None:
    path = write_tokens(bench)
    bench.clock.now += 3601
    session = open_oauth(bench)
    bench.simulator.faults.add(Fault(FaultKind.SLOW_BODY, operation="oauth/token", seconds=0.5, times=1))
    poll = asyncio.create_task(poll_bookings(session))
    async with asyncio.timeout(10):
        while refreshes(bench) == 0:  # noqa: ASYNC110  the simulator has no event for it
            await asyncio.sleep(0)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    await session.aclose()
    assert stored(path)["refresh_token"] == _newest(bench)


@pytest.mark.parametrize("content", [None, "", "[]", "{}", '{"access_token": "a"}', "not json"])
async def test_a_token_file_that_is_missing_or_broken_is_a_config_error(bench: Bench, content: str | None) -> None:
    if content is not None:
        (bench.folder / "tokens.json").write_text(content)
    with pytest.raises(TargetConfigError, match="token file"):
        await poll_bookings(open_oauth(bench))
    assert 0 == bench.calls()


async def test_a_pair_that_cannot_be_written_is_used_from_memory_told_about_and_written_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tokens(bench)
    before = stored(path)
    bench.clock.now += 3601
    session = open_oauth(bench)
    with monkeypatch.context() as patch:
        patch.setattr("exporter.platforms.bitrix24.tokenfile.os", _FullDisk())
        for _ in range(2):
            result = await session.collectors[CollectorName.BOOKINGS].poll()
            assert isinstance(result.observation, BookingsObservation)
            assert result.failure is not None
            assert result.failure.reason is Reason.CONFIG
        assert stored(path) == before
    await poll_bookings(session)  # no failure any more
    assert stored(path)["refresh_token"] == _newest(bench)
    assert 1 == refreshes(bench)


class _FullDisk:
    """The module ``os`` on a disk that takes no more."""

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a module's attributes
        return getattr(os, name)

    def write(self, descriptor: int, content: bytes) -> int:
        del descriptor, content
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))


@contextlib.contextmanager
def full_disk() -> Iterator[None]:
    """Let nothing be written to a file while the block runs, as on a disk that is full."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, limits[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)


async def test_a_full_disk_shows_before_the_old_token_is_spent_and_costs_nothing_once_there_is_room(bench: Bench) -> None:
    path = write_tokens(bench)
    before = path.read_bytes()
    bench.clock.now += 3601
    with full_disk(), pytest.raises(TargetConfigError, match="cannot write beside the token file"):
        await poll_bookings(open_oauth(bench))
    assert (0, before) == (refreshes(bench), path.read_bytes())
    assert ["tokens.json"] == [entry.name for entry in bench.folder.iterdir() if entry.suffix != ".lock"]
    assert {0} == set(counts(await poll_bookings(open_oauth(bench))).values())
    assert stored(path)["refresh_token"] == _newest(bench)


def test_the_room_for_a_new_pair_is_taken_before_the_old_token_is_spent(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"
    path.write_bytes(b"old")
    file = TokenFile(path)
    content = b'{"refresh_token": "new"}'
    with file.locked():
        descriptor = file.prepare()
        assert (tmp_path / "tokens.json.new").stat().st_size >= 4096
        file.store(descriptor, content)
    assert content == path.read_bytes()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
async def test_a_read_only_folder_shows_before_the_old_token_is_spent(bench: Bench) -> None:
    write_tokens(bench)
    bench.clock.now += 3601
    bench.folder.chmod(0o500)
    try:
        with pytest.raises(TargetConfigError, match="cannot write"):
            await poll_bookings(open_oauth(bench))
    finally:
        bench.folder.chmod(0o700)
    assert 0 == refreshes(bench)


# A process that dies at any step of the write

RUN = """
import asyncio, sys
from tests.harness.bitrix24_killed import refresh_and_die
asyncio.run(refresh_and_die(sys.argv[1], sys.argv[2], int(sys.argv[3])))
"""
SYSTEM_CALLS = [
    "open",  # the file that is read
    "close",
    "open",  # the lock, and the file beside
    "open",
    "fchmod",
    "pwrite",
    "write",
    "ftruncate",
    "fsync",
    "close",
    "replace",
    "open",
    "fsync",
    "close",
    "close",
    "(none: it lives)",
]


@pytest.mark.slow
@pytest.mark.parametrize("before", range(len(SYSTEM_CALLS)), ids=lambda before: f"before {before} {SYSTEM_CALLS[before]}")
async def test_whenever_the_process_is_killed_the_stored_pair_works(bench: Bench, before: int) -> None:
    path = write_tokens(bench)
    bench.clock.now += 3601
    # An answer that arrived and that no system call has written yet is lost, whoever the client is. Then only a server
    # that takes the old token again can help, which is not known of Bitrix24.
    bench.simulator.bitrix24.oauth.tolerates_spent = SYSTEM_CALLS[before] == "write"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", RUN, bench.url, str(bench.folder), str(before), stdout=subprocess.PIPE, stderr=subprocess.PIPE
    )
    output, errors = await process.communicate()
    lives = before == len(SYSTEM_CALLS) - 1
    assert process.returncode == (0 if lives else -signal.SIGKILL), errors.decode()
    called = [word for word in output.decode().split() if word in SYSTEM_CALLS]  # and not the log
    assert called[:before] == SYSTEM_CALLS[:before]
    assert {0} == set(counts(await poll_bookings(open_oauth(bench))).values())
    assert stored(path)["refresh_token"] == _newest(bench)
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert ["tokens.json"] == [entry.name for entry in bench.folder.iterdir() if entry.suffix != ".lock"]


async def test_a_pair_that_is_in_memory_only_is_never_spent(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    path = write_tokens(bench)
    bench.clock.now += 3601
    session = open_oauth(bench)
    with monkeypatch.context() as patch:
        patch.setattr("exporter.platforms.bitrix24.tokenfile.os", _FullDisk())
        await session.collectors[CollectorName.BOOKINGS].poll()
        bench.clock.now += 3601
        with pytest.raises(TargetConfigError):
            await session.collectors[CollectorName.BOOKINGS].poll()
        assert 1 == refreshes(bench)
    await poll_bookings(session)
    assert stored(path)["refresh_token"] == _newest(bench)
    assert 2 == refreshes(bench)


async def test_the_token_file_is_never_touched_in_the_event_loop(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    touched: list[tuple[str, bool]] = []

    def watched(name: str) -> Callable[..., Any]:
        inner = getattr(TokenFile, name)

        def method(self: TokenFile, *arguments: Any) -> Any:  # noqa: ANN401  whatever it takes
            touched.append((name, threading.current_thread() is threading.main_thread()))
            return inner(self, *arguments)

        return method

    for name in ("stamp", "load", "prepare", "store"):
        monkeypatch.setattr(TokenFile, name, watched(name))

    write_tokens(bench)
    bench.clock.now += 3601
    await poll_bookings(open_oauth(bench))
    assert {"stamp", "load", "prepare", "store"} == {name for name, _ in touched}
    assert [] == [name for name, in_the_loop in touched if in_the_loop]


async def test_a_file_that_somebody_puts_there_counts_more_than_a_pair_that_could_not_be_written(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = write_tokens(bench)
    bench.clock.now += 3601
    session = open_oauth(bench)
    with monkeypatch.context() as patch:
        patch.setattr("exporter.platforms.bitrix24.tokenfile.os", _FullDisk())
        for _ in range(2):
            assert (await session.collectors[CollectorName.BOOKINGS].poll()).failure is not None
    fresh = another_pair(bench)
    path.write_text(json.dumps(fresh))  # the disk has room again, and somebody logs in
    await poll_bookings(session)
    assert fresh == stored(path)


@pytest.mark.parametrize("other", ["tokens.json", "link.json"])
async def test_a_pair_behind_a_link_is_replaced_where_it_is(bench: Bench, other: str) -> None:
    path = write_tokens(bench)
    link = path.with_name("link.json")
    link.symlink_to(path)
    bench.clock.now += 3601
    await poll_bookings(open_oauth(bench, bench.oauth("link.json")))
    assert link.is_symlink()
    bench.shared = Shared()  # after a restart, spelt in either way
    bench.clock.now += 3601
    await poll_bookings(open_oauth(bench, bench.oauth(other)))
    assert 2 == refreshes(bench)


async def test_a_folder_that_becomes_read_only_meanwhile_hides_no_refusal(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_tokens(bench, refresh_token="spent-long-ago")
    bench.clock.now += 3601
    session = open_oauth(bench)

    def refuse(path: Path, *, missing_ok: bool = False) -> None:
        if path.exists() or not missing_ok:
            raise OSError(errno.EROFS, os.strerror(errno.EROFS), path)

    monkeypatch.setattr(Path, "unlink", refuse)
    for _ in range(2):
        with pytest.raises(AuthError, match="bitrix24-login"):
            await poll_bookings(session)
    assert 1 == bench.calls("oauth/token")


@pytest.mark.slow
async def test_a_poll_that_is_cancelled_while_it_writes_a_pair_leaves_no_trouble_behind(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    entered, goes_on, ended = threading.Event(), threading.Event(), threading.Event()
    store = TokenFile.store

    def hang_once(file: TokenFile, descriptor: int, content: bytes) -> None:
        if entered.is_set():
            store(file, descriptor, content)
            return
        entered.set()
        goes_on.wait(10)
        try:
            store(file, descriptor, content)
        finally:
            ended.set()

    write_tokens(bench)
    bench.clock.now += 3601
    session = open_oauth(bench)
    with monkeypatch.context() as patch:
        patch.setattr("exporter.platforms.bitrix24.tokenfile.os", _FullDisk())
        assert (await session.collectors[CollectorName.BOOKINGS].poll()).failure is not None
    monkeypatch.setattr(TokenFile, "store", hang_once)
    poll = asyncio.create_task(poll_bookings(session))
    await asyncio.to_thread(entered.wait, 10)
    poll.cancel()
    with pytest.raises(asyncio.CancelledError):
        await poll
    await poll_bookings(session)
    goes_on.set()
    await asyncio.to_thread(ended.wait, 10)
    for _ in range(2):
        await poll_bookings(session)
        bench.clock.now += 3601
