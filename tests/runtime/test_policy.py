"""What a target accepts, its closed days and its pause, in the running exporter against the simulated platforms."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import pytest

from exporter.model import BookingsObservation, ConnectionsObservation
from tests.harness.application import RunningApplication
from tests.harness.business import Business
from tests.harness.hourly_business import hourly_application, live, portal

T = TypeVar("T")

HOURLY = {"connections": {"interval": "1h"}, "bookings": {"interval": "1h", "conflicts": True}}


def site(business: Business, **changes: object) -> dict[str, Any]:
    return business.wix_target("wix", **{"collectors": HOURLY, "timezone": "UTC", **changes})


def requests(business: Business) -> int:
    return business.simulator.log.count(platform="wix")


def seen(app: RunningApplication, kind: type[T]) -> T:
    """Return what the first target has of one kind."""
    observations = (collector.observation for collector in app.app.view().targets[0].collectors)
    return next(observation for observation in observations if isinstance(observation, kind))


async def test_what_is_accepted_or_closed_changes_without_a_new_session_and_counts_with_the_next_poll(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (site(business), portal(business))) as (app, business):
        session, asked = live(app)["wix"].session, requests(business)
        key = seen(app, ConnectionsObservation).connections[0].key
        today = datetime.fromtimestamp(app.clock.time(), UTC).date()
        accepted = [{"connection": key, "why": "cut on purpose"}]
        business.config(site(business, accepted=accepted, closed=[today.isoformat()]), portal(business))
        await app.app.reload()
        after = await app.samples()
        assert session is live(app)["wix"].session
        assert asked == requests(business)
        assert 1 == after[f'connection_accepted{{connection="{key}"}}']
        wix = app.app.view().targets[0]
        assert (True, "cut on purpose") == (wix.closed, wix.policy.connections[key].why)
        yesterday = (today - timedelta(days=1)).isoformat()
        business.config(site(business, accepted=[accepted[0] | {"until": yesterday}], closed=[yesterday]), portal(business))
        await app.app.reload()
        assert f'connection_accepted{{connection="{key}"}}' not in await app.samples()
        assert not app.app.view().targets[0].closed
        assert ["expired"] == [warning.kind for warning in app.app.view().config_warnings if warning.target == "wix"]


@pytest.mark.slow
async def test_an_accepted_double_booking_is_counted_and_listed_and_is_not_the_next(tmp_path: Path) -> None:
    def targets(business: Business) -> tuple[dict[str, Any], ...]:
        business.site.bookings.double_book(within=20 * 3600)
        return (site(business),)

    async with hourly_application(tmp_path, targets) as (app, business):
        conflicting = 'conflicting_bookings{window="next_7d"}'
        before = await app.samples()
        assert (2, 0) == (before[conflicting], before[f"accepted_{conflicting}"])
        (conflict,) = seen(app, BookingsObservation).conflicts
        assert conflict.start == before["next_conflict_timestamp_seconds"]
        business.config(site(business, accepted=[{"booking": conflict.first, "why": "a couple"}]))
        await app.app.reload()
        await app.clock.advance(3600)
        await app.finished_polls(2)
        after = await app.samples()
        assert (2, 2) == (after[conflicting], after[f"accepted_{conflicting}"])
        assert "next_conflict_timestamp_seconds" not in after
        (listed,) = seen(app, BookingsObservation).conflicts
        known = app.app.view().targets[0].policy.accepted_conflict(listed)
        assert known is not None
        assert "a couple" == known.why


async def test_a_paused_target_is_not_asked_shows_nothing_and_holds_up_nobody_until_it_goes_on(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (site(business, paused=True), portal(business))) as (
        app,
        business,
    ):
        assert app.app.ready
        wix = next(target for target in app.app.view().targets if target.name == "wix")
        assert ((), ()) == (wix.collectors, wix.usage.budgets)
        page = await app.page()
        shown = {line.partition("{")[0] for line in page.splitlines() if 'target="wix"' in line}
        assert shown <= {
            "booking_sync_target_info",
            "booking_sync_target_paused",
            "booking_sync_target_closed",
            "booking_sync_api_throttle_wait_seconds_total",
        }
        assert 'booking_sync_target_paused{target="wix",platform="wix"} 1.0' in page
        assert 'booking_sync_target_paused{target="b24",platform="bitrix24"} 0.0' in page
        await app.clock.advance(7200)
        assert 0 == requests(business)
        business.config(site(business), portal(business))
        await app.app.reload()
        assert ["wix", "wix"] == [target for target, _ in app.app.view().missing]
        await app.finished_polls()
        assert "connection_status_since" in await app.page()
        business.config(site(business, paused=True), portal(business))
        await app.app.reload()
        assert "connection_status_since" not in await app.page()
        assert app.app.ready
