"""An answer that is none of the API, from the socket to the page: it has a reason, and never becomes a zero."""

from __future__ import annotations

from pathlib import Path
from typing import Final

import pytest
import structlog.testing
from prometheus_client.parser import text_string_to_metric_families

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
            assert found["collector_up", target, None] == 0
            assert {reason} == {
                line["reason"] for line in logged if line["event"] == "poll_failed" and line["target"] == target
            }
        assert {"bookings", "connections", "connection_status"}.isdisjoint(name for name, _, _ in found)
        assert [] == [secret for secret in there.secrets if secret in str(logged)]
