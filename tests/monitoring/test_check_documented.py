"""The example of `monitoring check` in docs/monitoring.md is what it prints, word for word."""

from __future__ import annotations

import re

import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.monitoring import Options
from tests.monitoring.answering import Answer, answering, as_json
from tests.monitoring.bundle import ROOT
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.rendered_files import files
from tests.monitoring.stacks import RULES

_TEXT = (ROOT / "docs" / "monitoring.md").read_text()
_NOW = as_json({"data": {"result": [{"metric": {}, "value": [1, "1000000"]}]}})
_NONE = as_json({"data": {"result": []}})


def _documented() -> list[str]:
    block = next(part for part in re.findall(r"```console\n(.*?)```", _TEXT, re.DOTALL) if "monitoring check" in part)
    return [line for line in block.splitlines() if not line.startswith("$") and line != "…"]


@pytest.fixture(scope="module")
def printed() -> list[str]:
    """Return what is printed of a Prometheus and an Alertmanager with the faults of the example."""
    bundle = files(Options())
    config = safe_load(bundle["config/alertmanager/alertmanager.yml"].replace("example.org", "salon.invalid"))
    config["route"]["routes"].insert(0, {"matchers": ['severity="critical"'], "receiver": "noc"})
    config["receivers"].append({"name": "noc", "webhook_configs": [{"url": "http://noc.salon.invalid"}]})
    silence = {
        "id": "1f7c",
        "comment": "moving house",
        "endsAt": "2026-12-01T08:00:00.000Z",
        "status": {"state": "active"},
        "matchers": [{"name": "alertname", "value": "BookingSyncDoubleBooking"}],
    }
    groups = [
        {
            "name": group["name"],
            "rules": [
                {"name": rule.get("alert") or rule["record"], "query": rule["expr"], "type": "alerting"}
                for rule in group["rules"]
            ],
        }
        for name in RULES
        for group in safe_load(bundle[name])["groups"]
    ]
    runtime = {"startTime": "1970-01-01T00:00:00Z", "storageRetention": "15d"}
    answers = {
        "vector(time())": _NOW,
        "/api/v1/query": _NONE,
        "/api/v1/status/buildinfo": as_json({"data": {"version": "2.42.0"}}),
        "/api/v1/status/runtimeinfo": as_json({"data": runtime}),
        "/api/v1/rules": as_json({"data": {"groups": groups}}),
        "/api/v2/status": as_json({"config": {"original": safe_dump(config)}, "versionInfo": {"version": "0.25.0"}}),
        "/api/v2/silences": as_json([silence]),
        "/api/v2/alerts": as_json([]),
        "/metrics": Answer(),
    }
    with answering(answers) as asked:
        url = asked.address
        result = CliRunner().invoke(app, ["monitoring", "check", "--prometheus-url", url, "--alertmanager-url", url])
    assert 1 == result.exit_code
    return result.stdout.splitlines()


def test_each_line_of_the_example_is_printed(printed: list[str]) -> None:
    documented = _documented()
    assert {"ok", "MISSING"} <= {line.split()[0] for line in documented}
    assert {"Prometheus", "Alertmanager"} == {line.split()[1] for line in documented}
    assert [] == [line for line in documented if line not in printed], printed
