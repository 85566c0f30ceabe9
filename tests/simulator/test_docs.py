"""``docs/simulator.md`` says what the code says."""

from __future__ import annotations

import re
from pathlib import Path

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


def test_the_table_of_faults_has_every_kind_in_order() -> None:
    assert re.findall(r"^\| `(\w+)` ", section("kinds"), re.MULTILINE) == list(FaultKind)
