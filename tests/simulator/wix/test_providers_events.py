"""Simulated providers, imported events, calendars and schedule names (wix.md 4, 5, 7, 9.3; checklist 13)."""

from __future__ import annotations

from datetime import datetime
from typing import Any
from uuid import uuid4

import pytest

from exporter.simulator import canary
from exporter.simulator.wix import APP_PROVIDER, APPLE, GOOGLE, sync_config
from exporter.simulator.wix.filters import utc_text
from exporter.simulator.wix.world import BUSINESS_SCHEDULE
from tests.harness.simulated_wix import CONNECTIONS, EMPTY, EVENTS, PROVIDERS, SCHEDULES, RawWix, Request, code_of

DAY = 86_400.0


def week(raw: RawWix, **more: str) -> dict[str, object]:
    return {"from": utc_text(raw.now), "to": utc_text(raw.now + 7 * DAY), **more}


async def test_a_site_has_three_built_in_providers_and_one_of_an_app() -> None:
    rows = (await RawWix().get(PROVIDERS)).json()["providers"]
    assert [
        ("6c533722-f1f9-4847-95c7-d4c4922ae9b0", "GOOGLE"),
        ("9f084ae8-b3a6-4eb6-a29d-bc682c04b5fc", "I_CAL"),
        ("ae0d26b4-7e04-4735-a15e-1b1acaba2f00", "MICROSOFT"),
    ] == [(row["id"], row["calendarType"]) for row in rows[:3]]
    assert ["OTHER"] == [row["calendarType"] for row in rows[3:]]


async def test_every_provider_carries_its_app_definition_id() -> None:
    assert all(row["appDefId"] == row["id"] for row in (await RawWix().get(PROVIDERS)).json()["providers"])


async def test_provider_features_use_the_documented_words() -> None:
    features = [row["features"] for row in (await RawWix().get(PROVIDERS)).json()["providers"]]
    assert {"OAUTH", "CREDENTIALS"} == {one for row in features for one in row["connectMethods"]}
    assert {row["listEventFromCalendars"] for row in features} <= {"PRIMARY_CALENDAR_ONLY", "SPECIFIC_CALENDARS"}
    assert {row["syncToCalendar"] for row in features} <= {"NOT_SUPPORTED", "SPECIFIC_CALENDAR", "DEDICATED_CALENDAR"}


async def test_providers_can_fail_while_connections_work() -> None:
    raw = RawWix()
    raw.site.connect_many(2)
    raw.wix.switches.providers_fail = True
    answer = await raw.get(PROVIDERS)
    assert (500, EMPTY) == (answer.status_code, answer.json())
    assert 2 == len(await raw.connections())


@pytest.mark.parametrize("missing", ["from", "to"])
async def test_events_without_from_or_to_and_without_a_cursor_are_400(missing: str) -> None:
    raw = RawWix()
    params = week(raw)
    del params[missing]
    answer = await raw.get(EVENTS, params)
    [violation] = answer.json()["details"]["validationError"]["fieldViolations"]
    assert (400, missing) == (answer.status_code, violation["field"])


@pytest.mark.parametrize("moment", ["yesterday", "2026-11-20T00:00:00"])
async def test_event_bounds_are_rfc_3339(moment: str) -> None:
    raw = RawWix()
    assert 400 == (await raw.get(EVENTS, week(raw, to=moment))).status_code


@pytest.mark.parametrize(("limit", "status"), [("1", 200), ("1000", 200), ("1001", 400), ("0", 400), ("x", 400)])
async def test_an_event_limit_above_1000_is_400(limit: str, status: int) -> None:
    raw = RawWix()
    assert status == (await raw.get(EVENTS, week(raw, **{"cursorPaging.limit": limit}))).status_code


async def test_events_come_sorted_and_each_once_over_jwe_like_cursors() -> None:
    raw = RawWix()
    raw.site.connect_many(10)
    whole = (await raw.get(EVENTS, week(raw, **{"cursorPaging.limit": "1000"}))).json()["events"]
    answer = (await raw.get(EVENTS, week(raw, **{"cursorPaging.limit": "7"}))).json()
    read = list(answer["events"])
    while answer["pagingMetadata"]["hasNext"]:
        cursor = answer["pagingMetadata"]["cursors"]["next"]
        assert cursor.startswith("JWE.")
        # The official example repeats the bounds beside the cursor.
        answer = (await raw.get(EVENTS, week(raw, **{"cursorPaging.cursor": cursor, "cursorPaging.limit": "7"}))).json()
        read += answer["events"]
    assert whole == read
    assert len(whole) > 50
    assert sorted(whole, key=lambda row: str(row["start"])) == whole


