"""What is found in bookings: overlaps, windows that are not whole, bookings without links, and an intake that is silent.

Moments are Unix seconds (``float``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from exporter.booking_links import LinksObservation, WindowLinks
from exporter.model import BookingsObservation, Conflict, Message, WindowBookings
from exporter.platforms.advice import Advice
from exporter.policy import AcceptedReason
from exporter.private_calendar import WindowEvents
from exporter.state import advice
from exporter.state.findings.copies import of_copies
from exporter.state.findings.finding import Finding, is_in_force
from exporter.state.places import resource_name
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.thresholds import Thresholds
from exporter.state.verdict import (
    CONFLICT_ACCEPTED,
    CONFLICT_LATER,
    CONFLICT_MARKED,
    CONFLICT_SOON,
    INTAKE_SILENT,
    LINKS_UNVERIFIED,
    SILENT_SECONDS,
    UNLINKED_BOOKINGS,
    WINDOW_INCOMPLETE,
)
from exporter.state.verdict_row import VerdictRow


def of_bookings(target: TargetView, state: CollectorState, seen: BookingsObservation, now: float) -> Iterator[Finding]:
    """Yield what is found in the bookings that ``seen`` shows of ``target`` at ``now``."""
    for conflict in seen.conflicts:
        if conflict.end > now:
            yield _of_conflict(target, state, conflict, resource_name(target, conflict.resource), now)
    yield from _of_marks(target.name, state, seen)
    yield from of_incomplete(target.name, state, seen.windows)
    since = target.silent_since
    if since is not None and not any(start < now and end > now - SILENT_SECONDS for start, end in target.policy.closed):
        yield Finding(
            INTAKE_SILENT,
            target.name,
            "bookings",
            Message("no new bookings arrive"),
            advice.INTAKE_SILENT,
            since=since,
            collector=state.collector,
        )


def of_links(target: TargetView, state: CollectorState, seen: LinksObservation, now: float) -> Iterator[Finding]:
    """Yield what is found in the links that ``seen`` shows of ``target`` at ``now``."""
    thresholds = target.thresholds
    yield from of_incomplete(target.name, state, seen.windows)
    if seen.copies is not None:
        yield from of_copies(target, state, seen.copies, now)
    if names := [row.window.name for row in seen.windows if row.is_unverified(thresholds.links_unverified_share)]:
        title = Message("links not verified: %(windows)s", windows=", ".join(names))
        yield _of_windows(LINKS_UNVERIFIED, target.name, state, title, advice.LINKS_UNVERIFIED)
    if unlinked := [row for row in seen.windows if _is_unlinked(row, thresholds)]:
        yield Finding(
            UNLINKED_BOOKINGS,
            target.name,
            str(state.collector),
            Message("many bookings have no CRM link"),
            advice.UNLINKED,
            collector=state.collector,
            effect=_shares(unlinked),  # which windows, and how many of them, differs with every portal
            unlinked=tuple(row for row in seen.unlinked if row.start > now),
        )


def _shares(rows: Iterable[WindowLinks]) -> str:
    """Return the windows with how many of their bookings have no link: ``next_24h (3 of 10), next_7d (8 of 30)``."""
    told = ""
    for row in rows:
        total = row.linked + row.unlinked
        one = Message("%(window)s (%(unlinked)s of %(total)s)", window=row.window.name, unlinked=row.unlinked, total=total)
        told = Message("%(before)s, %(next)s", before=told, next=one) if told else one
    return told


def _is_unlinked(row: WindowLinks, thresholds: Thresholds) -> bool:
    verified = row.linked + row.unlinked
    least, share = thresholds.unlinked_bookings_least, thresholds.unlinked_bookings_share
    return verified >= least and row.unlinked > share * verified


def _of_conflict(target: TargetView, state: CollectorState, conflict: Conflict, resource: str, now: float) -> Finding:
    known = _known(target, conflict, now)
    row = CONFLICT_SOON if conflict.start - now < target.thresholds.conflict_soon else CONFLICT_LATER
    return Finding(
        row if known is None else CONFLICT_ACCEPTED,
        target.name,
        resource,
        Message("double booking"),
        advice.DOUBLE_BOOKING,
        collector=state.collector,
        conflict=conflict,
        until=None if known is None else known.until,
        known=known,
    )


def _of_marks(target: str, state: CollectorState, seen: BookingsObservation) -> Iterator[Finding]:
    """Yield what the platform itself marks, where the exporter does not compare the bookings, which tells more."""
    if any(row.conflicting is not None for row in seen.windows):
        return
    if marked := {window: number for window, number in seen.platform_conflicts.items() if number}:
        yield Finding(
            CONFLICT_MARKED,
            target,
            str(state.collector),
            Message("Wix marks bookings as double-booked"),
            advice.DOUBLE_BOOKING_MARKED,
            collector=state.collector,
            effect=", ".join(f"{window} ({number:,})" for window, number in marked.items()),
        )


def _known(target: TargetView, conflict: Conflict, now: float) -> AcceptedReason | None:
    known = target.policy.accepted_conflict(conflict)
    return known if is_in_force(known, now) else None


def of_incomplete(
    target: str, state: CollectorState, rows: Iterable[WindowBookings | WindowLinks | WindowEvents]
) -> Iterator[Finding]:
    """Yield that some of the windows could not be read completely."""
    if names := [row.window.name for row in rows if not row.complete]:
        title = Message("incomplete: %(windows)s", windows=", ".join(names))
        yield _of_windows(WINDOW_INCOMPLETE, target, state, title, advice.WINDOW_INCOMPLETE)


def _of_windows(row: VerdictRow, target: str, state: CollectorState, title: Message, fix: Advice) -> Finding:
    name = state.collector
    return Finding(row, target, str(name), title, fix, collector=name)
