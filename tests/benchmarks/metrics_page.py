"""How long a page takes, held against prometheus-client alone: ``python -m tests.benchmarks.metrics_page``.

Two fleets: one Wix site with 5,000 connections, and 3,000 targets, half of them Wix sites with five connections, half
Bitrix24 portals. Both ways run in one process on the same views, so the ratios hold on any machine; times are processor
time. The loop's lag is how late a 1 ms sleep wakes while a page is rendered in a worker thread.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import time
from collections.abc import Callable

import prometheus_client
from msgspec.structs import replace
from prometheus_client import CollectorRegistry, Counter, Histogram

from exporter.metrics import Format, Page
from exporter.metrics.families import family as declared
from exporter.metrics.families.catalog import COUNTERS
from exporter.model import ConnectionStatus
from exporter.state.snapshot import TargetView, View
from tests.harness import views
from tests.harness.exposition import counters_of, instruments_for
from tests.harness.plain import PlainGauges


def one_site(connections: int, at: float = views.NOW - 30) -> View:
    """Return one Wix site; every tenth connection is broken."""
    rows = [
        views.connection(
            f"{number:012x}", ConnectionStatus.SYNCED if number % 10 else ConnectionStatus.DISCONNECTED, observed_at=at
        )
        for number in range(connections)
    ]
    view = views.healthy()
    wix = view.targets[0]
    state = views.succeeded(wix.collectors[0], views.connections(*rows, at=at))
    return replace(view, targets=(replace(wix, collectors=(state, wix.collectors[1])),))


def fleet(targets: int) -> View:
    """Return a fleet, half Wix, half Bitrix24."""
    wix = one_site(5).targets[0]
    portal = views.healthy().targets[1]
    return replace(
        views.healthy(),
        targets=tuple(renamed(wix if number % 2 else portal, f"target-{number:05}") for number in range(targets)),
    )


def renamed(target: TargetView, name: str) -> TargetView:
    """Return ``target`` under another name, its observations its own."""
    collectors = tuple(replace(collector, target=name) for collector in target.collectors)
    return polled(replace(target, name=name, collectors=collectors))


def polled(target: TargetView) -> TargetView:
    """Return ``target`` after another good poll of all its collectors with the same outcome."""
    collectors = []
    for collector in target.collectors:
        observation = collector.observation
        assert observation is not None
        state = views.succeeded(collector, replace(observation, at=observation.at + 0.001))
        collectors.append(state)
    return replace(target, collectors=tuple(collectors))


def plain_registry(view: View) -> CollectorRegistry:
    """Return the registry of an exporter that uses prometheus-client for everything."""
    registry = CollectorRegistry()
    registry.register(PlainGauges(view))
    made: dict[str, Counter | Histogram] = {}
    for family in COUNTERS:
        made[family.name] = (
            Histogram(family.name, family.help, family.labels, buckets=family.buckets, registry=registry)
            if isinstance(family, declared.Histogram)
            else Counter(family.name, family.help, family.labels, registry=registry)
        )
    instruments = instruments_for(view)
    for target in view.targets:
        counted = counters_of(instruments, target.name, target.platform)._counters
        for family in COUNTERS:
            for labels in (*counted._counts[family], *counted._distributions[family]):
                made[family.name].labels(target.name, target.platform, *labels)
    return registry


def seconds(action: Callable[[], object], *, repeat: int = 1) -> float:
    """Return the best processor time of ``repeat`` runs: others on the machine do not count."""
    best = float("inf")
    for _ in range(repeat):
        gc.collect()
        began = time.thread_time()
        action()
        best = min(best, time.thread_time() - began)
    return best


def plain_seconds(view: View) -> float:
    """Return what prometheus-client alone needs for a page of ``view``; its objects are gone afterwards."""
    registry = plain_registry(view)
    return seconds(lambda: prometheus_client.generate_latest(registry))


async def lag_while(action: Callable[[], object]) -> float:
    """Return the longest delay of the event loop in seconds while ``action`` runs in a worker thread."""
    worst = 0.0
    task = asyncio.create_task(asyncio.to_thread(action))
    while not task.done():
        began = time.perf_counter()
        await asyncio.sleep(0.001)
        worst = max(worst, time.perf_counter() - began - 0.001)
    await task
    return worst


def poll_all(instruments_page: tuple[View, Page], share: float) -> View:
    """Return the view after the first ``share`` of its targets were polled again, their counters counted."""
    view, page = instruments_page
    count = max(1, int(len(view.targets) * share))
    for target in view.targets[:count]:
        events = counters_of(page._instruments, target.name, target.platform)
        for collector in target.collectors:
            events.request(views.OPERATIONS[target.platform][0], "200", 0.2)
            events.poll_finished(collector.collector, 1.5, None)
    return replace(view, targets=(*map(polled, view.targets[:count]), *view.targets[count:]))


def measure(title: str, view: View) -> None:
    """Print one fleet's figures."""
    plain = plain_seconds(view)
    page = Page(instruments_for(view))
    cold = seconds(lambda: page.render(view, Format.TEXT))
    text = page.render(view, Format.TEXT)
    warm = seconds(lambda: page.render(view, Format.TEXT), repeat=3)
    half = poll_all((view, page), 0.5)
    partly = seconds(lambda: page.render(half, Format.TEXT))
    everything = poll_all((half, page), 1.0)
    all_polled = seconds(lambda: page.render(everything, Format.TEXT))
    again = poll_all((everything, page), 1.0)
    lag_polled = asyncio.run(lag_while(lambda: page.render(again, Format.TEXT)))
    lag_warm = asyncio.run(lag_while(lambda: page.render(again, Format.TEXT)))
    narrow = seconds(lambda: page.render(view, Format.TEXT, frozenset({view.targets[0].name})), repeat=3)
    lines = sum(not line.startswith(b"#") for line in text.splitlines())
    sys.stdout.write(f"\n{title}: {lines:,} series, {len(text) / 1e6:.1f} MB\n")
    for name, taken in (
        ("prometheus-client alone", plain),
        ("ours, first page", cold),
        ("ours, all polled since", all_polled),
        ("ours, half polled since", partly),
        ("ours, nothing changed", warm),
        ("ours, ?target= one", narrow),
    ):
        sys.stdout.write(f"  {name:26} {taken * 1000:10.1f} ms   {plain / taken:10,.1f} x\n")
    sys.stdout.write(
        f"  loop lag in a thread: {lag_polled * 1000:.1f} ms all polled, {lag_warm * 1000:.1f} ms nothing changed\n"
    )


def main() -> None:
    """Measure both fleets."""
    sys.stdout.write(f"prometheus-client against the page, Python {sys.version.split()[0]}; x = times faster\n")
    measure("one site, 5,000 connections", one_site(5_000))
    measure("3,000 targets", fleet(3_000))


if __name__ == "__main__":
    main()
