"""Where the numbers of the operating time begin and end (bitrix24.md 6.2)."""

from __future__ import annotations

import pytest
import structlog.testing

from exporter.errors import OperatingLimitError
from exporter.model import OperatingTime
from exporter.platforms.bitrix24.operating import OperatingLedger
from tests.harness.clock import ManualClock

METHOD = "booking.v1.booking.list"


def ledger(budget: float = 100.0) -> tuple[OperatingLedger, ManualClock]:
    clock = ManualClock()
    return OperatingLedger("salon", budget, clock), clock


@pytest.mark.parametrize(("later", "is_known"), [(59.9, True), (60.0, False)])
def test_what_the_sum_rose_by_is_a_single_calls_when_the_sum_before_is_less_than_a_minute_old(
    later: float, is_known: bool
) -> None:
    book, clock = ledger()
    book.observe(METHOD, 20.0, 300.0)
    clock.now += later
    book.observe(METHOD, 21.0, 300.0)
    assert is_known is book.leaves_room(METHOD, 1.0)


def test_what_is_underway_may_not_fill_the_share_to_the_brim() -> None:
    book, _ = ledger()
    for seconds in (20.0, 30.0):
        book.observe(METHOD, seconds, 300.0)
    with book.underway({METHOD: 5}):
        assert not book.leaves_room(METHOD, 0.8), "30 and five times 10"
        assert book.leaves_room(METHOD, 0.81)


def test_an_answer_that_tells_no_sum_tells_that_calls_cost_nothing() -> None:
    book, _ = ledger()
    book.observe(METHOD, 70.0, 300.0)
    book.observe(METHOD, None, None)
    with book.underway({METHOD: 1000}):
        assert book.leaves_room(METHOD, 0.8)
        assert not book.leaves_room(METHOD, 0.7), "and earn nothing either"


@pytest.mark.parametrize("following", [70.0, 65.0])
def test_a_sum_that_stays_or_falls_tells_that_a_call_costs_nothing(following: float) -> None:
    book, _ = ledger()
    book.observe(METHOD, 70.0, 300.0)
    book.observe(METHOD, following, 300.0)
    with book.underway({METHOD: 1000}):
        assert book.leaves_room(METHOD, 0.8)
        assert not book.leaves_room(METHOD, following / 100), "and earns nothing either"


@pytest.mark.parametrize(("later", "is_forgotten"), [(599.0, False), (600.0, True)])
def test_the_dearest_call_is_forgotten_ten_minutes_after_the_last_one_that_was_as_dear(
    later: float, is_forgotten: bool
) -> None:
    book, clock = ledger()
    for seconds in (0.0, 10.0):
        book.observe(METHOD, seconds, 300.0)
    clock.now += 300
    for seconds in (0.0, 10.0):
        book.observe(METHOD, seconds, 300.0)
    clock.now += later
    for seconds in (20.0, 21.0):
        book.observe(METHOD, seconds, 300.0)
    with book.underway({METHOD: 10}):
        assert is_forgotten is book.leaves_room(METHOD, 1.0), "21 and ten times 10, or ten times 1"


def test_a_method_that_was_refused_while_it_rests_is_told_what_is_left_of_its_rest() -> None:
    book, clock = ledger()
    assert 300 == book.refused((METHOD,)).retry_after
    clock.now += 100
    assert 200 == book.refused((METHOD,)).retry_after
    assert 300 == book.refused(("batch", METHOD)).retry_after, "the longest of them"
    clock.now += 199.5
    assert 0.5 == book.refused((METHOD,)).retry_after
    clock.now += 0.5
    assert book.allows(METHOD, 1.0)


def test_a_method_that_rests_keeps_no_other_that_was_refused_with_it_from_its_rest() -> None:
    book, clock = ledger()
    book.refused((METHOD,))
    clock.now += 100
    book.refused((METHOD, "batch"))
    clock.now += 299
    assert [True, False] == [book.allows(name, 1.0) for name in (METHOD, "batch")]


