"""A soak: rounds of trouble and calm, until the time is over."""

from __future__ import annotations

import asyncio
import contextlib
import signal
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import Final

import httpx

from exporter.simulator import Simulator, running
from tests.harness.process import Exporter, exporter
from tests.soak import vitals, world
from tests.soak.road import State, road
from tests.soak.trouble import Trouble

CALM_SECONDS: Final = 300.0
"""So long at most it may take until every number is right again: the back-off of a collector that was refused has to end."""
STRIKERS: Final = 4


@dataclass(frozen=True, slots=True)
class Round:
    """One stretch of trouble and the calm after it. ``at`` is in seconds from the start."""

    at: float
    calm_after: float
    compared: int
    wrong: tuple[str, ...]
    vitals: vitals.Vitals


@dataclass
class Soak:
    """What was seen. ``complaints`` is empty when all is well."""

    rounds: list[Round] = field(default_factory=list)
    struck: Counter[str] = field(default_factory=Counter)
    complaints: list[str] = field(default_factory=list)
    polls: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    reloads: int = 0
    health_checks: int = 0
    worst_health: float = 0.0
    processor_share: float = 0.0
    exit_code: int | None = None


async def run(folder: Path, *, seconds: float, trouble_seconds: float, seed: int) -> Soak:
    """Soak the exporter for ``seconds``; a round begins with ``trouble_seconds`` of trouble."""
    soak, random = Soak(), Random(seed)
    simulator = Simulator(build=world.build, seed=seed)
    async with running(simulator.app) as direct, road(direct) as to_wix, road(direct) as to_bitrix24:
        business = world.Business(simulator, folder, wix=to_wix.url, bitrix24=to_bitrix24.url, direct=direct)
        business.configure()
        began = time.monotonic()
        async with exporter(business.path, "--web.enable-lifecycle", module="tests.soak.exporter") as process:
            trouble = Trouble(business, process, (to_wix, to_bitrix24), random, soak.struck)
            await process.ready()
            while time.monotonic() - began < seconds:
                health = asyncio.create_task(_watch_health(process, soak))
                await _strike(trouble, trouble_seconds)
                health.cancel()
                await asyncio.gather(health, return_exceptions=True)
                soak.rounds.append(await _calm(trouble, began))
                _keep_little(process, soak)
            page = await process.samples()
            soak.processor_share = vitals.processor_seconds(process) / (time.monotonic() - began)
            _sum_up(soak, page)
            process.send(signal.SIGTERM)
            soak.exit_code = await process.ended()
    soak.complaints += vitals.grown([one.vitals for one in soak.rounds])
    if soak.exit_code != 0:
        soak.complaints.append(f"it ended with {soak.exit_code}")
    return soak


async def _strike(trouble: Trouble, seconds: float) -> None:
    async def one() -> None:
        while True:
            await trouble.strike()
            await asyncio.sleep(trouble.random.uniform(0.5, 5))

    strikers = [asyncio.create_task(one()) for _ in range(STRIKERS)]
    await asyncio.sleep(seconds)
    for task in strikers:
        task.cancel()
    for ended in await asyncio.gather(*strikers, return_exceptions=True):
        if isinstance(ended, Exception):
            raise ended
    _make_peace(trouble)


def _make_peace(trouble: Trouble) -> None:
    """Undo what the strikers could not undo themselves."""
    simulator = trouble.business.simulator
    trouble.running.send(signal.SIGCONT)
    simulator.faults.clear()
    for a_road in trouble.roads:
        a_road.state = State.OPEN
    for name in simulator.incidents.names:
        simulator.incidents.stop(name)
    trouble.business.configure()
    trouble.running.send(signal.SIGHUP)


async def _calm(trouble: Trouble, began: float) -> Round:
    """Hold the world and wait until the page says what the world holds."""
    since = time.monotonic()
    trouble.business.hold()
    while True:
        await asyncio.sleep(2)
        page = world.summed(await trouble.running.samples())
        compared, wrong = world.wrong(trouble.business, page)
        down = [name for name, value in page.items() if name.startswith("collector_up") and value != 1]
        wrong += [f"{name} is 0" for name in down]
        took = time.monotonic() - since
        if not wrong or took > CALM_SECONDS:
            break
    if wrong:
        await _say_why(trouble.running, down)
    await asyncio.sleep(5)
    taken = await vitals.take(trouble.running)
    trouble.business.go_on()
    done = Round(since - began, took, compared, tuple(wrong), taken)
    print(
        f"{done.at:6.0f} s, right after {took:4.0f} s, {compared} compared, {len(wrong)} wrong, {taken}",
        *wrong[:5],
        sep="\n  ",
        flush=True,
    )
    return done


async def _say_why(process: Exporter, down: list[str]) -> None:
    print(*down, (await process.get("/api/v1/status")).text, *process.raw.splitlines()[-200:], sep="\n", flush=True)


async def _watch_health(process: Exporter, soak: Soak) -> None:
    """Ask whether it is healthy, ten times a second; a process that is stopped may take as long as it is stopped."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        while True:
            began = time.monotonic()
            response = await http.get(f"{process.url}/-/healthy")
            took = time.monotonic() - began
            soak.health_checks += 1
            soak.worst_health = max(soak.worst_health, took)
            if response.status_code != httpx.codes.OK:
                soak.complaints.append(f"/-/healthy said {response.status_code}")
            await asyncio.sleep(0.1)


def _keep_little(process: Exporter, soak: Soak) -> None:
    """Read the round's log for what must never be there, and forget it."""
    for line in process.log:
        if line.get("event") in ("crashed", "helper_died", "task_died", "unexpected_error") or "Traceback" in str(line):
            soak.complaints.append(str(line)[:2000])
    with contextlib.suppress(ValueError):
        if "Traceback" in process.raw:
            soak.complaints.append(process.raw[process.raw.index("Traceback") :][:2000])
    process.log.clear()
    process.raw = ""


def _sum_up(soak: Soak, page: dict[str, float]) -> None:
    for name, value in page.items():
        family = name.partition("{")[0]
        if family == "collector_polls_total":
            soak.polls += int(value)
        elif family == "collector_failures_total" and value:
            soak.failures[name.partition('reason="')[2].partition('"')[0]] += int(value)
        elif family == "internal_errors_total" and value:
            soak.complaints.append(f"{name} is {value:g}")
    if soak.failures["internal"]:
        soak.complaints.append(f"{soak.failures['internal']} polls failed as internal")
    for one in soak.rounds:
        soak.complaints += [f"at {one.at:.0f} s: {line}" for line in one.wrong]
