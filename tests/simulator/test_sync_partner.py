"""Those who copy bookings into a calendar and entries into a site: what they do well, and each way of doing it badly."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from exporter.simulator import Simulator
from exporter.simulator.calendar import Calendar, Entry
from exporter.simulator.drills.sync_partner import Bitrix24Source, ImportPartner, Source, SyncPartner, WixSource
from exporter.simulator.wix.private_events import PrivateEvent
from exporter.simulator.wix.providers import GOOGLE
from exporter.simulator.wix.world import Site
from tests.harness.clock import ManualClock

HOUR = 3600.0
MINUTE = 60.0


@dataclass
class Pair:
    """A resource of a platform whose bookings are copied into a calendar."""

    clock: ManualClock
    simulator: Simulator
    source: Source
    calendar: Calendar
    partner: SyncPartner
    start: float = field(init=False)

    def __post_init__(self) -> None:
        self.start = self.clock.now
        self.simulator.partners.append(self.partner)

    def pass_time(self, seconds: float) -> None:
        """Let time pass, and the simulator catch up with it once."""
        self.clock.now += seconds
        self.simulator.advance()

    def book(self, *ahead_hours: float) -> list[str]:
        """Book so many hours ahead and return the ids."""
        return [self.source.book(self.clock.now + hours * HOUR) for hours in ahead_hours]

    def times(self) -> list[tuple[float, float]]:
        """Return when the entries of the calendar are."""
        return sorted((entry.start, entry.end) for entry in self.calendar)

    def booked(self) -> list[tuple[float, float]]:
        """Return when the bookings are."""
        return sorted((one.start, one.end) for one in self.source.bookings() if one.live)


def pair(platform: str, *, before: int = 0, lag: float = 120.0, spread: float = 0.0) -> Pair:
    clock = ManualClock()
    simulator = Simulator(clock)
    source: Source
    if platform == "wix":
        site = simulator.wix.add_site()
        source = WixSource(site, site.add_staff())
    else:
        portal = simulator.bitrix24.add_portal("salon")
        source = Bitrix24Source(portal, portal.world.add_resource("Chair 1").id, simulator.now)
    for number in range(before):
        source.book(clock.now + 24 * HOUR * (number + 1))
    calendar = simulator.calendar.add_owner("anna").add_calendar()
    partner = SyncPartner(source, calendar, simulator.stage, lag_seconds=lag, spread_seconds=spread)
    return Pair(clock, simulator, source, calendar, partner)


@pytest.fixture(params=["wix", "bitrix24"])
def platform(request: pytest.FixtureRequest) -> str:
    name: str = request.param
    return name


def test_bookings_that_are_there_at_the_start_are_copied_at_once(platform: str) -> None:
    there = pair(platform, before=3)
    assert there.booked() == there.times()
    assert 3 == len(there.times())


def test_a_new_booking_is_copied_after_the_lag(platform: str) -> None:
    there = pair(platform)
    there.book(24)
    there.pass_time(119)
    assert [] == there.times()
    there.pass_time(1)
    assert there.booked() == there.times()


def test_what_a_partner_has_done_does_not_depend_on_when_somebody_looks(platform: str) -> None:
    once, often = pair(platform, spread=600.0), pair(platform, spread=600.0)
    for there, steps in ((once, 1), (often, 45)):
        there.book(24, 48, 72)
        for _ in range(steps):
            there.pass_time(900 / steps)
    at = [[[len(there.calendar.at(there.start + second)) for second in range(0, 900, 20)]] for there in (once, often)]
    assert [at[0], 3] == [at[1], len(once.times())]


def test_a_booking_that_is_cancelled_leaves_the_calendar_after_the_lag(platform: str) -> None:
    there = pair(platform, before=2)
    there.source.cancel(next(iter(there.source.bookings())).id)
    there.pass_time(0)
    assert 2 == len(there.times())
    there.pass_time(120)
    assert there.booked() == there.times()
    assert 1 == len(there.times())


def test_a_booking_that_is_restored_comes_back(platform: str) -> None:
    there = pair(platform, before=1)
    [booking] = there.source.bookings()
    there.source.cancel(booking.id)
    there.pass_time(0)
    there.pass_time(120)
    there.source.restore(booking.id)
    there.pass_time(0)
    there.pass_time(120)
    assert [(booking.start, booking.end)] == there.times()


def test_a_booking_that_moves_moves_its_copy() -> None:
    there = pair("bitrix24", before=1)
    [booking] = there.source.bookings()
    portal = there.simulator.bitrix24.portals["salon"]
    portal.world.edit_booking(int(booking.id), start=int(booking.start + HOUR), end=int(booking.end + HOUR))
    there.pass_time(0)
    there.pass_time(120)
    assert [(booking.start + HOUR, booking.end + HOUR)] == there.times()


def test_each_third_booking_can_be_lost(platform: str) -> None:
    there = pair(platform)
    there.partner.lose_every = 3
    there.book(*range(24, 24 * 10, 24))
    there.pass_time(120)
    assert (9, 6) == (len(there.booked()), len(there.times()))
    assert set(there.times()) < set(there.booked())


def test_one_booking_can_be_lost_and_found(platform: str) -> None:
    there = pair(platform, before=3)
    victim = there.partner.next_copied(there.clock.now, there.clock.now + 30 * 24 * HOUR)
    assert victim is not None
    there.partner.lose(victim.id)
    assert [times for times in there.booked() if times != (victim.start, victim.end)] == there.times()
    there.partner.find(victim.id)
    there.pass_time(0)
    assert there.booked() == there.times()


def test_copies_can_lie_an_hour_late_and_go_back(platform: str) -> None:
    there = pair(platform, before=2)
    there.partner.shift(2)
    there.book(24 * 5)
    there.pass_time(120)
    assert [(start + HOUR, end + HOUR) for start, end in there.booked()] == there.times()
    there.partner.shift(0)
    assert there.booked() == there.times()


def test_copies_of_cancelled_bookings_can_stay_until_somebody_sweeps(platform: str) -> None:
    there = pair(platform, before=2)
    there.partner.leaves_cancelled = True
    there.source.cancel(next(iter(there.source.bookings())).id)
    there.pass_time(0)
    there.pass_time(3600)
    assert (1, 2) == (len(there.booked()), len(there.times()))
    there.partner.sweep()
    assert there.booked() == there.times()


def test_copies_can_be_written_twice(platform: str) -> None:
    there = pair(platform)
    there.partner.duplicates = True
    [booking] = there.book(24)
    there.pass_time(120)
    assert sorted(there.booked() * 2) == there.times()
    there.source.cancel(booking)
    there.pass_time(0)
    there.pass_time(120)
    assert [] == there.times()


def test_copies_can_be_written_as_free_and_as_busy_again(platform: str) -> None:
    there = pair(platform, before=2)
    there.partner.write_as_free()
    assert [True, True] == [entry.transparent for entry in there.calendar]
    there.partner.write_as_free(free=False)
    assert [False, False] == [entry.transparent for entry in there.calendar]


def test_a_sync_that_stopped_misses_what_comes_and_makes_up_for_it_later(platform: str) -> None:
    there = pair(platform, before=2)
    there.partner.stop()
    there.book(24 * 5)
    there.source.cancel(next(iter(there.source.bookings())).id)
    before = there.times()
    there.pass_time(6 * HOUR)
    assert before == there.times()
    there.partner.resume()
    there.pass_time(0)
    assert before == there.times()
    there.pass_time(120)
    assert there.booked() == there.times()


def test_a_calendar_that_is_disconnected_loses_its_copies_and_keeps_what_else_is_in_it(platform: str) -> None:
    there = pair(platform, before=2)
    there.calendar.put(Entry("dentist", there.clock.now, there.clock.now + HOUR))
    there.partner.disconnect()
    assert ["dentist"] == [entry.uid for entry in there.calendar]
    there.partner.resume()
    there.pass_time(120)
    assert 3 == len(there.times())


def test_copies_are_known_by_opaque_ids_that_the_same_seed_gives_again(platform: str) -> None:
    uids = [[entry.uid for entry in pair(platform, before=3).calendar] for _ in range(2)]
    assert [uids[0], 3] == [uids[1], len(set(uids[0]))]


def test_a_reset_forgets_the_partners() -> None:
    there = pair("wix")
    there.simulator.reset()
    assert [] == there.simulator.partners


def events(site: Site, schedule_id: str, now: float) -> list[PrivateEvent]:
    [connection] = [one for one in site.connections if one.schedule_id == schedule_id]
    return list(site.private.of(connection, now, now + 7 * 24 * HOUR, now))


def imported(lag: float = 60.0, *, echoes: bool = False) -> tuple[Pair, Site, str]:
    there = pair("wix", before=1)
    assert isinstance(there.source, WixSource)
    site, schedule = there.source.site, there.source.staff.schedule_id
    site.private.invents = False
    site.connections.connect(GOOGLE, schedule)
    ImportPartner(
        there.calendar, site, schedule, there.simulator.now, lag_seconds=lag, exporter=there.partner, echoes=echoes
    ).start()
    return there, site, schedule


def test_an_entry_of_the_owner_becomes_a_private_event_of_the_site_after_the_lag() -> None:
    there, site, schedule = imported()
    start = there.clock.now + 24 * HOUR
    there.calendar.put(Entry("dentist", start, start + HOUR))
    assert [] == events(site, schedule, there.clock.now)
    there.clock.now += 60
    assert [PrivateEvent(start, start + HOUR)] == events(site, schedule, there.clock.now)


def test_copies_do_not_come_home_unless_they_are_echoes() -> None:
    there, site, schedule = imported(echoes=True)
    there.clock.now += 60
    assert there.booked() == [(event.start, event.end) for event in events(site, schedule, there.clock.now)]


def test_private_events_say_that_they_are_whole_days_or_free_and_cancelled_ones_do_not_come() -> None:
    there, site, schedule = imported(lag=0.0)
    midnight = there.clock.now // 86_400 * 86_400 + 86_400
    there.calendar.put(
        Entry("holiday", midnight, midnight + 24 * HOUR, whole_days=True),
        Entry("maybe", midnight, midnight + HOUR, transparent=True),
        Entry("gone", midnight, midnight + HOUR, status="CANCELLED"),
    )
    there.clock.now += MINUTE
    found = events(site, schedule, there.clock.now)
    assert [(True, False), (False, True)] == [(event.all_day, event.transparent) for event in found]
