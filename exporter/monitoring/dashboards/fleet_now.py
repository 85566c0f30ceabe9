"""The first screen of the fleet board: who is needed, what is wrong, since when and why; and a tile for each target."""

from __future__ import annotations

from typing import Final

from exporter.monitoring.causes import CAUSE, SINCE, TARGETS
from exporter.monitoring.dashboards.causes_table import OF_RULES, OPEN_TARGET, causes_table, fresh_and_of_rules, open_target
from exporter.monitoring.dashboards.judged import VERDICTS
from exporter.monitoring.dashboards.panels import (
    GREEN,
    NEUTRAL,
    ORANGE,
    PAINTED,
    Json,
    Looks,
    column,
    override,
    stat,
    table,
    words,
)
from exporter.monitoring.options import Options
from exporter.monitoring.promql import recent
from exporter.monitoring.rules.health import HEALTH
from exporter.state.verdict_row import Verdict

SCOPE: Final = 'job=~"$job",target=~"$target"'
_CAUSES: Final = 'job=~"$job",target=~"$target|"'
_FIRES: Final = 'alertstate="firing"'
_FIRING: Final = f'ALERTS{{{_CAUSES},alertname=~"BookingSync.+",{_FIRES}}} or ALERTS{{{OF_RULES},{_FIRES}}}'
"""An alert that fires has a cause; where there is none, the rules that would say so are not evaluated."""
_HEALTH: Final = recent(f"{HEALTH}{{{SCOPE}}}")
WALL: Final = 200
"""So many tiles can be read."""

_UNKNOWN_AS: Final = 0.5
"""Where a target stands of which nothing is known: after those that somebody is called for, before those that are well."""
_RANKED: Final = f"({_HEALTH} < {Verdict.UNKNOWN:d} or {_UNKNOWN_AS} * {_HEALTH} ^ 0)"
"""The health of each target as numbers that sort: the higher the worse."""
_RANKS: Final[Looks] = {_UNKNOWN_AS if code == Verdict.UNKNOWN else code: looks for code, looks in VERDICTS.items()}


def first_screen(options: Options) -> list[Json]:
    """Return what is on the first screen, beside the tile of the exporter."""
    return [_targets(), _needed(), _causes(options)]


def _targets() -> Json:
    looks = {
        VERDICTS[code][0]: (code, ((None, NEUTRAL), (1, VERDICTS[code][1])))
        for code in (Verdict.CRITICAL, Verdict.WARNING, Verdict.UNKNOWN, Verdict.OK)
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
        "the status board.",
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
    causes = fresh_and_of_rules(CAUSE, _CAUSES)
    return stat(
        "Who is needed",
        "How many of the causes below each of them can fix. 'nobody' appears only while an exporter answers and no alert "
        "fires.",
        (9, 3),
        f"count by (fixed_by) ({causes})\n"
        f'or label_replace(0 * count({_HEALTH}), "fixed_by", "nobody", "", "") unless on () ({causes} or {_FIRING})',
        legend="{{fixed_by}}",
        thresholds=((None, GREEN), (1, ORANGE)),
    )


def _causes(options: Options) -> Json:
    return causes_table(
        options,
        "What is broken and who fixes it",
        "Everything that somebody has to fix, one row for each cause, as soon as the exporter sees it and before an alert "
        "fires. Causes that Alertmanager inhibits because of another row are not shown. The name of the fault leads to its "
        "runbook. Empty is good.",
        (24, 10),
        [fresh_and_of_rules(name, _CAUSES) for name in (CAUSE, SINCE, TARGETS)],
        numbers_of=SCOPE,
    )


def wall() -> list[Json]:
    """Return a tile for each target, and a table of all of them."""
    panel = stat(
        "Wall of targets",
        f"One tile for each target: first those that are critical, then warnings, then those of which nothing is known yet; of "
        f"more than {WALL} the worst. A tile leads to the board of its target.",
        (24, 8),
        f"sort_desc(topk({WALL}, {_RANKED}))",
        legend="{{target}}",
        thresholds=((None, NEUTRAL), (0, NEUTRAL)),
        mappings=words(_RANKS),
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
            f"{by} ({_RANKED})",
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
                mappings=words(_RANKS),
                custom_cellOptions=PAINTED,
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
