"""Sites and their users while the exporter runs: what a reload changes, at once and together."""

from __future__ import annotations

from pathlib import Path

import pytest
from prometheus_client.parser import text_string_to_metric_families

from exporter.errors import ConfigError
from exporter.metrics import Format
from exporter.web import encode_status, status_page
from tests.harness.application import RunningApplication, application, driven
from tests.harness.business import Business
from tests.harness.clock import ManualClock

HOURLY = {"collectors": {"connections": {"interval": "1h", "staff": False}}}


async def targets_of(app: RunningApplication, site: str) -> set[str]:
    page = bytes(await app.app.metrics(Format.TEXT, None, site)).decode()
    samples = [sample for family in text_string_to_metric_families(page) for sample in family.samples]
    assert {"booking_sync_time_seconds", "booking_sync_ready", "booking_sync_standby"} == {
        sample.name for sample in samples if "target" not in sample.labels
    }
    on_page = {sample.labels["target"] for sample in samples if "target" in sample.labels}
    assert on_page == {target.name for target in app.app.view(site).targets}
    return on_page


async def test_a_reload_moves_a_target_to_another_site_with_all_that_is_known_of_it_and_changes_who_sees_what(
    business: Business,
) -> None:
    def written(site: str, **site_users: list[str]) -> Path:
        one = business.wix_target("one", labels={"site": "a"}, **HOURLY)
        two = business.wix_target("two", labels={"site": site}, **HOURLY)
        return business.config(one, two, business.wix_target("three", **HOURLY), site_users=site_users)

    config = written("a", a=["anna"])
    async with application(config, ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        assert ({"one", "two"}, set()) == (await targets_of(app, "a"), await targets_of(app, "b"))
        assert {"a": frozenset({"anna"})} == app.app.site_users
        asked = len(business.simulator.log)

        written("b", a=["bert"], b=["anna"])
        await driven(app, app.app.reload())
        assert ({"one"}, {"two"}) == (await targets_of(app, "a"), await targets_of(app, "b"))
        assert {"a": frozenset({"bert"}), "b": frozenset({"anna"})} == app.app.site_users
        assert app.app.view("b").ready
        assert asked == len(business.simulator.log)

        written("c", a=["bert"], b=["anna"])  # no target has site b any more
        with pytest.raises(ConfigError, match="no target has the label site: 'b'"):
            await driven(app, app.app.reload())
        assert {"two"} == await targets_of(app, "b")
        assert {"a": frozenset({"bert"}), "b": frozenset({"anna"})} == app.app.site_users


async def test_a_site_is_told_what_its_own_targets_leave_unwatched_and_no_name_of_another(business: Business) -> None:
    config = business.config(
        business.wix_target("zz-other", labels={"site": "b"}, schedule_ids=["zz-schedule"], **HOURLY),
        business.wix_target("mine", labels={"site": "a"}, aliases={"my-schedule": "Chair 9"}, **HOURLY),
        business.wix_target("zz-lonely", aliases={"zz-schedule": "Chair 8"}, **HOURLY),
    )
    async with application(config, ManualClock(business.simulator.now())) as app:
        await app.finished_polls()
        view = app.app.view("a")
        assert ["same_account", "unknown_alias"] == [warning.kind for warning in view.config_warnings]
        status = encode_status(view).decode()
        for page in (status, status_page.render(view, site="a").decode()):
            assert "its account is watched under two names" in page
            assert "my-schedule" in page
            assert "zz-" not in page
        assert "is also watched as zz-other" in encode_status(app.app.view()).decode()


async def test_the_view_of_a_site_waits_for_its_own_first_polls_only(business: Business) -> None:
    config = business.config(
        business.wix_target("polled", labels={"site": "a"}, **HOURLY),
        business.wix_target("never", labels={"site": "b"}, base_url="http://127.0.0.1:9", **HOURLY),
    )
    async with application(config, ManualClock(business.simulator.now())) as app:
        before = app.app.view("b")
        await app.finished_polls()
        assert {("never", "connections")} == {(target, str(name)) for target, name in before.missing}
        assert app.app.view("a").ready
