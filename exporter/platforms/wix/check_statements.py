"""What the checks that no status field gives take for granted of Wix: statements of docs/platforms/wix.md, as the others."""

from __future__ import annotations

from typing import Final

from exporter.platforms.conformance import Judgement, Statement, Transcript, UnseenError, at, judged, kind
from exporter.platforms.decoding import whole_number
from exporter.platforms.judging import LISTS, TEXTS, each, has, unique
from exporter.platforms.wix.statements import code

_MAX_DIGITS: Final = 7
_CALENDARS: Final = ("calendars",)
_MEANT: Final = ("NOT_SUPPORTED_BY_PROVIDER", "CONNECTION_NOT_CONNECTED")
_PRECONDITION: Final = 428


def _marks_within_count(transcript: Transcript) -> Judgement:
    marked, counted = (
        whole_number(at(transcript.answer(question), "count"), max_digits=_MAX_DIGITS) for question in ("marks", "count")
    )
    if marked is None or counted is None:
        raise UnseenError("there is no count")
    return judged(marked <= counted, "marked {}, counted {}", marked, counted)


def _mark_filter_allowed(transcript: Transcript) -> Judgement:
    found = transcript.outcome("marks")
    if found.answered:
        return judged(True, "HTTP {}", found.status or 0)  # noqa: FBT003  the verdict
    if not transcript.outcome("count").answered:
        raise UnseenError("a count without the filter is refused as well")
    return judged(False, "HTTP {}, {}", found.status or 0, code(found))  # noqa: FBT003  the verdict


def _calendars_refused_as_documented(transcript: Transcript) -> Judgement:
    found = transcript.outcome("calendars")
    if found.status != _PRECONDITION:
        raise UnseenError("no connection was refused")
    given = kind(at(found.body, "details", "applicationError", "code"))
    return judged(code(found) in _MEANT, "HTTP {}, {}: {}", found.status or 0, given, code(found))


CHECK_SECTIONS: Final = {"W-MARK": "6.2", "W-CAL": "4.1"}

CHECK_STATEMENTS: Final = (
    Statement("W-MARK-01", "A count may be filtered by `doubleBooked`.", _mark_filter_allowed),
    Statement("W-MARK-02", "No more bookings are marked as double-booked than there are.", _marks_within_count),
    Statement("W-CAL-01", "ListCalendars answers with the list `calendars`.", has("calendars", _CALENDARS, LISTS)),
    Statement("W-CAL-02", "Each calendar has `id`, a text.", each("calendars", _CALENDARS, ("id",), TEXTS)),
    Statement("W-CAL-03", "No calendar id occurs twice.", unique("calendars", _CALENDARS, ("id",))),
    Statement(
        "W-CAL-04",
        "ListCalendars refuses a connection with HTTP 428 and a code of section 4.1.",
        _calendars_refused_as_documented,
    ),
)
