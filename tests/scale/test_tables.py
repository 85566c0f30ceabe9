"""The tables of ``docs/scale.md`` are what was measured, multiplied; and the arithmetic is right."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

import pytest

from tests.scale.prometheus import Line as Series
from tests.scale.prometheus import body, lines_of
from tests.scale.units import IN_A_FILE, IN_A_PROCESS, ROOT, Line, fleet, line, measured, rounded, units
from tools.benchmarks import reports
from tools.scale import put_in
from tools.sizing import sizes

PAGE: Final = ROOT / "docs" / "scale.md"
LARGEST: Final = sizes(reports())[-1]
UNITS: Final = units(measured(), (ROOT / "docs" / "sizing.md").read_text(), (LARGEST.targets, LARGEST.memory))


def test_the_page_has_the_tables_of_what_was_measured_last() -> None:
    assert put_in(PAGE.read_text(), measured()) == PAGE.read_text()


def test_each_cost_is_measured_and_none_is_nothing() -> None:
    costs = [unit.each for unit in vars_of(UNITS) if isinstance(unit, Line)]
    assert 9 == len(costs)
    assert all(cost > 0 for cost in costs)


def vars_of(unit: object) -> list[object]:
    return [getattr(unit, name) for name in type(unit).__dataclass_fields__]  # type: ignore[attr-defined]


def test_the_largest_fleet_that_was_run_is_told_to_take_what_it_took() -> None:
    assert UNITS.memory.at(LARGEST.targets) == pytest.approx(LARGEST.memory)


def test_a_line_goes_through_what_was_measured_at_both_ends() -> None:
    assert Line(5.0, 0.5) == line([(10, 10.0), (20, 99.0), (110, 60.0)])
    assert Line(0.0, 1.0) == line([(10, 5.0), (20, 15.0)])


def test_four_times_the_targets_cost_four_times_as_much_but_for_what_each_process_has() -> None:
    one, four = fleet(IN_A_PROCESS, UNITS), fleet(4 * IN_A_PROCESS, UNITS)
    assert (1, 4, 1) == (one.processes, four.processes, four.files)
    assert four.calls_a_day == pytest.approx(4 * one.calls_a_day)
    assert four.series == pytest.approx(4 * one.series)
    assert four.cores == pytest.approx(4 * one.cores)
    assert four.gzip_bytes == pytest.approx(one.gzip_bytes)
    more = 4 * 3 * IN_A_PROCESS * UNITS.memory_of_others  # each of four reads the targets of three others
    assert four.memory_mib == pytest.approx(4 * one.memory_mib + more)


def test_no_process_reads_more_targets_than_a_configuration_has() -> None:
    dear = replace(UNITS, memory_of_others=1.0, memory=Line(0.0, 0.0))
    found = fleet(10 * IN_A_FILE, dear)
    assert 10 == found.files
    assert found.memory_mib == pytest.approx(found.processes * (IN_A_FILE - IN_A_PROCESS))


@pytest.mark.parametrize(
    ("number", "shown"),
    [(0, "0"), (0.0123, "0.012"), (0.5, "0.50"), (9.96, "10.0"), (12.4, "12"), (1234, "1,200"), (98_765, "99,000")],
)
def test_numbers_have_two_digits(number: float, shown: str) -> None:
    assert shown == rounded(number)


def test_a_page_is_made_of_targets_under_other_names_and_goes_on_as_it_went() -> None:
    first = '# HELP a\na{target="x"} 1\nb{target="x",c="target"} 5\nup 1\n'
    second = '# HELP a\na{target="x"} 3\nb{target="x",c="target"} 5\nup 1\n'
    lines = lines_of(first, second)
    assert [Series('a{target="x"}', "1", "3"), Series('b{target="x",c="target"}', "5", "5")] == lines
    text = b"".join(body(lines, 3, 2)).decode()
    assert 'a{target="0000-x"} 5\nb{target="0000-x",c="target"} 5\na{target="0001-x"} 5\n' == text
