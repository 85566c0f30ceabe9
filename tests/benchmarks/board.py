"""How long the status board takes, from the view to the first paint: ``python -m tests.benchmarks.board``.

Fleets of 4 to 5,000 targets, half Wix sites with five connections, half Bitrix24 portals; at most 200 connections are in
trouble, and a tenth of the sites share a key that is refused. Rendering is processor time; first paint is what Chromium says
of a page that it fetches from the real server, the best of three. The last column holds the time of rendering against making
the documents of all targets, as the status API does.
"""

from __future__ import annotations

import asyncio
import sys
from functools import partial
from typing import Final

from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import ConnectionStatus, ErrorReason
from exporter.policy import TargetPolicy
from exporter.state.snapshot import TargetView, View
from exporter.web import create_app, serve
from exporter.web.status_api import status_of
from exporter.web.status_page import render
from tests.benchmarks.metrics_page import fleet, seconds
from tests.harness import views
from tests.harness.browser import CHROMIUM, Tab, tab
from tests.harness.web import ShownBackend

SIZES: Final = (4, 40, 500, 5_000)
QUERIES: Final = {"none": "", "a word": "chair", "a field": "state:critical", "a target": "target:target-00003"}
_IN_TROUBLE: Final = 200
_PAINT: Final = """new Promise((done) => new PerformanceObserver((seen) => {
  for (const one of seen.getEntriesByName("first-contentful-paint")) done(one.startTime);
}).observe({ type: "paint", buffered: true }))"""


def troubled(targets: int) -> View:
    """Return a fleet in a bad night."""
    view = fleet(targets)
    found: list[TargetView] = []
    for number, target in enumerate(view.targets):
        if target.platform == "wix" and number % 20 == 1:
            states = tuple(
                views.failed(state, Reason.AUTH, "the platform does not accept the key") for state in target.collectors
            )
            found.append(replace(target, collectors=states, policy=TargetPolicy(credential="/run/secrets/wix")))
        elif target.platform == "wix" and number < 2 * _IN_TROUBLE:
            found.append(_with_broken_connection(target))
        else:
            found.append(target)
    return replace(view, targets=tuple(found))


def _with_broken_connection(target: TargetView) -> TargetView:
    state, *others = target.collectors
    row = views.connection("Chair 1", ConnectionStatus.ERROR, error_reason=ErrorReason.TOKEN_REVOKED)
    seen = views.connections(row, *(views.connection(f"Chair {number}") for number in range(2, 6)))
    return replace(target, collectors=(views.succeeded(state, seen), *others))


async def first_paint(opened: Tab, url: str) -> float:
    """Return the milliseconds from asking for the page to its first text."""
    best = float("inf")
    for _ in range(3):
        await opened.page.goto("about:blank")
        await opened.page.goto(url)
        best = min(best, float(await opened.page.evaluate(_PAINT)))
    return best


async def measure(targets: int) -> None:
    """Print one fleet's figures."""
    view = troubled(targets)
    documents = seconds(lambda: status_of(view), repeat=3)
    server = await serve(create_app(ShownBackend(view)), "127.0.0.1:0")
    try:
        async with tab() as opened:
            for name, query in QUERIES.items():
                page = partial(render, view, query=query)
                size, taken = len(page()), seconds(page, repeat=3)
                paint = await first_paint(opened, f"{server.url}/?q={query}")
                share = f"{taken / documents:.2f}" if targets >= 500 else "-"
                sys.stdout.write(f"| {targets:,} | {name} | {taken * 1000:.0f} | {size / 1000:.0f} | {paint:.0f} | {share} |\n")
    finally:
        await server.stop()


def main() -> None:
    """Measure every fleet."""
    if CHROMIUM is None:
        sys.exit("Chromium is not installed.")
    sys.stdout.write("| targets | filter | rendering, ms | page, kB | first paint, ms | rendering / all documents |\n")
    sys.stdout.write("|---:|---|---:|---:|---:|---:|\n")
    for targets in SIZES:
        asyncio.run(measure(targets))


if __name__ == "__main__":
    main()
