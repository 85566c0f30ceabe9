"""``docs/simulator.md`` says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.simulator import FaultKind
from exporter.simulator.drills.incidents import INCIDENTS

TEXT = (Path(__file__).parents[2] / "docs" / "simulator.md").read_text()


def section(name: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", TEXT, re.DOTALL)
    assert match is not None
    return match.group(1)


def test_the_table_of_incidents_is_the_code() -> None:
    rows = [
        f"| `{incident.name}` | {incident.description} | {incident.pages} | {incident.on_board} |" for incident in INCIDENTS
    ]
    assert section("incidents").splitlines() == rows


def test_the_page_says_which_alert_of_an_incident_pages_and_that_the_others_are_tickets() -> None:
    expected = {incident.alert for incident in INCIDENTS}
    paging = {
        alert.name
        for group in alert_groups(Options())
        for alert in group.alerts
        if alert.severity == "critical" and alert.name in expected
    }
    assert f"{', '.join(sorted(paging))} pages; the others become tickets" in TEXT


def test_the_table_of_faults_has_every_kind_in_order() -> None:
    assert re.findall(r"^\| `(\w+)` ", section("kinds"), re.MULTILINE) == list(FaultKind)
