"""Every shape that Bitrix24 sends, or may one day (bitrix24.md 2.4, 5.2, 7, 8.1, 13)."""

from __future__ import annotations

import json

import pytest

from exporter.counting.bookings import Booking
from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.answers import BatchReply, Body, ErrorBody, Link, Reply, Times

NOW = 1_790_000_000.0
Json = object


def body(value: Json) -> Body:
    found = decode.body(json.dumps(value).encode(), NOW)
    assert found is not None
    return found


def reply(result: Json) -> Reply:
    found = body({"result": result}).reply
    assert found is not None
    return found


def row(**changes: Json) -> dict[str, Json]:
    period = {"from": {"timestamp": 100, "timezone": "Europe/Berlin"}, "to": {"timestamp": 200, "timezone": "Europe/Berlin"}}
    return {"id": 15, "name": None, "description": None, "resourceIds": [1, 2], "datePeriod": period, **changes}


def period(begin: Json, end: Json) -> Json:
    return {"from": {"timestamp": begin}, "to": {"timestamp": end}}


def batch(result: Json, *keys: str) -> BatchReply:
    return decode.batch(reply(result), keys, NOW)


# Bodies


@pytest.mark.parametrize("content", [b"", b"<html>", b'{"result":', b"null", b"[]", b'"text"', b"17", b"{}", b"\xff\xfe{}"])
def test_what_is_no_answer_of_the_api_is_none(content: bytes) -> None:
    assert decode.body(content, NOW) is None


@pytest.mark.parametrize("error", ["WORD", 1021, "1021", "0", 0, "", None, {"code": "V3", "message": "x"}])
def test_the_presence_of_error_is_a_failure_whatever_its_value(error: Json) -> None:
    found = body({"error": error, "error_description": "text", "result": {"booking": []}})
    assert (found.reply, found.problem) == (None, ErrorBody(error, "text"))


@pytest.mark.parametrize(
    ("time", "times"),
    [
        ({"operating": 1.5, "operating_reset_at": 1_000, "finish": 400.5}, Times(1.5, 599.5)),
        ({"operating": 2, "operating_reset_at": "1000", "finish": "400"}, Times(2.0, 600.0)),
        ({"operating": 0, "finish": 400}, Times(0.0, None)),
        ({"operating": 3, "operating_reset_at": NOW + 5}, Times(3.0, 5.0)),
        ({"operating": 3, "operating_reset_at": 100, "finish": 400}, Times(3.0, 0.0)),
        ({"operating": None}, Times()),
        ({"operating": "inf"}, Times()),
        ({"operating": []}, Times()),
        ({}, Times()),
        ([], Times()),
        (None, Times()),
    ],
)
def test_every_key_of_time_is_optional_and_the_reset_counts_on_the_portal_s_clock(time: Json, times: Times) -> None:
    assert body({"result": [], "time": time}).times == times


@pytest.mark.parametrize(("value", "offset"), [(50, 50), ("50", 50), (None, None), (True, None), ("x", None), (1.5, None)])
def test_next_is_an_offset_or_nothing(value: Json, offset: int | None) -> None:
    found = body({"result": [], "next": value}).reply
    assert found is not None
    assert found.next == offset


# Bookings


def test_a_booking_keeps_its_id_its_period_and_its_resources_and_nothing_personal() -> None:
    page = booking_pages.bookings(reply({"booking": [row(name="Kanarina", description="+49 30 5550 198765")]}))
    assert (page.rows, page.ids, page.size, page.malformed) == ((Booking("15", 100, 200, ("1", "2")),), ("15",), 1, 0)
    assert "Kanarina" not in repr(page)


@pytest.mark.parametrize("resources", [None, [], "missing"])
def test_a_booking_without_resources_has_none_however_it_is_written(resources: Json) -> None:
    given = row(resourceIds=resources)
    if resources == "missing":
        del given["resourceIds"]
    assert booking_pages.bookings(reply({"booking": [given]})).rows == (Booking("15", 100, 200),)


@pytest.mark.parametrize(
    "changes",
    [
        {"id": "15"},
        {"resourceIds": ["1", "2"]},
        {"datePeriod": period(100.0, "200")},
        {"unknown": {"new": [1]}, "visitStatus": "visited"},
    ],
)
def test_numbers_in_text_and_unknown_keys_are_taken(changes: dict[str, Json]) -> None:
    assert booking_pages.bookings(reply({"booking": [row(**changes)]})).rows == (Booking("15", 100, 200, ("1", "2")),)


