"""The collector ``slots``: what customers can book, and what of it lies over private events (docs/platforms/wix.md 7.2).

A slot that names a staff member over an event of this member's calendar is a double booking that has not happened yet: Wix has
the event and does not keep its time free.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import structlog

from exporter.counting import Busy, Offered, offered_over
from exporter.errors import NotEntitledError, PermissionDeniedError, PollError
from exporter.limits import SLOT_SCHEDULES
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation, SlotsPart
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.busy_times import BusyTimes, BusyTimesReader
from exporter.platforms.wix.directory import ConnectionDirectory
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.probes import NOT_OPEN
from exporter.platforms.wix.settings import SlotService, WixSlots, WixTarget
from exporter.platforms.wix.slot_paging import ServiceSlotRows, SlotsReader
from exporter.platforms.wix.slot_rows import MAX_SLOT_SECONDS
from exporter.platforms.wix.staff import StaffDirectory

log = structlog.get_logger(__name__)

AHEAD_SECONDS: Final = 48 * 3600.0
"""So far ahead slots are looked at."""

SETTLED_SECONDS: Final = 900.0
"""An event counts so long after it was first seen: by then Wix keeps the time of a new one free."""

_HOUR: Final = 3600.0
_OF_ALL: Final = (PermissionDeniedError, NotEntitledError)
"""Refusals that say nothing of a service: the others need not be asked about."""

_NO_SUCH_SERVICE: Final = frozenset({"SERVICE_NOT_FOUND", "INVALID_SERVICE_IDS_PROVIDED"})


class SlotsCollector:
    """Reads the slots of the services that the configuration names, and holds them against private events.

    An event counts some minutes after it was first seen: Wix keeps the time of a new one free by then. On the first poll all of
    them count. One that is gone since the collector ``events`` saw it does not; what a provider that fails no longer tells
    stays until the data is too old.
    """

    def __init__(
        self,
        api: WixApi,
        target: WixTarget,
        settings: WixSlots,
        services: Services,
        staff: StaffDirectory,
        *,
        shared: Callable[[], BusyTimes | None],
        directory: Callable[[], ConnectionDirectory | None],
    ) -> None:
        """``shared`` gives the private events that another collector has seen in a whole poll, if it has lately.

        ``directory`` gives the connections, where they are watched: of a schedule without a working import only what was found
        is told.
        """
        self._target = target
        self._settings = settings
        self._services = services
        self._staff = staff
        self._shared = shared
        self._directory = directory
        self._slots = SlotsReader(api, services)
        self._busy = BusyTimesReader(api, target, services)
        self._picked = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._seen: dict[Busy, float] | None = None  # since when (steady)
        self._whole_at = float("-inf")  # steady
        self._unknown: set[str] = set()  # names of services
        self._is_closed = False  # for the poll that runs
        self._was_refused: frozenset[SlotsPart] = frozenset()

    async def poll(self) -> PollResult:
        now, refused = self._services.clock.time(), dict[SlotsPart, str]()
        self._is_closed = False
        schedules = await self._schedules(refused)
        shared = self._shared() if schedules else None
        busy = shared or (await self._read_busy(now, refused) if schedules else None)
        found = [await self._read_slots(service, now, refused) for service in self._settings.services]
        rows: Sequence[ScheduleSlots] = ()
        if busy is not None:
            read = [slots for slots in found if slots is not None]
            rows = await self._held_against(read, schedules, busy, refused, now, is_shared=shared is not None)
        self._was_refused = frozenset(refused)
        named = [service.name for service in self._settings.services]
        closed = self._services.policy().closed
        is_closed = any(start < now + AHEAD_SECONDS and now < end for start, end in closed)
        return PollResult(
            SlotsObservation(
                self._services.clock.steady(),
                tuple(
                    ServiceSlots(name, _number(slots, is_closed=is_closed)) for name, slots in zip(named, found, strict=True)
                ),
                tuple(rows[: SLOT_SCHEDULES.number]),
                tuple(name for name in named if name in self._unknown),
                refused,
                len(rows[SLOT_SCHEDULES.number :]),
            )
        )

    async def check(self) -> None:
        """Ask for the slots of the first service. Raises :class:`~exporter.errors.PollError` when Wix tells none of any."""
        now = self._services.clock.time()
        try:
            await self._slots.read(self._settings.services[0].id, now, now + _HOUR)
        except NOT_OPEN as refusal:
            if refusal.code not in _NO_SUCH_SERVICE:
                raise

    async def _schedules(self, refused: dict[SlotsPart, str]) -> Mapping[str, str]:
        """Return the schedule of each staff member who is watched (ids), by the resource; none where the staff is not known."""
        await self._staff.refresh(first=True)
        if self._staff.refused:
            refused[SlotsPart.STAFF] = self._staff.refused
        members, _ = self._staff.known() or ((), 0)
        watched = {one.id.lower(): one.schedule_id for one in members if one.schedule_id}
        return {
            resource: schedule for resource, schedule in watched.items() if not self._picked or schedule.lower() in self._picked
        }

    async def _read_busy(self, now: float, refused: dict[SlotsPart, str]) -> BusyTimes | None:
        try:
            return await self._busy.read(now, now + AHEAD_SECONDS + MAX_SLOT_SECONDS)
        except NOT_OPEN as refusal:
            self._note(SlotsPart.EVENTS, refusal, refused)
            return None

    async def _read_slots(self, service: SlotService, now: float, refused: dict[SlotsPart, str]) -> ServiceSlotRows | None:
        """Return the slots of ``service``, as far as Wix tells them: one that it does not know costs no other its own."""
        if self._is_closed:
            return None
        self._unknown.discard(service.name)
        try:
            return await self._slots.read(service.id, now, now + AHEAD_SECONDS)
        except NOT_OPEN as refusal:
            if refusal.code in _NO_SUCH_SERVICE:
                self._unknown.add(service.name)
            else:
                self._note(SlotsPart.SLOTS, refusal, refused)
            self._is_closed = isinstance(refusal, _OF_ALL)
            return None

    async def _held_against(
        self,
        read: Sequence[ServiceSlotRows],
        schedules: Mapping[str, str],
        busy: BusyTimes,
        refused: dict[SlotsPart, str],
        now: float,
        *,
        is_shared: bool,
    ) -> Sequence[ScheduleSlots]:
        """Return what the slots that were ``read`` say of those of ``schedules`` that they name, the worst first."""
        offered = [row for slots in read for row in slots.rows]
        keys = {resource: schedule.lower() for resource, schedule in schedules.items()}
        settled = self._settled(busy, now)
        over = await self._over(offered, keys, settled)
        if is_shared and any(over.values()):
            try:
                busy = await self._busy.confirmed(busy, now, now + AHEAD_SECONDS + MAX_SLOT_SECONDS)
            except NOT_OPEN as refusal:
                self._note(SlotsPart.EVENTS, refusal, refused)
                return ()
            over = await self._over(offered, keys, settled & busy.events if busy.whole else settled)
        whole = busy.whole and all(slots.complete for slots in read) and SlotsPart.SLOTS not in refused
        imports = self._importing(busy)
        accepted = self._services.policy().at(now).connections
        labels = {schedule.lower(): self._names.schedule(schedule) for schedule in schedules.values()}
        rows = [
            ScheduleSlots(labels[schedule], len(slots), min((slot.start for slot in slots), default=None))
            for schedule, slots in over.items()
            if labels[schedule] not in accepted and (slots or (whole and (imports is None or schedule in imports)))
        ]
        return sorted(rows, key=lambda row: (-row.over_busy, row.schedule))

    def _importing(self, busy: BusyTimes) -> Collection[str] | None:
        """Return the schedules whose events can come, or did (ids in lower case); ``None`` where nobody watches connections."""
        directory = self._directory()
        if directory is None:
            return None
        working = {schedule for (schedule, _), found in directory.importing.items() if any(one.works for one in found)}
        return working | {event.schedule for event in busy.events}

    def _settled(self, busy: BusyTimes, now: float) -> frozenset[Busy]:
        """Return those of the ``busy`` times that are not over at ``now`` and were first seen long enough ago."""
        known, is_first = self._seen or {}, self._seen is None
        if busy.whole:
            self._whole_at = busy.at
        stay = not busy.whole and busy.at - self._whole_at <= self._settings.max_age_seconds
        seen = {event: since for event, since in known.items() if stay and event.end > now}
        since = float("-inf") if is_first else busy.at
        self._seen = seen | {event: known.get(event, since) for event in busy.events}
        return frozenset(event for event, first in self._seen.items() if busy.at - first >= SETTLED_SECONDS)

    async def _over(
        self, offered: Sequence[Offered], schedules: Mapping[str, str], events: frozenset[Busy]
    ) -> Mapping[str, tuple[Offered, ...]]:
        return await off_the_loop(
            self._services.admission, len(offered) + len(events), offered_over, offered, schedules, events
        )

    def _note(self, part: SlotsPart, refusal: PollError, refused: dict[SlotsPart, str]) -> None:
        if part not in self._was_refused | refused.keys():
            log.warning("wix_slots_refused", target=self._target.name, of=part.value, **refusal.facts())
        refused.setdefault(part, refusal.message)


def _number(slots: ServiceSlotRows | None, *, is_closed: bool) -> int | None:
    """Return how many ``slots`` there are. What could not be read is not none, and none on a closed day says nothing."""
    if slots is None or (not slots.rows and (is_closed or not slots.complete)):
        return None
    return len(slots.rows)
