"""Threads: whose turn it is, pools that the end of the process does not wait for, and what to say when there is no thread."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Final

NO_THREAD: Final = (
    "this machine gives the exporter no further thread (fix: raise TasksMax of the systemd unit, the pids limit of the "
    "container or ulimit -u; Docker before 20.10.10 refuses threads to newer images: update it)"
)

TURN_SECONDS: Final = 0.001


def set_switch_interval() -> None:
    """Let a thread that computes give way to another after a millisecond, for the whole process; in Python it is five.

    A page is made, compressed and sent in many small steps, and before each it may have to wait for that long.
    """
    sys.setswitchinterval(TURN_SECONDS)


def is_no_thread(error: BaseException) -> bool:
    """Return whether ``error`` is Python's word for a thread that the system did not give (EAGAIN, or EPERM of a filter)."""
    return isinstance(error, RuntimeError) and str(error) == "can't start new thread"


class DaemonThreadPool(ThreadPoolExecutor):
    """Threads for work that may hang: the end of the pool, and so of the loop whose default it is, waits for none.

    The first is started at once; when the machine gives no more, the work waits for those that there are. Raises
    :class:`RuntimeError` when not even one is to be had, see :func:`is_no_thread`.
    """

    def __init__(self, max_workers: int, name: str) -> None:
        super().__init__(max_workers, name)
        self._refused = 0
        self._adjust_thread_count()

    def _adjust_thread_count(self) -> None:
        # Work that another thread did in place of a refused one counts as an idle thread: then the pool would never grow.
        while self._refused and self._idle_semaphore.acquire(timeout=0):
            self._refused -= 1
        try:
            super()._adjust_thread_count()
        except RuntimeError as error:
            # The work is queued by now: an exception would leave it there, to be done when nobody expects it any more.
            if not (self._threads and is_no_thread(error)):
                raise
            self._refused += 1

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Drop what has not begun; what runs may end or not."""
        del wait, cancel_futures
        super().shutdown(wait=False, cancel_futures=True)
