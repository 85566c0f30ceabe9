"""The state of every connection, through real HTTP (fact sheet wix.md 3)."""

from __future__ import annotations

import json
from hashlib import sha256
from pathlib import Path

import httpx
import pytest
from structlog.testing import capture_logs

from exporter.clock import SystemClock
from exporter.errors import InvalidResponseError, ServerError
from exporter.model import (
    CalendarType,
    Change,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    Provider,
)
from exporter.platforms.base import PollResult
from exporter.simulator.wix.connections import sync_config
from exporter.simulator.wix.examples import LIST_CONNECTIONS
from exporter.simulator.wix.providers import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT
from exporter.state.status_history import FileStatusHistory, StatusHistory
from tests.harness.wix_site import WixBench, on_wix

S = ConnectionStatus
PATH = "/bookings/v2/external-calendars/connections"


def rows(result: PollResult) -> dict[str, Connection]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {connection.key: connection for connection in result.observation.connections}


def providers(result: PollResult) -> dict[str, bool]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {provider.label: provider.up for provider in result.observation.providers}


def headers(bench: WixBench) -> dict[str, str]:
    return {"Authorization": bench.key.value, "wix-site-id": bench.site.id}


async def raw_body(bench: WixBench) -> bytes:
    """Return the body of the list of connections as it comes over the wire."""
    async with httpx.AsyncClient(transport=bench.http) as http:
        return (await http.get(f"{bench.url}{PATH}", headers=headers(bench))).content


def key_of(connection_id: str) -> str:
    return sha256(connection_id.encode()).hexdigest()[:12]


def test_the_official_example_becomes_two_connections() -> None:
    async def script(bench: WixBench) -> None:
        for row in LIST_CONNECTIONS:
            bench.site.connections.add(row)
        apple, google = (await bench.observe()).connections
        assert (apple.key, google.key) == tuple(key_of(str(row["id"])) for row in LIST_CONNECTIONS)
        assert (apple.calendar_type, apple.provider, apple.status) == (CalendarType.APPLE, "apple", S.CONNECTED)
        assert (apple.import_enabled, apple.export_enabled) == (True, False)
        assert (google.calendar_type, google.provider, google.status) == (CalendarType.GOOGLE, "google", S.SYNCED)
        assert (google.import_enabled, google.export_enabled) == (True, True)
        assert (apple.error_reason, google.error_reason) == (None, None)

    on_wix(script)


def test_a_whole_life_shows_each_status_with_the_moment_it_was_first_seen() -> None:
    async def script(bench: WixBench) -> None:
        life = bench.site.connections
        made = bench.connect()
        first = await bench.only()
        assert (first.status, first.since) == (S.CONNECTED, bench.clock.now)
        connected_at = bench.clock.now
        assert (await bench.only()).since == connected_at

        life.start_sync(made, lasts=90)
        syncing = await bench.only()
        assert (syncing.status, syncing.since) == (S.SYNC_IN_PROGRESS, bench.clock.now)
        synced = await bench.only()
        assert (synced.status, synced.since) == (S.SYNCED, bench.clock.now)
        synced_at = bench.clock.now
        for _ in range(3):
            assert ((await bench.only()).since, synced.key) == (synced_at, key_of(made))

        life.revoke_token(made)
        broken = await bench.only()
        assert (broken.status, broken.error_reason) == (S.ERROR, ErrorReason.TOKEN_REVOKED)
        assert broken.since == bench.clock.now

        again = life.reconnect(made)
        reconnected = await bench.only()
        assert (reconnected.key, reconnected.status, reconnected.error_reason) == (key_of(again), S.CONNECTED, None)
        assert reconnected.since == bench.clock.now

        life.change_owner(life[again].schedule_id)
        cut = await bench.only()
        assert (cut.status, cut.since) == (S.DISCONNECTED, bench.clock.now)
        assert cut.import_enabled  # configuration, not health (trap 11)

        life.drop(again)
        assert (await bench.observe()).connections == ()

    on_wix(script)


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("UNDEFINED", CalendarType.UNDEFINED),
        ("GOOGLE", CalendarType.GOOGLE),
        ("I_CAL", CalendarType.APPLE),
        ("MICROSOFT", CalendarType.MICROSOFT),
        ("OUTLOOK", CalendarType.MICROSOFT),
        ("OFFICE_365", CalendarType.MICROSOFT),
        ("OTHER", CalendarType.OTHER),
        (None, CalendarType.UNDEFINED),
    ],
)
def test_every_calendar_type_is_normalised(word: str | None, expected: CalendarType) -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(calendarType=word)
        assert (await bench.only()).calendar_type is expected
        assert not bench.events.unrecognized

    on_wix(script)


