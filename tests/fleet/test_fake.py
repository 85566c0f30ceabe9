"""The fake fleet answers as docs/platforms says, so that a poll that fails failed for a reason of the exporter's."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from exporter.counting.windows import WindowSpec
from tests.fleet import bitrix24, calendars, wix
from tests.fleet.bitrix24 import Portal
from tests.fleet.calendars import Calendars
from tests.fleet.http import Answer, Request
from tests.fleet.processes import fake
from tests.fleet.record import Record
from tests.harness.exposition import value
from tests.harness.process import command

LIST = "booking.v1.booking.list"
LINKS = "booking.v1.booking.externalData.list"
NOW = 1_790_000_000.0
DAY = 86_400


@pytest.fixture
def portal() -> Portal:
    return Portal(0, Record(), NOW)


def call(portal: Portal, method: str, **params: object) -> dict[str, Any]:
    answer = portal.answer(Request("POST", bitrix24.WEBHOOK_PATH + method, "", {}, json.dumps(params).encode()))
    body: dict[str, Any] = json.loads(answer.body)
    return body


def page(portal: Portal, **params: object) -> list[int]:
    return [row["id"] for row in call(portal, LIST, **params)["result"]["booking"]]


def test_a_portal_has_two_hundred_to_a_thousand_bookings_by_its_number() -> None:
    sizes = [len(Portal(number, Record(), NOW).bookings) for number in range(40)]
    assert 200 <= min(sizes) < max(sizes) <= 1000
    assert sizes == [len(Portal(number, Record(), NOW).bookings) for number in range(40)]


def test_a_list_comes_in_pages_of_fifty_and_ends_with_one_that_is_not_full(portal: Portal) -> None:
    pages = [page(portal, order={"id": "ASC"}, start=start) for start in range(0, 1050, 50)]
    assert list(range(1, len(portal.bookings) + 1)) == [key for rows in pages for key in rows]
    assert {50} == {len(rows) for rows in pages[: len(portal.bookings) // 50]}


def test_a_list_says_total_zero_and_never_where_the_next_page_is(portal: Portal) -> None:
    answer = call(portal, LIST, order={"id": "ASC"})
    assert 0 == answer["total"]
    assert "next" not in answer


def test_a_start_between_pages_is_rounded_down_and_minus_one_is_page_one(portal: Portal) -> None:
    first = page(portal, order={"id": "ASC"})
    assert first == page(portal, order={"id": "ASC"}, start=19) == page(portal, order={"id": "ASC"}, start=-1)


def test_rows_come_in_any_order_unless_a_known_one_is_asked_for(portal: Portal) -> None:
    assert page(portal, order={"ID": "ASC"}) != page(portal, order={"ID": "ASC"})
    assert list(range(1, 51)) == page(portal, order={"id": "asc"})


def test_within_selects_what_overlaps_the_half_open_range(portal: Portal) -> None:
    booking = portal.bookings[0]

    def selected(low: int, high: int) -> bool:
        within = {"dateFrom": low, "dateTo": high}
        found: set[int] = set()
        for start in range(0, 1050, 50):
            found |= set(page(portal, filter={"within": within}, order={"id": "ASC"}, start=start))
        return booking.id in found

    assert selected(booking.start, booking.start + 1)
    assert not selected(booking.start - DAY, booking.start)
    assert selected(booking.end - 1, booking.end + DAY)
    assert not selected(booking.end, booking.end + DAY)


def test_half_a_range_is_refused_with_code_zero(portal: Portal) -> None:
    answer = call(portal, LIST, filter={"within": {"dateFrom": 0}})
    assert {"error": "0", "error_description": "Required fields: dateTo"} == answer


def test_a_batch_answers_each_command_under_its_key_and_failures_apart(portal: Portal) -> None:
    cmd = {
        "p0": f"{LIST}?filter[within][dateFrom]=0&filter[within][dateTo]={int(NOW) + 99 * DAY}&order[id]=ASC&start=50",
        "e1": f"{LINKS}?bookingId=1",
        "e9": f"{LINKS}?bookingId=99999",
    }
    answer = call(portal, "batch", halt=0, cmd=cmd)["result"]
    assert list(range(51, 101)) == [row["id"] for row in answer["result"]["p0"]["booking"]]
    assert [{"moduleId": "crm", "entityTypeId": "DEAL", "value": "1"}] == answer["result"]["e1"]["externalData"]
    assert {"e9": {"error": "1021", "error_description": "Booking not found"}} == answer["result_error"]
    assert [] == answer["result_next"]
    assert {"p0", "e1"} == answer["result_time"].keys()


def test_a_batch_runs_fifty_commands_and_refuses_the_others(portal: Portal) -> None:
    answer = call(portal, "batch", halt=0, cmd={f"e{key}": f"{LINKS}?bookingId=1" for key in range(51)})["result"]
    assert 50 == len(answer["result"])
    assert "ERROR_BATCH_LENGTH_EXCEEDED" == answer["result_error"]["e50"]["error"]


def test_operating_time_is_the_sum_of_ten_minutes() -> None:
    operating = bitrix24.OperatingTime()
    assert {"operating": 0} == operating.add(LIST, 0.05, NOW)
    assert {"operating": 0.2, "operating_reset_at": NOW + 600} == operating.add(LIST, 0.2, NOW)
    assert 0.4 == operating.add(LIST, 0.2, NOW + 300)["operating"]
    assert {"operating": 0.2, "operating_reset_at": NOW + 900} == operating.add(LIST, 0.01, NOW + 620)


def count(start: str, end: str, *, key: str = wix.API_KEY) -> Answer:
    conditions: list[object] = [{"startDate": {"$gte": start}}, {"startDate": {"$lt": end}}, {"status": {"$in": ["CONFIRMED"]}}]
    return counted({"filter": {"$and": conditions}}, key=key)


def counted(body: object, *, key: str = wix.API_KEY) -> Answer:
    headers = {"authorization": key, "wix-site-id": wix.site_id(0)}
    path = "/_api/bookings-reader/v2/extended-bookings/count"
    return wix.Wix(1, Record()).answer(Request("POST", path, "", headers, json.dumps(body).encode()))


def test_counts_of_neighbouring_windows_add_up() -> None:
    days = [
        json.loads(count(f"2026-09-{day:02}T00:00:00.000Z", f"2026-09-{day + 1:02}T00:00:00.000Z").body) for day in range(1, 8)
    ]
    whole = json.loads(count("2026-09-01T00:00:00.000Z", "2026-09-08T00:00:00.000Z").body)
    assert whole["count"] == sum(day["count"] for day in days) > 0


def test_two_operators_inside_one_field_are_an_invalid_filter() -> None:
    both = {"startDate": {"$gte": "2026-09-01T00:00:00.000Z", "$lt": "2026-09-02T00:00:00.000Z"}}
    assert 400 == counted({"filter": {"$and": [both, {"status": {"$in": ["CONFIRMED"]}}]}}).status


def test_a_foreign_key_is_refused() -> None:
    assert 403 == count("2026-09-01T00:00:00.000Z", "2026-09-02T00:00:00.000Z", key="IST.foreign").status


def test_the_record_tells_how_long_each_target_waited_between_two_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    record = Record()
    for moment, target in ((0.0, "a"), (5.0, "b"), (60.0, "a"), (66.0, "b"), (125.0, "a")):
        monkeypatch.setattr(time, "monotonic", lambda moment=moment: moment)
        record.note("list_connections", target)
    everything = record.report()
    assert {"p1": 60.0, "p50": 61.0, "p99": 61.0, "worst": 65.0} == everything["intervals"]["list_connections"]
    assert {"list_connections": 2} == everything["targets"]
    assert {"worst": 65.0}.items() <= record.report(since=60.0)["intervals"]["list_connections"].items()
    assert {"list_connections": 2} == record.report(since=60.0, until=125.0)["operations"]


def _asked(
    calendar: int, start: str, end: str, credential: str = "Basic ZXhwb3J0ZXI6ZmxlZXQtY2FsZW5kYXItcGFzc3dvcmQ="
) -> Answer:
    question = f'<c:free-busy-query><c:time-range start="{start}" end="{end}"/></c:free-busy-query>'
    headers = {"authorization": credential}
    rows = [Portal(number, Record(), NOW).bookings for number in range(2)]
    request = Request("REPORT", calendars.calendar_path(calendar), "", headers, question.encode())
    return Calendars(rows, Record()).answer(request)


def test_a_calendar_is_busy_when_its_resource_is_booked_and_in_the_evenings(portal: Portal) -> None:
    answer = _asked(0, "20260921T000000Z", "20260922T000000Z")
    low = 1_789_948_800  # 2026-09-21 in UTC
    booked = {(row.start, row.end) for row in portal.bookings if 1 in row.resources and row.start < low + DAY and low < row.end}
    assert booked
    busy = {line.partition(":")[2] for line in answer.body.decode().splitlines() if line.startswith("FREEBUSY")}
    assert "20260921T200000Z/20260921T210000Z" in busy
    assert len(booked | {(low + 72_000, low + 75_600)}) == len(busy)


def test_a_calendar_that_is_not_there_and_a_wrong_password_are_refused() -> None:
    assert 404 == _asked(2, "20260921T000000Z", "20260922T000000Z").status
    assert 401 == _asked(0, "20260921T000000Z", "20260922T000000Z", "Basic bm9ib2R5").status


async def test_the_exporter_shows_over_tls_what_the_fake_holds(tmp_path: Path) -> None:
    async with fake(tmp_path, sites=2, portals=2, pairs=1, tls=True) as fleet:
        config = fleet.config(tmp_path, sites=2)
        found = await command("probe", f"--config.file={config}", "--output=metrics", environ=fleet.environ)
        refused = (await fleet.report())["refused"]
        assert {} == refused
        code, text, log = found
    assert code in {1, 2}, log  # bookings of the fake have no deal, and on some days two of the next day overlap
    shown = text.encode()
    window = WindowSpec("next_7d", "now", "now+7d")
    for number in range(2):
        site, rows = wix.site_name(number), Portal(number, Record(), time.time()).bookings
        assert 1 == value(shown, "connections", target=site, status="connected", calendar_type="google")
        low, high = (
            value(
                shown,
                f"window_{edge}_timestamp_seconds",
                target=bitrix24.portal_name(number),
                window=window.name,
                collector="bookings",
            )
            for edge in ("start", "end")
        )
        assert low is not None
        assert high is not None
        inside = sum(low <= booking.start < high for booking in rows)
        assert value(shown, "bookings", target=bitrix24.portal_name(number), window=window.name) == inside > 0
    assert 1 == value(shown, "collector_up", target=calendars.calendar_name(0), collector="busy")
    assert (value(shown, "proof_bookings", pair="pair-00000", window="next_7d", state="arrived") or 0) > 0
    assert 0 == value(shown, "proof_bookings", pair="pair-00000", window="next_7d", state="missing")
