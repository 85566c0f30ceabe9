"""The simulated bookings reader: count, query, filters and cursors (wix.md 6; checklist 13 "Bookings")."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise
from random import Random
from typing import Any, Literal

import pytest

from exporter.simulator import canary
from exporter.simulator.wix.bookings import ABSENT, BookingKind
from exporter.simulator.wix.filters import utc_text
from tests.harness.simulated_wix import COUNT, OTHER_READER, READER, RawWix, Request, code_of

HOUR = 3600.0
DAY = 24 * HOUR
STATUSES = ("CREATED", "PENDING", "CONFIRMED", "CANCELED", "DECLINED", "WAITING_LIST")


def between(start: float, end: float, field: str = "startDate") -> dict[str, Any]:
    return {"$and": [{field: {"$gte": utc_text(start)}}, {field: {"$lt": utc_text(end)}}]}


def filled(number: int) -> RawWix:
    """A site with ``number`` bookings, scattered over ten days by a generator of the test's own."""
    raw = RawWix()
    random = Random(number)
    for _ in range(number):
        start = raw.now + random.randrange(-5 * 96, 5 * 96) * 900
        raw.site.bookings.add(start, start + random.choice((0, 1800, 3600)), status=random.choice(STATUSES))
    return raw


async def read_all(raw: RawWix, query: dict[str, Any], limit: int = 100) -> list[dict[str, Any]]:
    """Follow the cursors to the end, as the reference says."""
    answer = (await raw.query({**query, "cursorPaging": {"limit": limit}})).json()
    rows = list(answer["extendedBookings"])
    while cursor := answer["pagingMetadata"]["cursors"].get("next"):
        answer = (await raw.query({"cursorPaging": {"limit": limit, "cursor": cursor}})).json()
        rows += answer["extendedBookings"]
    return [row["booking"] for row in rows]


@pytest.mark.parametrize("prefix", [READER, OTHER_READER])
@pytest.mark.parametrize("action", ["count", "query"])
async def test_the_reader_answers_on_both_prefixes(prefix: str, action: str) -> None:
    assert 200 == (await RawWix().post(f"{prefix}/{action}", {})).status_code


@pytest.mark.parametrize("body", [{}, {"filter": {}}, {"filter": None}])
async def test_an_empty_filter_counts_everything(body: dict[str, Any]) -> None:
    assert {"count": 7} == (await filled(7).post(COUNT, body)).json()


@pytest.mark.parametrize("number", [0, 1, 49, 50, 51, 100, 2512])
async def test_count_and_query_agree_with_a_count_by_hand(number: int) -> None:
    raw = filled(number)
    start, end = raw.now, raw.now + 2 * DAY
    wanted = {"$and": [*between(start, end)["$and"], {"status": {"$in": ["CONFIRMED", "PENDING"]}}]}
    by_hand = {
        booking.id
        for booking in raw.site.bookings
        if start <= booking.start < end and booking.status in {"CONFIRMED", "PENDING"}
    }
    assert len(by_hand) == (await raw.count(wanted)).json()["count"]
    rows = await read_all(raw, {"filter": wanted, "sort": [{"fieldName": "startDate", "order": "ASC"}]})
    assert (by_hand, len(by_hand)) == ({row["id"] for row in rows}, len(rows))


async def test_bounds_under_and_are_half_open() -> None:
    raw = RawWix()
    for start in (raw.now - 1, raw.now, raw.now + DAY - 1, raw.now + DAY):
        raw.site.bookings.add(start, start + HOUR)
    assert {"count": 2} == (await raw.count(between(raw.now, raw.now + DAY))).json()


async def test_a_zero_length_booking_counts_at_its_start() -> None:
    raw = RawWix()
    raw.site.bookings.add(raw.now, raw.now)
    assert {"count": 1} == (await raw.count(between(raw.now, raw.now + 1))).json()