@pytest.mark.parametrize("status", [status for status in S if status is not S.UNKNOWN])
def test_every_documented_status_is_known(status: ConnectionStatus) -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(status=status.value.upper())
        assert (await bench.only()).status is status
        assert not bench.events.unrecognized

    on_wix(script)


@pytest.mark.parametrize("reason", [reason for reason in ErrorReason if reason is not ErrorReason.UNKNOWN])
def test_every_documented_error_reason_is_known(reason: ErrorReason) -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(status="ERROR", errorReason=reason.value.upper())
        assert (await bench.only()).error_reason is reason
        assert not bench.events.unrecognized

    on_wix(script)


@pytest.mark.parametrize("drift", ["SOMETHING_NEW", "synced", "", 7, True, ["SYNCED"], {"a": 1}])
def test_words_that_we_do_not_know_become_unknown_and_are_counted(drift: object) -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(status=drift, calendarType=drift)
        bench.connect(status="ERROR", errorReason=drift)
        odd, error = (await bench.observe()).connections
        assert (odd.status, odd.calendar_type, error.error_reason) == (S.UNKNOWN, CalendarType.UNKNOWN, ErrorReason.UNKNOWN)
        counted = {field: times for (_, field), times in bench.events.unrecognized.items()}
        assert counted == {"status": 1, "calendar_type": 1, "error_reason": 1}

    on_wix(script)


@pytest.mark.parametrize("absent", [(), ("errorReason",)])
def test_an_error_without_a_reason_is_an_error_with_an_undefined_reason(absent: tuple[str, ...]) -> None:
    async def script(bench: WixBench) -> None:
        bench.site.connections.amend(
            bench.connect(), without=absent, status="ERROR", **({} if absent else {"errorReason": None})
        )
        assert (await bench.only()).error_reason is ErrorReason.UNDEFINED

    on_wix(script)


def test_an_error_reason_is_ignored_while_the_status_is_not_error() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(status="SYNCED", errorReason="TOKEN_REVOKED")
        assert (await bench.only()).error_reason is None

    on_wix(script)


def test_a_connection_with_nothing_but_an_id_is_still_a_connection() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.connections.add({"id": "x" * 183})
        bare = await bench.only()
        assert bare == Connection(
            key=key_of("x" * 183),
            calendar_type=CalendarType.UNDEFINED,
            provider="unknown",
            schedule="unknown",
            status=S.UNDEFINED,
            error_reason=None,
            import_enabled=False,
            export_enabled=False,
            since=bench.clock.now,
            observed_at=bench.clock.now,
            since_known=False,
            changes=(Change(bench.clock.now, "undefined", known=False),),
        )

    on_wix(script)


@pytest.mark.parametrize("config", [None, {}, {"syncToCalendar": None}, "odd", [], {"syncToCalendar": {"enabled": "yes"}}])
def test_an_odd_sync_config_costs_nothing_but_its_flags(config: object) -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(status="SYNCED", syncConfig=config)
        found = await bench.only()
        assert (found.status, found.import_enabled, found.export_enabled) == (S.SYNCED, False, False)

    on_wix(script)


def test_an_import_only_connection_is_known_as_such() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(syncConfig=sync_config(exports=None))
        found = await bench.only()
        assert (found.import_enabled, found.export_enabled) == (True, False)

    on_wix(script)


@pytest.mark.parametrize("number", [0, 1, 50])
def test_all_connections_come_in_one_call_and_without_a_server_filter(number: int) -> None:
    async def script(bench: WixBench) -> None:
        ids = bench.site.connect_many(number)
        found = (await bench.observe()).connections
        assert {key_of(made) for made in ids} == {connection.key for connection in found}
        listed = [call for call in bench.simulator.log if call.operation == "ListConnections"]
        assert [call.params for call in listed] == [{"partialFailure": "true"}]

    on_wix(script)


def test_schedules_that_no_connection_belongs_to_are_named_after_a_whole_answer_only() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(GOOGLE)
        bench.site.provider_down(GOOGLE)
        schedule = bench.site.connections[bench.connect(MICROSOFT)].schedule_id
        bench.open(bench.target(schedule_ids=(schedule, "deadbeef"), aliases={schedule.upper(): "Chair 1", "beef": "Chair 2"}))
        partial = (await bench.poll()).observation
        assert isinstance(partial, ConnectionsObservation)
        assert ((), ()) == (partial.unknown_schedules, partial.unknown_aliases)
        bench.site.provider_up()
        whole = await bench.observe()
        assert (("deadbeef",), ("beef",)) == (whole.unknown_schedules, whole.unknown_aliases)

    on_wix(script)


