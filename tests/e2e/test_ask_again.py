"""Asking again now, of the real daemon in front of the simulator: what was mended shows at once, and no limit is passed by."""

from __future__ import annotations

from exporter.simulator import Fault, FaultKind
from tests.harness.business import Business
from tests.harness.process import Exporter, exporter, until

LIFECYCLE = "--web.enable-lifecycle"
HOURLY = {"connections": {"interval": "1h"}}


async def post(running: Exporter, query: str) -> tuple[int, str]:
    answer = await running.http.post(f"{running.url}/-/poll{query}")
    return answer.status_code, answer.text


async def up(running: Exporter) -> float | None:
    return (await running.samples()).get('collector_up{collector="connections",platform="wix",target="salon-wix"}')


async def test_a_right_that_was_added_shows_at_once(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, platform="wix"))
    async with exporter(business.config(business.wix_target(collectors=HOURLY)), LIFECYCLE) as running:
        await running.ready()
        assert 0.0 == await up(running)
        business.simulator.faults.clear()
        assert (202, "salon-wix connections: asked now\n") == await post(running, "?target=salon-wix")

        async def mended() -> bool:
            return await up(running) == 1.0

        await until(mended, "the poll that was asked for", seconds=10)
        status, said = await post(running, "?target=salon-wix")
        assert 200 == status
        assert "asked a moment ago" in said
        assert 404 == (await post(running, "?target=salon-wicks"))[0]
        assert 400 == (await post(running, ""))[0]
        await running.logged("change_requested", change="poll")
        await running.logged("poll_brought_forward", target="salon-wix")
        page = await running.samples()
        name = 'poll_lateness_seconds_sum{platform="wix"}'
        assert page[name] < 5, "a poll that is brought forward is not an hour late, nor early"


async def test_a_pause_that_the_platform_asked_for_is_kept(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=429, platform="wix", retry_after="600"))
    async with exporter(business.config(business.wix_target(collectors=HOURLY)), LIFECYCLE) as running:
        await running.ready()
        asked = len(business.simulator.log)
        status, said = await post(running, "?target=salon-wix")
        assert 202 == status
        assert "UTC: the platform asked us to wait until then" in said
        assert "asked a moment ago" in (await post(running, "?target=salon-wix"))[1]
        assert asked == len(business.simulator.log)


async def test_without_lifecycle_nothing_is_asked(business: Business) -> None:
    async with exporter(business.config(business.wix_target(collectors=HOURLY))) as running:
        await running.ready()
        status, said = await post(running, "?target=salon-wix")
        assert 403 == status
        assert LIFECYCLE in said
        assert 'action="-/poll' not in (await running.get("/")).text
