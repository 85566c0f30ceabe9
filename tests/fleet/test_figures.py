"""How the fleet's figures are worked out from pages and records."""

from __future__ import annotations

import math
from collections import Counter

import pytest

from tests.benchmarks import fleet, goals
from tests.benchmarks.figures import MET, MISSED, NOT_RUN, Goal
from tests.fleet.page import Buckets, PageNumbers
from tests.fleet.processes import FakeReport
from tests.fleet.run import Plan, Run, Storage, failures_told
from tests.fleet.scraper import Scrape
from tests.fleet.stretches import START, STOPPED, Stretch, lateness_between, stretches, within
from tests.fleet.table import table
from tests.fleet.vitals import Process, Vitals
from tests.fleet.watch import Sample

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
    assert 0.25 == found.lag_seconds
    assert {"wix": {0.5: 90.0, 2.5: 100.0, math.inf: 100.0}} == found.lateness
    assert 15 == found.polls
    assert {"timeout": 2} == found.failures


def test_lateness_between_two_moments_is_what_the_histogram_gained() -> None:
    pages = [page(60), page(120), page(180, PAGE.replace("90.0", "130.0").replace("100.0", "150.0"))]
    assert {"wix": {0.5: 40.0, 2.5: 50.0, math.inf: 50.0}} == lateness_between(pages, 120, 180)
    assert {"wix": {0.5: 130.0, 2.5: 150.0, math.inf: 150.0}} == lateness_between(pages, 0, 180)


def test_a_share_of_the_polls_is_named_by_the_smallest_bucket_that_holds_it() -> None:
    buckets = {0.5: 90.0, 2.5: 100.0, math.inf: 100.0}
    assert [0.5, 2.5, 2.5] == [within(buckets, share) for share in (0.5, 0.99, 1.0)]


def test_a_run_is_divided_by_readiness_and_by_the_minute_in_which_it_was_stopped() -> None:
    assert [(START, 0, 100), ("steady", 100, 600), ("whole run", 0, 600)] == stretches(600, ready=40, stop=None)
    assert [
        (START, 0, 100),
        ("before the stop", 100, 300),
        (STOPPED, 300, 420),
        ("after it", 420, 600),
        ("whole run", 0, 600),
    ] == stretches(600, ready=40, stop=(300, 60))
    assert [(STOPPED, 300, 420), ("after it", 420, 600), ("whole run", 0, 600)] == stretches(600, ready=None, stop=(300, 60))
    assert [("whole run", 0, 600)] == stretches(600, ready=None, stop=None)
    assert [(START, 0, 20), (STOPPED, 20, 75), ("whole run", 0, 75)] == stretches(75, ready=16, stop=(20, 10)), (
        "a run that ends before the interval is over has nothing after it"
    )


def test_a_failure_is_of_the_stretch_in_which_the_log_tells_of_it() -> None:
    log = [
        {"event": "poll_failed", "reason": "timeout", "time": "2026-11-28T22:00:10.000000Z"},
        {"event": "poll_partly_failed", "reason": "network", "time": "2026-11-28T22:00:20.000000Z"},
        {"event": "poll_recovered", "time": "2026-11-28T22:00:20.000000Z"},
    ]
    ten = 1795903210.0
    assert {"timeout": 1} == failures_told(log, ten, ten + 10)
    assert {"timeout": 1, "network": 1} == failures_told(log, ten, ten + 11)


ONE_SECOND: Buckets = {0.25: 9.0, 1.0: 10.0, math.inf: 10.0}
ONE_MINUTE: Buckets = {0.25: 9.0, 1.0: 9.0, 60.0: 10.0, math.inf: 10.0}


def stretch(name: str, since: float, until: float, lateness: Buckets, share: float = 0.3, *, up: bool = True) -> Stretch:
    fake = FakeReport(
        requests=100, operations={}, targets={}, intervals={}, refused={}, connections_opened=9, connections_most=5
    )
    looks = [Vitals(at, Process(at * share, 400 + at / 10), Process(at, 50), Process(at, 900)) for at in (since, until)]
    scrape = Scrape(since, up=up and name != STOPPED, seconds=4.0, samples=1_000_000)
    return Stretch(name, since, until, [Sample(since, 0.001, 0.002)], looks, fake, 0.1, {"wix": lateness}, [scrape], Counter())


def whole_run(late: Buckets, failed: Counter[str], share: float = 0.3, *, up: bool = True) -> Run:
    run = Run(fleet.WHOLE, ready_seconds=40, reload_seconds=1.5, storage=Storage(900, 50, 1_000_004), peak_mib=460)
    run.page = PageNumbers(600, polls=1000, failures=failed, size=100_000_000)
    run.stretches = [
        stretch(START, 0, 100, ONE_MINUTE),
        stretch("before the stop", 100, 300, ONE_SECOND),
        stretch(STOPPED, 300, 420, ONE_MINUTE),
        stretch("after it", 420, 600, late, up=up),
        stretch("whole run", 0, 600, ONE_MINUTE, share),
    ]
    return run


@pytest.mark.parametrize(
    ("run", "missed"),
    [
        (whole_run(ONE_SECOND, Counter()), set()),
        (whole_run(ONE_MINUTE, Counter()), {goals.FLEET_LATE}),
        (whole_run(ONE_SECOND, Counter(timeout=1)), {goals.FLEET_FAILED}),
        (whole_run(ONE_SECOND, Counter(), share=0.41), {goals.FLEET_CPU}),
        (whole_run(ONE_SECOND, Counter(), up=False), {goals.FLEET_SCRAPED}),
    ],
)
def test_a_whole_run_is_held_to_its_goals_and_late_counts_outside_of_start_and_stop(run: Run, missed: set[Goal]) -> None:
    held = {figure.goal: figure.verdict for figure in fleet.figures_of(run) if figure.goal}
    assert {goal for goal in goals.GOALS if goal.benchmark == "fleet"} == held.keys()
    assert {goal: MISSED if goal in missed else MET for goal in held} == held


def test_what_a_run_does_not_tell_is_no_success() -> None:
    run = whole_run(ONE_SECOND, Counter())
    run.page, run.stretches = None, run.stretches[-1:]  # never ready
    held = {figure.goal: figure.verdict for figure in fleet.figures_of(run) if figure.goal}
    assert NOT_RUN == held[goals.FLEET_FAILED] == held[goals.FLEET_LATE] == held[goals.FLEET_SCRAPED]


def test_a_smaller_run_is_held_to_nothing() -> None:
    run = whole_run(ONE_SECOND, Counter())
    run.plan = Plan(20, 3, 60)
    assert not any(figure.goal for figure in fleet.figures_of(run))


def test_the_table_has_a_column_for_each_stretch() -> None:
    header, _, *rows = table(whole_run(ONE_SECOND, Counter())).splitlines()
    assert "| until ready, and a minute after, 0-100 s | before the stop, 100-300 s | stopped, and a minute" in header
    assert {header.count("|")} == {row.count("|") for row in rows}
    assert any(row.startswith("| scrapes answered / all, the slowest, s | 1 / 1, 4.0 |") for row in rows)
