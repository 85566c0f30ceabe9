"""The rules on more than one generation of servers: Prometheus 2.42, 3.x and its flags, vmalert, and the limits of Mimir."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import pytest
from promql_parser import (
    AggregateExpr,
    BinaryExpr,
    Call,
    Expr,
    NumberLiteral,
    ParenExpr,
    UnaryExpr,
    VectorMatchCardinality,
    VectorSelector,
)

from tests.e2e.paging_stack import JOB, hurried_exporter, simulated
from tests.monitoring.bundle import (
    ALERT_GROUPS,
    ALERTS,
    BOARDS,
    DECLARED,
    PROMETHEUS,
    RECORDING_GROUPS,
    RECORDINGS,
    ROOT,
    load_board,
    panels,
)
from tests.monitoring.cases import CASES, left_open, load, parted, typed
from tests.monitoring.libyaml import safe_dump
from tests.monitoring.promql import aggregations, calls, children, family_of, parse, walk
from tests.monitoring.servers import prometheus, run, wait_for
from tools.marked import put
from tools.versions_reference import BEGIN, END, Run, counted, render

TYPE_LABELS = {"__type__", "__unit__"}
"""What Prometheus 3 adds to every series of a page where ``type-and-unit-labels`` is switched on."""

# The functions of Prometheus 2.42, without the one that 3.0 renamed (holt_winters).
FUNCTIONS = """
abs absent absent_over_time acos acosh asin asinh atan atanh avg_over_time ceil changes clamp clamp_max clamp_min cos cosh
count_over_time day_of_month day_of_week day_of_year days_in_month deg delta deriv exp floor histogram_count
histogram_fraction histogram_quantile histogram_sum hour idelta increase irate label_join label_replace last_over_time ln
log10 log2 max_over_time min_over_time minute month pi predict_linear present_over_time quantile_over_time rad rate resets
round scalar sgn sin sinh sort sort_desc sqrt stddev_over_time stdvar_over_time sum_over_time tan tanh time timestamp
vector year
"""
# Whatever takes the name of a series takes its type and unit with it: arithmetic, and every function but these.
_KEEP_THE_NAME = {"last_over_time", "label_replace", "label_join", "sort", "sort_desc"}
_ARITHMETIC = {"+", "-", "*", "/", "%", "^", "atan2"}
KNOWN_KEYS = {"record", "alert", "expr", "for", "keep_firing_for", "labels", "annotations"}

GROUPS: list[dict[str, Any]] = [*RECORDING_GROUPS, *ALERT_GROUPS]
EXPRESSIONS = [*RECORDINGS.items(), *((alert["alert"], alert["expr"]) for alert in ALERTS)]

QUERIES = [
    (f"{board.stem}: {panel['title']} {one['refId']}", one["expr"])
    for board in BOARDS
    for panel in panels(load_board(board))
    for one in panel["targets"]
] + [(f"{board.stem}: {one['name']}", one["expr"]) for board in BOARDS for one in load_board(board)["annotations"]["list"]]

each_group = pytest.mark.parametrize("group", GROUPS, ids=lambda group: group["name"])
each_case = pytest.mark.parametrize("file", CASES, ids=lambda file: file.stem)
each_expression = pytest.mark.parametrize(("name", "expression"), [*EXPRESSIONS, *QUERIES])


@each_group
def test_a_group_says_how_often_since_vmalert_has_another_default(group: dict[str, Any]) -> None:
    assert re.fullmatch(r"\d+[smh]", group.get("interval", "")), group["name"]


@each_group
def test_a_group_has_at_most_the_twenty_rules_that_mimir_takes(group: dict[str, Any]) -> None:
    assert len(group["rules"]) <= 20


@each_group
def test_a_rule_has_only_keys_that_every_generation_knows(group: dict[str, Any]) -> None:
    assert {key for rule in group["rules"] for key in rule} <= KNOWN_KEYS


@each_expression
def test_a_rule_or_a_board_calls_only_functions_that_every_generation_has(name: str, expression: str) -> None:
    assert calls(tuple(node for node, _ in walk(parse(expression)))) <= set(FUNCTIONS.split()), name


@each_expression
def test_a_fold_of_replicas_takes_the_labels_of_type_and_unit_along(name: str, expression: str) -> None:
    for node, _ in walk(parse(expression)):
        if isinstance(node, AggregateExpr):
            [(_, kind, labels)] = aggregations((node,))
            assert "by" == kind or "instance" not in labels or labels >= TYPE_LABELS, f"{name}: {node}"


@each_expression
def test_series_that_meet_have_the_same_type_or_none_that_is_left(name: str, expression: str) -> None:
    for node, _ in walk(parse(expression)):
        if isinstance(node, BinaryExpr) and _matches_by_type(node):
            assert len(_types(node.lhs) | _types(node.rhs)) <= 1, f"{name}: {node}"


def _matches_by_type(node: BinaryExpr) -> bool:
    """Whether both sides are vectors that meet only where the labels of type and unit are the same."""
    if _is_number(node.lhs) or _is_number(node.rhs):
        return False
    matching = node.modifier and node.modifier.matching
    if not matching:
        return True
    labels = set(matching.labels)
    return bool(labels & TYPE_LABELS) if str(matching.type).endswith("Include") else not labels >= TYPE_LABELS


def _is_number(node: Expr) -> bool:
    """Whether an expression gives one number and no series."""
    if isinstance(node, Call):
        return node.func.name in {"time", "scalar"}
    return isinstance(node, NumberLiteral) or (
        isinstance(node, BinaryExpr | ParenExpr) and all(map(_is_number, children(node)))
    )


def _types(node: Expr, within: frozenset[str] = frozenset()) -> set[str]:
    """Return what the label of type can be in the result of an expression; "" is none, as of what Prometheus makes itself.

    ``within`` are the recorded series whose expressions this one lies in: one that remembers what it was adds nothing.
    """
    if isinstance(node, VectorSelector):
        name = str(node.name)
        if recorded := RECORDINGS.get(name):
            return set() if name in within else _types(parse(recorded), within | {name})
        family = family_of(name)
        return {DECLARED[family].type} if family else {""}
    if isinstance(node, AggregateExpr) and str(node.op) not in {"topk", "bottomk"}:
        [(_, kind, labels)] = aggregations((node,))
        if labels >= TYPE_LABELS if kind == "without" else not labels & TYPE_LABELS:
            return {""}
    if isinstance(node, Call) and node.func.name not in _KEEP_THE_NAME:
        return {""}
    if (isinstance(node, BinaryExpr) and str(node.op) in _ARITHMETIC) or isinstance(node, UnaryExpr):
        return {""}
    parts = _giving_labels(node) if isinstance(node, BinaryExpr) else children(node)
    return set().union(*(_types(part, within) for part in parts))


def _giving_labels(node: BinaryExpr) -> tuple[Expr, ...]:
    """Return the sides whose labels of type and unit the result has."""
    sides = tuple(side for side in (node.lhs, node.rhs) if not _is_number(side))
    if str(node.op) == "or" or len(sides) < 2:
        return sides
    if str(node.op) in {"and", "unless"}:
        return sides[:1]
    if node.modifier and node.modifier.card is VectorMatchCardinality.OneToMany:
        return sides[1:]
    if node.modifier and node.modifier.card is VectorMatchCardinality.ManyToOne:
        return sides[:1]
    return sides if _matches_by_type(node) else ()


# Both at once halves the time; a case that fails here tells by itself which of the two it does not stand.
@pytest.mark.servers
@each_case
def test_shipped_cases_hold_where_ranges_are_left_open_and_series_have_labels_of_type_and_unit(
    file: Path, tmp_path: Path
) -> None:
    result = run("promtool", "test", "rules", *parted(typed(load(file)), tmp_path, left_open))
    assert 0 == result.returncode, result.stdout + result.stderr


def _vmalert(name: str, *arguments: str | Path) -> None:
    """Run a tool of VictoriaMetrics, which Debian has not, and expect that it finds nothing wrong."""
    if not os.environ.get("SERVERS"):
        pytest.skip("needs SERVERS with vmalert (make servers-current)")
    result = run(name, *arguments)
    assert 0 == result.returncode, result.stdout + result.stderr


@pytest.mark.servers
def test_vmalert_takes_every_rule_with_its_expression_and_its_texts() -> None:
    _vmalert("vmalert", "-dryRun", f"-rule={PROMETHEUS / '*.rules.yml'}")


# The others stand two steps from an edge of Prometheus, on a grid of five minutes, or on time that begins at zero.
@pytest.mark.servers
@pytest.mark.parametrize("name", ["accepted", "bookings"])
def test_shipped_cases_hold_in_vmalert_where_they_are_not_about_one_step(name: str, tmp_path: Path) -> None:
    files = parted(
        load(PROMETHEUS / "tests" / f"{name}.yml"),
        tmp_path,
        lambda text: text.replace("promql_expr_test", "metricsql_expr_test"),
    )
    _vmalert("vmalert-tool", "unittest", "--disableAlertgroupLabel", *(f"--files={file}" for file in files))


def _iterations(client: httpx.Client) -> int:
    """Return how often the group was evaluated that was evaluated the fewest times."""
    told = client.get("/metrics").text
    counted = re.findall(r"^prometheus_rule_group_iterations_total\{.*\} (\S+)$", told, re.MULTILINE)
    return int(min(map(float, counted))) if len(counted) == len(GROUPS) else 0


def _series(client: httpx.Client, selector: str) -> set[tuple[str, str]]:
    """Return name and target of the series that a selector finds now."""
    rows = client.get("/api/v1/query", params={"query": selector}).json()["data"]["result"]
    return {(row["metric"]["__name__"], row["metric"].get("target", "")) for row in rows}


@contextmanager
def _recording(directory: Path, exporter: str, *flags: str) -> Iterator[httpx.Client]:
    """Run a Prometheus with the shipped rules, started with ``flags``."""
    directory.mkdir()
    (directory / "rules.yml").write_text(safe_dump({"groups": [{**group, "interval": "500ms"} for group in GROUPS]}))
    config = {
        "global": {"scrape_interval": "500ms", "scrape_timeout": "500ms"},
        "rule_files": [str(directory / "rules.yml")],
        "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [exporter]}]}],
    }
    with prometheus(directory, safe_dump(config), *flags) as client:
        yield client


@pytest.mark.servers
def test_a_prometheus_that_adds_types_and_units_records_the_same_series(tmp_path: Path) -> None:
    said = run("prometheus", "--version")
    if "version 2." in said.stdout + said.stderr:
        pytest.skip("Prometheus 2 adds no types")
    recorded = '{__name__=~".+:booking_sync_.+"}'
    typed = "--enable-feature=type-and-unit-labels"
    with (
        simulated() as (_, origin),
        hurried_exporter(tmp_path, origin) as exporter,
        _recording(tmp_path / "plain", exporter) as plain,
        _recording(tmp_path / "typed", exporter, typed) as with_types,
    ):
        for client in (plain, with_types):
            wait_for("an exporter that is ready", partial(_series, client, "booking_sync_ready == 1"), 60)
        done = [_iterations(client) + 10 for client in (plain, with_types)]  # more than the longest chain
        for client, enough in zip((plain, with_types), done, strict=True):
            wait_for("ten evaluations", partial(lambda client, enough: _iterations(client) >= enough, client, enough), 60)
        assert _series(with_types, 'booking_sync_ready{__type__="gauge"}')
        expected = _series(plain, recorded)
        assert len(expected) > 20
        assert expected - _series(with_types, recorded) == set()


def test_the_table_of_what_ran_counts_each_file_and_tells_what_failed() -> None:
    report = """<testsuites><testsuite><testcase classname="tests.a.test_b" name="one"/>
        <testcase classname="tests.a.test_b" name="two"><failure/></testcase>
        <testcase classname="tests.test_c" name="three"><skipped/></testcase></testsuite></testsuites>"""
    files = counted(report)
    assert {"tests/a/test_b.py": {"passed": 1, "failed": 1}, "tests/test_c.py": {"skipped": 1}} == files
    old, new = Run("Prometheus 2.42.0", files), Run("Prometheus 3.16.0", {})
    assert (True, False) == (old.failed, new.failed)
    assert [
        "On 2026-11-27:",
        "",
        "| tests | Prometheus 2.42.0 | Prometheus 3.16.0 |",
        "| --- | --- | --- |",
        "| `tests/a/test_b.py` | 1 passed, 1 failed | - |",
        "| `tests/test_c.py` | 1 skipped | - |",
    ] == render([old, new], date(2026, 11, 27)).splitlines()


def test_the_table_of_what_ran_has_its_place_in_the_document() -> None:
    page = (ROOT / "docs" / "monitoring.md").read_text()
    changed = put(page, BEGIN, END, "| a table |")
    assert "\n| a table |\n" in changed
    assert put(changed, BEGIN, END, "| another |") == put(page, BEGIN, END, "| another |")
