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

from exporter.config import load_config
from exporter.monitoring import Options, render
from tests.harness.compose import shipped
from tests.monitoring.bundle import ALERT_GROUPS, BOARDS, RECORDING_GROUPS, ROOT
from tests.monitoring.libyaml import safe_load, safe_load_all

KUBERNETES = ROOT / "config" / "kubernetes"
SCHEMAS = Path(__file__).parent / "schemas"
COMPOSE = shipped()
CORE = ["config.yaml", "deployment.yaml", "networkpolicy.yaml", "service.yaml", "volume.yaml"]
CUSTOM = ["prometheusrule.yaml", "servicemonitor.yaml"]


def _manifest(name: str) -> dict[str, Any]:
    document: dict[str, Any] = safe_load((KUBERNETES / name).read_text())
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


def test_the_secrets_are_read_by_the_exporter_alone_and_its_volume_outlives_the_pod() -> None:
    pod = _manifest("deployment.yaml")["spec"]["template"]["spec"]
    volumes = {volume["name"]: volume for volume in pod["volumes"]}
    assert 0o400 == volumes["secrets"]["secret"]["defaultMode"]
    # Files of a secret belong to root; without the group a mode of 0400 would be for root alone.
    assert (
        65532
        == pod["securityContext"]["fsGroup"]
        == pod["securityContext"]["runAsGroup"]
        == pod["securityContext"]["runAsUser"]
    )
    assert _manifest("volume.yaml")["metadata"]["name"] == volumes["state"]["persistentVolumeClaim"]["claimName"]
    mounts = {mount["mountPath"]: mount for mount in pod["containers"][0]["volumeMounts"]}
    assert ["/var/lib/booking-sync-exporter"] == [path for path, mount in mounts.items() if not mount.get("readOnly")]
    example = safe_load(_manifest("config.yaml")["data"]["exporter.yml"])
    assert "/var/lib/booking-sync-exporter/state.json" == example["state_file"]


def test_only_prometheus_gets_in_and_only_names_and_https_go_out() -> None:
    policy, deployment = (_manifest(f"{name}.yaml")["spec"] for name in ("networkpolicy", "deployment"))
    pod = deployment["template"]
    assert policy["podSelector"]["matchLabels"].items() <= pod["metadata"]["labels"].items()
    assert ["Ingress", "Egress"] == policy["policyTypes"]
    [rule] = policy["ingress"]
    assert ["http-metrics"] == [port["port"] for port in rule["ports"]]
    assert [{"app.kubernetes.io/name": "prometheus"}] == [peer["podSelector"]["matchLabels"] for peer in rule["from"]]
    ports = {(port["protocol"], port["port"]) for rule in policy["egress"] for port in rule["ports"]}
    assert {("UDP", 53), ("TCP", 53), ("TCP", 443)} == ports


def test_kustomize_makes_one_configmap_for_each_dashboard_with_the_labels_of_the_side_car() -> None:
    kubectl = shutil.which("kubectl")
    if kubectl is None:
        if os.environ.get("CI"):
            pytest.fail("kubectl is not installed")
        pytest.skip("kubectl is not installed")
    result = subprocess.run([kubectl, "kustomize", KUBERNETES], capture_output=True, text=True, check=False)
    assert 0 == result.returncode, result.stderr
    documents = list(safe_load_all(result.stdout))
    assert {"monitoring"} == {document["metadata"]["namespace"] for document in documents}
    boards = [one for one in documents if one["kind"] == "ConfigMap" and "grafana_dashboard" in one["metadata"]["labels"]]
    assert {path.name for path in BOARDS} == {name for one in boards for name in one["data"]}
    for one in boards:
        assert "1" == one["metadata"]["labels"]["grafana_dashboard"]
        assert "Booking sync" == one["metadata"]["annotations"]["grafana_folder"]
        for name, text in one["data"].items():
            assert (ROOT / "dashboards" / name).read_text() == text


each_service = pytest.mark.parametrize(("name", "service"), COMPOSE["services"].items(), ids=list(COMPOSE["services"]))


