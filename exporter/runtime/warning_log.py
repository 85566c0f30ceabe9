"""The log of what polls show to be unwatched: once when it comes and once when it goes, never with each poll.

What the configuration alone shows is logged when it is loaded.
"""

from __future__ import annotations

from typing import Final

import structlog

from exporter.clock import Clock
from exporter.policy import ConfigWarning
from exporter.runtime.application import Application
from exporter.support.slices import LINES, in_slices

log = structlog.get_logger(__name__)

LOOK_SECONDS: Final = 15.0


async def log_warnings(app: Application, clock: Clock) -> None:
    """Log what changes among the warnings of ``app``, for ever."""
    known: frozenset[ConfigWarning] = frozenset()
    while True:
        at_load = frozenset(app.config.unwatched)
        known = await log_warning_changes(known, frozenset(app.view().config_warnings) - at_load)
        await clock.sleep(LOOK_SECONDS)


async def log_warning_changes(before: frozenset[ConfigWarning], now: frozenset[ConfigWarning]) -> frozenset[ConfigWarning]:
    """Log what is in only one of the two. Returns ``now``."""
    # A right that many targets lose with one credential is a line for each, and the loop has other work.
    async for warning in in_slices(sorted(now - before, key=_place), LINES):
        log.warning("config_warning", kind=warning.kind, target=warning.target, problem=warning.message, fix=warning.fix)
    async for warning in in_slices(sorted(before - now, key=_place), LINES):
        log.info("config_warning_gone", kind=warning.kind, target=warning.target, problem=warning.message)
    return now


def _place(warning: ConfigWarning) -> tuple[str, str, str]:
    return warning.target or "", warning.kind, warning.message
