"""New Wix bookings whose creation date does not show that they are new, and repetitions under a short interval."""

from __future__ import annotations

import pytest

from exporter.errors import PermissionDeniedError, ServerError
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.retry import patience
from exporter.simulator import Fault, FaultKind
from exporter.simulator.wix.faults import system_error
from tests.harness.wix_site import WixBench, on_wix

HOUR = 3600.0
DAY_SECONDS = 24 * HOUR


def test_an_id_that_appears_where_the_last_read_looked_is_discovered_once_whatever_its_creation_date_says() -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=now - 30 * DAY_SECONDS)
        bench.open(bench.target(bookings={"conflicts": True}))
        await bench.count()
        assert bench.events.discovered == 0
        bench.site.bookings.add(now + 3 * HOUR, now + 4 * HOUR, created=now - 30 * DAY_SECONDS)
        for _ in range(30):
            await bench.count()
        assert bench.events.discovered == 1

    on_wix(script)


def test_a_booking_that_went_and_came_back_is_not_discovered_again() -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        made = bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=now - 30 * DAY_SECONDS)
        bench.open(bench.target(bookings={"conflicts": True}))
        await bench.count()
        bench.site.bookings.cancel(made)
        for _ in range(3):
            await bench.count()
        bench.site.bookings.amend(made, status="CONFIRMED")
        await bench.count()
        assert (0, 1) == (bench.events.discovered, bench.events.vanished)

    on_wix(script)


def test_a_repetition_never_waits_longer_than_the_interval() -> None:
    async def script(bench: WixBench) -> None:
        bench.simulator.faults.add(system_error("ListConnections"))
        with patience(1.0), pytest.raises(ServerError):
            await bench.session.collectors[CollectorName.CONNECTIONS].poll()
        assert sum(bench.clock.slept) <= 1.0

    on_wix(script)


@pytest.mark.parametrize("created", [None, -30 * DAY_SECONDS])
def test_a_booking_made_as_usual_counts_once(created: float | None) -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        bench.open(bench.target(bookings={"conflicts": True}))
        await bench.count()
        bench.site.bookings.add(now + HOUR, now + 2 * HOUR, created=None if created is None else now + created)
        for _ in range(5):
            await bench.count()
        assert bench.events.discovered == 1

    on_wix(script)


def test_counts_are_published_although_nobody_answers_which_bookings_are_new() -> None:
    async def script(bench: WixBench) -> None:
        now = bench.clock.now
        bench.site.bookings.add(now + HOUR, now + 2 * HOUR)
        bench.open(bench.target(bookings={"conflicts": True}))
        await bench.count()
        before = bench.simulator.log.count("QueryExtendedBookings")
        counted = await bench.count()
        questions = bench.simulator.log.count("QueryExtendedBookings") - before
        refused = Fault(FaultKind.STATUS, status=403, operation="QueryExtendedBookings", after=questions - 1)
        bench.simulator.faults.add(refused)
        result = await bench.poll(CollectorName.BOOKINGS)
        assert isinstance(result.failure, PermissionDeniedError)
        assert isinstance(result.observation, BookingsObservation)
        assert [row.bookings for row in counted.windows] == [row.bookings for row in result.observation.windows]

    on_wix(script)
