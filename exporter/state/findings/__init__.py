"""What is found in a view, by the table of verdicts: what is broken, where, since when and who mends it.

The status board, ``/api/v1/status`` and ``probe`` show this list. It leans on the table (:mod:`exporter.state.verdict`), on the
snapshot and on the platforms' advice. There is a module for each kind of observation, and one for the account and its file.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from exporter.booking_links import LinksObservation
from exporter.model import BookingsObservation, ConnectionsObservation, Message
from exporter.open_slots import SlotsObservation
from exporter.policy import TargetPolicy
from exporter.private_calendar import EventsObservation
from exporter.state.advice import KNOWN, NOT_POLLED
from exporter.state.findings.account import of_account, of_configuration
from exporter.state.findings.bookings import of_bookings, of_links
from exporter.state.findings.calendar_checks import failed_check
from exporter.state.findings.collectors import brought_data, of_collectors
from exporter.state.findings.connections import is_broken, of_connections
from exporter.state.findings.events import of_events
from exporter.state.findings.finding import Finding, Severity, is_in_force
from exporter.state.findings.proofs import of_pairs
from exporter.state.findings.slots import of_slots
from exporter.state.snapshot import TargetView, View
from exporter.state.verdict import CONNECTIONS_DOWN, PLACE, RANKS, TARGET_CLOSED, TARGET_PAUSED, verdict_of, worst
from exporter.state.verdict import NOT_POLLED as NOT_POLLED_ROW
from exporter.state.verdict_row import Kind, Verdict

__all__ = [
    "Finding",
    "Kind",
    "Severity",
    "brought_data",
    "failed_check",
    "findings",
    "is_broken",
    "overall",
    "problems",
    "verdicts",
]


def findings(view: View) -> tuple[Finding, ...]:
    """Return all rows of the table that hold: the worst first, of one row the newest first, conflicts by their start.

    Before all other warnings come those of a target none of whose calendars works.

    A view that remembers nothing, of a ``probe``, has none that need a history.
    """
    found = [
        finding.judged_by(target.thresholds)
        for target in view.targets
        for finding in of_target(target, view.at)
        if view.remembers or not finding.row.history
    ]
    down = {finding.target for finding in found if finding.row is CONNECTIONS_DOWN}
    of_config = of_configuration(view, down)
    found += (finding for finding in of_config if view.remembers or not finding.row.history)

    def order(finding: Finding) -> tuple[int, bool, int, float]:
        begins = finding.begins
        newest = -(finding.since or 0.0) if begins is None else begins
        return RANKS[finding.verdict], not finding.none_works, PLACE[finding.row], newest

    return tuple(sorted(found, key=order))


def problems(view: View) -> tuple[Finding, ...]:
    """Return what somebody has to act on, in the order of :func:`findings`."""
    return tuple(finding for finding in findings(view) if finding.is_problem)


def verdicts(view: View, found: Iterable[Finding]) -> Mapping[str, Verdict]:
    """Return the verdict on each target by its name; ``found`` are the findings of ``view``."""
    rows: dict[str, list[Finding]] = {target.name: [] for target in view.targets}
    for finding in found:
        if finding.target in rows:
            rows[finding.target].append(finding)
    return {name: verdict_of(finding.verdict for finding in own) for name, own in rows.items()}


def overall(view: View, found: Iterable[Finding]) -> Verdict:
    """Return the verdict on everything; UNKNOWN where there is nothing to judge, or not all is known yet."""
    found = tuple(found)
    of_all = [finding.verdict for finding in found if not finding.target]
    if view.missing:  # as the board says that it is starting, and not that everything is in order
        of_all.append(Verdict.UNKNOWN)
    return worst((*of_all, *verdicts(view, found).values()))


def of_target(target: TargetView, now: float) -> Iterator[Finding]:
    """Yield the rows that hold for one target at ``now`` (Unix seconds), those that need a history among them."""
    policy = target.policy
    if is_in_force(policy.paused, now):
        yield Finding(
            TARGET_PAUSED, target.name, "target", Message("paused"), KNOWN, until=policy.paused.until, known=policy.paused
        )
        return
    if not any(state.finished_polls for state in target.collectors):
        yield Finding(NOT_POLLED_ROW, target.name, "target", Message("not polled yet"), NOT_POLLED)
        return
    yield from _of_closed(target.name, policy, now)
    yield from of_collectors(target, now)
    for state in target.collectors:
        match state.observation:
            case ConnectionsObservation() as seen:
                yield from of_connections(target, seen, now)
            case BookingsObservation() as seen:
                yield from of_bookings(target, state, seen, now)
            case LinksObservation() as seen:
                yield from of_links(target, state, seen, now)
            case EventsObservation() as seen:
                yield from of_events(target, state, seen, now)
            case SlotsObservation() as seen:
                yield from of_slots(target, state, seen, now)
    yield from of_pairs(target, now)
    yield from of_account(target, now)


def _of_closed(target: str, policy: TargetPolicy, now: float) -> Iterator[Finding]:
    for start, end in policy.closed:
        if start <= now < end:
            yield Finding(TARGET_CLOSED, target, "target", Message("closed"), KNOWN, since=start, until=end)
