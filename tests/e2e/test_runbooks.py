"""The real process serves the runbooks of the package that it is."""

from __future__ import annotations

from pathlib import Path

from exporter.monitoring import Options, runbook_texts
from tests.harness.business import Business, with_business
from tests.harness.process import exporter


def test_the_daemon_serves_every_runbook_of_its_package(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        async with exporter(business.config(business.wix_target("one"))) as running:
            await running.ready()
            index = await running.get("/runbooks/")
            assert 200 == index.status_code
            for name in runbook_texts(Options()):
                assert name == "README.md" or f'href="{name}"' in index.text
                page = await running.get(f"/runbooks/{name}")
                assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
            assert 404 == (await running.get("/runbooks/BookingSyncNowhere")).status_code

    with_business(tmp_path, scenario)
