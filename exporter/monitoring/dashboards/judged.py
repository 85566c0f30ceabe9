"""Tiles in the colour of a verdict: what is recorded of the health of targets says how bad a number is, never the board.

A user moves severities and thresholds in ``verdicts:`` of ``exporter.yml``. Rules judge by them, and a board repeats what they
say.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from exporter.monitoring.alerts import AlertSeverity
from exporter.monitoring.dashboards.panels import GREEN, NEUTRAL, ORANGE, RED, Json, Looks, Thresholds, override, stat
from exporter.monitoring.promql import recent
from exporter.state.verdict_row import Verdict

COLOURS: Final[Mapping[AlertSeverity, str]] = {AlertSeverity.CRITICAL: RED, AlertSeverity.WARNING: ORANGE}

VERDICTS: Final[Looks] = {
    float(Verdict.OK): ("ok", GREEN),
    float(Verdict.WARNING): ("warning", COLOURS[AlertSeverity.WARNING]),
    float(Verdict.CRITICAL): ("critical", COLOURS[AlertSeverity.CRITICAL]),
    float(Verdict.UNKNOWN): ("unknown", NEUTRAL),
}
"""Word and colour of each verdict, the same on every board."""

NOT_JUDGED: Final = NEUTRAL
"""In steps: the colour of a number that is not good, and that nothing is found of: to the user it is no problem."""
NONE_IS_GOOD: Final[Thresholds] = ((None, GREEN), (1, NOT_JUDGED))
ALL_IS_GOOD: Final[Thresholds] = ((None, NOT_JUDGED), (1, GREEN))
MOMENT_IS_BAD: Final[Thresholds] = ((None, NOT_JUDGED), (0, GREEN), (1, NOT_JUDGED))
"""0 is no moment, less than 0 one that has passed."""


def found(series: str, scope: str, *alerts: str) -> str:
    """Return what is recorded of the findings that go by the names of ``alerts``, without their prefix."""
    names = "|".join(alerts)
    return recent(f'{series}{{{scope},alertname=~"BookingSync({names})"}}')


def judged(
    title: str,
    description: str,
    size: tuple[int, int],
    number: str,
    findings: str,
    *,
    steps: Thresholds = NONE_IS_GOOD,
    unit: str = "none",
    none: str = "",
    mappings: Sequence[Json] = (),
    links: Sequence[Json] = (),
) -> Json:
    """Return a tile of ``number``, one series without labels, that is as bad as the worst of ``findings``.

    ``steps`` say which numbers are good; what is not is grey while nothing is found.
    """
    panel = stat(
        title,
        description,
        size,
        f"({number})\n+ on () group_left (severity) 0 * topk(1, {findings})\n"
        f'or on () label_replace({number}, "severity", "ok", "", "")',  # a label that its name needs is always there
        unit=unit,
        none=none,
        legend="{{severity}}",
        thresholds=steps,
        mappings=mappings,
        links=links,
    )
    panel["options"] |= {"textMode": "value", "colorMode": "background"}
    panel["fieldConfig"]["overrides"] = [
        override(
            {"id": "byName", "options": severity.value},
            {
                "thresholds": {
                    "mode": "absolute",
                    "steps": [{"value": value, "color": bad if good == NOT_JUDGED else good} for value, good in steps],
                }
            },
        )
        for severity, bad in COLOURS.items()
    ]
    return panel
