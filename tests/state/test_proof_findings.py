"""What is found in pairs: bookings that are not in their owner's calendar, and the way back."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.proof import Arrival, Learning, Proof, WindowProof
from exporter.state import pair_advice as advice
from exporter.state.findings import Finding, findings
from exporter.state.findings import verdicts as verdicts_of
from exporter.state.verdict_proof import (
    CALENDAR_NOT_BLOCKING,
    CALENDAR_SHIFTED,
    CANCELLED_IN_CALENDAR,
    NOT_IN_CALENDAR_LATER,
    NOT_IN_CALENDAR_SOON,
    PROOF_NEVER_LEARNT,
)
from exporter.state.verdict_row import Verdict
from tests.harness import verdict_scenes, views

HOUR = 3_600.0


def found(*pairs: Proof) -> list[Finding]:
    return list(findings(verdict_scenes.paired(*pairs)))


def test_a_pair_whose_bookings_arrive_is_no_finding() -> None:
    assert [] == found(views.proof())


def test_bookings_of_the_next_day_and_later_ones_are_two_findings_each_with_its_bookings() -> None:
    soon, later = found(views.proof(missing=(HOUR, 23 * HOUR, 30 * HOUR)))
    assert (NOT_IN_CALENDAR_SOON, NOT_IN_CALENDAR_LATER) == (soon.row, later.row)
    assert (["900", "901"], ["902"]) == ([one.booking for one in soon.missing], [one.booking for one in later.missing])
    assert ("2 bookings of the next 24 hours", "1 booking of the next 7 days") == (soon.effect, later.effect)
    assert ("Anna", views.NOW - 7_200, views.NOW + HOUR) == (soon.subject, soon.since, soon.begins)


def test_bookings_that_are_counted_and_not_listed_are_told_as_more() -> None:
    [finding] = found(
        replace(
            views.proof(missing=(HOUR,)),
            windows=tuple(WindowProof(window, {Arrival.MISSING: 14}) for window in ("next_24h", "next_7d")),
        )
    )
    assert (13, "14 bookings of the next 24 hours") == (finding.more, finding.effect)


@pytest.mark.parametrize(
    ("shift", "words"),
    [(HOUR, "60 minutes too late"), (-1_800.0, "30 minutes too early"), (14 * HOUR, "840 minutes too late")],
)
def test_a_shift_is_a_cause_of_its_own_that_names_how_far(shift: float, words: str) -> None:
    [finding] = found(views.proof(missing=(25 * HOUR, 26 * HOUR, 30 * HOUR), shift=shift))
    assert (CALENDAR_SHIFTED, words, advice.SHIFTED) == (finding.row, finding.effect, finding.advice)
    assert ["900", "901", "902"] == [one.booking for one in finding.missing]


def test_shifted_bookings_of_the_next_day_are_critical_and_their_fix_is_that_of_the_shift() -> None:
    soon, shifted = found(views.proof(missing=(HOUR, 26 * HOUR, 30 * HOUR), shift=HOUR))
    assert (NOT_IN_CALENDAR_SOON, CALENDAR_SHIFTED) == (soon.row, shifted.row)
    assert (advice.SHIFTED, advice.SHIFTED) == (soon.advice, shifted.advice)


def test_what_is_left_of_cancelled_bookings_is_told_with_its_times_and_since_when() -> None:
    [finding] = found(views.proof(left=(HOUR, 2 * HOUR)))
    assert (CANCELLED_IN_CALENDAR, "2 busy times", views.NOW - 3_600) == (finding.row, finding.effect, finding.since)
    assert [views.NOW + HOUR, views.NOW + 2 * HOUR] == [one.start for one in finding.busy]


def test_busy_times_that_the_platform_does_not_know_are_told_of_a_pair_that_learns_too() -> None:
    learning = replace(views.unlearnt(days=1), imports=views.proof(unknown=(HOUR,)).imports)
    [one], [other] = found(views.proof(unknown=(HOUR,))), found(learning)
    assert (CALENDAR_NOT_BLOCKING, CALENDAR_NOT_BLOCKING) == (one.row, other.row)
    assert (1, 0, 1) == (len(one.busy), one.more, other.more)


def test_a_pair_that_learns_misses_nothing() -> None:
    assert [] == found(views.unlearnt(days=6))


@pytest.mark.parametrize(
    ("learning", "fix"), [(Learning.NONE_ARRIVES, advice.NONE_ARRIVES), (Learning.MARKED_FREE, advice.MARKED_FREE)]
)
def test_a_pair_that_learns_nothing_for_a_week_is_listed_with_the_reason_and_changes_no_verdict(
    learning: Learning, fix: object
) -> None:
    view = verdict_scenes.paired(views.unlearnt(learning, days=7))
    [finding] = findings(view)
    assert (PROOF_NEVER_LEARNT, fix) == (finding.row, finding.advice)
    assert Verdict.OK is verdicts_of(view, [finding])[verdict_scenes.SITE]


def test_a_pair_of_which_few_bookings_were_due_is_not_listed_however_long_it_lasts() -> None:
    assert [] == found(views.unlearnt(Learning.FEW_BOOKINGS, days=90))


def test_each_pair_of_a_target_is_a_finding_of_its_own() -> None:
    assert ["Anna", "Zoe"] == sorted(one.subject for one in found(views.proof(left=(HOUR,)), views.proof("Zoe", left=(HOUR,))))
