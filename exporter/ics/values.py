"""What goes into the process that reads feeds and what comes out of it. No word of an entry has a place in an answer."""

from __future__ import annotations

from enum import StrEnum

import msgspec

from exporter.calendar_busy import Period


class Fault(StrEnum):
    """Why a feed cannot be read at all."""

    EMPTY = "empty"  # no byte but white space
    HTML = "html"  # a web page: to sign in, or about an error
    NOT_A_CALENDAR = "not_a_calendar"
    TRUNCATED = "truncated"  # it begins as a calendar and does not end as one
    TOO_MANY = "too_many"  # more entries than limits.FEED_ENTRIES
    BUG = "bug"  # ours; `detail` says where

    __hash__ = str.__hash__  # an enum's own is a call of Python each time


class FeedJob(msgspec.Struct, frozen=True, gc=False):
    """A feed to read: its bytes, the range in Unix seconds, the zone (IANA) of times that name none, how long it may take."""

    body: bytes
    start: float
    end: float
    zone: str
    cpu_seconds: int = 10


class FeedTimes(msgspec.Struct, frozen=True, gc=False):
    """When the entries of a feed are that touch the range, each list ascending.

    ``entries`` are busy, ``free`` are marked as free, ``whole_days`` are busy and name days instead of times. ``malformed``
    counts entries that nobody can read.
    """

    entries: tuple[Period, ...] = ()
    free: tuple[Period, ...] = ()
    whole_days: tuple[Period, ...] = ()
    malformed: int = 0


class FeedAnswer(msgspec.Struct, frozen=True, gc=False):
    """What became of a feed: ``times``, or a ``fault``."""

    times: FeedTimes = FeedTimes()
    fault: Fault | None = None
    detail: str = ""
