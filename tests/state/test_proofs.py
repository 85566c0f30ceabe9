"""What pairs say in a view of the targets: whose it is, how long it holds, and what a bug in their judgement costs."""

from __future__ import annotations

import pytest
import structlog.testing
from msgspec.structs import replace

from exporter.calendar_busy import BusyObservation
from exporter.model import ApiUsage, BookingsObservation, CollectorName, Observation
from exporter.paired_bookings import PairedBooking, PairedBookings, paired_range
from exporter.proof import Arrival, PairSpec, Proof
from exporter.state.pairs import Pairs
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry
from tests.harness.views import NOW

HOUR = 3600.0
SPEC = PairSpec("anna", "salon", "Anna", "anna-cal", 1800.0)
TIMES = [(NOW + hours * HOUR, NOW + (hours + 1) * HOUR) for hours in (2, 4, 6, 8, 10)]
MAX_AGE = {CollectorName.BOOKINGS: 900.0, CollectorName.BUSY: 300.0}


def bookings(at: float = NOW) -> BookingsObservation:
    rows = tuple(PairedBooking(str(number), *times) for number, times in enumerate(TIMES))
    return BookingsObservation(at, (), paired=(PairedBookings("Anna", *paired_range(at), rows),))


def busy(at: float = NOW) -> BusyObservation:
    return BusyObservation(at, *paired_range(at), tuple(TIMES))


def state(target: str, collector: CollectorName, observation: Observation | None = None, polls: int = 1) -> CollectorState:
    at = NOW if observation is None else observation.at
    return CollectorState(
        target, "wix", collector, 300.0, MAX_AGE[collector], polls, last_poll=at, up=True, observation=observation
    )


@pytest.fixture
def snapshot() -> Snapshot:
    """A site and a calendar that were not polled yet, and a pair of both."""
    made = Snapshot()
    for name, collector in (("salon", CollectorName.BOOKINGS), ("anna-cal", CollectorName.BUSY)):
        made.put_target(TargetEntry(name, "wix", {"site": "berlin"}, ApiUsage), {collector: state(name, collector, polls=0)})
    made.arrange_pairs([SPEC])
    return made


def said(snapshot: Snapshot, now: float = NOW, target: str = "salon", stepped: float = 0.0) -> tuple[Proof, ...]:
    return next(row.pairs for row in snapshot.view(now, stepped).targets if row.name == target)


def both(snapshot: Snapshot, at: float = NOW) -> None:
    snapshot.put(state("salon", CollectorName.BOOKINGS, bookings(at)))
    snapshot.put(state("anna-cal", CollectorName.BUSY, busy(at)))


def test_a_pair_says_something_at_the_target_of_its_bookings_once_both_ends_were_read(snapshot: Snapshot) -> None:
    snapshot.put(state("salon", CollectorName.BOOKINGS, bookings()))
    assert () == said(snapshot)
    snapshot.put(state("anna-cal", CollectorName.BUSY, busy()))
    (proof,) = said(snapshot)
    assert ("anna", 5) == (proof.pair, proof.windows[0].bookings[Arrival.ARRIVED])
    assert () == said(snapshot, target="anna-cal")


def test_a_view_that_was_shown_before_is_another_one_when_the_calendar_is_read_anew(snapshot: Snapshot) -> None:
    both(snapshot)
    before = snapshot.view(NOW + 1).targets[0]
    assert before is snapshot.view(NOW + 2).targets[0]
    snapshot.put(state("anna-cal", CollectorName.BUSY, busy(NOW + 3)))
    assert before is not snapshot.view(NOW + 3).targets[0]


@pytest.mark.parametrize(("seconds", "is_said"), [(0, True), (300, True), (301, False)])
def test_a_proof_is_withdrawn_with_the_older_end_although_nothing_was_polled_since(
    snapshot: Snapshot, seconds: float, is_said: bool
) -> None:
    both(snapshot)
    said(snapshot)
    assert is_said == bool(said(snapshot, NOW + seconds))


def silent(snapshot: Snapshot, now: float) -> list[tuple[str, tuple[str, ...]]]:
    return [(row.pair, row.lacking) for row in snapshot.view(now).targets[0].silent_pairs]


def test_a_pair_without_a_proof_is_shown_at_the_target_of_its_bookings_with_the_ends_that_it_lacks(snapshot: Snapshot) -> None:
    assert [("anna", ("salon", "anna-cal"))] == silent(snapshot, NOW)
    snapshot.put(state("salon", CollectorName.BOOKINGS, bookings()))
    assert [("anna", ("anna-cal",))] == silent(snapshot, NOW)
    snapshot.put(state("anna-cal", CollectorName.BUSY, busy()))
    assert [] == silent(snapshot, NOW)
    first, last = sorted(MAX_AGE.values())
    assert first < last
    assert [("anna", ("anna-cal",))] == silent(snapshot, NOW + first + 1), "that of the calendar is the shorter one"
    assert [("anna", ("salon", "anna-cal"))] == silent(snapshot, NOW + last + 1)


def test_a_poll_that_failed_and_left_the_old_observation_is_no_new_reading(snapshot: Snapshot) -> None:
    both(snapshot)
    old = snapshot.view(NOW).targets[1].collectors[0]
    snapshot.put(replace(old, last_poll=NOW + 290, up=False))
    assert () == said(snapshot, NOW + 310)


def test_pairs_that_are_arranged_anew_are_those_that_are_shown(snapshot: Snapshot) -> None:
    both(snapshot)
    assert 1 == len(said(snapshot))
    snapshot.arrange_pairs([])
    assert () == said(snapshot)


def test_moments_of_a_proof_are_those_of_the_wall_clock_that_was_set(snapshot: Snapshot) -> None:
    both(snapshot)
    assert said(snapshot)[0].at + 600 == said(snapshot, stepped=600.0)[0].at


def test_who_sees_one_site_sees_the_pairs_whose_bookings_are_of_it(snapshot: Snapshot) -> None:
    both(snapshot)
    assert 1 == len(snapshot.view(NOW, site="berlin").of_site("berlin").targets[0].pairs)


@pytest.mark.parametrize("method", ["arrange", "observed", "proofs", "holds_until", "silent"])
def test_a_bug_in_the_judgement_of_pairs_is_logged_and_leaves_the_rest(
    snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Pairs, method, broken)
    with structlog.testing.capture_logs() as logs:
        snapshot.arrange_pairs([SPEC])
        both(snapshot)
        view = snapshot.view(NOW)
    assert {"pairs_crashed"} == {line["event"] for line in logs}
    assert [1, 1] == [state.finished_polls for row in view.targets for state in row.collectors]


def test_targets_that_are_of_no_pair_ask_the_pairs_nothing(snapshot: Snapshot, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []

    def observed(*_: object, **__: object) -> frozenset[str]:
        asked.append("observed")
        return frozenset()

    def proofs(*_: object) -> tuple[Proof, ...]:
        asked.append("proofs")
        return ()

    monkeypatch.setattr(Pairs, "observed", observed)
    monkeypatch.setattr(Pairs, "proofs", proofs)
    snapshot.put_target(
        TargetEntry("spa", "wix", {}, ApiUsage), {CollectorName.BOOKINGS: state("spa", CollectorName.BOOKINGS, polls=0)}
    )
    snapshot.put(state("spa", CollectorName.BOOKINGS, bookings()))
    said(snapshot, target="spa")
    assert ["proofs"] == asked  # of the salon
