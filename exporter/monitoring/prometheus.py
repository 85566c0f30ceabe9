"""The files for Prometheus: rules and an example configuration."""

from __future__ import annotations

from urllib.parse import urlsplit

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
    return {**rule, "labels": {**options.rule_labels, **alert.all_labels()}, "annotations": alert.annotations(options)}


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
    every = {"scrape_interval": divided(options.scrape_interval, by), "evaluation_interval": divided("1m", by)}
    return header(by) + dump(
        {
            "global": every if by == 1 else {**every, "external_labels": dict(LABEL)},
            # A rehearsal that compares with last week writes that week first.
            **({} if by == 1 else {"storage": {"tsdb": {"out_of_order_time_window": divided("4w", by)}}}),
            "rule_files": ["recording.rules.yml", "alerting.rules.yml", "own/*.yml"],
            "alerting": {"alertmanagers": [_server(options, options.alertmanager_url)]},
            "scrape_configs": [
                *(_exporter_job(options, job) for job in options.jobs),
                {"job_name": "prometheus", **_server(options, _own_address(options), metrics=True)},
                {"job_name": "alertmanager", **_server(options, options.alertmanager_url, metrics=True)},
            ],
        }
    )


def _exporter_job(options: Options, job: str) -> dict[str, object]:
    size = scrape.body_limit(options.targets)
    return {
        "job_name": job,
        "label_value_length_limit": scrape.LABEL_VALUE_BYTES,
        **({"body_size_limit": size} if size else {}),
        "static_configs": [{"targets": list(options.exporters_of(job))}],
    }


def _own_address(options: Options) -> str:
    """Return where Prometheus scrapes itself: in its own container, unless somebody says where it is."""
    return options.prometheus_url if options.prometheus_url != Options().prometheus_url else "http://localhost:9090"


def _server(options: Options, address: str, *, metrics: bool = False) -> dict[str, object]:
    parts = urlsplit(address)
    port = "" if parts.port else ":443" if parts.scheme == "https" else ":80"
    scheme = {"scheme": "https"} if parts.scheme == "https" else {}
    # Prometheus calls it a prefix for an Alertmanager that it tells, and a path for one that it scrapes.
    path = {"metrics_path": f"{parts.path}/metrics"} if metrics else {"path_prefix": parts.path}
    return {
        **scheme,
        **(path if parts.path else {}),
        **({"basic_auth": {"username": password.USER, "password_file": file}} if (file := options.password_file) else {}),
        "static_configs": [{"targets": [parts.netloc + port]}],
    }
