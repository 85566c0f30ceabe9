"""No id, moment or number of the status board is broken over two lines, in real Chromium: on no screen, in no language."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

import pytest
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import (
    BookingsObservation,
    CalendarType,
    Change,
    CollectorName,
    Conflict,
    ConnectionStatus,
    ErrorReason,
    WindowBookings,
)
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.texts import LANGUAGES
from tests.e2e.test_web_board_browser import many, shown
from tests.harness import views
from tests.harness.browser import needs_chromium
from tests.harness.views import NOW, Target

pytestmark = [pytest.mark.browser, needs_chromium]

WIDTHS: Final = (360, 390, 768, 1280, 1440)
DAY: Final = 86_400.0

#: Returns which texts of the page that a person reads in one go stand on two lines, and what else is cut or sticks out.
BROKEN: Final = r"""() => {
  const ids = String.raw`[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f-]{22}|[0-9a-f]{12}`;
  const number = String.raw`\d[\d.,\u202f]*`;
  const units = String.raw`(?:s|min|h|d|Sek\.|Min\.|Std\.|T\.|с|мин|ч|дн\.)(?!\p{L})`;
  const whole = new RegExp(String.raw`${ids}|\d{1,2}:\d\d(:\d\d)?( UTC)?|${number}\s${units}|${number}`, "gu");
  const boxes = (range) => [...range.getClientRects()].filter((box) => box.width);
  const lines = (range) => new Set(boxes(range).map((box) => Math.round(box.top))).size;
  const found = [];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walk.nextNode(); node; node = walk.nextNode()) {
    const place = node.parentElement;
    if (place.closest("script, style, .hidden, .advice, [lang=en]:not(html), .long:not(.card)")) continue;
    if (!place.checkVisibility()) continue;
    for (const match of node.data.matchAll(whole)) {
      const range = document.createRange();
      range.setStart(node, match.index);
      range.setEnd(node, match.index + match[0].length);
      if (lines(range) > 1) found.push(match[0]);
    }
  }
  for (const one of document.querySelectorAll("time, th, td code, .chip:not(.flapping)")) {
    const range = document.createRange();
    range.selectNodeContents(one);
    const words = one.tagName === "TH" ? one.textContent.trim().split(/\s+/).length : 1;
    const hidden = !one.checkVisibility() || one.closest("thead")?.clientWidth === 1 || /\S{37}/.test(one.textContent);
    if (!hidden && !one.closest(".long:not(.card)") && lines(range) > words) found.push(one.textContent);
  }
  for (const one of document.querySelectorAll("main *")) {
    const within = one.closest("td, .card, .target, .line")?.getBoundingClientRect();
    if (one.checkVisibility() && !one.closest("thead, .hidden, svg") && one.getBoundingClientRect().right > within?.right + 1)
      found.push(`cut: ${one.textContent.trim().replace(/\s+/g, " ")}`);
  }
  const wider = document.documentElement.scrollWidth - innerWidth;
  return wider > 0 ? [...found, `${wider} px wider than the screen`] : found;
}"""  # noqa: RUF001  a unit in Russian


def guid(number: int) -> str:
    return f"5d75b929-585e-4dad-9aec-{number:012x}"


def salon(name: str) -> Target:
    """Return a Wix site without a name for anything, whose moments lie on other days, and a portal's budgets."""
    policy = TargetPolicy(zone="Europe/Berlin", resource_aliases={guid(900): "Massage room 12, second floor"})
    far = NOW - 3 * DAY
    rows = [
        views.connection(
            "60d873224551", ConnectionStatus.CONNECTED, calendar_type=CalendarType.OTHER, provider="other-5d3f2c1b"
        ),
        views.connection("844008562280", ConnectionStatus.ERROR, error_reason=ErrorReason.EXTERNAL_CALENDAR_DELETED, since=far),
        views.connection("b1620135d5bf", ConnectionStatus.SYNC_IN_PROGRESS, observed_at=NOW - 2 * DAY),
        views.connection("Massage room 12, second floor", schedule="Massage room 12, second floor"),
        views.connection("Hochsteckfrisurenstudio", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED),
    ]
    changes = (Change(NOW - 9 * DAY, "synced"), Change(NOW - 6 * DAY, "disconnected"), Change(far, "error"))
    rows[1] = replace(rows[1], changes=changes)
    bookings = BookingsObservation(
        NOW - 30,
        (
            WindowBookings(views.TODAY, 12_345, conflicting=4, accepted=2, by_status={"confirmed": 12_040, "pending": 305}),
            WindowBookings(views.NEXT_24H, 5, conflicting=2, accepted=0, by_status={"confirmed": 5, "pending": 0}),
        ),
        next_booking=NOW + 5 * DAY + 4_000,
        measures_next=True,
        conflicts=(
            Conflict(guid(900), guid(1), guid(2), NOW + 3_600, NOW + 5_400),
            Conflict(guid(901), guid(3), guid(4), NOW + 5 * DAY, NOW + 5 * DAY + 6_000),
        ),
    )
    connected = views.succeeded(views.unpolled(name, "wix", CollectorName.CONNECTIONS), views.connections(*rows))
    booked = views.succeeded(views.unpolled(name, "wix", CollectorName.BOOKINGS), bookings)
    booked = views.failed(booked, Reason.SERVER_ERROR, f"answered 502, request {guid(7)}", count=120, status=502)
    return views.target_of(
        name, "wix", [connected, booked], labels={"site": "salon-berlin"}, usage=views.bitrix24_usage(), policy=policy
    )


