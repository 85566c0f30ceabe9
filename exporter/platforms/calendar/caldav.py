"""An owner's calendar on a CalDAV server: when it is busy, by its busy times or by its entries. Moments are Unix seconds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from exporter.calendar_busy import Period
from exporter.errors import PollError
from exporter.model import ApiUsage, CollectorName
from exporter.platforms.base import Services
from exporter.platforms.calendar.api import CalDavApi
from exporter.platforms.calendar.api_errors import ENTRIES, FREE_BUSY, RESOURCE_TYPE, invalid, may_pass, no_calendar
from exporter.platforms.calendar.content_lines import UnreadableCalendarError
from exporter.platforms.calendar.entries import read_entries
from exporter.platforms.calendar.freebusy import read_free_busy
from exporter.platforms.calendar.moments import DAY_SECONDS
from exporter.platforms.calendar.multistatus import is_other, read_multistatus
from exporter.platforms.calendar.reading import CalendarRead, busy_periods
from exporter.platforms.calendar.whole_days import without_whole_days
from exporter.platforms.decoding import off_the_loop, report

_Words = Mapping[str, int]
_LINE_BYTES: Final = 64
"""As long as a line of a busy time: what is worked on at once depends on their number."""


class CalDavReader:
    """Implements :class:`~exporter.platforms.calendar.reading.Reader`: one request, whatever the calendar holds.

    What holds nothing is asked once what it is.
    """

    def __init__(self, api: CalDavApi, services: Services, *, by_entries: bool) -> None:
        self._api = api
        self._services = services
        self._operation = ENTRIES if by_entries else FREE_BUSY
        self.operations: tuple[str, ...] = (ENTRIES, RESOURCE_TYPE) if by_entries else (FREE_BUSY,)
        # A user and a folder have no entries either, and some servers say so as if they were calendars.
        self._is_doubted = by_entries
        self.fields: tuple[str, ...] = ("status", "transp") if by_entries else ("fbtype",)
        self._work: Callable[[bytes, float, float, ZoneInfo], tuple[CalendarRead, _Words]] = (
            calendar_of_entries if by_entries else calendar_of_busy_times
        )

    async def read(self, start: float, end: float, zone: ZoneInfo) -> CalendarRead:
        answer = await self._api.ask(self._operation, start, end)
        rows = len(answer.body) // _LINE_BYTES
        try:
            read, words = await off_the_loop(self._services.admission, rows, self._work, answer.body, start, end, zone)
        except UnreadableCalendarError as error:
            # "from None": the frames of what was chained hold titles.
            raise invalid(answer, self._api.url, str(error)) from None
        report(self._services.events, CollectorName.BUSY, malformed=0, unrecognized=words)
        if self._is_doubted:
            await self._doubt(read)
        return read

    async def _doubt(self, read: CalendarRead) -> None:
        """Ask once what lies at the address, unless entries say so. Raises :class:`~exporter.errors.TargetConfigError`."""
        if not (read.entries or read.free or read.whole_days or read.malformed):
            try:
                answer = await self._api.what_it_is()
            except PollError as error:
                self._is_doubted = may_pass(error)
                return
            if is_other(answer.body):
                raise no_calendar(answer, self._api.url)
        self._is_doubted = False

    def usage(self) -> ApiUsage:
        return self._api.usage()

    async def aclose(self) -> None:
        """Forget the password; the pool is shared."""
        self._api.close()


def calendar_of_busy_times(body: bytes, start: float, end: float, zone: ZoneInfo) -> tuple[CalendarRead, _Words]:
    """Return what an answer to a ``free-busy-query`` says of ``[start, end)``, and the words in it that are not known.

    Raises :class:`~exporter.platforms.calendar.content_lines.UnreadableCalendarError`.
    """
    found = read_free_busy(body)
    apart = without_whole_days(found.periods, start, end, zone)
    hidden = busy_periods(apart.days, start, end)
    read = CalendarRead(
        periods=busy_periods(apart.periods, start, end),
        whole_days=_number_of_days(hidden),
        malformed=found.malformed,
        unclear=busy_periods((*hidden, *_untold(found.told, start, end)), start, end),
    )
    return read, found.unrecognized


def _untold(told: Period | None, start: float, end: float) -> tuple[Period, ...]:
    """Return the parts of ``[start, end)`` that an answer about ``told`` says nothing of: a server may have its own limits.

    Raises :class:`~exporter.platforms.calendar.content_lines.UnreadableCalendarError` when that is all of it.
    """
    if told is None:
        return ()
    if told[1] <= start or end <= told[0]:
        raise UnreadableCalendarError("busy times of another time than it was asked for")
    return (start, told[0]), (told[1], end)


def calendar_of_entries(body: bytes, start: float, end: float, zone: ZoneInfo) -> tuple[CalendarRead, _Words]:
    """Return what an answer to a ``calendar-query`` says of ``[start, end)``, and the words in it that are not known.

    Raises :class:`~exporter.platforms.calendar.content_lines.UnreadableCalendarError`.
    """
    listed = read_multistatus(body)
    found = read_entries(listed.calendars, zone)
    apart = without_whole_days(found.busy, start, end, zone)
    read = CalendarRead(
        periods=busy_periods(apart.periods, start, end),
        whole_days=_number_of_days(busy_periods((*found.whole_days, *apart.days), start, end)),
        entries=_within(found.busy, start, end),
        free=_within(found.free, start, end),
        malformed=found.malformed + listed.without_data,
    )
    return read, found.unrecognized


def _within(periods: tuple[Period, ...], start: float, end: float) -> tuple[Period, ...]:
    return tuple(sorted(period for period in periods if period[0] < end and start < period[1]))


def _number_of_days(days: tuple[Period, ...]) -> int:
    return max(round(sum(end - start for start, end in days) / DAY_SECONDS), bool(days))
