"""The collector ``busy``: when an owner's own calendar says that they are busy."""

from __future__ import annotations

from typing import Final
from zoneinfo import ZoneInfo

from exporter.calendar_busy import BusyObservation, BusyWindow, Period
from exporter.counting import hull, resolve_all
from exporter.model import CollectorName, Window
from exporter.platforms.base import PollResult, Services
from exporter.platforms.calendar.moments import DAY_SECONDS
from exporter.platforms.calendar.reading import Reader
from exporter.platforms.calendar.settings import BusySettings
from exporter.platforms.decoding import report

BACK_SECONDS: Final = DAY_SECONDS
AHEAD_SECONDS: Final = 8 * DAY_SECONDS
"""What is always read, around now: a week of bookings, and those that have just begun or been moved."""

_CHECKED_SECONDS: Final = 3_600.0


class BusyCollector:
    """Reads one calendar by its ``reader``."""

    def __init__(self, reader: Reader, settings: BusySettings, zone: ZoneInfo, services: Services) -> None:
        self._reader = reader
        self._settings = settings
        self._zone = zone
        self._services = services

    async def poll(self) -> PollResult:
        now = self._services.clock.time()
        windows = resolve_all(self._settings.windows, now, self._zone)
        start, end = hull((Window("", now - BACK_SECONDS, now + AHEAD_SECONDS), *windows))
        read = await self._reader.read(start, end, self._zone)
        report(self._services.events, CollectorName.BUSY, malformed=read.malformed, unrecognized={})
        observation = BusyObservation(
            at=self._services.clock.steady(),
            start=start,
            end=end,
            periods=read.periods,
            windows=tuple(BusyWindow(window, _seconds(read.periods, window)) for window in windows),
            whole_days=read.whole_days,
            entries=read.entries,
            free=read.free,
            unclear=read.unclear,
        )
        return PollResult(observation)

    async def check(self) -> None:
        """Read the next hour, which needs all that a poll needs. Raises :class:`~exporter.errors.PollError`."""
        now = self._services.clock.time()
        await self._reader.read(now, now + _CHECKED_SECONDS, self._zone)


def _seconds(periods: tuple[Period, ...], window: Window) -> float:
    return sum(max(0.0, min(end, window.end) - max(start, window.start)) for start, end in periods)
