"""Which states are remembered of connections and collectors: 50, a week, 64 KiB of a target, and always the newest."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.errors import Reason
from exporter.model import Change, CollectorName, ConnectionStatus
from exporter.state.changes import changed_times, failing, failing_since, in_order, is_flapping, recent
from exporter.state.status_history import FileStatusHistory, StatusHistory
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0
HOUR, DAY, WEEK = 3_600.0, 86_400.0, 604_800.0
STATES = [status.value for status in ConnectionStatus]
COLLECTOR_STATES = ["ok", "expired", *(failing(reason) for reason in Reason)]

Seen = Sequence[tuple[float, str]]
sightings = st.lists(st.tuples(st.floats(0.5, 2 * DAY), st.sampled_from(STATES[:3])), min_size=1, max_size=150)


def changes_of(seen: Seen) -> list[tuple[float, str]]:
    """Return the moments at which the state was another one than before, by the plainest of means."""
    return [row for before, row in zip([(0.0, ""), *seen], seen, strict=False) if before[1] != row[1]]


def line_of(steps: Sequence[tuple[float, str]]) -> Seen:
    moments, now = [], NOW
    for seconds, state in steps:
        now += seconds
        moments.append((now, state))
    return moments


@pytest.mark.slow
@given(sightings)
def test_whatever_states_come_the_newest_are_remembered_fifty_of_a_week_and_since_is_right(
    steps: Sequence[tuple[float, str]],
) -> None:
    store, seen = StatusHistory(), line_of(steps)
    changes: tuple[Change, ...] = ()
    for position, (now, state) in enumerate(seen):
        changes = store.seen("salon", "abc", Change(now, state, known=position > 0), now)
        store.forget_oldest("salon")
        plain = changes_of(seen[: position + 1])
        kept = [row for row, following in zip(plain, [*plain[1:], (now, "")], strict=True) if following[0] > now - WEEK]
        assert (kept or plain[-1:])[-50:] == [(change.at, change.state) for change in changes]
    assert (changes_of(seen)[-1], len(changes_of(seen)) > 1) == ((changes[-1].at, changes[-1].state), changes[-1].known)


@pytest.mark.slow
@settings(max_examples=10, deadline=None)
@given(
    st.sampled_from([1, 30, 300, 900]),
    st.integers(1, 55),
    st.booleans(),
    st.integers(0, 3),
    st.sampled_from([0.0, 7_200.5, -7_200.5]),
)
async def test_what_stands_in_the_file_of_a_target_is_never_more_than_64_kib_and_the_newest(
    connections: int, times: int, collectors_first: bool, collectors: int, step: float
) -> None:
    async def script(path: Path) -> None:
        clock = ManualClock(NOW)
        store = FileStatusHistory(path, clock)
        clock.set_by = step

        def see_connections(now: float, turn: int) -> None:
            for number in range(connections):
                state = STATES[(number + turn) % len(STATES)]
                store.seen("salon", f"{number:012x}", Change(now + number / 7e6, state, known=False), now + 1)
            store.forget_oldest("salon")

        for turn in range(times):
            now = NOW + turn * 60 + 0.123456
            clock.now = now
            if not collectors_first:
                see_connections(now, turn)
            for name in list(CollectorName)[:collectors]:
                store.collector_seen("salon", name, Change(now, COLLECTOR_STATES[turn % len(COLLECTOR_STATES)]), now)
            if collectors_first:
                see_connections(now, turn)
        await store.save()
        part = json.loads(path.read_bytes())["targets"]["salon"]
        assert len(json.dumps(part, separators=(",", ":"))) <= 64 * 1024
        assert min(connections, 800) == len(part["connections"])
        assert collectors == len(part["collectors"])
        last = NOW + (times - 1) * 60 + step
        rows = [rows for track in part.values() for rows in track.values()]
        assert all(last <= states[-1][0] <= last + 1 for states in rows), "the present state of each"
        if times <= 50:
            dropped = [times - 1 - len(states) for states in rows]  # the newest turn that each lacks
            kept = [times - len(states) for states in rows if len(states) > 1]
            assert max(dropped) <= min(kept, default=times), "the oldest went first"

    with TemporaryDirectory() as folder:
        await script(Path(folder) / "state.json")


def restarted(path: Path, clock: ManualClock) -> FileStatusHistory:
    return FileStatusHistory(path, clock)


async def test_what_was_remembered_is_known_after_a_restart(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    first = restarted(tmp_path / "state.json", clock)
    first.seen("salon", "abc", Change(NOW, "synced", known=False), NOW)
    first.seen("salon", "abc", Change(NOW + 60, "error"), NOW + 60)
    first.collector_seen("salon", "bookings", Change(NOW, "ok", known=False), NOW)
    first.collector_seen("salon", "bookings", Change(NOW + 90, "failing auth"), NOW + 90)
    await first.save()
    second = restarted(tmp_path / "state.json", clock)
    now = NOW + 300
    connection = second.seen("salon", "abc", Change(now, "error", known=False), now)
    collector = second.collector_seen("salon", "bookings", Change(now, "failing auth", known=False), now)
    assert [(NOW, "synced", False), (NOW + 60, "error", True)] == [(row.at, row.state, row.known) for row in connection]
    assert [(NOW, "ok", False), (NOW + 90, "failing auth", True)] == [(row.at, row.state, row.known) for row in collector]


async def test_what_changed_while_nobody_looked_is_so_at_least_since_then(tmp_path: Path) -> None:
    clock = ManualClock(NOW)
    first = restarted(tmp_path / "state.json", clock)
    first.seen("salon", "abc", Change(NOW, "synced", known=False), NOW)
    await first.save()
    now = NOW + 3 * DAY
    found = restarted(tmp_path / "state.json", clock).seen("salon", "abc", Change(now, "error", known=False), now)
    assert [(NOW, "synced", False), (now, "error", False)] == [(row.at, row.state, row.known) for row in found]


async def test_a_file_of_the_first_version_keeps_its_moments_which_may_be_those_of_a_start(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    path.write_text('{"version":1,"targets":{"salon":{"abc":{"status":"synced","since":1700000000.0}}}}')
    store = restarted(path, ManualClock(NOW))
    assert (Change(1_700_000_000.0, "synced", known=False),) == plain(store.seen("salon", "abc", Change(NOW, "synced"), NOW))
    store.seen("salon", "abc", Change(NOW, "error"), NOW)
    await store.save()
    assert 2 == json.loads(path.read_bytes())["version"]
    assert "error" == restarted(path, ManualClock(NOW)).seen("salon", "abc", Change(NOW, "error"), NOW)[-1].state


def plain(changes: Sequence[Change]) -> tuple[Change, ...]:
    return tuple(Change(row.at, row.state, row.known) for row in changes)


@pytest.mark.parametrize("step", [-DAY, -30.0, 30.0, DAY])
async def test_a_clock_that_is_set_moves_what_an_earlier_run_saw_and_not_what_this_one_saw(tmp_path: Path, step: float) -> None:
    path, clock = tmp_path / "state.json", ManualClock(NOW)
    earlier = [[NOW - 3 * DAY, "synced"], [NOW - 2 * DAY, "error"]]
    path.write_text(json.dumps({"version": 2, "targets": {"salon": {"connections": {"abc": earlier}}}}))
    store = restarted(path, clock)
    store.seen("salon", "abc", Change(NOW, "synced"), NOW)
    clock.set_by = step
    seen = store.seen("salon", "abc", Change(NOW + 60, "synced"), NOW + 60)
    assert [NOW - 3 * DAY - step, NOW - 2 * DAY - step, NOW] == [row.at for row in seen]
    await store.save()
    written: Mapping[str, Any] = json.loads(path.read_bytes())["targets"]["salon"]["connections"]
    assert [NOW - 3 * DAY, NOW - 2 * DAY, NOW + step] == [at for at, *_ in written["abc"]]


def test_moments_out_of_order_in_a_file_are_left_out(tmp_path: Path) -> None:
    path = tmp_path / "state.json"
    rows = [[-5.0, "error"], [NOW - 10, "synced"], [NOW - 90, "error"], [NOW - 60, "synced"]]
    path.write_text(json.dumps({"version": 2, "targets": {"salon": {"connections": {"abc": rows}}}}))
    found = restarted(path, ManualClock(NOW)).seen("salon", "abc", Change(NOW, "synced"), NOW)
    assert [NOW - 90, NOW - 60] == [row.at for row in found]


def test_states_that_nothing_was_lost_of_are_the_same_object() -> None:
    changes = (Change(NOW, "synced"),)
    assert changes is in_order(changes, NOW)
    assert changes is recent(changes, NOW + 9 * WEEK)


def flapped(times: int, seconds: float) -> tuple[Change, ...]:
    return tuple(Change(NOW - (times - turn) * seconds, "synced" if turn % 2 else "error") for turn in range(times + 1))


@pytest.mark.parametrize(
    ("changes", "flapping"),
    [
        ((), False),
        (flapped(0, HOUR), False),
        (flapped(5, HOUR), False),
        (flapped(6, HOUR), True),
        (flapped(6, 5 * HOUR), False),
    ],
)
def test_three_times_broken_and_back_within_a_day_is_flapping(changes: tuple[Change, ...], flapping: bool) -> None:
    assert flapping == is_flapping(changes, NOW)


def test_the_first_state_that_is_known_is_no_change() -> None:
    assert [0, 1, 3] == [changed_times(flapped(times, HOUR), NOW, DAY) for times in (0, 1, 3)]


@pytest.mark.parametrize(
    ("states", "since", "known"),
    [
        (["ok", "failing auth"], 1, True),
        (["ok", "failing auth", "ok"], None, None),
        (["ok", "failing auth", "expired", "failing network"], 1, True),
        (["failing auth"], 0, False),
        (["failing auth", "expired"], 0, False),
        ([], None, None),
    ],
)
def test_a_collector_fails_since_it_was_last_ok_whatever_the_reasons_and_at_least_where_that_is_not_known(
    states: Sequence[str], since: int | None, known: bool | None
) -> None:
    found = failing_since(tuple(Change(float(at), state) for at, state in enumerate(states)))
    assert (since, known) == ((found.at, found.known) if found else (None, None))
