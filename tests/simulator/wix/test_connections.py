"""The simulated ListConnections and the life of a connection (wix.md 3; checklist 13 "ListConnections")."""

from __future__ import annotations

import time
from typing import Any
from uuid import uuid4

import pytest

from exporter.simulator.wix import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT, add_documented_connections, sync_config
from exporter.simulator.wix.examples import LIST_CONNECTIONS
from tests.harness.simulated_wix import CONNECTIONS, EMPTY, RawWix, code_of

GUID = "100ef23e-9e92-4293-8e08-d3747537138f"


async def test_the_documented_example_is_served_as_the_reference_prints_it() -> None:
    raw = RawWix()
    raw.wix.switches.failed_ids = "absent"
    add_documented_connections(raw.site)
    assert {"connections": [dict(row) for row in LIST_CONNECTIONS]} == (await raw.get(CONNECTIONS)).json()


async def test_the_documented_ids_have_183_and_149_characters() -> None:
    raw = RawWix()
    add_documented_connections(raw.site)
    assert [183, 149] == [len(row["id"]) for row in await raw.connections()]


@pytest.mark.parametrize("number", [0, 1, 50, 5000])
async def test_one_answer_holds_every_connection(number: int) -> None:
    raw = RawWix()
    raw.site.connect_many(number)
    answer = (await raw.get(CONNECTIONS)).json()
    assert number == len(answer["connections"])
    assert {"connections", "failedProviderIds"} == set(answer)


async def test_five_thousand_rows_are_encoded_once_and_then_served_fast() -> None:
    raw = RawWix()
    raw.site.connect_many(5000)
    first = [connection.encoded for connection in raw.site.connections]
    await raw.get(CONNECTIONS)
    assert all(one is other for one, other in zip(first, (c.encoded for c in raw.site.connections), strict=True))
    started = time.perf_counter()
    await raw.get(CONNECTIONS)
    assert time.perf_counter() - started < 5  # some 0.1 s; wide, for a busy machine


async def test_ids_are_opaque_mixed_case_text_of_149_to_255_characters() -> None:
    raw = RawWix()
    raw.site.connect_many(40)
    ids = [row["id"] for row in await raw.connections()]
    assert {149, 183, 255} == {len(one) for one in ids}
    assert all(one.isalnum() and one.lower() != one != one.upper() for one in ids)
    assert 40 == len(set(ids))


@pytest.mark.parametrize("key", ["userId", "appId", "externalAccountEmail", "syncConfig", "errorReason"])
async def test_some_entries_lack_an_optional_field_and_others_have_it(key: str) -> None:
    raw = RawWix()
    raw.site.connect_many(10)
    assert {True, False} == {key in row for row in await raw.connections()}


async def test_healthy_entries_carry_undefined_or_null_or_no_error_reason() -> None:
    raw = RawWix()
    raw.site.connect_many(10)
    assert {"UNDEFINED", None, "absent"} == {row.get("errorReason", "absent") for row in await raw.connections()}


async def test_entries_carry_keys_that_no_reference_knows() -> None:
    raw = RawWix()
    raw.site.connect_many(10)
    assert any("syncToErrorReason" in row for row in await raw.connections())


async def test_an_import_only_connection_has_no_sync_to_calendar() -> None:
    raw = RawWix()
    raw.site.connections.connect(APPLE, raw.site.add_schedule().id, config=sync_config(exports=None))
    assert {"listEventFromCalendars"} == set((await raw.connections())[0]["syncConfig"])


async def test_repeated_schedule_ids_filter() -> None:
    raw = RawWix()
    raw.site.connect_many(4)
    wanted = [connection.schedule_id for connection in raw.site.connections][:2]
    answer = await raw.get(CONNECTIONS, [("scheduleIds", one) for one in wanted])
    assert wanted == [row["scheduleId"] for row in answer.json()["connections"]]


async def test_schedule_ids_with_brackets_are_ignored() -> None:
    raw = RawWix()
    raw.site.connect_many(2)
    assert 2 == len((await raw.get(CONNECTIONS, [("scheduleIds[]", str(uuid4()))])).json()["connections"])


async def test_a_schedule_without_connections_gives_an_empty_list() -> None:
    raw = RawWix()
    raw.site.connect_many(2)
    assert [] == (await raw.get(CONNECTIONS, [("scheduleIds", str(uuid4()))])).json()["connections"]


@pytest.mark.parametrize("value", ["1", "", "not-a-guid", f"{GUID},{GUID}", f"{{{GUID}}}", GUID.replace("-", "")])
async def test_a_schedule_id_that_is_no_guid_is_400_with_a_validation_error(value: str) -> None:
    answer = await RawWix().get(CONNECTIONS, [("scheduleIds", value)])
    [violation] = answer.json()["details"]["validationError"]["fieldViolations"]
    assert (400, "scheduleIds", "FORMAT") == (answer.status_code, violation["field"], violation["violatedRule"])


