"""One row that nobody can read, wherever it stands: it is counted, and costs no other row and no poll."""

from __future__ import annotations

import json

import pytest

from exporter.errors import InvalidResponseError
from exporter.model import CollectorName
from exporter.simulator.bitrix24.world import Resource
from tests.harness.bitrix24_target import DAY, HOUR, NEXT_7D, counts, poll_bookings, running_portal
from tests.harness.wix_site import DAY as NEXT_24H
from tests.harness.wix_site import by_window, running_site

BOOKINGS = CollectorName.BOOKINGS
ODD = {"startDate": "soon"}


@pytest.mark.parametrize("good", [1, 99, 100, 200])
@pytest.mark.parametrize("conflicts", [True, False])
async def test_an_odd_booking_of_wix_costs_no_other_wherever_it_stands_on_its_page(good: int, conflicts: bool) -> None:
    async with running_site() as bench:
        begin = bench.clock.now + HOUR
        for number in range(good):
            bench.site.bookings.add(begin + number, begin + number + HOUR)
        bench.site.bookings.add(begin + good, begin + good + HOUR, patch=ODD)  # the last, and alone on its page after 100
        if not conflicts:
            bench.answer_with("CountExtendedBookings", "{}", status=403)
        bench.open(bench.target(bookings={"conflicts": conflicts, "windows": (NEXT_24H,)}))
        window = by_window(await bench.count())["next_24h"]
        assert (good, False) == (window.bookings, window.complete)
        assert bench.events.malformed[BOOKINGS] >= 1


async def test_an_odd_booking_of_wix_that_is_the_only_new_one_fails_no_poll_and_hides_none_that_comes_later() -> None:
    async with running_site() as bench:
        begin = bench.clock.now + 5 * HOUR
        bench.site.bookings.add(begin, begin + HOUR, created=bench.clock.now - DAY)
        bench.open(bench.target(bookings={"conflicts": True}))
        await bench.count()
        for polls in (1, 2):
            bench.clock.now += HOUR
            bench.site.bookings.add(begin, begin + HOUR, patch=ODD)
            await bench.count()
            assert 0 == bench.events.discovered
            assert bench.events.malformed[BOOKINGS] >= polls
        bench.site.bookings.add(begin, begin + HOUR)
        await bench.count()
        assert 1 == bench.events.discovered


@pytest.mark.parametrize("others", [0, 1])
async def test_an_odd_booking_of_wix_that_would_be_the_next_one_hides_neither_the_counts_nor_the_one_after_it(
    others: int,
) -> None:
    async with running_site() as bench:
        now = bench.clock.now
        bench.site.bookings.add(now - HOUR, now - HOUR / 2)
        bench.site.bookings.add(now + 10 * DAY, now + 10 * DAY + HOUR, patch=ODD)
        for _ in range(others):
            bench.site.bookings.add(now + 11 * DAY, now + 11 * DAY + HOUR)
        bench.open(bench.target(bookings={"conflicts": True}))
        observation = await bench.count()
        assert 1 == by_window(observation)["last_24h"].bookings
        assert (now + 11 * DAY if others else None) == observation.next_booking
        assert bench.events.malformed[BOOKINGS] >= 1


async def test_an_odd_booking_of_wix_behind_the_windows_costs_no_count_when_partners_are_looked_for() -> None:
    async with running_site() as bench:
        now, staff = bench.clock.now, bench.site.add_staff()
        bench.site.bookings.add(now + 20 * HOUR, now + 30 * HOUR, staff=staff)
        bench.site.bookings.add(now + 26 * HOUR, now + 27 * HOUR, staff=staff, patch=ODD)
        bench.open(bench.target(bookings={"conflicts": True, "windows": (NEXT_24H,)}))
        window = by_window(await bench.count())["next_24h"]
        assert (1, False) == (window.bookings, window.complete)


@pytest.mark.parametrize("conflicts", [True, False])
async def test_odd_bookings_alone_are_a_failed_poll_and_not_no_bookings(conflicts: bool) -> None:
    async with running_site() as bench:
        begin = bench.clock.now + HOUR
        bench.site.bookings.add(begin, begin + HOUR, patch=ODD)
        if not conflicts:
            bench.answer_with("CountExtendedBookings", "{}", status=403)
        bench.open(bench.target(bookings={"conflicts": conflicts}))
        error = await bench.failure(BOOKINGS)
        assert isinstance(error, InvalidResponseError)
        assert "of which none can be read" in error.message

    async with running_portal() as portal:
        portal.world.add_booking(portal.now + 2 * HOUR, portal.now + HOUR)
        with pytest.raises(InvalidResponseError, match="of which none can be read"):
            await poll_bookings(portal.open(bookings={"conflicts": conflicts}))


@pytest.mark.parametrize("rows", [1, 2, 3])
async def test_an_odd_provider_costs_no_other_and_is_counted(rows: int) -> None:
    async with running_site() as bench:
        bench.connect()
        providers = [{"id": 7}, *({"id": f"own-{number}", "calendarType": "OTHER"} for number in range(1, rows))]
        bench.answer_with("ListProviders", json.dumps({"providers": providers}))
        observation = await bench.observe()
        assert 1 == len(observation.connections)
        assert rows == len(observation.providers)
        assert 1 == bench.events.malformed[CollectorName.CONNECTIONS]


@pytest.mark.slow
@pytest.mark.parametrize("good", [1, 49, 50, 150, 2600])
async def test_an_odd_booking_of_a_portal_costs_no_other_wherever_it_stands_on_its_page(good: int) -> None:
    async with running_portal() as bench:
        bench.world.fill(good, bench.now, days=(0.1, 6.9))
        bench.world.add_booking(bench.now + 2 * HOUR, bench.now + HOUR)
        session = bench.open(windows=NEXT_7D)
        for polls in (1, 2):
            observation = await poll_bookings(session)
            assert {"next_7d": good} == counts(observation)
            assert not observation.windows[0].complete
            assert polls == bench.events.malformed[BOOKINGS]


async def test_an_odd_booking_outside_the_windows_costs_no_count_when_partners_are_looked_for() -> None:
    async with running_portal() as bench:
        chair = bench.world.add_resource("Chair").id
        bench.world.add_booking(bench.now + 6.5 * DAY, bench.now + 9 * DAY, resource_ids=(chair,))
        bench.world.add_booking(bench.now + 8 * DAY, bench.now + 8 * DAY - HOUR, resource_ids=(chair,))
        observation = await poll_bookings(bench.open(windows=NEXT_7D, bookings={"conflicts": True}))
        assert {"next_7d": 1} == counts(observation)
        assert not observation.windows[0].complete
        assert 1 == bench.events.malformed[BOOKINGS]


class OddResource(Resource):
    """One without an id."""

    def to_json(self) -> dict[str, object]:
        return super().to_json() | {"id": None}


@pytest.mark.parametrize("good", [0, 1, 50])
async def test_an_odd_resource_costs_no_name_of_another_and_is_counted(good: int) -> None:
    async with running_portal() as bench:
        for number in range(good):
            bench.world.add_resource(f"Chair {number}")
        bench.world.resources[good + 1] = OddResource(good + 1, "Odd")
        observation = await poll_bookings(bench.open(bookings={"per_resource": True}))
        assert good == len(observation.resource_names)
        assert 1 == bench.events.malformed[BOOKINGS]
