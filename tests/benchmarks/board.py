"""How long the status board takes, from the view to the first paint, beside making the documents of all targets.

Fleets of 4 to 5,000 targets, half Wix sites with five connections, half Bitrix24 portals; at most 200 connections are in
trouble, and a tenth of the sites share a key that is refused. Rendering is processor time, beside the status API's document of
the same view; first paint is what Chromium says of a page that it fetches from the real server, and is left out without it.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable
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
from tests.benchmarks.figures import Figure, in_turns, in_turns_async
from tests.benchmarks.report import main
from tests.harness import views
from tests.harness.browser import CHROMIUM, tab
from tests.harness.fleet_views import fleet
from tests.harness.web import ShownBackend

SIZES: Final = (4, 40, 500, 5_000)
QUERIES: Final = {"all": "", "a word": "chair", "a field": "state:critical", "a target": "target:target-00003"}
DOCUMENTS: Final = "all documents"
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


def milliseconds(work: Callable[[], object]) -> float:
    """Return the processor time of one run."""
    gc.collect()
    began = time.thread_time()
    work()
    return (time.thread_time() - began) * 1000


def rendering(view: View, rounds: int) -> list[Figure]:
    """Measure each kind of search beside the documents of all."""
    searches: dict[str, Callable[[], object]] = {name: partial(render, view, query=query) for name, query in QUERIES.items()}
    ways: dict[str, Callable[[], object]] = {**searches, DOCUMENTS: partial(status_of, view)}
    searches["all"]()  # the first one compiles the templates
    taken = in_turns(rounds, {name: partial(milliseconds, work) for name, work in ways.items()})
    return [
        Figure(f"{len(view.targets):,} targets, {name}: CPU", "ms", taken[name], {DOCUMENTS: taken[DOCUMENTS]})
        for name in searches
    ]


async def painting(shown: dict[int, View], rounds: int) -> list[Figure]:
    """Measure the first paint of every fleet, all of it and a search."""
    found: list[Figure] = []
    async with tab() as opened:
        for size, view in shown.items():
            server = await serve(create_app(ShownBackend(view)), "127.0.0.1:0")

            async def paint(query: str, url: str = server.url) -> float:
                await opened.page.goto("about:blank")
                await opened.page.goto(f"{url}/?q={query}")
                return float(await opened.page.evaluate(_PAINT))

            try:
                taken = await in_turns_async(rounds, {name: partial(paint, query) for name, query in QUERIES.items()})
            finally:
                await server.stop()
            found += [Figure(f"{size:,} targets, {name}: first paint", "ms", values) for name, values in taken.items()]
    return found


def figures(rounds: int) -> list[Figure]:
    """Measure every fleet."""
    shown = {size: troubled(size) for size in SIZES}
    rendered = [figure for view in shown.values() for figure in rendering(view, rounds)]
    if CHROMIUM is None:
        sys.stderr.write("Chromium is not installed: nothing is painted. As root `make servers` installs it.\n")
        return rendered
    return [*rendered, *asyncio.run(painting(shown, rounds))]


if __name__ == "__main__":
    main("board", __doc__, figures)
