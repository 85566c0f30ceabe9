"""Which runbook belongs to what is found: the links of the board's cards."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.errors import Reason
from exporter.model import ErrorReason
from exporter.state.verdict import TABLE
from exporter.state.verdict_row import Kind

_ACCESS: Final = "BookingSyncAccessDenied"
_LIMITED: Final = "BookingSyncApiLimited"
_OWNER: Final = "BookingSyncConnectionNeedsOwner"

#: A reason is more exact than a kind.
_BY_REASON: Final[Mapping[str, str]] = {
    Reason.AUTH: _ACCESS,
    Reason.PERMISSION: _ACCESS,
    Reason.NOT_ENTITLED: _ACCESS,
    Reason.RATE_LIMITED: _LIMITED,
    Reason.OPERATING_LIMIT: _LIMITED,
    Reason.OVERLOAD: _LIMITED,
    Reason.INVALID_RESPONSE: "BookingSyncAnswersNotUnderstood",
    ErrorReason.TOKEN_REVOKED: _OWNER,
    ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED: _OWNER,
    ErrorReason.EXTERNAL_CALENDAR_DELETED: _OWNER,
}
#: Where the first alert of a kind is that of a reason, which has been looked up before.
_BY_KIND: Final[Mapping[str, str]] = {
    **{row.kind: row.alerts[0] for row in reversed(TABLE) if row.alerts},
    Kind.COLLECTOR_FAILING: "BookingSyncDataStale",
    Kind.CONNECTION_ERROR: "BookingSyncConnectionError",
}


def runbook_of(kind: str, reason: str) -> str:
    """Return the name of the runbook for what is found, that of its alert, or "" where there is none."""
    return _BY_REASON.get(reason) or _BY_KIND.get(kind, "")
