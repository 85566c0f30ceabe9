"""Operating time, as told, spent and paused (bitrix24.md 6.2)."""

from __future__ import annotations

import itertools

import pytest
import structlog.testing

from exporter.clock import SystemClock
from exporter.errors import OperatingLimitError
from exporter.model import Budget, OperatingTime
from exporter.platforms.bitrix24.operating import LINKS_SHARE, OPTIONAL_SHARE, OperatingLedger
from tests.harness.clock import ManualClock

METHOD = "booking.v1.booking.list"


def ledger(budget: float = 100.0) -> tuple[OperatingLedger, ManualClock]:
    clock = ManualClock()
    return OperatingLedger("salon", budget, clock), clock


def wait_of(error: OperatingLimitError) -> float:
    assert error.retry_after is not None
    return error.retry_after


def test_an_operation_that_nothing_is_known_of_may_run_and_shows_nothing() -> None:
    book, _ = ledger()
    book.check(METHOD)
    book.observe(METHOD, None, None)
    assert book.usage() == (Budget("operating", 100.0, 100.0), ())


def test_the_sum_and_its_reset_are_shown_on_our_clock() -> None:
    book, clock = ledger()
    book.observe(METHOD, 30.0, 250.0)
    clock.now += 50
    assert book.usage() == (Budget("operating", 100.0, 70.0), (OperatingTime(METHOD, 30.0, clock.now + 200),))


def test_what_did_not_change_is_told_in_the_very_same_numbers_however_the_clocks_are_read() -> None:
    # The reset is counted on one clock and shown on another: read one after the other they never give the same sum twice.
    ticks = itertools.count()
    clock = SystemClock(wall=lambda: 1_790_000_000.0 + next(ticks) * 1.7e-6, monotonic=lambda: 5000.0 + next(ticks) * 1.3e-6)
    book = OperatingLedger("salon", 100.0, clock)
    book.observe(METHOD, 30.0, 250.0)
    assert 1 == len({book.usage() for _ in range(100)})


def test_the_budget_is_that_of_the_operation_that_has_spent_most() -> None:
    book, _ = ledger()
    book.observe(METHOD, 30.0, 250.0)
    book.observe("batch", 60.0, 250.0)
    assert 40.0 == book.usage()[0].remaining


@pytest.mark.parametrize(("spent", "optional", "links", "whole"), [(49, 1, 1, 1), (50, 0, 1, 1), (80, 0, 0, 1), (100, 0, 0, 0)])
def test_the_less_is_left_the_less_may_run(spent: float, optional: int, links: int, whole: int) -> None:
    book, _ = ledger()
    book.observe(METHOD, spent, 300.0)
    allowed = [book.allows(METHOD, share) for share in (OPTIONAL_SHARE, LINKS_SHARE, 1.0)]
    assert allowed == [bool(optional), bool(links), bool(whole)]


def test_after_the_reset_one_call_may_go_and_learn_the_new_sum() -> None:
    book, clock = ledger()
    book.observe(METHOD, 100.0, 300.0)
    with pytest.raises(OperatingLimitError) as caught:
        book.check(METHOD)
    assert 300 == wait_of(caught.value)
    clock.now += 300
    book.check(METHOD)
    book.observe(METHOD, 100.0, 60.0)
    assert not book.allows(METHOD, 1.0)


def test_without_a_reset_the_sum_is_forgotten_after_ten_minutes() -> None:
    book, clock = ledger()
    book.observe(METHOD, 100.0, None)
    clock.now += 599
    assert not book.allows(METHOD, 1.0)
    clock.now += 1
    assert book.allows(METHOD, 1.0)
    assert book.usage()[1] == (OperatingTime(METHOD, 0.0, None),)


@pytest.mark.parametrize(("reset_in", "wait"), [(400.0, 400.0), (5.0, 60.0), (None, 300.0), (0.0, 300.0)])
def test_a_refusal_pauses_until_the_named_reset_and_at_least_a_minute(reset_in: float | None, wait: float) -> None:
    book, clock = ledger()
    book.observe(METHOD, 1.0, reset_in)
    assert wait_of(book.refused((METHOD,))) == wait
    clock.now += wait - 1
    with pytest.raises(OperatingLimitError):
        book.check(METHOD)
    clock.now += 1
    book.check(METHOD)


def test_a_refusal_inside_a_batch_pauses_the_batch_too_and_nothing_else() -> None:
    book, _ = ledger()
    book.refused((METHOD, "batch"))
    assert [False, False, True] == [book.allows(name, 1.0) for name in (METHOD, "batch", "booking.v1.resource.list")]


