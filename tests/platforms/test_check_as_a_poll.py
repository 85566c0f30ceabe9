"""``check-config --online`` fails where a poll would, and nowhere else: every operation refused, under every way to collect."""

from __future__ import annotations

from dataclasses import replace
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from exporter.clock import SystemClock
from exporter.commands.check_config import _checked
from exporter.config import load_config
from exporter.errors import Reason
from exporter.metrics import Instruments
from exporter.polling import Admission, poll_all
from exporter.runtime import TargetFactory
from exporter.simulator import Fault, FaultKind
from exporter.simulator.wix.providers import APPLE, GOOGLE
from exporter.state.status_history import StatusHistory
from tests.harness.business import Business
from tests.harness.pool import pool

WIX: dict[str, dict[str, Any]] = {
    "connections": {"connections": {}},
    "bookings": {"bookings": {}},
    "conflicts": {"bookings": {"conflicts": True}},
    "all": {"connections": {}, "bookings": {"conflicts": True}},
}
BITRIX24: dict[str, dict[str, Any]] = {
    "bookings": {"bookings": {}},
    "resources": {"bookings": {"per_resource": True}},
    "named resources": {"bookings": {"overlapping_resources": [1]}},
    "links": {"links": {"window": "next_24h"}},
    "all": {"bookings": {"per_resource": True, "overlapping_resources": [1]}, "links": {"window": "next_24h"}},
}
OPERATIONS = {
    "wix": ("ListConnections", "ListProviders", "CountExtendedBookings", "QueryExtendedBookings"),
    "bitrix24": (
        *("booking.v1.booking.list", "booking.v1.booking.get", "booking.v1.booking.externalData.list"),
        *("booking.v1.resource.list", "batch"),
    ),
}
REFUSALS = {
    "forbidden": Fault(FaultKind.STATUS, status=403),
    "unknown": Fault(FaultKind.STATUS, status=404),
}


@pytest.mark.slow
@pytest.mark.parametrize("refusal", REFUSALS)
@pytest.mark.parametrize(("platform", "collectors"), [*(("wix", one) for one in WIX), *(("bitrix24", one) for one in BITRIX24)])
async def test_a_check_fails_where_a_poll_fails_and_nowhere_else(
    business: Business, platform: str, collectors: str, refusal: str
) -> None:
    judged: dict[str, tuple[bool, list[Reason]]] = {}

    business.portal.set_bucket(1_000, 10_000)  # no case waits for another's requests
    make = business.wix_target if platform == "wix" else business.bitrix24_target
    config = load_config(business.config(make(collectors=(WIX if platform == "wix" else BITRIX24)[collectors])))
    [target] = config.targets
    clock = SystemClock()
    async with pool(clock) as http:
        for operation in OPERATIONS[platform]:
            business.simulator.faults.clear()
            business.simulator.faults.add(replace(REFUSALS[refusal], operation=operation))
            world = TargetFactory(http, clock, Random(1), Instruments(CollectorRegistry()), Admission(clock))
            checked = await _checked(world, target)
            live = world.open_target(target, StatusHistory())
            states = await poll_all(live.jobs, clock, lambda _: None)
            await live.session.aclose()
            failed = [state.failure.reason for state in states if state.failure]
            judged[operation] = bool(checked.problems), failed
    assert {operation: bool(failed) for operation, (_, failed) in judged.items()} == {
        operation: checked for operation, (checked, _) in judged.items()
    }, judged


async def test_a_provider_that_is_silent_now_is_a_warning_and_no_fault_of_the_credential(business: Business) -> None:
    business.site.connect_many(2, (GOOGLE, APPLE))
    business.site.provider_down(APPLE)
    [target] = load_config(business.config(business.wix_target())).targets
    clock = SystemClock()
    async with pool(clock) as http:
        world = TargetFactory(http, clock, Random(1), Instruments(CollectorRegistry()), Admission(clock))
        checked = await _checked(world, target)
    assert () == checked.problems
    assert "does not answer the platform now: its connections could not be read" in " ".join(checked.warnings)
