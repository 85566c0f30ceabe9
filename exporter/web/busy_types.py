"""The types of ``/api/v1/status`` about an owner's own calendar; see :mod:`exporter.web.status_types`."""

from __future__ import annotations

import msgspec

from exporter.web.moments import Moment


class BusyWindow(msgspec.Struct, frozen=True, kw_only=True):
    """For how many seconds of a ``window`` the owner is busy; times that overlap count once, whole days not at all."""

    window: str
    start: Moment
    end: Moment
    busy_seconds: float


class Busy(msgspec.Struct, frozen=True, kw_only=True):
    """When the owner of a calendar is busy, in sums: the times themselves are shown nowhere.

    ``whole_days`` are the days of all-day entries, which prove no booking. ``by_entries`` says that each entry is read by
    itself; else the server tells only when somebody is busy.
    """

    at: Moment
    windows: tuple[BusyWindow, ...]
    whole_days: int
    by_entries: bool
