"""The first screen of the fleet board: who is needed, what is wrong, since when and why; and a tile for each target."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.monitoring.alerts import Board, alert_groups
from exporter.monitoring.causes import CAUSE, NAMED, SEEN, SINCE, TARGETS
from exporter.monitoring.dashboards.panels import (
    BLUE,
    GREEN,
    NEUTRAL,
    ORANGE,
    RED,
    Json,
    column,
    override,
    stat,
    table,
    words,
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import recent
from exporter.monitoring.rules.health import HEALTH
from exporter.state.verdict import Verdict

SCOPE: Final = 'job=~"$job",target=~"$target"'
_CAUSES: Final = 'job=~"$job",target=~"$target|"'
_HEALTH: Final = recent(f"{HEALTH}{{{SCOPE}}}")
Looks = Mapping[float | str, tuple[str, str]]
_FRESH: Final = "90s"
"""Causes are recorded each minute, and what bridges a failed scrape is in their rules."""

WALL: Final = 200
"""So many tiles can be read."""

HEALTH_LOOKS: Final[Looks] = {
    float(Verdict.OK): ("ok", GREEN),
    float(Verdict.WARNING): ("warning", ORANGE),
    float(Verdict.CRITICAL): ("critical", RED),
    float(Verdict.UNKNOWN): ("unknown", NEUTRAL),
}
_SEVERITIES: Final[Looks] = {2.0: ("critical", RED), 1.0: ("warning", ORANGE), 0.0: ("info", BLUE)}
_STATES: Final[Looks] = {
    "firing": ("alerted", "text"),
    "pending": ("pending", "text"),
    SEEN: ("not yet alerted", "text"),
}


def open_target(name: str, more: str = "") -> Json:
    """Return the link to the board of the target that ``name`` has in it, a variable of Grafana's."""
    return {
        "title": "Open the target",
        "url": (
            f"/d/{Board.TARGET}?${{datasource:queryparam}}&var-job=${{__data.fields.job:percentencode}}"
            f"&var-target=${{{name}:percentencode}}{more}&${{__url_time_range}}"
        ),
    }


OPEN_TARGET: Final = open_target("__data.fields.target")
OPEN_CONNECTION: Final = open_target("__data.fields.target", "&var-connection=${__data.fields.connection:percentencode}")


def first_screen(options: Options) -> list[Json]:
    """Return what is on the first screen, beside the tile of the exporter."""
    return [_targets(), _needed(), _causes(options)]


def _targets() -> Json:
    looks = {
        "critical": (Verdict.CRITICAL, ((None, NEUTRAL), (1, RED))),
        "warning": (Verdict.WARNING, ((None, NEUTRAL), (1, ORANGE))),
        "unknown": (Verdict.UNKNOWN, ((None, NEUTRAL),)),
        "ok": (Verdict.OK, ((None, NEUTRAL), (1, GREEN))),
    }

    def named(expression: str, state: str) -> str:
        return f'label_replace({expression}, "state", "{state}", "", "")'

    counts = [
        *(named(f"count({_HEALTH} == {code:d}) or 0 * count({_HEALTH})", state) for state, (code, _) in looks.items()),
        named(f"count({_HEALTH})", "watched"),
    ]
    panel = stat(
        "Targets",
        "How many targets are critical, have a warning, are not known yet, are well, and are watched at all: the verdicts of "
        "the exporter's own page.",
        (11, 3),
        "\nor\n".join(counts),
        legend="{{state}}",
        thresholds=((None, NEUTRAL), (0, NEUTRAL)),
    )
    panel["options"]["reduceOptions"]["calcs"] = ["last"]
    panel["fieldConfig"]["overrides"] = [
        override(
            {"id": "byName", "options": state},
            {
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": color} for value, color in steps],
                }
            },
        )
        for state, (_, steps) in looks.items()
    ]
    return panel


