"""The status board in a real Chromium: readable by everybody, alive with JavaScript, whole without it."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from typing import Literal
from urllib.parse import quote_plus

import pytest
from msgspec.structs import replace
from playwright.async_api import Page, expect

from exporter.errors import Reason
from exporter.model import CollectorName, ConnectionStatus
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.web import Server, create_app, serve
from tests.harness import views
from tests.harness.browser import SIZES, Tab, needs_chromium, tab
from tests.harness.views import Target
from tests.harness.web import ShownBackend

pytestmark = [pytest.mark.browser, needs_chromium]

HOSTILE = "\"'><script>window.injected=1</script><img src=x onerror=window.injected=1>"


def site(name: str, status: ConnectionStatus = ConnectionStatus.SYNCED) -> Target:
    state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
    rows = views.connections(views.connection("Chair 1", status), views.connection("Chair 2"))
    return views.target_of(name, "wix", [views.succeeded(state, rows)])


def every_status() -> View:
    rows = views.connections(*(views.connection(status.value, status) for status in ConnectionStatus))
    state = views.unpolled("site", "wix", CollectorName.CONNECTIONS)
    return views.view_of(views.target_of("site", "wix", [views.succeeded(state, rows)], labels={"city": "Berlin"}))


def fleet() -> View:
    failing = views.unpolled("site-000", "wix", CollectorName.CONNECTIONS)
    broken = views.target_of("site-000", "wix", [views.failed(failing, Reason.AUTH, "refused")])
    return views.view_of(broken, *(site(f"site-{number:03}") for number in range(1, 80)))


SCENES: dict[str, Callable[[], View]] = {
    "failing": views.failing,
    "every_status": every_status,
    "partial_failure": views.partial_failure,
    "4": lambda: many(4),
    "500": lambda: many(500),  # of which as many are shown at once as of 40
}
FURTHER: dict[str, Callable[[], View]] = {name: views.SCENES[name] for name in ("before_first_poll", "expired")} | {
    "empty": views.view_of
}


@contextlib.asynccontextmanager
async def shown(
    view: View, *, size: str = "desktop", scheme: Literal["light", "dark"] = "light", javascript: bool = True
) -> AsyncIterator[tuple[Tab, Server, ShownBackend]]:
    """Serve ``view`` and open its board in Chromium; after the block nothing may have been asked elsewhere or refused."""
    backend = ShownBackend(view)
    server = await serve(create_app(backend), "127.0.0.1:0")
    try:
        async with tab(size=size, scheme=scheme, javascript=javascript) as opened:
            if javascript:
                await opened.page.clock.install()
            await opened.page.goto(server.url)
            yield opened, server, backend
            assert [] == opened.complaints
            assert [] == [url for url in opened.asked if not url.startswith((f"{server.url}/", "data:"))]
    finally:
        await server.stop()


def many(targets: int) -> View:
    """Return a fleet with a key that a sixth of it shares and that is refused, broken calendars, and a double booking."""
    sites = []
    for number in range(targets):
        name = f"salon-{number:04}"
        state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
        if number % 6 == 0:
            entry, states = views.target_of(name, "wix", [views.failed(state, Reason.AUTH, "refused")])
            sites.append((replace(entry, policy=TargetPolicy(credential="/run/secrets/wix")), states))
        else:
            sites.append(site(name, ConnectionStatus.ERROR if number % 5 == 0 else ConnectionStatus.SYNCED))
    portal = views.bitrix24_target(
        views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.BOOKINGS), views.bitrix24_bookings()),
        views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.LINKS), views.bitrix24_links()),
    )
    return views.view_of(*sites[1:], portal)


def everything() -> View:
    """Return a view with every state, every verdict and every colour of the board."""
    views_of_all = (views.failing(), every_status(), many(4))
    return replace(views_of_all[0], targets=tuple(target for view in views_of_all for target in view.targets))


async def sticks_out(page: Page) -> dict[str, int]:
    """Return by how many pixels the page is wider than the screens that it is wider than."""
    found = {}
    for size, measures in SIZES.items():
        await page.set_viewport_size(measures)
        found[size] = await page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    return {size: wider for size, wider in found.items() if wider > 0}


async def test_axe_finds_nothing_serious_and_nothing_sticks_out() -> None:
    async with shown(views.healthy()) as (opened, server, backend):
        page = opened.page

        async def judge(name: str) -> None:
            assert {} == await sticks_out(page), name
            await page.set_viewport_size(SIZES["phone"])
            assert [] == await opened.axe(), name

        for name, scene in (SCENES | FURTHER).items():
            backend.shown = scene()
            await page.reload()
            await judge(name)
        backend.shown = many(500)
        await page.goto(f"{server.url}/?q=salon-0007&sort=name")
        await judge("filtered")
        await page.goto(f"{server.url}/?q=auth")
        await page.locator("details.rest summary").first.click()
        await judge("filtered-by-cause")


async def test_axe_finds_nothing_serious_in_any_size_and_scheme() -> None:
    # The structure of a page is the same in all: what differs is the layout and the colours.
    async with shown(everything()) as (opened, _, __):
        await opened.page.evaluate("document.querySelectorAll('details').forEach(one => { one.open = true })")
        for size, measures in SIZES.items():
            await opened.page.set_viewport_size(measures)
            for scheme in ("light", "dark"):
                await opened.page.emulate_media(color_scheme=scheme)
                assert [] == await opened.axe(), (size, scheme)


async def test_the_verdict_and_the_first_fix_are_on_the_first_screen_of_a_phone() -> None:
    async with shown(views.failing(), size="phone") as (opened, _, __):
        for text in ("3 critical, 3 warnings", "Polls fail, older data shown", "salon-wix", "Fix:"):
            place = await opened.page.get_by_text(text).first.bounding_box()
            assert place is not None, text
            assert place["y"] + place["height"] < SIZES["phone"]["height"], text


@pytest.mark.parametrize(("scheme", "colour"), [("light", "rgb(244, 245, 247)"), ("dark", "rgb(14, 18, 23)")])
async def test_light_and_dark_follow_the_reader(scheme: Literal["light", "dark"], colour: str) -> None:
    async with shown(views.healthy(), scheme=scheme) as (opened, _, __):
        assert colour == await opened.page.evaluate("getComputedStyle(document.body).backgroundColor")


async def test_it_is_whole_without_javascript() -> None:
    async with shown(fleet(), javascript=False) as (opened, _, __):
        page = opened.page
        await expect(page.get_by_text("1 critical", exact=True).first).to_be_visible()
        await expect(page.get_by_role("button", name="Pause")).to_be_hidden()
        await page.get_by_role("searchbox").fill("site-07")
        await page.get_by_role("button", name="Apply").click()
        await expect(page.locator("details.target")).to_have_count(10)
        assert page.url.endswith("/?q=site-07&sort=state")
        await page.locator("details.target summary").first.click()
        await expect(page.get_by_role("cell", name="Chair 1").first).to_be_visible()
        await page.get_by_role("link", name="Show all").click()
        await page.get_by_role("link", name="Next").click()
        await expect(page.get_by_text("Page 2 of 4")).to_be_visible()


async def test_it_refreshes_by_itself_and_keeps_what_is_unfolded() -> None:
    async with shown(views.view_of(*(site(name) for name in "abcd"))) as (opened, _, backend):
        page = opened.page
        await expect(page.get_by_text("Everything is in order")).to_be_visible()
        await page.locator("details[data-key=b] summary").click()
        await page.locator("details[data-key=c] summary").focus()
        backend.shown = views.view_of(site("a", ConnectionStatus.ERROR), site("b"), site("c"), site("d"))
        await page.clock.fast_forward(16_000)
        await expect(page.get_by_text("1 warning, nothing critical")).to_be_visible()
        await expect(page).to_have_title("(1) Booking sync")
        assert ["a", "b"] == await page.eval_on_selector_all("details[open]", "all => all.map(one => one.dataset.key)")
        assert "c" == await page.evaluate("document.activeElement.parentElement.dataset.key")
        backend.shown = views.view_of(*(site(name) for name in "abcd"))
        await page.clock.fast_forward(16_000)
        await expect(page.get_by_text("Everything is in order")).to_be_visible()
        assert ["b"] == await page.eval_on_selector_all("details[open]", "all => all.map(one => one.dataset.key)")


async def test_the_refresh_can_be_paused() -> None:
    async with shown(views.view_of(site("a"))) as (opened, _, backend):
        page = opened.page
        pause = page.get_by_role("button", name="Pause")
        await pause.click()
        backend.shown = views.failing()
        asked = len(opened.asked)
        await page.clock.fast_forward(60_000)
        await page.evaluate("new Promise(done => requestAnimationFrame(done))")
        assert asked == len(opened.asked)
        await expect(page.get_by_text("Everything is in order")).to_be_visible()
        await pause.click()
        await expect(page.get_by_text("3 critical, 3 warnings")).to_be_visible()


async def test_an_exporter_that_is_gone_is_said_and_its_return_too() -> None:
    backend = ShownBackend(views.view_of(site("a")))
    server = await serve(create_app(backend), "127.0.0.1:0")
    async with tab() as opened:
        await opened.page.clock.install()
        await opened.page.goto(server.url)
        lost = opened.page.get_by_role("alert")
        await expect(lost).to_be_hidden()
        await server.stop()
        await opened.page.clock.fast_forward(16_000)
        await expect(lost).to_have_text("No answer from the exporter. What you see below is old.")
        server = await serve(create_app(backend), server.bound)
        await opened.page.clock.fast_forward(16_000)
        await expect(lost).to_be_hidden()
        await server.stop()


async def test_the_filter_follows_the_typing() -> None:
    async with shown(fleet()) as (opened, server, __):
        page = opened.page
        await page.get_by_role("searchbox").press_sequentially("site-07")
        await page.clock.fast_forward(500)
        await expect(page.locator("details.target")).to_have_count(10)
        assert page.url == f"{server.url}/?q=site-07"
        assert "site-07" == await page.get_by_role("searchbox").input_value()
        await page.clock.fast_forward(16_000)
        await expect(page.locator("details.target")).to_have_count(10)
        await page.get_by_role("searchbox").fill("")
        await page.clock.fast_forward(500)
        await expect(page.locator("details.target")).to_have_count(25)
        assert page.url == f"{server.url}/"


async def test_the_order_of_the_targets_is_chosen_with_one_key() -> None:
    async with shown(fleet()) as (opened, server, __):
        await opened.page.get_by_label("Sort by").select_option("name")
        await expect(opened.page.locator("details.target").first).to_have_attribute("data-key", "site-000")
        assert opened.page.url == f"{server.url}/?sort=name"


async def test_a_page_is_reached_by_its_number_and_lands_at_the_targets() -> None:
    async with shown(fleet()) as (opened, server, __):
        page = opened.page
        await page.get_by_label("Go to page").fill("3")
        await page.clock.fast_forward(16_000)
        assert "3" == await page.get_by_label("Go to page").input_value()
        await page.keyboard.press("Enter")
        await expect(page.get_by_text("Page 3 of 4")).to_be_visible()
        await page.get_by_role("link", name="Next").click()
        await expect(page.get_by_text("Page 4 of 4")).to_be_visible()
        assert page.url == f"{server.url}/?page=4#targets"
        await expect(page.get_by_role("heading", name="Targets 80")).to_be_in_viewport()


ODD = ("salon berlin", "a/b", "50% & more", "Müller's", "a+b", "live", 'say "hi" \\', "#1 (new)")


def odd_names() -> View:
    good = (site(f"site-{number:03}") for number in range(60))
    sites = []
    for name in ODD:
        state = views.unpolled(name, "wix", CollectorName.CONNECTIONS)
        rows = (views.connection(f"Chair {number}") for number in range(60))
        seen = views.connections(*rows, views.connection(name, ConnectionStatus.CONNECTED, export_enabled=False))
        sites.append(views.target_of(f"x {name}", "wix", [views.succeeded(state, seen)]))
    return views.view_of(*good, *sites)


@pytest.mark.parametrize("javascript", [True, False])
async def test_an_address_with_a_target_and_a_connection_leads_there(*, javascript: bool) -> None:
    async with shown(odd_names(), javascript=javascript) as (opened, server, _):
        for name in ODD:
            await opened.page.goto("about:blank")
            whole = f"?target={quote_plus('x ' + name)}" if not javascript else ""
            await opened.page.goto(f"{server.url}/{whole}#{quote_plus('x ' + name)}/{quote_plus(name)}")
            row = opened.page.locator(f'[id="{quote_plus("x " + name)}/{quote_plus(name)}"]')
            await expect(row).to_be_in_viewport()
            await expect(opened.page.locator("details.target")).to_have_count(1)


async def test_an_address_written_by_hand_leads_there_too_and_an_unknown_one_changes_nothing() -> None:
    async with shown(odd_names()) as (opened, server, _):
        page = opened.page
        await page.goto(f"{server.url}/?q=site#x salon berlin")
        await expect(page.locator("details.target")).to_have_count(1)
        await expect(page.locator("details.target[open]")).to_have_attribute("data-key", "x salon berlin")
        await expect(page.get_by_role("searchbox")).to_have_value('target:"x salon berlin"')
        await page.goto(f"{server.url}/?q=site#nobody/here")
        await expect(page.locator("details.target")).to_have_count(25)
        assert page.url.endswith("/?q=site#nobody/here")


async def test_the_keyboard_reaches_everything_and_keeps_its_place_over_a_refresh() -> None:
    async with shown(many(120)) as (opened, _, backend):
        page = opened.page
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the state")).to_be_focused()
        await page.keyboard.press("Tab")
        await expect(page.get_by_role("link", name="Skip to the targets")).to_be_focused()
        await page.keyboard.press("Enter")
        await page.keyboard.press("Tab")
        await expect(page.locator("details.target summary").first).to_be_focused()
        outline = await page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
        assert "solid" == outline
        for place in ("details.rest summary", "section a[href^='?q=target']", "#counts a", ".pages a", "#again"):
            await page.locator(place).last.focus()
            text = await page.evaluate("document.activeElement.textContent")
            backend.shown = replace(backend.shown, at=backend.shown.at + 16)
            await page.clock.fast_forward(16_000)
            await expect(page.locator("#refresh time")).to_have_attribute("datetime", moment(backend.shown.at))
            assert text == await page.evaluate("document.activeElement.textContent"), place


def moment(at: float) -> str:
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


async def test_what_is_printed_has_the_cards_and_the_tables_and_nothing_to_press() -> None:
    async with shown(many(4), scheme="dark") as (opened, _, __):
        page = opened.page
        await page.emulate_media(media="print")
        await expect(page.get_by_role("heading", name="Double booking", exact=True)).to_be_visible()
        await expect(page.get_by_role("columnheader", name="Connection").first).to_be_visible()
        for pressed in ("button", "input", "select"):
            assert [] == [one for one in await page.locator(pressed).all() if await one.is_visible()], pressed
        background = await page.evaluate("getComputedStyle(document.body).backgroundColor")
        assert "rgb(255, 255, 255)" == background


async def test_words_from_outside_do_nothing() -> None:
    rows = views.connections(views.connection(HOSTILE, ConnectionStatus.ERROR, schedule=HOSTILE, provider=HOSTILE))
    state = views.unpolled(HOSTILE, "wix", CollectorName.CONNECTIONS)
    failing = views.failed(views.succeeded(state, rows), Reason.AUTH, HOSTILE)
    view = views.view_of(views.target_of(HOSTILE, "wix", [failing], labels={"a": HOSTILE}))

    async with shown(view) as (opened, server, _):
        await opened.page.get_by_role("searchbox").fill(HOSTILE)
        await opened.page.clock.fast_forward(16_000)
        await expect(opened.page.locator("details.target")).to_have_count(1)
        await opened.page.get_by_role("link", name=HOSTILE).first.click()
        await opened.page.wait_for_load_state()
        assert opened.page.url.startswith(f"{server.url}/?q=")
        assert await opened.page.evaluate("window.injected") is None
        assert 0 == await opened.page.locator("img").count()


async def test_the_policy_stops_a_foreign_script() -> None:
    server = await serve(create_app(ShownBackend(views.healthy())), "127.0.0.1:0")
    async with tab() as opened:
        await opened.page.goto(server.url)
        await opened.page.evaluate(
            "document.body.appendChild(Object.assign(document.createElement('script'), {text: 'window.injected = 1'}))"
        )
        assert await opened.page.evaluate("window.injected") is None
        assert any("Content Security Policy" in complaint for complaint in opened.complaints)
    await server.stop()


@pytest.mark.parametrize("address", ["127.0.0.1:0", "0.0.0.0:0"])
async def test_a_site_whose_name_was_rebound_to_this_machine_reads_and_changes_nothing(address: str) -> None:
    backend = ShownBackend(views.healthy(), lifecycle=True)
    server = await serve(create_app(backend), address)
    try:
        async with tab(rebound="evil.example") as opened:
            asked = await opened.page.goto(f"http://evil.example:{server.port}/config")
            assert asked is not None
            assert 421 == asked.status
            assert "targets" not in await opened.page.content()
            # A page of the attacker, without the policy of ours; the browser takes it for the same site.
            await opened.page.route("**/attack", lambda route: route.fulfill(body="<p>attack", content_type="text/html"))
            await opened.page.goto(f"http://evil.example:{server.port}/attack")
            for path, method in (("/config", "GET"), ("/-/reload", "POST")):
                status = await opened.page.evaluate(f"fetch('{path}', {{method: '{method}'}}).then(answer => answer.status)")
                assert 421 == status
            mine = await opened.page.goto(f"http://127.0.0.1:{server.port}/config")
            assert mine is not None
            assert 200 == mine.status
    finally:
        await server.stop()
    assert 0 == backend.reloads
