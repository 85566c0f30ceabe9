from __future__ import annotations

from pathlib import Path

import pytest

from tests.monitoring.bundle import ALERT_GROUPS
from tests.monitoring.mutants import Field, Mutant, mutants, of_expression


@pytest.mark.parametrize(
    ("expression", "mutant"),
    [
        ("a > 4", "a{} > 2"),
        ("a > 4", "a{} <= 4"),
        ("a == 0", "a{} == 1"),
        ("a and b > 0", "a{} unless b{} > 0"),
        ("a unless b", "a{}"),
        ("a or b", "b{}"),
        ("(a > 1) * b or ignoring (x) (a > 1)", "(a{} > 2) * b{} or ignoring (x) (a{} > 2)"),
        ("max without (instance, pod) (a)", "max without (pod)(a{})"),
        ("a * on (job, site) b", "a{} * on (site) b{}"),
        ("a offset 1h", "a{} offset 30m"),
        ("sum_over_time(a[1d])", "sum_over_time(a{}[2880m])"),
        ("sum_over_time(a[1d:5m])", "sum_over_time(a{}[720m:5m])"),
        ('a{x=~"b|c"}', 'a{x=~"c"}'),
        ('a{x=~"b(c|d|e)"}', 'a{x=~"b(c|e)"}'),
    ],
)
def test_a_fault_is_made_of_each_thing_that_a_rule_says(expression: str, mutant: str) -> None:
    assert mutant in [" ".join(changed.split()) for _, changed in of_expression(expression)]


def test_a_number_is_not_taken_for_a_part_of_another() -> None:
    assert "a{} > 2 and a{} > 10.5" not in [changed for _, changed in of_expression("a > 1 and a > 1.5")]


def test_each_alert_has_mutants_but_the_heartbeat() -> None:
    mutated = [one.original for one in mutants("alert")]
    assert ["Watchdog"] == [rule["alert"] for group in ALERT_GROUPS for rule in group["rules"] if rule not in mutated]


@pytest.mark.servers
def test_a_fault_dies_of_the_case_that_promises_otherwise_and_no_fault_lives(tmp_path: Path) -> None:
    field = Field(tmp_path)
    fault = next(one for one in mutants("alert") if "PollOverdue" in one.name and one.change.endswith("1 -> 2"))
    assert "a poll that is less than an interval overdue is silent, more is told" == field.killer(fault)
    assert not field.killer(Mutant(fault.original, fault.original, "none"))


@pytest.mark.servers
def test_a_recorded_series_is_tried_by_the_cases_that_name_it(tmp_path: Path) -> None:
    field = Field(tmp_path)
    fault = next(one for one in mutants("record") if one.name == "job:booking_sync_targets_unreachable:ratio")
    assert field.asks(fault.name)
    assert field.killer(fault, named=True).startswith("of what cannot be reached each reason counts")
    assert not field.asks("target:booking_sync_site:info")