@pytest.mark.parametrize(("value", "status"), [("true", 200), ("false", 200), ("1", 400), ("True", 400), ("", 400)])
async def test_partial_failure_is_true_or_false_and_nothing_else(value: str, status: int) -> None:
    assert status == (await RawWix().get(CONNECTIONS, {"partialFailure": value})).status_code


@pytest.mark.parametrize("params", [{}, {"partialFailure": "false"}])
async def test_one_provider_down_fails_the_strict_call_with_an_empty_5xx(params: dict[str, str]) -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down(GOOGLE)
    answer = await raw.get(CONNECTIONS, params)
    assert (500, EMPTY) == (answer.status_code, answer.json())


async def test_the_status_of_the_strict_failure_is_a_switch() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down(GOOGLE)
    raw.wix.switches.strict_failure_status = 503
    assert 503 == (await raw.get(CONNECTIONS)).status_code


async def test_one_provider_down_is_named_and_its_connections_are_missing() -> None:
    raw = RawWix()
    raw.site.connect_many(6)
    raw.site.provider_down(GOOGLE)
    answer = (await raw.get(CONNECTIONS, {"partialFailure": "true"})).json()
    assert [GOOGLE.id] == answer["failedProviderIds"]
    assert {APPLE.id, MICROSOFT.id} == {row["providerId"] for row in answer["connections"]}
    assert 4 == len(answer["connections"])


async def test_a_provider_that_comes_back_brings_its_connections_back() -> None:
    raw = RawWix()
    ids = raw.site.connect_many(3)
    raw.site.provider_down(GOOGLE)
    raw.site.provider_up(GOOGLE)
    assert ids == [row["id"] for row in await raw.connections()]


async def test_a_provider_without_connections_is_not_asked_and_cannot_fail() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down(APP_PROVIDER)
    answer = await raw.get(CONNECTIONS)
    assert (200, []) == (answer.status_code, answer.json()["failedProviderIds"])


async def test_only_the_providers_behind_the_asked_schedules_can_fail() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    google, apple, _ = raw.site.connections
    raw.site.provider_down(GOOGLE)
    assert 500 == (await raw.get(CONNECTIONS, [("scheduleIds", google.schedule_id)])).status_code
    assert 200 == (await raw.get(CONNECTIONS, [("scheduleIds", apple.schedule_id)])).status_code


async def test_all_providers_down_is_a_5xx_even_with_partial_failure() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down()
    answer = await raw.get(CONNECTIONS, {"partialFailure": "true"})
    assert (500, EMPTY) == (answer.status_code, answer.json())


async def test_all_providers_down_is_200_and_empty_by_switch() -> None:
    raw = RawWix()
    raw.site.connect_many(3)
    raw.site.provider_down()
    raw.wix.switches.all_down = "empty"
    answer = (await raw.get(CONNECTIONS, {"partialFailure": "true"})).json()
    assert [] == answer["connections"]
    assert {GOOGLE.id, APPLE.id, MICROSOFT.id} == set(answer["failedProviderIds"])


async def test_failed_provider_ids_of_a_clean_answer_are_an_empty_list_or_absent() -> None:
    raw = RawWix()
    assert [] == (await raw.get(CONNECTIONS, {"partialFailure": "true"})).json()["failedProviderIds"]
    raw.wix.switches.failed_ids = "absent"
    assert {"connections"} == set((await raw.get(CONNECTIONS, {"partialFailure": "true"})).json())


async def test_failed_provider_ids_can_hold_an_id_that_list_providers_does_not_know() -> None:
    raw = RawWix()
    ghost = str(uuid4())
    raw.wix.switches.extra_failed_ids = (ghost,)
    assert [ghost] == (await raw.get(CONNECTIONS, {"partialFailure": "true"})).json()["failedProviderIds"]
    assert [] == (await raw.get(CONNECTIONS)).json()["failedProviderIds"]


async def test_a_scripted_life_is_seen_step_by_step() -> None:
    raw = RawWix()
    connections = raw.site.connections
    seen: list[tuple[object, object]] = []

    async def look() -> str:
        [row] = await raw.connections()
        seen.append((row["status"], row["errorReason"]))
        return str(row["id"])

    first = connections.connect(GOOGLE, raw.site.add_schedule().id)
    await look()
    connections.start_sync(first)
    await look()
    connections.finish_sync(first)
    await look()
    connections.revoke_token(first)
    assert first == await look()
    second = connections.reconnect(first)
    assert second == await look() != first
    connections.finish_sync(second)
    connections.change_owner(connections[second].schedule_id)
    await look()
    assert [
        ("CONNECTED", "UNDEFINED"),
        ("SYNC_IN_PROGRESS", "UNDEFINED"),
        ("SYNCED", "UNDEFINED"),
        ("ERROR", "TOKEN_REVOKED"),
        ("CONNECTED", "UNDEFINED"),
        ("DISCONNECTED", "UNDEFINED"),
    ] == seen
    connections.drop(second)
    assert [] == await raw.connections()


