"""What is found in the copies of bookings in the staff's calendar. Moments are Unix seconds (``float``)."""

from __future__ import annotations

from collections.abc import Iterator

from exporter.calendar_copies import CalendarCopies
from exporter.model import Message
from exporter.state import advice
from exporter.state.findings.finding import Finding
from exporter.state.snapshot import CollectorState, TargetView
from exporter.state.verdict import CALENDAR_MISMATCH, CALENDAR_MISMATCH_LATER, MISMATCH_SOON_SECONDS


def of_copies(target: TargetView, state: CollectorState, copies: CalendarCopies, now: float) -> Iterator[Finding]:
    """Yield that copies differ from bookings ahead, as ``copies`` show it at ``now``; a probe of a target has one at most."""
    ahead = tuple(row for row in copies.mismatched if row.start > now)
    if not ahead:
        return
    numbers = {row.window: sum((row.mismatches or {}).values()) for row in copies.windows}
    yield Finding(
        CALENDAR_MISMATCH if ahead[0].start - now < MISMATCH_SOON_SECONDS else CALENDAR_MISMATCH_LATER,
        target.name,
        str(state.collector),
        Message("the staff's calendar differs from the bookings"),
        advice.CALENDAR_MISMATCH,
        collector=state.collector,
        effect=", ".join(f"{window} ({number:,})" for window, number in numbers.items() if number),
        mismatched=ahead,
    )
