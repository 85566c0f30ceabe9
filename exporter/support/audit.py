"""The audit log: who changed the running exporter, tried to, or asked for pages of others; the logger ``exporter.audit``."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Final

import structlog

_log = structlog.get_logger("exporter.audit")

REFUSALS_APART_SECONDS: Final = 60.0


def change_requested(change: str, *, by: str, **facts: object) -> None:
    """Tell, before it is done, that ``by`` (a proved name, or the way it came) asks for ``change``."""
    _log.info("change_requested", change=change, by=by, **facts)


class Refusals:
    """Tells of changes that were refused, or of what else it is that ``refused`` names.

    It does so once in a minute for each reason, since anybody can cause them at will.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic, *, refused: str = "change") -> None:
        self._refused = refused
        self._now = now
        self._rows: dict[str, tuple[float, int]] = {}  # the moment of the last line, and how many were not told since

    def tell(self, why: str, what: str, *, by: str, **facts: object) -> None:
        """Tell of one; ``untold`` is how many there were for the same reason since the line before, whoever asked."""
        now = self._now()
        before = self._rows.get(why)
        if before is not None and now - before[0] < REFUSALS_APART_SECONDS:
            self._rows[why] = before[0], before[1] + 1
            return
        self._rows[why] = now, 0
        facts = {self._refused: what, "why": why, "by": by, **facts, "untold": before[1] or None if before else None}
        _log.warning(f"{self._refused}_refused", **facts)
