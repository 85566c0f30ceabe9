"""What we take for granted of Bitrix24: the statements of docs/platforms/bitrix24.md that a portal can be asked about."""

from __future__ import annotations

import contextlib
from typing import Final, TypeGuard

from exporter.platforms.bitrix24.api_errors import BOOKING_NOT_FOUND, METHOD_NOT_FOUND, NOT_IN_BATCH, RULES
from exporter.platforms.conformance import (
    MISSING,
    Exchange,
    Judge,
    Judgement,
    Statement,
    Transcript,
    UnseenError,
    Word,
    at,
    judged,
    kind,
    known,
)
from exporter.platforms.decoding import MAX_MOMENT
from exporter.platforms.judging import (
    LISTS,
    TEXTS,
    all_json,
    allowed,
    each,
    each_word,
    has,
    no_limit_headers,
    rows,
    unique,
)

PAGE_ROWS: Final = 50
NOBODYS_ID: Final = 2_147_483_647
"""The largest id that a column of the usual size has; no booking is going to get it."""
LISTED: Final = "listed"
MISSED: Final = "missed"
"""The keys of the two commands of the batch."""

_BOOKINGS: Final = ("result", "booking")
_LINKS: Final = ("result", "externalData")
_RESOURCES: Final = ("result", "resource")
_FROM: Final = ("datePeriod", "from", "timestamp")
_TO: Final = ("datePeriod", "to", "timestamp")
_NUMBER: Final = frozenset({"whole number"})
_ID: Final = frozenset({"whole number", "digits in text"})
_TEXTS_OR_EMPTY: Final = TEXTS | {"empty text"}
_MODULES: Final = ("crm", "catalog", "calendar")
_TYPES: Final = ("DEAL", "SKU", "EVENT")
_OK: Final = 200
_RESET_SECONDS: Final = 600
_NO_CODE: Final = Word("no code")


def code(found: Exchange) -> Word:
    """Return the code of a refusal, if it is one that we know."""
    given = at(found.body, "error")
    return known(given, RULES) if isinstance(given, str | int) and given != "" else _NO_CODE


def number(value: object) -> int | None:
    """Return a whole number, also one that comes as text."""
    if isinstance(value, str):
        return int(value) if kind(value) == "digits in text" else None
    return value if isinstance(value, int) and not isinstance(value, bool) else None


def calendar_event(links: object) -> int | None:
    """Return the event that a booking's ``links`` name as its copy in the staff's calendar, if they name one."""
    for link in links if isinstance(links, list) else []:
        if (at(link, "moduleId"), at(link, "entityTypeId")) == ("calendar", "EVENT"):
            return number(at(link, "value"))
    return None


def _ids(transcript: Transcript, question: str) -> list[int | None]:
    found = at(transcript.answer(question), *_BOOKINGS)
    if not isinstance(found, list):
        raise UnseenError("there is no such list")
    return [number(at(row, "id")) for row in found]


def _ends(transcript: Transcript) -> Judgement:
    both = [(number(at(row, *_FROM)), number(at(row, *_TO))) for row in rows(transcript, "list", *_BOOKINGS)]
    good = sum(start is not None and end is not None and start <= end for start, end in both)
    return judged(good == len(both), "{} of {} bookings", good, len(both))


def _page_size(transcript: Transcript) -> Judgement:
    found = len(rows(transcript, "list", *_BOOKINGS))
    return judged(found <= PAGE_ROWS, "{} rows", found)


def _no_total(transcript: Transcript) -> Judgement:
    found = at(transcript.answer("list"), "total")
    return judged(number(found) == 0, "{}", Word("0") if number(found) == 0 else kind(found))


def _no_next(transcript: Transcript) -> Judgement:
    found = [kind(at(transcript.answer(question), "next")) for question in ("list", "list_next")]
    return judged(found == ["missing", "missing"], "{}, then {}", *found)


def _ascending(transcript: Transcript) -> Judgement:
    found = [one for one in _ids(transcript, "list") if one is not None]
    if not found:
        raise UnseenError("the list is empty")
    return judged(found == sorted(found), "{} bookings", len(found))