def test_schedule_ids_are_picked_here_whatever_their_letter_case() -> None:
    async def script(bench: WixBench) -> None:
        wanted = bench.connect()
        bench.connect()
        schedule = bench.site.connections[wanted].schedule_id
        bench.open(bench.target(schedule_ids=(schedule.upper(),)))
        assert (await bench.only()).key == key_of(wanted)

    on_wix(script)


def test_an_aliased_schedule_names_its_connection_and_itself() -> None:
    async def script(bench: WixBench) -> None:
        schedule = bench.site.connections[bench.connect()].schedule_id
        bench.open(bench.target(aliases={schedule: "Chair 1"}))
        found = await bench.only()
        assert (found.key, found.schedule) == ("Chair 1", "Chair 1")

    on_wix(script)


def test_two_connections_of_one_aliased_schedule_keep_their_names() -> None:
    async def script(bench: WixBench) -> None:
        life = bench.site.connections
        bench.switches.reconnect_keeps_old = True
        old = bench.connect()
        bench.open(bench.target(aliases={life[old].schedule_id: "Chair 1"}))
        assert (await bench.only()).key == "Chair 1"
        new = life.reconnect(old)
        for _ in range(3):
            found = {connection.key: connection.status for connection in (await bench.observe()).connections}
            assert found == {"Chair 1": S.DISCONNECTED, f"Chair 1 {key_of(new)}": S.CONNECTED}
        life.drop(old)
        assert (await bench.only()).key == f"Chair 1 {key_of(new)}"

    on_wix(script)


def test_a_reconnect_that_replaces_the_connection_inherits_its_alias() -> None:
    async def script(bench: WixBench) -> None:
        life = bench.site.connections
        old = bench.connect()
        bench.open(bench.target(aliases={life[old].schedule_id: "Chair 1"}))
        await bench.only()
        life.reconnect(old)
        assert (await bench.only()).key == "Chair 1"

    on_wix(script)


def test_the_connections_of_a_failed_provider_stay_as_they_were() -> None:
    async def script(bench: WixBench) -> None:
        google, apple = bench.connect(GOOGLE, status="SYNCED"), bench.connect(APPLE, status="SYNCED")
        before = rows(await bench.poll())
        bench.site.provider_down(GOOGLE)
        bench.site.connections.revoke_token(google)
        bench.site.connections.revoke_token(apple)
        result = await bench.poll()
        assert rows(result)[key_of(google)] == before[key_of(google)]  # observed_at included
        assert rows(result)[key_of(apple)].status is S.ERROR
        assert isinstance(result.failure, ServerError)
        assert "google" in result.failure.message
        assert result.failure.request_id
        assert providers(result) == {"apple": True, "google": False, "microsoft": True, "other-5d3f2c1b": True}

    on_wix(script)


def test_a_connection_that_goes_away_during_a_partial_failure_disappears_after_it() -> None:
    async def script(bench: WixBench) -> None:
        google, apple = bench.connect(GOOGLE), bench.connect(APPLE)
        await bench.poll()
        bench.site.provider_down(GOOGLE)
        bench.site.connections.drop(google)
        bench.site.connections.add({**bench.site.connections[apple].row, "id": "other", "providerId": GOOGLE.id})
        assert key_of(google) in rows(await bench.poll())
        bench.site.provider_up()
        assert set(rows(await bench.poll())) == {key_of(apple), key_of("other")}

    on_wix(script)


def test_a_connection_of_a_healthy_provider_disappears_also_during_a_partial_failure() -> None:
    async def script(bench: WixBench) -> None:
        google, gone, apple = bench.connect(GOOGLE), bench.connect(APPLE), bench.connect(APPLE)
        await bench.poll()
        bench.site.provider_down(GOOGLE)
        bench.site.connections.drop(gone)
        assert set(rows(await bench.poll())) == {key_of(google), key_of(apple)}

    on_wix(script)


def test_a_recovered_provider_is_up_again_and_its_unchanged_connections_keep_their_age() -> None:
    async def script(bench: WixBench) -> None:
        made, _ = bench.connect(GOOGLE), bench.connect(APPLE)
        first = rows(await bench.poll())[key_of(made)]
        bench.site.provider_down(GOOGLE)
        await bench.poll()
        bench.site.provider_up()
        result = await bench.poll()
        again = rows(result)[key_of(made)]
        assert (again.since, again.observed_at) == (first.since, bench.clock.now)
        assert (result.failure, providers(result)["google"]) == (None, True)

    on_wix(script)