async def test_two_operators_in_one_field_are_invalid_filter() -> None:
    raw = RawWix()
    value = {"startDate": {"$gte": utc_text(raw.now), "$lt": utc_text(raw.now + DAY)}}
    for answer in (await raw.count(value), await raw.query({"filter": value})):
        assert (400, "INVALID_FILTER") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize(
    "value",
    [
        {"name": "x"},
        {"bookedEntity.slot.scheduleId": "x"},  # the path of the row, without `item`
        {"status": {"$nin": ["CANCELED"]}},
        {"status": {"$gt": "A"}},
        {"status": {}},
        {"status": {"$in": "CONFIRMED"}},
        {"status": {"$eq": ["CONFIRMED"]}},
        {"status": 7},
        {"bookedEntity.item.slot.resource.id": {"$nin": []}},
        {"bookedEntity.tags": {"$eq": "GROUP"}},
        {"bookedEntity.tags": {"$in": ["GROUP"]}},
        {"doubleBooked": {"$in": [True]}},
        {"doubleBooked": "true"},
        {"startDate": {"$regex": ".*"}},
        {"startDate": {"$gte": 1_790_000_000}},
        {"startDate": {"$gte": "today"}},
        {"$and": {}},
        {"$and": []},
        {"$nor": [{}]},
        ["status"],
        "status",
    ],
)
async def test_an_unsupported_field_operator_or_value_is_400(value: object) -> None:
    answer = await RawWix().count(value)
    assert (400, "INVALID_FILTER") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize("text", ["2026-11-20T00:00:00+01:00", "2026-11-20T00:00:00", "2026-11-20"])
async def test_a_date_that_is_not_utc_is_400(text: str) -> None:
    assert 400 == (await RawWix().count({"startDate": {"$gte": text}})).status_code


@pytest.mark.parametrize("text", ["2026-11-20T00:00:00Z", "2026-11-20T00:00:00.000Z", "2026-11-20T00:00:00+00:00"])
async def test_a_date_in_utc_may_have_milliseconds_or_not(text: str) -> None:
    assert 200 == (await RawWix().count({"startDate": {"$gte": text}})).status_code


@pytest.mark.parametrize("field", ["startDate", "endDate", "createdDate", "updatedDate"])
@pytest.mark.parametrize(
    ("operator", "expected"),
    [("$eq", 1), ("$ne", 2), ("$gt", 1), ("$gte", 2), ("$lt", 1), ("$lte", 2), ("$in", 1), ("$nin", 2)],
)
async def test_every_documented_operator_of_a_date_works(field: str, operator: str, expected: int) -> None:
    raw = RawWix()
    middle = raw.now - 2 * HOUR
    for moment in (middle - HOUR, middle, middle + HOUR):
        made = raw.site.bookings.add(moment, moment, created=moment)
        raw.site.bookings.amend(made, updated=moment)
    text: object = utc_text(middle)
    operand = [text] if operator in {"$in", "$nin"} else text
    assert {"count": expected} == (await raw.count({field: {operator: operand}})).json()


@pytest.mark.parametrize("status", STATUSES)
async def test_every_status_is_reachable_and_can_be_counted_alone(status: str) -> None:
    raw = RawWix()
    for one in STATUSES:
        raw.site.bookings.add(raw.now, raw.now + HOUR, status=one)
    assert {"count": 1} == (await raw.count({"status": status})).json()
    assert {"count": 1} == (await raw.count({"status": {"$eq": status}})).json()
    assert {"count": 5} == (await raw.count({"status": {"$ne": status}})).json()
    assert {"count": 2} == (
        await raw.count({"status": {"$in": [status, *[one for one in STATUSES if one != status][:1]]}})
    ).json()


async def test_a_bare_list_means_in() -> None:
    raw = RawWix()
    for one in STATUSES:
        raw.site.bookings.add(raw.now, raw.now + HOUR, status=one)
    assert {"count": 2} == (await raw.count({"status": ["CONFIRMED", "PENDING"]})).json()


