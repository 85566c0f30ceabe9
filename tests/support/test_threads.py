"""Pools on a machine that gives no more threads."""

from __future__ import annotations

import threading

import pytest

from exporter.support.threads import DaemonThreadPool, is_no_thread

REFUSAL = RuntimeError("can't start new thread")  # as Python says it


def refuse(_: threading.Thread) -> None:
    raise REFUSAL


def test_a_pool_without_a_single_thread_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(threading.Thread, "start", refuse)
    with pytest.raises(RuntimeError) as caught:
        DaemonThreadPool(4, "test")
    assert is_no_thread(caught.value)


def test_a_pool_that_gets_no_more_threads_does_the_work_with_those_it_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with DaemonThreadPool(4, "test") as pool:
        monkeypatch.setattr(threading.Thread, "start", refuse)
        assert list(range(100)) == [work.result(10) for work in [pool.submit(int, number) for number in range(100)]]
        monkeypatch.undo()
        begun = threading.Barrier(4)
        assert [0, 1, 2, 3] == sorted(work.result(10) for work in [pool.submit(begun.wait, 10) for _ in range(4)])


class NobodyIdle(threading.Semaphore):
    """As if every thread were busy: from Python 3.12 on the first one counts as idle before it had anything to do."""

    def acquire(self, blocking: bool = True, timeout: float | None = None) -> bool:
        """Say that no thread is idle."""
        return not blocking and timeout is not None


def test_another_bug_while_a_thread_starts_is_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(_: threading.Thread) -> None:
        raise RuntimeError("threads can only be started once")

    with DaemonThreadPool(4, "test") as pool:
        monkeypatch.setattr(pool, "_idle_semaphore", NobodyIdle())
        monkeypatch.setattr(threading.Thread, "start", start)
        with pytest.raises(RuntimeError, match="only be started once") as caught:
            pool.submit(int)
    assert not is_no_thread(caught.value)
