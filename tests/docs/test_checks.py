"""docs/checks.md: what the checks cost is what an exporter asks of the simulator and shows."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from exporter.state.verdict import TABLE
from tests.harness.check_costs import SERVICE_ID, cost

TEXT: Final = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
WITHOUT: Final = {"connections": {"probe": False, "staff": False}, "bookings": {"platform_conflicts": False}}
SLOTS: Final = {"services": [{"name": "Haircut", "id": SERVICE_ID}]}
WITH: Final[Mapping[str, Mapping[str, object]]] = {
    "marks": {**WITHOUT, "bookings": {"platform_conflicts": True}},
    "probe": {**WITHOUT, "connections": {"probe": True, "staff": False}},
    "staff": {**WITHOUT, "connections": {"probe": False, "staff": True}},
    "events": {**WITHOUT, "events": {}},
    "slots": {**WITHOUT, "slots": SLOTS},
}
ROWS: Final = {
    row[0]: tuple(map(int, row[1:]))
    for row in re.findall(r"^\| (\w+) \| (\d+) \| (\d+) \| (\d+) \| (\d+) \|", TEXT, re.MULTILINE)
}


@pytest.mark.slow
@pytest.mark.parametrize("check", WITH)
async def test_a_check_costs_what_the_page_says(check: str, tmp_path: Path) -> None:
    found = []
    for staff in (5, 50):
        calls, series = await cost(tmp_path, staff, WITH[check])
        calls_without, series_without = await cost(tmp_path, staff, WITHOUT)
        found.append(((calls - calls_without).total(), series - series_without))
    (calls_of_5, series_of_5), (calls_of_50, series_of_50) = found
    assert (calls_of_5, calls_of_50, series_of_5, series_of_50) == ROWS[check]


def test_the_page_has_each_check() -> None:
    assert WITH.keys() == ROWS.keys()


async def test_a_site_of_fifty_with_everything_on_asks_for_less_than_three_per_cent_of_what_wix_allows(tmp_path: Path) -> None:
    calls, _ = await cost(tmp_path, 50, {"connections": {}, "bookings": {}, "events": {}, "slots": SLOTS})
    assert calls.total() < 0.03 * 200 * 60


def test_kinds_and_alerts_of_the_page_exist() -> None:
    kinds = {row.kind.value for row in TABLE}
    alerts = {name for row in TABLE for name in row.alerts}
    of_checks = "conflict|connection|import|account|staff|external|booked|calendar|slots|no_open"
    assert set(re.findall(rf"`((?:{of_checks})_\w+)`", TEXT)) <= kinds
    assert set(re.findall(r"BookingSync\w+", TEXT)) <= alerts