def _next_page(transcript: Transcript) -> Judgement:
    first, second = _ids(transcript, "list"), _ids(transcript, "list_next")
    if len(first) < PAGE_ROWS:
        raise UnseenError("there are only {} bookings", len(first))
    old = len(set(first) & set(second))
    return judged(not old, "{} rows, {} of them seen before", len(second), old)


def _short_page(transcript: Transcript) -> Judgement:
    first, second = _ids(transcript, "list"), _ids(transcript, "list_next")
    if len(first) >= PAGE_ROWS:
        raise UnseenError("there are more than {} bookings", PAGE_ROWS - 1)
    return judged(not second, "{} rows behind a page of {}", len(second), len(first))


def _nothing(transcript: Transcript) -> Judgement:
    found = kind(at(transcript.answer("list_none"), *_BOOKINGS))
    return judged(found == "empty list", "{}", found)


def _resources_booked(transcript: Transcript) -> Judgement:
    found = [at(row, "resourceIds") for row in rows(transcript, "list", *_BOOKINGS)]
    good = sum(one is None or (isinstance(one, list) and all(kind(each_one) in _ID for each_one in one)) for one in found)
    return judged(good == len(found), "{} of {} bookings", good, len(found))


def _selects(question: str, *, expected: bool) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        there = transcript.fact("booking") in _ids(transcript, question)
        return judged(there == expected, "{}", Word("selected") if there else Word("left out"))

    return judge


def _time(name: str) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        found = kind(at(transcript.answer("list"), "time", name))
        if found == "missing":
            raise UnseenError("the portal does not tell it")
        return judged(found in {"whole number", "number"}, "{}", found)

    return judge


def _reset(transcript: Transcript) -> Judgement:
    reset, finish = (at(transcript.answer("list"), "time", name) for name in ("operating_reset_at", "finish"))
    if not _is_moment(reset) or not _is_moment(finish):
        raise UnseenError("the portal does not tell it")
    good = -1 <= round(reset - finish) <= _RESET_SECONDS
    return judged(good, "{}", Word("within 600 s" if good else "not within 600 s"))


def _is_moment(value: object) -> TypeGuard[float]:
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 < value < MAX_MOMENT


def _get(transcript: Transcript) -> Judgement:
    found = at(transcript.answer("get"), *_BOOKINGS)
    same = number(at(found, "id")) == transcript.fact("booking")
    return judged(same and kind(at(found, *_FROM)) == "whole number", "{} with {}", kind(found), kind(at(found, *_FROM)))


def _refused(question: str, *codes: str) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        found = transcript.refusal(question)
        return judged(code(found).lower() in codes, "HTTP {}, {}", found.status or 0, code(found))

    return judge


def _status(question: str, status: int) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        found = transcript.refusal(question)
        return judged(found.status == status, "HTTP {}, {}", found.status or 0, code(found))

    return judge


def _refusal(transcript: Transcript) -> Exchange:
    for question in ("links_none", "get_none", "no_method"):
        with contextlib.suppress(UnseenError):
            found = transcript.refusal(question)
            if at(found.body, "error") is not MISSING:
                return found
    raise UnseenError("nothing was refused")


def _error_shape(transcript: Transcript) -> Judgement:
    body = _refusal(transcript).body
    error, description = kind(at(body, "error")), kind(at(body, "error_description"))
    good = error in _ID | _TEXTS_OR_EMPTY and description in _TEXTS_OR_EMPTY
    return judged(good, "error: {}, error_description: {}", error, description)


def _event(*path: str, kinds: frozenset[str] | set[str]) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        found = kind(at(transcript.answer("event"), "result", *path))
        return judged(found in kinds, "{}", found)

    return judge


def _event_type(transcript: Transcript) -> Judgement:
    found = known(at(transcript.answer("event"), "result", "EVENT_TYPE"), ("booking",))
    return judged(found == "booking", "{}", found)


def _no_event(transcript: Transcript) -> Judgement:
    found = kind(at(transcript.answer("event_none"), "result"))
    return judged(found == "null", "{}", found)


