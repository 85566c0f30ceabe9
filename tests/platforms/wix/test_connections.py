"""The state of every connection, through real HTTP (docs/platforms/wix.md 3)."""

from __future__ import annotations

from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.clock import SystemClock
from exporter.model import (
    CalendarType,
    Change,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
)
from exporter.simulator.wix.connections import sync_config
from exporter.simulator.wix.examples import LIST_CONNECTIONS
from exporter.simulator.wix.providers import GOOGLE, MICROSOFT
from exporter.state.status_history import FileStatusHistory, StatusHistory
from tests.harness.wix_site import WixBench, key_of

S = ConnectionStatus


async def test_the_official_example_becomes_two_connections(bench: WixBench) -> None:
    for row in LIST_CONNECTIONS:
        bench.site.connections.add(row)
    apple, google = (await bench.observe()).connections
    assert (apple.key, google.key) == tuple(key_of(str(row["id"])) for row in LIST_CONNECTIONS)
    assert (apple.calendar_type, apple.provider, apple.status) == (CalendarType.APPLE, "apple", S.CONNECTED)
    assert (True, False) == (apple.import_enabled, apple.export_enabled)
    assert (google.calendar_type, google.provider, google.status) == (CalendarType.GOOGLE, "google", S.SYNCED)
    assert (True, True) == (google.import_enabled, google.export_enabled)
    assert (None, None) == (apple.error_reason, google.error_reason)


async def test_a_whole_life_shows_each_status_with_the_moment_it_was_first_seen(bench: WixBench) -> None:
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
    assert () == (await bench.observe()).connections


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
async def test_every_calendar_type_is_normalised(bench: WixBench, word: str | None, expected: CalendarType) -> None:
    bench.connect(calendarType=word)
    assert (await bench.only()).calendar_type is expected
    assert not bench.events.unrecognized


@pytest.mark.parametrize("status", [status for status in S if status is not S.UNKNOWN])
async def test_every_documented_status_is_known(bench: WixBench, status: ConnectionStatus) -> None:
    bench.connect(status=status.value.upper())
    assert (await bench.only()).status is status
    assert not bench.events.unrecognized


@pytest.mark.parametrize("reason", [reason for reason in ErrorReason if reason is not ErrorReason.UNKNOWN])
async def test_every_documented_error_reason_is_known(bench: WixBench, reason: ErrorReason) -> None:
    bench.connect(status="ERROR", errorReason=reason.value.upper())
    assert (await bench.only()).error_reason is reason
    assert not bench.events.unrecognized


@pytest.mark.parametrize("drift", ["SOMETHING_NEW", "synced", "", 7, True, ["SYNCED"], {"a": 1}])
async def test_words_that_we_do_not_know_become_unknown_and_are_counted(bench: WixBench, drift: object) -> None:
    bench.connect(status=drift, calendarType=drift)
    bench.connect(status="ERROR", errorReason=drift)
    odd, error = (await bench.observe()).connections
    assert (odd.status, odd.calendar_type, error.error_reason) == (S.UNKNOWN, CalendarType.UNKNOWN, ErrorReason.UNKNOWN)
    counted = {field: times for (_, field), times in bench.events.unrecognized.items()}
    assert {"status": 1, "calendar_type": 1, "error_reason": 1} == counted


@pytest.mark.parametrize("absent", [(), ("errorReason",)])
async def test_an_error_without_a_reason_is_an_error_with_an_undefined_reason(bench: WixBench, absent: tuple[str, ...]) -> None:
    bench.site.connections.amend(bench.connect(), without=absent, status="ERROR", **({} if absent else {"errorReason": None}))
    assert (await bench.only()).error_reason is ErrorReason.UNDEFINED


async def test_an_error_reason_is_ignored_while_the_status_is_not_error(bench: WixBench) -> None:
    bench.connect(status="SYNCED", errorReason="TOKEN_REVOKED")
    assert (await bench.only()).error_reason is None


async def test_a_connection_with_nothing_but_an_id_is_still_a_connection(bench: WixBench) -> None:
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
        probe_awaited=True,
    )


@pytest.mark.parametrize("config", [None, {}, {"syncToCalendar": None}, "odd", [], {"syncToCalendar": {"enabled": "yes"}}])
async def test_an_odd_sync_config_costs_nothing_but_its_flags(bench: WixBench, config: object) -> None:
    bench.connect(status="SYNCED", syncConfig=config)
    found = await bench.only()
    assert (found.status, found.import_enabled, found.export_enabled) == (S.SYNCED, False, False)


async def test_an_import_only_connection_is_known_as_such(bench: WixBench) -> None:
    bench.connect(syncConfig=sync_config(exports=None))
    found = await bench.only()
    assert (True, False) == (found.import_enabled, found.export_enabled)


