"""What the proof goes by: faults on real servers that are named, pairs that are never accused, a table that has them all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.proof.faults import (
    BITRIX24,
    EMPTIED,
    FAULTS,
    KEPT,
    LOST,
    MOVED,
    PLANTED,
    READS,
    REFUSED,
    SIGN_IN,
    STOPPED,
    UNKNOWN,
    WIX,
)
from tests.proof.run import START, rehearsed
from tests.proof.table import DOCUMENT, named
from tests.proof.twin import READS as READS_OF_THE_TWIN
from tests.proof.twin import lived
from tests.proof.world import World

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.servers
async def test_faults_on_real_servers_are_named_within_their_bounds_and_nobody_else_is_accused(tmp_path: Path) -> None:
    seen = await rehearsed(tmp_path, {"wix-1": REFUSED, "wix-2": LOST, "bitrix24-1": KEPT}, 2, 2, hours=3.0)
    assert () == seen.complaints
    assert [[], [], []] == [outcome.complaints for outcome in seen.outcomes]
    assert ["Radicale", "Xandikos", "Radicale"] == [outcome.server for outcome in seen.outcomes]
    assert all(0 < (outcome.after or 0) <= outcome.fault.bound + 60 for outcome in seen.outcomes)


@pytest.mark.slow
@pytest.mark.servers
async def test_a_fault_that_nobody_plants_is_said_not_to_be_found(tmp_path: Path) -> None:
    seen = await rehearsed(tmp_path, {"wix-1": replace(LOST, plant=lambda *_: None)}, 2, 0, hours=2.0)
    assert () == seen.complaints
    assert ["not found"] == seen.outcomes[0].complaints


@pytest.mark.slow
async def test_nothing_is_told_of_bookings_in_two_days_of_healthy_pairs_with_outages_and_restarts(tmp_path: Path) -> None:
    seen = await lived(tmp_path, 2, 2, 1, interval="15m")
    assert () == seen.complaints
    assert 3 == seen.proved
    assert 50 < seen.arrived
    assert 2 <= seen.failed


@pytest.mark.slow
@pytest.mark.servers
async def test_faults_behind_feeds_are_named_as_well(tmp_path: Path) -> None:
    planted = {"wix-1": LOST, "bitrix24-1": SIGN_IN}
    seen = await rehearsed(tmp_path, planted, 1, 2, 3.0, dict.fromkeys(("wix-1", "bitrix24-1", "bitrix24-2"), "feed"))
    assert () == seen.complaints
    assert [[], []] == [outcome.complaints for outcome in seen.outcomes]
    assert ["Radicale", "simulator"] == [outcome.server for outcome in seen.outcomes]


def test_each_fault_is_planted_on_some_desk_and_six_desks_have_none() -> None:
    assert set(FAULTS) == set(PLANTED.values())
    assert WIX + BITRIX24 - 6 == len(PLANTED)


def test_each_way_to_read_has_what_can_happen_to_bookings_something_that_fails_and_a_healthy_pair() -> None:
    desks = World(START, WIX, BITRIX24, reads=READS).desks
    for read in ("free_busy", "entries", "feed"):
        faults = [PLANTED.get(desk.name) for desk in desks if desk.read == read]
        assert {STOPPED, LOST, MOVED, KEPT, EMPTIED, UNKNOWN} <= set(faults)
        assert any(fault is not None and fault.named == "collector_failing" for fault in faults)
        assert any(fault is not None and fault.reason for fault in faults)
        assert None in faults


def test_the_twin_is_read_in_each_way_once_where_readers_fail_and_once_where_they_do_not() -> None:
    ways = list(READS_OF_THE_TWIN.values())
    assert {"free_busy", "entries", "feed"} == set(ways[::2]) == set(ways[1::2])


def test_the_committed_table_has_every_fault_by_its_name_and_none_that_is_wrong() -> None:
    text = (ROOT / DOCUMENT).read_text()
    for fault in FAULTS:
        assert f"| {fault.planted} |" in text
        assert f"| {named(fault)} |" in text
    assert "wrong" not in text.lower()
    assert "| never |" not in text
