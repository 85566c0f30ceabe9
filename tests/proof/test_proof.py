"""What the proof goes by: faults on real servers that are named, pairs that are never accused, a table that has them all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.proof.faults import FAULTS, KEPT, LOST, PLANTED, REFUSED
from tests.proof.run import rehearsed
from tests.proof.table import DOCUMENT, named
from tests.proof.twin import lived

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
    seen = await lived(tmp_path, 2, 1, 1, interval="15m")
    assert () == seen.complaints
    assert 2 == seen.proved
    assert 50 < seen.arrived
    assert 2 <= seen.failed


def test_each_fault_is_planted_on_some_desk_and_four_desks_have_none() -> None:
    assert set(FAULTS) == set(PLANTED.values())
    assert 20 - 4 == len(PLANTED)


def test_the_committed_table_has_every_fault_by_its_name_and_none_that_is_wrong() -> None:
    text = (ROOT / DOCUMENT).read_text()
    for fault in FAULTS:
        assert f"| {fault.planted} |" in text
        assert f"| {named(fault)} |" in text
    assert "wrong" not in text.lower()
    assert "| never |" not in text
