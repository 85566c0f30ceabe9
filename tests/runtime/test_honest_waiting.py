"""What a platform that refuses or hangs looks like: failed at once, held for all who ask it, and asked no more than before."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
import structlog.testing

from exporter.errors import Reason
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business, running_business
from tests.harness.clock import ManualClock

JSON: Final = "application/json"
LIMITED: Final = '{"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}'
MINUTE: Final = {"interval": "60s"}


def minutely(there: Business, timeout: str) -> Path:
    """Write a configuration with a site and a portal whose collectors are polled every minute."""
    return there.config(
        there.wix_target(timeout=timeout, collectors={"connections": MINUTE, "bookings": MINUTE}),
        there.bitrix24_target(timeout=timeout, collectors={"bookings": MINUTE, "links": {**MINUTE, "window": "next_7d"}}),
    )


@contextlib.asynccontextmanager
async def polled_targets(folder: Path, *, timeout: str = "5s") -> AsyncIterator[tuple[RunningApplication, Business]]:
    """Watch a site and a portal that have been polled, each collector every minute, while the block runs."""
    clock = ManualClock()
    async with running_business(folder, clock) as there, application(minutely(there, timeout), clock) as app:
        await app.finished_polls(2)  # the second is in its place, from which on an interval is an interval
        yield app, there


def failed(app: RunningApplication, platform: str) -> list[Reason]:
    """Return why the collectors of a platform are down."""
    states = [state for target in app.app.view().targets if target.platform == platform for state in target.collectors]
    return [state.failure.reason for state in states if state.failure is not None and not state.up]


def requests(there: Business, platform: str) -> int:
    return there.simulator.log.count(platform=platform)


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
    # Seconds from the end of the first exchange, like all: then 25 s have passed.
    "a portal that refuses slowly": (Fault(FaultKind.STATUS, status=503, delay=25), "bitrix24", Reason.SERVER_ERROR, 1),
    "a portal that cuts slowly": (Fault(FaultKind.DROP, delay=25), "bitrix24", Reason.NETWORK, 1),
    "a full bucket that says so slowly": (
        Fault(FaultKind.BODY, status=503, body=LIMITED, content_type=JSON, delay=25),
        "bitrix24",
        Reason.RATE_LIMITED,
        1,
    ),
    "a site that refuses slowly": (Fault(FaultKind.STATUS, status=503, delay=25), "wix", Reason.SERVER_ERROR, 1),
    "a site that cuts slowly": (Fault(FaultKind.DROP, delay=25), "wix", Reason.NETWORK, 1),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", FAULTS)
async def test_what_refuses_or_hangs_is_told_within_half_a_minute_or_its_timeout(name: str, tmp_path: Path) -> None:
    fault, platform, reason, seconds = FAULTS[name]

    async with polled_targets(tmp_path, timeout=timeout_for(fault)) as (app, there):
        there.simulator.faults.add(replace(fault, platform=platform))
        began = app.clock.monotonic()
        before = requests(there, platform)
        await passed_until(app, lambda: requests(there, platform) > before, within=100)
        assert await passed_until(app, lambda: bool(failed(app, platform)), within=300) <= seconds + 0.5
        assert {reason} == set(failed(app, platform))
        left = began + 60 + 30 + 0.5 - app.clock.monotonic()
        await passed_until(app, lambda: [reason] * 2 == failed(app, platform), within=left)
        other = "wix" if platform == "bitrix24" else "bitrix24"
        assert [] == failed(app, other)


def timeout_for(fault: Fault) -> str:
    return "30s" if fault.delay else "5s"


TOLD: Final = [name for name, (fault, *_) in FAULTS.items() if fault.retry_after]


@pytest.mark.slow
@pytest.mark.parametrize("name", TOLD)
async def test_a_time_to_come_back_holds_all_collectors_whatever_the_status_and_ends_when_it_ends(
    name: str, tmp_path: Path
) -> None:
    fault, platform, _, _ = FAULTS[name]

    async with polled_targets(tmp_path) as (app, there):
        log = there.simulator.log
        there.simulator.faults.add(replace(fault, platform=platform, times=1))
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


@pytest.mark.parametrize("name", FAULTS)
async def test_an_exporter_that_starts_while_a_platform_refuses_or_hangs_is_ready_all_the_same(
    name: str, tmp_path: Path
) -> None:
    fault, platform, reason, seconds = FAULTS[name]
    clock = ManualClock()

    async with running_business(tmp_path, clock) as there:
        there.simulator.faults.add(replace(fault, platform=platform))
        async with application(minutely(there, timeout_for(fault)), clock) as app:
            # Collectors of a portal go one after the other.
            await passed_until(app, lambda: app.app.ready, within=fault.delay + seconds + 6)
            assert {reason} == set(failed(app, platform))


@pytest.mark.slow
async def test_a_limited_portal_is_asked_no_more_often_than_its_pauses_say(tmp_path: Path) -> None:
    async with polled_targets(tmp_path) as (app, there):
        fault, platform, _, _ = FAULTS["a full bucket"]
        there.simulator.faults.add(replace(fault, platform=platform))
        before = requests(there, platform)
        await app.pass_time(0)
        for _ in range(40):  # ten minutes
            await app.pass_time(15)
        # Pauses double from 1 to 2 s up to 30 to 60 s: six steps in the first two minutes, then at most two a minute.
        assert requests(there, platform) - before <= 6 + 2 * 9


REFUSED_WITH: Final = {
    "wix": Fault(FaultKind.RATE_LIMITED),
    "bitrix24": Fault(FaultKind.BODY, status=503, body=LIMITED, content_type=JSON),
}


async def requests_in_ten_minutes(folder: Path, fault: Fault) -> int:
    """Return how often a platform is asked by two collectors that are polled every minute while ``fault`` strikes it."""
    async with polled_targets(folder) as (app, there):
        there.simulator.faults.add(fault)
        before = requests(there, fault.platform or "")
        await app.pass_long(600)
        return requests(there, fault.platform or "") - before


@pytest.mark.slow
@pytest.mark.parametrize("platform", REFUSED_WITH)
async def test_who_names_a_time_and_refuses_again_is_asked_no_more_often_than_who_names_none(
    platform: str, tmp_path: Path
) -> None:
    fault = replace(REFUSED_WITH[platform], platform=platform)
    without = await requests_in_ten_minutes(tmp_path, fault)
    assert 8 <= without <= 24
    for seconds in ("0", "1", "5", "20", "120"):
        assert await requests_in_ten_minutes(tmp_path, replace(fault, retry_after=seconds)) <= without, seconds


FORBIDDEN: Final = Fault(FaultKind.STATUS, status=403, retry_after="3600", times=1)


@pytest.mark.slow
@pytest.mark.parametrize("status", [400, 401, 403, 404])
@pytest.mark.parametrize("platform", ["wix", "bitrix24"])
async def test_one_refusal_of_one_request_holds_the_others_for_a_minute_at_most_and_is_not_taken_for_theirs(
    platform: str, status: int, tmp_path: Path
) -> None:
    async with polled_targets(tmp_path) as (app, there):
        there.simulator.faults.add(replace(FORBIDDEN, platform=platform, status=status))
        with structlog.testing.capture_logs() as logged:
            await passed_until(app, lambda: len(failed(app, platform)) == 2, within=120)
            (first,) = {*failed(app, platform)} - {Reason.RATE_LIMITED}
            await passed_until(app, lambda: [first] == failed(app, platform), within=62)
        events = [line["event"] for line in logged if line["event"].startswith("requests_")]
        assert ["requests_paused", "requests_go_on"] == events
        told = [line["message"] for line in logged if line["event"] == "poll_failed" and line["reason"] == "rate_limited"]
        assert told
        assert all(f"asked the exporter to wait when it refused another request (HTTP {status})" in message for message in told)
        waits = [line["next_try_seconds"] for line in logged if line["event"] == "poll_failed" and line["reason"] == first]
        assert [3600] == waits, "who was refused comes back when it was told to"


@pytest.mark.slow
@pytest.mark.parametrize("status", [401, 403, 500])
@pytest.mark.parametrize("platform", ["wix", "bitrix24"])
async def test_after_a_pause_requests_go_on_with_any_answer_and_the_next_pause_is_told_again(
    platform: str, status: int, tmp_path: Path
) -> None:
    async with polled_targets(tmp_path) as (app, there):
        busy = Fault(FaultKind.STATUS, status=503, retry_after="40", platform=platform, times=1)
        with structlog.testing.capture_logs() as logged:
            for _ in range(2):
                there.simulator.faults.add(busy)
                there.simulator.faults.add(Fault(FaultKind.STATUS, status=status, platform=platform))
                for _ in range(180):
                    await app.pass_time(1)
                there.simulator.faults.clear()
        events = [line["event"] for line in logged if line["event"].startswith("requests_")]
        assert ["requests_paused", "requests_go_on"] * 2 == events
