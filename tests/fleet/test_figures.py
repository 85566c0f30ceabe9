"""How the fleet's figures are worked out from pages and records."""

from __future__ import annotations

import math

from tests.fleet.page import PageNumbers
from tests.fleet.stretches import lateness_between, within

PAGE = """\
# HELP booking_sync_event_loop_lag_seconds How late the event loop woke a short sleep.
booking_sync_event_loop_lag_seconds 0.25
booking_sync_poll_lateness_seconds_bucket{platform="wix",le="0.5"} 90.0
booking_sync_poll_lateness_seconds_bucket{platform="wix",le="2.5"} 100.0
booking_sync_poll_lateness_seconds_bucket{platform="wix",le="+Inf"} 100.0
booking_sync_collector_polls_total{target="a",platform="wix",collector="connections"} 7.0
booking_sync_collector_polls_total{target="b",platform="wix",collector="connections"} 8.0
booking_sync_collector_failures_total{target="a",platform="wix",collector="connections",reason="timeout"} 2.0
booking_sync_collector_failures_total{target="b",platform="wix",collector="connections",reason="network"} 0.0
"""


def page(at: float, text: str = PAGE) -> PageNumbers:
    numbers = PageNumbers(at)
    for line in text.splitlines():
        numbers.read(line)
    return numbers


def test_a_page_tells_lag_lateness_polls_and_failures_that_happened() -> None:
    found = page(60)
    assert found.lag_seconds == 0.25
    assert {"wix": {0.5: 90.0, 2.5: 100.0, math.inf: 100.0}} == found.lateness
    assert found.polls == 15
    assert {"timeout": 2} == found.failures


def test_lateness_between_two_moments_is_what_the_histogram_gained() -> None:
    pages = [page(60), page(120), page(180, PAGE.replace("90.0", "130.0").replace("100.0", "150.0"))]
    assert {"wix": {0.5: 40.0, 2.5: 50.0, math.inf: 50.0}} == lateness_between(pages, 120, 180)
    assert {"wix": {0.5: 130.0, 2.5: 150.0, math.inf: 150.0}} == lateness_between(pages, 0, 180)


def test_a_share_of_the_polls_is_named_by_the_smallest_bucket_that_holds_it() -> None:
    buckets = {0.5: 90.0, 2.5: 100.0, math.inf: 100.0}
    assert [0.5, 2.5, 2.5] == [within(buckets, share) for share in (0.5, 0.99, 1.0)]
