"""The committed bundle as Python values, and what the exporter declares."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from exporter.metrics import FAMILIES
from tests.monitoring.libyaml import safe_load

ROOT = Path(__file__).parents[2]
PROMETHEUS = ROOT / "config" / "prometheus"
ALERTMANAGER = ROOT / "config" / "alertmanager"
BOARDS = sorted((ROOT / "dashboards").glob("*.json"))
RUNBOOKS = ROOT / "docs" / "runbooks"

RECORDING_GROUPS: list[dict[str, Any]] = safe_load((PROMETHEUS / "recording.rules.yml").read_text())["groups"]
ALERT_GROUPS: list[dict[str, Any]] = safe_load((PROMETHEUS / "alerting.rules.yml").read_text())["groups"]
RECORDINGS: dict[str, str] = {rule["record"]: rule["expr"] for group in RECORDING_GROUPS for rule in group["rules"]}
ALERTS: list[dict[str, Any]] = [rule for group in ALERT_GROUPS for rule in group["rules"]]
ALERT_NAMES = sorted({alert["alert"] for alert in ALERTS})

ABOUT_A_PROCESS = {
    "BookingSyncNotReady",
    "BookingSyncConfigReloadFailed",
    "BookingSyncClockSkewed",
    "BookingSyncScrapeGrew",
    "BookingSyncInstanceDown",
    "BookingSyncScrapesFailing",
    "BookingSyncReplicaBlind",
    "BookingSyncExporterSlow",
    "instance:booking_sync_samples_per_target:ratio",
}
"""Alerts and a recorded series that are about one process: they keep its labels."""

DECLARED = {family.name: family for family in FAMILIES}
FROM_PROMETHEUS = {
    "up": (),
    "scrape_duration_seconds": (),
    "scrape_samples_scraped": (),
    "prometheus_rule_evaluation_failures_total": ("rule_group",),
    "prometheus_rule_group_iterations_missed_total": ("rule_group",),
    "ALERTS": (
        *("alertstate", "alertname", "severity", "fixed_by", "cluster", "namespace", "target", "platform", "collector"),
        *("connection", "provider", "reason", "window", "budget", "credential", "calendar_type", "site", "besides", "extent"),
        *("slo", "long", "short", "symptom", "forgets", "shard"),
    ),
    "ALERTS_FOR_STATE": (),
}
SCRAPE_LABELS = {"job", "instance"}
REPLICA_LABELS = {"instance", "pod", "container", "endpoint"}


def load_board(path: Path) -> dict[str, Any]:
    """Return a dashboard."""
    board: dict[str, Any] = json.loads(path.read_text())
    return board


def panels(board: dict[str, Any]) -> list[dict[str, Any]]:
    """Return all panels that show something, those of collapsed rows included."""
    found: list[dict[str, Any]] = []
    for panel in board["panels"]:
        found += panel["panels"] if panel["type"] == "row" else [panel]
    return found
