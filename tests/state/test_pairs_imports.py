"""Whether the platform knows the busy times of the calendar; above all which it need not know."""

from __future__ import annotations

import pytest

from exporter.calendar_busy import Period
from exporter.proof import Import, Learning, PairSpec, ProofState
from tests.harness.pairs import BEGIN, DAY, GRACE, HOUR, MINUTE, SPEC, Scene, hours, times

TIMES = hours(13, 15, day=2)
NOT_KNOWN = hours(13, 15, day=3)
OTHER = PairSpec("ben", "salon", "Chair 2", "anna-cal", GRACE)


def numbers(scene: Scene) -> tuple[int, int, int]:
    found = scene.proof().imports
    assert found is not None
    return found[Import.KNOWN], found[Import.MISSING], found[Import.PENDING]


@pytest.fixture(params=[False, True], ids=["free-busy", "entries"])
def scene(request: pytest.FixtureRequest) -> Scene:
    """Return a pair that is proved both ways."""
    return both_ways(Scene(has_entries=request.param))


def both_ways(scene: Scene) -> Scene:
    scene.knows = []
    for day in range(1, 6):
        scene.private.append(hours(18, 20, day=day))
        scene.knows.append(hours(18, 20, day=day))
    scene.prove()
    assert (5, 0, 0) == numbers(scene)
    return scene


def test_a_busy_time_that_the_platform_knows_is_known(scene: Scene) -> None:
    assert [] == times(scene.proof().unknown_to_platform)