async def test_or_and_not_combine() -> None:
    raw = RawWix()
    for one in STATUSES:
        raw.site.bookings.add(raw.now, raw.now + HOUR, status=one)
    value = {"$or": [{"status": "CONFIRMED"}, {"$not": {"status": {"$in": ["CREATED", "CONFIRMED", "PENDING"]}}}]}
    assert {"count": 4} == (await raw.count(value)).json()


async def test_tags_tell_individual_group_and_course_bookings() -> None:
    raw = RawWix()
    for kind in BookingKind:
        raw.site.bookings.add(raw.now, raw.now + HOUR, kind=kind)
    assert {"count": 2} == (await raw.count({"bookedEntity.tags": {"$hasSome": ["GROUP", "COURSE"]}})).json()
    assert {"count": 1} == (await raw.count({"bookedEntity.tags": {"$hasAll": ["INDIVIDUAL"]}})).json()
    assert {"count": 0} == (await raw.count({"bookedEntity.tags": {"$hasAll": ["GROUP", "COURSE"]}})).json()


async def test_slot_and_course_fields_match_their_own_kind_only() -> None:
    raw = RawWix()
    course = raw.site.bookings.add_course(raw.now, weeks=3)
    schedule_id = raw.site.bookings[course].schedule_id
    assert {"count": 0} == (await raw.count({"bookedEntity.item.slot.scheduleId": schedule_id})).json()
    assert {"count": 1} == (await raw.count({"bookedEntity.item.schedule.scheduleId": schedule_id})).json()


async def test_a_resource_can_be_filtered_by() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    raw.site.bookings.add(raw.now, raw.now + HOUR, staff=staff)
    raw.site.bookings.add(raw.now, raw.now + HOUR)
    assert {"count": 1} == (await raw.count({"bookedEntity.item.slot.resource.id": staff.resource_id})).json()


async def test_a_course_counts_once_at_its_start_and_overlaps_until_its_last_session() -> None:
    raw = RawWix()
    raw.site.bookings.add_course(raw.now, weeks=8)
    assert {"count": 1} == (await raw.count(between(raw.now, raw.now + DAY))).json()
    assert {"count": 0} == (await raw.count(between(raw.now + 7 * DAY, raw.now + 8 * DAY))).json()
    overlapping = {
        "$and": [
            {"startDate": {"$lt": utc_text(raw.now + 8 * DAY)}},
            {"endDate": {"$gt": utc_text(raw.now + 7 * DAY)}},
        ]
    }
    assert {"count": 1} == (await raw.count(overlapping)).json()


async def test_a_course_row_has_a_schedule_and_no_slot() -> None:
    raw = RawWix()
    raw.site.bookings.add_course(raw.now, weeks=2)
    raw.site.bookings.add(raw.now + DAY, raw.now + DAY + HOUR)
    course, single = await read_all(raw, {"sort": [{"fieldName": "startDate"}]})
    assert {"schedule", "title", "tags"} == set(course["bookedEntity"])
    assert {"slot", "title", "tags"} == set(single["bookedEntity"])


@pytest.mark.parametrize(("shown_as", "expected"), [("number", {"count": 3}), ("text", {"count": "3"}), ("missing", {})])
async def test_count_can_be_a_number_a_numeric_string_or_missing(
    shown_as: Literal["number", "text", "missing"], expected: dict[str, object]
) -> None:
    raw = filled(3)
    raw.wix.switches.count_as = shown_as
    assert expected == (await raw.count({})).json()


async def test_a_filter_inside_query_is_not_seen_by_count() -> None:
    assert {"count": 4} == (await filled(4).post(COUNT, {"query": {"filter": {"status": "NOPE"}}})).json()


@pytest.mark.parametrize("content", [b"{", b"[]", b'"x"', b"null"])
async def test_a_body_that_is_no_json_object_is_400(content: bytes) -> None:
    [answer] = await RawWix().send([Request("POST", COUNT, content=content)])
    assert 400 == answer.status_code
    assert "validationError" in answer.json()["details"]


