"""What a pair says of bookings in the calendar of their owner; above all what it must not say."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.open_slots import SlotsObservation
from exporter.proof import Arrival, Learning, PairSpec, ProofState
from tests.harness.pairs import BEGIN, DAY, GRACE, HOUR, MAX_AGE, MINUTE, NEW, Scene, hours


def test_a_pair_says_nothing_before_both_ends_were_read() -> None:
    scene = Scene()
    scene.read_bookings()
    assert () == scene.shown()
    scene.read_calendar()
    assert ["anna"] == [proof.pair for proof in scene.shown()]


def test_a_pair_without_bookings_is_learning() -> None:
    scene = Scene()
    scene.poll()
    assert (ProofState.LEARNING, Learning.FEW_BOOKINGS) == (scene.state(), scene.proof().learning)


def test_bookings_that_are_in_the_calendar_have_arrived(scene: Scene) -> None:
    assert (6, 0, 0) == tuple(scene.number(state) for state in (Arrival.ARRIVED, Arrival.MISSING, Arrival.PENDING))
    assert 6 == scene.proof().arrived_in_all


def test_each_window_counts_the_bookings_that_begin_in_it(scene: Scene) -> None:
    scene.book("tomorrow", hours(0, 1))  # the polls took some seconds: it begins within a day
    scene.poll()
    assert (1, 7) == (scene.number(Arrival.ARRIVED, "next_24h"), scene.number(Arrival.ARRIVED))


def test_a_new_booking_is_pending_until_the_grace_is_over_and_missing_then(scene: Scene) -> None:
    scene.book("new", NEW, arrives=False)
    scene.poll()
    scene.polls(GRACE - 6 * MINUTE)
    assert (1, []) == (scene.number(Arrival.PENDING), scene.missing())
    scene.polls(10 * MINUTE)
    assert (1, ["new"], ProofState.BROKEN) == (scene.number(Arrival.MISSING), scene.missing(), scene.state())


def test_a_missing_booking_that_arrives_mends_the_pair(scene: Scene) -> None:
    scene.book("new", NEW, arrives=False)
    scene.polls(HOUR)
    scene.copies.append(NEW)
    scene.poll()
    assert (ProofState.PROVED, []) == (scene.state(), scene.missing())


def test_a_state_has_the_moment_of_the_poll_that_told_it(scene: Scene) -> None:
    since = scene.proof().since
    scene.polls(HOUR)
    assert since == scene.proof().since
    scene.book("new", NEW, arrives=False)
    scene.polls(HOUR)
    assert since < scene.proof().since <= scene.now


def test_a_missing_booking_is_told_with_its_times_and_since_when_it_is_known(scene: Scene) -> None:
    scene.now += 100
    scene.book("new", NEW, arrives=False)
    known = scene.now + 1
    scene.poll()
    scene.polls(HOUR)
    (row,) = scene.proof().missing
    assert ("new", *NEW, known) == (row.booking, row.start, row.end, row.since)


def test_a_booking_whose_copy_is_gone_is_missing_since_the_read_that_did_not_find_it(scene: Scene) -> None:
    scene.book("new", NEW)
    scene.polls(HOUR)
    scene.copies.remove(NEW)
    gone = scene.now
    scene.polls(HOUR)
    (row,) = scene.proof().missing
    assert gone <= row.since <= gone + 6 * MINUTE


def test_ten_missing_bookings_are_told_one_by_one_the_soonest_first(scene: Scene) -> None:
    for number in range(12):
        scene.book(f"m{number:02}", hours(1 + number, 1.5 + number, day=3), arrives=False)
    scene.polls(HOUR)
    assert (12, [f"m{number:02}" for number in range(10)]) == (scene.number(Arrival.MISSING), scene.missing())


def test_a_booking_that_has_begun_is_not_told_any_more(scene: Scene) -> None:
    scene.book("soon", (BEGIN + 2 * HOUR, BEGIN + 3 * HOUR), arrives=False)
    scene.polls(HOUR)
    assert ["soon"] == scene.missing()
    scene.polls(2 * HOUR)
    assert ([], ProofState.PROVED) == (scene.missing(), scene.state())


# Ways in which a comparison of two polls could lie.


def test_who_cancels_between_two_polls_has_lost_no_booking(scene: Scene) -> None:
    scene.book("c", NEW)
    scene.polls(2 * HOUR)
    scene.copies.remove(NEW)  # and the platform does not list it any more; of that we know nothing yet
    for _ in range(20):
        scene.now += 5 * MINUTE
        scene.read_calendar()
        assert all(not proof.missing for proof in scene.shown()), "the bookings were read before the calendar"
    del scene.bookings["c"]
    scene.poll()
    assert ([], 6) == (scene.missing(), scene.number(Arrival.ARRIVED))


def test_a_booking_that_the_calendar_was_not_read_after_is_pending_however_long(scene: Scene) -> None:
    scene.book("new", NEW, arrives=False)
    for _ in range(20):
        scene.now += 5 * MINUTE
        scene.read_bookings()
        assert () == scene.shown() or not scene.missing()


def test_a_calendar_that_was_being_read_while_the_bookings_were_is_older_than_they(scene: Scene) -> None:
    scene.book("c", NEW)
    scene.polls(2 * HOUR)
    begun = scene.now
    scene.copies.remove(NEW)
    scene.read_calendar()
    scene.now, over = begun + 0.5, scene.now  # in the middle of that read
    scene.read_bookings()
    scene.now = over
    assert [] == scene.missing()


def test_a_grace_that_is_shorter_than_the_interval_of_the_calendar_makes_no_booking_missing_unread() -> None:
    scene = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", 0.0))
    scene.prove()
    scene.polls(HOUR)
    scene.book("new", NEW, arrives=False)
    scene.now += HOUR
    scene.read_bookings()
    scene.copies.append(NEW)
    scene.read_calendar()
    scene.read_bookings()
    assert ([], 7) == (scene.missing(), scene.number(Arrival.ARRIVED))


def test_however_short_the_grace_a_booking_has_a_minute() -> None:
    scene = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", 0.0))
    scene.prove()
    scene.book("new", NEW, arrives=False)
    scene.poll(30)
    assert [] == scene.missing()
    scene.poll(MINUTE)
    assert ["new"] == scene.missing()


@pytest.mark.parametrize("reader", ["calendar", "bookings"])
def test_while_a_reader_fails_nothing_new_is_missing_and_the_pair_is_withdrawn(scene: Scene, reader: str) -> None:
    scene.polls(HOUR)
    scene.book("new", NEW, arrives=reader == "bookings")
    for _ in range(30):
        scene.now += 5 * MINUTE
        scene.read_bookings() if reader == "calendar" else scene.read_calendar()
        assert all(not proof.missing for proof in scene.shown())
    assert () == scene.shown()
    scene.copies += [] if reader == "bookings" else [NEW]
    scene.poll()
    assert (7, []) == (scene.number(Arrival.ARRIVED), scene.missing())


def test_a_pair_is_withdrawn_with_the_older_of_its_ends(scene: Scene) -> None:
    at = scene.proof().at
    scene.now = at + MAX_AGE
    assert 1 == len(scene.shown())
    assert at + MAX_AGE == scene.pairs.holds_until("salon", scene.now)
    scene.now += 1
    assert () == scene.shown()
    assert float("inf") == scene.pairs.holds_until("salon", scene.now)


def test_a_pair_without_fresh_data_of_an_end_says_which_one_that_is(scene: Scene) -> None:
    assert ((), scene.proof().at + MAX_AGE) == scene.pairs.silent("salon", scene.now)
    scene.polls(HOUR)
    scene.now += 10 * MINUTE
    scene.read_bookings()
    scene.now += 10 * MINUTE
    silent, until = scene.pairs.silent("salon", scene.now)
    assert [("anna", "Chair 1", "anna-cal", ("anna-cal",))] == [
        (row.pair, row.resource, row.calendar, row.lacking) for row in silent
    ]
    scene.now = until + 1
    (row,), until = scene.pairs.silent("salon", scene.now)
    assert (("salon", "anna-cal"), float("inf")) == (row.lacking, until)


def test_a_pair_that_was_told_to_look_one_way_alone_is_silent_until_the_next_poll_and_lacks_nothing(scene: Scene) -> None:
    scene.pairs.arrange([replace(scene.specs[0], exports=False)])
    (row,), _ = scene.pairs.silent("salon", scene.now)
    assert () == row.lacking
    scene.poll()
    assert () == scene.pairs.silent("salon", scene.now)[0]


def test_a_booking_that_was_moved_begins_anew(scene: Scene) -> None:
    scene.book("b", NEW)
    scene.polls(2 * HOUR)
    scene.bookings["b"] = hours(15, 16, day=3)
    scene.poll()
    assert ([], 1) == (scene.missing(), scene.number(Arrival.PENDING))
    scene.polls(HOUR)
    assert ["b"] == scene.missing()


def test_a_booking_that_was_moved_before_anybody_watched_is_as_young_as_its_last_change() -> None:
    scene = Scene()
    scene.created["b"] = BEGIN - 20 * DAY
    scene.book("b", NEW, arrives=False)
    scene.prove()
    assert [] == scene.missing(), "that it was created long ago says nothing"
    scene = Scene()
    scene.created["b"], scene.changed["b"] = BEGIN - 20 * DAY, BEGIN - 5 * MINUTE
    scene.book("b", NEW, arrives=False)
    scene.prove()
    assert [] == scene.missing()
    scene.polls(GRACE - 5 * MINUTE)
    assert ["b"] == scene.missing()


def test_a_booking_that_did_not_change_for_long_is_missing_at_first_sight() -> None:
    scene = Scene()
    scene.changed["b"] = BEGIN - DAY
    scene.book("b", NEW, arrives=False)
    scene.prove()
    assert ["b"] == scene.missing()


def test_one_that_a_whole_read_did_not_tell_is_new_whatever_the_platform_says_of_it(scene: Scene) -> None:
    scene.changed["b"] = BEGIN - DAY
    scene.book("b", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    assert [] == scene.missing()


def test_a_copy_that_is_gone_for_a_moment_is_not_missing(scene: Scene) -> None:
    scene.book("b", NEW)
    scene.polls(DAY / 2)
    scene.copies.remove(NEW)
    scene.polls(20 * MINUTE)
    assert ([], 1) == (scene.missing(), scene.number(Arrival.PENDING))
    scene.copies.append(NEW)
    scene.poll()
    assert 7 == scene.number(Arrival.ARRIVED)


def test_a_copy_that_stays_away_is_missing_when_the_grace_is_over_once_more() -> None:
    scene = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", 6 * HOUR))
    scene.prove()
    scene.polls(HOUR)
    scene.copies.remove(scene.bookings["proof-0"])
    scene.polls(5 * HOUR)
    assert [] == scene.missing()
    scene.polls(1.5 * HOUR)
    assert ["proof-0"] == scene.missing()


def test_a_holiday_that_hides_the_copies_of_its_day_makes_no_booking_missing(scene: Scene) -> None:
    scene.book("b", NEW)
    scene.polls(2 * HOUR)
    scene.unclear = (hours(0, 24, day=3),)
    scene.book("new", hours(15, 16, day=3), arrives=False)
    scene.polls(2 * HOUR)
    assert ([], 1) == (scene.missing(), scene.number(Arrival.PENDING))
    scene.unclear = ()
    scene.polls(10 * MINUTE)
    assert (["new"], 7) == (scene.missing(), scene.number(Arrival.ARRIVED))


def test_a_booking_of_a_whole_day_is_never_missing_for_its_copy_may_be_one(scene: Scene) -> None:
    scene.book("day", hours(0, 24, day=3), arrives=False)
    scene.book("day of the clock change", hours(0, 23, day=2), arrives=False)
    scene.polls(2 * HOUR)
    assert ([], 2) == (scene.missing(), scene.number(Arrival.PENDING))


def test_a_calendar_that_was_emptied_on_a_disconnect_has_lost_all_after_the_grace(scene: Scene) -> None:
    scene.polls(HOUR)
    scene.copies.clear()
    scene.poll(5 * MINUTE)
    assert (0, 6) == (scene.number(Arrival.MISSING), scene.number(Arrival.PENDING))
    scene.polls(HOUR)
    assert (6, ProofState.BROKEN) == (scene.number(Arrival.MISSING), scene.state())


def test_entries_that_nobody_can_read_may_be_the_copies(scene: Scene) -> None:
    scene.book("new", NEW, arrives=False)
    scene.unread = 1
    scene.polls(2 * HOUR)
    assert [] == scene.missing()
    scene.unread = 0
    scene.poll()
    assert ["new"] == scene.missing()


def test_a_booking_beyond_what_was_read_of_the_calendar_is_pending(scene: Scene) -> None:
    scene.book("long", hours(10, 64, day=6))  # ends on the ninth day
    scene.copies.pop()
    scene.polls(5 * HOUR)
    assert ([], 1) == (scene.missing(), scene.number(Arrival.PENDING))


def test_a_read_that_is_not_whole_forgets_no_booking(scene: Scene) -> None:
    scene.book("new", NEW, arrives=False)
    scene.poll()
    scene.complete, listed = False, scene.bookings.pop("new")
    scene.polls(HOUR)
    scene.complete = True
    scene.bookings["new"] = listed
    scene.poll()
    assert ["new"] == scene.missing(), "it is as old as when it was first seen"


def test_a_resource_that_is_not_told_any_more_withdraws_the_pair(scene: Scene) -> None:
    scene.specs = (PairSpec("anna", "salon", "Chair 2", "anna-cal", GRACE),)
    scene.read_bookings()  # of Chair 2, and the pair is of Chair 1
    assert () == scene.shown()


def test_what_is_of_no_pair_is_passed_over(scene: Scene) -> None:
    assert frozenset() == scene.pairs.observed("salon", SlotsObservation(scene.now, ()), scene.now, max_age=MAX_AGE)


def test_who_shows_pairs_is_told_whose_proofs_are_new_and_given_the_same_ones_else(scene: Scene) -> None:
    first = scene.shown()
    assert first is scene.shown()
    scene.poll(MINUTE)
    assert first is not scene.shown()
    assert () == scene.pairs.proofs("somebody", scene.now)
