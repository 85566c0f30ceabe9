"""The verdicts on targets and on everything, in the words of ``/api/v1/status``, and how many there are of each."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from exporter.state.findings import Finding, Severity, overall, verdicts
from exporter.state.snapshot import View
from exporter.state.verdict import TARGET_PAUSED
from exporter.state.verdict_row import Verdict
from exporter.web.status_types import Summary, TargetState

_WORDS: Final[Mapping[Verdict, TargetState]] = MappingProxyType(
    {
        Verdict.OK: "healthy",
        Verdict.WARNING: "warning",
        Verdict.CRITICAL: "critical",
        Verdict.UNKNOWN: "waiting",
    }
)


def states_of(view: View, found: Iterable[Finding]) -> Mapping[str, TargetState]:
    """Return the state of each target by its name; ``found`` are the findings of ``view``."""
    return {name: _WORDS[verdict] for name, verdict in verdicts(view, found).items()}


def verdict_of(view: View, found: Sequence[Finding]) -> TargetState:
    """Return the verdict on everything; ``found`` are the findings of ``view``."""
    return _WORDS[overall(view, found)]


def summary_of(states: Mapping[str, TargetState], found: Iterable[Finding]) -> Summary:
    """Return how many targets are in which state, and how many problems there are."""
    found = tuple(found)
    by_state = Counter(states.values())
    severities = Counter(finding.severity for finding in found if finding.is_problem)
    return Summary(
        targets=len(states),
        targets_critical=by_state["critical"],
        targets_warning=by_state["warning"],
        targets_waiting=by_state["waiting"],
        targets_healthy=by_state["healthy"],
        problems_critical=severities[Severity.CRITICAL],
        problems_warning=severities[Severity.WARNING],
        targets_paused=sum(finding.row is TARGET_PAUSED for finding in found),
    )