def test_refusals_in_a_row_pause_longer_until_an_answer_comes() -> None:
    book, clock = ledger()
    waits = []
    for _ in range(3):
        waits.append(wait_of(book.refused((METHOD,))))
        clock.now += waits[-1]
    book.observe(METHOD, None, None)
    assert [300, 600, 600, 300] == [*waits, wait_of(book.refused((METHOD,)))]


def test_calls_that_were_on_their_way_make_a_rest_neither_longer_nor_shorter_whatever_comes_of_them() -> None:
    book, clock = ledger()
    with structlog.testing.capture_logs() as logged:
        for wait in (300, 600, 600):
            assert wait == wait_of(book.refused((METHOD,)))
            book.observe(METHOD, 5.0, None)
            assert wait == wait_of(book.refused((METHOD,)))
            clock.now += wait
    assert ["method_paused"] == [line["event"] for line in logged]


def test_calls_underway_are_expected_to_be_as_dear_as_the_dearest_of_ten_minutes() -> None:
    book, clock = ledger(100.0)
    assert not book.leaves_room(METHOD, 1.0), "nobody knows what a call costs"
    book.observe(METHOD, 20.0, 300.0)
    assert not book.leaves_room(METHOD, 1.0), "others may have spent it"
    for seconds in (30.0, 31.0):
        book.observe(METHOD, seconds, 300.0)
    with book.underway({METHOD: 4}):
        assert book.leaves_room(METHOD, 0.8)
        with book.underway({METHOD: 1}):
            assert not book.leaves_room(METHOD, 0.8), "31 and five times 10"
        assert book.leaves_room(METHOD, 0.8)
    clock.now += 601
    book.observe(METHOD, 60.0, 300.0)  # what was spent in ten minutes is no one call's
    with book.underway({METHOD: 1}):
        assert book.leaves_room(METHOD, 0.8)
    book.observe(METHOD, 61.0, 300.0)
    with book.underway({METHOD: 10}):
        assert book.leaves_room(METHOD, 0.8), "61 and ten times 1"


def test_what_the_sum_rose_while_several_calls_were_underway_is_shared_between_them() -> None:
    book, clock = ledger(100.0)
    for seconds in (1.0, 2.0):
        book.observe(METHOD, seconds, 300.0)
    with book.underway({METHOD: 9}):
        book.observe(METHOD, 12.0, 300.0)  # ten calls
        assert book.leaves_room(METHOD, 0.8), "12 and nine times 1"
        book.observe(METHOD, 19.0, 300.0, same_answer=True)
        assert not book.leaves_room(METHOD, 0.8), "19 and nine times 7"
        clock.now += 601
        for seconds in (20.0, 21.0):
            book.observe(METHOD, seconds, 300.0)
        assert not book.leaves_room(METHOD, 0.8), "a share tells of no cheaper call"
    book.observe(METHOD, 22.0, 300.0)
    with book.underway({METHOD: 50}):
        assert book.leaves_room(METHOD, 0.8), "22 and fifty times 1"


def test_the_log_has_a_line_when_the_portal_stops_a_method_and_one_when_it_goes_on() -> None:
    book, clock = ledger()
    with structlog.testing.capture_logs() as logged:
        for _ in range(2):
            for _ in range(3):
                book.refused((METHOD,))
                clock.now += 300
            book.observe(METHOD, None, None)
            book.observe(METHOD, 5.0, 300.0)
    begun, ended = logged[:2]
    assert ["method_paused", "method_goes_on"] * 2 == [line["event"] for line in logged]
    assert ("warning", "salon", METHOD, "operating_limit") == tuple(
        begun[key] for key in ("log_level", "of", "operation", "reason")
    )
    assert ("info", "salon", METHOD, 900.0) == tuple(ended[key] for key in ("log_level", "of", "operation", "seconds"))


def test_the_log_has_a_line_when_our_own_budget_stops_a_method_and_one_when_the_sum_has_fallen() -> None:
    book, clock = ledger()
    with structlog.testing.capture_logs() as logged:
        book.observe(METHOD, 85.0, 300.0)
        assert not book.allows(METHOD, LINKS_SHARE)
        assert [] == logged, "a question is no pause"
        for _ in range(3):
            with pytest.raises(OperatingLimitError):
                book.check(METHOD, LINKS_SHARE)
        book.check(METHOD)  # bookings go on
        book.observe(METHOD, 86.0, 250.0)
        clock.now += 250
        book.check(METHOD, LINKS_SHARE)
        book.observe(METHOD, 81.0, 60.0)  # not enough
        clock.now += 60
        book.observe(METHOD, 20.0, 60.0)
    assert [("method_paused", None), ("method_goes_on", 310.0)] == [(line["event"], line.get("seconds")) for line in logged]
