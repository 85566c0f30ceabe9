"""The status board in German and Russian in a real Chromium: it fits a phone, and its script keeps the language."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from exporter.state import verdict
from tests.e2e.test_web_board_browser import everything, many, shown, sticks_out
from tests.harness import verdict_scenes, views
from tests.harness.browser import SIZES, needs_chromium

#: Words of labels that are broken in the middle, and states that touch the name beside them.
CRAMPED = """() => {
  const pen = document.createElement("canvas").getContext("2d"), cramped = [];
  for (const cell of document.querySelectorAll("td[data-label]")) {
    const style = getComputedStyle(cell);
    if (style.display !== "grid") continue;
    pen.font = `${style.fontSize} ${style.fontFamily}`;
    for (const word of cell.dataset.label.split(" "))
      if (pen.measureText(word).width > parseFloat(style.gridTemplateColumns)) cramped.push(word);
  }
  for (const chip of document.querySelectorAll(".target > summary > .chip")) {
    const word = document.createRange();
    word.selectNodeContents(chip);
    if (chip.nextElementSibling.getBoundingClientRect().left < word.getBoundingClientRect().right + 4)
      cramped.push(chip.textContent);
  }
  return [...new Set(cramped)];
}"""

pytestmark = [pytest.mark.browser, needs_chromium]


@pytest.mark.parametrize("language", ["de", "ru"])
async def test_axe_finds_nothing_and_nothing_sticks_out_in_other_languages(language: str) -> None:
    async with shown(views.healthy()) as (opened, server, backend):
        page = opened.page
        scenes = {"everything": everything(), "partial_failure": views.partial_failure(), "40": many(40)}
        further = (verdict.CONFLICT_ACCEPTED, verdict.CONNECTION_ACCEPTED, verdict.TARGET_PAUSED, verdict.RELOAD_REFUSED)
        for name, view in (scenes | {row.kind: verdict_scenes.SCENES[row] for row in further}).items():
            backend.shown = view
            await page.goto(f"{server.url}/?lang={language}")
            assert {} == await sticks_out(page), name
            for measures in SIZES.values():
                await page.set_viewport_size(measures)
                assert [] == await page.evaluate(CRAMPED), name
            # That of more of the same rows is in English, and the colours are there, too.
            assert [] == ([] if name == "40" else await opened.axe()), name


async def test_the_language_is_kept_by_the_script_and_left_by_a_link() -> None:
    async with shown(many(42)) as (opened, server, _):
        page = opened.page
        await page.goto(f"{server.url}/?lang=de")
        await page.locator("#q").fill("salon-0007")
        await page.clock.run_for(300)
        await expect(page).to_have_url(f"{server.url}/?q=salon-0007&lang=de")
        await expect(page.locator("#targets")).to_contain_text("1 von 42")
        await page.goto(f"{server.url}/?lang=de#salon-0037/")
        await expect(page).to_have_url(f"{server.url}/?target=salon-0037&lang=de#salon-0037/")
        await page.get_by_role("link", name="Русский").click()
        await expect(page.locator("html")).to_have_attribute("lang", "ru")
        await expect(page.locator("h1")).to_contain_text("Синхронизация записей")
