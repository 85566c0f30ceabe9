"""Alerts and the recorded health agree with the table of verdicts: critical pages, a warning is a ticket, all else is silent.

The view of each row is shown by the exporter's own page, which the rules then see for as long as any alert waits.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
from msgspec.structs import replace

from exporter.model import ApiUsage
from exporter.monitoring.rules.bookings import NEW_1D, intake_recordings
from exporter.monitoring.rules.health import FINDINGS, HEALTH
from exporter.state import verdict
from exporter.state.findings import findings, verdicts
from exporter.state.snapshot import View
from exporter.state.verdict import TABLE
from exporter.state.verdict_row import Verdict, VerdictRow
from tests.harness import views
from tests.harness.verdict_scenes import SCENES, SITE, connected
from tests.monitoring.bundle import ALERT_NAMES
from tests.monitoring.cases import standing_on
from tests.monitoring.outages import measured
from tests.monitoring.shown import series_of

MINUTES: Final = 130
"""Longer than the longest wait of an alert about a target."""

HOURS: Final = 8 * 24 + 2
"""So long is the history of a row that compares with last week; its page is read, and judged, once an hour."""

NO_METRIC: Final = {verdict.API_LIMITED, verdict.PORTAL_MOVED, verdict.CONFIG_WARNING, verdict.RELOAD_REFUSED}
"""Nothing on the page tells this of a target; what the configuration lacks is told of the exporter."""

ROWS: Final = [row for row in TABLE if row not in NO_METRIC]
BEFORE: Final = {
    row: connected(views.connection("a"), views.connection("b")) for row in (verdict.CONNECTIONS_DOWN, verdict.CONNECTION_CUT)
}
"""What the page of a row showed in the first half of the time, where the row is about what was."""

SEVERITIES: Final = {Verdict.CRITICAL: "critical", Verdict.WARNING: "warning"}
GONE: Final = "gone"
_TOLD: Final = (HEALTH, *FINDINGS)
_ASKED: Final = f'ALERTS{{alertstate="firing",target!=""}} or {" or ".join(_TOLD)}'
Told = dict[str, list[tuple[dict[str, str], float]]]


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """Return what fires and what is recorded in the end, by the name of the row that its view shows."""
    folder = tmp_path_factory.mktemp("verdicts")
    series: dict[str, list[float | None]] = {}
    half = MINUTES // 2
    for row in ROWS:
        view = SCENES[row]
        series |= series_of(_name(row), (BEFORE.get(row, view), half), (view, MINUTES + 1 - half))
    series |= series_of(GONE, (SCENES[verdict.COLLECTOR_FAILING], 60))
    found = measured(series, [MINUTES], folder, _ASKED, [*_TOLD, *ALERT_NAMES])[MINUTES]
    by_row: Told = {
        job: [(labels, value) for labels, value in found if labels["job"] == job] for job in [*map(_name, ROWS), GONE]
    }
    return by_row | {_name(verdict.INTAKE_SILENT): _of_a_silent_intake(folder)}


def _of_a_silent_intake(folder: Path) -> list[tuple[dict[str, str], float]]:
    row, end = verdict.INTAKE_SILENT, 60 * HOURS
    [target] = SCENES[row].targets
    # How these are counted is promised by cases of their own, minute by minute.
    new = f'{NEW_1D}{{job="{_name(row)}",target="{target.name}",platform="{target.platform}"}}'
    series = series_of(_name(row), (SCENES[row], HOURS + 1)) | {new: [30.0] * 48 + [0.0] * (HOURS - 47)}
    bundle = [group for group in standing_on([*_TOLD, *row.alerts]) if group["name"] != intake_recordings().name]
    return measured(series, [end], folder, _ASKED, (), bundle=bundle, every=60)[end]


def _name(row: VerdictRow) -> str:
    return f"{row.kind}-{row.verdict.name}"


@pytest.mark.servers
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_alerts_of_a_state_are_as_bad_as_its_row(row: VerdictRow, told: Told) -> None:
    alerts = [labels for labels, _ in told[_name(row)] if labels["__name__"] == "ALERTS"]
    severities = {alert["severity"] for alert in alerts}
    expected = SEVERITIES.get(row.verdict)
    assert ({expected} if expected else set()) == severities & {"critical", *([expected] if expected else ["warning"])}
    if expected:
        named = {alert["alertname"] for alert in alerts if alert["severity"] == expected}
        assert named & set(row.alerts), f"{named} and none of {row.alerts}"


@pytest.mark.servers
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_recorded_health_of_a_target_is_the_verdict_of_the_status_api(row: VerdictRow, told: Told) -> None:
    view = SCENES[row]
    codes, named = _health(told[_name(row)])
    assert [float(verdicts(view, findings(view))[SITE])] == codes
    assert [float(row.verdict)] == codes
    if row.verdict in SEVERITIES:
        assert named & set(row.alerts), f"{named} and none of {row.alerts}"


@pytest.mark.servers
def test_a_target_of_which_nothing_is_scraped_has_no_health(told: Told) -> None:
    assert ([], set()) == _health(told[GONE])


def _health(rows: list[tuple[dict[str, str], float]]) -> tuple[list[float], set[str]]:
    """Return what is recorded of the target, and the alerts that are named as why."""
    return (
        [value for labels, value in rows if labels["__name__"] == HEALTH],
        {labels["alertname"] for labels, _ in rows if labels["__name__"] in FINDINGS},
    )


@pytest.mark.parametrize("row", [row for row in TABLE if row in NO_METRIC], ids=_name)
def test_of_a_row_that_no_rule_tells_the_page_shows_nothing_of_its_target(row: VerdictRow) -> None:
    view = SCENES[row]
    targets = tuple(replace(target, usage=ApiUsage()) for target in view.targets)
    well = replace(view, targets=targets, config_warnings=(), rejected_config=None)
    assert [{row}, set()] == [{finding.row for finding in findings(one)} for one in (view, well)]
    assert _of_the_target(well) == _of_the_target(view)


def _of_the_target(view: View) -> dict[str, list[float | None]]:
    found = {series: values for series, values in series_of("x", (view, 1)).items() if f'target="{SITE}"' in series}
    assert len(found) >= 10
    return found
