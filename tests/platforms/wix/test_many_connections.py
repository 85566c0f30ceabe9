"""A site with more connections or providers than are shown one by one: which of them are, and that the others count."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.model import CalendarType, Change, Connection, ConnectionsObservation, ConnectionStatus, Provider
from exporter.platforms.base import PollResult
from exporter.platforms.wix.answers import short_hash
from exporter.platforms.wix.settings import WixCollectors, WixConnections
from exporter.state.status_history import FileStatusHistory, StatusHistory
from tests.harness.wix_site import WixBench

LIST, PROVIDER_LIST = "ListConnections", "ListProviders"
MOST = 3
IDS = ("a", "b", "c", "d", "e", "f")


def few(bench: WixBench, most: int = MOST) -> None:
    """Open the site so that only some of its connections are shown."""
    connections = WixConnections(interval=60.0, max_age=300.0, max_connections=most)
    bench.open(bench.target(collectors=WixCollectors(connections=connections)))


def listing(statuses: Mapping[str, str], *, failed: Iterable[str] = ()) -> str:
    rows = [{"id": key, "status": status, "providerId": "p", "calendarType": "GOOGLE"} for key, status in statuses.items()]
    return json.dumps({"connections": rows, "failedProviderIds": [*failed]})


async def see(bench: WixBench, statuses: Mapping[str, str], *, failed: Iterable[str] = ()) -> ConnectionsObservation:
    bench.answer_with(LIST, listing(statuses, failed=failed), times=1)
    result: PollResult = await bench.poll()
    assert isinstance(result.observation, ConnectionsObservation)
    return result.observation


def shown(observation: ConnectionsObservation) -> dict[str, Connection]:
    ids = {short_hash(key): key for key in IDS}
    return {ids[connection.key]: connection for connection in observation.connections}


def all_synced(*ids: str) -> dict[str, str]:
    return dict.fromkeys(ids or IDS, "SYNCED")


@pytest.mark.parametrize("status", ["ERROR", "DISCONNECTED"])
@pytest.mark.parametrize("broken", IDS)
async def test_a_connection_that_does_not_work_is_shown_whichever_it_is(bench: WixBench, broken: str, status: str) -> None:
    few(bench)
    await see(bench, all_synced())
    assert broken in set(shown(await see(bench, {**all_synced(), broken: status})))


async def test_a_connection_that_may_not_work_is_shown_before_those_that_do(bench: WixBench) -> None:
    few(bench)
    states = {"a": "SYNC_IN_PROGRESS", "b": "UNDEFINED", "c": "ERROR"}
    assert {"a", "b", "c"} == set(shown(await see(bench, {**all_synced(), **states})))


async def test_connections_that_were_cut_long_ago_hide_none_that_breaks(bench: WixBench) -> None:
    few(bench)
    states = {**all_synced(), **dict.fromkeys(("a", "b", "c"), "DISCONNECTED")}
    await see(bench, states)
    assert [{"d"}, {"e"}, {"f"}] == [
        set(shown(await see(bench, {**states, broken: "ERROR"}))) & {broken} for broken in ("d", "e", "f")
    ]


async def test_the_same_connections_are_shown_in_whatever_order_they_come(bench: WixBench) -> None:
    few(bench)
    first, *others = [set(shown(await see(bench, all_synced(*IDS[turn:], *IDS[:turn])))) for turn in range(len(IDS))]
    assert [first] * 5 == others


async def test_no_connection_gives_way_to_one_that_is_as_well(bench: WixBench) -> None:
    few(bench)
    before = set(shown(await see(bench, all_synced("d", "e", "f"))))
    after = set(shown(await see(bench, all_synced())))
    assert before == after


async def test_a_connection_that_works_again_stays_where_it_was_shown(bench: WixBench) -> None:
    few(bench)
    hidden = min(set(IDS) - set(shown(await see(bench, all_synced()))))
    broken = set(shown(await see(bench, {**all_synced(), hidden: "ERROR"})))
    mended = set(shown(await see(bench, all_synced())))
    assert broken == mended


async def test_those_that_are_not_shown_are_counted(bench: WixBench) -> None:
    few(bench)
    seen = await see(bench, {**all_synced(), "a": "ERROR"})
    assert 3 == len(seen.connections)
    assert 3 == seen.dropped_connections
    google = CalendarType.GOOGLE
    assert {(google, ConnectionStatus.ERROR): 1, (google, ConnectionStatus.SYNCED): 5} == seen.numbers


async def test_of_those_that_are_not_shown_it_is_known_what_they_were(bench: WixBench) -> None:
    few(bench, 1)
    began = (await see(bench, all_synced("a", "b"))).at
    seen = await see(bench, dict.fromkeys(("a", "b"), "ERROR"))
    [other] = seen.others
    assert (ConnectionStatus.ERROR, seen.at, True) == (other.status, other.since, other.since_known)
    assert (Change(began, "synced", known=False), Change(seen.at, "error")) == other.changes
    assert seen.connections[0].changes == other.changes


async def test_those_that_are_not_shown_stay_counted_while_their_provider_fails(bench: WixBench) -> None:
    few(bench)
    one = min(shown(await see(bench, all_synced())))
    began = bench.clock.now
    partly = await see(bench, all_synced(one), failed=["p"])
    for _ in range(5):
        late = await see(bench, all_synced(one), failed=["p"])
    assert {began} == {rest.observed_at for rest in partly.others}
    assert 6 == sum(partly.numbers.values())
    assert 1 == sum(late.numbers.values())


async def test_nobody_has_to_wait_for_a_place_that_is_kept_for_what_is_too_old_to_show(bench: WixBench) -> None:
    few(bench)
    await see(bench, dict.fromkeys("abc", "ERROR"))
    for _ in range(5):
        await see(bench, {}, failed=["p"])  # all that is asked has failed
    assert {"d", "e", "f"} == set(shown(await see(bench, all_synced("d", "e", "f"), failed=["p"])))


async def test_the_age_of_a_status_goes_on_when_the_connection_comes_to_be_shown(bench: WixBench) -> None:
    few(bench, most=1)
    first = await see(bench, {"a": "ERROR", "b": "ERROR"})
    began = bench.clock.now
    (one,) = shown(first)
    (other,) = {"a", "b"} - {one}
    await see(bench, {"a": "ERROR", "b": "ERROR"})
    seen = shown(await see(bench, {one: "SYNCED", other: "ERROR"}))
    since = seen[other].since
    assert began == since


def test_eight_hundred_moments_of_a_target_are_remembered_those_asked_for_last() -> None:
    store = StatusHistory()
    for number in range(1000):
        store.seen("salon", f"c{number}", Change(10.0, "synced"), 10.0)
    store.seen("spa", "c0", Change(10.0, "synced"), 10.0)
    store.forget_oldest("salon")
    kept = [number for number in range(1000) if store.seen("salon", f"c{number}", Change(20.0, "synced"), 20.0)[-1].at == 10.0]
    assert [*range(200, 1000)] == kept
    assert 10.0 == store.seen("spa", "c0", Change(20.0, "synced"), 20.0)[-1].at


async def test_a_connection_that_broke_during_a_restart_takes_the_moment_of_no_more_than_one_other(bench: WixBench) -> None:
    """It is shown, and so asked for, before all others."""

    ids = [f"c{number}" for number in range(900)]
    few(bench, 1000)
    first = await see(bench, all_synced(*ids))
    few(bench, 1000)
    again = await see(bench, {**all_synced(*ids), "new": "ERROR"})
    assert 799 == sum(connection.since == first.at for connection in again.connections)


@pytest.mark.slow
async def test_those_that_are_shown_keep_their_moments_from_a_file_of_thousands(bench: WixBench, tmp_path: Path) -> None:
    """Older versions remembered every connection, in the order of the answer."""
    path = tmp_path / "state.json"
    states = {f"c{number}": "ERROR" if number % 20 == 0 else "SYNCED" for number in range(8000)}
    entries = {short_hash(key): {"status": status.lower(), "since": 1_780_000_000.0} for key, status in states.items()}
    path.write_text(json.dumps({"version": 1, "targets": {"salon": entries}}))

    bench.since = FileStatusHistory(path, bench.clock)
    few(bench, 400)
    seen = await see(bench, states)
    assert 400 == len(seen.connections)
    assert {1_780_000_000.0} == {connection.since for connection in seen.connections}


@pytest.mark.slow
def test_a_connection_that_is_asked_for_stays_remembered_however_many_others_come() -> None:
    store = StatusHistory()
    for number in range(3000):
        assert 10.0 == store.seen("salon", "kept", Change(10.0, "synced"), 10.0 + number)[-1].at
        store.seen("salon", f"c{number}", Change(10.0 + number, "synced"), 10.0 + number)
        store.forget_oldest("salon")


@pytest.mark.parametrize(("failed", "named", "ending"), [(5, 5, "; their"), (200, 5, " and 195 more; their")])
async def test_the_error_names_five_providers_at_most(bench: WixBench, failed: int, named: int, ending: str) -> None:
    bench.answer_with(LIST, listing(all_synced("a"), failed=[f"f{number}" for number in range(failed)]))
    error = (await bench.poll()).failure
    assert error is not None
    message = error.message
    assert named == message.count("unknown-")
    assert ending in message


async def test_a_list_of_more_providers_than_are_read_is_a_warning_and_costs_their_types_alone(bench: WixBench) -> None:
    with capture_logs() as lines:
        bench.answer_with(PROVIDER_LIST, json.dumps({"providers": [{"id": f"p{number}"} for number in range(201)]}))
        bench.answer_with(LIST, listing(all_synced("a")))
        result = await bench.poll()
    assert result.failure is None
    assert isinstance(result.observation, ConnectionsObservation)
    assert [Provider("google", up=True)] == list(result.observation.providers)
    (message,) = (line["message"] for line in lines if line["event"] == "wix_providers_not_listed")
    assert "more than 200 providers" in message


async def test_fifty_providers_are_shown_and_those_that_fail_first_of_all(bench: WixBench) -> None:
    listed = [{"id": f"p{number}", "calendarType": "OTHER"} for number in range(150)]
    bench.answer_with(PROVIDER_LIST, json.dumps({"providers": listed}))
    seen = await see(bench, all_synced("a"), failed=[f"p{number}" for number in range(100, 140)])
    assert 50 == len(seen.providers)
    assert 40 == sum(not provider.up for provider in seen.providers)
    assert 101 == seen.dropped_providers


async def test_the_same_providers_are_shown_with_every_poll(bench: WixBench) -> None:
    listed = [{"id": f"p{number}", "calendarType": "OTHER"} for number in range(150)]
    bench.answer_with(PROVIDER_LIST, json.dumps({"providers": listed}))
    seen = [await see(bench, all_synced(*ids)) for ids in ("abc", "cab", "bca")]
    first, second, third = [[provider.label for provider in observation.providers] for observation in seen]
    assert first == second == third
