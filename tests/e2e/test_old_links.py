"""Link answers that grow too old, from the portal to the page of the real process."""

from __future__ import annotations

from tests.harness.bitrix24_target import LINKS
from tests.harness.business import Business
from tests.harness.process import Exporter, exporter, until


async def coverage(running: Exporter) -> tuple[float | None, ...]:
    """Return the bookings of the window that are linked, unlinked and unverified."""
    page = await running.samples()
    own = '{platform="bitrix24",target="salon-b24",window="next_7d"}'
    return tuple(page.get(name + own) for name in ("linked_bookings", "unlinked_bookings", "links_unverified_bookings"))


async def test_links_that_a_spent_budget_lets_nobody_ask_about_again_leave_the_page_for_the_unverified(
    business: Business,
) -> None:
    world, now = business.portal.world, business.simulator.now()
    for row in world.bookings():  # none comes into the window or leaves it meanwhile
        if not now + 3_600 < row.start < now + 6 * 86_400:
            world.delete_booking(row.id)
    bookings = len(world.bookings())
    business.portal.costs[LINKS.lower()] = 0.2
    target = business.bitrix24_target(
        budget={"requests_per_second": 50, "burst": 40, "operating_seconds": 0.2 * bookings / 0.6},
        collectors={"links": {"interval": "1s", "max_age": "3s", "window": "next_7d"}},
    )
    async with exporter(business.config(target)) as running:
        await running.ready()
        linked, unlinked, unverified = await coverage(running)
        assert (bookings, 0) == ((linked or 0) + (unlinked or 0), unverified)
        for row in world.bookings():
            world.link(row.id)

        async def withdrawn() -> bool:
            return await coverage(running) == (0, 0, bookings)

        await until(withdrawn, "every booking to be unverified")
        page = await running.samples()
        assert 1 == page['collector_up{collector="links",platform="bitrix24",target="salon-b24"}']
        assert "links_unverified" == (await running.get("/api/v1/status")).json()["problems"][0]["kind"]
