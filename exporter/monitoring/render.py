"""Renders the whole bundle into a directory laid out like this repository."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from exporter import __version__
from exporter.errors import ConfigError
from exporter.monitoring.alertmanager import alertmanager_config, demo_config, templates
from exporter.monitoring.dashboards import fleet, internals, target
from exporter.monitoring.grafana import dashboard_provider, datasource, nothing
from exporter.monitoring.kubernetes import dashboards_kustomization, manifests
from exporter.monitoring.naming import with_cluster_label
from exporter.monitoring.notes import notes_on
from exporter.monitoring.options import Options
from exporter.monitoring.prometheus import alerting_rules, prometheus_config, recording_rules
from exporter.monitoring.rendered import RECORD, Left, folder, record, refusal
from exporter.monitoring.runbooks import HEADER, runbook_texts
from exporter.monitoring.writing import alone_in, remove, write


def files(options: Options) -> dict[str, str]:
    """Return the text of every file by its path below the output directory."""
    texts = {
        "config/prometheus/prometheus.yml": prometheus_config(options),
        "config/prometheus/recording.rules.yml": recording_rules(options),
        "config/prometheus/alerting.rules.yml": alerting_rules(options),
        "dashboards/fleet.json": fleet(options),
        "dashboards/target.json": target(options),
        "dashboards/internals.json": internals(options),
        "config/alertmanager/alertmanager.yml": alertmanager_config(options),
        "config/alertmanager/alertmanager.demo.yml": demo_config(options),
        "config/alertmanager/templates/booking-sync.tmpl": templates(options),
        "config/grafana/provisioning/datasources/prometheus.yml": datasource(options),
        "config/grafana/provisioning/dashboards/booking-sync.yml": dashboard_provider(options),
        "config/grafana/provisioning/plugins/none.yml": nothing("apps"),
        "config/grafana/provisioning/alerting/none.yml": nothing("groups"),
        "dashboards/kustomization.yaml": dashboards_kustomization(options),
        **{f"config/kubernetes/{name}": text for name, text in manifests(options, __version__).items()},
        **{f"docs/runbooks/{name}": f"{HEADER}\n{text}" for name, text in runbook_texts(options).items()},
    }
    return {name: with_cluster_label(text, options.cluster_label) for name, text in texts.items()}


@cache
def shipped_files() -> Mapping[str, str]:
    """Return the text of every file of the bundle as it is shipped, made once: a process has one version of it."""
    return files(Options())


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a render did: the files that it wrote, and what else people have to know, one line each."""

    written: Sequence[Path]
    notes: Sequence[str] = ()


def render(options: Options, out_dir: Path, *, force: bool = False) -> Rendered:
    """Write the bundle below ``out_dir``, replacing its own files only.

    A file that was edited since it was rendered stays, and then nothing is written: that raises
    :class:`~exporter.errors.ConfigError` with each of them, unless ``force``. What is no part of the bundle any more is removed
    if nobody edited it and no link leads to it; else each render tells it, until somebody removes it. Raises
    :class:`~exporter.errors.BookingSyncError` for a file that cannot be written, and while another render writes there.
    """
    shipped = shipped_files()
    texts = shipped if options == Options() else files(options)
    with alone_in(out_dir):
        before = folder(out_dir)
        if not force and (edited := list(before.edited(texts, shipped))):
            raise ConfigError([refusal(str(out_dir / name)) for name in edited])
        write(out_dir / RECORD, before.begun(texts))
        for name, text in texts.items():
            write(out_dir / name, text)
        left = dict(before.left(texts, shipped))
        for name in (name for name, what in left.items() if what is Left.REMOVED):
            remove(out_dir / name)
        kept = {name: before.before[name] for name, what in left.items() if what is not Left.REMOVED}
        write(out_dir / RECORD, record(texts, kept))
    gone = (f"note: {out_dir / name} is no part of the bundle any more; {what.value}" for name, what in left.items())
    notes = [*notes_on(options), *gone]
    return Rendered([out_dir / name for name in texts], notes)