def test_a_new_busy_time_is_pending_until_the_grace_is_over_and_missing_then(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(GRACE - 6 * MINUTE)
    assert (5, 0, 1) == numbers(scene)
    scene.polls(20 * MINUTE)
    assert (5, 1, 0) == numbers(scene)
    assert [TIMES] == times(scene.proof().unknown_to_platform)
    assert ProofState.PROVED is scene.state(), "that is of the bookings"


def test_one_that_comes_late_is_known(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(HOUR)
    assert scene.knows is not None
    scene.knows.append(TIMES)
    scene.poll()
    assert (6, 0, 0) == numbers(scene)


def test_it_is_told_since_when_it_is_in_the_calendar(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.poll(MINUTE)
    seen = scene.now - 1
    scene.polls(HOUR)
    assert [seen] == [row.since for row in scene.proof().unknown_to_platform]


def test_one_that_the_platform_knows_in_part_is_missing_in_the_rest(scene: Scene) -> None:
    scene.private.append(TIMES)
    assert scene.knows is not None
    scene.knows.append(hours(13, 14, day=2))
    scene.polls(HOUR)
    assert [hours(14, 15, day=2)] == times(scene.proof().unknown_to_platform)
    assert (5, 1, 0) == numbers(scene)


def test_what_is_put_beside_a_busy_time_has_a_grace_of_its_own(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(HOUR)
    scene.private.append(hours(15, 17, day=2))
    scene.poll(5 * MINUTE)
    assert [TIMES] == times(scene.proof().unknown_to_platform)
    scene.polls(HOUR)
    assert [hours(13, 17, day=2)] == times(scene.proof().unknown_to_platform)


@pytest.mark.parametrize("over", [hours(12, 16, day=2), hours(14, 16, day=2)])
def test_what_is_put_over_a_busy_time_may_be_the_only_thing_that_is_left_of_it(scene: Scene, over: Period) -> None:
    scene.copies.append(TIMES)  # of a booking that was cancelled before anybody read it
    scene.polls(20 * MINUTE)
    scene.copies.remove(TIMES)
    scene.private.append(over)
    scene.polls(20 * MINUTE)
    assert (5, 0, 1) == numbers(scene)
    assert scene.knows is not None
    scene.knows.append(over)
    scene.poll()
    assert (6, 0, 0) == numbers(scene)


def test_copies_of_bookings_need_not_be_known(scene: Scene) -> None:
    scene.book("b", TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


def test_nor_need_copies_of_cancelled_bookings(scene: Scene) -> None:
    scene.book("b", TIMES)
    scene.polls(10 * MINUTE)
    del scene.bookings["b"]
    scene.polls(2 * HOUR)
    assert ((5, 0, 0), [TIMES]) == (numbers(scene), scene.left())


@pytest.mark.parametrize(("start", "end"), [(15, 15.5), (12.25, 13), (15, 16)])
def test_nor_need_buffers_beside_bookings(scene: Scene, start: float, end: float) -> None:
    scene.book("b", TIMES)
    scene.copies.append(hours(start, end, day=2))
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


def test_nor_need_a_copy_that_came_before_its_booking_was_read(scene: Scene) -> None:
    scene.copies.append(TIMES)
    for _ in range(15):
        scene.now += 5 * MINUTE
        scene.read_events()
        scene.read_calendar()
        assert all(not proof.unknown_to_platform for proof in scene.shown())
    scene.bookings["b"] = TIMES
    scene.poll()
    assert (5, 0, 0) == numbers(scene)


def test_nor_need_bookings_of_another_pair_with_the_same_calendar() -> None:
    scene = both_ways(Scene(SPEC, OTHER))
    scene.others["ben's"] = TIMES
    scene.copies.append(TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


def test_two_targets_may_read_the_same_calendar() -> None:
    scene = both_ways(Scene(SPEC, PairSpec("ben", "salon", "Chair 2", "ben-cal", GRACE, read_as="anna-cal")))
    scene.others["ben's"] = TIMES
    scene.copies.append(TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


@pytest.mark.parametrize("whose", ["to_accept", "others_to_accept"])
def test_nor_need_those_that_wait_for_the_merchant(whose: str) -> None:
    scene = both_ways(Scene(SPEC, OTHER))
    getattr(scene, whose).append(TIMES)
    scene.copies.append(TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


def test_of_a_resource_that_nobody_reads_and_that_has_the_same_calendar_any_busy_time_may_be() -> None:
    scene = both_ways(Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, others_unread=True)))
    scene.copies.append(TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 1) == numbers(scene)


def test_a_busy_time_that_was_deleted_before_the_platform_was_asked_is_not_missing(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(25 * MINUTE)
    scene.private.remove(TIMES)
    scene.now += 10 * MINUTE
    scene.read_events()
    scene.read_bookings()
    assert (5, 0, 1) == numbers(scene), "as the calendar was read before"
    scene.poll()
    assert (5, 0, 0) == numbers(scene)


def test_while_the_platform_does_not_tell_its_events_nothing_is_said(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.knows = None
    scene.polls(HOUR)
    assert (None, ()) == (scene.proof().imports, scene.proof().unknown_to_platform)


def test_a_way_that_is_not_configured_is_not_checked() -> None:
    scene = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, imports=False))
    scene.knows = []
    scene.prove()
    assert scene.proof().imports is None


def test_a_way_that_a_reload_takes_out_is_told_no_longer(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(2 * HOUR)
    scene.pairs.arrange([PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, imports=False)])
    assert (None, ()) == (scene.proof().imports, scene.proof().unknown_to_platform)
    scene.pairs.arrange([PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, exports=False)])
    assert () == scene.shown(), "its state is that of the bookings until it is judged anew"
    scene.poll()
    assert () == scene.proof().windows


def test_a_calendar_of_which_nothing_was_ever_known_accuses_nobody() -> None:
    scene = Scene()
    scene.knows = []
    scene.private = [TIMES, hours(18, 20)]
    scene.prove()
    scene.polls(3 * HOUR)
    assert (0, 0, 2) == numbers(scene)


@pytest.mark.parametrize("has_entries", [False, True], ids=["free-busy", "entries"])
@pytest.mark.parametrize("known", [hours(1, 9, day=0), hours(13, 18, day=2)], ids=["in progress", "cut by bookings"])
def test_one_busy_time_proves_no_more_each_time_that_another_part_of_it_is_seen(known: Period, *, has_entries: bool) -> None:
    scene = Scene(has_entries=has_entries)
    scene.knows = [known]
    scene.private += [known, NOT_KNOWN]
    scene.now += 2 * HOUR
    for number in range(12):
        scene.bookings["b"] = hours(13, 13.25 + number / 4, day=2)
        scene.poll(5 * MINUTE)
    found = scene.proof().imports
    assert found is not None
    assert 0 == found[Import.MISSING]
    assert {"anna"} == {name for name, memory in scene.kept.items() if not memory.imports_proved}


@pytest.mark.parametrize("has_entries", [False, True], ids=["free-busy", "entries"])
def test_a_new_booking_that_the_platform_knows_before_the_pair_does_proves_no_import(*, has_entries: bool) -> None:
    scene = Scene(has_entries=has_entries)
    scene.prove()
    scene.knows = []
    scene.private.append(NOT_KNOWN)
    scene.poll()
    scene.copies.append(TIMES)  # of a booking that is newer than the last read of them
    scene.read_calendar()
    scene.knows_booked.append(TIMES)
    scene.read_events()
    scene.bookings["new"] = TIMES
    scene.polls(2 * HOUR)
    assert [] == times(scene.proof().unknown_to_platform)


@pytest.mark.parametrize("has_entries", [False, True], ids=["free-busy", "entries"])
def test_nor_do_copies_of_bookings_that_wait_for_the_merchant(*, has_entries: bool) -> None:
    scene = Scene(has_entries=has_entries)
    scene.prove()
    scene.knows = []
    scene.private.append(NOT_KNOWN)
    for day in range(1, 6):
        scene.copies.append(hours(18, 20, day=day))
        scene.knows_booked.append(hours(18, 20, day=day))
    scene.polls(2 * HOUR)
    assert (5, 0, 1) == numbers(scene)


def test_one_busy_time_that_became_known_proves_the_way() -> None:
    scene = Scene()
    scene.knows = []
    scene.prove()
    scene.private = [TIMES, hours(18, 20)]
    scene.polls(5 * MINUTE)
    scene.knows.append(TIMES)
    scene.polls(HOUR)
    assert (1, 1, 0) == numbers(scene)


def test_events_that_the_platform_has_of_another_calendar_are_nothing_to_the_pair(scene: Scene) -> None:
    assert scene.knows is not None
    scene.knows.append(hours(5, 7, day=2))
    scene.poll()
    assert (5, 0, 0) == numbers(scene)


def test_a_busy_time_of_the_past_or_beyond_a_week_is_not_looked_for(scene: Scene) -> None:
    scene.private += [(BEGIN - 5 * HOUR, BEGIN - HOUR), hours(3, 5, day=7)]
    scene.polls(2 * HOUR)
    assert (5, 0, 0) == numbers(scene)


def test_a_restart_remembers_since_when_a_busy_time_is_unknown(scene: Scene) -> None:
    scene.private.append(TIMES)
    scene.polls(HOUR)
    scene.start_again()
    scene.poll()
    scene.poll()
    assert (5, 1, 0) == numbers(scene)


def test_a_read_of_the_bookings_that_is_not_whole_makes_nothing_missing(scene: Scene) -> None:
    scene.complete = False
    scene.private.append(TIMES)
    scene.polls(2 * HOUR)
    assert (5, 0, 1) == numbers(scene)


def test_a_pair_that_looks_for_imports_alone_is_judged_by_them() -> None:
    scene = both_ways(Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, exports=False)))
    assert (ProofState.PROVED, None) == (scene.state(), scene.proof().learning)
    scene.private.append(TIMES)
    scene.polls(HOUR)
    assert ProofState.BROKEN is scene.state()
    learning = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, exports=False))
    learning.knows = []
    learning.polls(DAY / 4)
    assert (ProofState.LEARNING, Learning.FEW_BOOKINGS) == (learning.state(), learning.proof().learning)
