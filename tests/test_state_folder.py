"""Every deployment that we ship has a place that the exporter may write: for the state file, and for token files."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

import yaml

from tests.harness.compose import shipped

ROOT = Path(__file__).parents[1]
FOLDER = PurePosixPath("/var/lib/booking-sync-exporter")
USER = "65532"


def test_the_example_keeps_its_state_and_its_token_file_in_the_folder_of_the_deployments() -> None:
    text = (ROOT / "config/exporter.yml").read_text()
    assert str(FOLDER / "state.json") == yaml.safe_load(text)["state_file"]
    [token_file] = re.findall(r"token_file: (\S+)", text)
    assert FOLDER == PurePosixPath(token_file).parent


def test_the_short_example_of_the_readme_keeps_its_state() -> None:
    [example] = re.findall(r"```yaml\n(timezone: .*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    assert "state.json" == yaml.safe_load(example)["state_file"]


def test_the_image_has_the_folder_and_its_user_owns_it_alone() -> None:
    text = (ROOT / "Dockerfile").read_text()
    assert re.search(rf"install -d -o {USER} -g {USER} -m 0700 {FOLDER}(?=\s)", text)
    assert f"USER {USER}:{USER}" in text


def test_compose_gives_the_live_exporter_a_volume_that_it_may_write_at_the_folder() -> None:
    compose = shipped()
    service = compose["services"]["exporter"]
    [(name, mode)] = [
        (volume.split(":")[0], volume.split(":")[2:]) for volume in service["volumes"] if volume.split(":")[1] == str(FOLDER)
    ]
    assert (f"{USER}:{USER}", True, []) == (service["user"], name in compose["volumes"], mode)


def test_kubernetes_gives_the_exporter_a_claim_that_it_may_write_at_the_folder() -> None:
    [config] = [yaml.safe_load((ROOT / "config/kubernetes/config.yaml").read_text())]
    assert str(FOLDER / "state.json") == yaml.safe_load(config["data"]["exporter.yml"])["state_file"]
    pod = yaml.safe_load((ROOT / "config/kubernetes/deployment.yaml").read_text())["spec"]["template"]["spec"]
    [container] = pod["containers"]
    [mount] = [mount for mount in container["volumeMounts"] if mount["mountPath"] == str(FOLDER)]
    [volume] = [volume for volume in pod["volumes"] if volume["name"] == mount["name"]]
    assert not mount.get("readOnly", False)
    assert "persistentVolumeClaim" in volume
    assert int(USER) == pod["securityContext"]["runAsUser"] == pod["securityContext"]["fsGroup"]


def test_systemd_makes_the_folder_for_the_user_of_the_unit() -> None:
    lines = (ROOT / "config/systemd/booking-sync-exporter.service").read_text().splitlines()
    assert f"StateDirectory={FOLDER.relative_to('/var/lib')}" in lines
    assert "StateDirectoryMode=0700" in lines
    assert "DynamicUser=yes" in lines
