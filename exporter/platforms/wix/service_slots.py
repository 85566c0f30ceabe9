"""The slots of each service that the configuration names, as they were read last (docs/platforms/wix.md 7.2)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

import msgspec

from exporter.counting import Offered
from exporter.errors import (
    InvalidResponseError,
    NetworkError,
    NotEntitledError,
    PermissionDeniedError,
    PollError,
    PollTimeoutError,
    ServerError,
    TargetConfigError,
)
from exporter.open_slots import ServiceSlots
from exporter.platforms.base import Services
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.probes import NOT_OPEN
from exporter.platforms.wix.settings import SlotService, WixSlots
from exporter.platforms.wix.slot_paging import ServiceSlotRows, SlotsReader
from exporter.private_calendar import WEEK_SECONDS

AHEAD_SECONDS: Final = 48 * 3600.0
"""So far ahead slots are looked at."""

CLOSED_SECONDS: Final = 3 * 86_400.0
"""Of a service without slots nothing is told while so much of the week is closed."""

OF_ONE: Final = (ServerError, InvalidResponseError, TargetConfigError, PollTimeoutError, NetworkError)
"""Failures that may be of one question alone: the others are asked all the same."""

MAX_FAILURES: Final = 3
"""After so many services that could not be read the others wait for the next poll."""

_HOUR: Final = 3600.0
_OF_THE_WAY: Final = (PollTimeoutError, NetworkError)
_OF_ALL: Final = (PermissionDeniedError, NotEntitledError)
"""Refusals that say nothing of a service: the others need not be asked about."""

_NO_SUCH_SERVICE: Final = frozenset({"SERVICE_NOT_FOUND", "INVALID_SERVICE_IDS_PROVIDED"})


class Look(msgspec.Struct, frozen=True):
    """What a poll at ``at`` (steady) read of the slots of a service, and what it ``told`` of them."""

    at: float
    slots: ServiceSlotRows
    told: ServiceSlots


class OfferedNow(msgspec.Struct, frozen=True):
    """What is known of the slots: what is ``told`` of each service, and ``unknown`` names of services.

    Those of ``fresh`` services were read now, those of ``stale`` ones earlier. ``whole`` says that none is missing.
    """

    told: tuple[ServiceSlots, ...]
    unknown: tuple[str, ...]
    fresh: tuple[Offered, ...]
    stale: tuple[Offered, ...]
    whole: bool


class ServiceSlotsReader:
    """Reads the slots of all services. What was read of one that cannot be read now stays until it is too old."""

    def __init__(self, api: WixApi, settings: WixSlots, services: Services) -> None:
        self._settings = settings
        self._services = services
        self._slots = SlotsReader(api, services)
        self._looks: Mapping[str, Look] = {}  # by the name of the service
        self._asked: dict[str, float] = {}  # when a service was asked about last (steady)

    async def check(self) -> None:
        """Ask for the slots of the first service. Raises :class:`~exporter.errors.PollError` when Wix tells none of any."""
        now = self._services.clock.time()
        try:
            await self._slots.read(self._settings.services[0].id, now, now + _HOUR)
        except NOT_OPEN as refusal:
            if refusal.code not in _NO_SUCH_SERVICE:
                raise

    async def read(self, now: float, failures: list[PollError]) -> OfferedNow:
        """Return what is known at ``now``, having asked about each service, least lately asked first.

        What goes wrong with some is added to ``failures``. Raises :class:`~exporter.errors.PollError` for a refusal of all, and
        when none could be read.
        """
        began = self._services.clock.steady()
        looks: dict[str, Look] = {}
        unknown: set[str] = set()
        failed: list[PollError] = []
        for service in sorted(self._settings.services, key=lambda one: self._asked.get(one.name, float("-inf"))):
            if not _gives_up(failed):
                self._asked[service.name] = self._services.clock.steady()
                try:
                    looks[service.name] = await self._look(service, now)
                except _OF_ALL:
                    raise
                except (*NOT_OPEN, *OF_ONE) as failure:
                    if failure.code in _NO_SUCH_SERVICE:
                        unknown.add(service.name)
                        continue
                    failed.append(failure)
            if service.name not in looks and (last := self._last_of(service, now)):
                looks[service.name] = last
        if failed and not any(look.at >= began for look in looks.values()):
            raise failed[0]
        failures += failed
        self._looks = looks
        names = [service.name for service in self._settings.services]
        return OfferedNow(
            tuple(looks[name].told if name in looks else ServiceSlots(name, None) for name in names),
            tuple(name for name in names if name in unknown),
            tuple(row for look in looks.values() if look.at >= began for row in look.slots.rows),
            tuple(row for look in looks.values() if look.at < began for row in look.slots.rows),
            not failed and all(look.slots.complete for look in looks.values()),
        )

    async def _look(self, service: SlotService, now: float) -> Look:
        """Read the slots of ``service``. Where there are none soon, the first of the week tells a weekend from a fault."""
        at = self._services.clock.steady()
        slots = await self._slots.read(service.id, now, now + AHEAD_SECONDS)
        later = slots
        if slots.complete and not slots.rows:
            later = await self._slots.read(service.id, now + AHEAD_SECONDS, now + WEEK_SECONDS)
        first = min((row.start for row in later.rows), default=None)
        is_closed = _closed_seconds(self._services.policy().closed, now, now + WEEK_SECONDS) >= CLOSED_SECONDS
        is_known = first is not None or (later.complete and not is_closed)
        return Look(at, slots, ServiceSlots(service.name, len(slots.rows) if is_known else None, first))

    def _last_of(self, service: SlotService, now: float) -> Look | None:
        """Return what was read last of ``service`` that is not over, if that is not too long ago."""
        last = self._looks.get(service.name)
        if last is None or self._services.clock.steady() - last.at > self._settings.max_age_seconds:
            return None
        rows = tuple(row for row in last.slots.rows if row.start >= now)
        return msgspec.structs.replace(last, slots=ServiceSlotRows(rows, complete=False))


def _gives_up(failed: Sequence[PollError]) -> bool:
    return len(failed) >= MAX_FAILURES or any(isinstance(one, _OF_THE_WAY) or one.retry_after for one in failed)


def _closed_seconds(closed: Sequence[tuple[float, float]], start: float, end: float) -> float:
    return sum(max(0.0, min(until, end) - max(since, start)) for since, until in closed)
