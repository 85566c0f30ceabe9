"""Whether this machine still gives the process threads: asked now and then, so that a health check need not."""

from __future__ import annotations

import _thread
from collections.abc import Callable
from typing import Final

import structlog

from exporter.clock import Clock
from exporter.support.threads import NO_THREAD, is_no_thread

log = structlog.get_logger(__name__)

ASK_SECONDS: Final = 5.0


def _start_one() -> None:
    _thread.start_new_thread(lambda: None, ())  # not waited for, other than threading.Thread


class ThreadWatch:
    """Starts a thread every :data:`ASK_SECONDS`, by ``start``, which raises :class:`RuntimeError` when none is to be had."""

    def __init__(self, clock: Clock, start: Callable[[], object] = _start_one) -> None:
        self._clock = clock
        self._start = start
        self._missing = False

    def trouble(self) -> str | None:
        """Return what is wrong and how to mend it; ``None`` while threads are to be had."""
        return NO_THREAD if self._missing else None

    async def run(self) -> None:
        """Ask until the task is cancelled; say when threads are gone, and when they are back."""
        while True:
            missing = self._is_missing()
            if missing and not self._missing:
                log.error("no_threads", problem=NO_THREAD)
            elif self._missing and not missing:
                log.info("threads_are_back")
            self._missing = missing
            await self._clock.sleep(ASK_SECONDS)

    def _is_missing(self) -> bool:
        try:
            self._start()
        except RuntimeError as error:
            if is_no_thread(error):
                return True
            raise
        return False
