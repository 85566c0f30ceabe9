"""What we take for granted of Wix: the statements of docs/platforms/wix.md that an account can be asked about."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from exporter.model import ConnectionStatus, ErrorReason
from exporter.platforms.conformance import (
    ANOTHER_CREDENTIAL,
    TOKEN,
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
from exporter.platforms.decoding import whole_number
from exporter.platforms.judging import (
    DATES,
    FLAG,
    LISTS,
    TEXTS,
    Path,
    all_json,
    allowed,
    each,
    each_word,
    has,
    lacks,
    no_limit_headers,
    rows,
    unique,
)
from exporter.platforms.wix.booking_rows import moment
from exporter.platforms.wix.connection_rows import CALENDAR_TYPES

STATUSES_ASKED: Final = ("CONFIRMED", "PENDING")
PAGE_ROWS: Final = 100

_CODES: Final = (
    *("INVALID_FILTER", "UNAUTHORIZED", "PREMIUM_FEATURE_NOT_ENABLED", "FUNCTION_REMOVED", "UNAUTHORIZED_OPERATION"),
    *("REQUIRED_APP_NOT_INSTALLED", "WIX_EVENTS_APP_NOT_INSTALLED", "BOOKINGS_APP_NOT_INSTALLED", "INVALID_ARGUMENT"),
    *("CONNECTION_NOT_CONNECTED", "NOT_SUPPORTED_BY_PROVIDER", "PERMISSION_DENIED", "NOT_FOUND"),
)
_NO_CODE: Final = Word("no code")
_CONNECTION_STATUSES: Final = [status.name for status in ConnectionStatus if status is not ConnectionStatus.UNKNOWN]
_ERROR_REASONS: Final = [reason.name for reason in ErrorReason if reason is not ErrorReason.UNKNOWN]
_BOOKING_STATUSES: Final = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST", "PENDING_ECOM_CHECKOUT")
_SERVICE_TYPES: Final = ("APPOINTMENT", "CLASS", "COURSE")
_BAD_REQUEST: Final = 400
_MAX_DIGITS: Final = 7
"""Of a number of bookings that is printed: more might be something else, such as a telephone number."""

_CONNECTIONS: Final = ("connections",)
_PROVIDERS: Final = ("providers",)
_BOOKINGS: Final = ("extendedBookings",)
_PAGING: Final = ("pagingMetadata",)
_CURSOR: Final = (*_PAGING, "cursors", "next")
_GUID: Final = frozenset({"GUID"})
_SLOT: Final = ("booking", "bookedEntity", "slot")


def code(found: Exchange) -> Word:
    """Return the code of a refusal, if it is one that we know."""
    given = at(found.body, "details", "applicationError", "code")
    return known(given, _CODES) if isinstance(given, str) else _NO_CODE


def start_of(row: object) -> float | None:
    """Return when a booking of the query starts, in Unix seconds."""
    return moment(at(row, "booking", "startDate"))


def starts(listed_rows: Any) -> list[float]:  # noqa: ANN401  whatever JSON holds
    """Return the starts of the bookings that have one.

    The starts are Unix seconds.
    """
    return [start for row in listed_rows if (start := start_of(row)) is not None]


def _failed_providers_named(transcript: Transcript) -> Judgement:
    failed = at(transcript.answer("connections"), "failedProviderIds")
    if not isinstance(failed, list) or not failed:
        raise UnseenError("no provider failed")
    ids = {str(at(row, "id")).lower() for row in rows(transcript, "providers", *_PROVIDERS)}
    hits = sum(str(one).lower() in ids for one in failed)
    return judged(hits == len(failed), "{} of {} failed ones are listed", hits, len(failed))


def _failed_providers_missing(transcript: Transcript) -> Judgement:
    failed = at(transcript.answer("connections"), "failedProviderIds")
    if not isinstance(failed, list) or not failed:
        raise UnseenError("no provider failed")
    ids = {str(one).lower() for one in failed}
    left = sum(str(at(row, "providerId")).lower() in ids for row in rows(transcript, "connections", *_CONNECTIONS))
    return judged(not left, "{} connections of a failed provider are listed", left)


def _failed_ids(transcript: Transcript) -> Judgement:
    failed = at(transcript.answer("connections"), "failedProviderIds")
    found = kind(failed)
    if not isinstance(failed, list):
        return judged(found in {"missing", "null"}, "{}", found)
    return judged(all(kind(one) == "GUID" for one in failed), "{} ids", len(failed))


def _providers_of_connections(transcript: Transcript) -> Judgement:
    ids = {str(at(row, "id")).lower() for row in rows(transcript, "providers", *_PROVIDERS)}
    linked = rows(transcript, "connections", *_CONNECTIONS)
    hits = sum(str(at(row, "providerId")).lower() in ids for row in linked)
    return judged(hits == len(linked), "{} of {} connections", hits, len(linked))


def _count_is_rows(transcript: Transcript) -> Judgement:
    question, expected = transcript.fact("part")
    counted = at(transcript.answer(question), "count")
    return judged(_number(counted) == expected, "counted {}, read {}", _number(counted), expected)


def _bound(question: str, fact: str) -> Judge:
    def judge(transcript: Transcript) -> Judgement:
        expected = transcript.fact(fact)
        counted = _number(at(transcript.answer(question), "count"))
        return judged(counted == expected, "counted {}, expected {}", counted, expected)

    return judge


def _number(value: object) -> int:
    found = whole_number(value, max_digits=_MAX_DIGITS)
    if found is None:
        raise UnseenError("there is no count")
    return found


def _within(transcript: Transcript) -> Judgement:
    low, high = transcript.fact("period")
    found = starts(rows(transcript, "rows", *_BOOKINGS))
    if not found:
        raise UnseenError("no booking has a start")
    hits = sum(low <= start < high for start in found)
    return judged(hits == len(found), "{} of {} bookings", hits, len(found))


def _sorted(transcript: Transcript) -> Judgement:
    found = starts(rows(transcript, "rows", *_BOOKINGS))
    return judged(found == sorted(found), "{} bookings", len(found))


def _ends(transcript: Transcript) -> Judgement:
    both = [(start_of(row), moment(at(row, "booking", "endDate"))) for row in rows(transcript, "rows", *_BOOKINGS)]
    good = sum(start is not None and end is not None and start <= end for start, end in both)
    return judged(good == len(both), "{} of {} bookings", good, len(both))


def _page_size(transcript: Transcript) -> Judgement:
    first, whole = len(rows(transcript, "page_1", *_BOOKINGS)), len(rows(transcript, "rows", *_BOOKINGS))
    return judged(first == 1 and whole <= PAGE_ROWS, "asked for 1: {}, for {}: {}", first, PAGE_ROWS, whole)


def _more_than_one(transcript: Transcript) -> None:
    if len(rows(transcript, "rows", *_BOOKINGS)) < 2:  # noqa: PLR2004  a second page of one row
        raise UnseenError("there is only one booking")


def _cursor(transcript: Transcript) -> Judgement:
    _more_than_one(transcript)
    found = kind(at(transcript.answer("page_1"), *_CURSOR))
    return judged(found in TEXTS, "{}", found)


def _second_page(transcript: Transcript) -> Judgement:
    if not transcript.fact("cursor"):
        raise UnseenError("there was no cursor to go on with")
    found = transcript.outcome("page_2")
    if not found.answered:
        return judged(False, "HTTP {}, {}", found.status or 0, code(found))  # noqa: FBT003  the verdict
    first = {repr(at(row, "booking", "id")) for row in rows(transcript, "page_1", *_BOOKINGS)}
    second = at(transcript.answer("page_2"), *_BOOKINGS)
    new = sum(repr(at(row, "booking", "id")) not in first for row in second) if isinstance(second, list) else 0
    return judged(new == 1, "{} new bookings", new)


def _last_page(transcript: Transcript) -> Judgement:
    found = rows(transcript, "rows", *_BOOKINGS)
    answer = transcript.answer("rows")
    ended = kind(at(answer, *_CURSOR)) in {"missing", "null", "empty text"} or at(answer, *_PAGING, "hasNext") is False
    counted = _number(at(transcript.answer("count"), "count"))
    if counted > len(found):
        raise UnseenError("there are more than {} bookings", PAGE_ROWS)
    return judged(ended, "{}", Word("no further page") if ended else Word("a further page"))


def _two_operators(transcript: Transcript) -> Judgement:
    found = transcript.refusal("odd_filter")
    return judged(found.status == _BAD_REQUEST, "HTTP {}, {}", found.status or 0, code(found))


def _refusals(transcript: Transcript) -> Judgement:
    found = transcript.refusal("odd_filter")
    if found.answered:
        raise UnseenError("nothing was refused")
    message, details = kind(at(found.body, "message")), kind(at(found.body, "details"))
    good = message in {*TEXTS, "empty text"} and details in {"object", "empty object"}
    return judged(good, "message: {}, details: {}", message, details)


def _code_is_word(transcript: Transcript) -> Judgement:
    found = transcript.refusal("odd_filter")
    if found.answered:
        raise UnseenError("nothing was refused")
    given = kind(at(found.body, "details", "applicationError", "code"))
    return judged(given == "text", "{}: {}", given, code(found))


def _request_ids(transcript: Transcript) -> Judgement:
    found = [one for name, one in transcript.exchanges.items() if one.status is not None and name != TOKEN]
    if not any(one.answered for one in found):
        raise UnseenError("nothing was answered")
    hits = sum("x-wix-request-id" in one.headers for one in found)
    return judged(hits == len(found), "{} of {} answers", hits, len(found))


def _app(judge: Judge) -> Judge:
    def only(transcript: Transcript) -> Judgement:
        if transcript.sign_in != "app":
            raise UnseenError(ANOTHER_CREDENTIAL)
        return judge(transcript)

    return only


def _may(question: str) -> Callable[[str], Judge]:
    return lambda sign_in: allowed(question, sign_in, code)


def _connection(field: Path, kinds: frozenset[str], *, may_miss: bool = False) -> Judge:
    return each("connections", _CONNECTIONS, field, kinds, may_miss=may_miss)


def _booking(field: Path, kinds: frozenset[str], *, may_miss: bool = False) -> Judge:
    return each("rows", _BOOKINGS, field, kinds, may_miss=may_miss)


_IMPORT: Final = ("syncConfig", "listEventFromCalendars", "enabled")
_EXPORT: Final = ("syncConfig", "syncToCalendar", "enabled")
_KINDS_OF_SIGN_IN: Final = (("K", "An API key", "api_key"), ("A", "An app's token", "app"))
_CALLS: Final = (
    ("connections", "list calendar connections"),
    ("providers", "list calendar providers"),
    ("count", "count bookings"),
    ("rows", "query bookings"),
    ("schedules", "query schedules"),
    ("staff", "query staff members"),
    ("services", "query services"),
    ("calendars", "list the calendars of a connection"),
)

SECTIONS: Final = {
    "W-AUTH": "2.1",
    "W-TOKEN": "2.3",
    "W-HTTP": "9.1",
    "W-CONN": "3.2",
    "W-PROV": "4",
    "W-COUNT": "6.1",
    "W-FILTER": "6.2",
    "W-QUERY": "6.4",
    "W-PAGE": "6.4",
    "W-ERROR": "9.1",
    "W-LIST": "7",
}

STATEMENTS: Final = (
    *(
        Statement(f"W-AUTH-{letter}{number}", f"{who} may {what}.", _may(question)(sign_in))
        for letter, who, sign_in in _KINDS_OF_SIGN_IN
        for number, (question, what) in enumerate(_CALLS, 1)
    ),
    Statement("W-TOKEN-01", "The token answer has `access_token`, a text.", _app(has(TOKEN, ("access_token",), TEXTS))),
    Statement(
        "W-TOKEN-02",
        "The token answer has `expires_in`, a number.",
        _app(has(TOKEN, ("expires_in",), {"whole number", "number"})),
    ),
    Statement("W-HTTP-01", "A successful answer is JSON with the content type `application/json`.", all_json),
    Statement("W-HTTP-02", "Each answer has the header `x-wix-request-id`.", _request_ids),
    Statement("W-HTTP-03", "A successful answer has no header about a rate limit.", no_limit_headers),
    Statement("W-CONN-01", "ListConnections answers with the list `connections`.", has("connections", _CONNECTIONS, LISTS)),
    Statement("W-CONN-02", "Each connection has `id`, a text.", _connection(("id",), TEXTS)),
    Statement("W-CONN-03", "No connection id occurs twice.", unique("connections", _CONNECTIONS, ("id",))),
    Statement("W-CONN-04", "Each connection has `providerId`, a GUID.", _connection(("providerId",), _GUID)),
    Statement("W-CONN-05", "Each connection has `scheduleId`, a GUID.", _connection(("scheduleId",), _GUID)),
    Statement(
        "W-CONN-06",
        "`calendarType` of a connection is a value of section 3.3.",
        each_word("connections", _CONNECTIONS, ("calendarType",), CALENDAR_TYPES),
    ),
    Statement(
        "W-CONN-07",
        "`status` of a connection is a value of section 3.4.",
        each_word("connections", _CONNECTIONS, ("status",), _CONNECTION_STATUSES),
    ),
    Statement(
        "W-CONN-08",
        "In `ERROR`, `errorReason` is a value of section 3.5.",
        each_word(
            "connections", _CONNECTIONS, ("errorReason",), _ERROR_REASONS, where=lambda row: at(row, "status") == "ERROR"
        ),
    ),
    Statement(
        "W-CONN-09",
        "`syncConfig.listEventFromCalendars.enabled` is true or false if present.",
        _connection(_IMPORT, FLAG, may_miss=True),
    ),
    Statement(
        "W-CONN-10",
        "`syncConfig.syncToCalendar.enabled` is true or false if present.",
        _connection(_EXPORT, FLAG, may_miss=True),
    ),
    Statement("W-CONN-11", "ListConnections does not page.", lacks("connections", _PAGING)),
    Statement("W-CONN-12", "`failedProviderIds` is a list of GUIDs, or missing.", _failed_ids),
    Statement("W-CONN-13", "ListProviders names every failed provider.", _failed_providers_named),
    Statement("W-CONN-14", "The connections of a failed provider are missing from the list.", _failed_providers_missing),
    Statement("W-PROV-01", "ListProviders answers with the list `providers`.", has("providers", _PROVIDERS, LISTS)),
    Statement("W-PROV-02", "Each provider has `id`, a GUID.", each("providers", _PROVIDERS, ("id",), _GUID)),
    Statement(
        "W-PROV-03",
        "`calendarType` of a provider is a value of section 3.3.",
        each_word("providers", _PROVIDERS, ("calendarType",), CALENDAR_TYPES),
    ),
    Statement("W-PROV-04", "Each connection's provider is one that ListProviders names.", _providers_of_connections),
    Statement("W-COUNT-01", "Count answers with `count`, a whole number.", has("count", ("count",), {"whole number"})),
    Statement("W-COUNT-02", "Count and Query agree on the same filter.", _count_is_rows),
    Statement("W-FILTER-01", "`$gte` includes a booking that starts at the bound.", _bound("at_bound", "at_bound")),
    Statement("W-FILTER-02", "`$lt` leaves out a booking that starts at the bound.", _bound("before_bound", "before_bound")),
    Statement("W-FILTER-03", "Query returns bookings that start within the bounds, and no others.", _within),
    Statement(
        "W-FILTER-04",
        "Query returns bookings in one of the requested statuses, and no others.",
        each_word("rows", _BOOKINGS, ("booking", "status"), STATUSES_ASKED),
    ),
    Statement("W-FILTER-05", "Two operators for one field are refused with HTTP 400.", _two_operators),
    Statement("W-QUERY-01", "Query answers with the list `extendedBookings`.", has("rows", _BOOKINGS, LISTS)),
    Statement("W-QUERY-02", "Each row has `booking.id`, a text.", _booking(("booking", "id"), TEXTS)),
    Statement("W-QUERY-03", "No booking id occurs twice.", unique("rows", _BOOKINGS, ("booking", "id"))),
    Statement(
        "W-QUERY-04", "Each row has `booking.startDate` in UTC.", _booking(("booking", "startDate"), frozenset({"date in UTC"}))
    ),
    Statement("W-QUERY-05", "Each row has `booking.endDate`, not before its start.", _ends),
    Statement("W-QUERY-06", "Each row has `booking.createdDate`, a date.", _booking(("booking", "createdDate"), DATES)),
    Statement(
        "W-QUERY-07",
        "`booking.status` is a value of section 6.3.",
        each_word("rows", _BOOKINGS, ("booking", "status"), _BOOKING_STATUSES),
    ),
    Statement(
        "W-QUERY-08",
        "`slot.resource.id` is a text if present.",
        _booking((*_SLOT, "resource", "id"), TEXTS, may_miss=True),
    ),
    Statement("W-QUERY-09", "`slot.eventId` is a text if present.", _booking((*_SLOT, "eventId"), TEXTS, may_miss=True)),
    Statement("W-QUERY-10", "Rows are in the requested order.", _sorted),
    Statement("W-PAGE-01", "A page has the requested number of rows, 100 at most.", _page_size),
    Statement("W-PAGE-02", "A page that is not the last has `pagingMetadata.cursors.next`, a text.", _cursor),
    Statement("W-PAGE-03", "The cursor alone returns the next page.", _second_page),
    Statement("W-PAGE-04", "The last page has no cursor, or says `hasNext: false`.", _last_page),
    Statement("W-ERROR-01", "A refusal has `message`, a text, and `details`, an object.", _refusals),
    Statement("W-ERROR-02", "`details.applicationError.code` is a word.", _code_is_word),
    Statement("W-LIST-01", "Each schedule has `id`, a GUID.", each("schedules", ("schedules",), ("id",), _GUID)),
    Statement("W-LIST-02", "Each schedule has `name`, a text.", each("schedules", ("schedules",), ("name",), TEXTS)),
    Statement(
        "W-LIST-03", "Each staff member has `resourceId`, a GUID.", each("staff", ("staffMembers",), ("resourceId",), _GUID)
    ),
    Statement("W-LIST-04", "Each staff member has `name`, a text.", each("staff", ("staffMembers",), ("name",), TEXTS)),
    Statement(
        "W-LIST-05",
        "Each staff member has `resource.eventsSchedule.id`, a GUID.",
        each("staff", ("staffMembers",), ("resource", "eventsSchedule", "id"), _GUID),
    ),
    Statement("W-LIST-06", "Each service has `id`, a GUID.", each("services", ("services",), ("id",), _GUID)),
    Statement("W-LIST-07", "Each service has `name`, a text.", each("services", ("services",), ("name",), TEXTS)),
    Statement(
        "W-LIST-08",
        "`type` of a service is APPOINTMENT, CLASS or COURSE.",
        each_word("services", ("services",), ("type",), _SERVICE_TYPES),
    ),
    Statement("W-LIST-09", "`hidden` of a service is true or false.", each("services", ("services",), ("hidden",), FLAG)),
    Statement(
        "W-LIST-10", "Each service has `schedule.id`, a GUID.", each("services", ("services",), ("schedule", "id"), _GUID)
    ),
)
