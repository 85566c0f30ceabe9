"""Staff who take bookings without a working import (docs/platforms/wix.md 7.1)."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.connection_checks import CalendarProbe, ImportCalendars, StaffProtection, UnprotectedReason, UnprotectedStaff
from exporter.model import CalendarType, CollectorName, Connection, ConnectionStatus
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.protection import protection
from exporter.platforms.wix.settings import WixCollectors, WixConnections
from exporter.platforms.wix.staff_rows import StaffRow
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import APPLE, GOOGLE
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.connections import import_from, sync_config
from tests.harness.wix_site import WixBench

STAFF = "QueryStaffMembers"
HOUR = 3600.0
NO_CONNECTION = UnprotectedReason.NO_CONNECTION


async def seen(bench: WixBench, **settings: Any) -> StaffProtection | None:  # noqa: ANN401  fields of the settings
    """Return what a command that asks once sees of the staff."""
    connections = WixConnections(**{"interval": 60.0, "max_age": 300.0, **settings})
    bench.open(bench.target(collectors=WixCollectors(connections=connections)), asks_once=True)
    return (await bench.observe()).staff


def connected(bench: WixBench, staff: Staff, **fields: object) -> str:
    made = bench.site.connections.connect(GOOGLE, staff.schedule_id)
    bench.site.connections.amend(made, without=(), **{"status": "SYNCED", **fields})
    return made


async def reasons(bench: WixBench) -> list[UnprotectedReason]:
    found = await seen(bench)
    assert found is not None
    return [one.reason for one in found.unprotected]


async def test_who_has_a_working_import_is_protected_and_who_has_no_connection_is_not(bench: WixBench) -> None:
    anna, ben = bench.site.add_staff("Anna"), bench.site.add_staff("Ben")
    connected(bench, anna)
    expected = StaffProtection(1, 0, (UnprotectedStaff(short_hash(ben.schedule_id), NO_CONNECTION),))
    assert expected == await seen(bench)


@pytest.mark.parametrize("status", [200, 403, 500])
async def test_the_staff_is_awaited_until_it_was_asked_for_whatever_came_of_it(bench: WixBench, status: int) -> None:
    bench.site.add_staff()
    if status != 200:
        bench.spoil(FaultKind.STATUS, STAFF, status=status)
    awaited = [(await bench.observe()).staff_awaited for _ in range(11)]
    first = awaited.index(False)
    assert [True] * first + [False] * (11 - first) == awaited
    assert 1 <= bench.calls(STAFF)
    assert not (await bench.observe()).staff_awaited


async def test_without_staff_none_is_awaited(bench: WixBench) -> None:
    connections = WixConnections(interval=60.0, max_age=300.0, staff=False)
    bench.open(bench.target(collectors=WixCollectors(connections=connections)))
    assert not (await bench.observe()).staff_awaited


async def test_who_is_hired_is_known_as_soon_as_the_configured_time_between_two_checks_lets_it(bench: WixBench) -> None:
    connected(bench, bench.site.add_staff())
    connections = WixConnections(interval=60.0, max_age=300.0, check_interval=300.0)
    bench.open(bench.target(collectors=WixCollectors(connections=connections)))
    bench.clock.now += 60
    await bench.observe()
    bench.site.add_staff()
    bench.clock.now += 350
    found = (await bench.observe()).staff
    assert found is not None
    assert [NO_CONNECTION] == [one.reason for one in found.unprotected]


async def test_the_schedule_of_a_staff_member_without_a_connection_may_have_a_name(bench: WixBench) -> None:
    connected(bench, bench.site.add_staff())
    ben = bench.site.add_staff()
    bench.open(bench.target(aliases={ben.schedule_id.upper(): "Ben", "beef": "Cem"}), asks_once=True)
    seen = await bench.observe()
    assert ("beef",) == seen.unknown_aliases
    assert seen.staff is not None
    assert ["Ben"] == [one.schedule for one in seen.staff.unprotected]


async def test_no_name_is_called_unknown_while_a_row_of_the_staff_cannot_be_read(bench: WixBench) -> None:
    anna, ben = bench.site.add_staff(), bench.site.add_staff()
    connected(bench, anna)
    bench.open(bench.target(aliases={ben.schedule_id: "Ben"}), asks_once=True)
    row = {"resourceId": anna.resource_id, "resource": {"eventsSchedule": {"id": anna.schedule_id}}}
    rows = [row, {"resourceId": 7}]
    bench.answer_with(STAFF, json.dumps({"staffMembers": rows, "pagingMetadata": {}}))
    assert () == (await bench.observe()).unknown_aliases


async def test_a_schedule_to_watch_is_told_to_have_no_calendar_at_once_although_it_is_a_staff_members(bench: WixBench) -> None:
    ben = bench.site.add_staff()
    bench.open(bench.target(schedule_ids=[ben.schedule_id]))
    assert [(ben.schedule_id,)] * 12 == [(await bench.observe()).unknown_schedules for _ in range(12)]


async def test_whose_schedules_may_have_names_is_told_only_once_the_staff_was_read(bench: WixBench) -> None:
    connected(bench, bench.site.add_staff())
    ben = bench.site.add_staff()
    bench.open(bench.target(aliases={ben.schedule_id: "Ben", "beef": "Cem"}))
    seen = [(await bench.observe()).unknown_aliases for _ in range(12)]
    assert [(), ("beef",)] == list(dict.fromkeys(seen))


async def test_who_gives_no_services_does_not_count_and_who_may_give_some_does(bench: WixBench) -> None:
    bench.site.add_staff(service_provider=False)
    assert StaffProtection(0, 0, ()) == await seen(bench)
    bench.site.add_staff(service_provider=None)
    assert [NO_CONNECTION] == await reasons(bench)


@pytest.mark.parametrize(
    ("identity", "reason"),
    [
        ("PENDING", UnprotectedReason.INVITE_PENDING),
        ("EXPIRED", UnprotectedReason.INVITE_EXPIRED),
        ("DISCONNECTED", UnprotectedReason.USER_DISCONNECTED),
        ("CONNECTED", NO_CONNECTION),
        ("UNKNOWN", NO_CONNECTION),
        (None, NO_CONNECTION),
    ],
)
async def test_the_account_behind_a_staff_member_says_why_there_is_no_connection(
    bench: WixBench, identity: str | None, reason: UnprotectedReason
) -> None:
    connected(bench, bench.site.add_staff(identity=identity))
    assert [] == await reasons(bench)  # whoever has a working import needs nothing else
    bench.site.add_staff(identity=identity)
    assert [reason] == await reasons(bench)


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"status": "ERROR", "errorReason": "TOKEN_REVOKED"}, UnprotectedReason.CONNECTION_ERROR),
        ({"status": "DISCONNECTED"}, NO_CONNECTION),
        ({"syncConfig": sync_config(None)}, UnprotectedReason.IMPORT_OFF),
        ({"syncConfig": {"listEventFromCalendars": import_from()}}, UnprotectedReason.NO_CALENDAR_CHOSEN),
    ],
)
async def test_a_connection_that_imports_nothing_protects_nobody(
    bench: WixBench, fields: dict[str, object], reason: UnprotectedReason
) -> None:
    connected(bench, bench.site.add_staff(), **fields)
    assert [reason] == await reasons(bench)


async def test_one_of_several_connections_is_enough(bench: WixBench) -> None:
    anna = bench.site.add_staff()
    connected(bench, anna, status="ERROR")
    connected(bench, anna)
    assert [] == await reasons(bench)


async def test_a_connection_that_fails_its_probe_protects_nobody(bench: WixBench) -> None:
    anna = bench.site.add_staff()
    made = bench.site.connections.connect(APPLE, anna.schedule_id, status="SYNCED")
    bench.site.connections.kill_token(made)
    assert [UnprotectedReason.CONNECTION_ERROR] == await reasons(bench)


@pytest.mark.parametrize("status", ["UNDEFINED", "SOMETHING_NEW"])
async def test_of_a_connection_without_a_clear_status_nothing_is_said(bench: WixBench, status: str) -> None:
    connected(bench, bench.site.add_staff(), status=status)
    assert StaffProtection(0, 1, ()) == await seen(bench)


async def test_while_a_provider_fails_nobody_is_said_to_have_no_connection(bench: WixBench) -> None:
    anna, ben = bench.site.add_staff(), bench.site.add_staff()
    connected(bench, anna)
    bench.site.connections.connect(APPLE, ben.schedule_id, status="SYNCED")
    bench.site.add_staff()
    bench.site.provider_down(APPLE)
    bench.open(asks_once=True)
    observation = (await bench.poll()).observation
    assert StaffProtection(1, 2, ()) == observation.staff  # type: ignore[union-attr]  # connections were polled


async def test_a_malformed_connection_may_be_anybodys(bench: WixBench) -> None:
    bench.site.add_staff()
    bench.site.connections.amend(bench.connect(), id=5)
    bench.connect()
    assert StaffProtection(0, 1, ()) == await seen(bench)


async def test_a_schedule_is_the_same_whatever_its_letters_and_has_its_alias(bench: WixBench) -> None:
    anna, ben = bench.site.add_staff(), bench.site.add_staff()
    made = connected(bench, anna)
    bench.site.connections.amend(made, scheduleId=anna.schedule_id.upper())
    bench.open(bench.target(aliases={ben.schedule_id.upper(): "Ben"}), asks_once=True)
    assert StaffProtection(1, 0, (UnprotectedStaff("Ben", NO_CONNECTION),)) == (await bench.observe()).staff


async def test_only_those_of_the_watched_schedules_count(bench: WixBench) -> None:
    anna, _ = bench.site.add_staff(), bench.site.add_staff()
    bench.open(bench.target(schedule_ids=(anna.schedule_id,)), asks_once=True)
    expected = StaffProtection(0, 0, (UnprotectedStaff(short_hash(anna.schedule_id), NO_CONNECTION),))
    assert expected == (await bench.observe()).staff


async def test_who_is_accepted_is_in_no_number(bench: WixBench) -> None:
    anna = bench.site.add_staff()
    label = short_hash(anna.schedule_id)
    bench.policy = TargetPolicy(connections={label: AcceptedReason("has no calendar")})
    assert StaffProtection(0, 0, (), (UnprotectedStaff(label, NO_CONNECTION),)) == await seen(bench)


@pytest.mark.parametrize("members", [0, 1, 120])
async def test_the_staff_is_read_to_its_end(bench: WixBench, members: int) -> None:
    for _ in range(members):
        bench.site.add_staff()
    found = await seen(bench)
    assert found is not None
    assert (members, max(1, -(-members // 100))) == (len(found.unprotected), bench.calls(STAFF))


async def test_more_staff_than_the_cap_is_not_watched(bench: WixBench) -> None:
    for _ in range(1_001):
        bench.site.add_staff()
    assert await seen(bench) is None


async def test_the_staff_is_read_about_once_an_hour_and_joined_with_each_poll(bench: WixBench) -> None:
    anna = bench.site.add_staff()
    for _ in range(12):
        staff = (await bench.observe()).staff
    assert (1, 1) == (bench.calls(STAFF), len(staff.unprotected) if staff else 0)
    connected(bench, anna)
    staff = (await bench.observe()).staff
    assert (1, 1) == (bench.calls(STAFF), staff.protected if staff else 0)
    for _ in range(71):
        await bench.observe()
    assert 2 == bench.calls(STAFF)


async def test_without_staff_nothing_is_asked(bench: WixBench) -> None:
    bench.site.add_staff()
    assert (None, 0) == (await seen(bench, staff=False), bench.calls(STAFF))
    assert "query_staff" not in bench.session.expected.operations


async def test_a_right_that_is_missing_costs_this_alone_and_is_told(bench: WixBench) -> None:
    bench.site.add_staff()
    bench.spoil(FaultKind.STATUS, STAFF, status=403)
    bench.open(asks_once=True)
    observation = await bench.observe()
    assert (None, True) == (observation.staff, "HTTP 403" in observation.staff_refused)
    bench.simulator.faults.clear()
    bench.clock.now += 2 * HOUR
    observation = await bench.observe()
    assert (True, "") == (observation.staff is not None, observation.staff_refused)


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": FaultKind.STATUS, "status": 500},
        {"kind": FaultKind.DROP},
        {"kind": FaultKind.SLOW_HEADERS, "seconds": 60.0},
        {"kind": FaultKind.BODY, "body": '{"staffMembers": 5}', "content_type": "application/json"},
        {"kind": FaultKind.BODY, "body": "<html>", "content_type": "text/html"},
    ],
    ids=lambda fault: f"{fault['kind'].value} {fault.get('body', '')}",
)
async def test_no_answer_says_nothing_and_costs_the_poll_nothing_and_is_tried_again_in_ten_minutes(
    bench: WixBench, fault: dict[str, Any]
) -> None:
    bench.site.add_staff()
    options = {**fault}
    bench.spoil(options.pop("kind"), STAFF, **options)
    assert await seen(bench) is None
    bench.simulator.faults.clear()
    assert (await bench.observe()).staff is None
    bench.clock.now += 600
    assert (await bench.observe()).staff is not None


async def test_who_says_when_to_ask_for_the_staff_again_is_obeyed_and_nothing_else_waits(bench: WixBench) -> None:
    bench.site.add_staff()
    bench.open(bench.target(bookings={}), asks_once=True)
    bench.spoil(FaultKind.STATUS, STAFF, status=503, retry_after="3600", times=1)
    for minutes in (0, 50):
        bench.clock.now += minutes * 60
        assert (await bench.observe()).staff is None
        await bench.count()
    assert 1 == bench.calls(STAFF)
    bench.clock.now += 600
    assert (await bench.observe()).staff is not None


async def test_what_was_read_is_withdrawn_after_three_hours(bench: WixBench) -> None:
    bench.site.add_staff()
    assert await seen(bench) is not None
    bench.spoil(FaultKind.STATUS, STAFF, status=500)
    known = []
    for _ in range(4):
        bench.clock.now += 55 * 60
        known.append((await bench.observe()).staff is not None)
    assert [True, True, True, False] == known


async def test_rows_and_words_that_cannot_be_read_are_counted(bench: WixBench) -> None:
    body = """{"staffMembers": [{"resourceId": 5}, {"resourceId": "a", "resource": {"eventsSchedule": {"id": 7}}},
        {"resourceId": "b", "resource": {"eventsSchedule": {"id": "s"}},
         "associatedWixIdentity": {"connection": {"status": "NEW"}}}]}"""
    bench.answer_with(STAFF, body)
    assert StaffProtection(0, 2, (UnprotectedStaff(short_hash("s"), NO_CONNECTION),)) == await seen(bench)
    assert 1 == bench.events.malformed[CollectorName.CONNECTIONS]
    assert 1 == bench.events.unrecognized[CollectorName.CONNECTIONS, "staff_identity"]


async def test_no_name_and_no_address_of_the_staff_leaves_the_decoder(bench: WixBench) -> None:
    bench.site.add_staff(canary.FIRST_NAME)
    assert not [word for word in canary.CANARIES if word in repr(await seen(bench))]


STATUSES = st.sampled_from(sorted(ConnectionStatus))
ROWS = st.builds(
    StaffRow,
    id=st.uuids().map(str),
    schedule_id=st.sampled_from(["", "s1", "s2", "s3"]),
    takes_bookings=st.booleans(),
    identity=st.sampled_from([None, UnprotectedReason.INVITE_PENDING, UnprotectedReason.USER_DISCONNECTED]),
)
CONNECTIONS = st.builds(
    Connection,
    key=st.text("abc", min_size=3),
    calendar_type=st.just(CalendarType.GOOGLE),
    provider=st.just("google"),
    schedule=st.sampled_from(["s1", "s2", "s3", "unknown"]),
    status=STATUSES,
    error_reason=st.none(),
    import_enabled=st.booleans(),
    export_enabled=st.booleans(),
    since=st.just(0.0),
    observed_at=st.just(0.0),
    probe=st.sampled_from([None, CalendarProbe(succeeded=True, at=0, since=0), CalendarProbe(succeeded=False, at=0, since=0)]),
    import_calendars=st.sampled_from([None, ImportCalendars(0, 0), ImportCalendars(1, 0), ImportCalendars(1, 1)]),
)


def _naive(staff: list[StaffRow], connections: list[Connection], *, whole: bool) -> Counter[str]:
    """Count by asking of each member whether any connection of the schedule imports."""
    found: Counter[str] = Counter()
    for member in staff:
        if not member.takes_bookings:
            continue
        own = [one for one in connections if one.schedule == member.schedule_id]
        works = [
            one
            for one in own
            if one.status in ("synced", "connected", "sync_in_progress")
            and one.import_enabled
            and not (one.probe and not one.probe.succeeded)
            and not (one.import_calendars and one.import_calendars.present == 0)
        ]
        if member.schedule_id == "":
            found["unknown"] += 1
        elif works:
            found["protected"] += 1
        elif any(one.status in ("undefined", "unknown") for one in own) or (not own and not whole):
            found["unknown"] += 1
        else:
            found["unprotected"] += 1
    return found


@given(st.lists(ROWS, max_size=8), st.lists(CONNECTIONS, max_size=8), st.booleans())
def test_the_numbers_are_those_of_a_naive_count(staff: list[StaffRow], connections: list[Connection], whole: bool) -> None:
    found = protection(staff, connections, unreadable=0, whole=whole, label=str, is_accepted=lambda _: False)
    numbers = Counter(protected=found.protected, unknown=found.unknown, unprotected=len(found.unprotected))
    assert +_naive(staff, connections, whole=whole) == +numbers


@pytest.mark.parametrize(("good", "odd"), [(1, 1), (0, 2)])
async def test_of_a_member_whose_row_cannot_be_read_nothing_is_known_and_it_is_not_left_out(
    bench: WixBench, good: int, odd: int
) -> None:
    rows = ['{"resourceId": "a", "resource": {"eventsSchedule": {"id": "s"}}}'] * good + ['{"resourceId": 5}'] * odd
    bench.answer_with(STAFF, f'{{"staffMembers": [{", ".join(rows)}]}}')
    found = await seen(bench)
    assert found is not None
    assert (odd, good) == (found.unknown, len(found.unprotected))
