"""Alerts and the recorded health agree with the table of verdicts: critical pages, a warning is a ticket, all else is silent.

The view of each row is shown by the exporter's own page, which the rules then see for as long as any alert waits.
"""

from __future__ import annotations

from typing import Final

import pytest

from exporter.monitoring.rules.health import FINDINGS, HEALTH
from exporter.state import verdict
from exporter.state.findings import findings, verdicts
from exporter.state.verdict import TABLE, Row, Verdict
from tests.harness import views
from tests.harness.verdict_scenes import SCENES, SITE, connected
from tests.monitoring.outages import firing, measured
from tests.monitoring.shown import series_of

MINUTES: Final = 130
"""Longer than the longest wait of an alert about a target."""

NO_METRIC: Final = {verdict.API_LIMITED, verdict.PORTAL_MOVED, verdict.CONFIG_WARNING, verdict.RELOAD_REFUSED}
"""Nothing on the page tells this of a target; what the configuration lacks is told of the exporter."""

PAST: Final = {verdict.CONNECTIONS_DOWN, verdict.CONNECTION_CUT, verdict.INTAKE_SILENT}
"""What was, and is no more: a page that does not change cannot show it."""

ROWS: Final = [row for row in TABLE if row not in NO_METRIC | PAST]
BEFORE: Final = {
    row: connected(views.connection("a"), views.connection("b")) for row in (verdict.CONNECTIONS_DOWN, verdict.CONNECTION_CUT)
}
"""What the page of a row showed in the first half of the time, where the row is about what was."""

SEVERITIES: Final = {Verdict.CRITICAL: "critical", Verdict.WARNING: "warning"}


@pytest.fixture(scope="module")
def alerts(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[dict[str, str]]]:
    """Return the alerts about a target that fire in the end, by the name of the row that its view shows."""
    series = {name: values for row in ROWS for name, values in series_of(_name(row), (SCENES[row], MINUTES + 1)).items()}
    rows = firing(series, [MINUTES], tmp_path_factory.mktemp("verdicts"))[MINUTES]
    return {_name(row): [alert for alert in rows if alert["job"] == _name(row) and "target" in alert] for row in ROWS}


def _name(row: Row) -> str:
    return f"{row.kind}-{row.verdict.name}"


@pytest.mark.servers
@pytest.mark.parametrize("row", ROWS, ids=_name)
def test_the_alerts_of_a_state_are_as_bad_as_its_row(row: Row, alerts: dict[str, list[dict[str, str]]]) -> None:
    severities = {alert["severity"] for alert in alerts[_name(row)]}
    expected = SEVERITIES.get(row.verdict)
    assert ({expected} if expected else set()) == severities & {"critical", *([expected] if expected else ["warning"])}
    if expected:
        named = {alert["alertname"] for alert in alerts[_name(row)] if alert["severity"] == expected}
        assert named & set(row.alerts), f"{named} and none of {row.alerts}"


HEALTHS: Final = [row for row in TABLE if row not in NO_METRIC | {verdict.INTAKE_SILENT}]


@pytest.fixture(scope="module")
def health(tmp_path_factory: pytest.TempPathFactory) -> dict[str, tuple[list[float], set[str]]]:
    """Return what is recorded of the target in the end, and the alerts that are named as why, by the name of the row."""
    series: dict[str, list[float | None]] = {}
    for row in HEALTHS:
        name, view = _name(row), SCENES[row]
        half = MINUTES // 2
        series |= series_of(name, (BEFORE.get(row, view), half), (view, MINUTES + 1 - half))
    series |= series_of("gone", (SCENES[verdict.COLLECTOR_FAILING], 60))
    found = measured(
        series, [MINUTES], tmp_path_factory.mktemp("health"), f"{HEALTH} or {' or '.join(FINDINGS)}", [HEALTH, *FINDINGS]
    )[MINUTES]
    return {
        job: (
            [value for labels, value in found if labels["job"] == job and labels["__name__"] == HEALTH],
            {labels["alertname"] for labels, _ in found if labels["job"] == job and labels["__name__"] != HEALTH},
        )
        for job in [*map(_name, HEALTHS), "gone"]
    }


@pytest.mark.servers
@pytest.mark.parametrize("row", HEALTHS, ids=_name)
def test_the_recorded_health_of_a_target_is_the_verdict_of_the_status_api(
    row: Row, health: dict[str, tuple[list[float], set[str]]]
) -> None:
    view = SCENES[row]
    codes, named = health[_name(row)]
    assert [float(verdicts(view, findings(view))[SITE])] == codes
    assert [float(row.verdict)] == codes
    if row.verdict in SEVERITIES:
        assert named & set(row.alerts), f"{named} and none of {row.alerts}"


@pytest.mark.servers
def test_a_target_of_which_nothing_is_scraped_has_no_health(health: dict[str, tuple[list[float], set[str]]]) -> None:
    assert ([], set()) == health["gone"]
