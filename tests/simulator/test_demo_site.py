"""The salon of ``demo`` and ``simulate``: what a rehearsal starts from."""

from __future__ import annotations

from itertools import combinations

from exporter.simulator.drills.demo_site import API_KEY, CHAIR_SCHEDULES, CLASS_RESOURCE, SITE_ID, add_demo_site
from tests.harness.simulated_wix import CONNECTIONS, RawWix

DAY = 86_400.0
DEMO = {"authorization": API_KEY, "wix-site-id": SITE_ID}


def salon() -> RawWix:
    raw = RawWix()
    raw.wix.reset()
    raw.site = add_demo_site(raw.wix)
    raw.key = raw.wix.add_key(raw.site)
    return raw


async def test_the_demo_key_opens_the_demo_site() -> None:
    assert 200 == (await salon().get(CONNECTIONS, headers=DEMO)).status_code


async def test_every_chair_has_a_synced_calendar_of_another_kind_and_one_link_only_imports() -> None:
    rows = await salon().connections()
    assert list(CHAIR_SCHEDULES) == [row["scheduleId"] for row in rows[:3]]
    assert [("GOOGLE", "SYNCED"), ("I_CAL", "SYNCED"), ("MICROSOFT", "SYNCED"), ("OTHER", "CONNECTED")] == [
        (row["calendarType"], row["status"]) for row in rows
    ]


async def test_nobody_is_double_booked_on_a_quiet_week_but_a_class_shares_its_hour() -> None:
    raw = salon()
    raw.clock.now += DAY
    await raw.count({})
    live = [one for one in raw.site.bookings if one.status in {"CONFIRMED", "PENDING"} and one.resource_id]
    overlapping = {
        (one.resource_id, one.event_id == other.event_id)
        for one, other in combinations(live, 2)
        if one.resource_id == other.resource_id and one.start < other.end and other.start < one.end
    }
    assert {(CLASS_RESOURCE, True)} == overlapping


async def test_a_new_booking_arrives_every_four_minutes() -> None:
    raw = salon()
    before = (await raw.count({})).json()["count"]
    raw.clock.now += 3600
    assert {"count": before + 15} == (await raw.count({})).json()


def test_the_same_seed_and_moment_give_the_same_salon() -> None:
    assert [one.encoded for one in salon().site.bookings] == [one.encoded for one in salon().site.bookings]


async def test_no_private_event_of_the_salon_overlaps_a_booking_also_of_those_that_arrive() -> None:
    raw = salon()
    private = raw.site.private
    for _ in range(4):
        raw.clock.now += 2 * DAY
        await raw.count({})
        live = [one for one in raw.site.bookings if one.status in {"CONFIRMED", "PENDING"} and not one.is_course]
        events = [event for one in raw.site.connections for event in private.of(one, raw.now, raw.now + 7 * DAY, raw.now)]
        assert len(live) > 20
        assert len(events) > 20
        timed = [event for event in events if not event.all_day]
        assert [] == [one for one in live for event in timed if one.start < event.end and event.start < one.end]
