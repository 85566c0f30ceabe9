"""The configuration that a Prometheus runs: what it does to alerts on their way, and to what it scrapes."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from exporter.monitoring.check.alertmanager_config import mappings
from exporter.monitoring.check.relabelling import relabelled
from exporter.monitoring.check.rules import WantedGroup
from exporter.monitoring.check.sent_alerts import SentAlert
from exporter.monitoring.check.server_client import NoAnswerError
from exporter.support.yaml_source import read_yaml

_FAMILY: Final = re.compile(r"(?<![\w:])booking_sync_\w+(?![\w:])")
_SAMPLE: Final = "any-value"
"""In the place of values that nobody knows: no pattern names it."""

Json = Mapping[str, Any]


def parsed(text: str) -> Json:
    """Return a configuration. Raises :class:`NoAnswerError` when it cannot be read."""
    source = read_yaml(text)
    if source.problems or not isinstance(source.value, dict):
        raise NoAnswerError("returns a configuration that cannot be read", "give the address of Prometheus")
    return source.value


def changed_alerts(config: Json, alerts: Sequence[SentAlert]) -> Mapping[str, Sequence[str]]:
    """Return what becomes of alerts on their way to an Alertmanager, in words, and of which."""
    alerting = config.get("alerting")
    if not isinstance(alerting, dict):
        return {}
    general = mappings(alerting.get("alert_relabel_configs"))
    ways = [[*general, *mappings(one.get("alert_relabel_configs"))] for one in mappings(alerting.get("alertmanagers"))]
    found: dict[str, list[str]] = {}
    for alert in alerts:
        before = {name: value if isinstance(value, str) else _SAMPLE for name, value in alert.labels.named.items()}
        unknown = [name for name, value in alert.labels.named.items() if not isinstance(value, str)]
        # External labels come first, and nobody has to keep them: a replica's own one is taken away on purpose.
        sent = {**_external(config), **{name: value for name, value in before.items() if value}}
        for steps in ways or [general]:
            for text in _changes(before, relabelled({**dict.fromkeys(before, ""), **sent}, steps, unknown)):
                names = found.setdefault(text, [])
                if alert.name not in names:
                    names.append(alert.name)
    return found


def _external(config: Json) -> dict[str, str]:
    general = config.get("global")
    labels = general.get("external_labels") if isinstance(general, dict) else None
    return {str(name): str(value) for name, value in labels.items()} if isinstance(labels, dict) else {}


def _changes(before: Mapping[str, str], after: Mapping[str, str] | None) -> Sequence[str]:
    if after is None:
        return ["dropped"]
    names = [name for name, value in before.items() if value and after.get(name, "") != value]
    return [f"{name} is changed" if after.get(name) else f"{name} is lost" for name in names]


def families(groups: Sequence[WantedGroup]) -> Sequence[str]:
    """Return the families of the exporter that rules read."""
    return sorted({name for group in groups for rule in group.rules for name in _FAMILY.findall(rule.expr)})


def dropped_families(config: Json, jobs: Mapping[str, str], names: Sequence[str]) -> Sequence[str]:
    """Return which families no longer exist after a scrape; ``jobs`` is the label of a job by its name in the configuration."""
    lost: set[str] = set()
    for scrape in mappings(config.get("scrape_configs")):
        job = jobs.get(str(scrape.get("job_name")))
        steps = mappings(scrape.get("metric_relabel_configs"))
        if job is not None and steps:
            lost |= {name for name in names if not _kept(name, job, steps)}
    return sorted(lost)


def _kept(name: str, job: str, steps: Sequence[Json]) -> bool:
    after = relabelled({"__name__": name, "job": job}, steps)
    return after is not None and after.get("__name__") == name