@pytest.mark.parametrize("number", [0, 1, 50])
async def test_all_connections_come_in_one_call_and_without_a_server_filter(bench: WixBench, number: int) -> None:
    ids = bench.site.connect_many(number)
    found = (await bench.observe()).connections
    assert {key_of(made) for made in ids} == {connection.key for connection in found}
    listed = [call for call in bench.simulator.log if call.operation == "ListConnections"]
    assert [{"partialFailure": "true"}] == [call.params for call in listed]


async def test_schedules_that_no_connection_belongs_to_are_named_after_a_whole_answer_only(bench: WixBench) -> None:
    bench.connect(GOOGLE)
    bench.site.provider_down(GOOGLE)
    schedule = bench.site.connections[bench.connect(MICROSOFT)].schedule_id
    names = {schedule.upper(): "Chair 1", "beef": "Chair 2"}
    bench.open(bench.target(schedule_ids=(schedule, "deadbeef"), aliases=names), asks_once=True)
    partial = (await bench.poll()).observation
    assert isinstance(partial, ConnectionsObservation)
    assert ((), ()) == (partial.unknown_schedules, partial.unknown_aliases)
    bench.site.provider_up()
    whole = await bench.observe()
    assert (("deadbeef",), ("beef",)) == (whole.unknown_schedules, whole.unknown_aliases)


async def test_schedule_ids_are_picked_here_whatever_their_letter_case(bench: WixBench) -> None:
    wanted = bench.connect()
    bench.connect()
    schedule = bench.site.connections[wanted].schedule_id
    bench.open(bench.target(schedule_ids=(schedule.upper(),)))
    assert (await bench.only()).key == key_of(wanted)


async def test_an_aliased_schedule_names_its_connection_and_itself(bench: WixBench) -> None:
    schedule = bench.site.connections[bench.connect()].schedule_id
    bench.open(bench.target(aliases={schedule: "Chair 1"}))
    found = await bench.only()
    assert ("Chair 1", "Chair 1") == (found.key, found.schedule)


async def test_two_connections_of_one_aliased_schedule_keep_their_names(bench: WixBench) -> None:
    life = bench.site.connections
    bench.switches.reconnect_keeps_old = True
    old = bench.connect()
    bench.open(bench.target(aliases={life[old].schedule_id: "Chair 1"}))
    assert "Chair 1" == (await bench.only()).key
    new = life.reconnect(old)
    for _ in range(3):
        found = {connection.key: connection.status for connection in (await bench.observe()).connections}
        assert found == {"Chair 1": S.DISCONNECTED, f"Chair 1 {key_of(new)}": S.CONNECTED}
    life.drop(old)
    assert (await bench.only()).key == f"Chair 1 {key_of(new)}"


async def test_a_reconnect_that_replaces_the_connection_inherits_its_alias(bench: WixBench) -> None:
    life = bench.site.connections
    old = bench.connect()
    bench.open(bench.target(aliases={life[old].schedule_id: "Chair 1"}))
    await bench.only()
    life.reconnect(old)
    assert "Chair 1" == (await bench.only()).key


async def test_a_connection_remembers_its_states_and_that_the_first_of_them_may_be_older(bench: WixBench) -> None:
    made = bench.connect(status="SYNCED")
    first = await bench.only()
    assert (False, (Change(first.since, "synced", known=False),)) == (first.since_known, first.changes)
    bench.site.connections.revoke_token(made)
    broken = await bench.only()
    again = await bench.only()
    assert (True, (*first.changes, Change(broken.since, "error"))) == (broken.since_known, broken.changes)
    assert (broken.since, broken.changes) == (again.since, again.changes)


async def test_ages_survive_a_restart_with_a_state_file(bench: WixBench, tmp_path: Path) -> None:
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


async def test_a_disk_that_cannot_be_written_never_fails_the_poll(bench: WixBench, tmp_path: Path) -> None:
    bench.since = FileStatusHistory(tmp_path / "missing" / "state.json", SystemClock())
    bench.connect()
    with capture_logs() as logs:
        await bench.only()
        await bench.only()
    assert ["state_file_not_written"] == [entry["event"] for entry in logs]


async def test_usage_tells_how_many_calls_are_left(bench: WixBench) -> None:
    (before,) = bench.session.usage().budgets
    assert ("requests", 10.0, 10.0) == (before.name, before.limit, before.remaining)
    for _ in range(3):
        await bench.session.collectors[CollectorName.CONNECTIONS].poll()
    (after,) = bench.session.usage().budgets
    assert after.remaining == pytest.approx(6.0)  # three lists of connections, one of providers