async def test_a_cursor_needs_no_bounds() -> None:
    raw = RawWix()
    raw.site.connect_many(2)
    cursor = (await raw.get(EVENTS, week(raw, **{"cursorPaging.limit": "1"}))).json()["pagingMetadata"]["cursors"]["next"]
    assert 200 == (await raw.get(EVENTS, {"cursorPaging.cursor": cursor})).status_code


async def test_the_last_page_of_events_has_no_cursors_at_all() -> None:
    assert {"count": 0, "hasNext": False} == (await RawWix().get(EVENTS, week(RawWix()))).json()["pagingMetadata"]


async def test_the_name_of_the_schedule_owner_comes_along_despite_no_pi() -> None:
    raw = RawWix()
    raw.site.connect_many(1)
    rows = (await raw.get(EVENTS, week(raw, fieldsets="NO_PI"))).json()["events"]
    assert {canary.FIRST_NAME} == {row["scheduleOwnerName"] for row in rows}
    assert {"scheduleId", "calendarType", "start", "end", "scheduleOwnerId", "scheduleOwnerName"} == set(rows[0])


async def test_own_pi_adds_titles_and_calendar_names() -> None:
    raw = RawWix()
    raw.site.connect_many(1)
    [row, *_] = (await raw.get(EVENTS, week(raw, fieldsets="OWN_PI"))).json()["events"]
    assert (canary.TITLE, canary.EMAIL) == (row["title"], row["calendarName"])


async def test_events_that_straddle_a_bound_are_included() -> None:
    raw = RawWix()
    raw.site.connect_many(1)
    [row, *_] = (await raw.get(EVENTS, week(raw))).json()["events"]
    start, end = (datetime.fromisoformat(row[key]).timestamp() for key in ("start", "end"))
    middle = (start + end) / 2
    inside = {"from": utc_text(middle), "to": utc_text(middle + 1)}
    assert [row] == (await raw.get(EVENTS, inside)).json()["events"]
    touching = {"from": utc_text(end), "to": utc_text(end + 1)}
    assert [] == (await raw.get(EVENTS, touching)).json()["events"]


async def test_events_can_be_limited_to_schedules_users_and_whole_days() -> None:
    raw = RawWix()
    raw.site.connect_many(2)
    first, second = raw.site.connections
    rows = (await raw.get(EVENTS, week(raw, scheduleIds=first.schedule_id))).json()["events"]
    assert {first.schedule_id} == {row["scheduleId"] for row in rows}
    rows = (await raw.get(EVENTS, week(raw, userIds=str(second.row["userId"])))).json()["events"]
    assert {second.schedule_id} == {row["scheduleId"] for row in rows}
    whole = (await raw.get(EVENTS, week(raw, allDay="true"))).json()["events"]
    timed = (await raw.get(EVENTS, week(raw, allDay="false"))).json()["events"]
    both = (await raw.get(EVENTS, week(raw))).json()["events"]
    assert 2 == len(whole)
    assert len(both) == len(whole) + len(timed)


@pytest.mark.parametrize("key", ["scheduleIds", "userIds"])
async def test_more_than_100_ids_are_400(key: str) -> None:
    raw = RawWix()
    bounds = [(name, str(value)) for name, value in week(raw).items()]
    assert 200 == (await raw.get(EVENTS, [*bounds, *((key, str(uuid4())) for _ in range(100))])).status_code
    assert 400 == (await raw.get(EVENTS, [*bounds, *((key, str(uuid4())) for _ in range(101))])).status_code


async def test_an_unknown_fieldset_is_400() -> None:
    raw = RawWix()
    assert 400 == (await raw.get(EVENTS, week(raw, fieldsets="ALL_PI"))).status_code


async def test_broken_and_disconnected_connections_import_nothing() -> None:
    raw = RawWix()
    first, second = raw.site.connect_many(2)
    raw.site.connections.revoke_token(first)
    raw.site.connections.disconnect(second)
    assert [] == (await raw.get(EVENTS, week(raw))).json()["events"]


async def test_events_know_partial_failure() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down(APPLE)
    assert 500 == (await raw.get(EVENTS, week(raw))).status_code
    answer = (await raw.get(EVENTS, week(raw, partialFailure="true"))).json()
    assert [APPLE.id] == answer["failedProviderIds"]
    assert {"GOOGLE", "MICROSOFT"} == {row["calendarType"] for row in answer["events"]}


def names(answer: Any) -> list[str]:  # noqa: ANN401  a decoded body
    return [row["name"] for row in answer.json()["schedules"]]


async def test_schedules_have_names_that_can_be_names_of_people() -> None:
    raw = RawWix()
    raw.site.add_staff()
    answer = await raw.post(SCHEDULES, {"query": {"filter": {"externalId": {"$ne": BUSINESS_SCHEDULE}}}})
    assert [f"{canary.FIRST_NAME} {canary.LAST_NAME}"] == names(answer)


