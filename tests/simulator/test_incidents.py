"""The scripted incidents, the scenarios, and the demo world: what each changes, and that stopping repairs it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from itertools import combinations
from typing import Any

import httpx
import pytest

from exporter.commands.demo import demo_targets
from exporter.simulator import Simulator, running
from exporter.simulator.bitrix24.world import Booking, PortalWorld
from exporter.simulator.drills import demo_site, demo_world
from exporter.simulator.drills.incidents import INCIDENTS
from exporter.simulator.drills.scenarios import SCENARIOS, TIMELINE, run_scenario
from exporter.simulator.wix.connections import Connection
from exporter.simulator.wix.private_events import PrivateEvent
from exporter.simulator.wix.providers import MICROSOFT
from exporter.simulator.wix.world import Site
from tests.harness.clock import ManualClock

NAMES = (
    "token-revoked",
    "sync-stuck",
    "provider-down",
    "double-booking",
    "lost-crm-link",
    "api-throttled",
    "intake-stopped",
    "access-lost",
    "invite-expired",
    "copy-moved",
    "private-event-sold",
    "import-silent",
    "busy-time-offered",
    "service-closed",
    "booking-lost",
    "cancelled-copy-stays",
    "calendar-shifted",
    "calendar-password-changed",
)


def demo() -> tuple[Simulator, ManualClock]:
    clock = ManualClock()
    return Simulator(clock, build=demo_world.build), clock


def overlaps(world: PortalWorld) -> int:
    """Count the pairs of bookings that share a resource and overlap, by brute force."""
    rows = sorted(world.bookings(), key=lambda booking: booking.start)
    return sum(
        bool(set(first.resource_ids) & set(second.resource_ids)) and second.start < first.end
        for index, first in enumerate(rows)
        for second in rows[index + 1 :]
    )


def statuses(simulator: Simulator) -> list[object]:
    return [connection.status for connection in next(iter(simulator.wix.sites.values())).connections]


def deals(booking: Booking) -> list[str]:
    return [link.value for link in booking.links if link.module == "crm"]


def measure(simulator: Simulator) -> dict[str, object]:
    """Return everything that incidents change."""
    salon = simulator.bitrix24.portals[demo_world.SALON]
    studio = simulator.bitrix24.portals[demo_world.STUDIO]
    site = simulator.wix.sites[demo_site.SITE_ID]
    return {
        "statuses": statuses(simulator),
        "down": [sorted(site.down) for site in simulator.wix.sites.values()],
        "overlaps": overlaps(salon.world),
        "unlinked": sum(not deals(booking) for booking in salon.world.bookings()),
        "admitted": studio.admit("127.0.0.1", simulator.now()),
        "dead": [connection.provider_id for connection in site.connections if site.connections.is_dead(connection.id)],
        "staff": [[one.identity for one in each.bookings.staff] for each in simulator.wix.sites.values()],
        "sold": sold(simulator.wix.sites[demo_world.PHYSIO_SITE_ID]),
        "silent": [connection.schedule_id for connection in site.connections if not private_events(site, connection)],
        "offered": offered(simulator.wix.sites[demo_world.PHYSIO_SITE_ID]),
        "closed": [one.name for each in simulator.wix.sites.values() for one in each.services if one.hidden],
        "moved": sum(
            booking.start != salon.calendar.copy_of(booking.id).start
            for booking in salon.world.bookings()
            if booking.resource_ids
        ),
    }


def private_events(site: Site, connection: Connection) -> list[PrivateEvent]:
    now = site.created
    return [event for event in site.private.of(connection, now, now + 7 * 86_400.0, now) if not event.all_day]


def sold(site: Site) -> int:
    """Count the bookings that overlap a private event of their schedule, by brute force."""
    return sum(
        any(event.start < booking.end and booking.start < event.end for event in private_events(site, connection))
        for connection in site.connections
        for booking in site.bookings
        if booking.schedule_id == connection.schedule_id and booking.status == "CONFIRMED"
    )


def offered(site: Site) -> int:
    """Count the slots of the next two days that overlap a private event of whoever would serve them, by brute force."""
    calendars = {connection.schedule_id: private_events(site, connection) for connection in site.connections}
    now, found = site.created, 0
    starts = site.availability.starts(now, now + 2 * 86_400.0, 3600.0)
    for start, free in zip(starts, site.availability.free(starts, 3600.0), strict=True):
        events = [event for staff in free for event in calendars.get(staff.schedule_id, ())]
        found += any(event.start < start + 3600.0 and start < event.end for event in events)
    return found


def test_each_incident_has_a_sentence_a_change_and_an_alert() -> None:
    assert tuple(incident.name for incident in INCIDENTS) == NAMES
    for incident in INCIDENTS:
        assert incident.description.endswith(".")
        assert incident.changes.endswith(".")
        assert incident.alert.startswith("BookingSync")


@pytest.mark.parametrize(
    ("name", "harm"),
    [
        ("token-revoked", lambda after: "ERROR" in after["statuses"]),
        ("sync-stuck", lambda after: "SYNC_IN_PROGRESS" in after["statuses"]),
        ("provider-down", lambda after: after["down"][0] != []),
        ("double-booking", lambda after: after["overlaps"] == 1),
        ("lost-crm-link", lambda after: after["unlinked"] > 50),
        ("api-throttled", lambda after: after["admitted"] is False),
        ("access-lost", lambda after: after["dead"] == [MICROSOFT.id]),
        ("invite-expired", lambda after: after["staff"] == [["CONNECTED"] * 3, ["CONNECTED", "CONNECTED", "EXPIRED"]]),
        ("private-event-sold", lambda after: after["sold"] == 1),
        ("import-silent", lambda after: after["silent"] == [demo_site.CHAIR_SCHEDULES[1]]),
        ("copy-moved", lambda after: after["moved"] > 10),
        ("busy-time-offered", lambda after: after["offered"] > 0),
        ("service-closed", lambda after: after["closed"] == ["Haircut"]),
    ],
)
def test_an_incident_changes_its_part_of_the_world_and_stopping_repairs_it(
    name: str, harm: Callable[[dict[str, Any]], bool]
) -> None:
    simulator, clock = demo()
    before = measure(simulator)
    assert before["overlaps"] == before["unlinked"] == before["offered"] == 0
    simulator.incidents.start(name)
    during = measure(simulator)
    assert harm(during)
    unharmed = [part for part in before if before[part] == during[part]]
    assert len(unharmed) == len(before) - 1
    simulator.incidents.stop(name)
    clock.now += 2.0  # for the leaky bucket
    assert measure(simulator) == before


@pytest.mark.parametrize("day", range(7))
@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_on_each_day_and_at_each_hour_a_private_event_can_be_sold_and_a_copy_moved_within_a_day(day: int, hour: int) -> None:
    clock = ManualClock(1_790_000_000.0 + 86_400 * day + 3600 * hour)
    simulator = Simulator(clock, build=demo_world.build)
    site, salon = simulator.wix.sites[demo_world.PHYSIO_SITE_ID], simulator.bitrix24.portals[demo_world.SALON]
    before, known = measure(simulator), {booking.id for booking in site.bookings}
    for name in ("private-event-sold", "copy-moved"):
        simulator.incidents.start(name)
    (booking,) = [one for one in site.bookings if one.id not in known]
    moved = [one.start for one in salon.world.bookings() if one.resource_ids == (1,) and one.start > clock.now]
    assert 3 * 3600 <= booking.start - clock.now < 86_400
    assert 0 < min(moved) - clock.now < 86_400
    assert (1, True) == (sold(site), len(moved) == measure(simulator)["moved"])
    simulator.incidents.stop_all()
    assert before == measure(simulator)


@pytest.mark.parametrize("day", range(7))
@pytest.mark.parametrize("hour", range(0, 24, 5))
def test_on_each_day_and_at_each_hour_a_private_event_can_be_offered_for_sale_and_no_booking_takes_its_time(
    day: int, hour: int
) -> None:
    clock = ManualClock(1_790_000_000.0 + 86_400 * day + 3600 * hour)
    simulator = Simulator(clock, build=demo_world.build)
    site = simulator.wix.sites[demo_world.PHYSIO_SITE_ID]
    seen = [offered(site)]
    simulator.incidents.start("busy-time-offered")
    seen.append(offered(site))
    simulator.incidents.stop_all()
    seen.append(offered(site))
    clock.now += 86_400
    simulator.advance()
    assert [0, True, 0, 0] == [seen[0], seen[1] > 0, seen[2], sold(site)]


@pytest.mark.parametrize("hour", range(24))
def test_a_double_booking_is_one_pair_on_each_platform_at_whatever_hour_it_begins(hour: int) -> None:
    simulator = Simulator(ManualClock(1_790_000_000.0 + 3600 * hour), build=demo_world.build)
    simulator.incidents.start("double-booking")
    assert 1 == overlaps(simulator.bitrix24.portals[demo_world.SALON].world)
    rows = [row for row in simulator.wix.sites[demo_world.PHYSIO_SITE_ID].bookings if row.status == "CONFIRMED"]
    pairs = [
        (first, second)
        for first, second in combinations(rows, 2)
        if first.resource_id == second.resource_id and first.start < second.end and second.start < first.end
    ]
    assert 1 == len(pairs)


def test_a_double_booking_lies_within_a_day_also_in_an_empty_portal() -> None:
    clock = ManualClock()
    simulator = Simulator(clock)
    world = simulator.bitrix24.add_portal("salon").world
    simulator.incidents.start("double-booking")
    assert 1 == overlaps(world)
    assert all(clock.now < booking.start < clock.now + 86_400 for booking in world.bookings())
    simulator.incidents.stop("double-booking")
    assert [] == world.bookings()


def test_new_bookings_arrive_steadily_and_the_same_seed_gives_the_same_ones() -> None:
    def arrivals(looks: int) -> list[tuple[int, int]]:
        simulator, clock = demo()
        for _ in range(looks):
            clock.now += 3600 / looks
            simulator.advance()
        world = simulator.bitrix24.portals[demo_world.STUDIO].world
        return [(booking.start, booking.created) for booking in world.bookings()]

    assert arrivals(1) == arrivals(60)
    grown = len(arrivals(1)) - len(story_bookings())
    assert 11 <= grown <= 20  # about one in four minutes


def story_bookings() -> list[int]:
    simulator, _ = demo()
    return [booking.id for booking in simulator.bitrix24.portals[demo_world.STUDIO].world.bookings()]


def test_intake_stopped_stops_every_business_until_it_is_over_and_what_was_missed_stays_missed() -> None:
    simulator, clock = demo()

    def bookings() -> list[int]:
        simulator.advance()
        return [
            *(len(portal.world.bookings()) for portal in simulator.bitrix24.portals.values()),
            *(len(site.bookings) for site in simulator.wix.sites.values()),
        ]

    before = bookings()
    simulator.incidents.start("intake-stopped")
    clock.now += 86_400
    stopped = bookings()
    simulator.incidents.stop("intake-stopped")
    resumed = bookings()
    clock.now += 3600
    after = bookings()
    assert before == stopped == resumed
    assert all(later > earlier for later, earlier in zip(after, resumed, strict=True))


def test_links_lost_during_the_incident_come_back_for_new_bookings_too() -> None:
    simulator, clock = demo()
    world = simulator.bitrix24.portals[demo_world.SALON].world
    simulator.incidents.start("lost-crm-link")
    clock.now += 3600
    simulator.advance()
    assert [] == deals(world.bookings()[-1])
    simulator.incidents.stop("lost-crm-link")
    assert [] == [booking.id for booking in world.bookings() if not deals(booking)]


def test_bookings_that_lose_their_deals_stay_in_the_calendar() -> None:
    simulator, _ = demo()
    world = simulator.bitrix24.portals[demo_world.SALON].world
    before = {booking.id: [link for link in booking.links if link.module != "crm"] for booking in world.bookings()}
    assert sum(map(len, before.values())) > 100
    simulator.incidents.start("lost-crm-link")
    assert before == {booking.id: [link for link in booking.links if link.module != "crm"] for booking in world.bookings()}


def test_starting_twice_is_starting_once() -> None:
    simulator, _ = demo()
    simulator.incidents.start("double-booking")
    simulator.incidents.start("double-booking")
    assert 1 == overlaps(simulator.bitrix24.portals[demo_world.SALON].world)
    assert ("double-booking",) == simulator.incidents.active


@pytest.mark.parametrize("name", NAMES)
def test_an_incident_in_an_empty_world_does_nothing_and_fails_nothing(name: str) -> None:
    simulator = Simulator(ManualClock())
    simulator.incidents.start(name)
    simulator.incidents.stop(name)
    assert () == simulator.incidents.active


async def test_the_control_endpoint_starts_and_stops_incidents() -> None:
    simulator, _ = demo()
    async with running(simulator.app) as url, httpx.AsyncClient() as http:
        seen: list[Any] = []
        for action in ("start", "stop"):
            answer = await http.post(f"{url}/_sim/incidents/token-revoked/{action}")
            seen += [answer.status_code, statuses(simulator).count("ERROR")]
        seen.append((await http.post(f"{url}/_sim/incidents/no-such/start")).status_code)
        seen.append((await http.post(f"{url}/_sim/incidents/sync-stuck/explode")).status_code)
        seen.append((await http.get(f"{url}/_sim/incidents/sync-stuck/start")).status_code)
        assert [200, 1, 200, 0, 404, 404, 405] == seen


async def test_the_timeline_runs_every_incident_in_turn_and_again() -> None:
    simulator, clock = demo()
    begin, told = clock.now, list[tuple[float, str, bool]]()
    playing = asyncio.ensure_future(
        run_scenario(
            SCENARIOS["bad-night"],
            simulator.incidents,
            simulator.clock,
            speed=10.0,
            tell=lambda name, on: told.append((round(clock.now - begin, 6), name, on)),
        )
    )
    for _ in range(262):
        await clock.advance(1.0)
    playing.cancel()
    assert [
        (3.0, "token-revoked", True),
        (12.0, "token-revoked", False),
        (15.0, "sync-stuck", True),
        (24.0, "sync-stuck", False),
    ] == told[:4]
    assert [name for _, name, on in told if on] == list(NAMES)
    assert 2_610 == sum(step.calm_seconds + step.lasts_seconds for step in TIMELINE)


def test_there_is_a_scenario_for_calm_for_each_incident_and_for_bad_nights() -> None:
    assert {"calm", "worst-night", "long-night", "bad-night", "says-synced", "proof", *NAMES} == set(SCENARIOS)


async def test_where_all_says_synced_no_status_tells_of_what_is_wrong() -> None:
    simulator, clock = demo()
    before = statuses(simulator)
    playing = asyncio.ensure_future(run_scenario(SCENARIOS["says-synced"], simulator.incidents, clock))
    await clock.advance(119.0)
    assert ["access-lost", "invite-expired", "import-silent", "copy-moved", "busy-time-offered"] == list(
        simulator.incidents.active
    )
    await clock.advance(2.0)
    assert "private-event-sold" in simulator.incidents.active
    assert before == statuses(simulator) == ["SYNCED", "SYNCED", "SYNCED", "CONNECTED"]
    playing.cancel()


async def test_where_the_proof_is_played_a_booking_is_lost_and_later_one_is_cancelled_whose_copy_stays() -> None:
    simulator, clock = demo()
    playing = asyncio.ensure_future(run_scenario(SCENARIOS["proof"], simulator.incidents, clock))
    seen = []
    for seconds in (59.0, 2.0):
        await clock.advance(seconds)
        seen.append(simulator.incidents.active)
    assert [("booking-lost",), ("booking-lost", "cancelled-copy-stays")] == seen
    playing.cancel()


async def test_a_scenario_of_one_incident_starts_it_and_leaves_it() -> None:
    simulator, _ = demo()
    await run_scenario(SCENARIOS["sync-stuck"], simulator.incidents, simulator.clock)
    assert ("sync-stuck",) == simulator.incidents.active


async def test_the_demo_world_serves_every_target_that_it_names() -> None:
    simulator, _ = demo()
    async with running(simulator.app) as url, httpx.AsyncClient() as http:
        seen = []
        for target in demo_targets(url):
            if target["platform"] == "wix":
                answer = await http.get(
                    f"{url}/bookings/v2/external-calendars/connections",
                    params={"partialFailure": "true"},
                    headers={"Authorization": target["api_key"], "wix-site-id": target["site_id"]},
                )
            else:
                answer = await http.post(target["webhook_url"] + "booking.v1.booking.list", json={})
            seen.append(answer.status_code)
        assert [200, 200, 200, 200] == seen


def test_the_salon_has_the_same_bookings_on_both_platforms() -> None:
    simulator, clock = demo()
    clock.now += 7200
    simulator.advance()
    site = next(iter(simulator.wix.sites.values()))
    salon = simulator.bitrix24.portals[demo_world.SALON]
    on_wix = sorted(int(booking.start) for booking in site.bookings if booking.status in {"CONFIRMED", "PENDING"})
    assert sorted(booking.start for booking in salon.world.bookings()) == on_wix
    assert len(on_wix) > 100
    assert 0 == overlaps(salon.world)


def test_the_demo_world_holds_recurring_zero_length_and_crossing_bookings() -> None:
    simulator, _ = demo()
    rows = simulator.bitrix24.portals[demo_world.STUDIO].world.bookings()
    assert any(booking.until for booking in rows)
    assert any(booking.start == booking.end for booking in rows)
    assert any(booking.start // 86_400 != booking.end // 86_400 for booking in rows)
    assert any(booking.end_zone for booking in rows)
    assert 0 == overlaps(simulator.bitrix24.portals[demo_world.STUDIO].world)


def test_the_demo_world_depends_on_seed_and_clock_only() -> None:
    def picture(seed: int) -> str:
        simulator = Simulator(ManualClock(), seed=seed, build=demo_world.build)
        rows = [booking.to_json() for booking in simulator.bitrix24.portals[demo_world.STUDIO].world.bookings()]
        return json.dumps([rows, simulator.overview()])

    assert picture(1) == picture(1)
    assert picture(1) != picture(2)
