"""What only a running exporter can find: a refused reload, a poll that runs, a platform that asked to wait."""

from __future__ import annotations

import json
from typing import Any

import pytest

from exporter.errors import ConfigError
from exporter.simulator import Fault, FaultKind
from exporter.simulator.wix.providers import GOOGLE
from exporter.state.findings import Kind, findings
from exporter.support.known_secrets import KnownSecrets
from exporter.web import encode_status
from tests.harness.application import RunningApplication, application, driven
from tests.harness.business import API_KEY, Business
from tests.harness.clock import ManualClock
from tests.harness.faults import met

OTHER_SITE_ID = "0b9f6f4e-8f0d-4d54-9d0c-0a6c1c7f2e11"


def kinds(app: RunningApplication) -> list[Kind]:
    # The business of the tests accepts that double bookings are not checked.
    return [finding.kind for finding in findings(app.app.view()) if finding.kind is not Kind.WARNING_ACCEPTED]


def document(app: RunningApplication) -> Any:  # noqa: ANN401  JSON
    return json.loads(encode_status(app.app.view()))


async def test_a_refused_reload_is_told_without_its_secret_until_a_good_one(business: Business) -> None:
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


async def test_a_poll_that_runs_for_long_is_shown_as_running_and_not_as_overdue(business: Business) -> None:
    target = business.wix_target(collectors={"bookings": {"interval": "10s"}}, timeout="90s")
    async with application(business.config(target), ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        business.simulator.faults.add(Fault(FaultKind.NEVER, times=1))
        while not app.app.view().targets[0].polling:
            await app.pass_time(1.0)
        began = app.clock.time()
        await met(business.simulator)
        await app.clock.advance(25)
        assert [] == kinds(app)
        [collector] = document(app)["targets"][0]["collectors"]
        assert collector["next_poll"] <= collector["polling_since"]
        [since] = app.app.view().targets[0].polling.values()
        assert began == pytest.approx(since, abs=1.0)


@pytest.mark.slow
async def test_a_portal_that_asks_to_wait_is_told_while_it_waits(business: Business) -> None:
    target = business.bitrix24_target(collectors={"bookings": {"interval": "1m"}})
    async with application(business.config(target), ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        limit = json.dumps({"error": "QUERY_LIMIT_EXCEEDED"})
        business.simulator.faults.add(Fault(FaultKind.BODY, status=503, body=limit, content_type="application/json", times=1))
        told = set()
        for _ in range(400):
            await app.pass_time(0.5)
            told.add((*kinds(app), document(app)["verdict"]))
        assert {("healthy",), (Kind.API_LIMITED, "warning")} == told


@pytest.mark.slow
async def test_a_site_that_fails_as_a_whole_after_one_of_its_providers_did_says_what_holds_now(business: Business) -> None:
    target = business.wix_target(collectors={"connections": {"interval": "10s", "max_age": "1h"}})
    async with application(business.config(target), ManualClock(business.simulator.now())) as app:

        async def alert_delay_seconds(fault: Fault | None) -> list[tuple[str, str | None]]:
            if fault is not None:
                business.simulator.faults.add(fault)
            for _ in range(80):  # a poll that failed is not repeated at once
                await app.pass_time(1.0)
            return [(problem["severity"], problem["kind"]) for problem in document(app)["problems"]]

        await app.finished_polls()
        business.site.provider_down(GOOGLE)
        assert [("warning", "provider_failing")] == await alert_delay_seconds(None)
        assert [("critical", "collector_failing")] == await alert_delay_seconds(Fault(FaultKind.STATUS, status=503))
        business.simulator.faults.clear()
        assert [("warning", "provider_failing")] == await alert_delay_seconds(None)
        business.site.provider_up()
        assert [] == await alert_delay_seconds(None)


async def test_a_site_all_of_whose_connections_go_at_once_is_critical_and_a_new_one_ends_that(business: Business) -> None:
    target = business.wix_target(collectors={"connections": {"interval": "10s", "max_age": "1h"}})
    async with application(business.config(target), ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        assert "healthy" == document(app)["verdict"]
        for row in list(business.site.connections):
            business.site.connections.drop(row.id)
        for _ in range(15):
            await app.pass_time(1.0)
        status = document(app)
        assert "critical" == status["verdict"]
        [problem] = status["problems"]
        assert ("critical", "connections_down", "the target has no calendar connection any more") == (
            problem["severity"],
            problem["kind"],
            problem["title"],
        )
        assert ["no_connections"] == [warning["kind"] for warning in status["config_warnings"]]
        business.site.connections.connect(GOOGLE, business.site.add_schedule().id)
        for _ in range(15):
            await app.pass_time(1.0)
        assert [] == document(app)["problems"]


async def test_a_site_whose_only_working_connection_goes_is_critical_although_a_dead_one_is_left(business: Business) -> None:
    first, *others = list(business.site.connections)
    for row in others:
        business.site.connections.drop(row.id)
    business.site.connections.connect(GOOGLE, business.site.add_schedule().id, status="DISCONNECTED")
    target = business.wix_target(collectors={"connections": {"interval": "10s", "max_age": "1h"}})
    async with application(business.config(target), ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        assert "healthy" == document(app)["verdict"]
        business.site.connections.drop(first.id)
        for _ in range(15):
            await app.pass_time(1.0)
        assert [("critical", "connections_down")] == [
            (problem["severity"], problem["kind"]) for problem in document(app)["problems"]
        ]


@pytest.mark.parametrize("restarted", [False, True])
async def test_connections_of_the_site_that_was_watched_under_the_same_name_before_have_not_gone(
    business: Business, restarted: bool
) -> None:
    clock = ManualClock(business.simulator.now())
    target = business.wix_target(collectors={"connections": {"interval": "10s", "max_age": "1h"}})
    state_file = str(business.folder / "state.json")
    other = business.simulator.wix.add_site(OTHER_SITE_ID, account_id=business.site.account_id)
    other.connections.connect(GOOGLE, other.add_schedule().id, status="DISCONNECTED")
    path = business.config(target, state_file=state_file)
    async with application(path, clock) as app:
        await app.finished_polls()
        assert "healthy" == document(app)["verdict"]
        business.config({**target, "site_id": OTHER_SITE_ID}, state_file=state_file)
        if not restarted:
            await driven(app, app.app.reload())
            await app.finished_polls()
            assert [] == document(app)["problems"]
    async with application(path, clock) as app:
        await app.finished_polls()
        assert [] == document(app)["problems"]
