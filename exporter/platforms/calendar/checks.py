"""What is wrong between the fields of a calendar that may each be right, and what is allowed but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.fields.kinds import FieldProblem
from exporter.platforms.calendar.ics_address import EXTRA
from exporter.platforms.calendar.settings import CalendarTarget
from exporter.support.extras import reads_feeds
from exporter.support.yaml_source import Path

_OFTEN_SECONDS: Final = 60.0


def problems(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield what is wrong between fields of a raw target, however broken the rest of it is."""
    written = [key for key in ("caldav", "ics_url") if target.get(key) is not None]
    if not written:
        fix = "add caldav with url, username and password, or ics_url with the secret address of a feed"
        yield FieldProblem(path, "has no calendar", fix)
    if len(written) > 1:
        yield FieldProblem((*path, "ics_url"), "is a second calendar beside caldav", "write a target of its own for each")
    if "ics_url" in written and not reads_feeds():
        yield FieldProblem((*path, "ics_url"), "needs what reads feeds, which is not installed", f"run: {EXTRA}")


def warnings(target: CalendarTarget, path: Path) -> Iterator[FieldProblem]:
    """Yield what is allowed and probably not meant."""
    busy = target.collectors.busy
    if busy is not None and busy.interval < _OFTEN_SECONDS:
        message = "asks somebody else's server for a whole week more often than once a minute"
        yield FieldProblem((*path, "collectors", "busy", "interval"), message, "5m, as by default")
