"""Rows and what is in them have an end: the last that is taken, and the first that is not."""

from __future__ import annotations

import json
import tracemalloc
from collections.abc import Callable

import msgspec
import pytest

from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24 import answers as bitrix24
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.exchange import Answer
from exporter.platforms.wix import booking_rows, connection_rows, event_rows
from exporter.support.json_text import decoded
from tests.harness.weight import weight


class _Nothing(msgspec.Struct):
    """An object of which nobody reads anything."""


PERIOD = {"datePeriod": {"from": {"timestamp": 1}, "to": {"timestamp": 2}}}


def wix(body: object) -> Answer:
    return Answer(200, {"content-type": "application/json"}, json.dumps(body).encode())


def reply(result: object) -> bitrix24.Reply:
    found = bitrix24.body(json.dumps({"result": result}).encode(), 0.0)
    assert found is not None
    assert found.reply is not None
    return found.reply


def connections(number: int) -> int:
    rows = [{"id": f"c{key}"} for key in range(number)]
    return len(connection_rows.connections(wix({"connections": rows})).rows)


def failed(number: int) -> int:
    body = {"connections": [{"id": "a"}], "failedProviderIds": [f"p{key}" for key in range(number)]}
    return len(connection_rows.connections(wix(body)).failed_provider_ids)


def providers(number: int) -> int:
    return len(connection_rows.providers(wix({"providers": [{"id": f"p{key}"} for key in range(number)]})).calendar_types)


def query(number: int) -> int:
    row = {"startDate": "2026-01-01T00:00:00Z", "status": "CONFIRMED"}
    rows = [{"booking": {"id": f"b{key}", **row}} for key in range(number)]
    return len(booking_rows.bookings(wix({"extendedBookings": rows, "pagingMetadata": {"hasNext": False}})).rows)


def events(number: int) -> int:
    times = {"start": "2026-01-01T00:00:00Z", "end": "2026-01-01T01:00:00Z"}
    rows = [{"scheduleId": f"s{key}", **times} for key in range(number)]
    return len(event_rows.events(wix({"events": rows, "pagingMetadata": {"hasNext": False}})).rows)


def failed_for_events(number: int) -> int:
    body = {"events": [], "failedProviderIds": [f"p{key}" for key in range(number)]}
    return len(event_rows.events(wix(body)).failed_provider_ids)


def page(number: int) -> int:
    return booking_pages.bookings(reply({"booking": [{"id": key + 1, **PERIOD} for key in range(number)]})).size


def page_by_key(number: int) -> int:
    return booking_pages.bookings(reply({"booking": {str(key): {"id": key + 1, **PERIOD} for key in range(number)}})).size


def odd_page(number: int) -> int:
    return booking_pages.bookings(reply({"booking": [0] * number})).malformed


def resources(number: int) -> int:
    return bitrix24.resources(reply({"resource": [{"id": key + 1, "name": "Chair"} for key in range(number)]})).size


def links(number: int) -> int:
    return len(bitrix24.links(reply({"externalData": [{"moduleId": "crm", "entityTypeId": "DEAL"}] * number})))


CAPS: list[tuple[Callable[[int], int], int, str]] = [
    (connections, 10_000, "more than 10,000 connections"),
    (failed, 200, "more than 200 providers"),
    (providers, 200, "more than 200 providers"),
    (query, 100, "more than 100 rows"),
    (events, 1_000, "more than 1,000 rows"),
    (failed_for_events, 200, "more than 200 providers"),
    (page, 500, "more than 500 rows"),
    (page_by_key, 500, "more than 500 rows"),
    (odd_page, 500, "more than 500 rows"),
    (resources, 500, "more than 500 rows"),
    (links, 1000, "more than 1,000 links"),
]


@pytest.mark.parametrize(("read", "most", "said"), CAPS, ids=[read.__name__ for read, *_ in CAPS])
def test_as_many_rows_as_the_cap_are_read_and_one_more_is_an_error_that_names_it(
    read: Callable[[int], int], most: int, said: str
) -> None:
    assert most == read(most)
    with pytest.raises(InvalidResponseError, match=said):
        read(most + 1)


@pytest.mark.parametrize(("number", "malformed"), [(100, 0), (101, 1)])
def test_a_booking_of_more_resources_than_anybody_books_is_odd_and_costs_no_other(number: int, malformed: int) -> None:
    rows = [{"id": 1, **PERIOD, "resourceIds": list(range(1, number + 1))}, {"id": 2, **PERIOD, "resourceIds": [1]}]
    found = booking_pages.bookings(reply({"booking": rows}))
    assert (malformed, ("1", "2")) == (found.malformed, found.ids)
    assert ("1",) == found.rows[-1].resources


def test_what_is_kept_of_a_booking_of_wix_is_short_however_long_its_texts_are() -> None:
    long = "x" * 10_000
    booking = {
        "id": long,
        "startDate": "2026-01-01T00:00:00Z",
        "status": long,
        "bookedEntity": {"slot": {"eventId": long, "resource": {"id": long}}},
    }
    page = booking_rows.bookings(wix({"extendedBookings": [{"booking": booking}], "pagingMetadata": {"hasNext": False}}))
    (row,) = page.rows
    assert weight(row) < 1000


@pytest.mark.parametrize(("size", "malformed"), [(65_000, 0), (66_000, 1)])
def test_a_row_of_wix_above_64_kib_is_odd_and_costs_no_other(size: int, malformed: int) -> None:
    long = {"note": "x" * size}
    found = connection_rows.connections(wix({"connections": [{"id": "a", **long}, {"id": "b"}]}))
    assert (malformed, 2 - malformed) == (found.malformed, len(found.rows))
    listed = connection_rows.providers(wix({"providers": [{"id": "a", **long}, {"id": "b"}]}))
    assert (malformed, 2 - malformed) == (listed.malformed, len(listed.calendar_types))
    row = {"startDate": "2026-01-01T00:00:00Z", "status": "CONFIRMED"}
    rows = [{"booking": {"id": "a", **row, **long}}, {"booking": {"id": "b", **row}}]
    read = booking_rows.bookings(wix({"extendedBookings": rows, "pagingMetadata": {"hasNext": False}}))
    assert (malformed, 2 - malformed) == (read.malformed, len(read.rows))


@pytest.mark.slow
@pytest.mark.parametrize("cut", [b"\xff", rb"\ud83d", "\U0001f600".encode()[:3]])
@pytest.mark.parametrize(
    ("letter", "number"), [("\U0001f600".encode(), 2_000_000), (rb"\ud83d\ude00", 400_000), (rb"\\", 400_000)]
)
def test_mending_a_large_text_takes_little_more_than_its_room_whatever_letters_it_has(
    letter: bytes, number: int, cut: bytes
) -> None:
    content = b'{"a":"' + letter * number + cut + b'"}'
    tracemalloc.start()
    try:
        assert decoded(content, _Nothing) is not None
        assert tracemalloc.get_traced_memory()[1] < 3 * len(content)
    finally:
        tracemalloc.stop()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("letter", "mended"),
    [(rb"\u0441", 900_000), (rb"\\", 450_000), (rb"\ud83d", 90_000), (b"\xff", 90_000), (b"\xc3", 90_000)],
)
def test_a_text_that_lost_more_than_any_cut_text_is_not_mended(letter: bytes, mended: int) -> None:
    tail = rb'\ud83d"}'
    assert decoded(b'{"a":"' + letter * mended + tail, _Nothing) is not None
    assert decoded(b'{"a":"' + letter * (mended // 9 * 10) + letter * 10 + tail, _Nothing) is None
