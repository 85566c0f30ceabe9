"""The frame of a dashboard: variables, annotations, links and the grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace

from exporter.monitoring.alerts import Dashboard
from exporter.monitoring.dashboards.panels import GREEN, ORANGE, RED, Json, stat, words
from exporter.monitoring.options import Options
from exporter.monitoring.promql import RECENT

TAG = "booking-sync"
_COLUMNS = 24
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}
_MENU = {Dashboard.FLEET: "Fleet", Dashboard.TARGET: "Target", Dashboard.INTERNALS: "Exporter"}
_OURS = ("job", "instance")
_OF_JOB = 'job=~\\"$job\\"'
_CARRIED = "${datasource:queryparam}"


@dataclass(frozen=True, slots=True)
class DashboardRow:
    """Panels below one heading; a collapsed row loads nothing until it is opened."""

    title: str
    panels: Sequence[Json]
    collapsed: bool = False


def variable(name: str, label: str, values: str, *, single: bool = False) -> Json:
    """Return a variable filled by ``label_values(...)``, read again when the time range changes.

    "All" is ``.+`` where the job narrows it already, since thousands of names would make long queries; the job and the instance
    name their values, because a Prometheus has other jobs, too.
    """
    result: Json = {
        "type": "query",
        "name": name,
        "label": label,
        "datasource": _DATASOURCE,
        "query": {"qryType": 1, "query": values, "refId": "PrometheusVariableQueryEditor-VariableQuery"},
        "definition": values,
        "refresh": 2,
        "sort": 1,
        "hide": 0,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
        "multi": not single,
        "includeAll": not single,
    }
    if not single:
        result |= {"current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
        result |= {} if name in _OURS else {"allValue": ".+"}
    return result


def board(
    options: Options,
    *,
    uid: Dashboard,
    title: str,
    description: str,
    variables: Sequence[Json],
    rows: Sequence[DashboardRow],
    exporter_width: int = _COLUMNS,
    links: Sequence[Json] = (),
) -> str:
    """Return the JSON of a dashboard, ready for import, provisioning or a ConfigMap.

    Every board begins with the tile of the exporter, and its first variable is the job. ``links`` are those that its menu
    has besides the other boards and the runbooks.
    """
    first, *others = rows
    rows = [replace(first, panels=[_exporter(exporter_width), *first.panels]), *others]
    job = variable("job", "Job", "label_values(booking_sync_build_info, job)")
    dashboard = {
        "id": None,
        "uid": options.uid(uid),
        "title": title,
        "description": description,
        "tags": [TAG],
        "editable": False,
        "graphTooltip": 1,
        "schemaVersion": 39,
        "timezone": "",
        "time": {"from": "now-6h", "to": "now"},
        "refresh": "1m",
        "timepicker": {},
        "fiscalYearStartMonth": 0,
        "liveNow": False,
        "version": 1,
        "weekStart": "",
        "annotations": {"list": _annotations(uid)},
        "links": [*_links(options, uid), *links],
        "templating": {"list": [_datasource(), job, *_choices(options), *variables]},
        "panels": _place(rows),
    }
    text = json.dumps(dashboard, indent=1, ensure_ascii=False) + "\n"
    for one in Dashboard:  # panels link to boards by the names that they are shipped with
        text = text.replace(f"/d/{one}?", f"/d/{options.uid(one)}?")
    return _with_choices(text, options)


def _with_choices(text: str, options: Options) -> str:
    """Return a board whose queries select by what else is chosen on it; links carry the choice along."""
    for name in options.variables:
        label = options.cluster_label if name == "cluster" else name
        text = text.replace(_OF_JOB, f'{_OF_JOB},{label}=~\\"${name}\\"')
        text = text.replace(_CARRIED, f"{_CARRIED}&${{{name}:queryparam}}")
    return text


def _choices(options: Options) -> list[Json]:
    labels = ((name, options.cluster_label if name == "cluster" else name) for name in options.variables)
    # Where nothing has the label, "All" selects what has none.
    return [
        variable(name, name.capitalize(), f"label_values(booking_sync_build_info, {label})") | {"allValue": ".*"}
        for name, label in labels
    ]


def _place(rows: Sequence[DashboardRow]) -> list[Json]:
    """Flow panels from left to right below their row's heading and number everything."""
    placed: list[Json] = []
    top, number = 0, 0
    for row in rows:
        number += 1
        heading: Json = {
            "type": "row",
            "id": number,
            "title": row.title,
            "collapsed": row.collapsed,
            "gridPos": {"x": 0, "y": top, "w": _COLUMNS, "h": 1},
            "panels": [],
        }
        placed.append(heading)
        inside = heading["panels"] if row.collapsed else placed
        left, top, height = 0, top + 1, 0
        for panel in row.panels:
            number += 1
            size = panel["gridPos"]
            if left + size["w"] > _COLUMNS:
                left, top, height = 0, top + height, 0
            targets = [
                {"refId": chr(ord("A") + index), "datasource": _DATASOURCE, **target}
                for index, target in enumerate(panel["targets"])
            ]
            inside.append(
                {
                    "id": number,
                    **panel,
                    "gridPos": {"x": left, "y": top, **size},
                    "datasource": _DATASOURCE,
                    "interval": panel.get("interval", "1m"),
                    "targets": targets,
                }
            )
            left, height = left + size["w"], max(height, size["h"])
        top += height
    return placed