async def test_a_page_has_50_rows_by_default() -> None:
    answer = (await filled(60).query({})).json()
    assert (50, 50, True) == (
        len(answer["extendedBookings"]),
        answer["pagingMetadata"]["count"],
        answer["pagingMetadata"]["hasNext"],
    )


@pytest.mark.parametrize(("limit", "status"), [(1, 200), (100, 200), (101, 400), (0, 400), (-1, 400), ("5", 400), (True, 400)])
async def test_a_limit_above_100_is_400(limit: object, status: int) -> None:
    assert status == (await RawWix().query({"cursorPaging": {"limit": limit}})).status_code


async def test_the_last_page_has_no_cursor_and_no_next() -> None:
    paging = (await filled(3).query({})).json()["pagingMetadata"]
    assert {"count": 3, "cursors": {}, "hasNext": False} == paging


async def test_a_cursor_is_opaque_and_carries_filter_and_sort_to_the_next_page() -> None:
    raw = filled(30)
    query = {"filter": {"status": {"$ne": "CREATED"}}, "sort": [{"fieldName": "startDate", "order": "DESC"}]}
    cursor = (await raw.query({**query, "cursorPaging": {"limit": 7}})).json()["pagingMetadata"]["cursors"]["next"]
    assert cursor.startswith("JWE.")
    assert len(cursor) <= 16_000
    rows = await read_all(raw, query, limit=7)
    assert sorted(rows, key=lambda row: datetime.fromisoformat(row["startDate"]), reverse=True) == rows
    assert {"CREATED"}.isdisjoint(row["status"] for row in rows)


@pytest.mark.parametrize("extra", [{"filter": {}}, {"filter": {"status": "CONFIRMED"}}, {"sort": [{"fieldName": "id"}]}])
async def test_filter_or_sort_together_with_a_cursor_is_400(extra: dict[str, Any]) -> None:
    raw = filled(3)
    cursor = (await raw.query({"cursorPaging": {"limit": 1}})).json()["pagingMetadata"]["cursors"]["next"]
    answer = await raw.query({"cursorPaging": {"limit": 1, "cursor": cursor}, **extra})
    assert (400, "INVALID_CURSOR") == (answer.status_code, code_of(answer))


@pytest.mark.parametrize("cursor", ["", "x", "JWE.x.y.z", 7])
async def test_a_cursor_that_wix_did_not_make_is_400(cursor: object) -> None:
    assert 400 == (await RawWix().query({"cursorPaging": {"cursor": cursor}})).status_code


async def test_a_tampered_cursor_is_400() -> None:
    raw = filled(3)
    cursor = (await raw.query({"cursorPaging": {"limit": 1}})).json()["pagingMetadata"]["cursors"]["next"]
    head, key, payload, seal = cursor.rsplit(".", 3)
    changed = f"{head}.{key}.{'A' if payload[5] != 'A' else 'B'}{payload[1:]}.{seal}"
    assert 400 == (await raw.query({"cursorPaging": {"cursor": changed}})).status_code


async def test_rows_that_come_and_go_between_pages_neither_repeat_nor_hide_others() -> None:
    raw = filled(20)
    before = {booking.id for booking in raw.site.bookings}
    page = (await raw.query({"cursorPaging": {"limit": 10}})).json()
    seen = [row["booking"]["id"] for row in page["extendedBookings"]]
    raw.site.bookings.delete(seen[-1])
    raw.site.bookings.delete(seen[0])
    cursor = page["pagingMetadata"]["cursors"]["next"]
    rest = (await raw.query({"cursorPaging": {"cursor": cursor, "limit": 100}})).json()
    seen += [row["booking"]["id"] for row in rest["extendedBookings"]]
    assert (before, 20) == (set(seen), len(seen))


