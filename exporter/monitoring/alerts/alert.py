"""What an alert is, and the words its texts are made of."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from types import MappingProxyType
from typing import Self, TypeAlias

from exporter.monitoring.hurry import MIN_RANGE_SECONDS, divided, divided_expression
from exporter.monitoring.language import localised, said
from exporter.monitoring.options import Options
from exporter.monitoring.runbook_text import first_steps
from exporter.texts import DEFAULT


class AlertSeverity(StrEnum):
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


class Dashboard(StrEnum):
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


def template(text: Text, language: str = DEFAULT) -> str:
    """Return a Go template that prints the text of an alert's labels."""
    if isinstance(text, str):
        return said(text, language)
    *cases, last = [(value, template(inner, language)) for value, inner in text.texts.items()]
    if not cases:
        return last[1]
    branches = "{{ else if ".join(f'eq $labels.{text.label} "{value}" }}}}{inner}' for value, inner in cases)
    return f"{{{{ if {branches}{{{{ else }}}}{last[1]}{{{{ end }}}}"


def _sentences(text: Text) -> Iterator[str]:
    if isinstance(text, Choice):
        for inner in text.texts.values():
            yield from _sentences(inner)
    elif text:
        yield text


@dataclass(frozen=True, slots=True)
class Alert:
    """One alerting rule.

    ``hold`` is Prometheus' ``for``, ``keep`` its ``keep_firing_for``; ``after`` says how long the cause has to be there where
    neither the hold nor the expression does, since a recorded series waits as well; ``fix`` is what a person has to do,
    ``until_morning`` what happens if nobody does; ``since`` is a template that prints when it really began (see ``wording``),
    "" where no series tells; ``steps_inside`` puts the first steps of the runbook into the message, because the exporter that
    serves it may be down; ``min_hold_seconds`` is the hold that a rehearsal leaves, where what takes time is a start, as
    slow as in life; ``link`` names the labels of the series that the dashboard takes as variables; ``comment`` says why
    where the expression does not.
    """

    name: str
    expr: str
    hold: str
    severity: AlertSeverity
    fixed_by: FixedBy
    summary: str
    description: Text
    fix: Text
    until_morning: Text = ""
    since: str = ""
    steps_inside: bool = False
    keep: str = ""
    min_hold_seconds: float = 0.0
    after: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)
    board: Dashboard = Dashboard.TARGET
    link: Sequence[str] = ("job", "target")
    comment: str = ""

    def as_bad_as(self, severity: AlertSeverity) -> Alert:
        """Return the same alert with another severity."""
        return self if severity is self.severity else replace(self, severity=severity)

    def all_labels(self) -> dict[str, str]:
        """Return the labels that the rule adds to those of the series."""
        return {"severity": self.severity.value, "fixed_by": self.fixed_by.value, **self.labels}

    def annotations(self, options: Options) -> dict[str, str]:
        """Return all annotations; what nobody knows, such as a link without an address, is not there."""
        language = options.language
        steps = (f"{number}. {said(step, language)}" for number, step in enumerate(self._first_steps(), 1))
        found = {
            "summary": said(self.summary, language),
            "description": template(self.description, language),
            "since": localised(self.since, language),
            "fix": template(self.fix, language),
            "until_morning": template(self.until_morning, language),
            "first_steps": " ".join(steps),
            "runbook_url": options.runbook(self.name),
            "dashboard_url": self._dashboard(options),
            "board": self._place_on(options.board_url, language),
        }
        return {name: text for name, text in found.items() if text}

    def sentences(self) -> Iterator[str]:
        """Yield every sentence that people read of it, each of which has a translation."""
        for text in (self.summary, self.description, self.fix, self.until_morning, *self._first_steps()):
            yield from _sentences(text)

    def _first_steps(self) -> Sequence[str]:
        return first_steps(self.name) if self.steps_inside else ()

    def hurried(self, by: int) -> Self:
        """Return the same in divided time; what it says is still how long it takes in life."""
        return replace(
            self,
            expr=divided_expression(self.expr, by, min_seconds=MIN_RANGE_SECONDS),
            hold=divided(self.hold, by, min_seconds=self.min_hold_seconds) if self.hold else "",
            keep=divided(self.keep, by) if self.keep else "",
        )

    def _dashboard(self, options: Options) -> str:
        if not options.grafana_url:
            return ""
        variables = "&".join(f"var-{label}={{{{ $labels.{label} | urlquery }}}}" for label in self.link)
        return f"{options.grafana_url}/d/{options.uid(self.board)}" + (f"?{variables}" if variables else "")

    def _place_on(self, board_url: str, language: str) -> str:
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
        asked = "" if language == DEFAULT else f"?lang={language}"  # otherwise the board speaks the browser's language
        return f"{board_url}/{asked}" + (f"#{place}" if place else "")


@dataclass(frozen=True, slots=True)
class AlertGroup:
    """Alerts of one topic, evaluated together every ``interval``."""

    name: str
    alerts: Sequence[Alert]
    interval: str = "1m"

    def hurried(self, by: int) -> Self:
        """Return the same in divided time."""
        return replace(self, interval=divided(self.interval, by), alerts=tuple(alert.hurried(by) for alert in self.alerts))