def _datasource() -> Json:
    return {
        "type": "datasource",
        "name": "datasource",
        "label": "Data source",
        "query": "prometheus",
        "refresh": 1,
        "hide": 0,
        "includeAll": False,
        "multi": False,
        "options": [],
        "regex": "",
        "skipUrlSync": False,
    }


def _exporter(width: int) -> Json:
    meaning = [
        *words({0: ("DOWN, nothing below is known", RED), 1: ("up", GREEN)}),
        {"type": "range", "options": {"from": 0, "to": 1, "result": {"text": "partly down", "color": ORANGE, "index": 2}}},
    ]
    up = 'up{job=~"$job"}'
    panel = stat(
        "Exporter",
        "Whether Prometheus scraped the exporter within the last three minutes; 'partly down' means that one replica or shard "
        "of several is down.",
        (width, 3),
        (
            f"avg by (job) (max_over_time({up}[{RECENT}]))\n"
            f"or 0 * count by (job) (count_over_time({up}[$__range]))\n"  # a job that nobody scrapes any more
            "or on () vector(0)"
        ),
        legend="{{job}}",
        thresholds=((None, RED),),
        mappings=meaning,
    )
    panel["options"]["textMode"] = "auto"  # the job's name only where there are several
    return panel


def _annotations(uid: Dashboard) -> list[Json]:
    """Return markers at the moment that the value names: a region would paint the chart, one per alert."""
    ours = 'job=~"$job",alertname=~"BookingSync.+",severity="critical"'
    # Only where several can be chosen Grafana escapes what a regular expression would read in a name.
    of_target = ('target="$target"', 'target=""') if uid is Dashboard.TARGET else ('target=~"$target|"',)
    began = "\nor ".join(
        f'1000 * ALERTS_FOR_STATE{{{ours},{target}}}\nand ignoring (alertstate) ALERTS{{{ours},{target},alertstate="firing"}}'
        for target in of_target
    )
    return [
        _annotation(
            "Exporter restarts", "blue", '1000 * process_start_time_seconds{job=~"$job"}', "{{instance}} restarted", shown=True
        ),
        _annotation(
            "Critical alerts",
            "red",
            began,
            "{{alertname}} {{target}}",
            shown=uid is Dashboard.TARGET,  # elsewhere they are those of many targets
        ),
    ]


def _annotation(name: str, color: str, expression: str, title: str, *, shown: bool) -> Json:
    return {
        "name": name,
        "datasource": _DATASOURCE,
        "enable": shown,
        "hide": False,
        "iconColor": color,
        "expr": expression,
        "step": "60s",
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": "",
        "useValueForTime": True,
    }


def _links(options: Options, uid: Dashboard) -> list[Json]:
    """Return the menu. The variable ``target`` stays behind: the board of one target has no "All"."""
    others = [
        link(
            title,
            f"/d/{other}?${{datasource:queryparam}}&${{job:queryparam}}",
            "dashboard",
            "With the same data source, job and time",
            here=True,
        )
        for other, title in _MENU.items()
        if other != uid
    ]
    if not options.runbook_index:
        return others
    return [
        *others,
        link("Runbooks", options.runbook_index, "doc", "What each alert means and who fixes it"),
    ]


def link(title: str, url: str, icon: str, tooltip: str, *, here: bool = False) -> Json:
    """Return a link of the menu: to a board (``here``) with the time range, or to another place in a tab of its own."""
    return {
        "type": "link",
        "title": title,
        "url": url,
        "tags": [],
        "asDropdown": False,
        "includeVars": False,
        "keepTime": here,
        "targetBlank": not here,
        "icon": icon,
        "tooltip": tooltip,
    }
