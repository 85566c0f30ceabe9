"""What a platform that refuses or hangs looks like: failed at once, held for all who ask it, and asked no more than before."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, Final

import pytest
import structlog.testing

from exporter.errors import Reason
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, with_business
from tests.harness.clock import ManualClock

JSON: Final = "application/json"
LIMITED: Final = '{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}'
MINUTE: Final = {"interval": "60s"}


def with_targets(tmp_path: Path, scenario: Callable[[RunningApplication, Business], Coroutine[Any, Any, None]]) -> None:
    """Run ``scenario`` with a site and a portal that have been polled once, each collector every minute."""

    async def main(there: Business) -> None:
        config = there.config(
            there.wix_target(collectors={"connections": MINUTE, "bookings": MINUTE}),
            there.bitrix24_target(collectors={"bookings": MINUTE, "links": {**MINUTE, "window": "next_7d"}}),
        )
        async with application(config, ManualClock(there.simulator.now())) as app:
            await app.finished_polls()
            await scenario(app, there)

    with_business(tmp_path, main)


def failed(app: RunningApplication, platform: str) -> list[Reason]:
    """Return why the collectors of a platform are down."""
    states = [state for target in app.app.view().targets if target.platform == platform for state in target.collectors]
    return [state.failure.reason for state in states if state.failure is not None and not state.up]


async def passed_until(app: RunningApplication, met: Callable[[], bool], within: float) -> float:
    """Let the time pass until something is met; returns the seconds that took."""
    began = app.clock.monotonic()
    while not met():
        assert app.clock.monotonic() - began < within, f"not within {within} s"
        await app.pass_time(0.25)
    return app.clock.monotonic() - began


FAULTS: Final = {
    "a full bucket": (Fault(FaultKind.BODY, status=503, body=LIMITED, content_type=JSON), "bitrix24", Reason.RATE_LIMITED, 30),
    "a full bucket with a time": (
        Fault(FaultKind.BODY, status=503, body=LIMITED, content_type=JSON, retry_after="120"),
        "bitrix24",
        Reason.RATE_LIMITED,
        1,
    ),
    "an outage with a time": (Fault(FaultKind.STATUS, status=503, retry_after="120"), "bitrix24", Reason.SERVER_ERROR, 1),
    "an outage": (Fault(FaultKind.STATUS, status=503), "bitrix24", Reason.SERVER_ERROR, 30),
    "a portal that hangs": (Fault(FaultKind.NEVER), "bitrix24", Reason.TIMEOUT, 6),
    "a throttled site": (Fault(FaultKind.RATE_LIMITED, retry_after="120"), "wix", Reason.RATE_LIMITED, 1),
    "a site's outage with a time": (Fault(FaultKind.STATUS, status=503, retry_after="120"), "wix", Reason.SERVER_ERROR, 1),
    "a site's outage": (Fault(FaultKind.STATUS, status=503), "wix", Reason.SERVER_ERROR, 30),
    "a site that hangs": (Fault(FaultKind.NEVER), "wix", Reason.TIMEOUT, 6),
}


@pytest.mark.parametrize("name", FAULTS)
def test_what_refuses_or_hangs_is_told_within_half_a_minute_or_its_timeout(name: str, tmp_path: Path) -> None:
    fault, platform, reason, seconds = FAULTS[name]

    async def scenario(app: RunningApplication, there: Business) -> None:
        there.simulator.faults.add(fault_at(fault, platform))
        before = there.simulator.log.count(platform=platform)
        await passed_until(app, lambda: there.simulator.log.count(platform=platform) > before, within=100)
        assert await passed_until(app, lambda: bool(failed(app, platform)), within=300) <= seconds + 0.5
        assert {reason} == set(failed(app, platform))
        other = "wix" if platform == "bitrix24" else "bitrix24"
        assert [] == failed(app, other)

    with_targets(tmp_path, scenario)


def fault_at(fault: Fault, platform: str) -> Fault:
    return Fault(
        fault.kind,
        platform=platform,
        status=fault.status,
        body=fault.body,
        content_type=fault.content_type,
        retry_after=fault.retry_after,
    )


TOLD: Final = [name for name, (fault, *_) in FAULTS.items() if fault.retry_after]


@pytest.mark.parametrize("name", TOLD)
def test_a_time_to_come_back_holds_all_collectors_whatever_the_status_and_ends_when_it_ends(name: str, tmp_path: Path) -> None:
    fault, platform, _, _ = FAULTS[name]

    async def scenario(app: RunningApplication, there: Business) -> None:
        log = there.simulator.log
        once = fault_at(fault, platform)
        there.simulator.faults.add(Fault(**{**{key: getattr(once, key) for key in once.__slots__}, "times": 1}))
        with structlog.testing.capture_logs() as logged:
            await passed_until(app, lambda: bool(failed(app, platform)), within=200)
            asked = log.count(platform=platform)
            await app.pass_time(100)
            assert asked == log.count(platform=platform), "nobody asks for two minutes"
            took = await passed_until(app, lambda: log.count(platform=platform) > asked, within=60)
            assert 15 <= took <= 25, "and then somebody does at once, not an interval later"
            await passed_until(app, lambda: not failed(app, platform), within=60)
        events = [line["event"] for line in logged if line["event"].startswith("requests_")]
        assert ["requests_paused", "requests_go_on"] == events

    with_targets(tmp_path, scenario)


@pytest.mark.parametrize("name", FAULTS)
def test_an_exporter_that_starts_while_a_platform_refuses_or_hangs_is_ready_all_the_same(name: str, tmp_path: Path) -> None:
    fault, platform, reason, seconds = FAULTS[name]

    async def main(there: Business) -> None:
        there.simulator.faults.add(fault_at(fault, platform))
        config = there.config(
            there.wix_target(collectors={"connections": MINUTE, "bookings": MINUTE}),
            there.bitrix24_target(collectors={"bookings": MINUTE, "links": {**MINUTE, "window": "next_7d"}}),
        )
        async with application(config, ManualClock(there.simulator.now())) as app:
            await passed_until(app, lambda: app.app.ready, within=seconds + 6)  # collectors of a portal go one after the other
            assert {reason} == set(failed(app, platform))

    with_business(tmp_path, main)


def test_a_limited_portal_is_asked_no_more_often_than_its_pauses_say(tmp_path: Path) -> None:
    async def scenario(app: RunningApplication, there: Business) -> None:
        fault, platform, _, _ = FAULTS["a full bucket"]
        there.simulator.faults.add(fault_at(fault, platform))
        before = there.simulator.log.count(platform=platform)
        await app.pass_time(0)
        for _ in range(40):  # ten minutes
            await app.pass_time(15)
        # Pauses double from 1 to 2 s up to 30 to 60 s: six steps in the first two minutes, then at most two a minute.
        assert there.simulator.log.count(platform=platform) - before <= 6 + 2 * 9

    with_targets(tmp_path, scenario)
