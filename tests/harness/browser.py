"""Debian's Chromium, driven by Playwright, and what it complains about."""

from __future__ import annotations

import os
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from importlib import resources
from typing import Any, Final, Literal

import pytest
from playwright.async_api import Page, Request, ViewportSize, async_playwright

CHROMIUM: Final = shutil.which("chromium")
ARGUMENTS: Final = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
SIZES: Final[dict[str, ViewportSize]] = {
    "phone": ViewportSize(width=390, height=844),
    "desktop": ViewportSize(width=1280, height=900),
}

needs_chromium = pytest.mark.skipif(CHROMIUM is None and "CI" not in os.environ, reason="Chromium is not installed")


@dataclass
class Tab:
    """A page, what its console said of errors, and which addresses it asked."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)

    async def axe(self) -> list[str]:
        """Return what axe-core finds serious or critical, one line for each element."""
        await self.page.evaluate((resources.files("axe_playwright_python") / "axe.min.js").read_text())
        found: dict[str, Any] = await self.page.evaluate("axe.run({resultTypes: ['violations']})")
        return [
            f"{violation['id']} ({violation['impact']}): {node['html']}: {node['failureSummary']}"
            for violation in found["violations"]
            for node in violation["nodes"]
            if violation["impact"] in {"serious", "critical"}
        ]


def _leading_here(name: str) -> tuple[str, ...]:
    """Return the arguments by which ``name`` leads to this machine, without Chromium's own check of local addresses.

    That check is new, and other browsers have none.
    """
    features = "LocalNetworkAccessChecks,BlockInsecurePrivateNetworkRequests"
    return (f"--host-resolver-rules=MAP {name} 127.0.0.1", f"--disable-features={features}") if name else ()


@asynccontextmanager
async def tab(
    *,
    size: str = "desktop",
    scheme: Literal["light", "dark"] = "light",
    javascript: bool = True,
    rebound: str = "",
) -> AsyncIterator[Tab]:
    """Open a browser with one empty page; to it the name ``rebound`` leads to this machine."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(executable_path=CHROMIUM, args=[*ARGUMENTS, *_leading_here(rebound)])
        context = await browser.new_context(viewport=SIZES[size], color_scheme=scheme, java_script_enabled=javascript)
        opened = Tab(await context.new_page())

        def note(request: Request) -> None:
            opened.asked.append(request.url)

        opened.page.on("request", note)
        opened.page.on(
            "console", lambda message: opened.complaints.append(message.text) if message.type in {"error", "warning"} else None
        )
        opened.page.on("pageerror", lambda error: opened.complaints.append(str(error)))
        try:
            yield opened
        finally:
            await browser.close()
