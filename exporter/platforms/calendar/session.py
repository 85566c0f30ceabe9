"""An owner's calendar brought to life: its reader, its collector."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from exporter.errors import TargetConfigError
from exporter.model import ApiUsage, CollectorName, ExpectedSeries, Observation
from exporter.platforms.base import RETRIED, Collector, Services
from exporter.platforms.calendar.api import CalDavApi
from exporter.platforms.calendar.api_errors import REASONS
from exporter.platforms.calendar.busy import BusyCollector
from exporter.platforms.calendar.caldav import CalDavReader
from exporter.platforms.calendar.ics_reader import IcsReader
from exporter.platforms.calendar.ics_worker import FeedProcess
from exporter.platforms.calendar.reading import Reader
from exporter.platforms.calendar.settings import BusySettings, CalendarTarget


class CalendarSession:
    """Implements :class:`~exporter.platforms.base.Session`."""

    def __init__(self, target: CalendarTarget, reader: Reader, services: Services) -> None:
        self._reader = reader
        settings = target.collectors.busy
        self._busy = BusyCollector(reader, settings or BusySettings(), target.timezone, services)
        self._collectors: dict[CollectorName, Collector] = {CollectorName.BUSY: self._busy} if settings else {}

    @property
    def collectors(self) -> Mapping[CollectorName, Collector]:
        return self._collectors

    @property
    def expected(self) -> ExpectedSeries:
        return ExpectedSeries(
            operations=self._reader.operations,
            retried=RETRIED,
            reasons=REASONS,
            fields=dict.fromkeys(self._collectors, self._reader.fields) if self._reader.fields else {},
            reads_bookings=False,
        )

    def usage(self) -> ApiUsage:
        return self._reader.usage()

    async def check(self) -> Sequence[Observation]:
        """Read the next hour."""
        await self._busy.check()
        return ()

    async def aclose(self) -> None:
        await self._reader.aclose()


def open_session(target: CalendarTarget, services: Services) -> CalendarSession:
    """Return the live side of ``target``. No I/O. Raises :class:`~exporter.errors.TargetConfigError` when it cannot work."""
    return CalendarSession(target, _reader_of(target, services), services)


def _reader_of(target: CalendarTarget, services: Services) -> Reader:
    name, base_url, timeout = target.name, target.base_url, target.timeout
    if target.caldav is not None:
        api = CalDavApi(name, target.caldav, services, base_url=base_url, timeout=timeout)
        return CalDavReader(api, services, by_entries=target.caldav.read == "entries")
    if target.ics_url is None or not isinstance(services.shared, FeedProcess):
        raise TargetConfigError("a calendar needs caldav or ics_url")
    return IcsReader(name, target.ics_url, services, services.shared, base_url=base_url, timeout=timeout)
