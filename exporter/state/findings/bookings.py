"""What is found in bookings: overlaps, windows that are not whole, bookings without links, and an intake that is silent."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Final

from exporter.model import BookingsObservation, Conflict, LinksObservation, WindowLinks
from exporter.platforms.advice import Advice
from exporter.policy import Known
from exporter.state import advice
from exporter.state.findings.finding import Finding, is_in_force
from exporter.state.places import resource_name
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.verdict import (
    CONFLICT_ACCEPTED,
    CONFLICT_LATER,
    CONFLICT_SOON,
    INTAKE_SILENT,
    LINKS_SAMPLE,
    LINKS_UNVERIFIED,
    SILENT_SECONDS,
    SOON_SECONDS,
    UNLINKED_BOOKINGS,
    UNLINKED_SHARE,
    WINDOW_INCOMPLETE,
    Row,
)

_INCOMPLETE: Final = ("incomplete", advice.WINDOW_INCOMPLETE)
_UNVERIFIED: Final = ("links not verified", advice.LINKS_UNVERIFIED)
_UNLINKED: Final = ("many bookings have no CRM link", advice.UNLINKED)


def of_bookings(target: TargetView, state: CollectorState, seen: BookingsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found in the bookings that ``seen`` shows of ``target`` at ``now``."""
    for conflict in seen.conflicts:
        if conflict.end > now:
            yield _of_conflict(target, state, conflict, resource_name(target, conflict.resource), now)
    incomplete = (row.window.name for row in seen.windows if not row.complete)
    yield from _of_windows(WINDOW_INCOMPLETE, target.name, state, incomplete, _INCOMPLETE)
    since = target.silent_since
    if since is not None and not any(start < now and end > now - SILENT_SECONDS for start, end in target.policy.closed):
        yield Finding(
            INTAKE_SILENT,
            target.name,
            "bookings",
            "no new bookings arrive",
            advice.INTAKE_SILENT,
            since=since,
            collector=state.collector,
        )


def of_links(target: str, state: CollectorState, seen: LinksObservation) -> Iterator[Finding]:
    """Yield what is found in the links that ``seen`` shows of ``target``."""
    incomplete = (row.window.name for row in seen.windows if not row.complete)
    yield from _of_windows(WINDOW_INCOMPLETE, target, state, incomplete, _INCOMPLETE)
    unverified = (row.window.name for row in seen.windows if row.mostly_unverified)
    yield from _of_windows(LINKS_UNVERIFIED, target, state, unverified, _UNVERIFIED)
    unlinked = (
        f"{row.window.name} ({row.unlinked} of {row.linked + row.unlinked})" for row in seen.windows if _is_unlinked(row)
    )
    yield from _of_windows(UNLINKED_BOOKINGS, target, state, unlinked, _UNLINKED)


def _is_unlinked(row: WindowLinks) -> bool:
    verified = row.linked + row.unlinked
    return verified >= LINKS_SAMPLE and row.unlinked > UNLINKED_SHARE * verified


def _of_conflict(target: TargetView, state: CollectorState, conflict: Conflict, resource: str, now: float) -> Finding:
    known = _known(target, conflict, now)
    row = CONFLICT_SOON if conflict.start - now < SOON_SECONDS else CONFLICT_LATER
    return Finding(
        row if known is None else CONFLICT_ACCEPTED,
        target.name,
        resource,
        "double booking",
        advice.DOUBLE_BOOKING,
        collector=state.collector,
        conflict=conflict,
        until=None if known is None else known.until,
        known=known,
    )


def _known(target: TargetView, conflict: Conflict, now: float) -> Known | None:
    accepted = target.policy.bookings
    known = accepted.get(conflict.first) or accepted.get(conflict.second)
    return known if is_in_force(known, now) else None


def _of_windows(
    row: Row, target: str, state: CollectorState, windows: Iterable[str], told: tuple[str, Advice]
) -> Iterator[Finding]:
    """Yield ``row`` for the named ``windows`` if there are any, told by a title and what to do."""
    if names := ", ".join(windows):
        title, fix = told
        yield Finding(
            row, target, str(state.collector), f"{title}: {names}", fix, since=state.last_poll, collector=state.collector
        )
