"""The board of one customer in a real Chromium, signed in: all that it asks for is a page of that site."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import quote

import bcrypt
import pytest
from playwright.async_api import expect

from tests.harness.browser import needs_chromium, tab
from tests.harness.two_sites import MINE, THEIRS, USERS, together
from tests.harness.web import ShownBackend
from tests.harness.web_server import running, web_file

pytestmark = [pytest.mark.browser, needs_chromium]

SIGNED_IN = {"Authorization": "Basic " + base64.b64encode(b"bert:right").decode()}


@pytest.mark.parametrize("javascript", [True, False], ids=["with JavaScript", "without"])
async def test_filter_pages_and_links_of_a_customer_stay_within_the_site(javascript: bool, tmp_path: Path) -> None:
    backend = ShownBackend(together())
    backend.site_users = USERS
    file = web_file(tmp_path, f"basic_auth_users: {{bert: {bcrypt.hashpw(b'right', bcrypt.gensalt(4)).decode()}}}\n")
    async with running(file, backend=backend) as server, tab(javascript=javascript) as opened:
        page, home = opened.page, f"{server.url}/site/{THEIRS}"
        await page.set_extra_http_headers(SIGNED_IN)
        await page.goto(home)
        await expect(page.locator("h1")).to_have_text(f"Booking sync {THEIRS}")
        await page.locator("a[rel=next]").click()
        await expect(page).to_have_url(f"{home}?page=2#targets")
        await page.wait_for_load_state()  # what is typed before the script is there waits for the button
        await page.locator("#q").fill("zz-other-7")
        if not javascript:
            await page.locator("#filter button").click()
        await expect(page).to_have_url(re.compile(f"^{re.escape(home)}\\?q=zz-other-7(&sort=state)?(#targets)?$"))
        await expect(page.locator("details.target")).to_have_count(1)
        await page.get_by_role("link", name="Show all").click()
        await expect(page).to_have_url(re.compile(f"^{re.escape(home)}\\??$"))
        if javascript:
            await page.locator("#q").fill("x")
            await expect(page).to_have_url(f"{home}?q=x")
            await page.locator("#q").fill("")
            await expect(page).to_have_url(home)
        await page.get_by_role("link", name="Metrics").click()
        await expect(page).to_have_url(f"{home}/metrics")
        await page.go_back()
        await page.get_by_role("link", name="JSON").click()
        await expect(page).to_have_url(f"{home}/api/v1/status")
        assert [] == opened.complaints
        assert [] == [url for url in opened.asked if not url.startswith((home, "data:"))]


async def test_the_board_of_a_site_whose_name_is_odd_is_found_by_its_own_links_and_reads_well(tmp_path: Path) -> None:
    async with running(backend=ShownBackend(together())) as server, tab() as opened:
        home = f"{server.url}/site/{quote(MINE, safe='')}"
        await opened.page.goto(home)
        await opened.page.locator("#q").fill("Chair")
        await expect(opened.page).to_have_url(f"{home}?q=Chair")
        assert [] == await opened.axe()
        await opened.page.screenshot(path=tmp_path / "site.png", full_page=True)
        await opened.page.get_by_role("link", name="JSON").click()
        await expect(opened.page).to_have_url(f"{home}/api/v1/status")
        assert [] == opened.complaints
