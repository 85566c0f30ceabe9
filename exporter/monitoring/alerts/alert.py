"""What an alert is, and the words its texts are made of."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import TypeAlias

from exporter.monitoring.options import Options
from exporter.monitoring.runbook_text import first_steps


class Severity(StrEnum):
    """Who hears of it: ``critical`` wakes somebody, ``warning`` becomes a ticket, ``info`` is only displayed."""

    CRITICAL = "critical"
    WARNING = "warning"
    INFO = "info"
    NONE = "none"


class FixedBy(StrEnum):
    """Who has to act; a label, so that boards and messages can name it."""

    OPERATOR = "exporter operator"
    ADMINISTRATOR = "account administrator"
    CALENDAR_OWNER = "calendar owner"
    FRONT_DESK = "front desk"
    PLATFORM = "platform"


FORGETS: Mapping[str, str] = MappingProxyType({"forgets": "yes"})
"""Label of an alert that ends because its beginning lies too far back, also when nothing is mended: its end is no all-clear."""


class Board(StrEnum):
    """The dashboards, by uid."""

    FLEET = "booking-sync-fleet"
    TARGET = "booking-sync-target"
    INTERNALS = "booking-sync-internals"


@dataclass(frozen=True, slots=True)
class Choice:
    """A text that depends on the value of a label; the last one also serves values without one."""

    label: str
    texts: Mapping[str, Text]

    def cases(self) -> dict[str, str]:
        """Return every text by its label values, joined with commas."""
        found: dict[str, str] = {}
        for value, text in self.texts.items():
            if isinstance(text, Choice):
                found |= {f"{value}, {case}": inner for case, inner in text.cases().items()}
            else:
                found[value] = text
        return found


Text: TypeAlias = str | Choice


def template(text: Text) -> str:
    """Return a Go template that prints the text of an alert's labels."""
    if isinstance(text, str):
        return text
    *cases, last = [(value, template(inner)) for value, inner in text.texts.items()]
    if not cases:
        return last[1]
    branches = "{{ else if ".join(f'eq $labels.{text.label} "{value}" }}}}{inner}' for value, inner in cases)
    return f"{{{{ if {branches}{{{{ else }}}}{last[1]}{{{{ end }}}}"


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule.

    ``hold`` is Prometheus' ``for``, ``keep`` its ``keep_firing_for``; ``after`` says how long the cause has to be there where
    neither the hold nor the expression does, since a recorded series waits as well; ``fix`` is what a person has to do,
    ``until_morning`` what happens if nobody does; ``since`` is a template that prints when it really began (see ``wording``),
    "" where no series tells; ``steps_inside`` puts the first steps of the runbook into the message, because the exporter that
    serves it may be down; ``link`` names the labels of the series that the dashboard takes as variables; ``comment`` says why
    where the expression does not.
    """

    name: str
    expr: str
    hold: str
    severity: Severity
    fixed_by: FixedBy
    summary: str
    description: str
    fix: Text
    until_morning: str = ""
    since: str = ""
    steps_inside: bool = False
    keep: str = ""
    after: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    board: Board = Board.TARGET
    link: Sequence[str] = ("job", "target")
    comment: str = ""

    def as_bad_as(self, severity: Severity) -> Alert:
        """Return the same alert with another severity."""
        return self if severity is self.severity else replace(self, severity=severity)

    def all_labels(self) -> dict[str, str]:
        """Return the labels that the rule adds to those of the series."""
        return {"severity": self.severity.value, "fixed_by": self.fixed_by.value, **self.labels}

    def annotations(self, options: Options) -> dict[str, str]:
        """Return all annotations; what nobody knows, such as a link without an address, is not there."""
        found = {
            "summary": self.summary,
            "description": self.description,
            "since": self.since,
            "fix": template(self.fix),
            "until_morning": self.until_morning,
            "first_steps": self._first_steps(),
            "runbook_url": options.runbook(self.name),
            "dashboard_url": self._dashboard(options.grafana_url),
            "board": self._place_on(options.board_url),
        }
        return {name: text for name, text in found.items() if text}

    def _first_steps(self) -> str:
        steps = first_steps(self.name) if self.steps_inside else ()
        return " ".join(f"{number}. {step}" for number, step in enumerate(steps, 1))

    def _dashboard(self, grafana_url: str) -> str:
        if not grafana_url:
            return ""
        variables = "&".join(f"var-{label}={{{{ $labels.{label} | urlquery }}}}" for label in self.link)
        return f"{grafana_url}/d/{self.board}" + (f"?{variables}" if variables else "")

    def _place_on(self, board_url: str) -> str:
        """Return the link to what the alert is about on the exporter's own status board: ``URL/#target/connection``."""
        if not board_url:
            return ""
        # A fragment has no + for a blank, as a query has.
        names = (
            f'{{{{ $labels.{label} | urlquery | reReplaceAll "[+]" "%20" }}}}'
            for label in ("target", "connection")
            if label in self.link
        )
        place = "/".join(names)
        return f"{board_url}/" + (f"#{place}" if place else "")


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts of one topic, evaluated together every ``interval``."""

    name: str
    alerts: Sequence[Alert]
    interval: str = "1m"
