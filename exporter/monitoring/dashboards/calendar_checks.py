"""The row of the board of one target that shows what no status of a connection tells."""

from __future__ import annotations

from exporter.monitoring.dashboards.panels import GREEN, YELLOW, Json, counts, query, state_timeline, top, words
from exporter.monitoring.promql import recent


def calendar_checks(scope: str) -> list[Json]:
    """Return the panels; ``scope`` selects the connections of the target."""
    of_target = scope.partition(",connection")[0]
    probe = f"max by (connection) ({recent(f'booking_sync_connection_probe_success{{{scope}}}')})"
    missing = recent(f'booking_sync_connection_import_calendars{{{scope},state="missing"}}')
    sharing = recent(f"booking_sync_connections_sharing_account{{{of_target}}}")
    protected = recent(f'booking_sync_staff{{{of_target},protection="protected"}}')
    unprotected = recent(f"booking_sync_staff_unprotected{{{of_target}}}")
    return [
        state_timeline(
            "Live probe",
            "Whether Wix could read the calendars of each connection when it was last asked, about once an hour, and ten "
            "minutes after it could not. Yellow while the status says synced is the fault that no status shows. Connections "
            "that cannot be probed are missing.",
            (12, 8),
            f"{probe} and {top(f'max_over_time(({probe})[$__range:5m] @ end())')}",
            "{{connection}}",
            mappings=words({0: ("cannot be read", YELLOW), 1: ("can be read", GREEN)}),
        ),
        counts(
            "Calendars not imported",
            "Of the calendars that a connection should import, those that no longer exist in its account; and the connections "
            "that share their account with another schedule. Anything above 0 is bad.",
            [
                query(top(f"max by (connection) ({missing})"), "{{connection}}"),
                query(f"max({sharing})", "sharing an account"),
            ],
        ),
        counts(
            "Staff without a working import",
            "Staff members who take bookings: those with a working import, and by reason those without. A reason that is there "
            "at all is bad, unless it is meant to be so: then `accepted` leaves them out.",
            [
                query(f"max({protected})", "with a working import"),
                query(f"max by (reason) ({unprotected}) > 0", "{{reason}}"),
            ],
        ),
    ]
