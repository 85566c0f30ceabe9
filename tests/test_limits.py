"""The table of caps: each stands in it once, and the document is what it says."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter import limits
from exporter.limits import TABLE, Cap
from tools.limits_reference import render

ROOT = Path(__file__).parents[1]
LISTED = [cap for caps in TABLE.values() for cap in caps]


def test_the_document_of_the_limits_is_what_the_table_says() -> None:
    assert (ROOT / "docs" / "limits.md").read_text() == render(), "run: python -m tools.limits_reference docs/limits.md"


def test_every_cap_stands_in_the_table_once() -> None:
    named = [value for value in vars(limits).values() if isinstance(value, Cap)]
    assert sorted(map(id, named)) == sorted(map(id, LISTED))
    assert len({cap.what for cap in LISTED}) == len(LISTED)


@pytest.mark.parametrize(
    ("number", "unit", "shown"),
    [
        (65536, "bytes", "64 KiB"),
        (2 * 1024 * 1024, "bytes", "2 MiB"),
        (1000, "bytes", "1,000 bytes"),
        (10_000, "rows", "10,000 rows"),
    ],
)
def test_a_cap_is_shown_with_its_unit(number: int, unit: str, shown: str) -> None:
    assert shown == str(Cap("it", number, unit, "told"))
