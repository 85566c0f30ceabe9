"""The threat model and the tests that show it: no line without a test of its own."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

import pytest

from tests.harness.tables import PROJECT, names_a_test, numbered_rows

AREAS: Final = {"S", "U", "P", "W", "F", "M", "B"}


class Row(NamedTuple):
    number: str
    attempt: str
    holds: str
    test: str


ROWS: Final = [Row(*cells) for cells in numbered_rows(PROJECT / "SECURITY.md")]


def test_every_area_has_lines_and_each_has_a_number_an_attempt_and_a_test_of_its_own() -> None:
    assert AREAS == {row.number[0] for row in ROWS}
    for cells in zip(*((row.number, row.attempt, row.test) for row in ROWS), strict=True):
        assert [] == [cell for cell, times in Counter(cells).items() if times > 1]


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_the_test_of_a_line_exists(row: Row) -> None:
    assert all(row), "a cell is empty"
    assert names_a_test(row.test), f"{row.number} names no test"