def _needed() -> Json:
    causes = f"{CAUSE}{{{_CAUSES}}}"
    return stat(
        "Who is needed",
        "How many of the causes below each of them can mend. 'nobody' only as long as somebody watches.",
        (9, 3),
        f"count by (fixed_by) (last_over_time({causes}[{_FRESH}]))\n"
        f'or label_replace(0 * count({_HEALTH}), "fixed_by", "nobody", "", "") unless on () last_over_time({causes}[{_FRESH}])',
        legend="{{fixed_by}}",
        thresholds=((None, GREEN), (1, ORANGE)),
    )


def _causes(options: Options) -> Json:
    cause = f"last_over_time({CAUSE}{{{_CAUSES}}}[{_FRESH}])"
    began = f"0 * {cause} + ignoring ({', '.join(NAMED)}) group_left () last_over_time({SINCE}{{{_CAUSES}}}[{_FRESH}])"
    columns = {
        "Value #A": "Severity",
        "who": "Who",
        "Value #D": "Targets",
        "alert": "What",
        "where": "Where",
        "reason": "Why",
        "Value #B": "Since",
        "Value #C": "For",
        "fixed_by": "Fixed by",
        "alertstate": "Alert",
        "runbook": "Runbook",
        "target": "Target",
        "connection": "Connection",
        "job": "Job",
    }
    summaries: dict[float | str, tuple[str, str]] = {
        alert.name: (alert.summary.rstrip("."), "text") for group in alert_groups(options) for alert in group.alerts
    }
    reasons: dict[float | str, tuple[str, str]] = {
        str(word): (str(word).replace("_", " "), "text") for kind in (Reason, ErrorReason, ConnectionStatus) for word in kind
    }
    runbook = options.runbook("${__data.fields.runbook}")
    widths = {
        "Value #A": 80,
        "who": 190,
        "Value #D": 70,
        "alert": 290,
        "where": 160,
        "reason": 130,
        "Value #B": 115,
        "Value #C": 80,
        "fixed_by": 160,
        "alertstate": 120,
    }
    links = {"who": [OPEN_TARGET], "where": [OPEN_CONNECTION], **({"alert": [_runbook(runbook)]} if runbook else {})}
    looks: dict[str, dict[str, object]] = {
        "Value #A": {"mappings": words(_SEVERITIES), "custom_cellOptions": {"type": "color-background"}},
        "Value #B": {"unit": "time:D MMM HH:mm"},
        "Value #C": {"unit": "s", "decimals": 0},
        "Value #D": {"mappings": words({0.0: ("-", "text")})},
        "alert": {"mappings": words(summaries)},
        "reason": {"mappings": words(reasons)},
        "alertstate": {"mappings": words(_STATES)},
        **{name: {"custom_hidden": True} for name in ("target", "connection", "job")},
        # Files have names in lower case, which no query can make.
        "runbook": {"custom_hidden": True, "mappings": words({name: (str(name).lower(), "text") for name in summaries})}
        if options.runbook_url
        else {"custom_hidden": True},
    }
    overrides = [
        column(
            name,
            **({"custom_width": widths[name]} if name in widths else {}),
            **({"links": links[name]} if name in links else {}),
            **looks.get(name, {}),
        )
        for name in columns
    ]
    panel = table(
        "What is broken and who fixes it",
        "Everything that somebody has to mend, one row for one cause: at once when it is seen, also before an alert says so. "
        "What Alertmanager keeps back for another row is not shown. The name of the fault leads to its runbook. Empty is good.",
        (24, 13),
        [_described(one) for one in (f"0 + {cause}", f"1000 * ({began})", f"time() - ({began})", _count(cause))],
        columns,
        overrides=overrides,
        sort_by="Severity",
        descending=True,
    )
    panel["fieldConfig"]["defaults"]["custom"]["filterable"] = False  # its sign takes the place of half a heading
    panel["options"]["sortBy"].append({"displayName": "Since", "desc": True})
    return panel


def _count(cause: str) -> str:
    return f"0 * {cause} + last_over_time({TARGETS}{{{_CAUSES}}}[{_FRESH}])"


def _runbook(url: str) -> Json:
    return {"title": "Open the runbook", "url": url, "targetBlank": True}


