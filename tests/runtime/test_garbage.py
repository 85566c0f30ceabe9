"""When full garbage collections happen."""

from __future__ import annotations

import asyncio
import gc
import weakref
from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast

import pytest

from exporter.commands import daemon
from exporter.runtime import garbage
from exporter.runtime.application import Application
from exporter.runtime.garbage import CollectionScope
from tests.harness.clock import ManualClock


@pytest.fixture(autouse=True)
def _own_collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_no_full_collection_comes_between_postponing_and_settling() -> None:
    before = gc.get_threshold()
    garbage.postpone_full_collections()
    assert before[:2] == gc.get_threshold()[:2]
    assert gc.get_threshold()[2] >= 1_000_000
    garbage.collect_and_freeze()
    assert before == gc.get_threshold()


def test_what_is_alive_when_it_settles_is_not_looked_at_again() -> None:
    garbage.collect_and_freeze()
    assert gc.get_freeze_count() > 10_000


class Knot:
    """A cycle, which reference counting alone never frees."""

    def __init__(self) -> None:
        self.itself = self


@pytest.mark.slow
@pytest.mark.parametrize(
    ("look", "found"),
    [(CollectionScope.YOUNG, set()), (CollectionScope.NEW, {"promoted"}), (CollectionScope.ALL, {"promoted", "exempted"})],
)
def test_garbage_that_was_promoted_or_exempted_goes_when_so_much_is_looked_at(look: CollectionScope, found: set[str]) -> None:
    gc.collect()
    garbage.postpone_full_collections()
    knots = {"exempted": weakref.ref(Knot())}
    gc.freeze()
    promoted = Knot()
    knots["promoted"] = weakref.ref(promoted)
    for generation in (0, 1):
        gc.collect(generation)
    del promoted
    garbage.collect_and_freeze(look)
    assert found == {name for name, knot in knots.items() if knot() is None}


async def test_reloads_look_at_what_is_new_and_each_hundredth_at_everything(monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything is a million objects with 5,500 targets: the loop stands still for a second."""
    looks: list[CollectionScope] = []
    monkeypatch.setattr(garbage, "collect_and_freeze", looks.append)

    clock, app = ManualClock(), Changing(ready=True)
    settling = asyncio.create_task(daemon._settle_garbage(cast("Application", app), clock))
    for app.changes in range(1, 206):
        await clock.advance(1)
    settling.cancel()
    assert 205 == len(looks)
    assert {0: CollectionScope.YOUNG, 99: CollectionScope.ALL, 199: CollectionScope.ALL} == {
        place: look for place, look in enumerate(looks) if look is not CollectionScope.NEW
    }


@dataclass
class Changing:
    """The two things that settling asks of an application."""

    changes: int = 1
    ready: bool = False


@pytest.mark.slow
async def test_it_settles_once_after_each_change_when_all_was_polled_or_after_ten_minutes() -> None:
    gc.unfreeze()
    clock, app = ManualClock(), Changing()
    settling = asyncio.create_task(daemon._settle_garbage(cast("Application", app), clock))
    await clock.advance(30)
    assert 0 == gc.get_freeze_count(), "not before everything was polled"
    app.ready = True
    await clock.advance(2)
    assert gc.get_freeze_count() > 0
    gc.unfreeze()
    await clock.advance(3600)
    assert 0 == gc.get_freeze_count(), "once is enough"
    app.changes, app.ready = 2, False
    await clock.advance(590)
    assert 0 == gc.get_freeze_count()
    await clock.advance(3600)
    assert gc.get_freeze_count() > 0, "a collector that never ends its first poll holds nothing up for ever"
    settling.cancel()
