"""What ``make bench-scale`` does in an hour, once in small: a fleet, its pages, a Prometheus that scrapes them."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from tests.scale import exporter, prometheus


@pytest.mark.servers
def test_a_fleet_is_measured_and_its_page_scraped(tmp_path: Path) -> None:
    for name in ("fleet", "scraped"):
        (tmp_path / name).mkdir()
    found, first, second = asyncio.run(exporter.measured(exporter.Fleet(2, 1), tmp_path / "fleet", 0.5, apart=0.5))
    assert 3 == found.watched
    assert 100 * found.watched < found.series < found.page_bytes
    assert 0 < found.page_gzip_bytes < found.page_bytes / 5
    assert found.start_cpu_seconds > 0
    assert 20 < found.memory_mib <= found.memory_scraped_mib
    lines = prometheus.lines_of(first, second)
    scraped = prometheus.scraped(lines, 2 * len(lines) + 1, tmp_path / "scraped", scrapes=1, every=1)
    assert 2 * len(lines) + 1 == scraped.series
    assert 0 < scraped.scrape_seconds < 1
