"""Shards in Kubernetes: the overlay of docs/high-availability.md on the manifests that are rendered."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from exporter.monitoring import Options, render
from tests.monitoring.bundle import ROOT

_PAGE = (ROOT / "docs" / "high-availability.md").read_text()
_OVERLAY = re.findall(r"```yaml\n(.*?)```", _PAGE.split("## Shards in Kubernetes\n")[1], re.DOTALL)[0]


def test_the_overlay_makes_a_stateful_set_whose_pods_are_the_shards(tmp_path: Path) -> None:
    kubectl = shutil.which("kubectl") or pytest.skip("kubectl is not installed")
    render(Options(), tmp_path / "bundle")
    (tmp_path / "kustomization.yaml").write_text(_OVERLAY)
    made = subprocess.run([kubectl, "kustomize", tmp_path], capture_output=True, text=True, timeout=60, check=False)
    assert 0 == made.returncode, made.stderr
    found = {one["kind"]: one for one in yaml.safe_load_all(made.stdout)}
    assert "Deployment" not in found
    assert "PersistentVolumeClaim" not in found
    spec = found["StatefulSet"]["spec"]
    pod, (container,) = spec["template"]["spec"], spec["template"]["spec"]["containers"]
    assert 3 == spec["replicas"]
    assert "strategy" not in spec
    assert container["args"][-1] == f"--shard=$(POD_INDEX)/{spec['replicas']}"
    (index,) = container["env"]
    assert "metadata.labels['apps.kubernetes.io/pod-index']" == index["valueFrom"]["fieldRef"]["fieldPath"]
    volumes = {one["name"] for one in pod["volumes"]} | {one["metadata"]["name"] for one in spec["volumeClaimTemplates"]}
    assert {one["name"] for one in container["volumeMounts"]} == volumes
    assert ["state"] == [one["metadata"]["name"] for one in spec["volumeClaimTemplates"]]
