"""Numbers that more than one board shows, and what they say where there is nothing of the kind."""

from __future__ import annotations

from exporter.model import ConnectionStatus
from exporter.monitoring.dashboards.panels import NONE
from exporter.monitoring.promql import newest, recent
from exporter.monitoring.rules.connections import ACCEPTED, STATUS

DAYS, _HOURS = 30, 24


def healthy_share(scope: str) -> str:
    """Return the share of the live connections of ``scope`` that are not in error; no series without a live one."""
    bad, live = (recent(f"target:booking_sync_connections_{part}:sum{{{scope}}}") for part in ("bad", "live"))
    return f"1 - sum({bad}) / (sum({live}) > 0)"


def connections(scope: str, status: ConnectionStatus) -> str:
    """Return how many connections of ``scope`` have a status without being accepted as they are."""
    words = f'status="{status}"'
    listed = f"sum({recent(f'target_status:booking_sync_connections:sum{{{scope},{words}}}')})"
    accepted = f"{recent(f'{STATUS}{{{scope},{words}}}')} == 1 and ignoring (status) {recent(f'{ACCEPTED}{{{scope}}}')}"
    return f"{listed} - (count({accepted}) or 0 * {listed})"


def days_known(scope: str) -> str:
    """Return for how many of the last thirty days ``scope`` answered its scrapes; of several jobs, for the least.

    An hour is known that had one good scrape: one that failed at the full hour, where the subquery looks, changes nothing.
    """
    known = f"max by (job) (max_over_time(up{{{scope}}}[1h])) == 1"
    return f"min(ceil(count_over_time(({known})[{DAYS}d:1h]) / {_HOURS}))"


def bookings_per_hour(which: str, scope: str) -> str:
    """Return how many bookings of each target were ``discovered`` or ``vanished`` within an hour, as long as its data is shown.

    Counters stay when data is withdrawn: their increase would be a zero that nobody has measured.
    """
    available = recent(f'collector:booking_sync_data_available:max{{{scope},collector="bookings"}}')
    counted = newest(f"increase(booking_sync_bookings_{which}_total{{{scope}}}[1h])")
    return f"{counted}\nand ignoring (collector) {available} == 1"


def or_none(expression: str, scope: str, collector: str) -> str:
    """Return ``expression``; the value ``NONE`` where it has no series although no data is missing.

    As long as data of ``collector`` is withdrawn, or the exporter is not there, nothing is returned: nobody knows the number.
    """
    available = recent(f'collector:booking_sync_data_available:max{{{scope},collector="{collector}"}}')
    return f"{expression}\nor {none(scope)} unless min({available}) == 0"


def none(scope: str) -> str:
    """Return the value ``NONE`` as long as the exporter is there and has polled ``scope``.

    Recorded series begin after the raw ones and end after them, by up to an interval of the rules. Only while there are both a
    missing value is missing.
    """
    scraped = recent(f"booking_sync_collector_up{{{scope}}}")
    polled = recent(f"collector:booking_sync_collector_up:max{{{scope}}}")
    return f"{NONE} + 0 * (max({scraped}) and max({polled}))"