async def test_a_sync_with_a_length_ends_by_the_simulators_clock() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    raw.site.connections.start_sync(made, lasts=90)
    raw.clock.now += 89
    assert "SYNC_IN_PROGRESS" == (await raw.connections())[0]["status"]
    raw.clock.now += 1
    assert "SYNCED" == (await raw.connections())[0]["status"]


async def test_a_stuck_sync_never_ends() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    raw.site.connections.start_sync(made, lasts=90)
    raw.site.connections.stick_sync(made)
    raw.clock.now += 30 * 86_400
    assert "SYNC_IN_PROGRESS" == (await raw.connections())[0]["status"]


async def test_an_error_during_a_sync_is_not_healed_by_its_end() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    raw.site.connections.start_sync(made, lasts=90)
    raw.site.connections.revoke_token(made)
    raw.clock.now += 90
    assert "ERROR" == (await raw.connections())[0]["status"]


async def test_a_reconnect_keeps_schedule_provider_and_settings_and_may_keep_the_old_entry() -> None:
    raw = RawWix()
    raw.wix.switches.reconnect_keeps_old = True
    [old_id] = raw.site.connect_many(1)
    raw.site.connections.reconnect(old_id)
    old, new = await raw.connections()
    assert (old_id, "DISCONNECTED") == (old["id"], old["status"])
    assert [old[key] for key in ("scheduleId", "providerId", "syncConfig")] == [
        new[key] for key in ("scheduleId", "providerId", "syncConfig")
    ]


async def test_a_disconnected_connection_stays_listed_with_its_import_still_enabled() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    raw.site.connections.disconnect(made)
    [row] = await raw.connections()
    assert "DISCONNECTED" == row["status"]
    assert row["syncConfig"]["listEventFromCalendars"]["enabled"] is True


async def test_a_disconnected_connection_is_dropped_by_switch() -> None:
    raw = RawWix()
    raw.wix.switches.drop_disconnected = True
    [made] = raw.site.connect_many(1)
    raw.site.connections.disconnect(made)
    assert [] == await raw.connections()


async def test_each_documented_error_reason_is_reachable() -> None:
    raw = RawWix()
    first, second, third = raw.site.connect_many(3)
    raw.site.connections.revoke_token(first)
    raw.site.connections.fail_calendar_creation(second)
    raw.site.connections.delete_external_calendar(third)
    assert [
        ("ERROR", "TOKEN_REVOKED"),
        ("ERROR", "EXTERNAL_CALENDAR_CREATION_FAILED"),
        ("ERROR", "EXTERNAL_CALENDAR_DELETED"),
    ] == [(row["status"], row["errorReason"]) for row in await raw.connections()]


async def test_recovery_is_synced_for_exporting_and_connected_for_import_only() -> None:
    raw = RawWix()
    exporting = raw.site.connections.connect(GOOGLE, raw.site.add_schedule().id)
    importing = raw.site.connections.connect(GOOGLE, raw.site.add_schedule().id, config=sync_config(exports=None))
    for made in (exporting, importing):
        raw.site.connections.revoke_token(made)
        raw.site.connections.recover(made)
    assert ["SYNCED", "CONNECTED"] == [row["status"] for row in await raw.connections()]


@pytest.mark.parametrize("field", ["status", "calendarType", "errorReason"])
@pytest.mark.parametrize("value", ["UNDEFINED", "SOMETHING_NEW", "OUTLOOK", "OFFICE_365", None, 7, True, ["SYNCED"], {"a": 1}])
async def test_any_enum_can_hold_any_word_null_or_another_type(field: str, value: object) -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    fields: dict[str, Any] = {field: value}
    raw.site.connections.amend(made, **fields)
    assert value == (await raw.connections())[0][field]


async def test_get_connection_returns_one_row() -> None:
    raw = RawWix()
    made = raw.site.connect_many(2)[1]
    assert (await raw.connections())[1] == (await raw.get(f"{CONNECTIONS}/{made}")).json()["connection"]


async def test_get_connection_of_a_deleted_one_is_404_from_the_service_itself() -> None:
    raw = RawWix()
    [made] = raw.site.connect_many(1)
    raw.site.connections.drop(made)
    answer = await raw.get(f"{CONNECTIONS}/{made}")
    assert (404, "CONNECTION_NOT_FOUND") == (answer.status_code, code_of(answer))
    assert "x-wix-responded-by" in answer.headers


def test_the_same_seed_gives_the_same_connections() -> None:
    first, second = RawWix(), RawWix()
    assert first.site.connect_many(5) == second.site.connect_many(5)
