"""Watching a world: its healthy twin for as long as one likes, and what becomes of a planted fault."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.state.findings import findings
from tests.harness.application import RunningApplication
from tests.planted.faults import Fault, Named
from tests.planted.world import DAY, HOUR, MINUTE, World

AFTER_SECONDS: Final = 75 * MINUTE
"""So long a planted fault is watched after it was found: each check has run by then, and nothing else may be found."""
_WARNINGS: Final = (
    "probe the connections",
    "read the staff",
    "read whom the bookable slots name",
    "read the bookable slots",
    "count the bookings",
    "compare bookings with their copies",
)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a fault: the seconds until all of it was named, ``None`` if it never was, and what is wrong with that."""

    planted: str
    after: float | None
    complaints: tuple[str, ...]


def named(app: RunningApplication, world: World) -> dict[Named, str]:
    """Return what somebody has to act on now and which checks are refused, each with the causes that it tells."""
    known, found = {*world.names, "bookings", "links", "connections"}, {}
    for finding in findings(app.app.view()):
        if finding.reason == "check_refused":
            subject = next((words for words in _WARNINGS if words in finding.detail), finding.detail)
            found[finding.target, "check_refused", subject] = ""
        elif finding.is_problem:
            new = finding.kind == "staff_unprotected" and finding.subject not in known
            causes = {str(row.cause) for row in finding.external} | {str(row.kind) for row in finding.mismatched}
            causes |= {finding.reason} if finding.kind == "staff_unprotected" else set()
            found[finding.target, str(finding.kind), "somebody new" if new else finding.subject] = ", ".join(sorted(causes))
    return found


async def healthy(folder: Path, seconds: float) -> tuple[int, tuple[str, ...]]:
    """Let the healthy twin live; returns how many polls there were, and what was found although there is nothing."""
    world, complaints = World(folder), []
    async with world.exporter() as app:
        end = world.clock.time() + seconds
        while world.clock.time() < end:
            await _minute(world)
            day = (world.clock.time() - end + seconds) / DAY
            complaints += [f"{' '.join(what)} after {day:.2f} days" for what in named(app, world)]
        polls = sum(state.finished_polls for target in app.app.view().targets for state in target.collectors)
    return polls, tuple(complaints)


async def planted(fault: Fault) -> Outcome:
    """Plant ``fault`` in a world of its own and watch what is found."""
    with tempfile.TemporaryDirectory() as folder:
        world = World(Path(folder))
        complaints: list[str] = []
        async with world.exporter() as app:
            await _calm(app, world, fault.warm - HOUR / 2, complaints)
            if fault.prepare is not None:
                fault.prepare(world)
            await _calm(app, world, HOUR / 2, complaints)
            fault.plant(world)
            if not fault.restarts:
                return await _watched(app, world, fault, world.clock.time(), complaints)
            for _ in range(30):
                await _minute(world)
        restarted = world.clock.time()
        async with world.exporter() as app:
            return await _watched(app, world, fault, restarted, complaints)


async def _calm(app: RunningApplication, world: World, seconds: float, complaints: list[str]) -> None:
    for _ in range(round(seconds / MINUTE)):
        await _minute(world)
        complaints += [f"{' '.join(what)} before anything was planted" for what in named(app, world)]


async def _watched(app: RunningApplication, world: World, fault: Fault, began: float, complaints: list[str]) -> Outcome:
    after = None
    while world.clock.time() - began < (fault.bound + HOUR if after is None else after + AFTER_SECONDS):
        found = named(app, world)
        told = f"as well, after {(world.clock.time() - began) / MINUTE:.0f} min"
        complaints += [f"{' '.join(extra)} {told}" for extra in sorted(found.keys() - {*fault.named, fault.becomes})]
        causes = {cause for cause in found.values() if cause}
        if after is None and set(fault.named) <= found.keys() and causes == {fault.cause} - {""}:
            after = world.clock.time() - began
        await _minute(world)
    if after is None:
        complaints.append("not found")
    elif after > fault.bound + MINUTE:  # it is looked at once a minute
        complaints.append(f"found after {after / MINUTE:.0f} min")
    if missing := {fault.becomes} - named(app, world).keys() if fault.becomes else set(fault.named) - named(app, world).keys():
        complaints.append(f"no longer found: {sorted(missing)}")
    page = await app.samples()
    for line in fault.lines:
        name, value = line.rsplit(" ", 1)
        if page.get(name) != float(value):
            complaints.append(f"{name} is {page.get(name)}")
    return Outcome(fault.planted, after, tuple(dict.fromkeys(complaints)))


async def _minute(world: World) -> None:
    world.live()
    await world.clock.advance(MINUTE)
