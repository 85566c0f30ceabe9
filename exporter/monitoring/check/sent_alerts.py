"""The alerts of a render as Alertmanager gets them: their labels, as far as they are known before one fires."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from exporter.monitoring.alerts import AlertSeverity
from exporter.monitoring.check.rules import WantedGroup, WantedRule
from exporter.monitoring.matchers import Labels, Unknown, Value

WATCHDOG: Final = "Watchdog"
_TEMPLATED: Final = "{{"
_NAMED: Final = re.compile(r"\$labels\.(\w+)")


@dataclass(frozen=True, slots=True)
class SentAlert:
    """An alert that may fire."""

    name: str
    severity: str
    labels: Labels

    @property
    def wakes(self) -> bool:
        """Whether somebody is waked by it, or because it does not come."""
        return self.severity == AlertSeverity.CRITICAL or self.name == WATCHDOG

    def with_labels(self, labels: Mapping[str, str]) -> SentAlert:
        """Return the same with labels that are added to whatever is sent."""
        own = {name: value for name, value in self.labels.named.items() if name not in labels or value is not Unknown.ANY}
        return replace(self, labels=replace(self.labels, named={**labels, **own}))


def sent_alerts(groups: Sequence[WantedGroup], jobs: Sequence[str]) -> Sequence[SentAlert]:
    """Return an alert of each alerting rule, of each job if it is one of the exporter's."""
    rules = [rule for group in groups for rule in group.rules if rule.type == "alerting"]
    added = {name for rule in rules for name in rule.labels}
    return [alert for rule in rules for alert in _alerts(rule, added, jobs)]


def _alerts(rule: WantedRule, added: set[str], jobs: Sequence[str]) -> Iterator[SentAlert]:
    severity = str(rule.labels.get("severity", ""))
    if rule.name == WATCHDOG:  # a number has no labels of its own
        yield SentAlert(rule.name, severity, Labels({**rule.labels, "alertname": rule.name}))
        return
    told = set(_NAMED.findall(" ".join(rule.annotations.values())))
    # Routes tell a target's alerts from others by it. What a rule adds to another alert, this one has not.
    named: dict[str, Value] = {**dict.fromkeys(added | {"target"}, ""), **dict.fromkeys(told, Unknown.ANY)}
    if "target" in told:
        named["target"] = Unknown.SOME
    own: dict[str, Value] = {name: Unknown.ANY if _TEMPLATED in value else value for name, value in rule.labels.items()}
    for job in jobs if "job" in told else ("",):
        of_job: dict[str, Value] = {"job": job} if job else {}
        yield SentAlert(rule.name, severity, Labels({**named, **of_job, **own, "alertname": rule.name}, Unknown.ANY))
