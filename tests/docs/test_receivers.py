"""Every monitoring.yml of docs/monitoring-file.md makes a file that an Alertmanager of the age that the page says takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import yaml

from exporter.monitoring import files
from tests.docs.blocks import blocks_of
from tests.monitoring.routes import way
from tests.monitoring.servers import run
from tests.monitoring.test_delivery import version
from tests.monitoring.test_settings import settings_of

PAGE = "docs/monitoring-file.md"
SHOWN = blocks_of(PAGE, "yaml")
ROUTING = "config/alertmanager/alertmanager.yml"
# What the page says of the age of an Alertmanager: the x of its version 0.x.
NEEDS = {"telegram": 26, "teams": 28, "mail": 0}


def kind(text: str) -> str:
    return next(name for name in NEEDS if name in text)


def test_the_page_has_an_example_of_each_kind() -> None:
    assert set(NEEDS) == set(map(kind, SHOWN))


@pytest.mark.servers
@pytest.mark.parametrize("text", SHOWN, ids=kind)
def test_amtool_takes_what_an_example_makes(text: str, tmp_path: Path) -> None:
    bundle = files(settings_of(tmp_path, text).options())
    for name in (ROUTING, "config/alertmanager/templates/booking-sync.tmpl"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(bundle[name])
    said = run("amtool", "check-config", tmp_path / ROUTING)
    if version() < NEEDS[kind(text)]:
        assert said.returncode != 0, "the page may name an older one"
        pytest.skip(f"{kind(text)} needs Alertmanager 0.{NEEDS[kind(text)]}")
    assert 0 == said.returncode, said.stdout + said.stderr


def test_the_texts_that_teams_gets_are_those_of_the_bundle(tmp_path: Path) -> None:
    [text] = [text for text in SHOWN if kind(text) == "teams"]
    bundle = files(settings_of(tmp_path, text).options())
    named = set(re.findall(r'template "([\w.]+)"', text))
    assert 2 == len(named)
    assert named <= set(re.findall(r'define "([\w.]+)"', bundle["config/alertmanager/templates/booking-sync.tmpl"]))


def test_what_teams_gets_reaches_pager_and_tickets_as_well_and_the_heartbeat_does_not_reach_teams(tmp_path: Path) -> None:
    [text] = [text for text in SHOWN if kind(text) == "teams"]
    routing = yaml.safe_load(files(settings_of(tmp_path, text).options())[ROUTING])
    page = {"alertname": "BookingSyncDoubleBooking", "severity": "critical", "fixed_by": "front desk", "target": "t"}
    heartbeat = {"alertname": "Watchdog", "severity": "none", "fixed_by": "exporter operator"}
    told = [
        [route["receiver"] for route in way(routing, labels)] for labels in (page, page | {"severity": "warning"}, heartbeat)
    ]
    assert [["teams", "pager"], ["teams", "tickets"], ["heartbeat"]] == told
