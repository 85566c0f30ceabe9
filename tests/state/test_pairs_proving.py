"""What speaks for it that bookings are copied into a calendar, when a private date may cover them by chance."""

from __future__ import annotations

import pytest

from exporter.proof import Arrival, Learning, ProofState
from tests.harness.pairs import BEGIN, DAY, HOUR, MINUTE, NEW, Scene, hours, moved


def test_one_long_private_date_over_many_bookings_proves_nothing() -> None:
    scene = Scene()
    scene.private = [hours(0, 24 * 6)]
    for number in range(8):
        scene.book(f"b{number}", hours(9, 10, day=1 + number % 5), arrives=False)
    scene.polls(2 * HOUR)
    assert (ProofState.LEARNING, Learning.FEW_BOOKINGS, 8) == (
        scene.state(),
        scene.proof().learning,
        scene.number(Arrival.ARRIVED),
    )
    scene.private.clear()
    scene.polls(2 * HOUR)
    assert (ProofState.LEARNING, []) == (scene.state(), scene.missing())


def test_five_who_share_the_time_of_a_class_are_one_booking_to_the_proof() -> None:
    scene = Scene()
    for number in range(8):
        scene.book(f"b{number}", NEW)
    scene.poll()
    assert (ProofState.LEARNING, 8) == (scene.state(), scene.number(Arrival.ARRIVED))


def test_five_bookings_within_one_busy_time_prove_nothing_by_themselves() -> None:
    scene = Scene()
    for number in range(5):
        scene.book(f"b{number}", hours(9 + number, 10 + number))
    scene.poll()
    assert ProofState.LEARNING is scene.state()
    scene.book("b5", hours(9, 10, day=2))
    scene.poll()
    assert ProofState.PROVED is scene.state()


def test_bookings_that_arrive_over_weeks_add_up_to_the_proof() -> None:
    scene = Scene()
    states = []
    for week in range(5):
        scene.book(f"b{week}", moved([hours(9, 10)], week * 7 * DAY)[0])
        scene.now = BEGIN + week * 7 * DAY
        scene.poll()
        states.append(scene.state())
    assert [ProofState.LEARNING] * 4 + [ProofState.PROVED] == states


def test_what_speaks_for_a_pair_does_not_grow_with_all_that_is_over() -> None:
    scene = Scene(has_entries=True)
    scene.private.append((BEGIN - DAY, BEGIN + 100 * DAY))
    for day in range(60):
        for number in range(20):
            scene.book(f"b{day}-{number}", hours(8 + number / 2, 8.5 + number / 2, day=day + 3))
        scene.poll(DAY)
    assert (ProofState.LEARNING, 1200) == (scene.state(), scene.proof().arrived_in_all)
    assert len(scene.kept["anna"].evidence) <= 10 * 20


def test_one_booking_that_came_after_it_was_made_proves_the_pair() -> None:
    scene = Scene()
    scene.poll()
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert ProofState.PROVED is scene.state()


def test_a_private_date_that_is_put_over_a_new_booking_proves_nothing() -> None:
    scene = Scene()
    scene.poll()
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.private.append(hours(9, 12, day=3))
    scene.poll(5 * MINUTE)
    assert (ProofState.LEARNING, 1) == (scene.state(), scene.number(Arrival.ARRIVED))


def test_where_entries_are_told_one_has_to_have_the_times_of_the_booking() -> None:
    scene = Scene(has_entries=True)
    scene.poll()
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.private.append(hours(10, 11.1, day=3))
    scene.poll(5 * MINUTE)
    assert ProofState.LEARNING is scene.state()
    scene.private.append(hours(14, 15, day=3))
    scene.bookings["exact"] = hours(14, 15, day=3)
    scene.book("wait", hours(16, 17, day=3), arrives=False)
    scene.poll(5 * MINUTE)
    scene.copies.append(hours(16, 17, day=3))
    scene.private.append(hours(15, 18, day=3))  # what is merged with it does not matter
    scene.poll(5 * MINUTE)
    assert ProofState.PROVED is scene.state()


