"""Numbers that boards show beside others, asked of promtool over days."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest

from exporter.monitoring.dashboards.shares import days_known
from tests.monitoring.outages import measured

HOURS = 60


@pytest.mark.servers
def test_a_day_is_known_when_the_exporter_answered_in_it_and_of_two_jobs_the_younger_one_decides(tmp_path: Path) -> None:
    """Scrapes that fail are samples, too: nothing is known of their days."""
    ups: dict[str, Sequence[float | None]] = {
        "old": [1.0] * 72 * HOURS,
        "young": [*[None] * 42 * HOURS, *[1.0] * 30 * HOURS],
        "failed": [0.0] * 50 * HOURS + [1.0] * 22 * HOURS,
        "dead": [0.0] * 72 * HOURS,
    }
    series = {f'up{{job="{job}",instance="a"}}': values for job, values in ups.items()}
    for jobs, expected in {"old": [3], "young": [2], "failed": [1], "old|young": [2], "old|dead": [3], "dead": []}.items():
        found = measured(series, [72 * HOURS - 1], tmp_path, days_known(f'job=~"{jobs}"'), (), bundle=[])
        assert expected == [value for _, value in found[72 * HOURS - 1]], jobs


@pytest.mark.servers
def test_scrapes_that_fail_at_every_full_hour_take_no_day(tmp_path: Path) -> None:
    series = {'up{job="a",instance="a"}': [float(minute % HOURS != 0) for minute in range(30 * HOURS)]}
    found = measured(series, [30 * HOURS - 1], tmp_path, days_known('job="a"'), (), bundle=[])
    assert [2] == [value for _, value in found[30 * HOURS - 1]]
