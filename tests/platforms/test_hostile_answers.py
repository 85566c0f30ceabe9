"""Answers made to break the reader: absurd numbers, endless nesting, odd text. A malformed row or an error, never a crash."""

from __future__ import annotations

import json

import pytest

from exporter.errors import InvalidResponseError
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.exchange import Answer
from exporter.platforms.wix import booking_rows
from exporter.platforms.wix.api_errors import request_id
from exporter.support.net import is_loopback
from exporter.web.status_api import encode_status
from tests.harness import views

GIANT = "1" + "0" * 400
LONGER_THAN_PYTHON_READS = '"' + "9" * 6000 + '"'
ABSURD = (
    "1e400",
    GIANT,
    '"1e400"',
    '"nan"',
    '"Infinity"',
    LONGER_THAN_PYTHON_READS,
    "-1",
    '"1_000"',
    '"\u0663"',
    "1" + "0" * 30,
)
NESTED = b"[" * 100_000 + b"]" * 100_000


def wix(body: str) -> Answer:
    return Answer(200, {"content-type": "application/json"}, body.encode())


def bitrix24(body: str) -> decode.Reply:
    found = decode.body(body.encode(), 0.0)
    assert found is not None
    assert found.reply is not None
    return found.reply


@pytest.mark.parametrize("number", ABSURD)
def test_a_bitrix24_booking_at_an_absurd_moment_is_a_malformed_row(number: str) -> None:
    period = '{"from": {"timestamp": #}, "to": {"timestamp": 99999999999}}'.replace("#", number)
    page = booking_pages.bookings(bitrix24('{"result": {"booking": [{"id": 7, "datePeriod": #}]}}'.replace("#", period)))
    assert ((), ("7",), 1) == (page.rows, page.ids, page.malformed)


@pytest.mark.parametrize("number", [number for number in ABSURD if number != "1e400"])
def test_a_bitrix24_booking_with_an_absurd_id_is_a_malformed_row(number: str) -> None:
    period = '{"from": {"timestamp": 1}, "to": {"timestamp": 2}}'
    body = '{"result": {"booking": [{"id": #, "datePeriod": PERIOD}]}}'
    page = booking_pages.bookings(bitrix24(body.replace("#", number).replace("PERIOD", period)))
    assert ((), 1) == (page.rows, page.malformed)


@pytest.mark.parametrize("number", [*ABSURD, "1e308", "-5"])
def test_absurd_operating_times_are_no_information(number: str) -> None:
    found = decode.body(b'{"result": [], "time": {"operating": %s}}' % number.encode(), 0.0)
    assert found is not None
    assert decode.Times() == found.times


@pytest.mark.parametrize("number", ["1e308", "99999999999", '"1e300"'])
def test_a_reset_in_the_far_future_is_not_believed(number: str) -> None:
    found = decode.body(b'{"result": [], "time": {"operating": 1, "operating_reset_at": %s}}' % number.encode(), 0.0)
    assert found is not None
    assert decode.Times(1.0, None) == found.times


@pytest.mark.parametrize("number", [*ABSURD, "1e308"])
def test_an_absurd_offset_is_no_offset(number: str) -> None:
    found = decode.body(b'{"result": [], "next": %s}' % number.encode(), 0.0)
    assert found is not None
    assert found.reply is not None
    assert found.reply.next is None


@pytest.mark.parametrize("key", [b"result", b"error", b"other"])
def test_endless_nesting_is_no_answer_of_bitrix24(key: bytes) -> None:
    assert decode.body(b'{"%s": %s}' % (key, NESTED), 0.0) is None


@pytest.mark.parametrize("number", [*ABSURD, "1e30", "1000000000000", '"1000000000000"'])
def test_a_wix_count_that_no_page_could_show_is_an_error(number: str) -> None:
    with pytest.raises(InvalidResponseError):
        booking_rows.count(wix('{"count": #}'.replace("#", number)))


@pytest.mark.parametrize(
    "moment", ["0001-01-01T00:00:00+14:00", "9999-12-31T23:59:59-14:00", "1969-12-31T23:59:59Z", "+292278994-08-17T07:12:55Z"]
)
def test_a_wix_booking_outside_of_the_calendar_is_a_malformed_row(moment: str) -> None:
    starts = {"odd": moment, "good": "2026-01-01T00:00:00Z"}
    rows = [{"booking": {"id": key, "startDate": start, "status": "CONFIRMED"}} for key, start in starts.items()]
    page = booking_rows.bookings(wix(json.dumps({"extendedBookings": rows, "pagingMetadata": {"hasNext": False}})))
    assert (["good"], 1) == ([row.booking.id for row in page.rows], page.malformed)


def test_a_moment_that_no_calendar_has_does_not_cost_the_status_of_all_targets() -> None:
    view = views.healthy()
    assert b"9999-12-31T23:59:59Z" in encode_status(type(view)(1e300, view.targets, view.missing))


@pytest.mark.parametrize("host", ["localhost", "LOCALHOST", "127.0.0.1", "::1"])
def test_this_machine_may_be_asked_without_tls(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["salon.localhost", "127.0.0.2", "0.0.0.0", "localhost.example", "127.0.0.1.example", ""])  # noqa: S104  compared, not bound
def test_what_a_resolver_or_a_proxy_may_take_elsewhere_is_not_this_machine(host: str) -> None:
    assert not is_loopback(host)


@pytest.mark.parametrize("given", ["", "two words", "\x9b2J", "x" * 129, "<b>", "a@b.example"])
def test_a_request_id_that_is_none_is_not_shown(given: str) -> None:
    assert request_id(Answer(500, {"x-wix-request-id": given}, b"")) is None


def test_a_request_id_is_what_support_asks_for() -> None:
    given = "1790000000.123456789012345678|Ab-cd_ef:1"
    assert given == request_id(Answer(500, {"x-wix-request-id": given}, b""))
