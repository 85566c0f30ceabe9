"""The row of the board of one target about its pairs: bookings and their owners' own calendars."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.dashboards.dashboard import DashboardRow
from exporter.monitoring.dashboards.panels import (
    GREEN,
    NEUTRAL,
    RED,
    Json,
    counts,
    query,
    state_timeline,
    timeseries,
    top,
    words,
)
from exporter.monitoring.promql import recent, total

_EVERY_POLL: Final = "5m"


def pairs_row(scope: str) -> DashboardRow:
    """Return the row; ``scope`` selects the target."""
    return DashboardRow("Pairs: bookings in their owners' own calendars", _panels(scope), collapsed=True)


def _panels(scope: str) -> list[Json]:
    job = scope.partition(",")[0]
    own = f"max by (pair) ({recent(f'booking_sync_pair_info{{{scope}}}')})"

    def of_pair(series: str, more: str = "", besides: str = "") -> str:
        found = recent(f"booking_sync_{series}{{{job}{more}}}")
        return top(f"max by (pair) ({found}) and on (pair) {own}{besides}")

    def state_of(number: int, state: str) -> str:
        one = recent(f'booking_sync_proof_state{{{job},state="{state}"}}')
        return f"{number} * (max by (pair) ({one} == 1) and on (pair) {own})"

    # What a pair misses that learns proves nothing, and would hide what another really misses.
    judged = f" unless on (pair) {state_of(1, 'learning')}"
    seen = total(f"increase(booking_sync_proof_lag_seconds_bucket{{{job}}}[$__range])")
    lags = f"sum by (pair, le) ({seen}) and on (pair) {own}"
    arrive = timeseries(
        "How long bookings take to arrive",
        "The median time from when a booking was first seen on the platform until it was first seen in its owner's "
        "calendar, over the shown range, by pair. It is as fine as the polls and the buckets; the "
        "status board has that of the last 7 days to the second. Empty while none was seen to arrive.",
        [query(top(f"histogram_quantile(0.5, {lags}) >= 0"), "{{pair}}")],
        unit="s",
    )
    return [
        state_timeline(
            "Pairs",
            "Whether the bookings of each pair arrive in its owner's calendar: proved, broken while one is missing, or "
            "learning while too little was seen to judge. Gaps are times without fresh data of both ends.",
            (12, 8),
            top("\n  or on (pair) ".join((state_of(2, "broken"), state_of(1, "proved"), f"0 * {state_of(1, 'learning')}"))),
            "{{pair}}",
            mappings=words({0: ("learning", NEUTRAL), 1: ("proved", GREEN), 2: ("broken", RED)}),
        ),
        counts(
            "Bookings missing in the calendar",
            "Bookings of the next 7 days that are not in their owner's calendar, by pair. Anything above 0 is bad. Without "
            "pairs that are learning. Empty where no pair is configured.",
            [query(of_pair("proof_bookings", ',window="next_7d",state="missing"', judged), "{{pair}}")],
        ),
        counts(
            "Cancelled and still in the calendar",
            "Times that are still busy in the owner's calendar although their booking was cancelled, by pair. Anything above 0 "
            "is bad. Empty where no pair is configured.",
            [query(of_pair("proof_left_behind"), "{{pair}}")],
        ),
        counts(
            "Busy and unknown to the platform",
            "Busy times of the owner's calendar that the booking platform does not know, by pair: customers can book them. "
            "Empty where the platform has no import, or it is not checked.",
            [query(of_pair("proof_imports", ',state="missing"'), "{{pair}}")],
        ),
        {**arrive, "interval": _EVERY_POLL},
    ]