def _section(name: str, key: str, *path: str, kinds: frozenset[str] | set[str]) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        found = kind(at(transcript.answer("batch"), "result", name, key, *path))
        return judged(found in kinds, "{}", found)

    return judge


def _missed(transcript: Transcript) -> Judgement:
    failed = at(transcript.answer("batch"), "result", "result_error", MISSED)
    error, found = kind(at(failed, "error")), code(Exchange(body=failed))
    return judged(found == BOOKING_NOT_FOUND, "{}: {}", error, found)


def _batchable(transcript: Transcript) -> Judgement:
    errors = at(transcript.answer("batch"), "result", "result_error")
    found = [code(Exchange(body=one)) for one in errors.values()] if isinstance(errors, dict) else []
    refused = sum(one.lower() == NOT_IN_BATCH for one in found)
    return judged(not refused, "{} commands are refused in a batch", refused)


def _types(*field: str) -> Judge:
    """Judge the rows of resource types, whatever the list is called: the source and the reference differ."""

    def judge(transcript: Transcript) -> Judgement:
        result = at(transcript.answer("types"), "result")
        name = next((name for name in ("resourceType", "resource") if isinstance(at(result, name), list)), "")
        if not field:
            return judged(bool(name), "{}", Word(name or "neither"))
        return each("types", ("result", name), field, _ID if field == ("id",) else TEXTS)(transcript)

    return judge


SECTIONS: Final = {
    "B-AUTH": "9",
    "B-HTTP": "1",
    "B-LIST": "2.4",
    "B-PAGE": "4.2",
    "B-FILTER": "2.2",
    "B-TIME": "7",
    "B-GET": "3.1",
    "B-LINK": "3",
    "B-EVENT": "17.2",
    "B-BATCH": "5.2",
    "B-RESOURCE": "3.1",
    "B-TYPE": "3.1",
    "B-ERROR": "8.1",
}

