"""Some hundred targets over TLS, polled for a minute by the real process: with a core of its own, and with a third of one."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fleet.run import Plan, run
from tests.fleet.table import table

SITES, PORTALS = 300, 30


@pytest.mark.waits
async def test_no_poll_of_a_fleet_fails_and_none_is_late_by_its_interval(tmp_path: Path) -> None:
    """It waits for real time: whether a minute's polls fit into a minute cannot be asked of a clock that is moved by hand.

    The bounds are generous, since other tests share the machine; ``tests/benchmarks/fleet.py`` measures with the same code.
    """
    minute = await run(Plan(SITES, PORTALS, seconds=60), tmp_path)
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
    assert 0 == minute.exit_code
    assert minute.stop_seconds <= 10


@contextlib.contextmanager
def busy(core: int, processes: int) -> Iterator[None]:
    """Keep ``core`` busy with ``processes`` that want all of it, for two minutes at most."""
    work = f"""
import os, time
os.sched_setaffinity(0, {{{core}}})
end = time.monotonic() + 120
while time.monotonic() < end:
    pass
"""
    started = [subprocess.Popen([sys.executable, "-c", work]) for _ in range(processes)]
    try:
        yield
    finally:
        for process in started:
            process.kill()
            process.wait()


@pytest.mark.waits
async def test_a_cold_start_with_a_third_of_a_core_blames_no_platform(tmp_path: Path) -> None:
    """500 targets that answer at once, and a machine that has no time for them: they are late, and none is called dead."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        pytest.skip("needs a core for the platforms beside that of the exporter")
    with busy(cores[1], 2):
        start = await run(Plan(470, 30, seconds=40, cores=(cores[0], cores[1])), tmp_path)
    print(table(start), start.log[-4000:], sep="\n")  # shown when the test fails
    assert start.page is not None, "the last scrape was not answered"
    assert {} == dict(start.page.failures)
    assert start.page.polls >= 500
