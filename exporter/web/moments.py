"""Moments as ``/api/v1/status`` tells them: RFC 3339 in UTC, whole seconds."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated, Final

import msgspec

Moment = Annotated[datetime, msgspec.Meta(tz=True)]

_LATEST: Final = 253_402_300_799.0  # the last second of the year 9999


def moment_of(seconds: float) -> datetime:
    """Return a moment (Unix seconds) in UTC with whole seconds."""
    # Within what a calendar can say: one odd number of a portal must not cost the page of all targets.
    return datetime.fromtimestamp(int(min(max(seconds, 0.0), _LATEST)), UTC)


def moment_or_none(seconds: float | None) -> datetime | None:
    """Return the same of what may not be known."""
    return None if seconds is None else moment_of(seconds)
