"""The dashboard lint: each function is one check and yields what it finds as ``(panel title, message)``.

Names are those of Grafana's own dashboard-linter where a check is the same.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from itertools import combinations
from typing import Any

from exporter.monitoring.dashboards.panels import NEUTRAL, STATUS_LOOKS
from tests.monitoring.bundle import DECLARED, FROM_PROMETHEUS, RECORDINGS, panels
from tests.monitoring.promql import aggregations, calls, family_of, labels_of, labels_of_expression, parse, selectors, walk

Board = dict[str, Any]
Findings = Iterator[tuple[str, str]]
Check = Callable[[Board], Findings]

KINDS = {"stat", "timeseries", "state-timeline", "table", "bargauge"}
INSTANT = {"stat", "table", "bargauge"}


def _queries(board: Board) -> Iterator[tuple[Board, str]]:
    for panel in panels(board):
        for target in panel["targets"]:
            yield panel, target["expr"]


def _variables(board: Board) -> list[Board]:
    return [variable for variable in board["templating"]["list"] if variable["type"] == "query"]


def dashboard_frame(board: Board) -> Findings:
    expected = {"id": None, "schemaVersion": 39, "timezone": "", "graphTooltip": 1, "tags": ["booking-sync"]}
    if any(board[key] != value for key, value in expected.items()):
        yield "", "frame differs"
    if not re.fullmatch(r"booking-sync-[a-z-]{1,27}", board["uid"]) or not board["description"] or not board["title"]:
        yield "", "uid, title or description"


def uneditable_dashboard(board: Board) -> Findings:
    if board["editable"]:
        yield "", "is editable"


def importable_by_file(board: Board) -> Findings:
    if "__inputs" in board or any("libraryPanel" in panel for panel in panels(board)):
        yield "", "has inputs or library panels"
    if "current" in board["templating"]["list"][0]:
        yield "", "remembers somebody's data source"


def range_and_refresh(board: Board) -> Findings:
    if (board["time"], board["refresh"]) != ({"from": "now-6h", "to": "now"}, "1m"):
        yield "", "range or refresh"


def links(board: Board) -> Findings:
    menu = board["links"]
    reached = {re.sub(r"\?.*", "", link["url"]) for link in menu}
    others = {"fleet", "target", "internals"} - {board["uid"].removeprefix("booking-sync-")}
    if reached != {f"/d/booking-sync-{name}" for name in others}:
        yield "", f"leads to {reached}"
    for link in menu:
        if (
            link["type"] != "link"
            or not link["keepTime"]
            or not {"${datasource:queryparam}", "${job:queryparam}"} <= set(re.findall(r"\${[^}]+}", link["url"]))
        ):
            yield "", f"{link['title']}: loses data source, job or time"
        # "All" of the fleet is no target.
        if link["includeVars"] or "target" in link["url"].partition("?")[2]:
            yield "", f"{link['title']}: carries the target along"


def board_annotations(board: Board) -> Findings:
    if [one["name"] for one in board["annotations"]["list"]] != ["Exporter restarts", "Critical alerts"]:
        yield "", "annotations"
    for one in board["annotations"]["list"]:
        if not one["useValueForTime"] or "1000 *" not in one["expr"]:
            yield "", f"{one['name']} paints the time that it lasts"
        for metric, matchers, _ in selectors(one["expr"]):
            if "job" not in matchers:
                yield "", f"{one['name']} ignores the job"
            if metric.startswith("ALERTS") and matchers.get("target") not in {"Re $target|", "Equal $target", "Equal "}:
                yield "", f"{one['name']} accuses every target"
    shown = {one["name"] for one in board["annotations"]["list"] if one["enable"]}
    if "Critical alerts" in shown and board["uid"] != "booking-sync-target":
        yield "", "marks the alerts of many targets"


def template_datasource_rule(board: Board) -> Findings:
    first = board["templating"]["list"][0]
    if (first["type"], first["name"], first["label"], first["query"]) != (
        "datasource",
        "datasource",
        "Data source",
        "prometheus",
    ):
        yield "", "first variable"


def template_job_rule(board: Board) -> Findings:
    job = _variables(board)[0]
    if (job["name"], job["multi"], job["definition"]) != ("job", True, "label_values(booking_sync_build_info, job)"):
        yield "", "job variable"
    for variable in _variables(board):
        if variable["name"] in {"job", "instance"} and "allValue" in variable:
            yield "", f"all of {variable['name']} is not only ours"


def template_instance_rule(board: Board) -> Findings:
    if "instance" not in {variable["name"] for variable in _variables(board)}:
        yield "", "no instance variable"


def template_on_time_change_reload_rule(board: Board) -> Findings:
    for variable in _variables(board):
        if variable["refresh"] != 2:
            yield "", f"{variable['name']} is not read again"


def template_choice(board: Board) -> Findings:
    for variable in _variables(board):
        if not variable["label"] or variable["sort"] != 1 or variable["datasource"]["uid"] != "${datasource}":
            yield "", f"{variable['name']}: label, order or data source"
        drill_down_key = board["uid"] == "booking-sync-target" and variable["name"] == "target"
        if (variable["multi"], variable["includeAll"]) != (not drill_down_key, not drill_down_key):
            yield "", f"{variable['name']}: multi"


def template_label_promql_rule(board: Board) -> Findings:
    for variable in _variables(board):
        parts = re.fullmatch(r"label_values\((.+), (\w+)\)", variable["definition"])
        if parts is None or parts[2] not in labels_of_expression(parts[1]):
            yield "", f"{variable['name']}: {variable['definition']}"


def panel_identity(board: Board) -> Findings:
    rows = [panel for panel in board["panels"] if panel["type"] == "row"]
    ids = [panel["id"] for panel in (*rows, *panels(board))]
    titles = [panel["title"] for panel in panels(board)]
    if len(ids) != len(set(ids)) or len(titles) != len(set(titles)):
        yield "", "ids or titles repeat"


def panel_grid(board: Board) -> Findings:
    boxes = [(panel["title"], panel["gridPos"]) for panel in (*board["panels"], *panels(board)) if panel["type"] != "row"]
    boxes = list(dict(boxes).items())
    boxes += [("row " + row["title"], row["gridPos"]) for row in board["panels"] if row["type"] == "row"]
    for title, box in boxes:
        if box["x"] + box["w"] > 24 or min(box.values()) < 0:
            yield title, "leaves the grid"
    for (title, a), (other, b) in combinations(boxes, 2):
        apart = a["x"] + a["w"] <= b["x"] or b["x"] + b["w"] <= a["x"] or a["y"] + a["h"] <= b["y"] or b["y"] + b["h"] <= a["y"]
        if not apart:
            yield title, f"overlaps {other}"


def panel_kind(board: Board) -> Findings:
    for panel in panels(board):
        if panel["type"] not in KINDS:
            yield panel["title"], panel["type"]


def panel_title_description_rule(board: Board) -> Findings:
    for panel in panels(board):
        if not panel["title"] or len(panel["description"]) < 15 or not panel["description"].endswith("."):
            yield panel["title"], "description"


def panel_no_value(board: Board) -> Findings:
    for panel in panels(board):
        # It is the text of each single cell or point without a value, too, in the colour of the lowest threshold.
        if "noValue" in str(panel["fieldConfig"]):
            yield panel["title"], "says the same of a missing value and of a missing result"
        if panel["type"] in {"stat", "bargauge"}:
            missing = [one["options"] for one in panel["fieldConfig"]["defaults"]["mappings"] if one["type"] == "special"]
            looks = [(one["match"], one["result"]["text"], one["result"]["color"]) for one in missing]
            if looks != [("null+nan", "unknown", NEUTRAL)]:
                yield panel["title"], "a missing value has the colour of a threshold"


def panel_exporter_first(board: Board) -> Findings:
    first = panels(board)[0]
    if (first["title"], first["type"]) != ("Exporter", "stat") or "or on () vector(0)" not in first["targets"][0]["expr"]:
        yield first["title"], "the first tile is not the exporter's"


def panel_state_colours(board: Board) -> Findings:
    for panel in panels(board):
        # With "thresholds" a state timeline merges values by threshold and prints the ranges; it never asks the mappings.
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] == "state-timeline" and (defaults["color"]["mode"] == "thresholds" or not defaults["mappings"]):
            yield panel["title"], "shows thresholds instead of states"


def panel_painted_cells(board: Board) -> Findings:
    for panel in panels(board):
        for over in panel["fieldConfig"]["overrides"]:
            cells = [one["value"] for one in over["properties"] if one["id"] == "custom.cellOptions"]
            # Without a mode some versions leave the cell as it is: the word is there, its colour is not.
            if any(cell["type"] == "color-background" and "mode" not in cell for cell in cells):
                yield panel["title"], f"{over['matcher']['options']} may have no colour"


def panel_axis_of_zeros(board: Board) -> Findings:
    """An axis whose values are all 0 ends at 100, which makes 0 look like next to nothing of much."""
    for panel in panels(board):
        defaults = panel["fieldConfig"]["defaults"]
        if panel["type"] != "timeseries" or defaults["unit"] in {"s", "bytes"}:
            continue
        if defaults["custom"].get("axisSoftMax", defaults.get("max")) != 1:
            yield panel["title"], "its axis has no end where all is 0"


def panel_painted_words(board: Board) -> Findings:
    """A number is told in a word, which on the right of its cell would touch the words of the next."""
    for panel in panels(board):
        for over in panel["fieldConfig"]["overrides"]:
            properties = {one["id"]: one["value"] for one in over["properties"]}
            painted = properties.get("custom.cellOptions", {}).get("type") == "color-background"
            if painted and properties.get("custom.align") != "center":
                yield panel["title"], f"{over['matcher']['options']} is not in the middle of its cell"


_ADDRESSES = {
    "booking-sync-fleet": {
        "Targets": "What is broken and who fixes it",
        "Who is needed": "What is broken and who fixes it",
        "Connections healthy": "Connections needing attention",
        "In error": "Connections needing attention",
        "Disconnected": "Connections needing attention",
        "Overlapping bookings, 7 d": "What is broken and who fixes it",
        "Collectors without data": "What is broken and who fixes it",
        "Polls failing": "What is broken and who fixes it",
        "Healthy, 30 days": "All targets",
    },
    "booking-sync-target": {
        "State": "What is wrong and what to do",
        "Connections healthy": "Calendar connections (Wix)",
        "Next double booking": "What is wrong and what to do",
    },
    "booking-sync-internals": {
        "Does it keep up": "Processes",
        "Slowest scrape": "Processes",
        "Event loop lag": "Processes",
        "Configurations in use": "Processes",
    },
}
"""The table that says of whom a tile speaks which has no link, and says it without being opened."""


def panel_address(board: Board) -> Findings:
    tables = {panel["title"] for panel in board["panels"] if panel["type"] == "table"}
    for panel in panels(board):
        alarms = any(f"'color': '{color}'" in str(panel["fieldConfig"]) for color in ("red", "orange"))
        if panel["type"] != "stat" or not alarms or panel["title"] == "Exporter" or panel["fieldConfig"]["defaults"]["links"]:
            continue
        if _ADDRESSES[board["uid"]].get(panel["title"]) not in tables:
            yield panel["title"], "alarms, and does not say of whom it speaks"


def panel_withdrawn(board: Board) -> Findings:
    for panel in panels(board):
        if panel["type"] != "timeseries":
            continue
        custom, calcs = panel["fieldConfig"]["defaults"]["custom"], panel["options"]["legend"]["calcs"]
        if custom["drawStyle"] == "line" and custom["lineInterpolation"] != "linear":
            yield panel["title"], "draws the last value on to the right edge"
        if "lastNotNull" in calcs:
            yield panel["title"], "prints a value that was withdrawn"


_UNITS = (
    # What the expression looks like, in order, and the unit that it has to have.
    (r"^\(?count\(", "none"),
    # A moment, not how far it is from now: ranges end in the past, too, and "in a day" is anything from 22 to 35 hours.
    (r"1000 .*credential_expiry", "time:D MMM YYYY"),
    (r"1000", "time:D MMM HH:mm"),
    (r"_timestamp_seconds|process_start_time_seconds", "s"),
    (r"\bhistogram_quantile\(|_seconds_sum\{.* / ", "s"),  # a quantile, or a mean
    (r"\b60 \*.*\brate\(", "suffix:/min"),
    (r"\brate\(.* / |_seconds_total", "percentunit"),
    (r"\brate\(", "suffix:/min, and 60 times as much"),
    (r"_bytes\b", "bytes"),
    (r"[_:]seconds\b", "s"),
    (r":ratio| / last_over_time\(process_max_fds|^\(?1 - sum\(.* / ", "percentunit"),
    (r"", "none"),
)


def _unit_of(expression: str) -> str:
    return next(unit for pattern, unit in _UNITS if re.search(pattern, expression))


def panel_units_rule(board: Board) -> Findings:
    for panel in panels(board):
        if panel["type"] == "table":
            continue  # each column has its own
        if any(one["type"] == "value" and len(one["options"]) > 2 for one in panel["fieldConfig"]["defaults"]["mappings"]):
            continue  # a code, which is told in words
        for target in panel["targets"]:
            unit = panel["fieldConfig"]["defaults"]["unit"]
            if unit != _unit_of(target["expr"]):
                yield panel["title"], f"{unit} should be {_unit_of(target['expr'])}"


def panel_share_bounds(board: Board) -> Findings:
    for panel in panels(board):
        defaults = panel["fieldConfig"]["defaults"]
        if defaults["unit"] == "percentunit" and (defaults.get("min"), defaults.get("max")) != (0, 1):
            yield panel["title"], "a share goes from 0 to 1"


def panel_datasource_rule(board: Board) -> Findings:
    for panel in panels(board):
        for part in (panel, *panel["targets"]):
            if part["datasource"] != {"type": "prometheus", "uid": "${datasource}"}:
                yield panel["title"], "data source"


def panel_no_targets_rule(board: Board) -> Findings:
    for panel in panels(board):
        references = [target["refId"] for target in panel["targets"]]
        # A quantile, or a mean, wants a poll in each window; whatever else there is has a new value each minute.
        step = "5m" if re.search("histogram_(quantile|sum)", str(panel["targets"])) else "1m"
        if not references or len(references) != len(set(references)) or panel["interval"] != step:
            yield panel["title"], "queries or interval"


def panel_query_kind(board: Board) -> Findings:
    for panel in panels(board):
        for target in panel["targets"]:
            instant = panel["type"] in INSTANT
            if (target["instant"], target["range"]) != (instant, not instant):
                yield panel["title"], "instant or range"


def panel_legend(board: Board) -> Findings:
    for panel in panels(board):
        legends = [target["legendFormat"] for target in panel["targets"]]
        if panel["type"] in {"timeseries", "state-timeline"} and "__auto" in legends:
            yield panel["title"], "a series without a name"
        if panel["type"] == "timeseries":
            legend = panel["options"]["legend"]
            if (legend["displayMode"], legend["calcs"]) != ("table", ["last", "max"]):
                yield panel["title"], "legend"
        for target in panel["targets"]:
            words = set(re.findall(r"{{(\w+)}}", target["legendFormat"]))
            if not words <= labels_of_expression(target["expr"]):
                yield panel["title"], f"legend names {words}"


def panel_series_cap(board: Board) -> Findings:
    unbounded = {"target", "connection", "site", "resource", "operation"}
    if board["uid"] == "booking-sync-target":
        unbounded -= {"target"}  # there is one
    for panel, expression in _queries(board):
        if panel["type"] in {"timeseries", "state-timeline"} and labels_of_expression(expression) & unbounded:
            every_node = tuple(node for node, _ in walk(parse(expression)))
            if not {operator for operator, _, _ in aggregations(every_node)} & {"topk", "bottomk"}:
                yield panel["title"], "has no cap"


def panel_gaps(board: Board) -> Findings:
    for panel in panels(board):
        custom = panel["fieldConfig"]["defaults"]["custom"]
        if custom.get("insertNulls"):  # the data source knows its step, and a state lasts for this long after its end
            yield panel["title"], "an outage looks like a state"
        if panel["type"] in {"state-timeline", "timeseries"} and custom["spanNulls"] is not False:
            yield panel["title"], "gaps are bridged"


def status_colours(board: Board) -> Findings:
    for panel in panels(board):
        expressions = [target["expr"] for target in panel["targets"]]
        if panel["type"] in {"state-timeline", "table"} and any("connection_status:" in one for one in expressions):
            text = str(panel["fieldConfig"])
            if not all(f"'text': '{word}', 'color': '{color}'" in text for word, color in STATUS_LOOKS.values()):
                yield panel["title"], "status words and colours"


def target_steady_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, _, above in selectors(expression):
            # Rules write alerts; everything else ends with the scrape that fails.
            over_time = [name for name in calls(above) if re.fullmatch(r"\w+_over_time|rate|increase|changes", name)]
            if not over_time and not metric.startswith("ALERTS"):
                yield panel["title"], f"{metric} is gone after one failed scrape"


def target_promql_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, matchers, _ in selectors(expression):
            try:
                known = labels_of(metric)
            except KeyError:
                yield panel["title"], f"{metric} does not exist"
                continue
            # An alert has the labels of its rule.
            if metric not in FROM_PROMETHEUS and not set(matchers) <= known:
                yield panel["title"], f"{metric} has no {set(matchers) - known}"


def target_job_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, matchers, _ in selectors(expression):
            # What Prometheus says of itself has its own job.
            if matchers.get("job") != "Re $job" and matchers.get("alertname") != "Equal BookingSyncRuleFailures":
                yield panel["title"], f"{metric} ignores the job"


def target_instance_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, matchers, _ in selectors(expression):
            if matchers.get("instance") != "Re $instance":
                yield panel["title"], f"{metric} ignores the instance"


def target_variables(board: Board) -> Findings:
    names = {variable["name"] for variable in _variables(board)} - {"job", "instance"}
    for panel, expression in _queries(board):
        for metric, matchers, _ in selectors(expression):
            known = set() if metric in FROM_PROMETHEUS else labels_of(metric)
            missing = (names & known) - set(matchers)
            if missing:
                yield panel["title"], f"{metric} ignores {missing}"


def target_single_rule(board: Board) -> Findings:
    """Grafana escapes what a regular expression would read in the values of a variable only where several can be chosen."""
    single = {f"${variable['name']}" for variable in _variables(board) if not variable["multi"]}
    queries = [(panel["title"], expression) for panel, expression in _queries(board)]
    for title, expression in queries + [(one["name"], one["expr"]) for one in board["annotations"]["list"]]:
        for metric, matchers, _ in selectors(expression):
            if any(name in value and not value.startswith("Equal ") for value in matchers.values() for name in single):
                yield title, f"{metric} takes a name for a regular expression"


def target_rate_interval_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        if any(interval != "$__rate_interval" for interval in re.findall(r"\brate\([^\[]*\[([^\]]+)\]", expression)):
            yield panel["title"], "rate over a fixed interval"


def target_counter_agg_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, _, above in selectors(expression):
            family = family_of(metric)
            if family and DECLARED[family].type in {"counter", "histogram"} and not calls(above) & {"rate", "increase"}:
                yield panel["title"], f"{metric} is a counter"


def target_replica_rule(board: Board) -> Findings:
    for panel, expression in _queries(board):
        for metric, _, above in selectors(expression):
            family = family_of(metric)
            if metric in RECORDINGS or not family or "target" not in DECLARED[family].labels:
                continue
            if DECLARED[family].type == "gauge" and aggregations(above)[-1][0] in {"sum", "count", "avg"}:
                yield panel["title"], f"{metric} counts every replica"


def drill_down(board: Board) -> Findings:
    if board["uid"] == "booking-sync-fleet":
        for panel in panels(board):
            ways = ("/d/booking-sync-target?", "/d/${__data.fields.board}?")  # the second leads there, too, where it can
            if panel["type"] == "table" and not any(way in str(panel["fieldConfig"]) for way in ways):
                yield panel["title"], "no way to the target"


CHECKS: tuple[Check, ...] = (
    dashboard_frame,
    uneditable_dashboard,
    importable_by_file,
    range_and_refresh,
    links,
    board_annotations,
    template_datasource_rule,
    template_job_rule,
    template_instance_rule,
    template_on_time_change_reload_rule,
    template_choice,
    template_label_promql_rule,
    panel_identity,
    panel_grid,
    panel_kind,
    panel_title_description_rule,
    panel_no_value,
    panel_exporter_first,
    panel_state_colours,
    panel_painted_cells,
    panel_painted_words,
    panel_axis_of_zeros,
    panel_address,
    panel_withdrawn,
    panel_units_rule,
    panel_share_bounds,
    panel_datasource_rule,
    panel_no_targets_rule,
    panel_query_kind,
    panel_legend,
    panel_series_cap,
    panel_gaps,
    status_colours,
    target_steady_rule,
    target_promql_rule,
    target_job_rule,
    target_instance_rule,
    target_variables,
    target_single_rule,
    target_rate_interval_rule,
    target_counter_agg_rule,
    target_replica_rule,
    drill_down,
)
