"""Where the project's documents are, by the package's own metadata: links of the board for people, never loaded by it."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import metadata
from typing import Final
from urllib.parse import urljoin

from exporter.errors import Reason
from exporter.model import ErrorReason
from exporter.state.findings import Kind

_PACKAGE: Final = "booking-sync-exporter"
_BESIDE: Final = "Changelog"  # the one address of the metadata that lies in the project's own tree

#: Runbooks by what is broken. A reason is more exact than a kind.
RUNBOOKS: Final[Mapping[str, str]] = {
    Reason.AUTH: "bookingsyncaccessdenied",
    Reason.PERMISSION: "bookingsyncaccessdenied",
    Reason.NOT_ENTITLED: "bookingsyncaccessdenied",
    Reason.RATE_LIMITED: "bookingsyncapilimited",
    Reason.OPERATING_LIMIT: "bookingsyncapilimited",
    Reason.OVERLOAD: "bookingsyncapilimited",
    Reason.INVALID_RESPONSE: "bookingsyncanswersnotunderstood",
    ErrorReason.TOKEN_REVOKED: "bookingsyncconnectionneedsowner",
    ErrorReason.EXTERNAL_CALENDAR_CREATION_FAILED: "bookingsyncconnectionneedsowner",
    ErrorReason.EXTERNAL_CALENDAR_DELETED: "bookingsyncconnectionneedsowner",
    Kind.COLLECTOR_FAILING: "bookingsyncdatastale",
    Kind.DATA_EXPIRED: "bookingsyncdataexpired",
    Kind.CONNECTIONS_DOWN: "bookingsyncallconnectionsfailing",
    Kind.PROVIDER_FAILING: "bookingsyncproviderdown",
    Kind.CONFLICT: "bookingsyncdoublebooking",
    Kind.CONNECTION_ERROR: "bookingsyncconnectionerror",
    Kind.CONNECTION_DISCONNECTED: "bookingsyncconnectiondisconnected",
    Kind.CONNECTION_STUCK: "bookingsyncconnectionstuck",
    Kind.UNLINKED_BOOKINGS: "bookingsyncunlinkedbookings",
    Kind.INTAKE_SILENT: "bookingsyncintakesilent",
    Kind.WINDOW_INCOMPLETE: "bookingsyncwindowincomplete",
    Kind.LINKS_UNVERIFIED: "bookingsynclinksunverified",
    Kind.CREDENTIAL_EXPIRY: "bookingsynccredentialexpiring",
    Kind.RELOAD_REFUSED: "bookingsyncconfigreloadfailed",
}


def document_of(path: str) -> str:
    """Return the address of the document ``path`` of the project's folder ``docs``, or "" where nobody knows it."""
    return urljoin(folder, path) if (folder := _folder()) else ""


def runbook_of(kind: str, reason: str) -> str:
    """Return the address of the runbook for what is broken, or "" where there is none."""
    name = RUNBOOKS.get(reason) or RUNBOOKS.get(kind)
    return document_of(f"runbooks/{name}.md") if name else ""


@cache
def _folder() -> str:
    try:
        addresses = metadata.metadata(_PACKAGE).get_all("Project-URL") or []
    except metadata.PackageNotFoundError:
        return ""
    known = dict(address.split(", ", 1) for address in addresses)
    return urljoin(known[_BESIDE], "docs/") if known.get(_BESIDE, "").startswith("https://") else ""
