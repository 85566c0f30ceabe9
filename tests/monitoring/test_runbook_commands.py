"""The commands of the runbooks can be typed as they stand: in each way of installing, and for Alertmanager."""

from __future__ import annotations

import re
import shlex
import subprocess
from pathlib import Path

import pytest
from typer.main import get_command

from exporter.cli import app
from exporter.monitoring import Options, runbook_texts
from exporter.monitoring.runbook_commands import INSTALLED, commands_in, typed
from tests.monitoring.bundle import ROOT, RUNBOOKS
from tests.monitoring.libyaml import safe_load
from tests.monitoring.servers import alertmanager, run

WRITTEN = sorted((ROOT / "exporter" / "monitoring" / "runbooks").glob("*.md"))
PAGES = sorted(RUNBOOKS.glob("booking*.md"))


def below_the_head(path: Path) -> str:
    """Return the text of a runbook without the line that says which command wrote the file."""
    return path.read_text().partition("## ")[2]


NAMED = sorted({command for path in (*WRITTEN, *PAGES) for command in commands_in(below_the_head(path))})
OURS = [command for command in NAMED if command.startswith("booking-sync-exporter")]
UNIT = (ROOT / "config" / "systemd" / "booking-sync-exporter.service").read_text()
COMPOSE = safe_load((ROOT / "compose.yaml").read_text())
DEPLOYMENT = safe_load((ROOT / "config" / "kubernetes" / "deployment.yaml").read_text())
BEFORE = {
    "systemd": "sudo /opt/booking-sync-exporter/bin/booking-sync-exporter ",
    "Compose": "docker compose exec exporter booking-sync-exporter ",
    "Kubernetes": "kubectl exec --namespace monitoring deploy/booking-sync-exporter -- booking-sync-exporter ",
}


def test_the_runbooks_name_commands_of_each_kind() -> None:
    assert {
        "booking-sync-exporter probe",
        "booking-sync-exporter probe TARGET",
        "booking-sync-exporter list TARGET",
        "booking-sync-exporter check-config",
        "booking-sync-exporter monitoring check --prometheus-url URL --alertmanager-url URL",
        "systemctl status booking-sync-exporter",
        "systemctl restart booking-sync-exporter",
        "systemctl reload booking-sync-exporter",
        "journalctl -u booking-sync-exporter -n 50",
    } == set(NAMED)


@pytest.mark.parametrize("installed", INSTALLED, ids=lambda installed: installed.name)
@pytest.mark.parametrize("command", OURS)
def test_a_command_is_understood_by_the_command_line_in_each_form(command: str, installed: object) -> None:
    form = next(one for one in INSTALLED if one is installed)
    line = typed(command, form)
    assert line.startswith(BEFORE[form.name])
    _, *words = shlex.split(line.removeprefix(BEFORE[form.name].removesuffix("booking-sync-exporter ")))
    group = get_command(app)
    with group.make_context("booking-sync-exporter", words, resilient_parsing=False) as context:
        name, subcommand, rest = group.resolve_command(context, [*context._protected_args, *context.args])  # type: ignore[attr-defined]
        subcommand.make_context(name, rest, parent=context)


def test_the_lines_name_what_we_ship() -> None:
    assert "/opt/booking-sync-exporter/bin/booking-sync-exporter --config.file=/etc/booking-sync-exporter/exporter.yml" in UNIT
    assert "--config.file=/etc/booking-sync-exporter/exporter.yml" in COMPOSE["services"]["exporter"]["command"]
    container = DEPLOYMENT["spec"]["template"]["spec"]["containers"][0]
    assert {"--config.file=/etc/booking-sync-exporter/exporter.yml", "--web.listen-address=:10888"} <= set(container["args"])
    assert "booking-sync-exporter" == DEPLOYMENT["metadata"]["name"]
    assert {"app.kubernetes.io/name": "booking-sync-exporter"} == DEPLOYMENT["spec"]["selector"]["matchLabels"]
    assert "namespace: monitoring\n" in (ROOT / "config" / "kubernetes" / "kustomization.yaml").read_text()
    assert 'ENTRYPOINT ["booking-sync-exporter"]\n' in (ROOT / "Dockerfile").read_text()


def test_every_command_of_a_page_stands_in_all_its_forms_on_it() -> None:
    for page in PAGES:
        text = below_the_head(page)
        for command in commands_in(text):
            for installed in INSTALLED:
                assert f"\n{typed(command, installed)}\n" in text, (page.name, command)


def test_a_command_that_is_not_in_the_table_is_refused() -> None:
    with pytest.raises(KeyError):
        typed("systemctl stop booking-sync-exporter", INSTALLED[0])


def test_what_says_already_whom_it_asks_is_told_it_once() -> None:
    line = typed("booking-sync-exporter probe TARGET --running http://127.0.0.1:10888", INSTALLED[0])
    assert "sudo /opt/booking-sync-exporter/bin/booking-sync-exporter probe TARGET --running http://127.0.0.1:10888" == line


@pytest.mark.servers
def test_alertmanager_takes_every_silence_as_it_stands(tmp_path: Path) -> None:
    lines = [line for path in WRITTEN for line in re.findall(r"^amtool (.+)$", path.read_text(), re.MULTILINE)]
    assert len(WRITTEN) - 1 == len(lines)
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with alertmanager(tmp_path, config) as api:
        for line in lines:
            done = run("amtool", f"--alertmanager.url={api.base_url}", *shlex.split(line))
            assert 0 == done.returncode, (line, done.stderr)
        silences = api.get("/api/v2/silences").json()
    assert len(lines) == len(silences)
    for silence in silences:
        assert {"alertname", "cluster", "job"} <= {matcher["name"] for matcher in silence["matchers"]}
        assert all(matcher["isEqual"] and not matcher["isRegex"] for matcher in silence["matchers"])


@pytest.mark.servers
def test_a_silence_names_the_job_whatever_its_name_is(tmp_path: Path) -> None:
    jobs = ["my jobs", "a;b", "sync & co", "a`b`", "a,b", "#1", "é", "a=b", "~x", "!x", "sync.eu/1:2", "-"]
    config = tmp_path / "alertmanager.yml"
    config.write_text("route: {receiver: nobody}\nreceivers: [{name: nobody}]\n")
    with alertmanager(tmp_path, config) as api:
        for job in jobs:
            text = runbook_texts(Options(jobs=(job,)))["bookingsyncdatastale.md"]
            (line,) = re.findall(r"^amtool (.+)$", text, re.MULTILINE)
            shell = subprocess.run(["sh", "-c", f"printf '%s\\n' {line}"], capture_output=True, text=True, check=True)
            done = run("amtool", f"--alertmanager.url={api.base_url}", *shell.stdout.splitlines())
            assert 0 == done.returncode, (line, done.stderr)
        silences = api.get("/api/v2/silences").json()
    found = [{matcher["name"]: matcher["value"] for matcher in silence["matchers"]} for silence in silences]
    assert sorted(jobs) == sorted(matchers["job"] for matchers in found)
    assert {"BookingSyncDataStale"} == {matchers["alertname"] for matchers in found}
