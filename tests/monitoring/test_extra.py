"""``extra`` of ``monitoring.yml``: receivers and routes in Alertmanager's own words, before those of the bundle."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.monitoring import Options, render
from tests.monitoring.answering import Answer, answering, as_json
from tests.monitoring.inboxes import send
from tests.monitoring.libyaml import safe_load
from tests.monitoring.rendered_files import files
from tests.monitoring.routes import way
from tests.monitoring.servers import run, wait_for
from tests.monitoring.stacks import Stack
from tests.monitoring.test_delivery import TEXTS, WAYS, delivering
from tests.monitoring.test_settings import ROUTING, bundle_of, settings_of

DEMO = "config/alertmanager/alertmanager.demo.yml"
EXTRA = """
extra:
  receivers:
    - name: everything
      webhook_configs: [{url: "http://127.0.0.1:@WEB/hook", send_resolved: false}]
    - name: room
      slack_configs: [{api_url_file: @DIR/slack, channel: "#servers", text: "{{ .CommonLabels.alertname }}"}]
  routes:
    - {matchers: ['severity = "critical"'], receiver: everything, continue: true}
    - matchers: ['team = "servers"']
      receiver: room
      group_wait: 1m
      routes:
        - {matchers: ['severity = "critical"'], receiver: pager, group_interval: 10m}
"""
WHOLE = (WAYS + EXTRA).replace("@MAIL", "25").replace("@WEB", "80").replace("@DIR", "/run/secrets")


@pytest.mark.servers
def test_alertmanager_takes_them_and_delivers_to_them_beside_the_bundle(tmp_path: Path) -> None:
    with delivering(tmp_path, WAYS + EXTRA) as (client, found):
        ours = {"alertname": "BookingSyncDataExpired", "severity": "critical", "fixed_by": "platform", "target": "t"}
        theirs = {"alertname": "DiskFull", "severity": "warning", "team": "servers"}
        send(client, [(ours, TEXTS), (theirs, TEXTS)])
        send(client, [({"alertname": "Watchdog", "severity": "none", "fixed_by": "exporter operator"}, TEXTS)])
        wait_for("all", lambda: found.hooks and found.pages and found.chats and found.heartbeats)
    assert ["BookingSyncDataExpired"] == [hook["commonLabels"]["alertname"] for hook in found.hooks]
    assert "DiskFull" == found.chats[0]["attachments"][0]["text"]
    assert 1 == len(found.pages)
    assert [] == found.mails


@pytest.mark.servers
@pytest.mark.parametrize("hurry", [1, 60])
def test_amtool_accepts_them(hurry: int, tmp_path: Path) -> None:
    settings = settings_of(tmp_path, f"{WHOLE}office_hours: {{timezone: Europe/Berlin}}\n")
    render(Options(delivery=settings.delivery, hurry=hurry), tmp_path / "bundle")
    for name in (ROUTING, DEMO):
        result = run("amtool", "check-config", tmp_path / "bundle" / name)
        assert 0 == result.returncode, result.stdout + result.stderr


def test_routes_of_ones_own_come_before_the_bundle_and_only_those_that_go_on_leave_it_something(tmp_path: Path) -> None:
    config = safe_load(bundle_of(tmp_path, WHOLE)[ROUTING])

    def told(**labels: str) -> list[str]:
        return [route["receiver"] for route in way(config, labels)]

    ours = {"alertname": "BookingSyncDataExpired", "fixed_by": "platform", "target": "t"}
    assert ["everything", "pager"] == told(**ours, severity="critical")
    assert ["tickets"] == told(**ours, severity="warning")
    assert ["room"] == told(**ours, severity="warning", team="servers")
    assert ["everything", "pager"] == told(alertname="DiskFull", severity="critical", team="servers")
    assert ["nobody"] == told(alertname="DiskFull")
    assert ["heartbeat"] == told(alertname="Watchdog", severity="none", fixed_by="exporter operator")


def test_they_are_taken_over_as_they_stand(tmp_path: Path) -> None:
    wanted = safe_load(WHOLE)["extra"]
    config = safe_load(bundle_of(tmp_path, WHOLE)[ROUTING])
    assert wanted["receivers"] == config["receivers"][-2:]
    assert wanted["routes"] == config["route"]["routes"][:-1]


def test_a_rehearsal_divides_their_waits_and_reaches_nobody_in_the_demo(tmp_path: Path) -> None:
    bundle = files(Options(delivery=settings_of(tmp_path, WHOLE).delivery, hurry=60))
    room = safe_load(bundle[ROUTING])["route"]["routes"][1]
    assert ("2s", "10s") == (room["group_wait"], room["routes"][0]["group_interval"])
    assert {"name"} == {key for receiver in safe_load(bundle[DEMO])["receivers"] for key in receiver}


def test_a_check_finds_the_routes_of_the_bundle_behind_them(tmp_path: Path) -> None:
    bundle = bundle_of(tmp_path, WHOLE)
    status = as_json({"config": {"original": bundle[ROUTING]}, "versionInfo": {"version": "0.25.0"}})
    with answering({"/api/v2/status": status}, Answer(status=404)) as asked:
        found = Stack(alertmanager=asked.address).checks(changed=bundle)
    assert ("ok", "the bundle's are there") == (found["Alertmanager routes"].state, found["Alertmanager routes"].seen)
    assert "pager: pagerduty" in found["Alertmanager receivers"].seen
