"""Panels as plain dictionaries: one function per kind, with the defaults that all boards share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.model import ConnectionStatus
from exporter.monitoring.rules import STATUS_CODES

Json = dict[str, Any]

MAX_SERIES = 15
_FINER_THAN_ONE: Final = {"s", "bytes"}
"""Units of which a part of one is worth an axis of its own, and which are never 0 for long."""
RED, ORANGE, GREEN, BLUE, YELLOW, PURPLE, NEUTRAL = "red", "orange", "green", "blue", "yellow", "purple", "#808080"
CLEAR = "transparent"

STATUS_LOOKS: Mapping[ConnectionStatus, tuple[str, str]] = {
    ConnectionStatus.SYNCED: ("synced", GREEN),
    ConnectionStatus.SYNC_IN_PROGRESS: ("sync in progress", YELLOW),
    ConnectionStatus.CONNECTED: ("connected", BLUE),
    ConnectionStatus.DISCONNECTED: ("disconnected", ORANGE),
    ConnectionStatus.ERROR: ("error", RED),
    ConnectionStatus.UNDEFINED: ("undefined", NEUTRAL),
    ConnectionStatus.UNKNOWN: ("unknown", PURPLE),
}
"""Word and colour of each status, the same on every board."""

Looks = Mapping[float | str, tuple[str, str]]
"""Word and colour of values."""
MOMENT: Final = "time:D MMM HH:mm"
LASTING: Final = "dtdhms"
"""Days, hours, minutes and seconds: in words 179 minutes would be two hours, or three."""
PAINTED: Final = {"type": "color-background", "mode": "basic"}
"""A cell in the colour of its value. Not every Grafana paints one that does not say how."""

Thresholds = Sequence[tuple[float | None, str]]
NO_THRESHOLDS: Thresholds = ((None, "text"),)
NONE = -1
"""What a query of a tile returns where the exporter has data, but nothing of this kind."""


def words(meaning: Looks) -> list[Json]:
    """Return a value mapping: number, or the word of a label, to word and colour."""
    options = {
        value if isinstance(value, str) else f"{value:g}": {"text": text, "color": color, "index": i}
        for i, (value, (text, color)) in enumerate(meaning.items())
    }
    return [{"type": "value", "options": options}]


def uncoloured(meaning: Mapping[float, str]) -> list[Json]:
    """Return a value mapping to words in the colour that the steps give the number."""
    return [
        {
            "type": "value",
            "options": {f"{value:g}": {"text": text, "index": i} for i, (value, text) in enumerate(meaning.items())},
        }
    ]


def _missing(none: str) -> list[Json]:
    # Without these a missing value has the colour of the lowest threshold, which is green wherever 0 is good.
    unknown = {
        "type": "special",
        "options": {"match": "null+nan", "result": {"text": "unknown", "color": NEUTRAL, "index": 99}},
    }
    return [*(words({NONE: (none, NEUTRAL)}) if none else ()), unknown]


STATUS_WORDS = words({code: STATUS_LOOKS[status] for status, code in sorted(STATUS_CODES.items(), key=lambda item: -item[1])})


def top(expression: str) -> str:
    """Return at most so many series as a graph can show."""
    return f"topk({MAX_SERIES}, {expression})"


def query(expression: str, legend: str = "") -> Json:
    """Return one query; the kind of panel decides whether it is instant."""
    return {"expr": expression, "legendFormat": legend or "__auto"}


def status_overrides() -> list[Json]:
    """Return the colours of series that are named after a status."""
    return [
        override(
            {"id": "byName", "options": status.value}, {"color": {"mode": "fixed", "fixedColor": color}, "displayName": text}
        )
        for status, (text, color) in STATUS_LOOKS.items()
    ]


def override(matcher: Json, properties: Mapping[str, object]) -> Json:
    """Return one field override."""
    return {"matcher": matcher, "properties": [{"id": key, "value": value} for key, value in properties.items()]}


def column(name: str, **properties: object) -> Json:
    """Return the override of a table's column; underscores in the properties stand for dots.

    Numbers stand on the right of a cell, and so would the word that one is told in: a painted word stands in the middle.
    """
    if properties.get("custom_cellOptions") == PAINTED:
        properties["custom_align"] = "center"
    return override({"id": "byName", "options": name}, {key.replace("_", "."): value for key, value in properties.items()})


def _panel(
    kind: str,
    title: str,
    description: str,
    size: tuple[int, int],
    queries: Sequence[Json],
    *,
    unit: str,
    instant: bool,
    options: Json,
    custom: Json | None = None,
    thresholds: Thresholds = NO_THRESHOLDS,
    mappings: Sequence[Json] = (),
    overrides: Sequence[Json] = (),
    color: str = "thresholds",
    links: Sequence[Json] = (),
    transformations: Sequence[Json] = (),
    bounds: tuple[float | None, float | None] = (None, None),
) -> Json:
    defaults: Json = {
        "unit": unit,
        "color": {"mode": color},
        "mappings": list(mappings),
        "thresholds": {"mode": "absolute", "steps": [{"value": value, "color": color} for value, color in thresholds]},
        "links": list(links),
        "custom": custom or {},
    }
    defaults |= {key: bound for key, bound in zip(("min", "max"), bounds, strict=True) if bound is not None}
    form = "table" if kind == "table" else "time_series"
    panel: Json = {
        "type": kind,
        "title": title,
        "description": description,
        "gridPos": {"w": size[0], "h": size[1]},
        "fieldConfig": {"defaults": defaults, "overrides": list(overrides)},
        "options": options,
        "targets": [{**one, "instant": instant, "range": not instant, "format": form, "editorMode": "code"} for one in queries],
    }
    if transformations:
        panel["transformations"] = list(transformations)
    return panel


def stat(
    title: str,
    description: str,
    size: tuple[int, int],
    expression: str,
    *,
    none: str = "",
    unit: str = "none",
    legend: str = "",
    thresholds: Thresholds = NO_THRESHOLDS,
    mappings: Sequence[Json] = (),
    links: Sequence[Json] = (),
    decimals: int | None = None,
) -> Json:
    """Return a number, coloured as a background where it has thresholds or words.

    A missing value is grey and says "unknown"; the value :data:`NONE` is grey and says ``none``.
    """
    looks = "background" if len(thresholds) > 1 or mappings else "value"
    options = {
        "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        "colorMode": looks,
        "graphMode": "none",
        "justifyMode": "auto",
        "textMode": "value_and_name" if legend else "auto",
        "orientation": "auto",
        "wideLayout": True,
    }
    bounds = (0, 1) if unit == "percentunit" else (None, None)
    panel = _panel(
        "stat",
        title,
        description,
        size,
        [query(expression, legend)],
        unit=unit,
        instant=True,
        options=options,
        thresholds=thresholds,
        mappings=[*mappings, *_missing(none)],
        links=links,
        bounds=bounds,
    )
    if decimals is not None:
        panel["fieldConfig"]["defaults"]["decimals"] = decimals
    return panel


def timeseries(
    title: str,
    description: str,
    queries: Sequence[Json],
    *,
    unit: str = "none",
    size: tuple[int, int] = (12, 8),
    thresholds: Thresholds = NO_THRESHOLDS,
    overrides: Sequence[Json] = (),
    stacked: bool = False,
    top_is_one: bool = True,
) -> Json:
    """Return a graph with a legend table; gaps stay gaps. A share ends at 1 unless ``top_is_one`` is false.

    Steps would draw the last value on to the right edge, and ``lastNotNull`` would print it, long after it was withdrawn.
    """
    custom = {
        "drawStyle": "line",
        "lineInterpolation": "linear",
        "lineWidth": 1,
        "fillOpacity": 30 if stacked else 10,
        "showPoints": "never",
        "spanNulls": False,
        "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
        "thresholdsStyle": {"mode": "line" if len(thresholds) > 1 else "off"},
    }
    if unit not in _FINER_THAN_ONE:
        custom["axisSoftMax"] = 1  # where all is 0, an axis would end at 100
    options = {
        "legend": {
            "displayMode": "table",
            "placement": "right",
            "showLegend": True,
            "calcs": ["last", "max"],
            "sortBy": "Last",
            "sortDesc": True,
        },
        "tooltip": {"mode": "multi", "sort": "desc"},
    }
    return _panel(
        "timeseries",
        title,
        description,
        size,
        queries,
        unit=unit,
        instant=False,
        options=options,
        custom=custom,
        thresholds=thresholds,
        overrides=overrides,
        color="palette-classic",
        bounds=(0, 1 if unit == "percentunit" and top_is_one else None),
    )


def counts(title: str, description: str, queries: Sequence[Json], *, size: tuple[int, int] = (12, 8)) -> Json:
    """Return a graph of whole numbers: its axis has no halves."""
    panel = timeseries(title, description, queries, size=size)
    panel["fieldConfig"]["defaults"]["decimals"] = 0
    return panel


def state_timeline(
    title: str,
    description: str,
    size: tuple[int, int],
    expression: str,
    legend: str,
    *,
    mappings: Sequence[Json] = STATUS_WORDS,
) -> Json:
    """Return bars of connection states; a point without an answer is a gap, as the step of the query says."""
    return _panel(
        "state-timeline",
        title,
        description,
        size,
        [query(expression, legend)],
        unit="none",
        instant=False,
        options={
            "mergeValues": True,
            "showValue": "auto",
            "alignValue": "left",
            "rowHeight": 0.85,
            "legend": {"displayMode": "list", "placement": "bottom", "showLegend": True},
            "tooltip": {"mode": "single", "sort": "none"},
        },
        custom={"lineWidth": 0, "fillOpacity": 80, "spanNulls": False},
        mappings=mappings,
        color="palette-classic",  # "thresholds" would merge the values by threshold and never ask the mappings
    )


def table(
    title: str,
    description: str,
    size: tuple[int, int],
    expressions: Sequence[str],
    columns: Mapping[str, str],
    *,
    overrides: Sequence[Json] = (),
    links: Sequence[Json] = (),
    sort_by: str = "",
    descending: bool = False,
) -> Json:
    """Return a table of instant queries merged by their common labels; ``columns`` maps a field to its heading, in order."""
    keep = {"id": "filterFieldsByName", "options": {"include": {"names": list(columns)}}}
    order = {
        "id": "organize",
        "options": {
            "indexByName": {name: index for index, name in enumerate(columns)},
            "renameByName": dict(columns),
            "excludeByName": {},
        },
    }
    return _panel(
        "table",
        title,
        description,
        size,
        [query(expression) for expression in expressions],
        unit="none",
        instant=True,
        options={
            "showHeader": True,
            "cellHeight": "sm",
            "footer": {"show": False, "reducer": [], "countRows": False, "fields": ""},
            "sortBy": [{"displayName": sort_by, "desc": descending}] if sort_by else [],
        },
        custom={"align": "auto", "cellOptions": {"type": "auto"}, "filterable": True},
        overrides=overrides,
        links=links,
        transformations=[{"id": "merge", "options": {}}, keep, order],
    )


def bargauge(title: str, description: str, size: tuple[int, int], expression: str, legend: str) -> Json:
    """Return horizontal bars, one per series."""
    return _panel(
        "bargauge",
        title,
        description,
        size,
        [query(expression, legend)],
        unit="none",
        instant=True,
        options={
            "orientation": "horizontal",
            "displayMode": "basic",
            "valueMode": "text",
            "showUnfilled": True,
            "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
        },
        thresholds=((None, BLUE),),
        mappings=_missing(""),
        bounds=(0, None),
    )
