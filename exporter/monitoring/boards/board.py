"""The frame of a dashboard: variables, annotations, links and the grid."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass

from exporter.monitoring.boards.panels import Json
from exporter.monitoring.options import Options

TAG = "booking-sync"
_COLUMNS = 24
_DATASOURCE = {"type": "prometheus", "uid": "${datasource}"}


@dataclass(frozen=True, slots=True)
class Row:
    """Panels below one heading; a collapsed row loads nothing until it is opened."""

    title: str
    panels: Sequence[Json]
    collapsed: bool = False


def variable(name: str, label: str, values: str, *, single: bool = False) -> Json:
    """Return a variable filled by ``label_values(...)``, read again when the time range changes."""
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
        result |= {"allValue": ".+", "current": {"selected": True, "text": ["All"], "value": ["$__all"]}}
    return result


def board(options: Options, *, uid: str, title: str, description: str, variables: Sequence[Json], rows: Sequence[Row]) -> str:
    """Return the JSON of a dashboard, ready for import, provisioning or a ConfigMap."""
    dashboard = {
        "id": None,
        "uid": uid,
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
        "annotations": {"list": _annotations()},
        "links": _links(options),
        "templating": {"list": [_datasource(), *variables]},
        "panels": _place(rows),
    }
    return json.dumps(dashboard, indent=2, ensure_ascii=False) + "\n"


def _place(rows: Sequence[Row]) -> list[Json]:
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
                    "interval": "1m",
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


def _annotations() -> list[Json]:
    return [
        _annotation(
            "Exporter restarts", "blue", 'changes(process_start_time_seconds{job=~"$job"}[5m]) > 0', "{{instance}} restarted"
        ),
        _annotation(
            "Critical alerts",
            "red",
            'ALERTS{job=~"$job",alertname=~"BookingSync.+",alertstate="firing",severity="critical"}',
            "{{alertname}} {{target}}",
        ),
    ]


def _annotation(name: str, color: str, expression: str, title: str) -> Json:
    return {
        "name": name,
        "datasource": _DATASOURCE,
        "enable": True,
        "hide": False,
        "iconColor": color,
        "expr": expression,
        "step": "60s",
        "titleFormat": title,
        "textFormat": "",
        "tagKeys": "",
        "useValueForTime": False,
    }


def _links(options: Options) -> list[Json]:
    return [
        {
            "type": "dashboards",
            "title": "Booking sync",
            "tags": [TAG],
            "asDropdown": True,
            "includeVars": True,
            "keepTime": True,
            "targetBlank": False,
            "icon": "external link",
            "tooltip": "The other boards, with the same variables and time",
            "url": "",
        },
        {
            "type": "link",
            "title": "Runbooks",
            "url": f"{options.runbook_url}/README.md",
            "tags": [],
            "asDropdown": False,
            "includeVars": False,
            "keepTime": False,
            "targetBlank": True,
            "icon": "doc",
            "tooltip": "What each alert means and who fixes it",
        },
    ]
