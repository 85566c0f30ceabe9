"""Some hundred targets over TLS, watched for a minute by the real process."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tests.fleet.run import Plan, run
from tests.fleet.table import table

SITES, PORTALS = 300, 30


def test_no_poll_of_a_fleet_fails_and_none_is_late_by_its_interval(tmp_path: Path) -> None:
    """It waits for real time: whether a minute's polls fit into a minute cannot be asked of a clock that is moved by hand.

    The bounds are generous, since other tests share the machine; ``tests/benchmarks/fleet.py`` measures with the same code.
    """
    minute = asyncio.run(run(Plan(SITES, PORTALS, seconds=60), tmp_path))
    print(table(minute), minute.log[-4000:], sep="\n")  # shown when the test fails
    fleet = minute.whole
    assert {} == fleet.fake["refused"]
    assert minute.page is not None, "the last scrape was not answered"
    assert {} == dict(minute.page.failures)
    assert 2 * SITES + 2 * PORTALS <= minute.page.polls
    asked = fleet.fake["targets"]
    assert {"list_connections": SITES, "count_bookings": SITES, "booking.v1.booking.list": PORTALS}.items() <= asked.items()
    assert minute.ready_seconds is not None, "never ready"
    assert minute.ready_seconds <= 30
    # No interval is shorter than a minute, and the histogram says how many polls were later than that.
    assert {"wix", "bitrix24"} == fleet.lateness.keys()
    for buckets in fleet.lateness.values():
        assert 0 < buckets[float("inf")] == max(number for bound, number in buckets.items() if bound <= 60)
    assert max(max(sample.kept_seconds, sample.new_seconds) for sample in fleet.samples) <= 5
    assert minute.exit_code == 0
    assert minute.stop_seconds <= 10
