"""The files for Prometheus: rules and an example configuration."""

from __future__ import annotations

from exporter.monitoring import password, scrape
from exporter.monitoring.alerts import Alert, alert_groups
from exporter.monitoring.hurry import LABEL, divided, header
from exporter.monitoring.options import Options
from exporter.monitoring.recordings import all_recording_groups
from exporter.monitoring.yamltext import dump, dump_items


def alert_rule(alert: Alert, options: Options) -> dict[str, object]:
    """Return one alerting rule as Prometheus reads it."""
    rule: dict[str, object] = {"alert": alert.name, "expr": alert.expr}
    if alert.hold:
        rule["for"] = alert.hold
    if alert.keep:
        rule["keep_firing_for"] = alert.keep
    return {**rule, "labels": alert.all_labels(), "annotations": alert.annotations(options)}


def recording_rules(options: Options) -> str:
    """Return ``recording.rules.yml``."""
    text = header(options.hurry) + "groups:\n"
    for group in all_recording_groups(options):
        text += f"  - name: {group.name}\n    interval: {group.interval}\n    rules:\n"
        text += dump_items([(rule.comment, {"record": rule.record, "expr": rule.expr}) for rule in group.rules], 6)
    return text


def alerting_rules(options: Options) -> str:
    """Return ``alerting.rules.yml``."""
    text = header(options.hurry) + "groups:\n"
    for group in alert_groups(options):
        text += f"  - name: {group.name}\n    interval: {group.interval}\n    rules:\n"
        text += dump_items([(alert.comment, alert_rule(alert, options)) for alert in group.alerts], 6)
    return text


def prometheus_config(options: Options) -> str:
    """Return an example ``prometheus.yml``, the one that compose.yaml uses."""
    by = options.hurry
    every = {"scrape_interval": divided(scrape.INTERVAL, by), "evaluation_interval": divided("1m", by)}
    return header(by) + dump(
        {
            "global": every if by == 1 else {**every, "external_labels": dict(LABEL)},
            # A rehearsal that compares with last week writes that week first.
            **({} if by == 1 else {"storage": {"tsdb": {"out_of_order_time_window": divided("4w", by)}}}),
            "rule_files": ["recording.rules.yml", "alerting.rules.yml"],
            "alerting": {"alertmanagers": [_behind_the_password("alertmanager:9093")]},
            "scrape_configs": [
                _exporter_job(options),
                {"job_name": "prometheus", **_behind_the_password("localhost:9090")},
                {"job_name": "alertmanager", **_behind_the_password("alertmanager:9093")},
            ],
        }
    )


def _exporter_job(options: Options) -> dict[str, object]:
    size = scrape.body_limit(options.targets)
    return {
        "job_name": options.job,
        "label_value_length_limit": scrape.LABEL_VALUE_BYTES,
        **({"body_size_limit": size} if size else {}),
        "static_configs": [{"targets": ["exporter:10888"]}],
    }


def _behind_the_password(address: str) -> dict[str, object]:
    return {
        "basic_auth": {"username": password.USER, "password_file": f"{password.FOLDER}/password"},
        "static_configs": [{"targets": [address]}],
    }
