"""What a soak goes by: it sees a wrong number, a process that grows, and a road that does what it is told."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from exporter.simulator import Simulator, running
from tests.harness.process import exporter, until
from tests.soak import vitals, world
from tests.soak.road import State, road


async def test_a_page_that_is_right_has_nothing_wrong_and_one_booking_less_is_seen_in_each_window_that_it_lies_in(
    tmp_path: Path,
) -> None:
    simulator = Simulator(build=world.build)
    async with running(simulator.app) as url:
        business = world.Business(simulator, tmp_path, wix=url, bitrix24=url, direct=url)
        business.configure()
        business.hold()
        async with exporter(business.path, module="tests.soak.exporter") as process:
            await process.ready()

            async def right() -> bool:
                compared, wrong = world.wrong(business, world.summed(await process.samples()))
                return compared == 12 * 8 + 8 * 6 and not wrong

            await until(right, "a page that says what the world holds")
            taken = await vitals.take(process)
            assert taken.tasks > 40, "twenty targets with two collectors each"
            page = world.summed(await process.samples())
            portal = simulator.bitrix24.portals["portal-7"].world
            ahead = min(portal.bookings(), key=lambda booking: abs(booking.start - simulator.now() - 3600))
            portal.delete_booking(ahead.id)
            _, wrong = world.wrong(business, page)
            assert wrong
            assert all("portal-7" in line for line in wrong)


def test_what_grows_from_the_second_quarter_to_the_last_is_a_complaint_and_what_wavers_is_none() -> None:
    flat = vitals.Vitals(memory_mib=90, objects=80_000, tasks=46, threads=9, descriptors=15)
    wavering = [replace(flat, memory_mib=90 + number % 3, descriptors=14 + number % 3) for number in range(16)]
    assert [] == vitals.grown(wavering)
    leaking = [replace(flat, tasks=46 + number) for number in range(16)]
    assert ["tasks grew from 51.5 to 59.5"] == vitals.grown(leaking)
    assert [] == vitals.grown(leaking[:7]), "too few to tell"


async def test_a_road_refuses_cuts_and_lets_pass_as_it_is_told() -> None:
    async with running(Simulator().app) as url, road(url) as way, httpx.AsyncClient(trust_env=False, timeout=5) as http:
        assert 200 == (await http.get(f"{way.url}/_sim/")).status_code
        for state in (State.REFUSED, State.CUT):
            way.state = state
            way.cut_all()
            with pytest.raises(httpx.TransportError):
                await http.get(f"{way.url}/_sim/")
        way.state = State.SWALLOWED
        with pytest.raises(httpx.ReadTimeout):
            await http.get(f"{way.url}/_sim/", timeout=0.2)
        way.state = State.OPEN
        assert 200 == (await http.get(f"{way.url}/_sim/")).status_code