async def test_the_default_sort_is_by_id_or_newest_first_by_switch() -> None:
    raw = RawWix()
    for age in (3, 1, 2):
        raw.site.bookings.add(raw.now, raw.now + HOUR, created=raw.now - age * HOUR)
    by_id = [row["id"] for row in await read_all(raw, {})]
    assert sorted(by_id) == by_id
    raw.wix.switches.default_sort = "createdDate"
    created = [row["createdDate"] for row in await read_all(raw, {})]
    assert sorted(created, reverse=True) == created


@pytest.mark.parametrize(
    "sort", [[{"fieldName": "bookedEntity.tags"}], [{"fieldName": "x"}], [{"fieldName": "id", "order": "UP"}], ["id"], "id"]
)
async def test_an_unsupported_sort_is_400(sort: object) -> None:
    assert 400 == (await RawWix().query({"sort": sort})).status_code


async def test_a_repeated_cursor_serves_the_same_page_for_ever() -> None:
    raw = filled(5)
    raw.wix.switches.repeat_cursor = True
    first = (await raw.query({"cursorPaging": {"limit": 2}})).json()
    cursor = first["pagingMetadata"]["cursors"]["next"]
    pages = [(await raw.query({"cursorPaging": {"limit": 2, "cursor": cursor}})).json() for _ in range(3)]
    assert {cursor} == {page["pagingMetadata"]["cursors"]["next"] for page in pages}
    assert pages[0] == pages[1] == pages[2]
    assert pages[0]["pagingMetadata"]["hasNext"] is True


async def test_has_next_is_absent_by_switch() -> None:
    raw = filled(3)
    raw.wix.switches.omit_has_next = True
    assert {"count", "cursors"} == set((await raw.query({"cursorPaging": {"limit": 2}})).json()["pagingMetadata"])


async def test_a_trailing_empty_page_can_follow_the_last_full_one() -> None:
    raw = filled(4)
    raw.wix.switches.trailing_empty_page = True
    cursor = (await raw.query({"cursorPaging": {"limit": 4}})).json()["pagingMetadata"]["cursors"]["next"]
    last = (await raw.query({"cursorPaging": {"limit": 4, "cursor": cursor}})).json()
    assert ([], {"count": 0, "cursors": {}, "hasNext": False}) == (last["extendedBookings"], last["pagingMetadata"])


async def test_offset_paging_and_projections_are_ignored() -> None:
    raw = filled(5)
    plain = (await raw.query({})).json()
    assert plain == (await raw.query({"paging": {"limit": 1, "offset": 3}, "fields": ["id"], "fieldsets": ["X"]})).json()


async def test_no_total_is_ever_told() -> None:
    assert "total" not in (await filled(5).query({})).json()["pagingMetadata"]


async def test_the_reader_does_not_know_the_newest_bookings_yet_by_switch() -> None:
    raw = RawWix()
    raw.wix.switches.reader_lag_seconds = 30.0
    raw.site.bookings.add(raw.now + DAY, raw.now + DAY + HOUR)
    raw.clock.now += 29
    assert {"count": 0} == (await raw.count({})).json()
    raw.clock.now += 1
    assert {"count": 1} == (await raw.count({})).json()


@pytest.mark.parametrize("secret", canary.CANARIES)
async def test_every_row_is_heavy_with_canaries(secret: str) -> None:
    raw = RawWix()
    raw.site.bookings.add(raw.now, raw.now + HOUR, staff=raw.site.add_staff())
    assert secret in (await raw.query({})).text


async def test_the_rows_say_their_times_in_utc_and_the_slots_in_local_time() -> None:
    raw = filled(40)
    rows = await read_all(raw, {})
    for row in rows:
        booking = raw.site.bookings[row["id"]]
        assert booking.start == datetime.fromisoformat(row["startDate"]).timestamp()
        assert row["startDate"].endswith("Z")
        slot = datetime.fromisoformat(row["bookedEntity"]["slot"]["startDate"])
        assert datetime.fromtimestamp(booking.start, booking.zone).replace(tzinfo=None) == slot.replace(tzinfo=None)
    assert {True, False} == {"." in row["startDate"] for row in rows}
    assert {True, False} == {"+" in row["bookedEntity"]["slot"]["startDate"] for row in rows}


