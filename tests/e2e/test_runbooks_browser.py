"""A runbook in a real Chromium: readable by everybody, on a phone too, and reached from the card that it belongs to."""

from __future__ import annotations

import pytest

from exporter.errors import Reason
from exporter.web import create_app, serve
from tests.harness import views
from tests.harness.board import failed_site
from tests.harness.browser import SIZES, Tab, needs_chromium, tab
from tests.harness.web import ShownBackend, library

pytestmark = [pytest.mark.browser, needs_chromium]


async def judge(opened: Tab) -> None:
    """Look at a page on each screen, and at its colours in the light and in the dark."""
    for measures in SIZES.values():
        await opened.page.set_viewport_size(measures)
        assert await opened.page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    for scheme in ("light", "dark"):
        await opened.page.emulate_media(color_scheme=scheme)
        assert [] == await opened.axe(), scheme


async def test_a_card_leads_to_a_runbook_that_everybody_can_read() -> None:
    backend = ShownBackend(views.view_of(failed_site("salon", Reason.RATE_LIMITED)))
    server = await serve(create_app(backend, runbooks=library), "127.0.0.1:0")
    try:
        async with tab(size="phone") as opened:
            await opened.page.goto(server.url)
            await opened.page.click(".card .more a")
            assert f"{server.url}/runbooks/BookingSyncApiLimited" == opened.page.url
            steps = await opened.page.locator("#first-three-steps + ol > li").all_inner_texts()
            assert 3 == len(steps)
            await judge(opened)
            await opened.page.click("text=All runbooks")
            assert f"{server.url}/runbooks/" == opened.page.url
            await judge(opened)
            await opened.page.click("text=Status board")
            assert f"{server.url}/" == opened.page.url
            assert [] == opened.complaints
            assert [] == [url for url in opened.asked if not url.startswith((f"{server.url}/", "data:"))]
    finally:
        await server.stop()
