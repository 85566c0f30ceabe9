"""What only a running exporter can find: a refused reload, a poll that runs, a platform that asked to wait."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from exporter.errors import ConfigError
from exporter.simulator import Fault, FaultKind
from exporter.state.findings import Kind, findings
from exporter.support.known_secrets import KnownSecrets
from exporter.web import encode_status
from tests.harness.application import RunningApplication, application, driven
from tests.harness.business import API_KEY, Business, with_business
from tests.harness.clock import ManualClock


def kinds(app: RunningApplication) -> list[Kind]:
    return [finding.kind for finding in findings(app.app.view())]


def document(app: RunningApplication) -> Any:  # noqa: ANN401  JSON
    return json.loads(encode_status(app.app.view()))


def test_a_refused_reload_is_told_without_its_secret_until_a_good_one(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        target = business.wix_target(collectors={"bookings": {"interval": "1h"}})
        async with application(business.config(target), ManualClock(business.simulator.now()), known=KnownSecrets()) as app:
            await app.finished_polls()
            assert [] == kinds(app)
            business.config(target, timezone=API_KEY)
            with pytest.raises(ConfigError):
                await driven(app, app.app.reload())
            refused = app.clock.time()
            await app.clock.advance(100)
            [problem] = document(app)["problems"]
            assert ("warning", "reload_refused", "") == (problem["severity"], problem["kind"], problem["target"])
            assert "timezone" in problem["detail"]
            assert API_KEY not in json.dumps(document(app))
            assert refused == pytest.approx(app.app.view().rejected_config.at, abs=1.0)  # type: ignore[union-attr]  # told above
            business.config(target)
            await driven(app, app.app.reload())
            assert [] == kinds(app)

    with_business(tmp_path, scenario)


def test_a_poll_that_runs_for_long_is_shown_as_running_and_not_as_overdue(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        target = business.wix_target(collectors={"bookings": {"interval": "10s"}}, timeout="90s")
        async with application(business.config(target), ManualClock(business.simulator.now())) as app:
            await app.finished_polls()
            business.simulator.faults.add(Fault(FaultKind.NEVER))
            while not app.app.view().targets[0].polling:
                await app.pass_time(1.0)
            began = app.clock.time()
            await asyncio.sleep(0.2)  # into the exchange
            await app.clock.advance(25)
            assert [] == kinds(app)
            [collector] = document(app)["targets"][0]["collectors"]
            assert collector["next_poll"] <= collector["polling_since"]
            [since] = app.app.view().targets[0].polling.values()
            assert began == pytest.approx(since, abs=1.0)

    with_business(tmp_path, scenario)


def test_a_portal_that_asks_to_wait_is_told_while_it_waits(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        target = business.bitrix24_target(collectors={"bookings": {"interval": "1m"}})
        async with application(business.config(target), ManualClock(business.simulator.now())) as app:
            await app.finished_polls()
            limit = json.dumps({"error": "QUERY_LIMIT_EXCEEDED"})
            business.simulator.faults.add(
                Fault(FaultKind.BODY, status=503, body=limit, content_type="application/json", times=1)
            )
            told = set()
            for _ in range(400):
                await app.pass_time(0.5)
                told.add((*kinds(app), document(app)["verdict"]))
            assert {("healthy",), (Kind.API_LIMITED, "warning")} == told

    with_business(tmp_path, scenario)
