"""Names of resources, read once an hour: they change rarely (bitrix24.md 3.1)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.errors import TargetConfigError
from exporter.limits import PORTAL_RESOURCES
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24.answers import Resource
from exporter.platforms.bitrix24.api import LIST_RESOURCES, Api
from exporter.platforms.bitrix24.batching import MAX_COMMANDS, Batcher
from exporter.platforms.bitrix24.paging import Pager

REFRESH_SECONDS: Final = 3600.0
_LETTERS: Final = 50  # of a name count for one more resource: all names are kept


class ResourceNames:
    """The portal's resources by id, as last read; ``complete`` says that it was read, and that no row had to be left out."""

    def __init__(self, api: Api, services: Services) -> None:
        self.names: Mapping[str, str] = {}
        self.complete = False
        self._services = services
        self._pager = Pager(
            api,
            Batcher(api, MAX_COMMANDS),
            LIST_RESOURCES,
            decode.resources,
            max_rows=PORTAL_RESOURCES.number,
            too_many=_too_many,
            weigh=_weigh,
        )
        self._due = float("-inf")

    async def refresh(self) -> None:
        """Read them again when they are an hour old. Raises :class:`~exporter.errors.PollError`; the old ones stay then."""
        now = self._services.clock.monotonic()
        if now < self._due:
            return
        rows, malformed = await self._pager.read_all({})
        if malformed:
            self._services.events.malformed_rows(CollectorName.BOOKINGS, malformed)
        self.names = {resource.id: resource.name for resource in rows}
        self.complete = not malformed
        self._due = now + REFRESH_SECONDS


def _weigh(resources: Sequence[Resource]) -> list[int]:
    return [1 + len(resource.name) // _LETTERS for resource in resources]


def _too_many() -> TargetConfigError:
    return TargetConfigError(f"the portal has more than {PORTAL_RESOURCES}: switch per_resource off")
