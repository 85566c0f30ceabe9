"""docs/tutorial.md can be followed: what its rehearsal (``make tutorial``) would trip over at once is looked for here."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter.config import load_config
from exporter.monitoring import Options, load_settings, render
from exporter.monitoring.alerts import alert_groups
from tests.docs.blocks import ROOT, blocks
from tests.docs.tutorial import OWN_ACCOUNTS, SIMULATED, TUTORIAL, script
from tests.monitoring.servers import run

TEXT = TUTORIAL.read_text()
HEREDOCS = dict(re.findall(r"^cat >(\S+) <<'?END'?\n(.*?)^END$", TEXT, re.MULTILINE | re.DOTALL))


def test_all_of_it_is_one_script_that_bash_understands(tmp_path: Path) -> None:
    path = tmp_path / "script.sh"
    path.write_text(script({"you@example.org": "a@b.invalid"}, {"smtp_password": "x"}, {"6. ": "wait-for-the-mail"}))
    said = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert (0, "") == (said.returncode, said.stderr)
    text = path.read_text()
    assert text.index("double-booking/start") < text.index("wait-for-the-mail") < text.index("double-booking/stop")
    assert "sudo" not in text
    assert "secrets/" not in text, "the blocks for one's own accounts are another way"


def test_with_ones_own_accounts_nothing_is_asked_of_the_simulator(tmp_path: Path) -> None:
    pasted = {"smtp_password": "x", "wix_api_key": "IST.x", "b24_webhook_url": "https://b24.invalid/rest/1/x/"}
    path = tmp_path / "script.sh"
    path.write_text(script({}, pasted, {}, own=True))
    said = subprocess.run(["bash", "-n", path], capture_output=True, text=True, check=False)
    assert (0, "") == (said.returncode, said.stderr)
    assert SIMULATED not in path.read_text()
    assert 3 == path.read_text().count("<<'PASTED'")


def test_what_the_page_does_not_say_cannot_be_filled_in() -> None:
    with pytest.raises(LookupError, match=r"smtp\.nowhere"):
        script({"smtp.nowhere": "x"}, {"smtp_password": "x"}, {})


def test_the_steps_are_those_of_the_table_and_take_half_an_hour() -> None:
    rows = re.findall(r"^\| \[(\d\. [^\]]+)\]\(#[\w-]+\) \| (.+) \|$", TEXT, re.MULTILINE)
    assert re.findall(r"^## (.+)$", TEXT, re.MULTILINE) == [title for title, _ in rows]
    assert sum(max(map(int, re.findall(r"\d+", minutes))) for _, minutes in rows) <= 30


def test_ones_own_accounts_have_a_block_wherever_the_simulator_has_one_of_its_own() -> None:
    simulated = [block for block in blocks(TUTORIAL) if SIMULATED in block.text]
    assert len(simulated) == TEXT.count(OWN_ACCOUNTS) == 3


def test_the_configuration_of_ones_own_accounts_leaves_nothing_unwatched(tmp_path: Path) -> None:
    for name, value in (("wix_api_key", "IST.x"), ("b24_webhook_url", "https://example.bitrix24.com/rest/1/notarealcode123/")):
        secret = tmp_path / "secrets" / name
        secret.parent.mkdir(mode=0o700, exist_ok=True)
        secret.write_text(value)
        secret.chmod(0o600)
    path = tmp_path / "exporter.yml"
    path.write_text(HEREDOCS["exporter.yml"])
    config = load_config(path)
    assert ((), ()) == (config.warnings, config.unwatched)


@pytest.mark.servers
def test_its_monitoring_yml_makes_files_that_promtool_and_amtool_accept(tmp_path: Path) -> None:
    filled = {"SMARTHOST": "smtp.salon.invalid:587", "MAIL_USER": "a", "MAIL": "a@salon.invalid", "PWD": str(tmp_path)}
    path = tmp_path / "monitoring.yml"
    path.write_text(re.sub(r"\$(\w+)", lambda name: filled[name[1]], HEREDOCS["monitoring.yml"]))
    (tmp_path / "smtp_password").write_text("x")
    render(load_settings(path).options(), tmp_path / "bundle")
    for tool, *words in (
        ("promtool", "check", "config", "prometheus/prometheus.yml"),
        ("amtool", "check-config", "alertmanager/alertmanager.yml"),
    ):
        said = run(tool, *words[:-1], tmp_path / "bundle" / "config" / words[-1])
        assert 0 == said.returncode, said.stdout + said.stderr
    config = yaml.safe_load((tmp_path / "bundle/config/alertmanager/alertmanager.yml").read_text())
    told = {receiver["name"] for receiver in config["receivers"] if receiver.get("email_configs")}
    assert {"pager", "tickets"} <= told


def test_the_subject_that_it_promises_is_the_one_of_the_alert() -> None:
    [subject] = re.findall(r"^Subject: \[(\w+)\] \S+: (.+)$", TEXT, re.MULTILINE)
    alerts = [alert for group in alert_groups(Options()) for alert in group.alerts if alert.name == "BookingSyncDoubleBooking"]
    assert subject in {(alert.severity.value, str(alert.summary).removesuffix(".")) for alert in alerts}


def test_what_the_rehearsal_needs_is_there_without_the_code_of_grafana(tmp_path: Path) -> None:
    script = tmp_path / "tests" / "harness" / "install-servers.sh"
    script.parent.mkdir(parents=True)
    script.write_bytes((ROOT / "tests" / "harness" / "install-servers.sh").read_bytes())
    for folder in ("bin", "tests/harness/grafana"):
        (tmp_path / folder).mkdir()
    for name in ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "chromium", "node", "npm", "python3"):
        program = tmp_path / "bin" / name
        program.write_text(f"#!/bin/sh\n: >'{tmp_path}/ran-{name}'\n")
        program.chmod(0o755)
    recipe = (ROOT / "Makefile").read_text().partition("\ntutorial:")[2].partition("\n\n")[0]
    of_the_recipe = re.findall(r"install-servers\.sh (.+)$", recipe, re.MULTILINE)
    assert ["--check alerting"] == of_the_recipe
    for words, ran in (("--check", "alerting"), []), (("alerting",), []), ((), ["ran-npm", "ran-python3"]):
        environment = {"PATH": f"{tmp_path}/bin:/usr/bin:/bin"}
        subprocess.run(["sh", script, *words], env=environment, check=True, capture_output=True, timeout=30)
        assert sorted(path.name for path in tmp_path.glob("ran-*")) == ran