async def test_the_business_schedule_has_the_documented_external_id() -> None:
    answer = await RawWix().post(SCHEDULES, {"query": {"filter": {"externalId": BUSINESS_SCHEDULE}}})
    assert ["Business"] == names(answer)


async def test_only_active_schedules_come_by_default() -> None:
    raw = RawWix()
    raw.site.add_schedule("Gone", status="CANCELLED")
    assert ["Business"] == names(await raw.post(SCHEDULES, {}))
    assert ["Gone"] == names(await raw.post(SCHEDULES, {"query": {"filter": {"status": "CANCELLED"}}}))


async def test_schedules_can_be_asked_for_by_id() -> None:
    raw = RawWix()
    wanted = [raw.site.add_schedule(f"Chair {number}").id for number in range(3)][:2]
    answer = await raw.post(SCHEDULES, {"query": {"filter": {"id": {"$in": wanted}}}})
    assert {"Chair 0", "Chair 1"} == set(names(answer))


async def test_schedules_come_in_pages_of_50() -> None:
    raw = RawWix()
    for _ in range(60):
        raw.site.add_schedule()
    first = (await raw.post(SCHEDULES, {})).json()
    cursor = first["pagingMetadata"]["cursors"]["next"]
    second = (await raw.post(SCHEDULES, {"query": {"cursorPaging": {"cursor": cursor}}})).json()
    ids = {row["id"] for row in first["schedules"] + second["schedules"]}
    assert (50, 11, 61) == (len(first["schedules"]), len(second["schedules"]), len(ids))


async def test_the_writes_do_what_they_say_and_the_log_calls_them_writes() -> None:
    raw = RawWix()
    schedule = raw.site.add_schedule()
    by_mail = {"providerId": APPLE.id, "scheduleId": schedule.id, "email": "a@b.example", "password": "x"}
    connected, oauth = await raw.send(
        [
            Request("POST", f"{CONNECTIONS}:connectByCredentials", json=by_mail),
            Request("POST", f"{CONNECTIONS}:connectByOAuth", json={"providerId": GOOGLE.id, "scheduleId": schedule.id}),
        ]
    )
    assert "CONNECTED" == connected.json()["connection"]["status"]
    assert oauth.json()["oauthUrl"].startswith("https://")
    made = connected.json()["connection"]["id"]
    config = sync_config(exports=None)
    changed, cut, again = await raw.send(
        [
            Request("PATCH", f"{CONNECTIONS}/{made}/sync-config", json={"syncConfig": config}),
            Request("POST", f"{CONNECTIONS}/{made}/disconnect"),
            Request("POST", f"{CONNECTIONS}/{made}/disconnect"),
        ]
    )
    assert config == changed.json()["connection"]["syncConfig"]
    assert "DISCONNECTED" == cut.json()["connection"]["status"]
    assert (428, "CONNECTION_ALREADY_DISCONNECTED") == (again.status_code, code_of(again))
    assert {
        "wix ConnectByCredentials": 1,
        "wix ConnectByOAuth": 1,
        "wix Disconnect": 2,
        "wix UpdateSyncConfig": 1,
    } == raw.simulator.log.writes()


@pytest.mark.parametrize(
    ("action", "body", "status", "code"),
    [
        ("connectByOAuth", {"providerId": APPLE.id}, 428, "NOT_SUPPORTED_BY_PROVIDER"),
        ("connectByCredentials", {"providerId": GOOGLE.id}, 428, "NOT_SUPPORTED_BY_PROVIDER"),
        ("connectByCredentials", {"providerId": APPLE.id}, 401, "BAD_CREDENTIALS"),
    ],
)
async def test_connecting_fails_with_the_declared_codes(action: str, body: dict[str, str], status: int, code: str) -> None:
    answer = await RawWix().post(f"{CONNECTIONS}:{action}", body)
    assert (status, code) == (answer.status_code, code_of(answer))


async def test_a_fixed_sync_configuration_cannot_be_changed() -> None:
    raw = RawWix()
    made = raw.site.connections.connect(APP_PROVIDER, raw.site.add_schedule().id)
    [answer] = await raw.send([Request("PATCH", f"{CONNECTIONS}/{made}/sync-config", json={})])
    assert (428, "NOT_SUPPORTED_BY_PROVIDER") == (answer.status_code, code_of(answer))


async def test_reads_are_no_writes() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    await raw.send(
        [
            Request("GET", CONNECTIONS),
            Request("GET", f"{CONNECTIONS}/{made}"),
            Request("GET", PROVIDERS),
            Request("GET", EVENTS, params=week(raw)),
            Request("POST", SCHEDULES, json={}),
        ]
    )
    await raw.count({})
    await raw.query({})
    assert {} == raw.simulator.log.writes()
