"""What a pair keeps and forgets through a reload, a restart, and a clock that is set."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.proof import PairSpec, ProofState
from tests.harness.pairs import DAY, GRACE, HOUR, MINUTE, NEW, SPEC, Scene, hours, moved


def test_a_reload_keeps_what_a_pair_knows_with_another_grace_too(scene: Scene) -> None:
    scene.pairs.arrange([PairSpec("anna", "salon", "Chair 1", "anna-cal", HOUR, imports=False)])
    assert ProofState.PROVED is scene.state()


@pytest.mark.parametrize(
    "spec",
    [
        PairSpec("anna", "salon", "Chair 2", "anna-cal", GRACE),
        PairSpec("anna", "other", "Chair 1", "anna-cal", GRACE),
        PairSpec("anna", "salon", "Chair 1", "other-cal", GRACE),
        PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, ids=frozenset({"9"})),
    ],
    ids=["another resource", "another site", "another calendar", "another resource of the same name"],
)
def test_other_ends_behind_the_name_of_a_pair_begin_anew(scene: Scene, spec: PairSpec) -> None:
    scene.pairs.arrange([spec])
    scene.specs = (spec,)
    assert () == scene.shown()
    scene.bookings.clear()
    scene.poll()
    assert ProofState.LEARNING is scene.state()


def test_what_a_poll_under_way_at_a_reload_reads_of_another_resource_of_the_same_name_is_not_the_pairs(scene: Scene) -> None:
    scene.knows = []
    asked = scene.specs
    scene.pairs.arrange([PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, ids=frozenset({"9"}))])
    scene.read_calendar()
    scene.read_bookings()
    scene.read_events()
    assert () == scene.shown()
    scene.specs = (replace(asked[0], ids=frozenset({"9"})),)
    scene.bookings.clear()
    scene.poll()
    assert (ProofState.LEARNING, []) == (scene.state(), scene.left())


def test_another_alias_of_the_same_resource_keeps_what_a_pair_knows() -> None:
    before = PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, ids=frozenset({"9"}))
    scene = Scene(before)
    scene.prove()
    scene.specs = (replace(before, resource="Window seat"),)
    scene.pairs.arrange(scene.specs)
    scene.copies.clear()  # what proved the pair is not there to prove it again
    scene.poll()
    assert (ProofState.PROVED, "Window seat") == (scene.state(), scene.proof().resource)


def test_another_calendar_behind_the_name_of_a_target_begins_anew(scene: Scene) -> None:
    scene.pairs.arrange([SPEC], {"anna-cal": "0a1b2c3d4e5f"})
    assert () == scene.shown()


def test_a_pair_that_is_not_configured_any_more_is_not_shown(scene: Scene) -> None:
    scene.pairs.arrange([])
    assert () == scene.shown()


def test_a_restart_makes_nothing_missing_and_forgets_nothing_that_is(scene: Scene) -> None:
    scene.book("lost", NEW, arrives=False)
    scene.polls(HOUR)
    scene.book("new", hours(15, 16, day=3), arrives=False)
    scene.poll()
    scene.start_again()
    assert () == scene.shown()
    scene.poll()
    assert (["lost"], ProofState.BROKEN, 6) == (scene.missing(), scene.state(), scene.proof().arrived_in_all)


def test_a_restart_after_a_long_gap_does_not_blame_a_sync_for_what_was_booked_meanwhile(scene: Scene) -> None:
    scene.now += 6 * HOUR
    scene.book("meanwhile", NEW, arrives=False)
    scene.start_again()
    scene.poll()
    assert [] == scene.missing()
    scene.copies.append(NEW)
    scene.polls(HOUR)
    assert ([], []) == (scene.missing(), scene.lags)


@pytest.mark.parametrize("seconds", [-3 * HOUR, 3 * HOUR])
def test_a_wall_clock_that_is_set_makes_nothing_missing_and_no_lag_negative(scene: Scene, seconds: float) -> None:
    scene.book("new", NEW, arrives=False)
    scene.poll(5 * MINUTE)
    scene.stepped = seconds
    scene.poll(5 * MINUTE)
    assert [] == scene.missing()
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert [True] == [0 < lag < 20 * MINUTE for _, lag in scene.lags]


def test_moments_are_shown_as_the_wall_clock_has_them(scene: Scene) -> None:
    scene.book("lost", NEW, arrives=False)
    scene.polls(HOUR)
    before, scene.stepped = scene.proof(), 500.0
    assert (before.at + 500, before.since + 500) == (scene.proof().at, scene.proof().since)
    assert (before.missing[0].since + 500, before.missing[0].start) == (
        scene.proof().missing[0].since,
        scene.proof().missing[0].start,
    )


def test_what_a_clock_wrote_that_ran_ahead_does_not_hold_up_a_verdict(scene: Scene) -> None:
    scene.now += 30 * DAY
    scene.book("lost", moved([NEW], 30 * DAY)[0], arrives=False)
    scene.poll()
    scene.now -= 28 * DAY
    scene.bookings["lost"] = NEW
    scene.start_again()
    scene.polls(HOUR)
    assert ["lost"] == scene.missing()


def test_bookings_that_are_long_over_are_forgotten(scene: Scene) -> None:
    scene.polls(20 * MINUTE)
    assert 6 == len(scene.kept["anna"].bookings)
    scene.now += 9 * DAY
    scene.poll()
    assert 0 == len(scene.kept["anna"].bookings)


def test_a_pair_that_exports_nothing_tells_nothing_of_bookings() -> None:
    scene = Scene(PairSpec("anna", "salon", "Chair 1", "anna-cal", GRACE, exports=False))
    scene.prove()
    assert ((), None, ProofState.LEARNING) == (scene.proof().windows, scene.proof().lag, scene.state())


def test_what_a_clock_that_ran_ahead_says_of_when_a_booking_was_made_is_no_beginning_of_a_lag(scene: Scene) -> None:
    scene.book("late", NEW, arrives=False)
    scene.polls(20 * MINUTE)
    scene.now -= DAY
    scene.start_again()
    scene.poll()
    scene.copies.append(NEW)
    scene.poll(5 * MINUTE)
    assert ([], 7) == (scene.lags, scene.proof().arrived_in_all)
