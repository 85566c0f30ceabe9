"""Two real processes with one state file: the second says why it does not start, or waits and takes over."""

from __future__ import annotations

import asyncio
import re
import signal
from pathlib import Path
from typing import Any

import pytest

from tests.harness.business import Business
from tests.harness.process import Exporter, command, exporter, until

PROMISED = 5.0


def watched(business: Business) -> Path:
    target = business.wix_target("wix", collectors={"connections": {"interval": "1s"}})
    return business.config(target, state_file=str(business.folder / "state.json"))


async def active(running: Exporter) -> bool:
    return 0 == (await running.samples()).get("standby")


def asked(business: Business) -> int:
    return len(list(business.simulator.log))


async def since(running: Exporter) -> dict[str, Any]:
    return {name: value for name, value in (await running.samples()).items() if name.startswith("connection_status_since")}


async def test_a_second_process_says_in_one_line_who_has_the_state_file_and_ends_with_one(business: Business) -> None:
    config = watched(business)
    async with exporter(config) as first:
        await first.ready()
        async with exporter(config, wait=False) as second:
            assert 1 == await second.ended()
            errors = [line for line in second.raw.splitlines() if line.startswith("error: ")]
            holder = rf"process {first.process.pid} on .+"
            told = rf"error: another exporter \({holder}\) uses the state file .*/state\.json; end it, .* with --standby"
            assert re.fullmatch(told, "\n".join(errors))
            assert "Traceback" not in second.raw
        assert await active(first)


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_a_standby_takes_over_when_the_active_one_dies_and_stands_by_when_it_comes_back(
    business: Business, number: signal.Signals
) -> None:
    config = watched(business)
    async with exporter(config, "--standby") as first:
        await first.ready()
        ages = await since(first)
        async with exporter(config, "--standby") as second:
            waiting = await second.logged("standby")
            assert f"process {first.process.pid} on " in waiting["active"]
            assert 200 == (await second.get("/-/healthy")).status_code
            ready = await second.get("/-/ready")
            assert (503, True) == (ready.status_code, "standby" in ready.text)
            assert 1 == (await second.samples())["standby"]
            assert "Standby" in (await second.get("/")).text
            assert (await second.get("/api/v1/status")).json()["standby"]
            first.send(number)
            await first.ended()
            began = asyncio.get_running_loop().time()
            await until(lambda: active(second), "the standby to take over")
            assert asyncio.get_running_loop().time() - began < PROMISED
            await second.ready()
            assert ages
            assert ages == await since(second)
            async with exporter(config, "--standby") as third:
                await third.logged("standby")
                assert 503 == (await third.get("/-/ready")).status_code
            assert 0 == third.process.returncode


async def test_a_standby_that_is_asked_to_stop_ends_at_once_and_has_asked_no_platform(
    business: Business, tmp_path: Path
) -> None:
    config = business.config(
        business.wix_target("wix", collectors={"connections": {"interval": "1h"}}),
        state_file=str(tmp_path / "state.json"),
    )
    async with exporter(config) as first:
        await first.ready()
        before = asked(business)
        async with exporter(config, "--standby") as second:
            await second.logged("standby")
            second.send(signal.SIGHUP)
            await until(lambda: _reloaded(second), "the reload")
            began = asyncio.get_running_loop().time()
            second.send(signal.SIGTERM)
            assert 0 == await second.ended()
            assert asyncio.get_running_loop().time() - began < 2
            assert "Traceback" not in second.raw
            assert "task_died" not in second.raw
        assert before == asked(business)


async def _reloaded(running: Exporter) -> bool:
    return ["standby", "standby"] == [line["event"] for line in running.log if line["event"] == "standby"]


async def test_standby_without_a_state_file_is_a_mistake_at_the_start_and_a_refused_reload(
    business: Business, tmp_path: Path
) -> None:
    target = business.wix_target("wix", collectors={"connections": {"interval": "1h"}})
    code, _, told = await command(f"--config.file={business.config(target)}", "--standby")
    assert 2 == code
    assert ["error: state_file: is not set, and --standby needs it"] == [
        line.partition(" (fix: ")[0] for line in told.splitlines()
    ]
    config = business.config(target, state_file=str(tmp_path / "state.json"))
    async with exporter(config, "--standby") as running:
        await running.ready()
        business.config(target)
        running.send(signal.SIGHUP)
        await running.logged("config_reload_failed")
        assert (0, 1) == ((await running.samples())["standby"], (await running.samples())["ready"])
