"""An owner's calendar brought to life: its reader, its collector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.errors import TargetConfigError
from exporter.model import ApiUsage, CollectorName, ExpectedSeries, Observation
from exporter.platforms.base import RETRIED, Collector, Services
from exporter.platforms.calendar.api import CalDavApi
from exporter.platforms.calendar.api_errors import ENTRIES, FREE_BUSY, REASONS
from exporter.platforms.calendar.busy import BusyCollector
from exporter.platforms.calendar.caldav import CalDavReader
from exporter.platforms.calendar.settings import BusySettings, CalDav, CalendarTarget

_FIELDS: Final[Mapping[str, tuple[str, ...]]] = {FREE_BUSY: ("fbtype",), ENTRIES: ("status", "transp")}


class CalendarSession:
    """Implements :class:`~exporter.platforms.base.Session`."""

    def __init__(self, target: CalendarTarget, caldav: CalDav, services: Services) -> None:
        self._api = CalDavApi(target.name, caldav, services, base_url=target.base_url, timeout=target.timeout)
        self._reader = CalDavReader(self._api, services, by_entries=caldav.read == "entries")
        settings = target.collectors.busy
        self._busy = BusyCollector(self._reader, settings or BusySettings(), target.timezone, services)
        self._collectors: dict[CollectorName, Collector] = {CollectorName.BUSY: self._busy} if settings else {}

    @property
    def collectors(self) -> Mapping[CollectorName, Collector]:
        return self._collectors

    @property
    def expected(self) -> ExpectedSeries:
        operation = self._reader.operation
        return ExpectedSeries(
            operations=(operation,),
            retried=RETRIED,
            reasons=REASONS,
            fields=dict.fromkeys(self._collectors, _FIELDS[operation]),
            reads_bookings=False,
        )

    def usage(self) -> ApiUsage:
        return self._api.usage()

    async def check(self) -> Sequence[Observation]:
        """Read the next hour."""
        await self._busy.check()
        return ()

    async def aclose(self) -> None:
        """Forget the password; the pool is shared."""
        self._api.close()


def open_session(target: CalendarTarget, services: Services) -> CalendarSession:
    """Return the live side of ``target``. No I/O. Raises :class:`~exporter.errors.TargetConfigError` when it cannot work."""
    if target.caldav is None:
        raise TargetConfigError("a calendar needs caldav")
    return CalendarSession(target, target.caldav, services)