def portal() -> Target:
    bookings = views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.BOOKINGS), views.bitrix24_bookings())
    links = views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.LINKS), views.bitrix24_links())
    entry, states = views.bitrix24_target(bookings, links)
    return replace(entry, policy=TargetPolicy(zone="Europe/Berlin")), states


def unnamed() -> View:
    return views.view_of(salon("salon-berlin-wix"), portal())


@pytest.mark.parametrize("language", LANGUAGES)
async def test_no_id_moment_or_number_is_broken_and_nothing_is_cut(language: str) -> None:
    async with shown(views.healthy()) as (opened, server, backend):
        page = opened.page
        scenes: dict[str, Callable[[], View]] = {"unnamed": unnamed, "partial": views.partial_failure, "40": lambda: many(40)}
        found = {}
        for name, scene in scenes.items():
            backend.shown = scene()
            await page.goto(f"{server.url}/?lang={language}")
            for width in WIDTHS:
                await page.set_viewport_size({"width": width, "height": 900})
                found[name, width] = await page.evaluate(BROKEN)
        assert {} == {place: broken for place, broken in found.items() if broken}


async def test_a_name_as_long_as_one_may_be_sticks_out_nowhere() -> None:
    long = "Donaudampfschifffahrtsgesellschaftskapitaen" + "x" * 37
    rows = views.connections(views.connection(long, ConnectionStatus.ERROR, provider=long, schedule=long))
    state = views.unpolled(long, "wix", CollectorName.CONNECTIONS)
    policy = TargetPolicy(resource_aliases={"7": long})
    conflict = Conflict("7", long, long[::-1], NOW + 3_600, NOW + 5_400)
    booked = views.succeeded(
        views.unpolled(long, "wix", CollectorName.BOOKINGS),
        BookingsObservation(NOW - 30, (WindowBookings(views.TODAY, 2, by_resource={"7": 2}),), conflicts=(conflict,)),
    )
    view = views.view_of(
        views.target_of(long, "wix", [views.succeeded(state, rows), booked], labels={"site": long}, policy=policy)
    )
    async with shown(view) as (opened, _, __):
        for width in WIDTHS:
            await opened.page.set_viewport_size({"width": width, "height": 900})
            assert [] == await opened.page.evaluate(BROKEN), width
