"""What a portal has: its resources with their types, by id and name (bitrix24.md 3.1).

Both lists are documented for any user whose credential has the scope ``booking``:
https://github.com/bitrix24/b24restdocs, ``api-reference/booking/resource/booking-v1-resource-list.md`` and
``api-reference/booking/resource/resource-type/booking-v1-resourcetype-list.md``. They page as the list of bookings does.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from typing import Final

from exporter.errors import TargetConfigError
from exporter.limits import LISTED
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24.advice import ADVICE
from exporter.platforms.bitrix24.answers import Reply, Resource, RowPage
from exporter.platforms.bitrix24.api import LIST_RESOURCE_TYPES, LIST_RESOURCES, Api
from exporter.platforms.bitrix24.batching import MAX_COMMANDS, Batcher
from exporter.platforms.bitrix24.paging import Pager
from exporter.platforms.inventory import Gaps, Inventory, Listing, SuggestedNames

_NONE: Final[tuple[Sequence[Resource], int]] = ((), 0)


async def read_inventory(api: Api) -> Inventory:
    """Read what the portal has. What cannot be read is a gap, and the rest comes all the same."""
    gaps = Gaps(ADVICE)
    resources, odd = await gaps.read("resources", _reader(api, LIST_RESOURCES, decode.resources), _NONE)
    gaps.odd("resources", odd)
    types, odd = await gaps.read("resource types", _reader(api, LIST_RESOURCE_TYPES, decode.resource_types), _NONE)
    gaps.odd("resource types", odd)
    kinds = {kind.id: kind.name for kind in types}
    rows = tuple((one.id, one.name, kinds.get(one.type_id) or one.type_id) for one in resources)
    names = SuggestedNames("resource_aliases", tuple((one.id, one.name) for one in resources))
    return Inventory((Listing("resources", ("id", "name", "type"), rows),), (names,), gaps.found)


def _reader(
    api: Api, method: str, read: Callable[[Reply], RowPage[Resource]]
) -> Callable[[], Awaitable[tuple[Sequence[Resource], int]]]:
    pager = Pager(api, Batcher(api, MAX_COMMANDS), method, read, max_rows=LISTED.number, too_many=lambda: _too_many(method))
    return lambda: pager.read_all({})


def _too_many(method: str) -> TargetConfigError:
    return TargetConfigError(f"{method} has more than {LISTED}")
