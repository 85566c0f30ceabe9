"""Connections that a site lists no more: how long they are told of, and what does not count as gone."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path

from exporter.clock.system import SystemClock
from exporter.model import Change, ConnectionsObservation
from exporter.platforms.wix.answers import short_hash
from exporter.state.status_history import FileStatusHistory
from tests.harness.wix_site import WixBench

HOUR = 3600.0
SCHEDULE = "0a1b2c3d-aaaa-4bbb-8ccc-ddddeeeeffff"


async def see(bench: WixBench, *ids: str, failed: Iterable[str] = (), broken_rows: int = 0) -> ConnectionsObservation:
    rows: list[object] = [
        {"id": key, "status": "SYNCED", "providerId": "p", "scheduleId": f"{SCHEDULE[:-1]}{key}"} for key in ids
    ]
    rows += [{"id": 7}] * broken_rows
    bench.answer_with("ListConnections", json.dumps({"connections": rows, "failedProviderIds": [*failed]}), times=1)
    result = await bench.poll()
    assert isinstance(result.observation, ConnectionsObservation)
    return result.observation


def gone(seen: ConnectionsObservation) -> dict[str, tuple[Change, ...]]:
    names = {short_hash(key): key for key in "abc"}
    return {names[row.key]: row.changes for row in seen.gone}


async def test_connections_that_a_whole_answer_lists_no_more_are_told_with_what_they_were_for_a_day(bench: WixBench) -> None:
    first = await see(bench, "a", "b", "c")
    assert {} == gone(first)
    went = await see(bench, "c")
    expected = (Change(first.at, "synced", known=False), Change(went.at, "gone"))
    assert {"a": expected, "b": expected} == gone(went)
    assert gone(went) == gone(await see(bench, "c"))
    bench.clock.now = went.at + 24 * HOUR - 61
    assert {"a", "b"} == gone(await see(bench, "c")).keys()
    assert {} == gone(await see(bench, "c"))


async def test_all_connections_may_go_at_once(bench: WixBench) -> None:
    await see(bench, "a", "b")
    seen = await see(bench)
    assert () == seen.connections
    assert {"a", "b"} == gone(seen).keys()
    assert {short_hash(f"{SCHEDULE[:-1]}{key}") for key in "ab"} == {row.schedule for row in seen.gone}


async def test_a_connection_that_is_listed_again_is_not_gone_and_has_the_gap_among_its_states(bench: WixBench) -> None:
    await see(bench, "a", "b")
    await see(bench, "b")
    seen = await see(bench, "a", "b")
    assert {} == gone(seen)
    states = {row.key: [change.state for change in row.changes] for row in seen.connections}
    assert {short_hash("a"): ["synced", "gone", "synced"], short_hash("b"): ["synced"]} == states


async def test_what_may_be_missing_for_another_reason_is_not_gone(bench: WixBench) -> None:
    await see(bench, "a", "b")
    assert {} == gone(await see(bench, "b", failed=["p"]))
    assert {} == gone(await see(bench, "b", broken_rows=1))
    assert {"a"} == gone(await see(bench, "b")).keys()
    assert {} == gone(await see(bench, "a", failed=["p"]))


async def test_a_connection_that_schedule_ids_leave_out_is_not_gone(bench: WixBench) -> None:
    await see(bench, "a", "b")
    bench.open(bench.target(schedule_ids=(f"{SCHEDULE[:-1]}b",)))
    assert {} == gone(await see(bench, "a", "b"))
    assert {"b"} == gone(await see(bench, "a")).keys()


async def test_what_went_while_the_exporter_was_away_or_before_is_known_by_the_state_file(
    bench: WixBench, tmp_path: Path
) -> None:
    def restart() -> None:
        bench.since = FileStatusHistory(tmp_path / "state.json", SystemClock())
        bench.open()

    restart()
    await see(bench, "a", "b", "c")
    restart()
    went = gone(await see(bench, "c"))
    assert ["synced", "gone"] == [change.state for change in went["a"]]
    restart()
    again = gone(await see(bench))
    assert {"a", "b", "c"} == again.keys()
    assert [change.at for change in went["a"]] == [change.at for change in again["a"]]


async def test_the_gone_are_forgotten_before_those_that_are_listed(bench: WixBench) -> None:
    many = [f"g{number}" for number in range(790)]
    await see(bench, *many, "a", "b")
    await see(bench, "a", "b", "c", *(f"n{number}" for number in range(100)))
    seen = await see(bench, "a", "b", "c", *(f"n{number}" for number in range(100)))
    assert 700 >= len(seen.gone)
    assert all(row.changes for row in seen.connections)
