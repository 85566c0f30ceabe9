"""A portal that hangs, refuses batches or knows fewer methods than we would like: what still works, and for whom."""

from __future__ import annotations

import asyncio
import json

import httpx
import pytest

from exporter.errors import ServerError
from exporter.model import CollectorName
from exporter.platforms.bitrix24.credential import portal_of
from exporter.platforms.retry import wait_allowance
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import (
    GET,
    HOUR,
    LINKS,
    LIST,
    NEXT_7D,
    Bench,
    counts,
    poll_bookings,
    poll_links,
)
from tests.harness.faults import met


def test_two_ports_of_one_machine_are_two_portals() -> None:
    assert portal_of(httpx.URL("http://127.0.0.1:8001/rest/1/a/")) != portal_of(httpx.URL("http://127.0.0.1:8002/rest/1/a/"))


async def test_a_call_that_hangs_holds_other_targets_of_the_portal_up_for_seconds_only(bench: Bench) -> None:
    hanging, other = bench.open(name="one", windows=NEXT_7D), bench.open(name="two", windows=NEXT_7D)
    bench.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
    stuck = asyncio.create_task(hanging.collectors[CollectorName.BOOKINGS].poll())
    await met(bench.simulator)
    waiting = asyncio.create_task(poll_bookings(other))
    for _ in range(5):
        await asyncio.sleep(0.01)
    assert not waiting.done()
    await bench.clock.advance(6)
    assert {"next_7d": 0} == counts(await waiting)
    assert not stuck.done()
    stuck.cancel()


async def test_a_batch_that_is_refused_as_a_whole_is_answered_by_single_calls(bench: Bench) -> None:
    body = '{"error": "ERROR_BATCH_METHOD_NOT_ALLOWED", "error_description": "Method is not allowed for batch usage"}'
    fault = Fault(FaultKind.BODY, operation="batch", status=405, body=body, content_type="application/json")
    bench.simulator.faults.add(fault)
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D)
    for _ in range(2):
        assert {"next_7d": 120} == counts(await poll_bookings(session))
    assert (1, 6) == (bench.calls("batch"), bench.calls(LIST))


async def test_bookings_are_read_page_by_page_while_the_operating_time_of_batch_is_used_up(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(windows=NEXT_7D)
    session._ledger.refused(("batch",))
    assert {"next_7d": 120} == counts(await poll_bookings(session))
    assert (0, 3) == (bench.calls("batch"), bench.calls(LIST))


async def test_a_portal_that_does_not_know_how_to_show_one_booking_still_has_its_vanished_ones_counted(bench: Bench) -> None:
    begin = bench.now + 5 * HOUR
    booking = bench.world.add_booking(begin, begin + HOUR, resource_ids=(1,)).id
    session = bench.open(windows=NEXT_7D)
    await poll_bookings(session)
    bench.world.delete_booking(booking)
    problem = {"error": "ERROR_METHOD_NOT_FOUND", "error_description": "Method not found!"}
    sections = {
        "result": [],
        "result_error": {f"g{booking}": problem},
        "result_total": [],
        "result_next": [],
        "result_time": [],
    }
    body = json.dumps({"result": sections})
    bench.simulator.faults.add(Fault(FaultKind.BODY, operation="batch", body=body, content_type="application/json"))
    await poll_bookings(session)
    assert (1, 0) == (bench.events.vanished, bench.commands(GET))


async def test_a_repetition_never_waits_longer_than_the_interval(bench: Bench) -> None:
    bench.simulator.faults.add(Fault(FaultKind.STATUS, status=502))
    session, began = bench.open(windows=NEXT_7D), bench.now
    with wait_allowance(1.0), pytest.raises(ServerError):
        await session.collectors[CollectorName.BOOKINGS].poll()
    assert bench.now - began <= 1.0
    assert bench.calls() >= 1


async def test_a_command_that_fails_inside_a_batch_is_called_alone(bench: Bench) -> None:
    bench.world.fill(3, bench.now, days=(0.1, 6.9))
    problem = {"error": "INTERNAL_SERVER_ERROR", "error_description": "Internal server error"}
    failed = {f"e{booking.id}": problem for booking in bench.world.bookings()}
    body = json.dumps({"result": {"result": [], "result_error": failed}})
    bench.simulator.faults.add(Fault(FaultKind.BODY, operation="batch", body=body, content_type="application/json"))
    links = await poll_links(bench.open(windows=NEXT_7D))
    assert 3 == links.windows[0].linked + links.windows[0].unlinked
    assert (1, 3) == (bench.calls("batch"), bench.calls(LINKS))
