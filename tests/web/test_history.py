"""What board and JSON say of the past: since when, what was before, how often, and the strip of seven days."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import Change, CollectorName, Connection, ConnectionStatus
from exporter.state.snapshot import Snapshot, View
from exporter.web import status_page
from exporter.web.history import Bar, strip
from exporter.web.status_api import status_of
from exporter.web.status_types import CalendarConnection, Collector, Status
from exporter.web.status_types import Change as ShownChange
from tests.harness import views
from tests.harness.views import NOW

HOUR, DAY = 3_600.0, 86_400.0


def link(*states: tuple[float, str], known: bool = True) -> Connection:
    """Return a connection that took each state so many seconds before now; of the first it is not known since when."""
    changes = tuple(Change(NOW - ago, state, known=position > 0 and known) for position, (ago, state) in enumerate(states))
    row = views.connection("Chair 1", ConnectionStatus(states[-1][1]), since=changes[-1].at)
    return replace(row, changes=changes, since_known=changes[-1].known)


def flapping(times: int, seconds: float) -> Connection:
    return link(*((seconds * turn + 60, "synced" if turn % 2 else "error") for turn in range(times, -1, -1)))


def view(row: Connection, *changes: Change) -> View:
    state = views.unpolled("salon", "wix", CollectorName.CONNECTIONS)
    polled = views.succeeded(state, views.connections(row))
    return views.view_of(views.target_of("salon", "wix", [replace(polled, changes=changes)]))


def connection_of(shown: View) -> CalendarConnection:
    found = status_of(shown).targets[0].connections
    assert found is not None
    return found.connections[0]


def collector_of(shown: View) -> Collector:
    return status_of(shown).targets[0].collectors[0]


def words(shown: View) -> str:
    body = re.sub(r"<(style|script|title)>.*?</\1>", "", status_page.render(shown).decode(), flags=re.DOTALL)
    return re.sub(r"\s+([,.;)])", r"\1", re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", body))).replace("( ", "(")


def test_the_json_has_the_states_of_a_connection_and_whether_they_were_seen_to_begin() -> None:
    row = connection_of(view(link((9 * DAY, "error"), (2 * DAY, "connected"), (HOUR, "synced"))))
    assert [("error", False), ("connected", True), ("synced", True)] == [(change.state, change.known) for change in row.changes]
    assert (row.since, True, 2, 1) == (row.changes[-1].at, row.since_known, row.changed_times, row.changed_times_24h)


def test_the_json_has_the_states_of_a_collector_with_the_reason_beside_them() -> None:
    changes = (Change(NOW - 300, "ok", known=False), Change(NOW - 200, "failing auth"), Change(NOW - 30, "ok"))
    row = collector_of(view(views.connection("Chair 1"), *changes))
    assert [("ok", None), ("failing", "auth"), ("ok", None)] == [(change.state, change.reason) for change in row.changes]
    assert (row.since, True, 2) == (row.changes[-1].at, row.since_known, row.changed_times)


@pytest.mark.parametrize("step", [-7_200.0, 7_200.0, 1e6])
def test_when_the_clock_is_set_the_past_moves_with_it_and_is_as_long_and_as_often_changed(step: float) -> None:
    state = views.unpolled("salon", "wix", CollectorName.CONNECTIONS)
    row = link((30 * HOUR, "synced"), (23.5 * HOUR, "error"), (60, "synced"))
    polled = views.failed(views.succeeded(state, views.connections(row, flapping(8, HOUR))), Reason.AUTH, "no")
    changes = (Change(NOW - 25 * HOUR, "ok"), Change(NOW - 23.5 * HOUR, "failing auth"))
    snapshot = Snapshot()
    snapshot.put_target(*views.target_of("salon", "wix", [replace(polled, changes=changes)]))
    before, after = (status_of(snapshot.view(NOW, by)) for by in (0.0, step))

    def past(shown: Status) -> list[tuple[object, ...]]:
        [target] = shown.targets
        assert target.connections is not None
        told: tuple[Collector | CalendarConnection, ...] = (*target.collectors, *target.connections.connections)
        by = shown.generated_at
        rows: list[tuple[object, ...]] = [
            (
                [(change.at - by, change.state) for change in one.changes],
                one.since and one.since - by,
                one.changed_times,
                one.changed_times_24h,
                one.flapping,
            )
            for one in told
        ]
        return rows + [(problem.kind, problem.since and problem.since - by) for problem in shown.problems]

    assert past(before) == past(after)
    assert timedelta(seconds=step) == after.generated_at - before.generated_at
    assert [(1, 1), (2, 2), (8, 8)] == [(times, today) for _, _, times, today, _ in past(after)[:3]]


def test_a_collector_that_was_not_polled_yet_has_no_past() -> None:
    row = status_of(views.before_first_poll()).targets[0].collectors[0]
    assert (None, False, (), 0, 0, False) == (
        row.since,
        row.since_known,
        row.changes,
        row.changed_times,
        row.changed_times_24h,
        row.flapping,
    )


def test_what_was_so_when_the_exporter_began_to_look_is_so_at_least_since_then() -> None:
    text = words(view(link((7_200, "error"))))
    assert 2 == text.count("at least since today 12:13 UTC (2 h ago)"), "on the card and beside the connection"
    assert "no change seen" in text


def test_nothing_is_said_of_a_past_of_less_than_an_hour_without_a_change() -> None:
    assert "no change seen" not in words(view(link((HOUR - 1, "synced"))))
    assert "no change seen" in words(view(link((HOUR, "synced"))))
    assert "was error for at least" in words(view(link((HOUR / 2, "error"), (60, "synced"))))


def test_what_was_seen_to_change_says_since_when_what_was_before_and_how_often() -> None:
    text = words(view(link((8 * DAY, "synced"), (3 * HOUR, "disconnected"), (HOUR, "error"))))
    assert "at least since" not in text
    assert "was disconnected for 2 h, 2 changes in 7 days" in text


@pytest.mark.parametrize(
    ("row", "said"),
    [
        (flapping(12, HOUR), "flapping, 12 changes in 24 h"),
        (flapping(6, HOUR), "flapping, 6 changes in 24 h"),
        (flapping(5, HOUR), None),
        (flapping(12, 5 * HOUR), None),
        (flapping(49, 240.0), "flapping, 49+ changes in 24 h"),
    ],
)
def test_a_link_that_flaps_says_so_whatever_its_present_state(row: Connection, said: str | None) -> None:
    text = words(view(row))
    assert (said is not None) == ("flapping" in text)
    assert said is None or said in text


def test_a_collector_that_flaps_says_so() -> None:
    changes = tuple(Change(NOW - HOUR * (7 - turn), "failing network" if turn % 2 else "ok") for turn in range(7))
    text = words(view(views.connection("Chair 1"), *changes))
    assert "flapping, 6 changes in 24 h was failing (network) for 1 h" in text


def test_a_collector_that_fails_since_before_the_start_is_listed_as_failing_at_least_since_then() -> None:
    state = views.failed(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "refused")
    failing = replace(state, changes=(Change(NOW - 60, "failing auth", known=False),))
    found = status_of(views.view_of(views.target_of("salon", "wix", [failing]))).problems[0]
    assert (False, 60.0) == (found.since_known, NOW - (found.since.timestamp() if found.since else 0))


def test_a_collector_that_fails_for_changing_reasons_fails_since_the_first_of_them() -> None:
    state = views.failed(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), Reason.AUTH, "refused")
    states = ((900.0, "ok"), (600.0, "failing network"), (60.0, "failing auth"))
    failing = replace(state, changes=tuple(Change(NOW - ago, word) for ago, word in states))
    found = status_of(views.view_of(views.target_of("salon", "wix", [failing]))).problems[0]
    assert (True, 600.0) == (found.since_known, NOW - (found.since.timestamp() if found.since else 0))


# The strip

MOMENT = datetime(2026, 9, 21, 14, 13, 20, tzinfo=UTC)


def changed(*states: tuple[float, str]) -> list[ShownChange]:
    return [ShownChange(at=MOMENT - timedelta(hours=ago), state=state, reason=None, known=True) for ago, state in states]


@pytest.mark.parametrize(
    ("changes", "bars"),
    [
        (changed((500, "synced")), [Bar(0, 168, "synced", 3)]),
        (changed((10, "synced")), [Bar(157, 11, "synced", 3)]),
        (changed((500, "error"), (100.5, "synced")), [Bar(0, 68, "error", 10), Bar(68, 100, "synced", 3)]),
        (
            changed((500, "synced"), (50.6, "failing"), (50.4, "synced")),
            [Bar(0, 117, "synced", 3), Bar(117, 1, "failing", 10), Bar(118, 50, "synced", 3)],
        ),
        (
            changed((500, "synced"), (50.6, "error"), (50.4, "disconnected"), (50.2, "synced")),
            [Bar(0, 117, "synced", 3), Bar(117, 1, "disconnected", 10), Bar(118, 50, "synced", 3)],
        ),
        ([], []),
    ],
)
def test_an_hour_of_the_strip_shows_the_worst_that_was_in_it_and_of_two_as_bad_the_later(
    changes: Sequence[ShownChange], bars: Sequence[Bar]
) -> None:
    assert bars == strip(changes, MOMENT)


@pytest.mark.slow
@given(st.lists(st.tuples(st.floats(-1, 400), st.sampled_from(["ok", "failing", "expired", "undefined", "new"])), max_size=50))
def test_whatever_happened_the_bars_lie_side_by_side_within_seven_days(states: list[tuple[float, str]]) -> None:
    bars = strip(changed(*sorted(states, reverse=True)), MOMENT)
    assert all(before.start + before.hours <= after.start for before, after in pairwise(bars))
    assert all(0 <= bar.start and bar.hours > 0 and bar.start + bar.hours <= 168 for bar in bars)


def test_the_strip_needs_no_style_of_its_own_and_is_read_by_nobody_in_place_of_the_words() -> None:
    html = status_page.render(view(flapping(12, HOUR))).decode()
    (drawn,) = re.findall(r"<svg.*?</svg>", html, flags=re.DOTALL)
    assert "style" not in drawn
    assert 'aria-hidden="true"' in drawn
    assert "xlink" not in drawn
