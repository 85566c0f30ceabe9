"""Silence of the intake: told by the same day of the week before, and only by who could have heard something."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from msgspec.structs import replace

from exporter.model import ApiUsage, BookingsObservation, CollectorName
from exporter.state.intake import IntakeHistory
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry

HOUR = 3600.0
BEGIN = 500_000 * HOUR


def silent(new: Callable[[int], int], *, hours: int, polled: Callable[[int], bool] = lambda _: True) -> list[float | None]:
    """Return what is known after each of ``hours`` with ``new`` bookings in each, four polls an hour."""
    intake, total, told = IntakeHistory(), 0, []
    for hour in range(hours):
        for quarter in range(4):
            if quarter == 1:
                total += new(hour)
            if polled(hour):
                intake.note(total, BEGIN + hour * HOUR + quarter * 900)
        told.append(intake.silent_since(10))
    return told


def busy_until(end: int, each: int = 1) -> Callable[[int], int]:
    return lambda hour: each if hour < end else 0


def test_a_day_without_a_new_booking_is_a_silence_when_the_same_day_of_last_week_was_busy() -> None:
    told = silent(busy_until(200), hours=240)
    assert [hour for hour, since in enumerate(told) if since is not None] == list(range(223, 240))
    assert {BEGIN + 200 * HOUR} == set(told[223:])


def test_a_silence_ends_with_the_next_new_booking() -> None:
    told = silent(lambda hour: int(hour < 200 or hour == 230), hours=232)
    assert told[229] is not None
    assert [None, None] == told[230:]


@pytest.mark.parametrize(("bookings", "expected"), [(9, False), (10, True)])
def test_ten_new_bookings_make_a_day_of_last_week_busy(bookings: int, expected: bool) -> None:
    # They come in the first hours of the first day, and the ninth day is its counterpart.
    told = silent(lambda hour: int(1 <= hour <= bookings), hours=192)
    assert expected == (told[-1] is not None)


def test_who_began_less_than_eight_days_ago_cannot_know() -> None:
    told = silent(lambda hour: 10 if hour < 24 else 0, hours=192)
    assert [None] * 191 == told[:191]
    assert told[191] is not None


@pytest.mark.parametrize(("missed", "expected"), [(2, True), (3, False)])
def test_who_could_not_poll_for_a_tenth_of_the_day_cannot_know(missed: int, expected: bool) -> None:
    told = silent(busy_until(200), hours=236, polled=lambda hour: not 220 <= hour < 220 + missed)
    assert expected == (told[-1] is not None)


def test_an_outage_of_weeks_leaves_no_old_numbers_in_the_memory() -> None:
    told = silent(busy_until(30, each=50), hours=1_000, polled=lambda hour: hour < 30 or hour > 900)
    assert {None} == set(told)


def test_a_burst_of_any_size_fits() -> None:
    told = silent(lambda hour: 10_000_000 if hour == 5 else 0, hours=192)
    assert told[-1] is not None


def test_the_snapshot_listens_to_good_polls_of_bookings_and_forgets_a_target_that_is_gone() -> None:
    snapshot, total = Snapshot(), [0.0]
    base = CollectorState("salon", "wix", CollectorName.BOOKINGS, 60.0, 300.0, up=True)
    entry = TargetEntry("salon", "wix", {}, ApiUsage, discovered=lambda: total[0])
    snapshot.put_target(entry, {CollectorName.BOOKINGS: base})
    for hour in range(192 + 24):
        total[0] += hour < 190
        at = BEGIN + hour * HOUR
        snapshot.put(replace(base, observation=BookingsObservation(at, ())))
    [target] = snapshot.view(at).targets
    assert BEGIN + 190 * HOUR == target.silent_since
    assert BEGIN + 190 * HOUR + 500 == snapshot.view(at, 500.0).targets[0].silent_since
    snapshot.remove_target("salon")
    snapshot.arrange([])
    snapshot.put_target(entry, {CollectorName.BOOKINGS: base})
    assert snapshot.view(at).targets[0].silent_since is None


def test_how_many_are_usual_may_be_chosen_and_what_was_seen_stays() -> None:
    intake = IntakeHistory()
    for hour in range(192):
        intake.note(min(hour, 12), BEGIN + hour * HOUR)
    assert (True, False) == (intake.silent_since(11) is not None, intake.silent_since(13) is not None)
