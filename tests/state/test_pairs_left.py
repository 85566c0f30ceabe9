"""Cancelled bookings that are still in the calendar, and busy times that are not theirs."""

from __future__ import annotations

import pytest

from exporter.calendar_busy import Period
from exporter.proof import PairSpec
from tests.harness.pairs import DAY, GRACE, HOUR, MINUTE, SPEC, Scene, hours

TIMES = hours(10, 11, day=3)
OTHER = PairSpec("ben", "salon", "Chair 2", "anna-cal", GRACE)


@pytest.fixture(params=[False, True], ids=["free-busy", "entries"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Return a pair that is proved, with a booking that arrived."""
    return with_booking(Scene(has_entries=request.param))


def with_booking(scene: Scene) -> Scene:
    scene.prove()
    scene.book("b", TIMES)
    scene.polls(10 * MINUTE)
    return scene


def test_a_copy_that_stays_when_its_booking_is_cancelled_is_left_behind_after_the_grace(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.polls(GRACE - 6 * MINUTE)
    assert [] == scene.left()
    scene.polls(15 * MINUTE)
    assert ([TIMES], 1) == (scene.left(), scene.proof().left_behind)


def test_one_whose_copy_goes_late_is_left_behind_no_more(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.polls(HOUR)
    scene.copies.remove(TIMES)
    scene.poll()
    assert [] == scene.left()


def test_it_is_told_since_when_the_booking_is_gone(scene: Scene) -> None:
    scene.now += MINUTE
    del scene.bookings["b"]
    gone = scene.now + 1
    scene.poll()
    scene.polls(HOUR)
    assert [gone] == [row.since for row in scene.proof().left]


def test_one_whose_copy_went_with_it_is_not_left_behind_when_something_else_takes_its_place(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.copies.remove(TIMES)
    scene.poll(5 * MINUTE)
    scene.private.append(TIMES)
    scene.polls(2 * HOUR)
    assert [] == scene.left()


def test_a_private_date_that_covered_the_booking_by_chance_is_not_left_behind() -> None:
    for has_entries in (False, True):
        scene = Scene(has_entries=has_entries)
        scene.private.append(hours(9, 12, day=3))
        with_booking(scene)
        scene.copies.remove(TIMES)
        scene.polls(HOUR)
        del scene.bookings["b"]
        scene.polls(2 * HOUR)
        assert [] == scene.left()


def test_another_booking_of_the_same_time_explains_it(scene: Scene) -> None:
    scene.book("second of the class", TIMES, arrives=False)
    scene.polls(10 * MINUTE)
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    assert [] == scene.left()


def test_when_that_one_goes_too_its_copy_has_the_grace_once_more(scene: Scene) -> None:
    scene.book("second of the class", TIMES, arrives=False)
    scene.polls(10 * MINUTE)
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    del scene.bookings["second of the class"]
    scene.polls(GRACE - 6 * MINUTE)
    assert [] == scene.left()
    scene.copies.remove(TIMES)
    scene.polls(HOUR)
    assert [] == scene.left()


def test_a_booking_that_is_moved_may_leave_its_old_copy_behind(scene: Scene) -> None:
    scene.bookings["b"] = hours(15, 16, day=3)
    scene.copies.append(hours(15, 16, day=3))
    scene.polls(HOUR)
    assert [TIMES] == scene.left()


def test_a_booking_that_is_moved_with_its_copy_by_half_its_length_leaves_nothing_behind(scene: Scene) -> None:
    later = hours(10.5, 11.5, day=3)
    scene.bookings["b"] = later
    scene.copies.remove(TIMES)
    scene.copies.append(later)
    scene.polls(2 * HOUR)
    assert [] == scene.left()


def test_beside_a_booking_a_copy_that_is_left_shows(scene: Scene) -> None:
    scene.book("beside", hours(11, 12, day=3))
    scene.polls(10 * MINUTE)
    del scene.bookings["b"]
    scene.polls(HOUR)
    assert [TIMES] == scene.left()


def test_two_copies_side_by_side_that_are_left_both_show(scene: Scene) -> None:
    scene.book("beside", hours(11, 12, day=3))
    scene.polls(10 * MINUTE)
    del scene.bookings["b"], scene.bookings["beside"]
    scene.polls(HOUR)
    assert [TIMES, hours(11, 12, day=3)] == scene.left()


def test_of_two_copies_of_one_booking_the_second_may_be_left_behind(scene: Scene) -> None:
    scene.copies.append(TIMES)
    del scene.bookings["b"]
    scene.copies.remove(TIMES)
    scene.polls(HOUR)
    assert [TIMES] == scene.left()


def test_beside_a_private_date_free_busy_cannot_tell_whose_the_time_is() -> None:
    scene = Scene()
    scene.private.append(hours(11, 13, day=3))
    with_booking(scene)
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    assert [] == scene.left()


def test_a_holiday_that_hides_a_copy_is_no_sign_that_it_went(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.has_entries, has_entries = False, scene.has_entries  # where entries are told nothing hides them
    scene.unclear = (hours(0, 24, day=3),)
    scene.polls(2 * HOUR)
    assert [] == scene.left()
    scene.unclear, scene.has_entries = (), has_entries
    scene.poll()
    assert [TIMES] == scene.left()


def test_a_booking_that_never_arrived_leaves_nothing_behind() -> None:
    scene = Scene()
    scene.prove()
    scene.book("b", TIMES, arrives=False)
    scene.polls(HOUR)
    del scene.bookings["b"]
    scene.polls(HOUR)
    assert [] == scene.left()


def test_a_pair_that_is_not_proved_accuses_nobody() -> None:
    scene = Scene()
    scene.private.append(TIMES)
    scene.book("b", TIMES, arrives=False)
    scene.polls(HOUR)
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    assert 0 == scene.proof().left_behind


def test_a_read_that_is_not_whole_says_of_no_booking_that_it_is_gone(scene: Scene) -> None:
    scene.complete = False
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    assert [] == scene.left()


def test_what_is_over_is_left_behind_no_more(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.polls(HOUR)
    scene.now = TIMES[1]
    scene.poll()
    assert [] == scene.left()
    assert () == scene.kept["anna"].gone


def test_a_booking_that_went_while_the_exporter_did_not_run_is_judged_by_what_it_sees_then(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.now += 6 * HOUR
    scene.start_again()
    scene.poll()
    assert [] == scene.left()
    scene.polls(HOUR)
    assert [TIMES] == scene.left()


def test_a_restart_remembers_what_is_left_behind(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.polls(HOUR)
    scene.start_again()
    scene.poll()
    assert [TIMES] == scene.left()


def test_who_books_the_place_anew_between_two_polls_leaves_nothing_behind(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.copies.remove(TIMES)
    scene.read_bookings()
    scene.copies.append(TIMES)  # of a booking that we do not know yet
    for _ in range(12):
        scene.now += 5 * MINUTE
        scene.read_calendar()
        assert all(not proof.left for proof in scene.shown())
    scene.bookings["anew"] = TIMES
    scene.poll()
    assert [] == scene.left()


def test_one_of_a_resource_that_nobody_reads_and_that_has_the_same_calendar_may() -> None:
    scene = with_booking(Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, others_unread=True)))
    del scene.bookings["b"]
    scene.polls(DAY / 2)
    assert [] == scene.left()


def test_a_booking_that_waits_for_the_merchant_explains_it(scene: Scene) -> None:
    del scene.bookings["b"]
    scene.to_accept.append(TIMES)
    scene.polls(DAY / 2)
    assert [] == scene.left()
    scene.to_accept.clear()
    scene.polls(DAY / 2)
    assert [TIMES] == scene.left()


@pytest.mark.parametrize("taken", [TIMES, hours(9, 12, day=3)])
def test_a_booking_of_another_pair_with_the_same_calendar_explains_it(taken: Period) -> None:
    scene = with_booking(Scene(SPEC, OTHER))
    scene.others["ben's"] = taken
    scene.copies.append(taken)
    scene.polls(10 * MINUTE)
    del scene.bookings["b"]
    scene.polls(DAY / 2)
    assert [] == scene.left()
