"""What goes wrong between a platform and a calendar in the demo world: what it changes, and that undoing repairs it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from exporter.simulator.drills.calendar_mishaps import MISHAPS
from exporter.simulator.drills.demo_calendars import PRACTICE_OWNER, PRACTICE_PASSWORD
from exporter.simulator.drills.sync_partner import SyncPartner
from tests.harness.clock import ManualClock

NAMES = (
    "sync-stopped",
    "booking-lost",
    "calendar-shifted",
    "cancelled-copy-stays",
    "calendar-password-changed",
    "calendar-deleted",
    "feed-frozen",
    "feed-is-html",
    "copies-written-as-free",
)
HOUR = 3600.0


def demo(start: float = 1_790_000_000.0) -> tuple[Simulator, ManualClock]:
    clock = ManualClock(start)
    simulator = Simulator(clock, build=demo_world.build)
    return simulator, clock


def missing(partner: SyncPartner) -> list[float]:
    """Return when bookings begin that have no copy at their times, by brute force."""
    there = {(entry.start, entry.end) for entry in partner.calendar if not entry.transparent}
    return [one.start for one in partner.source.bookings() if one.live and (one.start, one.end) not in there]


def left_behind(partner: SyncPartner) -> int:
    booked = {(one.start, one.end) for one in partner.source.bookings() if one.live}
    copies = [entry for entry in partner.calendar if partner.is_copy(entry.uid)]
    return sum((entry.start, entry.end) not in booked for entry in copies)


def measure(simulator: Simulator) -> dict[str, Any]:
    """Return everything that mishaps change."""
    first, last = simulator.partners[0], simulator.partners[-1]
    return {
        "missing": len(missing(first)),
        "left_behind": left_behind(first),
        "free": sum(entry.transparent for entry in first.calendar),
        "password": simulator.calendar.owners[first.calendar.owner].password,
        "deleted": first.calendar.deleted,
        "frozen": last.calendar.feed.frozen_at,
        "html": last.calendar.feed.is_html,
    }


def test_each_mishap_has_a_sentence_and_a_change() -> None:
    assert NAMES == tuple(MISHAPS)
    assert [] == [name for name, one in MISHAPS.items() if not one.description.endswith(".") or not one.changes.endswith(".")]


def test_the_demo_world_has_two_people_whose_bookings_are_all_in_their_calendars() -> None:
    simulator, clock = demo()
    for _ in range(48):
        clock.now += 0.5 * HOUR
        simulator.advance()
    for partner in simulator.partners:
        assert len(missing(partner)) <= 2, "what came in the last two minutes"
        assert 0 == left_behind(partner)
    assert [True, True] == [len(partner.calendar) > 20 for partner in simulator.partners]
    assert PRACTICE_PASSWORD == simulator.calendar.owners[PRACTICE_OWNER].password


@pytest.mark.parametrize(
    ("name", "parts", "harm"),
    [
        ("sync-stopped", {"missing"}, lambda after: after["missing"] == 1),
        ("booking-lost", {"missing"}, lambda after: after["missing"] == 1),
        ("calendar-shifted", {"missing", "left_behind"}, lambda after: after["missing"] > 10),
        ("cancelled-copy-stays", {"left_behind"}, lambda after: after["left_behind"] == 1),
        ("calendar-password-changed", {"password"}, lambda after: after["password"] != PRACTICE_PASSWORD),
        ("calendar-deleted", {"deleted"}, lambda after: after["deleted"]),
        ("feed-frozen", {"frozen"}, lambda after: after["frozen"] is not None),
        ("feed-is-html", {"html"}, lambda after: after["html"]),
        ("copies-written-as-free", {"missing", "free"}, lambda after: after["free"] > 20),
    ],
)
def test_a_mishap_changes_its_part_of_the_world_and_undoing_repairs_it(
    name: str, parts: set[str], harm: Callable[[dict[str, Any]], bool]
) -> None:
    simulator, clock = demo()
    before = measure(simulator)
    assert (0, 0) == (before["missing"], before["left_behind"])
    undo = MISHAPS[name].begin(simulator)
    simulator.partners[0].advance()
    clock.now += 180.0
    simulator.partners[0].advance()
    during = measure(simulator)
    assert harm(during)
    assert parts == {part for part in before if before[part] != during[part]}
    undo()
    simulator.partners[0].advance()
    clock.now += 180.0
    simulator.partners[0].advance()
    assert before == measure(simulator)


@pytest.mark.parametrize("day", range(7))
@pytest.mark.parametrize("hour", range(0, 24, 5))
@pytest.mark.parametrize("name", ["sync-stopped", "booking-lost"])
def test_on_each_day_and_at_each_hour_a_booking_is_missing_within_two_days(name: str, day: int, hour: int) -> None:
    simulator, clock = demo(1_790_000_000.0 + 86_400 * day + 3600 * hour)
    MISHAPS[name].begin(simulator)
    simulator.partners[0].advance()
    clock.now += 180.0
    simulator.partners[0].advance()
    [start] = missing(simulator.partners[0])
    assert 2.9 * HOUR <= start - clock.now < 48 * HOUR


def test_a_world_without_partners_has_no_mishaps() -> None:
    simulator = Simulator(ManualClock())
    for mishap in MISHAPS.values():
        mishap.begin(simulator)()
    assert [] == simulator.partners
