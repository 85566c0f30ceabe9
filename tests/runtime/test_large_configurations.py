"""A configuration of thousands of targets is put in force while the loop does its other work."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.metrics import Instruments, TargetInstruments
from exporter.runtime import application as application_module
from tests.harness.application import application, driven
from tests.harness.clock import ManualClock

TARGETS = 500
WITHOUT_A_TURN = 200  # of a tenth of a millisecond each


class Turns:
    """Counts the turns of the loop while it runs."""

    def __init__(self) -> None:
        self.number = 0

    @contextmanager
    def counted(self) -> Iterator[None]:
        async def count() -> None:
            while True:
                self.number += 1
                await asyncio.sleep(0)

        task = asyncio.create_task(count())
        try:
            yield
        finally:
            task.cancel()


def config(folder: Path, names: str) -> Path:
    """Write a configuration of targets that are not asked within the test, each with one warning (its site is no GUID)."""
    site = "base_url: 'http://127.0.0.1:9', api_key: made-up, collectors: {connections: {interval: 1h}}"
    rows = (f"  - {{name: {names}{number}, platform: wix, site_id: s{number}, {site}}}" for number in range(TARGETS))
    path = folder / "exporter.yml"
    path.write_text("\n".join(("targets:", *rows)))
    return path


@pytest.mark.slow
async def test_a_start_and_a_reload_of_hundreds_of_targets_leave_turns_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns = Turns()
    shown: Counter[int] = Counter()
    told: Counter[int] = Counter()
    put_target = Instruments.put_target

    def noted(self: Instruments, target: TargetInstruments) -> None:
        shown[turns.number] += 1
        put_target(self, target)

    class Log:
        def warning(self, event: str, problem: str = "", **_: object) -> None:
            if event == "config_warning" and "site_id" in problem:
                told[turns.number] += 1

        info = error = exception = warning

    monkeypatch.setattr(Instruments, "put_target", noted)
    monkeypatch.setattr(application_module, "log", Log())

    with turns.counted():
        async with application(config(tmp_path, "old"), ManualClock()) as app:
            config(tmp_path, "new")
            await driven(app, app.app.reload())
    assert 2 * TARGETS == shown.total() == told.total()
    assert max(shown.values()) <= WITHOUT_A_TURN
    assert max(told.values()) <= WITHOUT_A_TURN