def _mounts(service: dict[str, Any]) -> dict[str, tuple[str, str]]:
    """Return source and mode of each mount of a service by its place in the container."""
    parts = [volume.split(":") for volume in service.get("volumes", [])]
    return {part[1]: (part[0], part[2] if len(part) > 2 else "rw") for part in parts}


@each_service
def test_every_image_is_pinned_and_every_port_stays_on_this_machine(name: str, service: dict[str, Any]) -> None:
    assert re.fullmatch(r"[\w./-]+:(v?\d+\.\d+\.\d+(@sha256:[0-9a-f]{64})?|local)", service["image"]), name
    assert all(port.startswith("127.0.0.1:") for port in service.get("ports", [])), name
    assert "no" == service.get("restart") or service["healthcheck"]["test"], name


def test_only_the_board_and_grafana_have_a_port() -> None:
    ports = {name: service["ports"] for name, service in COMPOSE["services"].items() if "ports" in service}
    board, grafana = ["127.0.0.1:10888:10888"], ["127.0.0.1:3000:3000"]
    assert {"exporter": board, "demo": board, "grafana": grafana, "grafana-demo": grafana} == ports


@each_service
def test_a_service_can_write_to_its_volumes_only_and_has_no_rights(name: str, service: dict[str, Any]) -> None:
    assert service["read_only"] is True
    assert ["ALL"] == service["cap_drop"]
    assert ["no-new-privileges:true"] == service["security_opt"]
    assert int(service["user"].split(":")[0]) > 0
    writable = {source for source, mode in _mounts(service).values() if mode == "rw"}
    assert writable <= COMPOSE["volumes"].keys(), name


@each_service
def test_prometheus_and_alertmanager_take_commands_from_nobody_without_the_password(name: str, service: dict[str, Any]) -> None:
    flags = [str(flag) for flag in service.get("command", [])]
    assert not [flag for flag in flags if flag.startswith(("--web.enable-lifecycle", "--web.enable-admin-api"))]
    if "prom/" in service["image"]:
        assert "--web.config.file=/run/monitoring/web.yml" in flags
        assert ("monitoring-password", "ro") == _mounts(service)["/run/monitoring"]
        first = {"passwords", "hurried"} if name.endswith("-demo") else {"passwords"}
        assert {one: {"condition": "service_completed_successfully"} for one in first} == service["depends_on"]
        assert "monitoring:$$(cat /run/monitoring/password)@localhost" in service["healthcheck"]["test"][1], name


def test_the_password_is_made_before_all_and_known_to_who_needs_it() -> None:
    maker = COMPOSE["services"]["passwords"]
    assert ["monitoring", "password", "--out", "/run/monitoring"] == maker["command"]
    assert "profiles" not in maker
    knowing = {name.removesuffix("-demo") for name, one in COMPOSE["services"].items() if "/run/monitoring" in _mounts(one)}
    assert {"passwords", "prometheus", "alertmanager", "grafana"} == knowing


def test_the_demo_shares_no_volume_with_the_live_services_but_the_password() -> None:
    volumes = {
        profile: {
            source
            for service in COMPOSE["services"].values()
            if profile in service.get("profiles", [])
            for source, mode in _mounts(service).values()
            if mode == "rw"
        }
        for profile in ("live", "demo")
    }
    assert {"exporter-data", "prometheus-data", "alertmanager-data", "grafana-live-data"} == volumes["live"]
    assert {"demo-bundle", "prometheus-demo-data", "alertmanager-demo-data", "grafana-demo-data"} == volumes["demo"]


def test_the_servers_of_the_demo_read_what_is_rendered_for_them_in_divided_time(tmp_path: Path) -> None:
    maker = COMPOSE["services"]["hurried"]
    assert ["monitoring", "render", "--hurry=60", "--out=/run/hurried"] == maker["command"]
    assert ["demo"] == maker["profiles"]
    made = {f"/run/hurried/{path.relative_to(tmp_path)}" for path in render(Options(hurry=60), tmp_path).written}
    for name in ("prometheus-demo", "alertmanager-demo"):
        service = COMPOSE["services"][name]
        assert ("demo-bundle", "ro") == _mounts(service)["/run/hurried"]
        assert {flag.partition("=")[2] for flag in service["command"] if flag.startswith("--config.file=")} <= made
        live = COMPOSE["services"][name.removesuffix("-demo")]["command"]
        assert live[1:] == service["command"][1:]


