"""Shards in Kubernetes: with ``shards`` in monitoring.yml each Pod is one, by the number that Kubernetes gives it."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

import kubernetes_validate
import pytest

from exporter.errors import ConfigError
from exporter.monitoring import Options, render
from exporter.monitoring.settings import load_settings
from tests.docs.blocks import blocks_of
from tests.monitoring.libyaml import safe_dump, safe_load, safe_load_all
from tests.monitoring.rendered_files import files

FOLDER: Final = "config/kubernetes/"


def rendered(options: Options) -> dict[str, Any]:
    manifests = {name.removeprefix(FOLDER): text for name, text in files(options).items() if name.startswith(FOLDER)}
    return {name: safe_load(text) for name, text in manifests.items()}


def test_each_pod_is_the_shard_of_its_number(tmp_path: Path) -> None:
    (line,) = blocks_of("docs/high-availability.md", "yaml")
    (tmp_path / "monitoring.yml").write_text(line)
    options = load_settings(tmp_path / "monitoring.yml").options()
    manifest = rendered(options)["statefulset.yaml"]
    kubernetes_validate.validate(manifest, "1.31", strict=True)
    spec = manifest["spec"]
    (container,) = spec["template"]["spec"]["containers"]
    assert (3, "--shard=$(SHARD)/3") == (spec["replicas"], container["args"][-1])
    (index,) = container["env"]
    assert ("SHARD", "metadata.labels['apps.kubernetes.io/pod-index']") == (
        index["name"],
        index["valueFrom"]["fieldRef"]["fieldPath"],
    )


def test_all_else_of_a_pod_is_as_without_shards_but_for_its_volume() -> None:
    (one, three) = (rendered(replace(Options(), shards=number)) for number in (1, 3))
    deployment, stateful = (found[name]["spec"] for found, name in ((one, "deployment.yaml"), (three, "statefulset.yaml")))
    assert deployment["selector"] == stateful["selector"]
    (before,), (after,) = (spec["template"]["spec"]["containers"] for spec in (deployment, stateful))
    after["args"].pop()
    del after["env"]
    claim = deployment["template"]["spec"]["volumes"].pop()
    assert deployment["template"] == stateful["template"]
    assert before == after
    (state,) = stateful["volumeClaimTemplates"]
    assert (claim["name"], one["volume.yaml"]["spec"]) == (state["metadata"]["name"], state["spec"])
    left = set(one) ^ set(three)
    assert {"volume.yaml", "deployment.yaml", "statefulset.yaml"} == left
    assert all(found["kustomization.yaml"]["resources"] for found in (one, three))
    for found in (one, three):
        manifests = [name for name in found["kustomization.yaml"]["resources"] if name.endswith(".yaml")]
        assert set(found) == {"kustomization.yaml", *manifests}


def test_kustomize_puts_them_together_and_an_overlay_may_change_them(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl") or pytest.skip("kubectl is not installed")
    render(replace(Options(), shards=3), tmp_path / "bundle")
    overlay = {
        "resources": ["bundle/config/kubernetes"],
        "namespace": "salons",
        "images": [{"name": "booking-sync-exporter", "newName": "registry.example.org/exporter"}],
    }
    (tmp_path / "kustomization.yaml").write_text(safe_dump(overlay))
    made = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert 0 == made.returncode, made.stderr
    found = {one["kind"]: one for one in safe_load_all(made.stdout)}
    assert found.keys().isdisjoint({"Deployment", "PersistentVolumeClaim"})
    stateful = found["StatefulSet"]
    assert ("salons", 3) == (stateful["metadata"]["namespace"], stateful["spec"]["replicas"])
    assert stateful["spec"]["serviceName"] == found["Service"]["metadata"]["name"]
    (container,) = stateful["spec"]["template"]["spec"]["containers"]
    assert container["image"].startswith("registry.example.org/exporter:")


@pytest.mark.parametrize("number", ["0", "-1", "1001", "many", "1.5"])
def test_a_number_of_shards_that_is_none_is_refused(number: str, tmp_path: Path) -> None:
    (tmp_path / "monitoring.yml").write_text(f"shards: {number}\n")
    with pytest.raises(ConfigError, match="shards"):
        load_settings(tmp_path / "monitoring.yml")
