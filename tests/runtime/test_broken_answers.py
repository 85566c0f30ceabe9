"""What a platform answers or does not, from the socket to the page: a failure has a reason, and never becomes a zero."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import structlog.testing
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import Reason
from exporter.simulator import Fault, FaultKind
from tests.harness.application import application
from tests.harness.business import running_business
from tests.harness.clock import ManualClock

FAULTS: Final = {
    "html": (Fault(FaultKind.STATUS, status=200), "invalid_response"),
    "bad-gateway": (Fault(FaultKind.STATUS, status=502), "server_error"),
    "truncated": (Fault(FaultKind.TRUNCATED), "invalid_response"),
    "dropped": (Fault(FaultKind.DROP), "network"),
    "huge": (Fault(FaultKind.HUGE), "invalid_response"),
    "null": (Fault(FaultKind.BODY, body="null", content_type="application/json"), "invalid_response"),
    "empty": (Fault(FaultKind.EMPTY, status=200), "invalid_response"),
}


@pytest.mark.parametrize("name", FAULTS)
async def test_a_broken_answer_has_a_reason_and_never_becomes_a_zero(name: str, tmp_path: Path) -> None:
    fault, reason = FAULTS[name]
    clock = ManualClock()
    async with running_business(tmp_path, clock) as there:
        there.simulator.faults.add(fault)
        with structlog.testing.capture_logs() as logged:
            async with application(there.config(), clock) as app:
                await app.finished_polls()
                page = await app.page()
        found = {
            (sample.name.removeprefix("booking_sync_"), sample.labels.get("target"), sample.labels.get("reason")): sample.value
            for family in text_string_to_metric_families(page)
            for sample in family.samples
            if sample.labels.get("collector", "bookings") == "bookings"
        }
        for target in ("salon-wix", "salon-b24"):
            assert found["collector_failures_total", target, reason] >= 1
            assert 0 == found["collector_up", target, None]
            assert {reason} == {
                line["reason"] for line in logged if line["event"] == "poll_failed" and line["target"] == target
            }
        assert {"bookings", "connections", "connection_status"}.isdisjoint(name for name, _, _ in found)
        assert [] == [secret for secret in there.secrets if secret in str(logged)]


async def test_an_unreachable_host_is_a_network_failure_and_leaves_the_other_target_alone(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running_business(tmp_path, clock) as there:
        lost = there.wix_target("lost", base_url="http://127.0.0.1:1")
        async with application(there.config(lost, there.bitrix24_target()), clock) as app:
            await app.finished_polls()
            targets = {target.name: target for target in app.app.view().targets}
    assert {Reason.NETWORK} == {state.failure.reason for state in targets["lost"].collectors if state.failure}
    assert [True, True] == [state.up for state in targets["salon-b24"].collectors]


async def test_old_data_vanishes_after_max_age_and_says_so(tmp_path: Path) -> None:
    clock = ManualClock()
    expired, up = 'collector_data_expired{collector="connections"}', 'collector_up{collector="connections"}'
    async with running_business(tmp_path, clock) as there:
        target = there.wix_target(collectors={"connections": {"interval": "60s", "max_age": "120s"}})
        async with application(there.config(target), clock) as app:
            await app.finished_polls()
            there.simulator.faults.add(Fault(FaultKind.STATUS, status=503))
            await app.pass_time(119)
            assert 0 == (await app.samples())[expired]
            for _ in range(40):
                await app.pass_time(1)
            page = await app.samples()
            assert (0, 1) == (page[up], page[expired])
            assert not [name for name in page if name.startswith(("connection_", "connections{"))]
            assert page['collector_last_success_timestamp_seconds{collector="connections"}'] > 0
            there.simulator.faults.clear()
            for _ in range(120):
                await app.pass_time(1)
            page = await app.samples()
            assert (1, 0) == (page[up], page[expired])


async def test_a_revoked_token_shows_at_the_next_poll(tmp_path: Path) -> None:
    clock = ManualClock()
    async with running_business(tmp_path, clock) as there, application(there.config(there.wix_target()), clock) as app:
        await app.finished_polls()
        there.site.connections.revoke_token(next(iter(there.site.connections)).id)
        for _ in range(30):
            await app.pass_time(0.1)
        page = await app.samples()
    assert 1 == page['connections{calendar_type="google",status="error"}']
    assert any('reason="token_revoked"' in name and value == 1 for name, value in page.items())
