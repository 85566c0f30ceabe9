"""The joins that the reference tells people to write, asked of Prometheus' own engine with two replicas of one exporter."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from exporter.metrics.families.catalog import TARGET_INFO
from tests.monitoring.servers import run

REFERENCE = (Path(__file__).parents[2] / "docs" / "metrics.md").read_text()
QUERIES = re.search(r"```promql\n(.*?)```", REFERENCE, re.DOTALL)
BOOKINGS = 'booking_sync_bookings{window="next_24h"}'


def in_the_reference() -> list[str]:
    """Return the queries of the reference that join."""
    assert QUERIES is not None
    return [line for line in QUERIES[1].splitlines() if "group_left" in line]


def in_the_help() -> str:
    """Return the join of the help text, as somebody completes it who wants the label ``site``."""
    join = re.search(r"join with: (.+)\.$", TARGET_INFO.help)
    assert join is not None
    return f"{BOOKINGS} {join[1].replace('(...)', '(site)')}"


@pytest.mark.servers
@pytest.mark.parametrize("query", [*in_the_reference(), in_the_help()])
def test_a_documented_join_gives_the_value_of_each_replica_with_its_label(query: str, tmp_path: Path) -> None:
    replicas = [f'job="booking-sync",instance="{host}:10888",target="salon",platform="wix"' for host in ("a", "b")]
    series = [
        row
        for labels in replicas
        for row in (
            {"series": f'booking_sync_bookings{{{labels},window="next_24h"}}', "values": "5"},
            {"series": f'booking_sync_target_info{{{labels},site="berlin"}}', "values": "1"},
        )
    ]
    expected = [{"labels": f'{{{labels},window="next_24h",site="berlin"}}', "value": 5} for labels in replicas]
    test = {"input_series": series, "promql_expr_test": [{"expr": query, "eval_time": "0s", "exp_samples": expected}]}
    file = tmp_path / "joins.yml"
    file.write_text(yaml.safe_dump({"tests": [test]}))
    result = run("promtool", "test", "rules", file)
    assert 0 == result.returncode, result.stdout + result.stderr


def test_the_reference_shows_a_join() -> None:
    assert 1 == len(in_the_reference())