async def test_a_revision_is_a_number_in_a_string() -> None:
    assert {"1"} == {row["revision"] for row in await read_all(filled(2), {})}


async def test_a_row_can_break_what_the_api_promises() -> None:
    raw = RawWix()
    raw.site.bookings.add(raw.now, raw.now, patch={"status": None, "startDate": ABSENT, "endDate": 7})
    [row] = await read_all(raw, {})
    assert (None, 7) == (row["status"], row["endDate"])
    assert "startDate" not in row


async def test_a_double_booking_is_marked_on_both_rows_until_it_is_cancelled() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    raw.site.bookings.add(raw.now + 4 * HOUR, raw.now + 5 * HOUR, staff=staff)
    second = raw.site.bookings.double_book()
    assert {"count": 2} == (await raw.count({"doubleBooked": True})).json()
    first, other = await read_all(raw, {"filter": {"doubleBooked": True}, "sort": [{"fieldName": "startDate"}]})
    assert first["bookedEntity"]["slot"]["resource"]["id"] == other["bookedEntity"]["slot"]["resource"]["id"]
    assert first["startDate"] < other["startDate"] < first["endDate"]
    raw.site.bookings.cancel(second)
    assert {"count": 0} == (await raw.count({"doubleBooked": {"$eq": True}})).json()
    assert "CANCELED" == raw.site.bookings[second].status
    assert not any("doubleBooked" in row for row in await read_all(raw, {}))


async def _marked(raw: RawWix) -> set[str]:
    return {row["id"] for row in await read_all(raw, {"filter": {"doubleBooked": {"$eq": True}}})}


async def test_a_booking_that_overlaps_a_confirmed_one_is_marked_and_the_confirmed_one_only_if_the_other_is_confirmed() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    raw.site.bookings.add(raw.now, raw.now + HOUR, staff=staff)
    pending = raw.site.bookings.add(raw.now + HOUR / 2, raw.now + HOUR, staff=staff, status="PENDING")
    raw.site.bookings.add(raw.now + HOUR / 2, raw.now + HOUR, staff=staff, status="CANCELED")
    raw.site.bookings.add(raw.now + HOUR, raw.now + 2 * HOUR, staff=staff)
    raw.site.bookings.add(raw.now, raw.now + HOUR, staff=raw.site.add_staff())
    assert {pending} == await _marked(raw)


async def test_seats_of_one_class_and_a_course_are_not_marked_but_two_classes_at_once_are() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    raw.site.bookings.add_class(staff, raw.now, seats=3)
    raw.site.bookings.add_course(raw.now, weeks=3)
    assert set() == await _marked(raw)
    raw.site.bookings.add_class(staff, raw.now, seats=2)
    assert 5 == len(await _marked(raw))


async def test_a_mark_may_come_and_go_ten_minutes_late() -> None:
    raw = RawWix()
    raw.wix.switches.double_booked_lag_seconds = 600
    staff = raw.site.add_staff()
    raw.site.bookings.add(raw.now, raw.now + HOUR, staff=staff)
    second = raw.site.bookings.add(raw.now, raw.now + HOUR, staff=staff)
    raw.clock.now += 599
    assert set() == await _marked(raw)
    raw.clock.now += 1
    assert 2 == len(await _marked(raw))
    raw.site.bookings.cancel(second)
    raw.clock.now += 599
    assert 2 == len(await _marked(raw))
    raw.clock.now += 1
    assert set() == await _marked(raw)


async def test_a_filter_by_the_mark_may_be_refused() -> None:
    raw = RawWix()
    raw.wix.switches.double_booked = "refused"
    answer = await raw.count({"$and": [{"doubleBooked": {"$eq": True}}]})
    assert 400 == answer.status_code
    assert "INVALID_FILTER" == answer.json()["details"]["applicationError"]["code"]


