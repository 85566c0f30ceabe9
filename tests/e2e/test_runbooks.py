"""The real process serves the runbooks of the package that it is."""

from __future__ import annotations

from exporter.monitoring import Options, runbook_texts
from tests.harness.business import Business
from tests.harness.process import exporter


async def test_the_daemon_serves_every_runbook_of_its_package(business: Business) -> None:
    async with exporter(business.config(business.wix_target("one"))) as running:
        await running.ready()
        index = await running.get("/runbooks/")
        assert 200 == index.status_code
        for name in runbook_texts(Options()):
            assert "README.md" == name or f'href="{name}"' in index.text
            page = await running.get(f"/runbooks/{name}")
            assert (200, "text/html; charset=utf-8") == (page.status_code, page.headers["content-type"])
        assert 404 == (await running.get("/runbooks/BookingSyncNowhere")).status_code
