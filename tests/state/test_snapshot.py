"""Freshness: what is too old is not shown, and nothing old passes for new."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.booking_links import LinkAnswers, LinksObservation, WindowLinks
from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    CalendarType,
    Change,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    GoneConnection,
    Observation,
    Window,
)
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry, View
from exporter.state.thresholds import Thresholds

START = 1_790_000_000.0


def state(observation: Observation | None, **changes: object) -> CollectorState:
    base = CollectorState("salon", "wix", CollectorName.BOOKINGS, 60.0, 300.0, observation=observation)
    return replace(base, **changes)


def connection(key: str, observed_at: float) -> Connection:
    return Connection(
        key,
        CalendarType.GOOGLE,
        "google",
        "chair",
        ConnectionStatus.SYNCED,
        None,
        True,
        True,
        START,
        observed_at,
    )


def snapshot_of(*states: CollectorState) -> Snapshot:
    snapshot = Snapshot()
    for each in states:
        entry = TargetEntry(each.target, each.platform, {}, ApiUsage)
        snapshot.put_target(entry, {each.collector: each})
    return snapshot


def only(view: View) -> CollectorState:
    return view.targets[0].collectors[0]


def test_an_observation_is_shown_until_max_age_and_then_withdrawn() -> None:
    snapshot = snapshot_of(state(BookingsObservation(START, ())))
    assert only(snapshot.view(START + 300)).observation is not None
    late = snapshot.view(START + 300.1)
    assert only(late).observation is None
    assert late.targets[0].collectors[0].expired


def test_a_collector_without_any_observation_is_not_expired() -> None:
    view = snapshot_of(state(None)).view(START)
    assert not view.targets[0].collectors[0].expired


def test_rows_of_a_failed_provider_vanish_one_by_one_while_fresh_rows_stay() -> None:
    rows = (connection("old", START - 250), connection("new", START))
    snapshot = snapshot_of(state(ConnectionsObservation(START, rows, ())))
    shown = only(snapshot.view(START + 100)).observation
    assert isinstance(shown, ConnectionsObservation)
    assert ["new"] == [row.key for row in shown.connections]


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (0, (7, 4, 6, 0)),
        (100, (7, 4, 6, 0)),
        (100.1, (3, 3, 3, 5)),
        (200, (3, 3, 3, 5)),
        (200.1, (1, 2, 1, 8)),
        (300, (1, 2, 1, 8)),
    ],
)
def test_bookings_become_unverified_one_by_one_when_the_answers_of_earlier_polls_reach_max_age(
    seconds: float, expected: tuple[int, int, int, int]
) -> None:
    window = Window("next_7d", START, START + 1)
    deal = ("crm", "deal")
    answers = (
        LinkAnswers(0, 1, 2, 0, {deal: 1}),
        LinkAnswers(100, 2, 1, 0, {deal: 2}),
        LinkAnswers(200, 4, 1, 0, {deal: 3}),
    )
    snapshot = snapshot_of(state(LinksObservation(START, (WindowLinks(window, answers),))))
    shown = only(snapshot.view(START + seconds)).observation
    assert isinstance(shown, LinksObservation)
    [row] = shown.windows
    assert expected == (row.linked, row.unlinked, row.by_entity[deal], row.unverified)


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (100, (6, 3, 1, ["7", "8"])),
        (100.1, (2, 1, 5, ["7"])),
        (200, (2, 1, 5, ["7"])),
    ],
)
def test_copies_become_unverified_when_the_answers_of_earlier_polls_reach_max_age(
    seconds: float, expected: tuple[int, int, int, list[str]]
) -> None:
    moved = MismatchKind.MOVED
    answers = (CopyAnswers(100, 2, {moved: 1}), CopyAnswers(200, 4, {moved: 2}))
    rows = (MismatchedBooking("7", moved, START + 1, 100), MismatchedBooking("8", moved, START + 2, 200))
    copies = CalendarCopies((WindowCopies("next_7d", answers, unverified=1),), rows)
    snapshot = snapshot_of(state(LinksObservation(START, (), copies=copies)))
    shown = only(snapshot.view(START + seconds)).observation
    assert isinstance(shown, LinksObservation)
    assert shown.copies is not None
    (row,) = shown.copies.windows
    assert row.mismatches is not None
    assert expected == (row.compared, row.mismatches[moved], row.unverified, [each.booking for each in shown.copies.mismatched])


def test_copies_none_of_which_is_fresh_have_no_numbers() -> None:
    copies = CalendarCopies((WindowCopies("next_7d", (CopyAnswers(100, 2, {}),)),))
    snapshot = snapshot_of(state(LinksObservation(START, (), copies=copies)))
    shown = only(snapshot.view(START + 201)).observation
    assert isinstance(shown, LinksObservation)
    assert shown.copies is not None
    assert [None] == [row.mismatches for row in shown.copies.windows]


def test_ready_names_the_collectors_that_have_not_finished_a_poll() -> None:
    snapshot = snapshot_of(state(None))
    view = snapshot.view(START)
    assert (("salon", CollectorName.BOOKINGS),) == view.missing
    assert not view.ready
    snapshot.put(state(None, finished_polls=1, up=False))
    assert snapshot.view(START).ready, "a failed poll is a finished poll"


def test_a_state_of_a_removed_target_is_dropped() -> None:
    snapshot = snapshot_of(state(None))
    snapshot.remove_target("salon")
    snapshot.put(state(BookingsObservation(START, ())))
    assert () == snapshot.view(START).targets


def test_targets_are_shown_in_the_order_of_the_configuration() -> None:
    snapshot = snapshot_of(replace(state(None), target="b"), replace(state(None), target="a"))
    snapshot.arrange(["a", "b"])
    assert ["a", "b"] == [target.name for target in snapshot.view(START).targets]


def test_targets_that_stay_after_a_reload_are_the_very_same_views_unless_thresholds_changed() -> None:
    snapshot = snapshot_of(replace(state(None), target="b"), replace(state(None), target="a"))
    before = {target.name: target for target in snapshot.view(START).targets}
    snapshot.arrange(["a", "b"])
    assert all(target is before[target.name] for target in snapshot.view(START).targets)
    stricter = Thresholds(conflict_soon=1.0)
    snapshot.arrange(["a", "b"], stricter)
    assert [stricter, stricter] == [target.thresholds for target in snapshot.view(START).targets]


def test_a_view_after_a_step_of_the_wall_clock_makes_no_change_of_a_history_anew() -> None:
    """A fleet has millions of them, and the view is made in the loop."""
    changes = tuple(Change(START - 500 + number, "synced") for number in range(50))
    gone = GoneConnection("gone", "", tuple(replace(change) for change in changes))
    rows = [replace(connection(key, START), changes=tuple(replace(change) for change in changes)) for key in ("a", "b")]
    seen = ConnectionsObservation(START, (rows[0],), (), (rows[1],), gone=(gone,))
    snapshot = snapshot_of(state(seen, changes=changes))

    def shown(stepped: float) -> list[Change]:
        found = only(snapshot.view(START, stepped))
        assert isinstance(found.observation, ConnectionsObservation)
        told = found.observation
        listed = (*told.connections, *told.others)
        histories = [found.changes, *(row.changes for row in listed), *(row.changes for row in told.gone)]
        return [change for changes in histories for change in changes]

    before = {id(change) for change in shown(0.0)}
    for stepped in (3_600.0, -5.0, 0.0):
        assert 200 == len(shown(stepped))
        assert 0 == sum(id(change) not in before for change in shown(stepped))
        assert stepped == snapshot.view(START, stepped).targets[0].stepped
