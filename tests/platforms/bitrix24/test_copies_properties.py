"""Mismatches of copies against brute force, over random worlds that change between polls."""

from __future__ import annotations

from collections import Counter
from typing import Any, Literal

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.calendar_copies import MismatchKind
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.bitrix24.staff_calendar import CalendarEvent
from exporter.simulator.bitrix24.world import Booking
from tests.harness.bitrix24_target import CODE, HOUR, Bench, poll_links, running_portal

USERS = {1: 12, 2: 15}
MINUTE = 60
Switch = Literal["null", "marked"]
Unseen = Literal["null", "denied"]

# What happens to a booking or behind its back; the last two are no faults.
CHANGES = (
    "none",
    "delete copy",
    "shift",
    "slip",
    "decline",
    "foreign",
    "whole day",
    "repair",
    "move booking",
    "delete booking",
)

rows = st.tuples(
    st.integers(1, 12 * 24), st.integers(0, 3), st.sampled_from([(1,), (2,), (1, 2), (2, 1), (3,), ()]), st.booleans()
)
steps = st.lists(st.tuples(st.integers(0, 11), st.sampled_from(CHANGES)), max_size=8)


@pytest.mark.slow
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(
    world=st.lists(rows, max_size=12),
    days=st.lists(steps, min_size=1, max_size=4),
    unseen_users=st.sets(st.sampled_from(sorted(USERS.values()))),
    unseen=st.sampled_from(["null", "denied"]),
    deleted=st.sampled_from(["null", "marked"]),
    remakes=st.booleans(),
)
async def test_mismatches_equal_brute_force(
    world: list[tuple[int, int, tuple[int, ...], bool]],
    days: list[list[tuple[int, str]]],
    unseen_users: set[int],
    unseen: Unseen,
    deleted: Switch,
    remakes: bool,
) -> None:
    async with running_portal() as bench:
        bench.simulator.bitrix24.add_webhook(bench.portal, code=CODE, scopes=CALENDAR_SCOPES)
        switches = bench.simulator.bitrix24.switches
        switches.unseen_event, switches.deleted_event = unseen, deleted
        bench.portal.calendar.remakes = remakes
        bench.portal.calendar.unseen_users.update(unseen_users)
        for resource, user in USERS.items():
            bench.portal.calendar.link(resource, user)
        for begin, length, resources, repeats in world:
            start = bench.now + begin * 30 * MINUTE
            until = int(start + 40 * 24 * HOUR) if repeats else None
            bench.world.add_booking(start, start + length * 30 * MINUTE, resource_ids=resources, until=until)
        session = bench.open(links={"calendar": True, "batch_size": 7, "verify_calls": 50})
        shown_before: set[int] = set()
        have_existed = False
        for day in days:
            for position, change in day:
                happen(bench, position, change)
            copies = (await poll_links(session)).copies
            found = brute_force(bench, unseen, deleted, shown_before)
            have_existed = have_existed or bool(found)
            if not have_existed:
                assert copies is None
                continue
            assert copies is not None
            if found and all(state == "hidden" for state in found.values()):
                assert (bool(copies.refused), ()) == (True, copies.windows)
                continue
            (window,) = copies.windows
            told = Counter(found.values())
            unverified = told["hidden"] + told["not told"]
            compared = len(found) - unverified
            assert (compared, unverified) == (window.compared, window.unverified)
            if compared or not unverified:
                assert {kind: told[kind] for kind in MismatchKind} == window.mismatches
            else:
                assert window.mismatches is None
            differ = [
                (row.start, row.id, found[row.id]) for row in bench.world.bookings() if found.get(row.id) in set(MismatchKind)
            ]
            assert sorted(differ)[:10] == [(row.start, int(row.booking), row.kind) for row in copies.mismatched]


def happen(bench: Bench, position: int, change: str) -> None:
    """Let ``change`` happen to one of the bookings, if there are any."""
    bookings = [row for row in bench.world.bookings() if row.resource_ids and row.resource_ids[0] in USERS]
    if not bookings or change == "none":
        return
    booking = bookings[position % len(bookings)]
    calendar = bench.portal.calendar
    edits: dict[str, dict[str, Any]] = {
        "delete copy": {"deleted": True},
        "decline": {"status": "N"},
        "foreign": {"event_type": "#shared#"},
        "whole day": {"whole_day": True},
        "repair": {"deleted": False, "status": "Y", "start": booking.start, "end": booking.end},
    }
    match change:
        case "shift":
            calendar.shift(booking.id, HOUR)
        case "slip":
            calendar.shift(booking.id, 59)
        case "move booking":
            bench.world.edit_booking(booking.id, start=booking.start + 2 * HOUR, end=booking.end + 2 * HOUR)
        case "delete booking":
            bench.world.delete_booking(booking.id)
        case _:
            calendar.edit(booking.id, **edits[change])


def brute_force(bench: Bench, unseen: Unseen, deleted: Switch, shown_before: set[int]) -> dict[int, str]:
    """Return what is to be told of each booking of the week that has a copy; ``shown_before`` are events, and grows."""
    calendar = bench.portal.calendar
    week = [row for row in bench.world.bookings() if bench.now <= row.start < bench.now + 7 * 24 * HOUR]
    events = {row.id: calendar.copy_of(row.id) for row in week if row.links}
    answers = {
        row.id: answer(row, events[row.id], calendar.may_be_seen(events[row.id]), unseen, deleted) for row in week if row.links
    }
    shown = {
        row.resource_ids[0]
        for row in week
        if row.id in events and len(row.resource_ids) == 1 and answers[row.id] not in ("null", "denied")
    }
    told: dict[int, str] = {}
    for row in week:
        if row.id in events:
            state = answers[row.id]
            if state == "null" and (events[row.id].id in shown_before or set(row.resource_ids) <= shown):
                state = "missing"
            told[row.id] = "hidden" if state in ("null", "denied") else state
    shown_before.update(events[each].id for each, state in told.items() if state != "hidden")
    return told


def answer(booking: Booking, event: CalendarEvent, is_seen: bool, unseen: Unseen, deleted: Switch) -> str:
    if not is_seen:
        return unseen
    if event.deleted and deleted == "null":
        return "null"
    if event.event_type != "booking" or event.whole_day or event.repeats:
        return "not told"
    if event.deleted:
        return "missing"
    if abs(event.start - booking.start) >= MINUTE or abs(event.end - booking.end) >= MINUTE:
        return "moved"
    return "declined" if event.status == "N" else "same"
