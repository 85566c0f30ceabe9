"""Alerts and the table of verdicts agree: what a row calls critical pages, a warning is a ticket, all else is silent.

The view of each row is shown by the exporter's own page, which the rules then see for as long as any alert waits.
"""

from __future__ import annotations

from typing import Final

import pytest

from exporter.state import verdict
from exporter.state.verdict import TABLE, Row, Verdict
from tests.harness.verdict_scenes import SCENES
from tests.monitoring.outages import firing
from tests.monitoring.shown import series_of

MINUTES: Final = 130
"""Longer than the longest wait of an alert about a target."""

NO_METRIC: Final = {verdict.API_LIMITED, verdict.PORTAL_MOVED, verdict.CONFIG_WARNING, verdict.RELOAD_REFUSED}
"""Nothing on the page tells this of a target; what the configuration lacks is told of the exporter."""

PAST: Final = {verdict.CONNECTIONS_DOWN, verdict.CONNECTION_CUT, verdict.INTAKE_SILENT}
"""What was, and is no more: a page that does not change cannot show it."""

ROWS: Final = [row for row in TABLE if row not in NO_METRIC | PAST]
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
