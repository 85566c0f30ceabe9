"""How long after a booking was made its copy is in the calendar: told once, and never of what nobody saw."""

from __future__ import annotations

import pytest

from exporter.proof import Arrival
from tests.harness.pairs import DAY, HOUR, MINUTE, NEW, Scene


def test_a_lag_is_told_once_from_first_sight_to_first_sight_in_the_calendar(scene: Scene) -> None:
    scene.poll(5 * MINUTE)
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    seen = scene.now - 4  # the first of the polls began then
    scene.now += 5 * MINUTE
    scene.copies.append(NEW)
    arrived = scene.now
    scene.read_calendar()
    scene.polls(HOUR)
    ((pair, seconds),) = scene.lags
    assert "anna" == pair
    assert pytest.approx(arrived - seen, abs=2) == seconds
    assert seconds == scene.proof().lag


def test_a_lag_begins_when_the_booking_was_made_where_the_platform_tells_it(scene: Scene) -> None:
    scene.poll(5 * MINUTE)
    scene.created["new"] = scene.now + 2 * MINUTE
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.now += 5 * MINUTE
    scene.read_calendar()
    assert [("anna", scene.now - 1 - scene.created["new"])] == scene.lags


def test_one_that_was_in_the_calendar_at_first_sight_has_no_lag(scene: Scene) -> None:
    scene.book("new", NEW)
    scene.polls(HOUR)
    assert ([], None) == (scene.lags, scene.proof().lag)


def test_one_that_nobody_saw_being_made_has_no_lag() -> None:
    scene = Scene()
    scene.book("old", NEW, arrives=False)
    scene.poll()
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert [] == scene.lags


def test_a_gap_in_the_reads_of_the_calendar_is_no_lag(scene: Scene) -> None:
    scene.poll(5 * MINUTE)
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.poll(8 * HOUR)
    assert (7, []) == (scene.number(Arrival.ARRIVED), scene.lags)


def test_a_copy_that_came_back_has_no_second_lag(scene: Scene) -> None:
    scene.poll(5 * MINUTE)
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    scene.copies.remove(NEW)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert 1 == len(scene.lags)


def test_the_median_is_of_a_week(scene: Scene) -> None:
    scene.poll(5 * MINUTE)
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert scene.proof().lag is not None
    scene.poll(7 * DAY)
    assert scene.proof().lag is None
