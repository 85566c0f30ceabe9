"""The pages under docs/install say what we ship, and their files work where the tools to try them are to be had."""

from __future__ import annotations

import re
import shutil
import subprocess
from configparser import RawConfigParser
from pathlib import Path

import pytest
import yaml
from typer.testing import CliRunner

from exporter.cli import app
from tests.docs.blocks import ROOT, blocks_of
from tests.harness.compose import shipped

SYSTEMD, CONTAINER, KUBERNETES = (f"docs/install/{name}.md" for name in ("systemd", "container", "kubernetes"))
UNIT = ROOT / "config" / "systemd" / "booking-sync-exporter.service"
INSTALLED = "/opt/booking-sync-exporter/bin/booking-sync-exporter"
IGNORED = {line.strip("/") for line in (ROOT / ".gitignore").read_text().splitlines()}
OVERLAYS = [text for text in blocks_of(KUBERNETES, "yaml") if "kind: Kustomization" in text]


def tool(name: str) -> str:
    return shutil.which(name) or pytest.skip(f"{name} is not installed")


@pytest.mark.parametrize("number", [None, *range(len(blocks_of(SYSTEMD, "ini")))])
def test_systemd_takes_the_unit_alone_and_with_what_the_page_adds_by_systemctl_edit(number: int | None, tmp_path: Path) -> None:
    there = shutil.which("true") or ""
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, there))
    if number is not None:
        edited = tmp_path / f"{UNIT.name}.d" / "override.conf"
        edited.parent.mkdir()
        edited.write_text(blocks_of(SYSTEMD, "ini")[number].replace(INSTALLED, there))
    said = subprocess.run([tool("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert (0, "") == (said.returncode, said.stderr)


def test_systemd_says_no_to_a_line_that_it_does_not_know(tmp_path: Path) -> None:
    unit = tmp_path / UNIT.name
    unit.write_text(UNIT.read_text().replace(INSTALLED, "/nowhere").replace("TimeoutStopSec=15", "TimeoutStopSec=a"))
    said = subprocess.run([tool("systemd-analyze"), "verify", "--man=no", unit], capture_output=True, text=True, check=False)
    assert "Failed to parse time value, ignoring: a" in said.stderr
    assert "/nowhere" in said.stderr


def test_the_page_of_systemd_puts_everything_where_the_unit_looks_for_it() -> None:
    text = (ROOT / SYSTEMD).read_text()
    unit = RawConfigParser(strict=False)
    unit.optionxform = str  # type: ignore[assignment, method-assign]  # names of systemd have capitals
    unit.read(UNIT)
    program, config = unit["Service"]["ExecStart"].split()
    assert f"sudo {program} check-config {config}" in text
    assert f"sudo install -m 644 config/exporter.yml {config.partition('=')[2]}\n" in text
    assert f"sudo python3 -m venv {program.removesuffix('/bin/booking-sync-exporter')}\n" in text
    user = f"-p User={UNIT.stem} -p StateDirectory={unit['Service']['StateDirectory']}"
    assert user in text, "who logs in is who reads the file later"
    credentials = re.findall(r"^LoadCredential=(\w+):(\S+)$", "\n".join(blocks_of(SYSTEMD, "ini")), re.MULTILINE)
    read = re.findall(rf"/run/credentials/{UNIT.name}/(\w+)", "\n".join(blocks_of(SYSTEMD, "yaml")))
    assert sorted(read) == sorted(name for name, _ in credentials)
    assert {"/etc/booking-sync-exporter/secrets"} == {str(Path(path).parent) for _, path in credentials}


def test_what_the_page_of_systemd_removes_is_what_it_made() -> None:
    made, removed = (
        set(re.findall(r"(?<=[\s=:])(/(?:opt|etc|var)/[\w./-]+)", "\n".join(texts)))
        for texts in (blocks_of(SYSTEMD, "sh")[:-1], blocks_of(SYSTEMD, "sh")[-1:])
    )
    left = {path for path in made if not any(path == gone or path.startswith(f"{gone}/") for gone in removed)}
    assert set() == left


def test_the_files_of_a_user_of_compose_are_none_that_git_has() -> None:
    [env] = re.findall(r"^cat >\.env <<'END'\n(.*?)^END$", "\n".join(blocks_of(CONTAINER, "sh")), re.MULTILINE | re.DOTALL)
    given = dict(line.split("=") for line in env.splitlines())
    services = shipped(**given)["services"]
    live = [service for service in services.values() if "live" in service.get("profiles", [])]
    mounted = {volume.split(":")[0] for service in live for volume in service["volumes"] if volume.startswith(("./", "."))}
    assert 7 == len(mounted)
    assert {"own", "bundle", "secrets"} == {source.split("/")[1] for source in mounted} <= IGNORED
    assert "--config.file=/etc/alertmanager/alertmanager.yml" in services["alertmanager"]["command"]


def test_without_variables_compose_runs_what_is_shipped() -> None:
    bare = shipped()["services"]
    assert "./config:/etc/booking-sync-exporter:ro" in bare["exporter"]["volumes"]
    assert "./config/prometheus:/etc/prometheus:ro" in bare["prometheus"]["volumes"]


def test_who_may_read_which_secrets_is_who_runs_in_the_container() -> None:
    text = "\n".join(blocks_of(CONTAINER, "sh"))
    services = shipped()["services"]
    for name, path in (("exporter", "-R {} secrets/exporter"), ("alertmanager", "-R {} secrets/alertmanager")):
        assert f"sudo chown {path.format(services[name]['user'])}\n" in text
    assert f"sudo chown {services['grafana']['user'].partition(':')[0]} secrets/grafana_admin_password\n" in text


def test_a_health_check_gets_the_flags_that_the_exporter_gets() -> None:
    [override] = [text for text in blocks_of(CONTAINER, "yaml") if "healthcheck:" in text]
    service = yaml.safe_load(override)["services"]["exporter"]
    standard = set(shipped()["services"]["exporter"]["command"])
    assert set(service["command"]) - standard == set(service["healthcheck"]["test"][3:])
    assert shipped()["services"]["exporter"]["healthcheck"]["test"] == service["healthcheck"]["test"][:3]


@pytest.fixture(scope="module")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("kubernetes")
    (folder / "monitoring.yml").write_text(blocks_of(KUBERNETES, "yaml")[0])
    line = f"monitoring render --monitoring.file {folder / 'monitoring.yml'} --out {folder / 'bundle'}"
    done = CliRunner().invoke(app, line.split())
    assert 0 == done.exit_code, done.output
    (folder / "exporter.yml").write_text("targets: [mine]\n")
    return folder


def applied(folder: Path, overlay: str) -> dict[tuple[str, str], dict[str, object]]:
    (folder / "kustomization.yaml").write_text(overlay)
    made = subprocess.run([tool("kubectl"), "kustomize", folder], capture_output=True, text=True, timeout=60, check=False)
    assert 0 == made.returncode, made.stderr
    return {(one["kind"], one["metadata"]["name"]): one for one in yaml.safe_load_all(made.stdout)}


def test_the_overlay_with_ones_own_targets_changes_the_configuration_and_nothing_else(rendered: Path) -> None:
    plain = applied(rendered, "resources: [bundle/config/kubernetes]\n")
    mine = applied(rendered, OVERLAYS[0])
    assert plain.keys() == mine.keys()
    changed = {name for name in plain if plain[name] != mine[name]}
    assert {("ConfigMap", "booking-sync-exporter")} == changed
    assert {"exporter.yml": "targets: [mine]\n"} == mine["ConfigMap", "booking-sync-exporter"]["data"]
    assert "registry.example.org/sync-exporter:0.1.0" in str(mine["Deployment", "booking-sync-exporter"])


def test_the_overlay_without_the_operator_takes_out_its_two_kinds(rendered: Path) -> None:
    plain = applied(rendered, "resources: [bundle/config/kubernetes]\n")
    assert {"PrometheusRule", "ServiceMonitor"} == {kind for kind, _ in plain.keys() - applied(rendered, OVERLAYS[1]).keys()}


def test_the_secret_of_the_page_is_the_one_that_the_pod_mounts() -> None:
    text = (ROOT / KUBERNETES).read_text()
    pod = yaml.safe_load((ROOT / "config/kubernetes/deployment.yaml").read_text())["spec"]["template"]["spec"]
    [name] = [volume["secret"]["secretName"] for volume in pod["volumes"] if "secret" in volume]
    [mount] = [one["mountPath"] for one in pod["containers"][0]["volumeMounts"] if one["name"] == "secrets"]
    assert f"kubectl create secret generic {name} --namespace monitoring" in text
    assert f"{{file: {mount}/wix_api_key}}" in text
