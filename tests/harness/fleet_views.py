"""Synthetic fleets of any size, and what a good poll changes of them: for benchmarks of pages and boards."""

from __future__ import annotations

from msgspec.structs import replace

from exporter.model import ConnectionStatus
from exporter.state.snapshot import TargetView, View
from tests.harness import views


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
    """Return a fleet, half Wix sites with five connections, half Bitrix24 portals."""
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