def test_while_a_pair_learns_nothing_is_missing() -> None:
    scene = Scene()
    scene.book("a", NEW, arrives=False)
    scene.polls(DAY)
    assert ([], Learning.NONE_ARRIVES, 1) == (scene.missing(), scene.proof().learning, scene.number(Arrival.PENDING))


@pytest.mark.parametrize("has_entries", [True, False])
def test_copies_that_are_marked_as_free_never_make_a_booking_missing_and_the_pair_says_why(*, has_entries: bool) -> None:
    scene = Scene(has_entries=has_entries)
    for number in range(8):
        scene.book(f"b{number}", hours(9, 10, day=1 + number % 5), arrives=False)
        scene.free.append(hours(9, 10, day=1 + number % 5))
    for _ in range(24):
        scene.polls(HOUR)
        assert (ProofState.LEARNING, []) == (scene.state(), scene.missing())
    assert (Learning.MARKED_FREE if has_entries else Learning.NONE_ARRIVES) == scene.proof().learning


def test_a_copy_that_is_marked_as_free_is_in_the_calendar_all_the_same() -> None:
    scene = Scene(has_entries=True)
    scene.prove()
    scene.book("free", NEW, arrives=False)
    scene.free.append(NEW)
    scene.polls(DAY / 2)
    assert ([], ProofState.PROVED, 1) == (scene.missing(), scene.state(), scene.number(Arrival.PENDING))


def test_of_two_bookings_side_by_side_the_lost_one_shows() -> None:
    scene = Scene()
    scene.prove()
    scene.book("here", hours(10, 11, day=3))
    scene.book("lost", hours(11, 12, day=3), arrives=False)
    scene.polls(HOUR)
    assert ["lost"] == scene.missing()


def test_a_lost_booking_beneath_another_busy_time_cannot_be_seen() -> None:
    scene = Scene()
    scene.prove()
    scene.book("lost", NEW, arrives=False)
    scene.private.append(hours(9, 12, day=3))
    scene.polls(HOUR)
    assert ([], 7) == (scene.missing(), scene.number(Arrival.ARRIVED))


def test_a_copy_with_the_buffer_of_its_booking_has_arrived(scene: Scene) -> None:
    scene.book("b", NEW, arrives=False)
    scene.copies.append((NEW[0], NEW[1] + 15 * MINUTE))
    scene.polls(HOUR)
    assert [] == scene.missing()


def test_two_copies_of_one_booking_are_one_arrival(scene: Scene) -> None:
    scene.book("b", NEW)
    scene.copies.append(NEW)
    scene.poll()
    assert 7 == scene.number(Arrival.ARRIVED)


def test_a_clock_change_moves_nothing(scene: Scene) -> None:
    night = hours(1.5, 2.5, day=3)  # bookings and busy times are moments, and no wall shows them twice
    scene.book("night", night)
    scene.polls(DAY)
    assert [] == scene.missing()


def test_three_bookings_that_are_in_the_calendar_an_hour_off_are_shifted(scene: Scene) -> None:
    late = [hours(10, 11, day=3), hours(14, 15, day=3), hours(10, 10.75, day=4)]
    for number, period in enumerate(late):
        scene.book(f"s{number}", period, arrives=False)
    scene.copies += moved(late[:2], HOUR)
    scene.polls(HOUR)
    assert scene.proof().shift is None, "one of them is nowhere"
    scene.copies += moved(late[2:], HOUR)
    scene.poll()
    assert (HOUR, 3) == (scene.proof().shift, scene.number(Arrival.MISSING))


def test_a_pair_that_never_proved_itself_tells_a_shift_as_well() -> None:
    scene = Scene()
    for number in range(4):
        scene.book(f"s{number}", hours(10, 11, day=1 + number), arrives=False)
        scene.copies += moved([hours(10, 11, day=1 + number)], -2 * HOUR)
    scene.polls(HOUR)
    assert (-2 * HOUR, ProofState.LEARNING, []) == (scene.proof().shift, scene.state(), scene.missing())
