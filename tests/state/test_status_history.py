from __future__ import annotations

import asyncio
import errno
import fcntl
import json
import os
import socket
import stat
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.clock import SystemClock
from exporter.model import Change
from exporter.state import status_history as module
from exporter.state.state_lock import StateFileInUseError
from exporter.state.status_history import FileStatusHistory, StatusHistory, open_status_history
from exporter.support import files
from tests.harness.clock import ManualClock


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state.json"


def test_a_new_connection_counts_from_now() -> None:
    assert 10.0 == StatusHistory().seen("salon", "abc", Change(10.0, "synced"), 10.0)[-1].at


def test_an_unchanged_status_keeps_its_moment_and_a_changed_one_starts_anew() -> None:
    store = StatusHistory()
    seen = [
        store.seen("salon", "abc", Change(now, status), now)
        for now, status in [(10, "synced"), (20, "synced"), (30, "error"), (40, "error")]
    ]
    assert [10, 10, 30, 30] == [changes[-1].at for changes in seen]


def test_the_same_connection_hash_of_two_targets_is_two_connections() -> None:
    store = StatusHistory()
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    assert 20.0 == store.seen("spa", "abc", Change(20.0, "synced"), 20.0)[-1].at


def test_a_connection_that_was_forgotten_counts_from_now_again() -> None:
    store = StatusHistory()
    store.seen("salon", "gone", Change(10.0, "synced"), 10.0)
    store.seen("salon", "kept", Change(10.0, "synced"), 10.0)
    store.keep_only("salon", frozenset({"kept"}))
    assert [20.0, 10.0] == [store.seen("salon", name, Change(20.0, "synced"), 20.0)[-1].at for name in ("gone", "kept")]


def test_forgetting_touches_only_the_named_target() -> None:
    store = StatusHistory()
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    store.keep_only("spa", frozenset())
    assert 10.0 == store.seen("salon", "abc", Change(20.0, "synced"), 20.0)[-1].at


def test_a_moment_in_the_future_is_replaced_by_now() -> None:
    store = StatusHistory()
    store.seen("salon", "abc", Change(1000.0, "synced"), 1000.0)
    assert 500.0 == store.seen("salon", "abc", Change(500.0, "synced"), 500.0)[-1].at


@pytest.mark.parametrize("since", ["-1", "-1e308", "1e308"])
def test_a_moment_in_the_file_that_no_right_clock_had_is_replaced_by_now(path: Path, since: str) -> None:
    path.write_text('{"version":1,"targets":{"salon":{"abc":{"status":"synced","since":SINCE}}}}'.replace("SINCE", since))
    assert 20.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(20.0, "synced"), 20.0)[-1].at


async def test_moments_survive_a_restart(path: Path) -> None:
    first = FileStatusHistory(path, SystemClock())
    first.seen("salon", "abc", Change(10.25, "synced"), 10.25)
    await first.save()
    second = FileStatusHistory(path, SystemClock())
    assert 10.25 == second.seen("salon", "abc", Change(99.0, "synced"), 99.0)[-1].at
    assert 99.0 == second.seen("salon", "abc", Change(99.0, "error"), 99.0)[-1].at


async def test_the_file_is_versioned_json_for_its_owner_only(path: Path) -> None:
    store = FileStatusHistory(path, SystemClock())
    store.seen("salon", "abc", Change(10.0, "synced", known=False), 10.0)
    store.seen("salon", "abc", Change(20.0, "error"), 20.0)
    await store.save()
    salon = {"connections": {"abc": [[10.0, "synced", False], [20.0, "error"]]}, "collectors": {}}
    expected = {"version": 2, "targets": {"salon": salon}}
    assert expected == json.loads(path.read_bytes())
    assert 0o600 == stat.S_IMODE(path.stat().st_mode)
    assert [path] == list(path.parent.iterdir())


