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
from tests.harness.clock import ManualClock


@pytest.fixture(autouse=True)
def _own_collector() -> Iterator[None]:
    before = gc.get_threshold()
    yield
    gc.set_threshold(*before)
    gc.unfreeze()


def test_no_full_collection_comes_between_postponing_and_settling() -> None:
    before = gc.get_threshold()
    garbage.postpone()
    assert before[:2] == gc.get_threshold()[:2]
    assert gc.get_threshold()[2] >= 1_000_000
    garbage.settle()
    assert before == gc.get_threshold()


def test_what_is_alive_when_it_settles_is_not_looked_at_again() -> None:
    garbage.settle()
    assert gc.get_freeze_count() > 10_000


class Knot:
    """A cycle, which reference counting alone never frees."""

    def __init__(self) -> None:
        self.itself = self


def test_garbage_that_was_exempted_by_mistake_goes_with_the_next_reload() -> None:
    gc.collect()
    garbage.postpone()
    knot = weakref.ref(Knot())
    gc.freeze()  # as if it had been promoted while full collections were postponed
    garbage.settle()
    assert knot() is not None
    garbage.settle(thoroughly=True)
    assert knot() is None


@dataclass
class Changing:
    """The two things that settling asks of an application."""

    changes: int = 1
    ready: bool = False


def test_it_settles_once_after_each_change_when_all_was_polled_or_after_ten_minutes() -> None:
    async def script() -> None:
        clock, app = ManualClock(), Changing()
        settling = asyncio.create_task(daemon._settle_garbage(cast("Application", app), clock))
        await clock.advance(30)
        assert gc.get_freeze_count() == 0, "not before everything was polled"
        app.ready = True
        await clock.advance(2)
        assert gc.get_freeze_count() > 0
        gc.unfreeze()
        await clock.advance(3600)
        assert gc.get_freeze_count() == 0, "once is enough"
        app.changes, app.ready = 2, False
        await clock.advance(590)
        assert gc.get_freeze_count() == 0
        await clock.advance(3600)
        assert gc.get_freeze_count() > 0, "a collector that never ends its first poll holds nothing up for ever"
        settling.cancel()

    gc.unfreeze()
    asyncio.run(script())
