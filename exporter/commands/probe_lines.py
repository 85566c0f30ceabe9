"""What ``probe`` prints of a view: a line for each poll, one for each finding, and one for what it cannot know."""

from __future__ import annotations

from collections.abc import Iterable

from exporter.model import BookingsObservation, ConnectionsObservation, ConnectionStatus, LinksObservation
from exporter.state.findings import Finding
from exporter.state.snapshot import CollectorState
from exporter.state.verdict import TABLE, Verdict, verdict_of, worst


def verdict_on(state: CollectorState, found: Iterable[Finding]) -> Verdict:
    """Return the verdict on one collector; ``found`` are the findings of its view."""
    own = [row.row for row in found if (row.target, row.collector) == (state.target, state.collector)]
    return verdict_of(own) if state.finished_polls else worst(())


def summary(state: CollectorState) -> str:
    """Return what a poll found in one line."""
    if state.failure is not None and state.observation is None:
        return f"{state.failure.reason.value}: {state.failure.message}"
    observation = state.observation
    match observation:
        case ConnectionsObservation(numbers=numbers):
            counts = {status: sum(n for (_, found), n in numbers.items() if found is status) for status in ConnectionStatus}
            text = ", ".join(f"{number} {status.value}" for status, number in counts.items() if number) or "no connections"
        case BookingsObservation(windows=windows):
            text = ", ".join(f"{row.window.name} {row.bookings}" for row in windows)
            conflicting = max((row.conflicting or 0 for row in windows), default=0)
            text += f", {conflicting} overlapping" if conflicting else ""
        case LinksObservation(windows=windows):
            text = ", ".join(
                f"{row.window.name} {row.linked} linked, {row.unlinked} not"
                + (f", {row.unverified} unverified" if row.unverified else "")
                for row in windows
            )
        case _:
            text = "nothing"
    return f"{text}; partly failed: {state.failure.message}" if state.failure else text


def lines(found: Iterable[Finding]) -> tuple[str, ...]:
    """Return one line for each thing that was found: with its human fix, or why it is listed and not judged."""
    return tuple(_problem(finding) if finding.is_problem else _listed(finding) for finding in found)


def left_out() -> str:
    """Return the line about the rows of the table that need a history."""
    kinds = dict.fromkeys(row.kind.replace("_", " ") for row in TABLE if row.history)
    return f"Not judged, since one poll has no history: {', '.join(kinds)}."


def _problem(finding: Finding) -> str:
    text = f"{_where(finding)}: {finding.title}. {finding.advice.meaning}"
    if finding.detail and finding.collector is None:
        text += f" {finding.detail}."
    return f"{text} Fix: {finding.advice.fix}" if finding.advice.fix else text


def _listed(finding: Finding) -> str:
    why = f", known: {finding.known.why}" if finding.known and finding.known.why else ""
    return f"{_where(finding)}: {finding.title}, listed and not judged{why}."


def _where(finding: Finding) -> str:
    target = finding.target or "exporter"
    if (conflict := finding.conflict) is not None:
        return f"{target} bookings {conflict.first} and {conflict.second} overlap on resource {finding.subject}"
    if (connection := finding.connection) is not None:
        return f"{target} connection {connection.key} ({connection.calendar_type.value})"
    return f"{target} {finding.subject}"