def test_the_first_start_without_a_file_is_silent(path: Path) -> None:
    with capture_logs() as logs:
        FileStatusHistory(path, SystemClock())
    assert [] == logs


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe\x00",
        b"{}",
        b'{"version":"1","targets":{}}',
        b'{"version":3,"targets":{}}',
        b'{"version":2,"targets":{"salon":{"connections":{"abc":[]}}}}',
        b'{"version":2,"targets":{"salon":{"connections":{"abc":[[10.0]]}}}}',
        b'{"version":2,"targets":{"salon":{"connections":{"abc":[[10.0,"<script>"]]}}}}',
        b'{"version":2,"targets":{"salon":{"collectors":{"abc":[' + b'[10.0,"ok"],' * 50 + b'[10.0,"ok"]]}}}}',
        b'{"version":2,"targets":{"salon":{"connections":{"' + b"x" * 41 + b'":[[10.0,"ok"]]}}}}',
        b'{"version":1,"targets":[]}',
        b'{"version":1,"targets":{"salon":{"abc":{"status":"synced"}}}}',
        b'{"version":1,"targets":{"salon":{"abc":{"status":"synced","since":"then"}}}}',
        b'{"version":1,"targets":{"\xff":{}}}',
        b'{"version":1,"targets":{"salon":{"abc":{"status":"syn',
        b'{"version":1,"more":' + b"[" * 100_000,
    ],
)
async def test_an_unreadable_file_is_ignored_with_one_warning(path: Path, content: bytes) -> None:
    path.write_bytes(content)
    with capture_logs() as logs:
        store = FileStatusHistory(path, SystemClock())
        assert 20.0 == store.seen("salon", "abc", Change(20.0, "synced"), 20.0)[-1].at
        await store.save()
    assert [("state_file_ignored", "warning")] == [(entry["event"], entry["log_level"]) for entry in logs]
    assert 20.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(30.0, "synced"), 30.0)[-1].at


def test_a_folder_in_the_place_of_the_file_is_ignored_with_one_warning(path: Path) -> None:
    path.mkdir()
    with capture_logs() as logs:
        assert 20.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(20.0, "synced"), 20.0)[-1].at
    assert ["state_file_ignored"] == [entry["event"] for entry in logs]


async def test_nothing_is_written_while_nothing_changes(path: Path) -> None:
    store = FileStatusHistory(path, SystemClock())
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    await store.save()
    before = path.stat()
    store.seen("salon", "abc", Change(20.0, "synced"), 20.0)
    store.keep_only("salon", frozenset({"abc"}))
    store.keep_targets({"salon": ""})
    await store.save()
    assert (before.st_ino, before.st_mtime_ns) == (path.stat().st_ino, path.stat().st_mtime_ns)


async def test_targets_that_are_no_longer_configured_leave_the_file(path: Path) -> None:
    store = FileStatusHistory(path, SystemClock())
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    store.seen("spa", "abc", Change(10.0, "synced"), 10.0)
    store.keep_targets({"spa": ""})
    await store.save()
    assert ["spa"] == list(json.loads(path.read_bytes())["targets"])


def kept(store: StatusHistory, account: str, now: float = 20.0) -> Mapping[str, Sequence[str]]:
    """Return what is known to have gone from an account that lists nothing, and how its polls went."""
    store.keep_targets({"salon": account})
    polls = store.collector_seen("salon", "connections", Change(now, "ok"), now)
    gone = store.gone("salon", frozenset(), now)
    return {key: [change.state for change in changes] for key, changes in (*gone.items(), ("polls", polls))}


@pytest.mark.parametrize(
    ("before", "after", "forgets"),
    [("a1", "a1", False), ("a1", "b2", True), ("", "a1", False), ("a1", "", False), ("", "", False)],
    ids=["the same", "another", "not known before", "not known now", "never known"],
)
@pytest.mark.parametrize("restarted", [False, True])
async def test_connections_of_another_account_under_the_same_name_have_not_gone(
    path: Path, before: str, after: str, forgets: bool, restarted: bool
) -> None:
    store: StatusHistory = FileStatusHistory(path, SystemClock())
    store.keep_targets({"salon": before, "spa": "c3"})
    for target in ("salon", "spa"):
        store.seen(target, "abc", Change(10.0, "synced"), 10.0)
    store.collector_seen("salon", "connections", Change(10.0, "failing auth"), 10.0)
    await store.save()
    if restarted:
        store = FileStatusHistory(path, SystemClock())
    assert ([] if forgets else ["abc"]) == [key for key in kept(store, after) if key != "polls"]
    assert ["failing auth", "ok"] == kept(store, after)["polls"]
    store.keep_targets({"salon": after, "spa": "c3"})
    await store.save()
    salon = json.loads(path.read_bytes())["targets"]["salon"]
    assert (after or before) == salon.get("account", "")


def test_a_memory_that_is_taken_over_is_of_the_account_that_it_was_of(path: Path) -> None:
    running = StatusHistory()
    running.keep_targets({"salon": "a1"})
    running.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    store = FileStatusHistory(path, SystemClock())
    store.take_over(running)
    assert ["polls"] == list(kept(store, "b2"))


async def test_a_disk_that_cannot_be_written_warns_once_and_is_tried_again(path: Path) -> None:
    store = FileStatusHistory(path / "missing" / "state.json", SystemClock())
    with capture_logs() as logs:
        for now in (10.0, 20.0):
            store.seen("salon", "abc", Change(now, str(now)), now)
            await store.save()
    assert ["state_file_not_written"] == [entry["event"] for entry in logs]
    (path / "missing").mkdir(parents=True)
    await store.save()
    assert (path / "missing" / "state.json").exists()


