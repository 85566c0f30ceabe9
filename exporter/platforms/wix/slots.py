"""The collector ``slots``: what customers can book, and what of it lies over private events (docs/platforms/wix.md 7.2).

A slot that names a staff member over an event of this member's calendar is a double booking that has not happened yet: Wix has
the event and does not keep its time free.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Final

import msgspec
import structlog

from exporter.counting import Busy, Offered, offered_over
from exporter.errors import (
    InvalidResponseError,
    NotEntitledError,
    PermissionDeniedError,
    PollError,
    ServerError,
    TargetConfigError,
)
from exporter.limits import SLOT_SCHEDULES
from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation, SlotsPart
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop, report
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.busy_times import BusyTimes, BusyTimesReader
from exporter.platforms.wix.directory import ConnectionDirectory
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.probes import NOT_OPEN
from exporter.platforms.wix.settings import SlotService, WixSlots, WixTarget
from exporter.platforms.wix.settled_events import SettledEvents
from exporter.platforms.wix.slot_paging import ServiceSlotRows, SlotsReader
from exporter.platforms.wix.slot_rows import MAX_SLOT_SECONDS
from exporter.platforms.wix.staff import StaffDirectory
from exporter.private_calendar import WEEK_SECONDS

log = structlog.get_logger(__name__)

AHEAD_SECONDS: Final = 48 * 3600.0
"""So far ahead slots are looked at."""

_HOUR: Final = 3600.0
_OF_ALL: Final = (PermissionDeniedError, NotEntitledError)
"""Refusals that say nothing of a service: the others need not be asked about."""

_OF_ONE: Final = (ServerError, InvalidResponseError, TargetConfigError)
"""Failures that may be of one question alone: the others are asked all the same."""

_NO_SUCH_SERVICE: Final = frozenset({"SERVICE_NOT_FOUND", "INVALID_SERVICE_IDS_PROVIDED"})


class _Look(msgspec.Struct, frozen=True):
    """What a poll at ``at`` (steady) read of the slots of a service, and what it ``told`` of them."""

    at: float
    slots: ServiceSlotRows
    told: ServiceSlots


class SlotsCollector:
    """Reads the slots of the services that the configuration names, and holds them against private events.

    A service that cannot be read costs no other its own: what was read last of it stays until it is too old, and so do the
    private events.
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
        self._settled = SettledEvents(settings.max_age_seconds)
        self._picked = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._looks: Mapping[str, _Look] = {}  # by the name of the service
        self._unknown: set[str] = set()  # names of services
        self._is_closed = False  # for the poll that runs
        self._was_refused: frozenset[SlotsPart] = frozenset()

    async def poll(self) -> PollResult:
        now, began = self._services.clock.time(), self._services.clock.steady()
        refused, failures = dict[SlotsPart, str](), list[PollError]()
        self._is_closed = False
        schedules = await self._schedules(refused)
        shared = self._shared() if schedules else None
        busy = shared or (await self._read_busy(now, refused, failures) if schedules else None)
        looks = {service.name: await self._look(service, now, refused, failures) for service in self._settings.services}
        if failures and not any(look is not None and look.at >= began for look in looks.values()):
            raise failures[0]
        self._looks = {name: look for name, look in looks.items() if look is not None}
        rows: Sequence[ScheduleSlots] = ()
        if busy is not None:
            rows = await self._held_against(schedules, busy, refused, failures, now, is_shared=shared is not None)
        self._was_refused = frozenset(refused)
        return PollResult(
            SlotsObservation(
                self._services.clock.steady(),
                tuple(ServiceSlots(name, None) if look is None else look.told for name, look in looks.items()),
                tuple(rows[: SLOT_SCHEDULES.number]),
                tuple(name for name in looks if name in self._unknown),
                refused,
                len(rows[SLOT_SCHEDULES.number :]),
            ),
            failures[0] if failures else None,
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

    async def _read_busy(self, now: float, refused: dict[SlotsPart, str], failures: list[PollError]) -> BusyTimes | None:
        until = now + AHEAD_SECONDS + MAX_SLOT_SECONDS
        try:
            return await self._busy.read(now, until)
        except NOT_OPEN as refusal:
            self._note(SlotsPart.EVENTS, refusal, refused)
            return None
        except _OF_ONE as failure:
            failures.append(failure)
            return BusyTimes(self._services.clock.steady(), until, frozenset(), whole=False)

    async def _look(
        self, service: SlotService, now: float, refused: dict[SlotsPart, str], failures: list[PollError]
    ) -> _Look | None:
        """Return what is known of the slots of ``service``, as far as Wix tells them."""
        if self._is_closed:
            return None
        self._unknown.discard(service.name)
        try:
            return await self._read_slots(service, now)
        except NOT_OPEN as refusal:
            if refusal.code in _NO_SUCH_SERVICE:
                self._unknown.add(service.name)
            else:
                self._note(SlotsPart.SLOTS, refusal, refused)
            self._is_closed = isinstance(refusal, _OF_ALL)
            return None
        except _OF_ONE as failure:
            failures.append(failure)
            return self._last_of(service, now)

    async def _read_slots(self, service: SlotService, now: float) -> _Look:
        """Read the slots of ``service``. Where there are none soon, the first of the week tells a weekend from a fault."""
        at = self._services.clock.steady()
        slots = await self._slots.read(service.id, now, now + AHEAD_SECONDS)
        later = slots
        if slots.complete and not slots.rows:
            later = await self._slots.read(service.id, now + AHEAD_SECONDS, now + WEEK_SECONDS)
        first = min((row.start for row in later.rows), default=None)
        closed = self._services.policy().closed
        is_closed = any(start < now + WEEK_SECONDS and now < end for start, end in closed)
        is_known = first is not None or (later.complete and not is_closed)
        return _Look(at, slots, ServiceSlots(service.name, len(slots.rows) if is_known else None, first))

    def _last_of(self, service: SlotService, now: float) -> _Look | None:
        """Return what was read last of ``service`` that is not over, if that is not too long ago."""
        last = self._looks.get(service.name)
        if last is None or self._services.clock.steady() - last.at > self._settings.max_age_seconds:
            return None
        rows = tuple(row for row in last.slots.rows if row.start >= now)
        return msgspec.structs.replace(last, slots=ServiceSlotRows(rows, complete=False))

    async def _held_against(
        self,
        schedules: Mapping[str, str],
        busy: BusyTimes,
        refused: dict[SlotsPart, str],
        failures: Collection[PollError],
        now: float,
        *,
        is_shared: bool,
    ) -> Sequence[ScheduleSlots]:
        """Return what the slots that are known say of those of ``schedules`` that they name, the worst first."""
        looks = self._looks.values()
        offered = [row for look in looks for row in look.slots.rows]
        self._note_strangers(offered)
        keys = {resource: schedule.lower() for resource, schedule in schedules.items()}
        memory, at = self._services.history.events(self._target.name), self._services.clock.steady()
        if memory is not None and memory.at > at:  # of a clock that ran wrong
            memory = None
        settled = self._settled.among(busy, memory, now=now, at=at)
        over = await self._over(offered, keys, settled)
        if is_shared and any(over.values()):
            try:
                busy = await self._busy.confirmed(busy, now, now + AHEAD_SECONDS + MAX_SLOT_SECONDS)
            except NOT_OPEN as refusal:
                self._note(SlotsPart.EVENTS, refusal, refused)
                return ()
            over = await self._over(offered, keys, settled & busy.events if busy.whole else settled)
        whole = busy.whole and all(look.slots.complete for look in looks) and not failures and SlotsPart.SLOTS not in refused
        imports = self._importing(busy) if whole else frozenset[str]()
        accepted = self._services.policy().at(now).connections
        labels = {schedule.lower(): self._names.schedule(schedule) for schedule in schedules.values()}
        rows = [
            ScheduleSlots(labels[schedule], len(slots), min((slot.start for slot in slots), default=None))
            for schedule, slots in over.items()
            if labels[schedule] not in accepted and (slots or schedule in imports)
        ]
        return sorted(rows, key=lambda row: (-row.over_busy, row.schedule))

    def _importing(self, busy: BusyTimes) -> Collection[str]:
        """Return the schedules (ids in lower case) whose private events can come, or did."""
        directory = self._directory()
        importing = directory.importing.items() if directory else ()
        working = {schedule for (schedule, _), found in importing if any(one.works for one in found)}
        return working | {event.schedule for event in busy.events}

    def _note_strangers(self, offered: Sequence[Offered]) -> None:
        """Count whom the slots name and the list of the staff does not have."""
        members, unreadable = self._staff.known() or ((), 1)
        if not unreadable:
            strangers = {resource for slot in offered for resource in slot.resources} - {one.id.lower() for one in members}
            report(self._services.events, CollectorName.SLOTS, malformed=0, unrecognized={"resource": len(strangers)})

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
