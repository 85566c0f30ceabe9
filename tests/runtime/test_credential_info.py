"""Where each target's credential comes from, on the page of the running exporter: never a part of the credential."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from tests.harness.application import RunningApplication
from tests.harness.business import API_KEY, APP_SECRET, SITE_ID, Business
from tests.harness.hourly_business import calm, hourly_application, live, portal


async def places(app: RunningApplication) -> dict[tuple[str, str], str]:
    """Return the label ``credential`` of each target, by its name and platform. Two series of one target are an error."""
    found: dict[tuple[str, str], str] = {}
    for family in text_string_to_metric_families(await app.page()):
        for sample in family.samples:
            if sample.name == "booking_sync_credential_info":
                key = sample.labels["target"], sample.labels["platform"]
                assert 1 == sample.value
                assert key not in found
                found[key] = sample.labels["credential"]
    return found


def app_site(business: Business, name: str, secret: object) -> dict[str, Any]:
    target = calm(business, name, app_id=SITE_ID, instance_id=SITE_ID, app_secret=secret)
    return {key: value for key, value in target.items() if key not in ("site_id", "api_key")}


async def test_each_kind_of_source_has_its_label_on_both_platforms_and_no_secret_stands_on_the_page(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def targets(business: Business) -> tuple[dict[str, Any], ...]:
        (tmp_path / "wix.key").write_text(API_KEY)
        (tmp_path / "hook").write_text(business.webhook_url)
        for name, text in {"WIX_KEY": API_KEY, "APP_SECRET": APP_SECRET, "B24_HOOK": business.webhook_url}.items():
            monkeypatch.setenv(name, text)
        return (
            calm(business, "key in a file", api_key={"file": "wix.key"}),
            calm(business, "the same key", api_key={"file": "wix.key"}),
            calm(business, "key in a variable", api_key={"env": "WIX_KEY"}),
            calm(business, "key written out"),
            app_site(business, "app in a variable", {"env": "APP_SECRET"}),
            app_site(business, "app written out", APP_SECRET),
            portal(business, "webhook in a file", webhook_url={"file": str(tmp_path / "hook")}),
            portal(business, "webhook in a variable", webhook_url={"env": "B24_HOOK"}),
            portal(business, "webhook written out"),
            business.expired_oauth_target("oauth"),
        )

    async with hourly_application(tmp_path, targets) as (app, business):
        assert {
            ("key in a file", "wix"): "wix.key",
            ("the same key", "wix"): "wix.key",
            ("key in a variable", "wix"): "WIX_KEY",
            ("key written out", "wix"): "inline:key written out",
            ("app in a variable", "wix"): "APP_SECRET",
            ("app written out", "wix"): "inline:app written out",
            ("webhook in a file", "bitrix24"): str(tmp_path / "hook"),
            ("webhook in a variable", "bitrix24"): "B24_HOOK",
            ("webhook written out", "bitrix24"): "inline:webhook written out",
            ("oauth", "bitrix24"): "oauth.json",
        } == await places(app)
        page = await app.page()
        assert [] == [secret for secret in (*business.secrets, APP_SECRET) if secret in page]


async def test_a_source_that_changes_changes_the_label_though_the_credential_is_the_same(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        session = live(app)["wix"].session
        assert "inline:wix" == (await places(app))["wix", "wix"]
        (tmp_path / "key-of-all").write_text(API_KEY)
        business.config(calm(business, api_key={"file": "key-of-all"}), portal(business))
        await app.app.reload()
        assert {("wix", "wix"): "key-of-all", ("b24", "bitrix24"): "inline:b24"} == await places(app)
        assert session is live(app)["wix"].session


async def test_a_target_that_is_removed_or_renamed_leaves_no_credential_behind(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        business.config(portal(business, "other"))
        await app.app.reload()
        assert {("other", "bitrix24"): "inline:other"} == await places(app)


async def test_a_target_that_is_paused_uses_no_credential(tmp_path: Path) -> None:
    async with hourly_application(tmp_path, lambda business: (calm(business), portal(business))) as (app, business):
        business.config(calm(business, paused=True), portal(business))
        await app.app.reload()
        assert {("b24", "bitrix24"): "inline:b24"} == await places(app)
        business.config(calm(business), portal(business))
        await app.app.reload()
        assert {("wix", "wix"): "inline:wix", ("b24", "bitrix24"): "inline:b24"} == await places(app)