def _described(expression: str) -> str:
    """Return ``expression`` with labels for people: whom it befalls, and where there."""

    def put(label: str, text: str, by: str, pattern: str = "(.+)") -> None:
        nonlocal expression
        expression = f'label_replace({expression}, "{label}", "{text}", "{by}", "{pattern}")'

    # A label that no row has is no column: each row has them all, or columns would come and go.
    put("where", "-", "job")
    put("reason", "-", "reason", "")
    put("who", "the exporter", "job")
    put("who", "all that is watched", "alertname", "BookingSyncNothingAnswers")
    put("who", "site $1", "site")
    put("who", "targets of $1", "platform")
    put("who", "targets of $1", "provider")
    put("who", "$1", "target")
    for label in ("window", "budget", "instance", "credential", "provider", "collector", "connection"):
        put("where", "$1", label)
    # A connection without an alias is a hash: what kind of calendar it is, and of which site, is what people know it by.
    expression = f'label_join({expression}, "kind", ", ", "calendar_type", "site")'
    put("kind", "$1", "kind", "(.+), ")
    expression = f'label_join({expression}, "named", " - ", "connection", "kind")'
    put("where", "$1", "named", "(.+ - [^,].*)")
    put("alert", "$1", "alertname")
    put("runbook", "$1", "alertname")
    return expression


def wall() -> list[Json]:
    """Return a tile for each target, and a table of all of them."""
    panel = stat(
        "Wall of targets",
        f"One tile for each target, those that are unknown or worst first; of more than {WALL} the worst. A tile leads to the "
        "board of its target.",
        (24, 8),
        f"sort_desc(topk({WALL}, {_HEALTH}))",
        legend="{{target}}",
        thresholds=((None, NEUTRAL), (0, NEUTRAL)),
        mappings=words(HEALTH_LOOKS),
        links=[open_target("__field.labels.target")],
    )
    panel["options"] |= {"textMode": "name", "justifyMode": "center"}
    for link in panel["fieldConfig"]["defaults"]["links"]:
        link["url"] = link["url"].replace("__data.fields.job", "__field.labels.job")
    return [panel, _all_targets()]


def _all_targets() -> Json:
    by = "max by (job, target)"
    window = f'{{{SCOPE},window="next_24h"}}'
    bookings = f"target_window:booking_sync_bookings:max{window}"
    bad, live = (recent(f"target:booking_sync_connections_{part}:sum{{{SCOPE}}}") for part in ("bad", "live"))
    columns = {
        "target": "Target",
        "Value #A": "State",
        "Value #B": "Connections healthy",
        "Value #C": "Bookings, next 24 h",
        "Value #D": "A week ago",
        "Value #E": "Oldest data",
        "Value #F": "Budget left",
        "job": "Job",
    }
    return table(
        "All targets",
        "Every target: its state, the share of its live connections that are not in error, its bookings of the next 24 hours "
        "now and a week ago, the age of its oldest data, and what is left of its tightest API budget.",
        (24, 10),
        [
            f"{by} ({_HEALTH})",
            f"{by} (1 - {bad} / ({live} > 0))",
            f"{by} ({recent(bookings)})",
            f"{by} ({recent(bookings, offset='1w')})",
            f"{by} ({recent(f'collector:booking_sync_data_age:seconds{{{SCOPE}}}')})",
            f"min by (job, target) ({recent(f'target_budget:booking_sync_api_budget_remaining:ratio{{{SCOPE}}}')})",
        ],
        columns,
        overrides=[
            column("target", links=[OPEN_TARGET]),
            column(
                "Value #A",
                mappings=words(HEALTH_LOOKS),
                custom_cellOptions={"type": "color-background"},
                custom_width=90,
            ),
            column("Value #B", unit="percentunit", decimals=0),
            column("Value #E", unit="s", decimals=0),
            column("Value #F", unit="percentunit", decimals=0),
            column("job", custom_hidden=True),
        ],
        sort_by="State",
        descending=True,
    )
