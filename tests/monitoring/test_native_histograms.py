"""The boards' latencies where Prometheus makes one series of a histogram (``convert_classic_histograms_to_nhcb``)."""

from __future__ import annotations

from collections.abc import Iterator
from functools import partial
from typing import Any

import httpx
import pytest

from tests.e2e.paging_stack import JOB, hurried_exporter, simulated
from tests.monitoring.bundle import BOARDS, load_board, panels
from tests.monitoring.grafana import filled
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.servers import prometheus, run, wait_for

pytestmark = pytest.mark.servers

QUANTILES = [
    (panel["title"], one["expr"])
    for board in BOARDS
    for panel in panels(load_board(board))
    for one in panel["targets"]
    if "histogram_" in one["expr"]
]
VARIABLES = {"job": JOB, "target": ".+", "platform": ".+", "instance": ".+"}
PAIRED = "physio-hamburg-wix"


def _found(client: httpx.Client, expression: str) -> list[dict[str, Any]]:
    answer = client.get("/api/v1/query", params={"query": expression}).json()
    assert "success" == answer["status"], f"{expression}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


@pytest.fixture(scope="module", params=[False, True], ids=["buckets", "one series"])
def server(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus that scrapes an exporter, and keeps each histogram as many series or as one."""
    said = run("prometheus", "--version")
    if request.param and "version 2." in said.stdout + said.stderr:
        pytest.skip("Prometheus 2 knows no such histograms")
    directory = tmp_path_factory.mktemp("histograms")
    with simulated() as (_, origin), hurried_exporter(directory, origin, paired=True) as exporter:
        scrape: dict[str, Any] = {"job_name": JOB, "static_configs": [{"targets": [exporter]}]}
        scrape |= {"convert_classic_histograms_to_nhcb": True} if request.param else {}
        config = {"global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"}, "scrape_configs": [scrape]}
        with prometheus(directory, safe_dump(config)) as client:
            wait_for("a scrape", partial(_found, client, "booking_sync_collector_poll_duration_seconds_bucket or up == 1"))
            yield client


def test_all_latencies_of_the_boards_are_asked_for_in_either_form() -> None:
    assert 6 == len(QUANTILES)


@pytest.mark.parametrize(("title", "expression"), QUANTILES)
def test_a_latency_is_known_in_either_form(server: httpx.Client, title: str, expression: str) -> None:
    # A board of one target compares its name, and does not match it.
    chosen = VARIABLES | ({"target": PAIRED} if 'target="$target"' in expression else {})
    values = wait_for(title, partial(_found, server, filled(expression, chosen)), 60)
    assert all(0 <= float(one["value"][1]) <= 600 for one in values)
    assert all(set(one["metric"]) <= {"collector", "platform", "operation", "pair"} for one in values)


def test_no_bucket_is_a_series_of_its_own_where_the_histogram_is_one(
    server: httpx.Client, request: pytest.FixtureRequest
) -> None:
    buckets = _found(server, 'count({__name__=~"booking_sync_.+_bucket"})')
    assert bool(buckets) == ("one series" not in request.node.name)
