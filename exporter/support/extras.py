"""Which of the optional dependencies are installed."""

from __future__ import annotations

from importlib.util import find_spec


def reads_feeds() -> bool:
    """Return whether what reads the feeds of calendars is installed: the extra ``ics``."""
    return all(find_spec(name) is not None for name in ("icalendar", "recurring_ical_events"))