def test_each_service_gets_its_own_secrets_and_the_demo_none() -> None:
    secrets = {
        name: source
        for name, service in COMPOSE["services"].items()
        for source, _ in _mounts(service).values()
        if source.startswith("./secrets")
    }
    assert {"exporter": "./secrets/exporter", "alertmanager": "./secrets/alertmanager"} == secrets
    assert {"grafana"} == {name for name, service in COMPOSE["services"].items() if "secrets" in service}


def test_the_exporter_gets_the_variables_that_its_configuration_names_and_no_others() -> None:
    named = set(re.findall(r"^[^#\n]*\{env: (\w+)\}", (ROOT / "config/exporter.yml").read_text(), re.MULTILINE))
    assert named == set(COMPOSE["services"]["exporter"]["environment"])
    assert not [name for name, service in COMPOSE["services"].items() if "env_file" in service]


def test_every_file_that_compose_mounts_exists() -> None:
    for service in COMPOSE["services"].values():
        for source, mode in _mounts(service).values():
            if source.startswith("./") and not source.startswith("./secrets/"):  # the user makes these
                assert (ROOT / source).exists(), source
                assert "ro" == mode


def test_each_profile_has_one_service_under_each_name_that_others_ask() -> None:
    targets = safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())["scrape_configs"][0]
    assert ["exporter:10888"] == targets["static_configs"][0]["targets"]
    for profile in ("live", "demo"):
        aliases = [
            alias
            for service in COMPOSE["services"].values()
            if profile in service.get("profiles", [])
            for alias in service.get("networks", {}).get("default", {}).get("aliases", [])
        ]
        assert ["alertmanager", "exporter", "prometheus"] == sorted(aliases)


def test_only_the_demo_lets_people_in_without_a_password_and_it_has_no_administrator() -> None:
    open_ones = {name for name, one in COMPOSE["services"].items() if "GF_AUTH_ANONYMOUS_ENABLED" in one.get("environment", {})}
    assert {"grafana-demo"} == open_ones
    settings = COMPOSE["services"]["grafana-demo"]["environment"]
    assert "Viewer" == settings["GF_AUTH_ANONYMOUS_ORG_ROLE"]
    assert "false" == settings["GF_AUTH_BASIC_ENABLED"]
    assert "true" == settings["GF_AUTH_DISABLE_LOGIN_FORM"] == settings["GF_SECURITY_DISABLE_INITIAL_ADMIN_CREATION"]


def test_grafana_signs_in_to_both_servers_with_the_password_of_the_volume() -> None:
    sources = safe_load((ROOT / "config/grafana/provisioning/datasources/prometheus.yml").read_text())["datasources"]
    assert {"prometheus": "http://prometheus:9090", "alertmanager": "http://alertmanager:9093"} == {
        source["type"]: source["url"] for source in sources
    }
    for source in sources:
        assert (True, "monitoring") == (source["basicAuth"], source["basicAuthUser"])
        assert "$__file{/run/monitoring/password}" == source["secureJsonData"]["basicAuthPassword"]


def test_grafana_finds_its_data_source_and_the_dashboards_where_compose_puts_them() -> None:
    provisioning = ROOT / "config/grafana/provisioning"
    source = safe_load((provisioning / "datasources/prometheus.yml").read_text())["datasources"][0]
    provider = safe_load((provisioning / "dashboards/booking-sync.yml").read_text())["providers"][0]
    scrape = safe_load((ROOT / "config/prometheus/prometheus.yml").read_text())["global"]["scrape_interval"]
    assert scrape == source["jsonData"]["timeInterval"]
    assert not provider["allowUiUpdates"]
    mounts = COMPOSE["services"]["grafana"]["volumes"]
    assert f"./dashboards:{provider['options']['path']}:ro" in mounts