def test_after_a_restart_during_a_partial_failure_the_provider_is_down_and_ages_survive() -> None:
    async def script(bench: WixBench) -> None:
        made, apple = bench.connect(GOOGLE), bench.connect(APPLE)
        first = rows(await bench.poll())[key_of(made)]
        bench.site.provider_down(GOOGLE)
        await bench.poll()
        bench.open()
        result = await bench.poll()
        assert set(rows(result)) == {key_of(apple)}
        assert providers(result)["google"] is False
        assert isinstance(result.failure, ServerError)
        bench.site.provider_up()
        assert rows(await bench.poll())[key_of(made)].since == first.since

    on_wix(script)


def test_a_connection_remembers_its_states_and_that_the_first_of_them_may_be_older() -> None:
    async def script(bench: WixBench) -> None:
        made = bench.connect(status="SYNCED")
        first = await bench.only()
        assert (False, (Change(first.since, "synced", known=False),)) == (first.since_known, first.changes)
        bench.site.connections.revoke_token(made)
        broken = await bench.only()
        again = await bench.only()
        assert (True, (*first.changes, Change(broken.since, "error"))) == (broken.since_known, broken.changes)
        assert (broken.since, broken.changes) == (again.since, again.changes)

    on_wix(script)


def test_ages_survive_a_restart_with_a_state_file(tmp_path: Path) -> None:
    async def script(bench: WixBench) -> None:
        bench.since = FileStatusHistory(tmp_path / "state.json", SystemClock())
        made = bench.connect(status="SYNCED")
        first = await bench.only()
        bench.site.connections.revoke_token(made)
        broken = await bench.only()
        bench.since = FileStatusHistory(tmp_path / "state.json", SystemClock())
        bench.open()
        again = await bench.only()
        assert (again.status, again.since) == (S.ERROR, broken.since)
        assert again.since > first.since
        bench.since = StatusHistory()
        bench.open()
        assert (await bench.only()).since == bench.clock.now

    on_wix(script)


def test_a_disk_that_cannot_be_written_never_fails_the_poll(tmp_path: Path) -> None:
    async def script(bench: WixBench) -> None:
        bench.since = FileStatusHistory(tmp_path / "missing" / "state.json", SystemClock())
        bench.connect()
        with capture_logs() as logs:
            await bench.only()
            await bench.only()
        assert [entry["event"] for entry in logs] == ["state_file_not_written"]

    on_wix(script)


def test_all_providers_failing_with_a_5xx_is_a_failed_poll() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect()
        await bench.poll()
        bench.site.provider_down()
        assert isinstance(await bench.failure(), ServerError)

    on_wix(script)


def test_all_providers_failing_with_an_empty_200_never_reads_as_no_connections() -> None:
    async def script(bench: WixBench) -> None:
        bench.switches.all_down = "empty"
        bench.connect()
        before = await bench.observe()
        bench.site.provider_down()
        result = await bench.poll()
        assert isinstance(result.failure, ServerError)
        assert isinstance(result.observation, ConnectionsObservation)
        assert (result.observation.at, result.observation.connections) == (before.at, before.connections)
        assert providers(result)["google"] is False

    on_wix(script)


def test_all_providers_failing_with_an_empty_200_at_start_is_a_failed_poll() -> None:
    async def script(bench: WixBench) -> None:
        bench.switches.all_down = "empty"
        bench.connect()
        bench.site.provider_down()
        error = await bench.failure()
        assert isinstance(error, ServerError)
        assert "google" in error.message

    on_wix(script)


def test_a_site_without_connections_is_a_good_poll() -> None:
    async def script(bench: WixBench) -> None:
        observation = await bench.observe()
        assert observation.connections == ()
        assert all(provider.up for provider in observation.providers)

    on_wix(script)


def test_a_missing_list_of_failed_providers_means_that_none_failed() -> None:
    async def script(bench: WixBench) -> None:
        bench.switches.failed_ids = "absent"
        bench.connect()
        await bench.only()

    on_wix(script)


def test_a_failed_provider_that_nobody_lists_is_down_under_a_short_id() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect()
        bench.switches.extra_failed_ids = ("0f0e0d0c-0000-4000-8000-000000000000", "not a guid")
        result = await bench.poll()
        down = sorted(label for label, up in providers(result).items() if not up)
        assert down == [f"unknown-{key_of('not a guid')[:8]}", "unknown-0f0e0d0c"]
        assert isinstance(result.failure, ServerError)

    on_wix(script)


def test_providers_are_listed_once_an_hour() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect()
        for _ in range(59):
            await bench.poll()
        assert bench.calls("ListProviders") == 1
        for _ in range(3):
            await bench.poll()
        assert bench.calls("ListProviders") == 2

    on_wix(script)


