"""The button "Ask again now" in a real Chromium: with and without JavaScript, and for nobody but the board itself."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator

import pytest
from playwright.async_api import expect

from exporter.state.poll_requests import PollAnswer
from exporter.web import Server, create_app, serve
from tests.harness import views
from tests.harness.browser import Tab, needs_chromium, tab
from tests.harness.views import WIX
from tests.harness.web import ShownBackend

pytestmark = [pytest.mark.browser, needs_chromium]

BUTTON = f"Ask again now: {WIX}"
ELSEWHERE = "board-host"
"""A name without a dot, which the guard against DNS rebinding lets pass; over plain HTTP a browser trusts it with little."""


@contextlib.asynccontextmanager
async def looked_at(*, javascript: bool = True, name: str = "") -> AsyncIterator[tuple[Tab, Server, ShownBackend]]:
    """Serve a board with lifecycle while the block runs; ``name`` leads to this machine, too."""
    backend = ShownBackend(views.healthy(), lifecycle=True)
    server = await serve(create_app(backend), "127.0.0.1:0")
    try:
        async with tab(javascript=javascript, rebound=name) as opened:
            yield opened, server, backend
    finally:
        await server.stop()


async def test_a_click_says_what_happens_in_place_and_looks_again_soon() -> None:
    async with looked_at() as (opened, server, backend):
        page = opened.page
        await page.clock.install()
        await page.goto(server.url)
        backend.answer, backend.seconds = PollAnswer.WAITS, 60.0
        await page.get_by_role("button", name=BUTTON).click()
        said = page.locator(f'form[data-ask="{WIX}"] output')
        await expect(said).to_contain_text("the platform asked us to wait")
        assert [(WIX, None)] == backend.polled
        assert f"{server.url}/" == page.url
        backend.shown = views.failing()
        await page.clock.fast_forward(2_500)
        await expect(page.get_by_text("critical", exact=False).first).to_be_visible()
        await expect(said).to_contain_text("the platform asked us to wait")
        assert BUTTON == await page.evaluate("document.activeElement.getAttribute('aria-label')"), "the focus stays"
        assert [] == opened.complaints


async def test_without_an_answer_the_click_says_so() -> None:
    async with looked_at() as (opened, server, _):
        await opened.page.goto(server.url)
        await opened.page.route("**/-/poll*", lambda route: route.abort())
        await opened.page.get_by_role("button", name=BUTTON).click()
        await expect(opened.page.locator(f'form[data-ask="{WIX}"] output')).to_have_text("No answer from the exporter.")


@pytest.mark.parametrize("name", ["", ELSEWHERE])
async def test_without_javascript_it_asks_and_comes_back_to_the_same_view_at_that_target(name: str) -> None:
    async with looked_at(javascript=False, name=name) as (opened, server, backend):
        url = f"http://{name or '127.0.0.1'}:{server.port}"
        await opened.page.goto(f"{url}/?q={WIX}")
        await opened.page.get_by_role("button", name=BUTTON).click()
        await opened.page.wait_for_url(f"{url}/?q={WIX}#{WIX}/")
        assert [(WIX, None)] == backend.polled
        assert [] == opened.complaints


@pytest.mark.parametrize("target", ["127.0.0.1", ELSEWHERE])
async def test_a_form_of_another_site_asks_nothing(target: str) -> None:
    async with looked_at(name=ELSEWHERE) as (opened, server, backend):
        form = f'<form method="post" action="http://{target}:{server.port}/-/poll?target={WIX}"><button>Go</button></form>'
        await opened.page.route("http://evil.example/", lambda route: route.fulfill(body=form, content_type="text/html"))
        await opened.page.goto("http://evil.example/")
        async with opened.page.expect_response("**/-/poll*") as answer:
            await opened.page.get_by_role("button", name="Go").click()
        assert 403 == (await answer.value).status
        assert [] == backend.polled


async def test_a_site_whose_name_was_rebound_to_this_machine_asks_nothing() -> None:
    async with looked_at(name="evil.example") as (opened, server, backend):
        url = f"http://evil.example:{server.port}"
        await opened.page.route("**/attack", lambda route: route.fulfill(body="<p>attack", content_type="text/html"))
        await opened.page.goto(f"{url}/attack")
        asking = f"fetch('/-/poll?target={WIX}', {{method: 'POST'}}).then(answer => answer.status)"
        assert 421 == await opened.page.evaluate(asking)
        assert [] == backend.polled
