"""The table of faults and the tests that show it: neither says what the other does not."""

from __future__ import annotations

import re
from typing import Final, NamedTuple

import pytest

from exporter.errors import PollError, Reason
from tests.harness.tables import PROJECT, TESTS, names_a_test, numbered_rows

AREAS: Final = {"A", "N", "T", "D", "E", "C", "P", "W"}


class Row(NamedTuple):
    number: str
    fault: str
    done: str
    says: str
    others: str
    test: str


ROWS: Final = [Row(*cells) for cells in numbered_rows(PROJECT / "docs" / "reliability.md")]
each_row = pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)


def test_the_table_has_at_least_a_hundred_faults_of_every_area() -> None:
    assert len(ROWS) >= 100
    assert AREAS == {row.number[0] for row in ROWS}


def test_every_fault_has_a_number_and_a_test_of_its_own() -> None:
    assert len(ROWS) == len({row.number for row in ROWS}) == len({row.fault for row in ROWS})
    shared = {row.test for row in ROWS if sum(row.test == other.test for other in ROWS) > 1}
    assert set() == shared


@each_row
def test_the_test_of_a_row_exists(row: Row) -> None:
    assert names_a_test(row.test), f"{row.number} names no test: {row.test}"


@each_row
def test_a_row_says_everything(row: Row) -> None:
    assert all(row), "a cell is empty"
    for word in re.findall(r"`([a-z_]+)`", row.says):
        known = {reason.value for reason in Reason} | {"unknown", "other"}
        if word in known:
            continue
        # A metric or an event of the log, which stands in the code under this name.
        assert _stands_in_the_code(word), f"{row.number}: {word}"


@each_row
def test_the_reason_of_a_row_is_looked_at_where_its_test_stands(row: Row) -> None:
    path = TESTS / row.test.strip("`").partition("::")[0]
    for reason in (Reason(word) for word in re.findall(r"`([a-z_]+)`", row.says) if word in set(Reason)):
        forms = (
            f"Reason.{reason.name}",
            f'"{reason}"',
            *(kind.__name__ for kind in _kinds(PollError) if kind.reason is reason),
        )
        assert any(form in path.read_text() for form in forms), f"{row.number}: nothing in tests/{path} tells {reason}"


def test_every_reason_for_which_a_poll_can_fail_stands_in_the_table() -> None:
    told = {word for row in ROWS for word in re.findall(r"`([a-z_]+)`", row.says)}
    assert set() == {reason.value for reason in Reason} - told


def _kinds(kind: type[PollError]) -> list[type[PollError]]:
    return [kind, *(below for child in kind.__subclasses__() for below in _kinds(child))]


CODE: Final = "\n".join(path.read_text() for path in (PROJECT / "exporter").rglob("*.py"))


def _stands_in_the_code(word: str) -> bool:
    return f'"{word}"' in CODE or f"_{word}" in CODE
