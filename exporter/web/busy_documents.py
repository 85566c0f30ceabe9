"""What ``/api/v1/status`` says of an owner's own calendar, made of values of the state."""

from __future__ import annotations

from exporter.calendar_busy import BusyObservation
from exporter.web.busy_types import Busy, BusyWindow
from exporter.web.moments import moment_of


def busy_document(seen: BusyObservation) -> Busy:
    """Return what ``seen`` shows of a target."""
    return Busy(
        at=moment_of(seen.at),
        windows=tuple(
            BusyWindow(
                window=row.window.name,
                start=moment_of(row.window.start),
                end=moment_of(row.window.end),
                busy_seconds=row.seconds,
            )
            for row in seen.windows
        ),
        whole_days=seen.whole_days,
        by_entries=seen.entries is not None,
    )
