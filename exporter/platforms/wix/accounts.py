"""Which connections are linked to one external account, what Wix warns against (docs/platforms/wix.md 3.2)."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.model import ConnectionStatus
from exporter.platforms.wix.connection_rows import ConnectionRow


def sharing_account(rows: Iterable[ConnectionRow]) -> frozenset[str] | None:
    """Return the keys of those of ``rows`` whose account a connection of another schedule is linked to, too.

    Several connections of one schedule are allowed to. One that is disconnected is linked to nothing. Where no row has an
    account nothing is known: ``None``.
    """
    linked = [row for row in rows if row.account and row.schedule_id and row.status is not ConnectionStatus.DISCONNECTED]
    if not linked:
        return None
    schedules: dict[bytes, set[str]] = {}
    for row in linked:
        schedules.setdefault(row.account, set()).add(row.schedule_id.lower())
    return frozenset(row.key for row in linked if len(schedules[row.account]) > 1)