def test_a_new_provider_is_asked_for_at_most_every_five_minutes() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect(providerId="0f0e0d0c-0000-4000-8000-000000000000", calendarType="OTHER")
        for _ in range(11):
            assert (await bench.only()).provider == "other-0f0e0d0c"
        assert bench.calls("ListProviders") == 3

    on_wix(script)


def test_a_failing_provider_list_never_fails_the_poll_and_changes_no_label() -> None:
    async def script(bench: WixBench) -> None:
        for provider in (GOOGLE, APPLE, MICROSOFT, APP_PROVIDER):
            bench.connect(provider)
        bench.switches.providers_fail = True
        blind = [connection.provider for connection in (await bench.observe()).connections]
        assert blind == ["google", "apple", "microsoft", "other-5d3f2c1b"]
        bench.switches.providers_fail = False
        bench.clock.now += 3600
        assert blind == [connection.provider for connection in (await bench.observe()).connections]

    on_wix(script)


def test_odd_rows_in_the_provider_list_cost_nothing_but_themselves() -> None:
    async def script(bench: WixBench) -> None:
        bench.connect()
        rows = [{"id": GOOGLE.id, "calendarType": "GOOGLE"}, {"id": 7}, "odd", {"id": "x", "calendarType": "NEW"}]
        bench.answer_with("ListProviders", json.dumps({"providers": rows}))
        observation = await bench.observe()
        assert [provider.label for provider in observation.providers] == ["google", f"unknown-{key_of('x')[:8]}"]
        assert bench.events.malformed == {CollectorName.CONNECTIONS: 2}
        assert bench.events.unrecognized == {(CollectorName.CONNECTIONS, "calendar_type"): 1}

    on_wix(script)


def test_one_malformed_row_costs_neither_the_others_nor_what_was_known() -> None:
    async def script(bench: WixBench) -> None:
        good, odd = bench.connect(), bench.connect()
        await bench.poll()
        bench.site.connections.amend(odd, id=None)
        result = await bench.poll()
        assert set(rows(result)) == {key_of(good), key_of(odd)}
        assert rows(result)[key_of(odd)].observed_at < rows(result)[key_of(good)].observed_at
        assert bench.events.malformed == {CollectorName.CONNECTIONS: 1}

    on_wix(script)


def test_only_malformed_rows_are_a_failed_poll() -> None:
    async def script(bench: WixBench) -> None:
        bench.site.connections.amend(bench.connect(), id=7)
        assert isinstance(await bench.failure(), InvalidResponseError)

    on_wix(script)


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "null",
        '"text"',
        "7",
        "",
        "{}",
        '{"connections":null}',
        '{"connections":{}}',
        '{"connections":"none","failedProviderIds":[]}',
        '{"connections":[],"failedProviderIds":"all"}',
        '{"connections":[],"failedProviderIds":[7]}',
        '{"data":{"connections":[]}}',
        '{"connections":[]',
        "<html>Sign in</html>",
        "[" * 100_000,
        '{"x":' * 50_000,
    ],
)
def test_an_answer_that_is_not_a_list_of_connections_is_a_failed_poll(body: str) -> None:
    async def script(bench: WixBench) -> None:
        bench.answer_with("ListConnections", body)
        error = await bench.failure()
        assert isinstance(error, InvalidResponseError)
        assert error.request_id

    on_wix(script)


def test_the_same_row_twice_is_one_connection() -> None:
    async def script(bench: WixBench) -> None:
        body = '{"connections":[{"id":"a","status":"SYNCED"},{"id":"a","status":"ERROR"}]}'
        bench.answer_with("ListConnections", body)
        assert (await bench.only()).status is S.ERROR

    on_wix(script)


def test_usage_tells_how_many_calls_are_left() -> None:
    async def script(bench: WixBench) -> None:
        (before,) = bench.session.usage().budgets
        assert (before.name, before.limit, before.remaining) == ("requests", 10.0, 10.0)
        for _ in range(3):
            await bench.session.collectors[CollectorName.CONNECTIONS].poll()
        (after,) = bench.session.usage().budgets
        assert after.remaining == pytest.approx(6.0)  # three lists of connections, one of providers

    on_wix(script)


def test_provider_labels_are_words_from_a_short_list() -> None:
    async def script(bench: WixBench) -> None:
        observation = await bench.observe()
        expected = tuple(Provider(label, up=True) for label in ("apple", "google", "microsoft", "other-5d3f2c1b"))
        assert observation.providers == expected

    on_wix(script)
