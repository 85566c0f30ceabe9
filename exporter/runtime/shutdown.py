"""How the process ends: in order where it can, in time whatever hangs, at once when it is asked twice.

Signals are read in a thread of their own, so that a loop which stands still (a file on a dead network share) is not deaf to
them. The first SIGTERM or SIGINT starts a clock there, which ends the process when the orderly stop takes too long.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import sys
import threading
import time
from collections.abc import Awaitable, Callable, Coroutine, Iterator, Mapping
from typing import Any, Final, TypeVar

import structlog

from exporter.clock import new_event_loop
from exporter.support import logs, sdnotify
from exporter.support.audit import change_requested

log = structlog.get_logger(__name__)

T = TypeVar("T")

MAX_STOP_SECONDS: Final = 7.0
"""From the first signal to the end; what is promised is 8 (docs/contract.md, "Signals"), and Docker kills after 10."""

_STOPS: Final = frozenset({signal.SIGTERM, signal.SIGINT})
_FINAL_LOG_SECONDS: Final = 0.25
_FINAL_LOG_AFTER_ERROR_SECONDS: Final = 1.0
_THREADS_SECONDS: Final = 0.25
_ASKED_TWICE: Final = 1


class StopRequestedError(Exception):
    """The process was asked to stop."""


class Signals:
    """What the process is asked for, as events of ``loop``. ``end`` ends the process with an exit code, without a word."""

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        *,
        max_stop_seconds: float = MAX_STOP_SECONDS,
        end: Callable[[int], object] = os._exit,
    ) -> None:
        self.stop = asyncio.Event()
        self.hangup = asyncio.Event()
        self._loop = loop
        self._max_stop_seconds = max_stop_seconds
        self._end = end
        self._actions: Final[Mapping[int, Callable[[], None]]] = {
            **dict.fromkeys(_STOPS, self._ask_to_stop),
            signal.SIGHUP: self.hangup.set,
            signal.SIGUSR1: _toggle_debug,
        }

    async def unless_stopped(self, work: Awaitable[T]) -> T:
        """Return what ``work`` brings. Raises :class:`StopRequestedError` when the stop comes first; ``work`` is cancelled."""
        doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(self.stop.wait())
        try:
            await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if not doing.done():
                raise StopRequestedError
            return await doing
        finally:
            doing.cancel()
            stopping.cancel()

    @contextlib.contextmanager
    def delivered(self) -> Iterator[None]:
        """Take the signals over while the block runs: each of them would end a process that does not expect it."""
        reading, writing = socket.socketpair()
        writing.setblocking(False)  # noqa: FBT003  the standard library's signature
        thread = threading.Thread(target=self._act, args=(reading,), name="signals", daemon=True)
        with reading, writing:
            thread.start()
            # The interpreter writes the number of each signal that has a handler, whatever the main thread is busy with.
            before = {number: signal.signal(number, lambda *_: None) for number in self._actions}
            wakeup = signal.set_wakeup_fd(writing.fileno())
            try:
                yield
            finally:
                signal.set_wakeup_fd(wakeup)
                for number, handler in before.items():
                    signal.signal(number, handler)
                writing.close()
                thread.join()

    def _act(self, arriving: socket.socket) -> None:
        ends_at: float | None = None
        while True:
            arriving.settimeout(None if ends_at is None else max(0.001, ends_at - time.monotonic()))
            try:
                numbers = arriving.recv(64)
            except TimeoutError:
                _log_overdue_stop()
                self._end(0)
                return
            if not numbers:
                return  # the block has ended
            for number in numbers:
                if number in _STOPS:
                    if ends_at is not None:
                        self._end(_ASKED_TWICE)  # somebody is in a hurry
                        return
                    ends_at = time.monotonic() + self._max_stop_seconds
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    self._loop.call_soon_threadsafe(self._actions[number])

    def _ask_to_stop(self) -> None:
        log.info("stopping")
        sdnotify.notify("STOPPING=1")
        self.stop.set()


def run(main: Callable[[Signals], Coroutine[Any, Any, None]]) -> None:
    """Run ``main`` to its end in a loop of its own, as :func:`asyncio.run`, then end the process with exit code 0.

    The interpreter's own end would wait for threads that hang, and free what thousands of targets hold, one by one: seconds for
    nothing, in which nobody watches the clock any more. When ``main`` raises, the exception goes to the caller; when threads
    hang then, the process ends with 1 a second later.
    """
    runner = asyncio.Runner(loop_factory=new_event_loop)
    signals = Signals(runner.get_loop())
    with signals.delivered():
        try:
            with runner:
                runner.run(main(signals))
        except BaseException:
            if _hanging_threads():
                _exit_after_final_log_lines()
            raise
        if count := _hanging_threads():
            log.warning("threads_left_behind", threads=count)
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(0)


def _toggle_debug() -> None:
    change_requested("log-level", by="signal")
    logs.toggle_debug()


def _hanging_threads() -> int:
    """Give the threads that the interpreter waits for a moment; return how many are still there."""
    ends_at = time.monotonic() + _THREADS_SECONDS
    others = [thread for thread in threading.enumerate() if not thread.daemon and thread is not threading.current_thread()]
    for thread in others:
        thread.join(max(0.0, ends_at - time.monotonic()))
    return sum(thread.is_alive() for thread in others)


def _exit_after_final_log_lines() -> None:
    """End the process with 1 in a second, by when the caller has said why; the interpreter would wait for threads that hang."""

    def end() -> None:
        time.sleep(_FINAL_LOG_AFTER_ERROR_SECONDS)
        os._exit(1)

    threading.Thread(target=end, daemon=True).start()


def _log_overdue_stop() -> None:
    """Log the end, but do not wait for it: what hangs may be the reader of the log."""

    def say() -> None:
        log.error("stop_took_too_long")
        log.info("stopped")

    saying = threading.Thread(target=say, daemon=True)
    saying.start()
    saying.join(_FINAL_LOG_SECONDS)
