"""Every query of every board against a real Prometheus that holds hours of the exporter's own page."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.monitoring.bundle import ALERT_GROUPS, BOARDS, RECORDING_GROUPS, load_board, panels
from tests.monitoring.history import EMPTY_JOB, HOURS, JOB, a_week_ago, openmetrics
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.promql import labels_of_expression
from tests.monitoring.scaled import scaled_groups
from tests.monitoring.servers import prometheus, run, wait_for

pytestmark = pytest.mark.servers

# What only one of the two platforms has is asked of a target of that platform.
ONLY_WIX = {
    "Status",
    "Calendar connections (Wix)",
    "Status changes per hour",
    "Bookings by status",
    "Bookings under private events",
    "Live probe",
    "Calendars not imported",
    "Staff without a working import",
    "Private events by connection",
    "Delay of private events",
    "Copies of bookings that came back",
    "Slots over private events",
    "Slots that can be booked",
}
Query = tuple[str, str, bool, str, str]


def _queries() -> list[Query]:
    """Return board, panel, instant, expression and legend of every query, annotations included."""
    found: list[Query] = []
    for path in BOARDS:
        board = load_board(path)
        for panel in panels(board):
            found += [
                (path.stem, panel["title"], target["instant"], target["expr"], target["legendFormat"])
                for target in panel["targets"]
            ]
        found += [(path.stem, one["name"], False, one["expr"], one["titleFormat"]) for one in board["annotations"]["list"]]
    return found


# The history of this test ends where the rules begin: nothing happens within their first minutes, and a day is never over.
FOR_A_MOMENT = {"target:booking_sync_target_failing:fell", "target:booking_sync_target_failing:lasted"}
"""Exist for one evaluation, which a query may meet."""

MORE_HISTORY = {
    "New bookings against last week",  # four hours of polls, and there are three
}
"""Titles of graphs that this history is not enough for; their labels are looked at."""

NOTHING_WRONG = {"What is wrong with it and what to do"}
"""Titles of tables that are empty because the exporter of this history is well."""

NOTHING_FOUND = "nothing to report"
"""The legend of a line that is there where no other one is; the worlds of the incidents hold it both ways."""

ONLY_WHEN_IT_HAPPENS = {
    "target:booking_sync_slots_over_busy:sum",
    "target:booking_sync_open_slots:count_none",
    "alike:booking_sync_targets:count",
    "target:booking_sync_target_besides:info",
    "platform:booking_sync_targets_failing_long:sum",
    "target:booking_sync_target_failing:fell",
    "target:booking_sync_target_failing:lasted",
    "target:booking_sync_target_unsteady:count2h",
    "platform:booking_sync_targets_unsteady:count",
    "platform:booking_sync_targets_failing_many:sum",
    "target:booking_sync_connections_burning:sum",
    "job:booking_sync_targets_unreachable_part:sum",
    "target:booking_sync_target_began_besides:max",
    "platform:booking_sync_besides_hour:timestamp",
    "platform_besides:booking_sync_targets:count",
    "platform:booking_sync_connections_down_many:count",
    "target_what:booking_sync_connections_broke_besides:info",
    "platform:booking_sync_connections_besides_hour:timestamp",
    "target_what:booking_sync_connections_besides:info",
    "platform_besides:booking_sync_connections:count",
    "platform:booking_sync_connections_down_at_once:count",
    "credential:booking_sync_targets_refused:sum",
    "platform:booking_sync_targets_limited:count",
    "connection:booking_sync_connection_status:lost5m",
    "target:booking_sync_next_calendar_mismatch:seconds",  # all copies here say the same as their bookings
    "target_window:booking_sync_platform_conflicting_bookings:max_uncompared",  # all targets here compare their bookings
    "connection:booking_sync_connection_import_failing:max_unaccepted",
    "connection:booking_sync_connection_status:lost_in_gap",
    "connection:booking_sync_connection_status:changed1m",
    "connection:booking_sync_connection_export:off",
    "connection:booking_sync_connection_export:off5m",
    "target:booking_sync_connections_down:sum",
    "platform:booking_sync_connections_down:count",
    "platform_reason:booking_sync_connection_error:count",
    "target:booking_sync_target_closed:max",
    "target:booking_sync_discovered_bookings:increase1d",
    "target:booking_sync_discovered_bookings:increase4h",
    "target_window:booking_sync_proof_bookings:sum_missing",  # all bookings of the pair here arrive
    "target:booking_sync_proof_imports:sum_missing",
    "target:booking_sync_proof_shift:count",
    "target:booking_sync_proof_left_behind:sum",
    "target:booking_sync_proof_unlearnt:count",
    "platform:booking_sync_proof_missing:count",
    "target_symptom:booking_sync_calendar_empty:info",
    "platform:booking_sync_calendar_empty:count",
}


def _filled(expression: str, job: str, target: str) -> str:
    values = {"job": job, "target": target, "connection": ".+", "instance": ".+", "platform": ".+"}
    text = expression.replace("$__rate_interval", "5m").replace("$__range", "6h")
    # The history ends where the test begins, and a slow machine needs more than three minutes for it.
    text = text.replace("[3m]", "[10m]")
    return re.sub(r"\$([a-z]\w*)", lambda name: values[name[1]], text)


def _ask(client: httpx.Client, expression: str, *, instant: bool) -> list[dict[str, Any]]:
    now = time.time()
    parameters = {"time": now} if instant else {"start": now - HOURS * 3_600, "end": now, "step": 60}
    answer = client.post("/api/v1/query" if instant else "/api/v1/query_range", data={"query": expression, **parameters}).json()
    assert "success" == answer["status"], f"{expression}: {answer}"
    result: list[dict[str, Any]] = answer["data"]["result"]
    return result


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A Prometheus whose last three hours are the fleet's, with all rules evaluated every second."""
    directory: Path = tmp_path_factory.mktemp("prometheus")
    now = time.time() // 30 * 30
    for name, lines in (("history", openmetrics(now)), ("week", a_week_ago(now))):
        file = directory / f"{name}.om"
        file.write_text("\n".join(lines) + "\n")
        result = run("promtool", "tsdb", "create-blocks-from", "openmetrics", file, directory / "data")
        assert 0 == result.returncode, result.stdout + result.stderr
    # Alerts wait a second instead of minutes; what they look at really lies minutes and hours back.
    rules = {"groups": scaled_groups([*RECORDING_GROUPS, *ALERT_GROUPS], 3_600, "1s", ranges=False)}
    (directory / "rules.yml").write_text(safe_dump(rules))
    config = {"global": {"evaluation_interval": "1s"}, "rule_files": [str(directory / "rules.yml")]}
    with prometheus(directory, safe_dump(config), "--storage.tsdb.retention.time=60d") as client:
        wait_for(
            "a firing critical alert",
            lambda: _ask(client, 'ALERTS{alertstate="firing",severity="critical",alertname=~"BookingSync.+"}', instant=True),
        )
        wait_for(
            "the last recorded series", lambda: _ask(client, "target:booking_sync_connections_bad:ratio_avg30d", instant=True)
        )
        yield client


