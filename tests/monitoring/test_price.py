from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.monitoring import prices
from tests.monitoring.bundle import DECLARED
from tests.monitoring.fleet_day import Fleet, FleetPage, looked_back
from tests.monitoring.prices import AT, FORTY, LARGE, MAX_CORES, Price
from tests.monitoring.promql import family_of
from tests.monitoring.servers import run
from tools.rules_price import render

ROOT = Path(__file__).parents[2]
UPDATE = "UPDATE_GOLDEN=1 pytest tests/monitoring/test_price.py, then make generate, and look at the diff"
MEASURE = "too dear, or the groups have other rules than when make bench-rules measured them"
# A rounding of the sample that lies nearest to an edge; anything that a rule reads anew is more.
GROWTH = 1.05
# Families that only a trouble, a choice or a shard shows; a rule that reads them costs next to nothing in their absence.
ABSENT_IN_A_CALM_FLEET = frozenset(
    {
        "booking_sync_target_closed",
        # The collector `events` is off by default.
        "booking_sync_external_events_up",
        "booking_sync_external_conflicts",
        "booking_sync_connection_import_failing",
        "booking_sync_next_external_conflict_timestamp_seconds",
        # So is the collector `slots`.
        "booking_sync_slots_over_busy",
        "booking_sync_open_slots",
        "booking_sync_next_open_slot_timestamp_seconds",
        # Pairs are configured by hand, for a few resources.
        "booking_sync_pair_info",
        "booking_sync_proof_state",
        "booking_sync_proof_state_since_timestamp_seconds",
        "booking_sync_proof_learning",
        "booking_sync_proof_bookings",
        "booking_sync_proof_left_behind",
        "booking_sync_proof_shift_seconds",
        "booking_sync_proof_imports",
    }
)


@pytest.fixture
def counts_as_committed() -> None:
    """Skip on a Prometheus that counts the samples of a query in another way than the one the prices are of."""
    said = run("prometheus", "--version")
    if "version 2." not in said.stdout + said.stderr:
        pytest.skip("the committed prices are in samples as Prometheus 2 counts them; 3 counts in another way")


@pytest.mark.servers
@pytest.mark.usefixtures("counts_as_committed")
def test_no_rule_touches_more_samples_than_it_did(tmp_path: Path) -> None:
    found = prices.measured(tmp_path)
    if os.environ.get("UPDATE_GOLDEN"):
        prices.commit(found)
    known = prices.committed()
    assert known.keys() == found.keys(), f"rules without a price, or prices without a rule; right? then {UPDATE}"
    grown = {key: (known[key].at_forty, price.at_forty) for key, price in found.items() if _grew(known[key], price)}
    assert {} == grown, f"samples before and now; is it worth that? then {UPDATE}"


def _grew(before: Price, now: Price) -> bool:
    return now.at_forty > GROWTH * before.at_forty or now.at(LARGE) > GROWTH * before.at(LARGE)


def test_a_series_is_written_for_as_long_as_ranges_offsets_and_subqueries_look_back_together() -> None:
    quarter = 900  # the lookback of an instant, and room for an interval
    expression = "max_over_time((a - last_over_time(b[5m] offset 1d))[1h:1m] offset 2m) > c"
    assert looked_back([expression]) == {"a": 3_720 + quarter, "b": 300 + 86_400 + 3_720 + quarter, "c": quarter}
    assert looked_back(["a", "rate(a[30m])", "a offset 10m"]) == {"a": 1_800 + quarter}


def test_every_family_that_a_rule_reads_is_on_the_page_of_the_measured_fleet() -> None:
    lines = FleetPage(FORTY, AT).render(AT).splitlines()
    shown = {line.partition("{")[0].partition(" ")[0] for line in lines if not line.startswith("#")}
    read = {name for name in looked_back(rule.expression for rule in prices.rules()) if family_of(name)}
    assert set() == read - shown - ABSENT_IN_A_CALM_FLEET, "give the fleet of tests/monitoring/fleet_day.py what shows these"
    assert ABSENT_IN_A_CALM_FLEET <= DECLARED.keys()


@pytest.mark.servers
@pytest.mark.usefixtures("counts_as_committed")
def test_another_fleet_touches_what_the_committed_prices_say(tmp_path: Path) -> None:
    fleet = Fleet(sites=12, portals=6, connections=4)
    touched = prices.samples(tmp_path, fleet)
    said = {key: round(price.at(fleet)) for key, price in prices.committed().items()}
    # Five of forty fail, but not of twelve: what is recorded of a platform only then adds some samples for each platform, and
    # what five have alike is one cause of them.
    room = {key: 20 if key.startswith("cause:") else 4 for key in said}
    assert touched == {key: pytest.approx(number, abs=room[key], rel=0.02) for key, number in said.items()}


def test_all_groups_together_need_less_than_0_43_cores_at_5000_sites() -> None:
    assert sum(prices.cores_by_group().values()) < MAX_CORES, f"{MEASURE}: {prices.cores_by_group()}"


def test_no_group_needs_more_than_a_fifth_of_its_interval_at_5000_sites() -> None:
    # A group runs in one thread. What takes longer than its interval is skipped, and every `for` stretches.
    assert {} == {group: share for group, share in prices.cores_by_group().items() if share > 0.2}, MEASURE


def test_the_committed_table_of_prices_is_the_rendered_one() -> None:
    assert render() == (ROOT / "docs" / "rules-price.md").read_text(), "run: python -m tools.rules_price docs/rules-price.md"
