"""How each statement of the fact sheets is made false: what becomes of an answer on its way, and what follows from it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.simulator.wix.providers import GOOGLE
from tests.harness.conformance import NOW, Change, Spoil, drop, put

NOBODY: Final = "00000000-0000-4000-8000-000000000000"
_JSON: Final[Mapping[str, str | None]] = {"content-type": "application/json"}
_LAST: Final = -1


@dataclass(frozen=True)
class False_:  # noqa: N801  `False` is taken
    """A statement made false: ``follows`` are others that cannot hold either, ``sign_in`` who has to ask."""

    spoils: tuple[Spoil, ...]
    sign_in: str
    follows: frozenset[str] = frozenset()


def _wix(question: str, *changes: Change, sign_in: str = "api_key", follows: tuple[str, ...] = (), **more: Any) -> False_:  # noqa: ANN401
    spoils = tuple(Spoil(question, change, **more) for change in changes) or (Spoil(question, **more),)
    return False_(spoils, sign_in, frozenset(follows))


def _b24(question: str, *changes: Change, sign_in: str = "webhook", follows: tuple[str, ...] = (), **more: Any) -> False_:  # noqa: ANN401
    return _wix(question, *changes, sign_in=sign_in, follows=follows, **more)


def _first_twice(*path: str) -> Change:
    """Give the second row of the list at ``path`` the id of the first."""

    def change(body: Any) -> Any:  # noqa: ANN401  JSON
        listed = _at(body, *path)
        first, second = (row.get("booking", row) for row in listed[:2])
        second["id"] = first["id"]
        return body

    return change


def _turned(*path: str) -> Change:
    """Let the first row of the list at ``path`` be the last."""

    def change(body: Any) -> Any:  # noqa: ANN401  JSON
        listed = _at(body, *path)
        listed.append(listed.pop(0))
        return body

    return change


def _at(body: Any, *path: str) -> Any:  # noqa: ANN401  JSON
    for step in path:
        body = body[step]
    return body


def _more_of_page_1(body: Any) -> Any:  # noqa: ANN401  JSON
    row = body["extendedBookings"][0]
    return {**body, "extendedBookings": [row, {"booking": {**row["booking"], "id": NOBODY}}]}


def _one_more(body: Any) -> Any:  # noqa: ANN401  JSON
    return {**body, "count": body["count"] + 1}


def _without_zone(body: Any) -> Any:  # noqa: ANN401  JSON
    booking = body["extendedBookings"][_LAST]["booking"]
    booking["startDate"] = booking["startDate"].removesuffix("Z")
    return body


def _in_years(body: Any) -> Any:  # noqa: ANN401  JSON
    booking = body["extendedBookings"][_LAST]["booking"]
    booking |= {"startDate": "2099-01-01T00:00:00Z", "endDate": "2099-01-01T01:00:00Z"}
    return body


def _goes_on(body: Any) -> Any:  # noqa: ANN401  JSON
    return {**body, "pagingMetadata": {"cursors": {"next": "more"}, "hasNext": True}}


def _broken_reason(body: Any) -> Any:  # noqa: ANN401  JSON
    body["connections"][0] |= {"status": "ERROR", "errorReason": "SOMETHING_NEW"}
    return body


def _fifty_one(body: Any) -> Any:  # noqa: ANN401  JSON
    rows = body["result"]["booking"]
    rows.append({**rows[_LAST], "id": 1_000_000})
    return body


def _ten(body: Any) -> Any:  # noqa: ANN401  JSON
    del body["result"]["booking"][10:]
    return body


def _all_of_page_one(body: Any) -> Any:  # noqa: ANN401  JSON
    body["result"]["booking"] = [{**row, "id": row["id"] - 50} for row in body["result"]["booking"]]
    return body


def _far_reset(body: Any) -> Any:  # noqa: ANN401  JSON
    body["time"] |= {"operating": 1.5, "operating_reset_at": body["time"]["finish"] + 5_000}
    return body


def _text_of_number(*path: str | int) -> Change:
    def change(body: Any) -> Any:  # noqa: ANN401  JSON
        *way, last = path
        place = body
        for step in way:
            place = place[step]
        place[last] = str(place[last])
        return body

    return change


def _renamed(body: Any) -> Any:  # noqa: ANN401  JSON
    body["result"] = {"kinds": body["result"]["resourceType"]}
    return body


def _found_again(body: Any) -> Any:  # noqa: ANN401  JSON
    body["result"]["booking"] = [{"id": 1, "datePeriod": {"from": {"timestamp": NOW}, "to": {"timestamp": NOW}}}]
    return body


_ROW: Final = ("extendedBookings", 0, "booking")
_B24_ROW: Final = ("result", "booking", 3)
_CALLS: Final = ("connections", "providers", "count", "rows", "schedules", "staff", "services", "calendars")
_DENIED: Final = b'{"message":"","details":{}}'

WIX: Final[Mapping[str, False_]] = {
    **{
        f"W-AUTH-{letter}{number}": _wix(question, status=403, content=_DENIED, headers=_JSON, sign_in=sign_in)
        for letter, sign_in in (("K", "api_key"), ("A", "app"))
        for number, question in enumerate(_CALLS, 1)
    },
    "W-TOKEN-01": _wix("token", drop("access_token"), sign_in="app"),
    "W-TOKEN-02": _wix("token", put("expires_in", value="soon"), sign_in="app"),
    "W-HTTP-01": _wix("providers", headers={"content-type": "text/html"}),
    "W-HTTP-02": _wix("providers", headers={"x-wix-request-id": None}),
    "W-HTTP-03": _wix("count", headers={"ratelimit-remaining": "7"}),
    "W-CONN-01": _wix("connections", put("connections", value={})),
    "W-CONN-02": _wix("connections", put("connections", 0, "id", value=5)),
    "W-CONN-03": _wix("connections", _first_twice("connections")),
    "W-CONN-04": _wix("connections", put("connections", 0, "providerId", value="google"), follows=("W-PROV-04",)),
    "W-CONN-05": _wix("connections", put("connections", 0, "scheduleId", value="chair 1")),
    "W-CONN-06": _wix("connections", put("connections", 0, "calendarType", value="SOMETHING_NEW")),
    "W-CONN-07": _wix("connections", put("connections", 0, "status", value="SOMETHING_NEW")),
    "W-CONN-08": _wix("connections", _broken_reason),
    "W-CONN-09": _wix("connections", put("connections", 0, "syncConfig", value={"listEventFromCalendars": {"enabled": "yes"}})),
    "W-CONN-10": _wix("connections", put("connections", 0, "syncConfig", value={"syncToCalendar": {"enabled": 1}})),
    "W-CONN-11": _wix("connections", put("pagingMetadata", value={"hasNext": True})),
    "W-CONN-12": _wix("connections", put("failedProviderIds", value=["google"]), follows=("W-CONN-13",)),
    "W-CONN-13": _wix("connections", put("failedProviderIds", value=[NOBODY])),
    "W-CONN-14": _wix("connections", put("failedProviderIds", value=[GOOGLE.id])),
    "W-PROV-01": _wix("providers", put("providers", value={})),
    "W-PROV-02": _wix("providers", put("providers", _LAST, "id", value="other")),
    "W-PROV-03": _wix("providers", put("providers", _LAST, "calendarType", value="SOMETHING_NEW")),
    "W-PROV-04": _wix("providers", drop("providers", 0)),
    "W-MARK-01": _wix("marks", status=400, content=_DENIED, headers=_JSON),
    "W-MARK-02": _wix("marks", put("count", value=99_999)),
    "W-CAL-01": _wix("calendars", put("calendars", value={})),
    "W-CAL-02": _wix("calendars", put("calendars", 0, "id", value=5)),
    "W-CAL-03": _wix("calendars", _first_twice("calendars")),
    "W-CAL-04": _wix("calendars", status=428, content=_DENIED, headers=_JSON),
    "W-COUNT-01": _wix("count", _text_of_number("count")),
    "W-COUNT-02": _wix("count", _one_more),
    "W-FILTER-01": _wix("at_bound", put("count", value=0)),
    "W-FILTER-02": _wix("before_bound", put("count", value=1)),
    "W-FILTER-03": _wix("rows", _in_years),
    "W-FILTER-04": _wix("rows", put(*_ROW, "status", value="CANCELED")),
    "W-FILTER-05": _wix("odd_filter", status=200, content=b'{"count":35}', headers=_JSON),
    "W-QUERY-01": _wix("rows", put("extendedBookings", value={})),
    "W-QUERY-02": _wix("rows", put(*_ROW, "id", value=5)),
    "W-QUERY-03": _wix("rows", _first_twice("extendedBookings")),
    "W-QUERY-04": _wix("rows", _without_zone),
    "W-QUERY-05": _wix("rows", put(*_ROW, "endDate", value="2001-01-01T00:00:00Z")),
    "W-QUERY-06": _wix("rows", put(*_ROW, "createdDate", value="yesterday")),
    "W-QUERY-07": _wix("rows", put(*_ROW, "status", value="SOMETHING_NEW"), follows=("W-FILTER-04",)),
    "W-QUERY-08": _wix("rows", put(*_ROW, "bookedEntity", value={"slot": {"resource": {"id": 5}}})),
    "W-QUERY-09": _wix("rows", put(*_ROW, "bookedEntity", value={"slot": {"eventId": 5}})),
    "W-QUERY-10": _wix("rows", _turned("extendedBookings")),
    "W-PAGE-01": _wix("page_1", _more_of_page_1),
    "W-PAGE-02": _wix("page_1", put("pagingMetadata", "cursors", value={})),
    "W-PAGE-03": _wix("page_2", put("extendedBookings", value=[])),
    "W-PAGE-04": _wix("rows", _goes_on),
    "W-ERROR-01": _wix("odd_filter", put("message", value=5)),
    "W-ERROR-02": _wix("odd_filter", put("details", "applicationError", "code", value=5)),
    "W-LIST-01": _wix("schedules", put("schedules", 0, "id", value="one")),
    "W-LIST-02": _wix("schedules", put("schedules", 0, "name", value=None)),
    "W-LIST-03": _wix("staff", drop("staffMembers", 0, "resourceId")),
    "W-LIST-04": _wix("staff", put("staffMembers", 0, "name", value=5)),
    "W-LIST-05": _wix("staff", drop("staffMembers", 0, "resource")),
    "W-LIST-06": _wix("services", put("services", 0, "id", value=5)),
    "W-LIST-07": _wix("services", drop("services", 0, "name")),
    "W-LIST-08": _wix("services", put("services", 0, "type", value="WORKSHOP")),
    "W-LIST-09": _wix("services", put("services", 0, "hidden", value="no")),
    "W-LIST-10": _wix("services", drop("services", 0, "schedule")),
}

_SCOPE: Final = b'{"error":"insufficient_scope","error_description":"higher privileges"}'
_NEW_ERROR: Final = b'{"error":"SOMETHING_NEW","error_description":"new"}'

BITRIX24: Final[Mapping[str, False_]] = {
    "B-AUTH-01": _b24("list", status=403, content=_SCOPE, headers=_JSON),
    "B-AUTH-02": _b24("list", status=403, content=_SCOPE, headers=_JSON, sign_in="oauth"),
    "B-HTTP-01": _b24("types", headers={"content-type": "text/html"}),
    "B-HTTP-02": _b24("types", headers={"x-ratelimit-limit": "50"}),
    "B-LIST-01": _b24("list", put("result", "booking", value={})),
    "B-LIST-02": _b24("list", _text_of_number(*_B24_ROW, "id")),
    "B-LIST-03": _b24("list", _first_twice("result", "booking")),
    "B-LIST-04": _b24("list", _text_of_number(*_B24_ROW, "datePeriod", "from", "timestamp")),
    "B-LIST-05": _b24("list", put(*_B24_ROW, "datePeriod", "to", "timestamp", value=1)),
    "B-LIST-06": _b24("list", put(*_B24_ROW, "resourceIds", value="1, 2")),
    "B-LIST-07": _b24("list", _turned("result", "booking")),
    "B-LIST-08": _b24("list_none", put("result", "booking", value=None)),
    "B-PAGE-01": _b24("list", _fifty_one),
    "B-PAGE-02": _b24("list", put("total", value=120)),
    "B-PAGE-03": _b24("list", put("next", value=50)),
    "B-PAGE-04": _b24("list_next", _all_of_page_one),
    "B-PAGE-05": _b24("list", _ten),
    "B-FILTER-01": _b24("at_start", put("result", "booking", value=[])),
    "B-FILTER-02": _b24("before_start", _found_again),
    "B-TIME-01": _b24("list", put("time", "operating", value="much")),
    "B-TIME-02": _b24("list", _far_reset),
    "B-GET-01": _b24("get", put("result", "booking", value=[])),
    "B-GET-02": _b24("get_none", status=400, content=_NEW_ERROR, headers=_JSON),
    "B-LINK-01": _b24("links", put("result", "externalData", value={})),
    "B-LINK-02": _b24("links", put("result", "externalData", 0, "moduleId", value="new")),
    "B-LINK-03": _b24("links", put("result", "externalData", 0, "entityTypeId", value="NEW")),
    "B-LINK-04": _b24("links_none", status=400, content=_NEW_ERROR, headers=_JSON),
    "B-EVENT-01": _b24("event", put("result", value=None), follows=("B-EVENT-02", "B-EVENT-03", "B-EVENT-04")),
    "B-EVENT-02": _b24("event", put("result", "DATE_FROM_TS_UTC", value=1723446900)),
    "B-EVENT-03": _b24("event", drop("result", "DATE_TO_TS_UTC")),
    "B-EVENT-04": _b24("event", put("result", "EVENT_TYPE", value="#shared#")),
    "B-EVENT-05": _b24("event_none", put("result", value=[])),
    "B-BATCH-01": _b24("batch", status=400, content=_NEW_ERROR, headers=_JSON),
    "B-BATCH-02": _b24("batch", put("result", "result", "listed", "booking", value=None)),
    "B-BATCH-03": _b24("batch", put("result", "result_error", "missed", "error", value="77")),
    "B-BATCH-04": _b24("batch", put("result", "result_time", value=[])),
    "B-BATCH-05": _b24(
        "batch",
        put("result", "result_error", "missed", "error", value="ERROR_BATCH_METHOD_NOT_ALLOWED"),
        follows=("B-BATCH-03",),
    ),
    "B-RESOURCE-01": _b24("resources", put("result", "resource", value={})),
    "B-RESOURCE-02": _b24("resources", _text_of_number("result", "resource", 0, "id")),
    "B-RESOURCE-03": _b24("resources", put("result", "resource", 0, "name", value=None)),
    "B-RESOURCE-04": _b24("resources", drop("result", "resource", 0, "typeId")),
    "B-TYPE-01": _b24("types", _renamed),
    "B-TYPE-02": _b24("types", put("result", "resourceType", 0, "id", value="expert")),
    "B-TYPE-03": _b24("types", put("result", "resourceType", 0, "name", value=5)),
    "B-ERROR-01": _b24("links_none", put("error_description", value=5)),
    "B-ERROR-02": _b24("no_method", status=404, content=_NEW_ERROR, headers=_JSON),
}