PROVISIONING = ROOT / "config" / "grafana" / "provisioning"
# What Grafana documents for each of its folders, as far as it may stand in ours; keys that it does not know it ignores.
_TEXT, _FLAG, _NUMBER = {"type": "string", "minLength": 1}, {"type": "boolean"}, {"type": "integer", "minimum": 1}
_SOURCE = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "uid", "type", "access", "url", "editable"],
    "properties": {
        **dict.fromkeys(("name", "uid", "url", "basicAuthUser"), _TEXT),
        **dict.fromkeys(("basicAuth", "isDefault", "withCredentials"), _FLAG),
        "type": {"enum": ["prometheus", "alertmanager"]},
        "access": {"const": "proxy"},
        "editable": {"const": False},
        "orgId": _NUMBER,
        "version": _NUMBER,
        "jsonData": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "httpMethod": {"enum": ["GET", "POST"]},
                "timeInterval": _TEXT,
                "implementation": {"enum": ["prometheus", "cortex", "mimir"]},
                "handleGrafanaManagedAlerts": _FLAG,
            },
        },
        # A password stands in a file, never here.
        "secureJsonData": {
            "type": "object",
            "additionalProperties": False,
            "properties": {"basicAuthPassword": {"type": "string", "pattern": r"^\$__file\{/.+\}$"}},
        },
    },
}
_PROVIDER = {
    "type": "object",
    "additionalProperties": False,
    "required": ["name", "type", "folder", "folderUid", "allowUiUpdates", "options"],
    "properties": {
        **dict.fromkeys(("name", "folder", "folderUid"), _TEXT),
        "type": {"const": "file"},
        **dict.fromkeys(("allowUiUpdates", "disableDeletion"), _FLAG),
        **dict.fromkeys(("orgId", "updateIntervalSeconds"), _NUMBER),
        "options": {
            "type": "object",
            "additionalProperties": False,
            "required": ["path"],
            "properties": {"path": {"type": "string", "pattern": "^/"}, "foldersFromFilesStructure": _FLAG},
        },
    },
}
_FOLDERS = {
    "datasources": {"datasources": {"type": "array", "minItems": 1, "items": _SOURCE}},
    "dashboards": {"providers": {"type": "array", "minItems": 1, "items": _PROVIDER}},
    "plugins": {"apps": {"type": "array", "maxItems": 0}},
    "alerting": {"groups": {"type": "array", "maxItems": 0}},
}


def test_every_folder_that_grafana_looks_for_is_there_with_something_that_it_reads() -> None:
    assert set(_FOLDERS) == {path.name for path in PROVISIONING.iterdir()}
    for name in _FOLDERS:
        assert {".yml"} == {path.suffix for path in (PROVISIONING / name).iterdir()}


@pytest.mark.parametrize("path", sorted(PROVISIONING.glob("*/*")), ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_file_of_the_provisioning_has_what_grafana_documents_and_nothing_else(path: Path) -> None:
    lists = _FOLDERS[path.parent.name]
    schema = {
        "type": "object",
        "additionalProperties": False,
        "required": ["apiVersion", *lists],
        "properties": {"apiVersion": {"const": 1}, **lists},
    }
    jsonschema.validate(safe_load(path.read_text()), schema)


def test_a_name_and_a_uid_stand_for_one_data_source() -> None:
    sources = safe_load((PROVISIONING / "datasources/prometheus.yml").read_text())["datasources"]
    for key in ("name", "uid"):
        assert len(sources) == len({source[key] for source in sources})
    assert ["prometheus"] == [source["uid"] for source in sources if source.get("isDefault")]


def test_the_boards_are_tested_with_the_code_of_the_grafana_that_compose_runs() -> None:
    package = json.loads((ROOT / "tests/harness/grafana/package.json").read_text())
    images = {service["image"] for name, service in COMPOSE["services"].items() if name.startswith("grafana")}
    assert {f"grafana/grafana:{package['dependencies']['@grafana/data']}"} == images
