"""Kubernetes manifests, the compose file and Grafana's provisioning."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import jsonschema
import kubernetes_validate
import pytest
import yaml

from exporter.config import load_config
from tests.monitoring.bundle import ALERT_GROUPS, BOARDS, RECORDING_GROUPS, ROOT

KUBERNETES = ROOT / "config" / "kubernetes"
SCHEMAS = Path(__file__).parent / "schemas"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
CORE = ["config.yaml", "deployment.yaml", "service.yaml"]
CUSTOM = ["prometheusrule.yaml", "servicemonitor.yaml"]


def _manifest(name: str) -> dict[str, Any]:
    document: dict[str, Any] = yaml.safe_load((KUBERNETES / name).read_text())
    return document


@pytest.mark.parametrize("name", CORE)
def test_a_manifest_fits_the_schema_of_kubernetes(name: str) -> None:
    kubernetes_validate.validate(_manifest(name), "1.31", strict=True)


@pytest.mark.parametrize("name", CUSTOM)
def test_a_custom_resource_fits_the_schema_of_the_operator(name: str) -> None:
    schema = json.loads((SCHEMAS / f"{name.removesuffix('.yaml')}.json").read_text())
    jsonschema.validate(_manifest(name), schema)


def test_the_prometheusrule_holds_exactly_the_shipped_groups() -> None:
    assert [*RECORDING_GROUPS, *ALERT_GROUPS] == _manifest("prometheusrule.yaml")["spec"]["groups"]


def test_the_service_leads_to_the_pods_and_the_monitor_to_the_service() -> None:
    service, monitor, deployment = (_manifest(f"{name}.yaml") for name in ("service", "servicemonitor", "deployment"))
    pod = deployment["spec"]["template"]
    assert service["spec"]["selector"] == pod["metadata"]["labels"] == deployment["spec"]["selector"]["matchLabels"]
    assert monitor["spec"]["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    port = service["spec"]["ports"][0]
    assert monitor["spec"]["endpoints"][0]["port"] == port["name"]
    assert port["targetPort"] in {one["name"] for one in pod["spec"]["containers"][0]["ports"]}


def test_the_example_configuration_in_the_configmap_is_valid(tmp_path: Path) -> None:
    text = _manifest("config.yaml")["data"]["exporter.yml"]
    (tmp_path / "wix_api_key").write_text("not-a-real-key")
    file = tmp_path / "exporter.yml"
    file.write_text(text.replace("/run/secrets/booking-sync/", f"{tmp_path}/"))
    assert ["salon-wix"] == [target.name for target in load_config(file).targets]


def test_kustomize_makes_one_configmap_for_each_dashboard_with_the_labels_of_the_side_car() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        if os.environ.get("CI"):
            pytest.fail("kubectl is not installed")
        pytest.skip("kubectl is not installed")
    result = subprocess.run([kubectl, "kustomize", KUBERNETES], capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stderr
    documents = list(yaml.safe_load_all(result.stdout))
    assert {"monitoring"} == {document["metadata"]["namespace"] for document in documents}
    boards = [one for one in documents if one["kind"] == "ConfigMap" and "grafana_dashboard" in one["metadata"]["labels"]]
    assert {path.name for path in BOARDS} == {name for one in boards for name in one["data"]}
    for one in boards:
        assert "1" == one["metadata"]["labels"]["grafana_dashboard"]
        assert "Booking sync" == one["metadata"]["annotations"]["grafana_folder"]
        for name, text in one["data"].items():
            assert (ROOT / "dashboards" / name).read_text() == text


def test_every_image_is_pinned_and_every_port_stays_on_this_machine() -> None:
    for name, service in COMPOSE["services"].items():
        assert re.fullmatch(r"[\w./-]+:(v?\d+\.\d+\.\d+|local)", service["image"]), name
        assert all(port.startswith("127.0.0.1:") for port in service["ports"]), name
        assert service["healthcheck"]["test"], name


def test_every_file_that_compose_mounts_exists() -> None:
    made_by_the_user = {"./secrets"}
    for service in COMPOSE["services"].values():
        for volume in service.get("volumes", []):
            source = volume.split(":")[0]
            if source.startswith("./") and source not in made_by_the_user:
                assert (ROOT / source).exists(), source
                assert volume.endswith(":ro")


def test_each_profile_has_one_exporter_under_the_name_that_prometheus_scrapes() -> None:
    targets = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    assert ["exporter:10888"] == targets["static_configs"][0]["targets"]
    for profile in ("live", "demo"):
        aliases = [
            alias
            for service in COMPOSE["services"].values()
            if profile in service.get("profiles", [])
            for alias in service.get("networks", {}).get("default", {}).get("aliases", [])
        ]
        assert ["exporter"] == aliases


def test_only_the_demo_lets_people_in_without_a_password() -> None:
    open_ones = {name for name, one in COMPOSE["services"].items() if "GF_AUTH_ANONYMOUS_ENABLED" in one.get("environment", {})}
    assert {"grafana-demo"} == open_ones
    assert "Viewer" == COMPOSE["services"]["grafana-demo"]["environment"]["GF_AUTH_ANONYMOUS_ORG_ROLE"]


def test_grafana_finds_its_data_source_and_the_dashboards_where_compose_puts_them() -> None:
    provisioning = ROOT / "config/grafana/provisioning"
    source = yaml.safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"][0]
    provider = yaml.safe_load((provisioning / "dashboards/booking-sync.yml").read_text())["providers"][0]
    scrape = yaml.safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert scrape == source["jsonData"]["timeInterval"]
    assert not provider["allowUiUpdates"]
    mounts = COMPOSE["services"]["grafana"]["volumes"]
    assert f"./dashboards:{provider['options']['path']}:ro" in mounts