STATEMENTS: Final = (
    Statement("B-AUTH-01", "An incoming webhook with the scope `booking` may list bookings.", allowed("list", "webhook", code)),
    Statement("B-AUTH-02", "An application's token in the body's `auth` may list bookings.", allowed("list", "oauth", code)),
    Statement("B-HTTP-01", "A successful answer is JSON with the content type `application/json`.", all_json),
    Statement("B-HTTP-02", "A successful answer has no header about a rate limit.", no_limit_headers),
    Statement("B-LIST-01", "`booking.v1.booking.list` answers with the list `result.booking`.", has("list", _BOOKINGS, LISTS)),
    Statement("B-LIST-02", "Each booking has `id`, a whole number.", each("list", _BOOKINGS, ("id",), _NUMBER)),
    Statement("B-LIST-03", "No booking id occurs twice.", unique("list", _BOOKINGS, ("id",))),
    Statement(
        "B-LIST-04", "Each booking has `datePeriod.from.timestamp`, a whole number.", each("list", _BOOKINGS, _FROM, _NUMBER)
    ),
    Statement("B-LIST-05", "Each booking has `datePeriod.to.timestamp`, not before its start.", _ends),
    Statement("B-LIST-06", "`resourceIds` of a booking is a list of ids, or null.", _resources_booked),
    Statement("B-LIST-07", "With `order: {id: ASC}` the ids ascend.", _ascending),
    Statement("B-LIST-08", "Without bookings, the list is empty.", _nothing),
    Statement("B-PAGE-01", "A page has 50 rows at most.", _page_size),
    Statement("B-PAGE-02", "`total` is there, and always 0.", _no_total),
    Statement("B-PAGE-03", "`next` is never there.", _no_next),
    Statement("B-PAGE-04", "After a page of 50 rows, `start: 50` returns other rows.", _next_page),
    Statement("B-PAGE-05", "After a page of fewer than 50 rows there are no more rows.", _short_page),
    Statement("B-FILTER-01", "`within` selects a booking that starts at `dateFrom`.", _selects("at_start", expected=True)),
    Statement(
        "B-FILTER-02", "`within` leaves out a booking that starts at `dateTo`.", _selects("before_start", expected=False)
    ),
    Statement("B-TIME-01", "`time.operating` is a number if present.", _time("operating")),
    Statement("B-TIME-02", "`time.operating_reset_at` lies within the ten minutes after `time.finish`.", _reset),
    Statement("B-GET-01", "`booking.v1.booking.get` answers with `result.booking`, the booking that was asked for.", _get),
    Statement(
        "B-GET-02",
        "`booking.v1.booking.get` refuses with 1021 when there is no such booking.",
        _refused("get_none", BOOKING_NOT_FOUND),
    ),
    Statement(
        "B-LINK-01",
        "`booking.v1.booking.externalData.list` answers with the list `result.externalData`.",
        has("links", _LINKS, LISTS),
    ),
    Statement(
        "B-LINK-02", "`moduleId` of a link is a value of section 3.", each_word("links", _LINKS, ("moduleId",), _MODULES)
    ),
    Statement(
        "B-LINK-03", "`entityTypeId` of a link is a value of section 3.", each_word("links", _LINKS, ("entityTypeId",), _TYPES)
    ),
    Statement(
        "B-LINK-04",
        "`booking.v1.booking.externalData.list` refuses with 1021 when there is no such booking.",
        _refused("links_none", BOOKING_NOT_FOUND),
    ),
    Statement("B-EVENT-01", "`calendar.event.getbyid` answers with an event in `result`.", _event(kinds={"object"})),
    Statement(
        "B-EVENT-02", "`DATE_FROM_TS_UTC` of an event is digits in text.", _event("DATE_FROM_TS_UTC", kinds={"digits in text"})
    ),
    Statement(
        "B-EVENT-03", "`DATE_TO_TS_UTC` of an event is digits in text.", _event("DATE_TO_TS_UTC", kinds={"digits in text"})
    ),
    Statement("B-EVENT-04", "`EVENT_TYPE` of the copy of a booking is `booking`.", _event_type),
    Statement("B-EVENT-05", "`calendar.event.getbyid` answers null when there is no such event.", _no_event),
    Statement("B-BATCH-01", "A batch answers HTTP 200 although a command failed.", _status("batch", _OK)),
    Statement(
        "B-BATCH-02",
        "Results of commands are in `result.result`, under the key of the request.",
        _section("result", LISTED, "booking", kinds=LISTS),
    ),
    Statement(
        "B-BATCH-03", "Errors of commands are in `result.result_error`, under the key of the request, with their code.", _missed
    ),
    Statement(
        "B-BATCH-04",
        "`result.result_time` has the times of the commands that succeeded.",
        _section("result_time", LISTED, kinds={"object"}),
    ),
    Statement("B-BATCH-05", "Booking methods may run in a batch.", _batchable),
    Statement(
        "B-RESOURCE-01",
        "`booking.v1.resource.list` answers with the list `result.resource`.",
        has("resources", _RESOURCES, LISTS),
    ),
    Statement("B-RESOURCE-02", "Each resource has `id`, a whole number.", each("resources", _RESOURCES, ("id",), _NUMBER)),
    Statement("B-RESOURCE-03", "Each resource has `name`, a text.", each("resources", _RESOURCES, ("name",), TEXTS)),
    Statement("B-RESOURCE-04", "Each resource has `typeId`, an id.", each("resources", _RESOURCES, ("typeId",), _ID)),
    Statement(
        "B-TYPE-01", "`booking.v1.resourceType.list` answers with `result.resourceType`, or `result.resource`.", _types()
    ),
    Statement("B-TYPE-02", "Each type has `id`, an id.", _types("id")),
    Statement("B-TYPE-03", "Each type has `name`, a text.", _types("name")),
    Statement("B-ERROR-01", "A refusal has `error`, a word or a number, and `error_description`, a text.", _error_shape),
    Statement(
        "B-ERROR-02",
        "A method that does not exist is refused with ERROR_METHOD_NOT_FOUND.",
        _refused("no_method", METHOD_NOT_FOUND),
    ),
)
