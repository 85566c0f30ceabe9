"""What `simulate` and `demo` print can be saved or piped; what they tell people stands beside it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.simulate import run_simulator
from exporter.config import load_config
from exporter.simulator.drills import SCENARIOS


async def until_told(sign: str, start: Callable[[Callable[[str], None]], Coroutine[Any, Any, None]]) -> list[str]:
    """Run ``start`` until it tells something with ``sign`` in it; return what it told."""
    told: list[str] = []

    async def main() -> None:
        heard = asyncio.Event()

        def tell(text: str) -> None:
            told.append(text)
            if sign in text:
                heard.set()

        running = asyncio.create_task(start(tell))
        waiting = asyncio.create_task(heard.wait())
        await asyncio.wait([running, waiting], timeout=60, return_when=asyncio.FIRST_COMPLETED)
        assert waiting.done(), running
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)

    await main()
    return told


@pytest.mark.parametrize(("scenario", "weeks"), [*((name, False) for name in SCENARIOS), ("calm", True), ("worst-night", True)])
async def test_all_that_a_scenario_prints_is_a_configuration(scenario: str, weeks: bool, tmp_path: Path) -> None:
    said: list[str] = []
    file = tmp_path / "weeks.om" if weeks else None
    first = next(iter(SCENARIOS[scenario].begins_with), None)
    told = await until_told(
        f">> {first}: " if first else "A configuration",
        lambda tell: run_simulator("127.0.0.1:0", scenario, said.append, tell, last_week=file),
    )
    [text] = said
    (tmp_path / "drill.yml").write_text(text)
    config = load_config(tmp_path / "drill.yml")
    assert 6 == len(config.targets)
    assert {"connections", "bookings", "events", "slots"} == set(config.targets[0].running())
    assert {"timezone", "defaults", "targets", "pairs"} == set(yaml.safe_load(text))
    assert ["Haircut", "Massage"] == [one.collectors.slots.services[0].name for one in config.targets[:2]]
    assert "&" not in text
    assert not [line for line in text.splitlines() if line.startswith(("#", ">>", "<<"))]
    assert any(SCENARIOS[scenario].description in line for line in told)
    assert weeks == any("promtool tsdb create-blocks-from openmetrics" in line for line in told)
    assert weeks == (tmp_path / "weeks.om").exists()
