"""Owners' own calendars: when they say that they are busy (docs/platforms/calendar.md)."""

from typing import Final

from exporter.platforms.base import Platform, Section
from exporter.platforms.calendar import checks, settings
from exporter.platforms.calendar.advice import ADVICE
from exporter.platforms.calendar.session import open_session

__all__ = ["CALENDAR", "open_session"]

CALENDAR: Final = Platform(
    name="calendar",
    settings=settings.CalendarTarget,
    advice=ADVICE,
    open_session=open_session,
    problems=checks.problems,
    warnings=checks.warnings,
    reference=(
        Section("Calendar target", settings.CalendarTarget, "`targets[]` with `platform: calendar`"),
        Section("Calendar `caldav`", settings.CalDav, "`caldav` of a calendar target"),
        Section("Calendar collector `busy`", settings.BusySettings, "`collectors.busy` of a calendar target"),
    ),
    misnomers={
        "url": "write caldav: {url: …, username: …, password: …}",
        "username": "write it into caldav",
        "user": "write username into caldav",
        "password": "write it into caldav",
        "calendar_url": "write url into caldav",
    },
)
