"""``docs/simulator.md`` says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.simulator import FaultKind, Simulator
from exporter.simulator.drills.incidents import INCIDENTS
from exporter.simulator.drills.scenarios import SCENARIOS

DOCS = Path(__file__).parents[2] / "docs"
TEXT, CHECKS = (DOCS / "simulator.md").read_text(), (DOCS / "checks.md").read_text()


def section(name: str) -> str:
    match = re.search(rf"<!-- {name} -->\n(.*?)\n<!-- /{name} -->", TEXT, re.DOTALL)
    assert match is not None
    return match.group(1)


def test_the_table_of_incidents_is_the_code() -> None:
    rows = [
        f"| `{incident.name}` | {incident.description} | {incident.pages} | {incident.on_board} |" for incident in INCIDENTS
    ]
    assert section("incidents").splitlines() == rows


def test_the_page_says_which_alerts_of_incidents_page_and_that_the_others_are_tickets() -> None:
    expected = {incident.alert for incident in INCIDENTS}
    paging = {
        alert.name
        for group in alert_groups(Options())
        for alert in group.alerts
        if alert.severity == "critical" and alert.name in expected
    }
    *first, last = sorted(paging)
    assert f"{', '.join(first)} and {last} page; the others become tickets" in TEXT


def test_each_check_that_no_status_field_gives_has_an_incident_or_a_reason_for_none() -> None:
    rows = re.findall(r"^\| (\w+) \|[^|]*\|[^|]*\| (BookingSync[^|]+) \|", CHECKS, re.MULTILINE)
    drilled = {incident.alert for incident in INCIDENTS}
    without = {check for check, alerts in rows if drilled.isdisjoint(alerts.split(", "))}
    assert len(rows) >= 5
    # Of what is double-booked in a drill the exporter reads every booking and names both; a heartbeat is named by whoever keeps
    # one.
    assert {"marks", "heartbeat"} == without


def test_the_table_of_scenarios_names_each_that_is_no_incident() -> None:
    named = set(re.findall(r"^- `([\w-]+)`: ", TEXT, re.MULTILINE))
    assert set(SCENARIOS) - {incident.name for incident in INCIDENTS} == named


def test_the_table_of_faults_has_every_kind_in_order() -> None:
    assert re.findall(r"^\| `(\w+)` ", section("kinds"), re.MULTILINE) == list(FaultKind)


def test_the_example_of_a_calendar_runs_as_it_stands() -> None:
    [example] = re.findall(r"^```python\n(.*?)^```$", TEXT, re.DOTALL | re.MULTILINE)
    there: dict[str, object] = {}
    exec(example, there)  # noqa: S102  our own document
    assert "SyncPartner" in there
    simulator = there["simulator"]
    assert isinstance(simulator, Simulator)
    assert ["dentist"] == [entry.uid for entry in next(simulator.calendar.calendars())]