async def test_a_crash_while_writing_leaves_the_old_file_whole(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store = FileStatusHistory(path, SystemClock())
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    await store.save()
    before = path.read_bytes()

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    store.seen("salon", "abc", Change(20.0, "error"), 20.0)
    with capture_logs():
        await store.save()
    assert before == path.read_bytes()
    assert [path] == list(path.parent.iterdir())


async def test_many_savers_at_once_share_writes(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    replace = files.replace_durably

    def counted(where: Path, content: bytes) -> None:
        writes.append(content)
        replace(where, content)

    monkeypatch.setattr(module, "replace_durably", counted)
    store = FileStatusHistory(path, SystemClock())

    async def poll(number: int) -> None:
        store.seen(f"salon-{number}", "abc", Change(10.0, "synced"), 10.0)
        await store.save()

    await asyncio.gather(*(poll(number) for number in range(100)))
    assert 100 == len(json.loads(path.read_bytes())["targets"])
    assert len(writes) <= 2


@contextmanager
def stuck_disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[tuple[threading.Event, threading.Event, list[bytes]]]:
    """Let every write wait for the first event; the second tells that one waits, the list holds what was to be written."""
    free, begun, contents = threading.Event(), threading.Event(), list[bytes]()
    replace = files.replace_durably

    def slow(where: Path, content: bytes) -> None:
        contents.append(content)
        begun.set()
        free.wait(30)
        replace(where, content)

    monkeypatch.setattr(module, "replace_durably", slow)
    try:
        yield free, begun, contents
    finally:
        free.set()


@pytest.mark.slow
async def test_a_disk_that_hangs_holds_no_poll_for_long_and_is_given_one_write(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_SAVE_SECONDS", 0.01)
    with stuck_disk(monkeypatch) as (free, _, contents):
        store = FileStatusHistory(path, SystemClock())

        for number in range(20):
            store.seen("salon", "abc", Change(float(number), str(number)), float(number))
            await store.save()
        assert 1 == len(contents)
        free.set()
        monkeypatch.setattr(module, "MAX_SAVE_SECONDS", 30.0)
        await store.save()
    assert 19.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(99.0, "19"), 99.0)[-1].at
    assert 2 == len(contents)


async def test_a_poll_waits_5_seconds_for_a_disk_that_hangs(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = ManualClock()
    with stuck_disk(monkeypatch) as (free, begun, _):
        store = FileStatusHistory(path, clock)
        store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
        saving = asyncio.create_task(store.save())
        await asyncio.to_thread(begun.wait, 30)
        await clock.advance(4.9)
        assert not saving.done()
        await clock.advance(0.2)
        async with asyncio.timeout(5):
            await saving
        free.set()
        await store.aclose()


async def test_a_cancelled_poll_does_not_cancel_the_write_that_others_wait_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stuck_disk(monkeypatch) as (free, begun, contents):
        store = FileStatusHistory(path, SystemClock())
        store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
        first, second = (asyncio.create_task(store.save()) for _ in range(2))
        await asyncio.to_thread(begun.wait, 30)
        first.cancel()
        await asyncio.wait([first])
        assert not second.done()
        free.set()
        await second
    assert 10.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(99.0, "synced"), 99.0)[-1].at
    assert 1 == len(contents)


async def test_what_changes_during_a_write_is_saved_by_the_next(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stuck_disk(monkeypatch) as (free, begun, _):
        store = FileStatusHistory(path, SystemClock())
        store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
        first = asyncio.create_task(store.save())
        await asyncio.to_thread(begun.wait, 30)
        store.seen("spa", "abc", Change(20.0, "synced"), 20.0)
        second = asyncio.create_task(store.save())
        await asyncio.sleep(0)
        free.set()
        await asyncio.gather(first, second)
    assert 20.0 == FileStatusHistory(path, SystemClock()).seen("spa", "abc", Change(99.0, "synced"), 99.0)[-1].at


async def test_a_new_store_remembers_what_the_old_one_saw_and_not_what_its_file_says(path: Path) -> None:
    earlier = FileStatusHistory(path, SystemClock())
    earlier.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    earlier.seen("spa", "abc", Change(10.0, "synced"), 10.0)
    await earlier.save()
    running = StatusHistory()
    running.seen("salon", "abc", Change(50.0, "error"), 50.0)
    store = FileStatusHistory(path, SystemClock())
    store.take_over(running)
    assert 50.0 == store.seen("salon", "abc", Change(99.0, "error"), 99.0)[-1].at
    assert 10.0 == store.seen("spa", "abc", Change(99.0, "synced"), 99.0)[-1].at
    await store.save()
    assert 50.0 == FileStatusHistory(path, SystemClock()).seen("salon", "abc", Change(99.0, "error"), 99.0)[-1].at


# One process has the file


def test_who_comes_second_is_told_which_process_has_the_file_and_what_to_do(path: Path) -> None:
    open_status_history(path, SystemClock())
    with pytest.raises(StateFileInUseError) as caught:
        open_status_history(path, SystemClock())
    told = f"another exporter (process {os.getpid()} on {socket.gethostname()}) uses the state file {path}; "
    assert told + "end it, give this one a state_file of its own, or let this one wait for it with --standby" == str(
        caught.value
    )


async def test_who_let_the_file_go_is_followed_by_the_next_who_reads_what_was_saved_last(path: Path) -> None:
    first = open_status_history(path, SystemClock())
    first.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    await first.save()
    await first.aclose()
    second = open_status_history(path, SystemClock())
    assert 10.0 == second.seen("salon", "abc", Change(99.0, "synced"), 99.0)[-1].at
    await second.aclose()
    open_status_history(path, SystemClock())


async def test_a_write_that_hangs_keeps_the_file(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with stuck_disk(monkeypatch) as (free, begun, _):
        first = open_status_history(path, SystemClock())
        first.seen("salon", "abc", Change(10.0, "synced"), 10.0)
        saving = asyncio.create_task(first.save())
        await asyncio.to_thread(begun.wait, 30)
        closing = asyncio.create_task(first.aclose())
        await asyncio.sleep(0)
        with pytest.raises(StateFileInUseError):
            open_status_history(path, SystemClock())
        free.set()
        await asyncio.gather(saving, closing)
        assert 10.0 == open_status_history(path, SystemClock()).seen("salon", "abc", Change(99.0, "synced"), 99.0)[-1].at


@pytest.mark.parametrize("told", ["", "process 7 on \x1b[2Jweb", "x" * 10_000, "one\ntwo"])
def test_what_stands_in_the_lock_file_is_shown_in_one_short_line(told: str, path: Path) -> None:
    open_status_history(path, SystemClock())
    path.with_name("state.json.lock").write_text(told)
    with pytest.raises(StateFileInUseError) as caught:
        open_status_history(path, SystemClock())
    assert str(caught.value).isprintable()
    assert len(caught.value.holder) < 120
    assert ("an unknown process" == caught.value.holder) == (not told)


@pytest.mark.parametrize("number", [errno.EOPNOTSUPP, errno.ENOLCK, errno.EINVAL])
async def test_a_file_system_without_locks_is_used_with_a_warning(
    path: Path, monkeypatch: pytest.MonkeyPatch, number: int
) -> None:
    def refused(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refused)
    for _ in range(2):
        with capture_logs() as logs:
            store = open_status_history(path, SystemClock())
        store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
        await store.save()
        assert [("state_file_not_locked", "warning")] == [(entry["event"], entry["log_level"]) for entry in logs]
    assert 10.0 == open_status_history(path, SystemClock()).seen("salon", "abc", Change(99.0, "synced"), 99.0)[-1].at


async def test_a_folder_that_is_not_there_or_cannot_be_written_is_no_reason_not_to_start(path: Path) -> None:
    (path.parent / "text").touch()
    for folder in ("missing", "text"):
        with capture_logs() as logs:
            store = open_status_history(path.parent / folder / "state.json", SystemClock())
            store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
            await store.save()
        events = [entry["event"] for entry in logs if entry["event"] != "state_file_ignored"]
        assert ["state_file_not_locked", "state_file_not_written"] == events


async def test_a_link_stays_a_link_and_two_spellings_are_one_file(path: Path) -> None:
    volume = path.parent / "volume"
    volume.mkdir()
    path.symlink_to(volume / "real.json")
    (path.parent / "folder").symlink_to(volume)

    store = open_status_history(path, SystemClock())
    store.seen("salon", "abc", Change(10.0, "synced"), 10.0)
    await store.save()
    assert store.is_of(path.parent / "folder" / "real.json")
    assert not store.is_of(None)
    with pytest.raises(StateFileInUseError):
        open_status_history(path.parent / "folder" / "real.json", SystemClock())
    assert path.is_symlink()
    assert (volume / "real.json").exists()


def test_links_in_a_circle_are_a_file_that_cannot_be_read(path: Path) -> None:
    path.symlink_to(path)
    with capture_logs() as logs:
        assert 20.0 == open_status_history(path, SystemClock()).seen("salon", "abc", Change(20.0, "synced"), 20.0)[-1].at
    assert ["state_file_ignored"] == [entry["event"] for entry in logs]


def test_a_link_planted_in_the_place_of_the_lock_is_not_followed(path: Path) -> None:
    path.with_name("state.json.lock").symlink_to(path.parent / "elsewhere")
    with capture_logs() as logs:
        open_status_history(path, SystemClock())
    assert ["state_file_not_locked"] == [entry["event"] for entry in logs]
    assert not (path.parent / "elsewhere").exists()
