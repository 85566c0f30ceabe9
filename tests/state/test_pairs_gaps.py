"""Where an end was not read for long, something may have come and gone meanwhile: what is judged then begins anew."""

from __future__ import annotations

import pytest

from exporter.calendar_busy import Period
from exporter.proof import PairSpec
from tests.harness.pairs import DAY, GRACE, HOUR, MAX_AGE, MINUTE, SPEC, Scene, hours, times

TIMES = hours(13, 15, day=2)
ELSEWHERE = hours(10, 12, day=3)
OTHER = PairSpec("ben", "salon", "Chair 2", "anna-cal", GRACE)


@pytest.fixture(params=[False, True], ids=["free-busy", "entries"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Return a pair that is proved both ways."""
    return both_ways(Scene(has_entries=request.param))


def both_ways(scene: Scene) -> Scene:
    scene.private = [hours(18, 20, day=day) for day in range(1, 6)]
    scene.knows = list(scene.private)
    scene.prove()
    return scene


def unknown(scene: Scene) -> list[Period]:
    return times(scene.proof().unknown_to_platform)


def test_a_booking_that_came_and_went_while_no_bookings_were_read_leaves_no_unknown_busy_time(scene: Scene) -> None:
    scene.copies.append(TIMES)  # of a booking that was made behind the last read of bookings
    scene.now += 30 * MINUTE
    scene.read_calendar()
    scene.now += 42 * MINUTE
    scene.poll()  # the booking was cancelled a minute ago, and its copy still waits for the sync
    assert [] == unknown(scene)
    scene.copies.remove(TIMES)
    scene.polls(HOUR)
    assert [] == unknown(scene)


def test_nor_does_one_whose_copy_was_seen_by_regular_reads_of_the_calendar(scene: Scene) -> None:
    scene.copies.append(TIMES)
    for _ in range(10):
        scene.now += 5 * MINUTE
        scene.read_events()
        scene.read_calendar()
    scene.read_bookings()
    scene.poll(MINUTE)
    assert [] == unknown(scene)


def test_nor_does_one_of_a_resource_that_shares_the_calendar_and_was_not_read(scene: Scene) -> None:
    scene = both_ways(Scene(SPEC, OTHER, has_entries=scene.has_entries))
    scene.copies.append(TIMES)
    scene.complete = False  # not everything was told
    scene.polls(50 * MINUTE)
    scene.complete = True
    scene.poll(MINUTE)
    assert [] == unknown(scene)


def test_a_private_date_that_is_entered_again_while_the_calendar_was_not_read_is_new(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.poll(MINUTE)
    for _ in range(10):  # meanwhile it was deleted, and now somebody entered it once more
        scene.now += 5 * MINUTE
        scene.read_bookings()
        scene.read_events()
    scene.poll()
    assert [] == unknown(scene)
    scene.polls(GRACE - 10 * MINUTE)
    assert [] == unknown(scene)


def test_a_private_date_that_was_known_while_no_events_were_read_and_is_entered_again_is_new(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.poll(MINUTE)
    for _ in range(10):  # no read of the calendar fell between the two dates
        scene.now += 5 * MINUTE
        scene.read_calendar()
        scene.read_bookings()
    scene.poll(MINUTE)
    assert [] == unknown(scene)


def test_an_unknown_busy_time_is_told_a_grace_after_a_gap(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.poll(MINUTE)
    scene.poll(HOUR)
    assert [] == unknown(scene)
    scene.polls(GRACE + 5 * MINUTE)
    assert [TIMES] == unknown(scene)


def test_a_booking_that_was_made_and_cancelled_in_a_gap_is_not_taken_for_one_that_was_cancelled_before(scene: Scene) -> None:
    scene.book("first", TIMES)
    scene.polls(10 * MINUTE)
    del scene.bookings["first"]
    scene.poll(MINUTE)
    scene.now += HOUR  # its copy went, and that of another booking came, which was cancelled a minute ago
    scene.poll()
    assert [] == scene.left()
    scene.copies.remove(TIMES)
    scene.polls(HOUR)
    assert [] == scene.left()


def test_nor_is_one_where_the_calendar_was_read_all_the_time(scene: Scene) -> None:
    scene.book("first", TIMES)
    scene.polls(10 * MINUTE)
    del scene.bookings["first"]
    scene.poll(MINUTE)
    for _ in range(10):
        scene.now += 5 * MINUTE
        scene.read_calendar()
    scene.read_bookings()
    assert [] == scene.left()


def test_a_copy_that_stays_behind_is_told_a_grace_after_a_gap(scene: Scene) -> None:
    scene.book("first", TIMES)
    scene.polls(10 * MINUTE)
    del scene.bookings["first"]
    scene.poll(MINUTE)
    scene.poll(HOUR)
    scene.polls(GRACE + 5 * MINUTE)
    assert [TIMES] == scene.left()


def test_a_booking_that_was_moved_away_and_back_while_no_bookings_were_read_has_a_new_grace(scene: Scene) -> None:
    scene.book("new", TIMES)
    scene.polls(10 * MINUTE)
    scene.copies[-1] = ELSEWHERE
    for _ in range(10):
        scene.now += 5 * MINUTE
        scene.read_calendar()
    scene.read_bookings()  # it is back since a minute, and the sync is on its way
    assert [] == scene.missing()
    scene.copies[-1] = TIMES
    scene.polls(HOUR)
    assert [] == scene.missing()


def test_nor_is_one_missing_that_was_never_seen_in_the_calendar_before_a_gap(scene: Scene) -> None:
    scene.book("new", TIMES, arrives=False)
    scene.read_bookings()
    scene.copies.append(ELSEWHERE)  # moved to this time, and back a minute ago
    scene.poll(50 * MINUTE)
    assert [] == scene.missing()


def test_a_lost_booking_is_told_a_grace_after_a_gap(scene: Scene) -> None:
    scene.book("new", TIMES, arrives=False)
    scene.poll(MINUTE)
    scene.poll(HOUR)
    assert [] == scene.missing()
    scene.polls(GRACE + 5 * MINUTE)
    assert ["new"] == scene.missing()


def test_what_was_told_before_a_gap_is_told_behind_it_at_once(scene: Scene) -> None:
    scene.book("lost", ELSEWHERE, arrives=False)
    scene.book("kept", hours(9, 10, day=3))
    scene.private.append(TIMES)
    scene.polls(10 * MINUTE)
    del scene.bookings["kept"]
    scene.polls(HOUR)
    told = (["lost"], [hours(9, 10, day=3)], [TIMES])
    assert told == (scene.missing(), scene.left(), unknown(scene))
    scene.start_again()
    scene.poll(5 * HOUR)
    assert told == (scene.missing(), scene.left(), unknown(scene))


def test_reads_as_far_apart_as_they_may_be_are_no_gap(scene: Scene) -> None:
    scene.book("lost", ELSEWHERE, arrives=False)
    scene.private.append(TIMES)
    for _ in range(4):
        scene.poll(MAX_AGE - 10)
    assert (["lost"], [TIMES]) == (scene.missing(), unknown(scene))


def test_half_a_long_grace_is_no_gap_either() -> None:
    scene = both_ways(Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", 6 * HOUR)))
    scene.book("lost", ELSEWHERE, arrives=False)
    scene.private.append(TIMES)
    scene.poll(MINUTE)
    for _ in range(4):
        scene.poll(2 * HOUR)
    assert (["lost"], [TIMES]) == (scene.missing(), unknown(scene))
    assert scene.now < ELSEWHERE[0] - DAY
