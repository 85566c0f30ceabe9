"""The collector ``events``: private events as Wix imported them, against the bookings of the next 7 days (wix.md 5).

It reads the bookings itself, so it needs nothing of the collector ``bookings``. What ``connections`` saw last tells which
connection an event came through.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping
from functools import partial
from typing import Final

from exporter.counting import Heartbeat
from exporter.errors import ServerError
from exporter.model import CalendarType, CollectorName
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop, report
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.api_errors import request_id
from exporter.platforms.wix.booking_rows import BookingRow
from exporter.platforms.wix.bookings import on_the_calendar
from exporter.platforms.wix.busy_times import BusyTimes
from exporter.platforms.wix.directory import ConnectionDirectory, Source
from exporter.platforms.wix.event_matching import Judged, Looked, Read, matched
from exporter.platforms.wix.event_memory import cut
from exporter.platforms.wix.event_paging import Events, EventsReader
from exporter.platforms.wix.event_rows import EventRow
from exporter.platforms.wix.former_bookings import FormerBookings
from exporter.platforms.wix.heartbeats import of_schedules
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.paging import BookingsReader, readable, taken_time
from exporter.platforms.wix.paired import paired_events
from exporter.platforms.wix.providers import ProviderDirectory, shown_providers
from exporter.platforms.wix.settings import WixBookings, WixEvents, WixTarget
from exporter.private_calendar import WEEK_SECONDS, EventMemory, EventsObservation
from exporter.support.listing import first_names

_HOUR: Final = 3600.0
_SAYS_NOTHING: Final = frozenset({CalendarType.UNDEFINED, CalendarType.UNKNOWN})


class EventsCollector:
    """Looks for bookings that a private event overlaps, and for imports that no longer bring anything.

    With ``partialFailure=true`` a provider that fails costs its own events alone: they stay as they were last seen, up to
    ``max_age``, and what is not seen then is not gone.
    """

    def __init__(
        self,
        api: WixApi,
        target: WixTarget,
        settings: WixEvents,
        services: Services,
        providers: ProviderDirectory,
        *,
        directory: Callable[[], ConnectionDirectory | None],
        is_shared: bool = False,
    ) -> None:
        """``is_shared`` says that somebody else wants the :attr:`private` events."""
        self._target = target
        self._settings = settings
        self._services = services
        self._providers = providers
        self._directory = directory
        self._events = EventsReader(api, services, settings.max_events, target.timeout)
        counting = target.collectors.bookings or WixBookings()
        self._bookings = BookingsReader(api, services.events, services.admission, counting, CollectorName.EVENTS)
        self._picked = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._kept: Mapping[EventRow, float] = {}  # and when each was last seen (steady)
        self._former = FormerBookings(self._bookings)
        self._looked: Mapping[Source, Looked] = {}
        self._read_at: Mapping[CalendarType, float] = {}  # when its events could last be read (steady)
        self._memory: EventMemory | None = None
        self._judged = Judged()
        self._heartbeats = target.heartbeats
        self._is_shared = is_shared
        self._private: BusyTimes | None = None

    async def poll(self) -> PollResult:
        clock = self._services.clock
        now, at = clock.time(), clock.steady()
        until = now + WEEK_SECONDS
        read = await self._events.read(now, until)
        rows = readable(await self._bookings.read(on_the_calendar(now, until), sort="startDate"))
        taken = [row for row in rows.rows if row.schedule and self._is_picked(row.schedule)]
        bookings = tuple(map(taken_time, taken))
        former = await self._former.beside(bookings, now, until, at)
        directory = self._directory()
        up, down = await self._providers_of(read, directory)
        doubtful = None if read.malformed or not _SAYS_NOTHING.isdisjoint(down) else down
        if doubtful is not None:
            self._read_at = {**self._read_at, **dict.fromkeys((kind for kind in CalendarType if kind not in doubtful), at)}
        unknown = frozenset(kind for kind in down if at - self._read_at.get(kind, float("-inf")) > self._max_age)
        kept = self._with_last_known(read, down, at)
        whole = not read.failed_provider_ids and not read.malformed
        part = Read(
            now,
            at,
            clock.stepped(),
            self._of_known_schedules(kept, directory, taken),
            bookings,
            {row.schedule.lower(): self._names.schedule(row.schedule) for row in taken},
            directory,
            self._services.policy().at(now).bookings.keys(),
            whole,
            complete=rows.complete and not read.malformed and not unknown,
            unknown=unknown,
            doubtful=doubtful,
            former=former,
            heartbeats=self._expected_of(kept, directory),
        )
        memory = self._memory or self._services.history.events(self._target.name)
        if memory is not None and memory.at > at:  # of a clock that ran wrong
            memory = None
        work = partial(matched, part, memory, self._looked, self._recently_judged(at), self._target.timezone)
        size = len(kept) + len(taken)
        found = await off_the_loop(self._services.admission, size, work, all_day=self._settings.all_day)
        self._kept, self._memory, self._judged = kept, found.memory, found.judged
        self._looked = found.looked
        if self._is_shared and whole and rows.complete:
            self._private = BusyTimes(at, until, found.private)
        self._services.history.keep_events(self._target.name, cut(found.memory, part.times))
        unheard = self._unheard(directory)
        # In part it says nothing of what Wix does not know.
        resources = self._services.paired() if whole and rows.complete else {}
        known = [row for row in rows.rows if row.schedule]
        paired = (
            await off_the_loop(self._services.admission, size, paired_events, resources, read.rows, known, now, until)
            if resources
            else ()
        )
        observation = EventsObservation(
            at, found.windows, found.imports, up, found.conflicts, found.next_conflict, unheard, paired=paired
        )
        return PollResult(observation, _failed(read, up) if read.failed_provider_ids else None)

    def private(self) -> BusyTimes | None:
        """Return the private events as the last whole poll saw them; ``None`` where that is too long ago, or never was."""
        seen = self._private
        return seen if seen is not None and self._services.clock.steady() - seen.at <= self._max_age else None

    async def check(self) -> None:
        """Try the calls of a poll, for an hour ahead. Raises :class:`~exporter.errors.PollError` for what it cannot do."""
        now = self._services.clock.time()
        await self._events.read(now, now + _HOUR)
        await self._bookings.first(on_the_calendar(now), sort="startDate")

    @property
    def _max_age(self) -> float:
        return self._settings.max_age_seconds

    def _recently_judged(self, at: float) -> Judged:
        """Return what was told of the sources that could be read not too long ago."""
        recent = {source for source, looked in self._looked.items() if at - looked.at <= self._max_age}
        faults = {source: found for source, found in self._judged.faults.items() if source in recent}
        return Judged(faults, {source: found for source, found in self._judged.heartbeats.items() if source in recent})

    def _is_picked(self, schedule: str) -> bool:
        return not self._picked or schedule.lower() in self._picked

    def _expected_of(self, rows: Iterable[EventRow], directory: ConnectionDirectory | None) -> Mapping[str, Heartbeat]:
        """Return the heartbeats that the configuration expects, by the schedule's id in lower case."""
        found = of_schedules(self._heartbeats, (row.schedule_id for row in rows), self._names)
        for (schedule, _), connections in (directory.importing if directory else {}).items():
            if connections[0].schedule in self._heartbeats:
                found[schedule] = self._heartbeats[connections[0].schedule]
        return found

    def _unheard(self, directory: ConnectionDirectory | None) -> tuple[str, ...]:
        """Return the schedules, as they are shown, through whose connections no heartbeat can come."""
        if directory is None:
            return ()
        return tuple(sorted(self._heartbeats.keys() - set(map(self._names.schedule, directory.schedules - directory.unheard))))

    async def _providers_of(
        self, read: Events, directory: ConnectionDirectory | None
    ) -> tuple[Mapping[str, bool], frozenset[CalendarType]]:
        """Return whether each provider could be read, by its label, and the types of calendar of those that could not."""
        failed = read.failed_provider_ids
        used: dict[str, CalendarType | None] = {**dict.fromkeys(failed), **(directory.providers if directory else {})}
        labels = await self._providers.labels(used)
        shown, _ = shown_providers({key: labels[key] for key in used}, failed)
        types = (used[key] or self._providers.calendar_type(key) for key in failed)
        return {provider.label: provider.up for provider in shown}, frozenset(types)

    def _with_last_known(self, read: Events, down: Collection[CalendarType], at: float) -> Mapping[EventRow, float]:
        """Return the events with when each was last seen: those that were read, and of providers that are down the last known.

        Of a provider whose type of calendar nobody knows any event may be.
        """
        kept = dict.fromkeys(read.rows, at)
        any_may_be = not _SAYS_NOTHING.isdisjoint(down)
        for row, seen in self._kept.items():
            if (any_may_be or row.calendar_type in down) and at - seen <= self._max_age:
                kept.setdefault(row, seen)
        return kept

    def _of_known_schedules(
        self, rows: Collection[EventRow], directory: ConnectionDirectory | None, taken: Collection[BookingRow]
    ) -> frozenset[EventRow]:
        """Return the events of the schedules that are watched; those of a schedule that nobody knows are counted as such."""
        picked = [row for row in rows if self._is_picked(row.schedule_id)]
        if directory is None:
            return frozenset(picked)
        known = directory.schedules | {row.schedule.lower() for row in taken}
        found = frozenset(row for row in picked if row.schedule_id.lower() in known)
        if strangers := len(picked) - len(found):
            report(self._services.events, CollectorName.EVENTS, malformed=0, unrecognized={"schedule": strangers})
        return found


def _failed(read: Events, up: Mapping[str, bool]) -> ServerError:
    names = first_names(sorted(label for label, works in up.items() if not works))
    return ServerError(
        f"Wix could not read the calendars of {names}; their events are shown as last known", request_id=request_id(read.last)
    )
