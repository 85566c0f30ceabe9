"""Events of the staff's calendar: JSON in, what a copy of a booking says out (bitrix24.md 17.2).

An event holds the client's name, notes, places and the ids of people: of all that there is no field here. What is kept are
two times, and what three words and the rule of repetition say.
"""

from __future__ import annotations

from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24.answers import Number, Reply, digits
from exporter.platforms.decoding import MAX_MOMENT
from exporter.support.json_text import decoded

_NO_EVENT: Final = frozenset({b"null", b"false", b"[]"})
_NO_RULE: Final = frozenset({b'""', *_NO_EVENT, b"{}"})
_FEW_BYTES: Final = 16
_OF_BOOKINGS: Final = "booking"


class _Event(Struct):
    DATE_FROM_TS_UTC: Number = None
    DATE_TO_TS_UTC: Number = None
    DT_SKIP_TIME: Any = None
    DELETED: Any = None
    MEETING_STATUS: Any = None
    EVENT_TYPE: Any = None
    RRULE: Raw | UnsetType = UNSET


class EventCopy(msgspec.Struct, frozen=True):
    """What the copy of a booking says: from ``start`` to ``end`` (Unix seconds), whether it is deleted, or declined.

    ``is_comparable`` tells an event that the portal made for a single booking from any other: one of another type, one of whole
    days, one that repeats.
    """

    start: float
    end: float
    is_deleted: bool
    is_declined: bool
    is_comparable: bool


def event_copy(reply: Reply) -> EventCopy | None:
    """Read ``calendar.event.getbyid``; ``None`` when there is no such event, or none that we may see.

    Raises :class:`~exporter.errors.InvalidResponseError` for any other shape.
    """
    if _is_one_of(reply.result, _NO_EVENT):
        return None
    found = decoded(reply.result, _Event) or _Event()
    try:
        start, end = _moment(found.DATE_FROM_TS_UTC), _moment(found.DATE_TO_TS_UTC)
    except (ValueError, OverflowError):
        raise InvalidResponseError("an event of the calendar has no readable times") from None
    repeats = found.RRULE is not UNSET and not _is_one_of(found.RRULE, _NO_RULE)
    return EventCopy(
        start,
        end,
        is_deleted=found.DELETED == "Y",
        is_declined=found.MEETING_STATUS == "N",
        is_comparable=found.EVENT_TYPE == _OF_BOOKINGS and found.DT_SKIP_TIME != "Y" and not repeats,
    )


def _is_one_of(raw: Raw, texts: frozenset[bytes]) -> bool:
    content = memoryview(raw)
    return content.nbytes <= _FEW_BYTES and bytes(content).strip() in texts


def _moment(value: Number) -> float:
    if value is None:
        raise ValueError("no moment")
    moment = float(digits(value))
    if not 0 <= moment < MAX_MOMENT:
        raise ValueError("not Unix seconds")
    return moment
