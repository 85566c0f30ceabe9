"""A renamed portal, from the first check to the board: whoever looks anywhere learns which host to write."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx

from tests.harness.business import WEBHOOK_CODE, Business, running_business
from tests.harness.certificates import self_signed
from tests.harness.connect_proxy import ConnectProxy, listening, tls_in_front
from tests.harness.process import exporter
from tests.harness.typed import typed

OLD, NEW = "old.bitrix24.de", "new.bitrix24.de"
FIX = f"changes the host in webhook_url to {NEW} and reloads"


@contextlib.asynccontextmanager
async def renamed(folder: Path) -> AsyncIterator[tuple[Business, Path]]:
    """Run a portal at the new name, to which the old one leads; yield it and a configuration that has the old one."""
    certificate, key = self_signed(folder, "*.bitrix24.de")
    async with running_business(folder) as running, tls_in_front(running.url, certificate, key) as tls:
        running.portal.address = f"https://{NEW}"
        async with listening(ConnectProxy(leads_to=httpx.URL(tls).port or 0)) as proxy:
            target: dict[str, Any] = running.bitrix24_target(
                webhook_url=f"https://{OLD}/rest/1/{WEBHOOK_CODE}/", proxy=proxy, tls={"ca_file": str(certificate)}
            )
            del target["base_url"]
            target["collectors"] = {"bookings": {"interval": "1h"}}
            yield running, running.config(target)


async def test_check_config_names_the_new_host_of_a_renamed_portal(tmp_path: Path) -> None:
    async with renamed(tmp_path) as (_, config):
        code, out, err = await typed("check-config", f"--config.file={config}", "--online")
    assert 0 == code, err
    assert "salon-b24: the credential works" in out
    assert "warning: salon-b24: The account moved to a new address." in err
    assert FIX in err


async def test_probe_warns_of_a_renamed_portal_and_names_the_new_host(tmp_path: Path) -> None:
    async with renamed(tmp_path) as (_, config):
        code, out, _ = await typed("probe", f"--config.file={config}")
    assert 1 == code, out
    assert f"the account moved to {NEW}" in out.splitlines()[0]
    assert FIX in out


async def test_the_exporter_says_on_every_page_that_a_portal_was_renamed(tmp_path: Path) -> None:
    async with renamed(tmp_path) as (_, config), exporter(config) as running:
        await running.ready()
        await running.logged("portal_moved", portal=OLD, host=NEW)
        (problem,) = json.loads((await running.get("/api/v1/status")).text)["problems"]
        assert ("warning", "portal_moved", "salon-b24") == (problem["severity"], problem["kind"], problem["target"])
        page = (await running.get("/")).text
        code, out, _ = await typed("probe", f"--running={running.url}")
    assert f"The account moved to {NEW}" in page
    assert f"<code>webhook_url</code> to <code>{NEW}</code>" in page
    assert (1, True) == (code, FIX in out)
