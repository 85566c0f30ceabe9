"""Calendars that are published as a feed, written by hand: a week of them, and how they are read."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from exporter.ics.expansion import read_feed
from exporter.ics.values import FeedAnswer, FeedJob

MONDAY: Final = datetime(2026, 11, 30, tzinfo=UTC).timestamp()
HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY


def event(*lines: str) -> str:
    """Return an entry with these lines."""
    return "\r\n".join(("BEGIN:VEVENT", *lines, "END:VEVENT"))


def feed(*parts: str) -> bytes:
    """Return a calendar that holds these components and properties."""
    return "\r\n".join(("BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN", *parts, "END:VCALENDAR", "")).encode()


def read(*parts: str, zone: str = "Europe/Berlin", start: float = MONDAY, end: float = MONDAY + WEEK) -> FeedAnswer:
    """Return what is read of a calendar that holds these parts, in the week from Monday, 30 November 2026 (UTC)."""
    return read_feed(FeedJob(feed(*parts), start, end, zone))


def hours(answer: FeedAnswer) -> list[tuple[float, float]]:
    """Return the busy times of ``answer`` in hours since Monday (UTC)."""
    return [((start - MONDAY) / HOUR, (end - MONDAY) / HOUR) for start, end in answer.times.entries]
