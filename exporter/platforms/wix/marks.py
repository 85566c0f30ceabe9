"""How many bookings Wix itself marks as double-booked (docs/platforms/wix.md 6.2): counted, so that no row is read.

How soon a mark follows a change is documented nowhere, and which bookings are marked is not asked.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import structlog
from msgspec.structs import replace

from exporter.clock import Clock
from exporter.errors import ClientError, NotFoundError, PermissionDeniedError, PollError
from exporter.model import BookingsObservation
from exporter.platforms.base import PollResult
from exporter.platforms.wix.paging import MARKED, BookingsReader, bound, matching

log = structlog.get_logger(__name__)

DAY_SECONDS: Final = 24 * 3600.0

COUNT_AGAIN_SECONDS: Final = 3600.0
"""After Wix refused to count, it is not asked to for so long."""

REFUSED: Final = (PermissionDeniedError, NotFoundError, ClientError)
"""Wix refuses to count: this call, whatever becomes of others."""


class PlatformMarks:
    """The marks of one site, by windows of fixed length. A site that refuses to count them is asked again after an hour."""

    def __init__(self, reader: BookingsReader, statuses: Sequence[str], clock: Clock, target: str) -> None:
        """``statuses`` are those of the counted ones that take somebody's time; without any nothing can be double-booked."""
        self._reader = reader
        self._statuses = statuses
        self._clock = clock
        self._target = target
        self._refused = ""
        self._refused_until = float("-inf")

    def refused(self, refusal: PollError) -> None:
        """Note that Wix refuses to count, so that it is not asked for marks until that is tried again."""
        self._refused = refusal.message
        self._refused_until = self._clock.monotonic() + COUNT_AGAIN_SECONDS

    async def added_to(self, polled: PollResult, now: float) -> PollResult:
        """Return ``polled``, a poll of bookings at ``now`` (Unix seconds), with what is marked.

        A refusal costs the marks alone. Any other failure is one of the poll, whose data stay.
        """
        seen = polled.observation
        if not isinstance(seen, BookingsObservation) or not self._statuses:
            return polled
        if self._clock.monotonic() >= self._refused_until:
            try:
                found = await self._counts(now)
            except REFUSED as refusal:
                self.refused(refusal)
                log.warning("wix_marks_refused", target=self._target, **refusal.facts())
            except PollError as error:
                return PollResult(seen, polled.failure or error)
            else:
                self._refused = ""
                return replace(polled, observation=replace(seen, platform_conflicts=found))
        return replace(polled, observation=replace(seen, marks_refused=self._refused))

    async def _counts(self, now: float) -> dict[str, int]:
        """Return how many are marked from ``now`` on. Where a week has none its first day has none, and is not asked for."""
        week = await self._marked(now, now + 7 * DAY_SECONDS)
        day = await self._marked(now, now + DAY_SECONDS) if week else 0
        return {"next_24h": day, "next_7d": week}

    async def _marked(self, start: float, end: float) -> int:
        bounds = bound("startDate", "$gte", start), bound("startDate", "$lt", end)
        return await self._reader.count(matching(self._statuses, *bounds, MARKED))
