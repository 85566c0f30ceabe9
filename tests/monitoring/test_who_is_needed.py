"""Whatever alert fires, the first tile of the fleet says who is needed, and never that nobody is."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import pytest

from exporter.monitoring.rules.health import HEALTH
from tests.monitoring.bundle import ALERTS, panels
from tests.monitoring.outages import measured
from tests.monitoring.promql import labels_of_expression, selectors
from tests.monitoring.sights import BY_STEM
from tests.monitoring.test_cause_inhibitions import causes_of_alerts

_JOB: Final = "booking-sync-exporter"
_APART: Final = 4
"""Minutes between two alerts: longer than a cause is fresh."""
_ABOUT: Final = [alert for alert in ALERTS if alert["alert"] != "Watchdog"]


def _asked(stem: str, title: str) -> str:
    """Return what a panel asks first, for one job."""
    [panel] = [panel for panel in panels(BY_STEM[stem]) if panel["title"] == title]
    expression = str(panel["targets"][0]["expr"]).replace("$job", _JOB)
    return re.sub(r"\$(target|platform)", ".+", expression)


def _firing(alert: Mapping[str, Any]) -> str:
    """Return the series of an alert that fires; one of what Prometheus says of itself has the job of Prometheus."""
    ours = any(not metric.startswith("prometheus_") for metric, _, _ in selectors(alert["expr"]))
    labels = {**dict.fromkeys(labels_of_expression(alert["expr"]), "x"), "alertname": alert["alert"], **alert["labels"]}
    labels["job"] = _JOB if ours else "prometheus"
    inside = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return f'ALERTS{{{inside},alertstate="firing"}}'


@pytest.mark.parametrize("alert", _ABOUT, ids=lambda alert: alert["alert"])
def test_an_alert_says_of_which_job_it_is(alert: Mapping[str, Any]) -> None:
    assert "job" in labels_of_expression(alert["expr"])


@pytest.mark.servers
def test_the_tile_names_who_mends_what_fires_and_nobody_only_where_nothing_does(tmp_path: Path) -> None:
    end = _APART * (len(_ABOUT) + 1)
    series: dict[str, list[float | None]] = {f'{HEALTH}{{job="{_JOB}",target="salon",platform="wix"}}': [0.0] * (end + 1)}
    for number, alert in enumerate(_ABOUT, 1):
        series.setdefault(_firing(alert), [None] * (end + 1))[_APART * number] = 1.0
    minutes = [_APART * number for number in range(len(_ABOUT) + 1)]
    found = measured(series, minutes, tmp_path, _asked("fleet", "Who is needed"), (), bundle=causes_of_alerts())
    said = [{labels["fixed_by"]: value for labels, value in found[minute]} for minute in minutes]
    assert {"nobody": 0.0} == said[0]
    assert {} == {
        f"{number}: {alert['alert']}": told
        for number, (alert, told) in enumerate(zip(_ABOUT, said[1:], strict=True))
        if told != {alert["labels"]["fixed_by"]: 1.0}
    }


@pytest.mark.servers
@pytest.mark.parametrize(
    ("stem", "title"), [("fleet", "What is broken and who fixes it"), ("internals", "What is wrong with it and what to do")]
)
def test_rules_that_are_not_evaluated_are_a_row_whichever_exporter_is_looked_at(stem: str, title: str, tmp_path: Path) -> None:
    [alert] = [alert for alert in ALERTS if alert["alert"] == "BookingSyncRuleFailures"]
    rows = measured({_firing(alert): [1.0] * 4}, [2], tmp_path, _asked(stem, title), (), bundle=causes_of_alerts())[2]
    assert [alert["alert"]] == [labels["alertname"] for labels, _ in rows]