async def test_a_mark_may_never_come() -> None:
    raw = RawWix()
    raw.wix.switches.double_booked = "never"
    staff = raw.site.add_staff()
    for _ in range(2):
        raw.site.bookings.add(raw.now, raw.now + HOUR, staff=staff)
    assert set() == await _marked(raw)


def test_a_double_booking_is_still_ahead_when_its_incident_has_lasted_for_two_hours() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    for hours in (1, 2, 5):
        raw.site.bookings.add(raw.now + hours * HOUR, raw.now + (hours + 1) * HOUR, staff=staff)
    assert raw.now + 5.5 * HOUR == raw.site.bookings[raw.site.bookings.double_book()].start


async def test_cancelling_one_double_booking_leaves_another_of_the_same_person_marked() -> None:
    raw = RawWix()
    staff = raw.site.add_staff()
    later = raw.site.bookings.add(raw.now + 8 * HOUR, raw.now + 9 * HOUR, staff=staff)
    later_second = raw.site.bookings.double_book()
    raw.site.bookings.add(raw.now + 4 * HOUR, raw.now + 5 * HOUR, staff=staff)
    raw.site.bookings.cancel(raw.site.bookings.double_book())
    assert {later, later_second} == {row["id"] for row in await read_all(raw, {"filter": {"doubleBooked": True}})}


async def test_a_double_booking_finds_a_victim_even_on_an_empty_day() -> None:
    raw = RawWix()
    raw.site.add_staff()
    raw.site.bookings.double_book()
    assert {"count": 2} == (await raw.count(between(raw.now, raw.now + DAY))).json()


def test_nobody_to_book_is_an_error() -> None:
    with pytest.raises(LookupError):
        RawWix().site.bookings.double_book()


async def test_bookings_arrive_as_the_clock_moves_and_stop_when_the_intake_stops() -> None:
    raw = RawWix()
    raw.site.add_staff()
    raw.site.diary.start_intake(60.0)
    raw.clock.now += 599
    assert {"count": 9} == (await raw.count({})).json()
    raw.site.diary.stop_intake()
    raw.clock.now += 6000
    assert {"count": 9} == (await raw.count({})).json()
    raw.site.diary.resume_intake()
    raw.clock.now += 60
    assert {"count": 10} == (await raw.count({})).json()


async def test_arriving_bookings_never_overlap_on_one_person() -> None:
    raw = RawWix()
    for _ in range(2):
        raw.site.add_staff()
    raw.site.bookings.seed(days_back=1, days_ahead=7)
    raw.site.diary.start_intake(60.0)
    raw.clock.now += DAY
    await raw.count({})
    live = [one for one in raw.site.bookings if one.status in {"CONFIRMED", "PENDING"}]
    by_person: dict[object, list[tuple[float, float]]] = {}
    for one in live:
        by_person.setdefault(one.resource_id, []).append((one.start, one.end))
    assert 2 == len(by_person)
    for spans in by_person.values():
        spans.sort()
        assert all(first[1] <= second[0] for first, second in pairwise(spans))


async def test_arriving_bookings_start_in_opening_hours_of_the_sites_zone() -> None:
    raw = RawWix()
    raw.site.add_staff()
    raw.site.diary.start_intake(600.0)
    raw.clock.now += 3 * DAY
    await raw.count({})
    local = [datetime.fromtimestamp(one.start, UTC).astimezone(one.zone) for one in raw.site.bookings]
    assert len(local) > 400
    assert {6}.isdisjoint(moment.weekday() for moment in local)
    assert (9, 17) == (min(moment.hour for moment in local), max(moment.hour for moment in local))


async def test_a_class_is_several_bookings_of_one_event_with_a_waiting_list() -> None:
    raw = RawWix()
    event_id = raw.site.bookings.add_class(raw.site.add_staff(), raw.now + HOUR, seats=5, waiting=2)
    assert {"count": 7} == (await raw.count({"bookedEntity.item.slot.eventId": event_id})).json()
    assert {"count": 2} == (await raw.count({"status": "WAITING_LIST"})).json()
