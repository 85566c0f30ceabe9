"""The row of board B about the private calendars of a Wix site."""

from __future__ import annotations

from exporter.monitoring.dashboards.dashboard import DashboardRow
from exporter.monitoring.dashboards.panels import Json, counts, query, timeseries, top
from exporter.monitoring.promql import recent
from exporter.monitoring.rules.events import BOOKED_OVER, NOT_BLOCKED


def private_events_row(scope: str) -> DashboardRow:
    """Return the row; ``scope`` selects the target."""
    return DashboardRow("Wix only: private calendars", _panels(scope), collapsed=True)


def _panels(scope: str) -> list[Json]:
    events = recent(f'booking_sync_external_events{{{scope},connection=~"$connection",window="next_7d"}}')
    lags = recent(f'booking_sync_external_events_heartbeat_lag_seconds{{{scope},connection=~"$connection"}}')
    over_busy, open_slots = (recent(f"booking_sync_{name}{{{scope}}}") for name in ("slots_over_busy", "open_slots"))
    in_week = f'{{{scope},window="next_7d"}}'
    return [
        counts(
            "Bookings under private events",
            "Bookings of the next 7 days that an event of a private calendar overlaps: those that it should have blocked, and "
            "those over which it was put later. Anything above 0 is bad. Empty without the collector events.",
            [
                query(f"max({recent(f'{NOT_BLOCKED}{in_week}')})", "not blocked"),
                query(f"max({recent(f'{BOOKED_OVER}{in_week}')})", "booked over"),
            ],
        ),
        counts(
            "Private events by connection",
            "Events of the next 7 days that came through each connection, copies of bookings included. A line that falls to 0 "
            "and stays there points at an import that no longer works. Empty without the collector events.",
            [query(top(f"max by (connection) ({events})"), "{{connection}}")],
        ),
        counts(
            "Copies of bookings that came back",
            "Bookings of the next 7 days that were exported into a private calendar and read from it again: proof of both "
            "directions. Empty until the first one was seen; some calendars never give them back.",
            [query(f"max({recent(f'booking_sync_export_echoes{in_week}')})", "copies")],
        ),
        timeseries(
            "Delay of private events",
            "How long a heartbeat took from the hour in which a script wrote it until a poll saw it, by connection. Empty "
            "where no script writes one (late_after).",
            [query(top(f"max by (connection) ({lags})"), "{{connection}}")],
            unit="s",
        ),
        counts(
            "Slots over private events",
            "Bookable slots of the next 48 hours that name somebody over an event of that person's private calendar, by "
            "schedule. Anything above 0 is bad: each can become a double booking. Empty without the collector slots.",
            [query(top(f"max by (schedule) ({over_busy})"), "{{schedule}}")],
        ),
        counts(
            "Slots that can be booked",
            "Slots of the next 48 hours that a customer can book, by service. A line that falls to 0 says that customers find "
            "no time. Empty without the collector slots.",
            [query(top(f"max by (service) ({open_slots})"), "{{service}}")],
        ),
    ]