@pytest.mark.parametrize("query", _queries(), ids=lambda query: f"{query[0]}: {query[1]}")
def test_a_query_returns_data_with_the_labels_of_its_legend(server: httpx.Client, query: Query) -> None:
    board, title, instant, expression, legend = query
    target = ".+"
    if board == "target":
        target = "salon-wix" if title in ONLY_WIX else "refused-wix" if title == "Critical alerts" else "salon-b24"
    filled = _filled(expression, JOB, target)
    if title in MORE_HISTORY | NOTHING_WRONG or legend == NOTHING_FOUND:
        assert set(re.findall(r"{{(\w+)}}", legend)) <= labels_of_expression(expression)
        return
    result = wait_for(f"an answer to {filled}", partial(_ask, server, filled, instant=instant))
    wanted = set(re.findall(r"{{(\w+)}}", legend)) - ({"target"} if title == "Critical alerts" else set())
    assert all(wanted <= set(series["metric"]) for series in result), filled


@pytest.mark.parametrize("query", _queries(), ids=lambda query: f"{query[0]}: {query[1]}")
def test_a_query_is_no_error_for_an_exporter_without_targets(server: httpx.Client, query: Query) -> None:
    _, _, instant, expression, _ = query
    _ask(server, _filled(expression, EMPTY_JOB, ".+"), instant=instant)


@pytest.mark.parametrize("path", BOARDS, ids=lambda path: path.stem)
def test_a_variable_offers_values(server: httpx.Client, path: Path) -> None:
    for variable in load_board(path)["templating"]["list"][1:]:
        selector, label = variable["definition"].removeprefix("label_values(").removesuffix(")").rsplit(", ", 1)
        answer = server.get(f"/api/v1/label/{label}/values", params={"match[]": _filled(selector, JOB, "salon-wix")}).json()
        assert answer["data"], variable["name"]


def test_every_rule_is_healthy_on_data_of_the_exporter(server: httpx.Client) -> None:
    groups = server.get("/api/v1/rules").json()["data"]["groups"]
    assert {"ok"} == {rule["health"] for group in groups for rule in group["rules"]}


def test_every_recorded_series_exists(server: httpx.Client) -> None:
    names = {rule["record"] for group in RECORDING_GROUPS for rule in group["rules"]}
    missing = {name for name in names if not _ask(server, name, instant=True)}
    assert ONLY_WHEN_IT_HAPPENS - FOR_A_MOMENT == missing - FOR_A_MOMENT


def test_the_first_table_names_target_since_when_and_who_fixes_it(server: httpx.Client) -> None:
    fleet = next(load_board(path) for path in BOARDS if path.stem == "fleet")
    table = next(panel for panel in panels(fleet) if panel["title"] == "What is broken and who fixes it")
    expression = _filled(table["targets"][0]["expr"], JOB, ".+")

    def named() -> list[dict[str, Any]]:
        rows = _ask(server, expression, instant=True)
        firing = (row["metric"] for row in rows if row["metric"]["alertstate"] == "firing")
        return [labels for labels in firing if labels["alertname"] == "BookingSyncConnectionNeedsOwner"]

    (broken,) = wait_for("the alert in the table", named)
    assert ("salon-wix", "Chair 2", "calendar owner") == tuple(broken[key] for key in ("who", "connection", "fixed_by"))
    since = _ask(server, _filled(table["targets"][1]["expr"], JOB, ".+"), instant=True)
    moments = {
        float(row["value"][1]) / 1000
        for row in since
        if row["metric"]["alertname"] == broken["alertname"] and row["metric"]["connection"] == "Chair 2"
    }
    assert all(time.time() - HOURS * 3_600 - 600 < moment < time.time() for moment in moments)
    assert moments
