"""Renders the whole bundle into a directory laid out like this repository."""

from __future__ import annotations

from pathlib import Path

from exporter import __version__
from exporter.monitoring.alertmanager import alertmanager_config, demo_config, templates
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.grafana import dashboard_provider, datasource, nothing
from exporter.monitoring.kubernetes import dashboards_kustomization, manifests
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, prometheus_config, recording_rules
from exporter.monitoring.runbooks import HEADER, runbook_texts
from exporter.monitoring.writing import write


def files(options: Options) -> dict[str, str]:
    """Return the text of every file by its path below the output directory."""
    return {
        "config/prometheus/prometheus.yml": prometheus_config(options),
        "config/prometheus/recording.rules.yml": recording_rules(options),
        "config/prometheus/alerting.rules.yml": alerting_rules(options),
        "dashboards/fleet.json": fleet(options),
        "dashboards/target.json": target(options),
        "dashboards/internals.json": internals(options),
        "config/alertmanager/alertmanager.yml": alertmanager_config(options),
        "config/alertmanager/alertmanager.demo.yml": demo_config(options),
        "config/alertmanager/templates/booking-sync.tmpl": templates(options),
        "config/grafana/provisioning/datasources/prometheus.yml": datasource(),
        "config/grafana/provisioning/dashboards/booking-sync.yml": dashboard_provider(),
        "config/grafana/provisioning/plugins/none.yml": nothing("apps"),
        "config/grafana/provisioning/alerting/none.yml": nothing("groups"),
        "dashboards/kustomization.yaml": dashboards_kustomization(),
        **{f"config/kubernetes/{name}": text for name, text in manifests(options, __version__).items()},
        **{f"docs/runbooks/{name}": f"{HEADER}\n{text}" for name, text in runbook_texts(options).items()},
    }


def render(options: Options, out_dir: Path) -> list[Path]:
    """Write the bundle below ``out_dir``, replacing its own files only, and return what was written.

    Raises :class:`~exporter.errors.BookingSyncError` for a file that cannot be written.
    """
    texts = {out_dir / name: text for name, text in files(options).items()}
    for path, text in texts.items():
        write(path, text)
    return list(texts)