def test_who_is_refused_is_told_of_which_method_by_whom_and_for_how_long_at_any_moment() -> None:
    book, clock = ledger()
    clock.now += 1000
    theirs = f"the operating time of {METHOD} is used up (what Bitrix24 allows for ten minutes); next try in"
    with structlog.testing.capture_logs() as logged:
        assert f"{theirs} 300 s" == book.refused((METHOD, "batch")).message
    assert [f"{theirs} 300 s", f"{theirs.replace(METHOD, 'batch')} 300 s"] == [line["message"] for line in logged]
    clock.now += 100
    with pytest.raises(OperatingLimitError) as caught:
        book.check(METHOD)
    assert (f"{theirs} 200 s", 200.0) == (caught.value.message, caught.value.retry_after)


def test_who_has_spent_our_own_budget_is_told_so() -> None:
    book, _ = ledger()
    book.observe(METHOD, 100.0, 250.0)
    with pytest.raises(OperatingLimitError) as caught:
        book.check(METHOD)
    expected = f"the operating time of {METHOD} is used up (our budget for ten minutes); next try in 250 s"
    assert expected == caught.value.message


def test_at_the_reset_the_whole_budget_is_left() -> None:
    book, clock = ledger()
    book.observe(METHOD, 30.0, 250.0)
    clock.now += 249
    assert 70.0 == book.usage()[0].remaining
    clock.now += 1
    assert 100.0 == book.usage()[0].remaining


@pytest.mark.parametrize(("budget", "seconds", "goes_on"), [(100.0, 80.0, False), (100.0, 79.9, True), (1.0, None, True)])
def test_a_method_goes_on_in_the_log_once_the_sum_is_less_than_was_too_much(
    budget: float, seconds: float | None, goes_on: bool
) -> None:
    book, clock = ledger(budget)
    clock.now += 1000
    book.observe(METHOD, 0.9 * budget, 300.0)
    with structlog.testing.capture_logs() as logged:
        with pytest.raises(OperatingLimitError):
            book.check(METHOD, 0.8)
        clock.now += 300
        book.observe(METHOD, seconds, 300.0)
    ends = [line["seconds"] for line in logged if line["event"] == "method_goes_on"]
    assert [300.0] * goes_on == ends


def test_what_is_left_of_a_rest_is_told_to_the_fraction_of_a_second() -> None:
    book, clock = ledger()
    book.observe(METHOD, 100.0, 300.0)
    clock.now += 299.5
    with pytest.raises(OperatingLimitError) as caught:
        book.check(METHOD)
    assert 0.5 == caught.value.retry_after
    assert caught.value.code is None, "nobody but us has said so"
    assert "OPERATION_TIME_LIMIT" == book.refused((METHOD,)).code


def test_without_a_reset_the_rest_lasts_until_ten_minutes_after_the_sum_was_told() -> None:
    book, clock = ledger()
    book.observe(METHOD, 100.0, None)
    clock.now += 100
    with pytest.raises(OperatingLimitError) as caught:
        book.check(METHOD)
    assert 500 == caught.value.retry_after


def test_what_was_overspent_leaves_nothing_and_owes_nothing() -> None:
    book, _ = ledger()
    book.observe(METHOD, 99.5, 300.0)
    assert 0.5 == book.usage()[0].remaining
    book.observe(METHOD, 130.0, 300.0)
    assert 0.0 == book.usage()[0].remaining


def test_a_reset_is_told_on_the_wall_clock_as_somebody_set_it_and_methods_come_by_name() -> None:
    book, clock = ledger()
    clock.set_by = 7200.0
    book.observe(METHOD, 30.0, 250.0)
    book.observe("batch", 0.5, None)
    assert (OperatingTime("batch", 0.5, None), OperatingTime(METHOD, 30.0, clock.now + 7450)) == book.usage()[1]


def test_links_rest_at_four_fifths_of_the_budget_optional_work_at_half_of_it() -> None:
    book, _ = ledger(600.0)
    book.observe(METHOD, 299.0, 300.0)
    assert [True, True] == [book.allows(METHOD, share) for share in (0.5, 0.8)]
    book.observe(METHOD, 300.0, 300.0)
    assert [False, True] == [book.allows(METHOD, share) for share in (0.5, 0.8)]
    book.observe(METHOD, 480.0, 300.0)
    assert [False, False] == [book.allows(METHOD, share) for share in (0.5, 0.8)]