@pytest.mark.parametrize(
    "bad",
    [
        row(datePeriod=None),
        row(datePeriod={}),
        row(datePeriod={"from": {"timestamp": 1}}),
        row(datePeriod=period(200, 100)),
        row(datePeriod=period(None, 100)),
        row(datePeriod=period("noon", 100)),
        row(datePeriod=period("nan", 100)),
        row(datePeriod=period(1_790_000_000_000, 1_790_000_000_001)),
        row(datePeriod=period(-5, 100)),
        row(id=None),
        row(id="x"),
        row(id=0),
        row(resourceIds="1"),
        "text",
        None,
        [],
    ],
)
def test_a_row_without_sense_is_left_out_and_counted_and_its_neighbours_stay(bad: Json) -> None:
    page = booking_pages.bookings(reply({"booking": [row(id=1), bad, row(id=3)]}))
    assert ["1", "3"] == [booking.id for booking in page.rows]
    assert (3, 1) == (page.size, page.malformed)


@pytest.mark.parametrize("result", [[], {}, {"booking": None}, {"booking": []}, {"booking": {}}])
def test_nothing_is_an_empty_page(result: Json) -> None:
    assert 0 == booking_pages.bookings(reply(result)).size


def test_rows_in_an_object_are_its_values() -> None:
    assert ("5", "6") == booking_pages.bookings(reply({"booking": {"5": row(id=5), "6": row(id=6)}})).ids


@pytest.mark.parametrize("result", [None, True, 5, "text", [1], {"booking": "text"}, {"booking": 5}])
def test_any_other_shape_is_an_error(result: Json) -> None:
    with pytest.raises(InvalidResponseError):
        booking_pages.bookings(reply(result))


# Links


def test_links_keep_module_and_type_in_lower_case_and_not_the_element() -> None:
    item = {"entityTypeId": "DEAL", "moduleId": "crm", "value": "7788"}
    assert decode.links(reply({"externalData": [item, {"value": "2"}]})) == (Link("crm", "deal"), Link("", ""))


@pytest.mark.parametrize("result", [[], {}, {"externalData": []}, {"externalData": None}, {"externalData": {}}])
def test_no_links_is_nothing(result: Json) -> None:
    assert () == decode.links(reply(result))


@pytest.mark.parametrize("result", [None, True, {"externalData": "text"}, {"externalData": [1]}, {"externalData": 0}])
def test_links_of_any_other_shape_are_an_error_and_not_unlinked(result: Json) -> None:
    with pytest.raises(InvalidResponseError):
        decode.links(reply(result))


@pytest.mark.parametrize("item", [b'{"moduleId":"\xff"}', rb'{"moduleId":"cr\ud83d"}'])
def test_links_that_cannot_be_read_are_an_error_and_not_unlinked(item: bytes) -> None:
    body = decode.body(b'{"result":{"externalData":[' + item + b"]}}", 0.0)
    assert body is not None
    assert body.reply is not None
    with pytest.raises(InvalidResponseError):
        decode.links(body.reply)


# Batches


def test_a_batch_tells_results_errors_and_what_was_not_executed_apart() -> None:
    found = batch(
        {
            "result": {"p0": {"booking": []}},
            "result_error": {"e15": {"error": "1021", "error_description": "Booking not found"}},
            "result_total": {"p0": 0},
            "result_next": [],
            "result_time": {"p0": {"operating": 2.5}},
        },
        "p0",
        "e15",
        "e16",
    )
    assert {"p0"} == set(found.replies)
    assert found.problems == {"e15": ErrorBody("1021", "Booking not found")}
    assert found.times == {"p0": Times(2.5)}


@pytest.mark.parametrize("empty", [[], {}, None])
def test_an_empty_section_is_empty_however_it_is_written(empty: Json) -> None:
    found = batch({"result": empty, "result_error": empty, "result_time": empty, "result_next": empty}, "p0")
    assert ({}, {}, {}) == (found.replies, found.problems, found.times)


def test_a_section_as_a_list_is_understood_when_it_covers_every_command() -> None:
    assert {"p0", "p1"} == set(batch({"result": [[], []]}, "p0", "p1").replies)
    with pytest.raises(InvalidResponseError, match="told apart"):
        batch({"result": [[]]}, "p0", "p1")


def test_an_error_that_is_no_object_is_still_an_error() -> None:
    assert batch({"result_error": {"p0": "WORD"}}, "p0").problems == {"p0": ErrorBody("WORD", "")}


@pytest.mark.parametrize("result", [None, True, [1], {"result": "text"}, {"result": 5}])
def test_a_batch_of_any_other_shape_is_an_error(result: Json) -> None:
    with pytest.raises(InvalidResponseError):
        batch(result, "p0")
