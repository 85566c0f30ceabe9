"""What the proof goes by: a healthy business of which nothing is found, faults that are named, a table that has them all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from tests.planted.faults import FAULTS
from tests.planted.run import healthy, planted
from tests.planted.table import DOCUMENT, kinds, span
from tests.planted.world import DAY, World

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
async def test_nothing_is_found_in_two_days_of_a_healthy_business_and_its_polls_all_take_place(tmp_path: Path) -> None:
    polls, complaints = await healthy(tmp_path, 2 * DAY)
    assert () == complaints
    # 2,880 of the connections, two times 576 of bookings, 288 of events, 192 of links and 96 of slots, or a few less: none
    # begins on time.
    assert 4490 < polls <= 4616


@pytest.mark.slow
async def test_a_fault_is_named_within_its_bound_and_nothing_beside_it() -> None:
    outcome = await planted(FAULTS[1])
    assert () == outcome.complaints
    assert outcome.after is not None
    assert 0 < outcome.after <= 4260


@pytest.mark.slow
async def test_a_fault_that_nobody_plants_is_said_not_to_be_found() -> None:
    outcome = await planted(replace(FAULTS[3], plant=lambda _: None, lines=()))
    assert outcome.after is None
    assert "not found" in outcome.complaints


@pytest.mark.slow
async def test_a_dead_access_to_a_calendar_of_google_is_not_found_by_a_probe() -> None:
    def kill(world: World) -> None:
        world.site.connections.kill_token(world.connections[0])

    outcome = await planted(replace(FAULTS[1], plant=kill, lines=()))
    assert outcome.after is None
    assert {"not found", "no longer found: [('salon', 'connection_probe_failed', 'Ben')]"} == set(outcome.complaints)


@pytest.mark.slow
async def test_what_is_found_beside_what_was_to_be_named_is_complained_of() -> None:
    outcome = await planted(replace(FAULTS[9], named=FAULTS[9].named[:1]))
    assert "salon staff_unprotected Cem as well, after 1 min" in outcome.complaints


def test_the_committed_table_has_every_fault_by_its_kinds_and_none_that_is_wrong() -> None:
    text = (ROOT / DOCUMENT).read_text()
    for fault in FAULTS:
        assert f"| {fault.planted} | {kinds(fault)} |" in text
    assert 27 == len(FAULTS)
    assert "| not found |" not in text
    assert "**wrong**" not in text


def test_the_committed_table_is_of_two_healthy_weeks() -> None:
    assert "In 14 days and " in (ROOT / DOCUMENT).read_text()
    assert " polls nothing was found." in (ROOT / DOCUMENT).read_text()


@pytest.mark.parametrize(
    ("seconds", "words"), [(60, "1 min"), (4200, "70 min"), (605_400, "7 days 10 min"), (587_520, "6 days 19 h 12 min")]
)
def test_a_time_is_told_in_minutes_and_days(seconds: float, words: str) -> None:
    assert words == span(seconds)
