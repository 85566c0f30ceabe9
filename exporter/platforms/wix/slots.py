"""The collector ``slots``: what customers can book, and what of it lies over private events (docs/platforms/wix.md 7.2).

A slot that names a staff member over an event of this member's calendar is a double booking that has not happened yet: Wix has
the event and does not keep its time free.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence

import msgspec
import structlog

from exporter.counting import Busy, Offered, offered_over
from exporter.errors import PollError
from exporter.limits import SLOT_SCHEDULES
from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, SlotsObservation, SlotsPart
from exporter.platforms.base import PollResult, Services
from exporter.platforms.decoding import off_the_loop, report
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.busy_times import BusyTimes, BusyTimesReader
from exporter.platforms.wix.directory import ConnectionDirectory
from exporter.platforms.wix.naming import ConnectionNames
from exporter.platforms.wix.probes import NOT_OPEN
from exporter.platforms.wix.service_slots import AHEAD_SECONDS, OF_ONE, OfferedNow, ServiceSlotsReader
from exporter.platforms.wix.settings import WixSlots, WixTarget
from exporter.platforms.wix.settled_events import Settled, SettledEvents
from exporter.platforms.wix.slot_rows import MAX_SLOT_SECONDS
from exporter.platforms.wix.staff import StaffDirectory

log = structlog.get_logger(__name__)


class _Troubles(msgspec.Struct, frozen=True):
    """What a poll may not read, and what it could not."""

    refused: dict[SlotsPart, str] = msgspec.field(default_factory=dict)
    failures: list[PollError] = msgspec.field(default_factory=list)


class SlotsCollector:
    """Reads the slots of the services that the configuration names, and holds them against private events.

    A part that cannot be read costs no other its own. What was told stays then until it is too old; what is new has to be
    seen by one poll at both ends.
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
        self._services = services
        self._staff = staff
        self._shared = shared
        self._directory = directory
        self._slots = ServiceSlotsReader(api, settings, services)
        self._busy = BusyTimesReader(api, target, services)
        self._settled = SettledEvents(settings.max_age_seconds)
        self._picked = frozenset(schedule.lower() for schedule in target.schedule_ids)
        self._names = ConnectionNames(target.aliases)
        self._told: Mapping[str, frozenset[Offered]] = {}  # which lay over private events, by the schedule
        self._was_refused: frozenset[SlotsPart] = frozenset()

    async def poll(self) -> PollResult:
        now, troubles = self._services.clock.time(), _Troubles()
        schedules = await self._schedules(troubles)
        shared = self._shared() if schedules else None
        busy = shared or (await self._read_busy(now, troubles) if schedules else None)
        offered = await self._slots.read(now, troubles.failures)
        self._note_strangers(offered.fresh)
        rows: Sequence[ScheduleSlots] = ()
        if busy is not None:
            rows = await self._held_against(offered, schedules, busy, troubles, now, is_shared=shared is not None)
        self._was_refused = frozenset(troubles.refused)
        return PollResult(
            SlotsObservation(
                self._services.clock.steady(),
                offered.told,
                tuple(rows[: SLOT_SCHEDULES.number]),
                offered.unknown,
                troubles.refused,
                len(rows[SLOT_SCHEDULES.number :]),
            ),
            troubles.failures[0] if troubles.failures else None,
        )

    async def check(self) -> None:
        """Ask for the slots of the first service. Raises :class:`~exporter.errors.PollError` when Wix tells none of any."""
        await self._slots.check()

    async def _schedules(self, troubles: _Troubles) -> Mapping[str, str]:
        """Return the schedule of each staff member who is watched (ids), by the resource; none where the staff is not known."""
        await self._staff.refresh(first=True)
        known = self._staff.known()
        if self._staff.refused:
            troubles.refused[SlotsPart.STAFF] = self._staff.refused
        elif known is None and self._staff.failure is not None:
            troubles.failures.append(self._staff.failure)
        watched = {one.id.lower(): one.schedule_id for one in (known or ((), 0))[0] if one.schedule_id}
        return {
            resource: schedule for resource, schedule in watched.items() if not self._picked or schedule.lower() in self._picked
        }

    async def _read_busy(self, now: float, troubles: _Troubles) -> BusyTimes | None:
        until = now + AHEAD_SECONDS + MAX_SLOT_SECONDS
        try:
            return await self._busy.read(now, until)
        except NOT_OPEN as refusal:
            self._note(SlotsPart.EVENTS, refusal, troubles)
            return None
        except OF_ONE as failure:
            troubles.failures.append(failure)
            return BusyTimes(self._services.clock.steady(), until, frozenset(), whole=False)

    async def _held_against(
        self,
        offered: OfferedNow,
        schedules: Mapping[str, str],
        busy: BusyTimes,
        troubles: _Troubles,
        now: float,
        *,
        is_shared: bool,
    ) -> Sequence[ScheduleSlots]:
        """Return what the slots that are ``offered`` say of those of ``schedules`` that they name, the worst first."""
        keys = {resource: schedule.lower() for resource, schedule in schedules.items()}
        memory, at = self._services.history.events(self._target.name), self._services.clock.steady()
        if memory is not None and memory.at > at:  # of a clock that ran wrong
            memory = None
        settled = self._settled.among(busy, memory, now=now, at=at)
        over = await self._over(offered, keys, settled)
        if is_shared and any(over.values()):
            confirmed = await self._confirmed(busy, now, troubles)
            if confirmed is None:
                return ()
            busy = confirmed
            over = await self._over(offered, keys, settled.confirmed(confirmed))
        self._told = {schedule: frozenset(slots) for schedule, slots in over.items()}
        whole = busy.whole and offered.whole and not troubles.failures
        imports = self._importing(busy) if whole else frozenset[str]()
        accepted = self._services.policy().at(now).connections
        labels = {schedule.lower(): self._names.schedule(schedule) for schedule in schedules.values()}
        rows = [
            ScheduleSlots(labels[schedule], len(slots), min((slot.start for slot in slots), default=None))
            for schedule, slots in over.items()
            if labels[schedule] not in accepted and (slots or schedule in imports)
        ]
        return sorted(rows, key=lambda row: (-row.over_busy, row.schedule))

    async def _confirmed(self, busy: BusyTimes, now: float, troubles: _Troubles) -> BusyTimes | None:
        """Return what of the ``busy`` times, which another collector saw some minutes ago, is still there."""
        try:
            return await self._busy.confirmed(busy, now, now + AHEAD_SECONDS + MAX_SLOT_SECONDS)
        except NOT_OPEN as refusal:
            self._note(SlotsPart.EVENTS, refusal, troubles)
            return None
        except OF_ONE as failure:
            troubles.failures.append(failure)
            return BusyTimes(busy.at, busy.until, frozenset(), whole=False)

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
        self, offered: OfferedNow, schedules: Mapping[str, str], settled: Settled
    ) -> Mapping[str, Sequence[Offered]]:
        """Return by the schedule which slots lie over private events. Of what was not read now those that were told count."""
        found = await self._lying_over(offered.fresh, schedules, settled.seen)
        over = {schedule: list(slots) for schedule, slots in found.items()}
        is_partly_old = bool(offered.stale or settled.missed)
        for rows, known in ((offered.fresh, found), (offered.stale, {})) if is_partly_old else ():
            for schedule, slots in (await self._lying_over(rows, schedules, settled.seen | settled.missed)).items():
                told = self._told.get(schedule, frozenset()) - frozenset(known.get(schedule, ()))
                over.setdefault(schedule, []).extend(slot for slot in slots if slot in told)
        return over

    async def _lying_over(
        self, offered: Sequence[Offered], schedules: Mapping[str, str], events: frozenset[Busy]
    ) -> Mapping[str, Sequence[Offered]]:
        size = len(offered) + len(events)
        return await off_the_loop(self._services.admission, size, offered_over, offered, schedules, events)

    def _note(self, part: SlotsPart, refusal: PollError, troubles: _Troubles) -> None:
        if part not in self._was_refused | troubles.refused.keys():
            log.warning("wix_slots_refused", target=self._target.name, of=part.value, **refusal.facts())
        troubles.refused.setdefault(part, refusal.message)
