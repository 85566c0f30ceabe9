"""How far back a poll looks for bookings that the reader shows late."""

from __future__ import annotations

import pytest

from tests.harness.wix_site import WixBench

MINUTE = 60.0
YEAR = 365 * 24 * 60 * MINUTE


@pytest.mark.parametrize(("minutes", "discovered"), [(14, 1), (16, 0)])
async def test_a_booking_that_shows_up_late_is_new_when_it_was_made_up_to_a_quarter_of_an_hour_before_the_newest(
    bench: WixBench, minutes: int, discovered: int
) -> None:
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    begin = bench.clock.now + YEAR  # no window looks there, so that nothing but the creation date tells of it
    bench.site.bookings.add(begin, begin + 60 * MINUTE, created=bench.clock.now - minutes * MINUTE)
    for _ in range(3):
        await bench.count()
    assert discovered == bench.events.discovered


async def test_a_booking_that_was_seen_half_an_hour_ago_is_still_known_and_not_new_again(bench: WixBench) -> None:
    bench.open(bench.target(bookings={"conflicts": True}))
    await bench.count()
    begin = bench.clock.now + YEAR
    bench.site.bookings.add(begin, begin + 60 * MINUTE, created=bench.clock.now)
    for _ in range(4):
        await bench.count()
        bench.clock.now += 7 * MINUTE
        bench.site.bookings.add(begin, begin + 60 * MINUTE, created=bench.clock.now)
    await bench.count()
    assert 5 == bench.events.discovered
