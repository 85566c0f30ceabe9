"""What is wrong between the fields of a calendar that may each be right, and what is allowed but hardly meant."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.fields.kinds import FieldProblem
from exporter.platforms.calendar.settings import CalendarTarget
from exporter.support.yaml_source import Path

_OFTEN_SECONDS: Final = 60.0


def problems(target: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    """Yield what is wrong between fields of a raw target, however broken the rest of it is."""
    if target.get("caldav") is None:
        yield FieldProblem(path, "has no calendar", "add caldav with url, username and password")


def warnings(target: CalendarTarget, path: Path) -> Iterator[FieldProblem]:
    """Yield what is allowed and probably not meant."""
    busy = target.collectors.busy
    if busy is not None and busy.interval < _OFTEN_SECONDS:
        message = "asks somebody else's server for a whole week more often than once a minute"
        yield FieldProblem((*path, "collectors", "busy", "interval"), message, "5m, as by default")
