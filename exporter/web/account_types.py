"""The types of ``/api/v1/status`` about what an account lets us spend; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

import msgspec

from exporter.web.moments import Moment


class Budget(msgspec.Struct, frozen=True, kw_only=True):
    """What an API lets us spend now: calls for ``requests``, seconds for ``operating``."""

    budget: str
    limit: float
    remaining: float


class OperatingTime(msgspec.Struct, frozen=True, kw_only=True):
    """Bitrix24 operating seconds already used by an operation."""

    operation: str
    seconds: float
    reset_at: Moment | None
