"""The rehearsal on real servers, and the healthy twin on the simulator."""

from __future__ import annotations

import asyncio
import contextlib
import inspect
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exporter.proof import Proof
from exporter.simulator import running
from exporter.state.findings import findings
from tests.harness.application import RunningApplication
from tests.harness.caldav_servers import Radicale, Xandikos, radicale, xandikos
from tests.harness.pool import pool
from tests.proof.faults import POLL, Fault
from tests.proof.mirror import Mirror, mirrored
from tests.proof.world import HOUR, LONG, MINUTE, SHORT, Read, World

START: Final = 1_790_000_000.0
"""A Monday in September 2026, 16:13 in Berlin."""


@dataclass
class Outcome:
    """What became of a ``fault`` at a desk: seconds until it was told, and until nothing was told after its repair."""

    fault: Fault
    desk: str
    server: str
    read: str
    after: float | None = None
    ended: float | None = None
    complaints: list[str] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Lags:
    """How late copies were: what was set, how many bookings were made, counted, and the median that is told, in seconds."""

    desk: str
    server: str
    read: str
    lag: float
    made: int
    counted: int
    median: float | None


@dataclass(frozen=True, slots=True)
class Rehearsed:
    """What was seen in a rehearsal."""

    outcomes: tuple[Outcome, ...]
    lags: tuple[Lags, ...]
    complaints: tuple[str, ...]
    polls: int
    bookings: int
    hours: float


def told(app: RunningApplication) -> dict[str, set[str]]:
    """Return the kinds of what is found, by desk; what is of no desk stands under its target."""
    found: dict[str, set[str]] = {}
    for finding in findings(app.app.view()):
        if finding.is_problem:
            proofs = {proof.pair for target in app.app.view().targets for proof in target.pairs}
            about = finding.subject if finding.subject in proofs else finding.target.removesuffix("-cal")
            found.setdefault(about, set()).add(str(finding.kind))
    return found


def proofs(app: RunningApplication) -> Mapping[str, Proof]:
    """Return what each pair says."""
    return {proof.pair: proof for target in app.app.view().targets for proof in target.pairs}


async def lines(app: RunningApplication) -> Mapping[str, float]:
    """Return the samples of the page, each under its name and labels."""
    rows = (line.rsplit(" ", 1) for line in (await app.page()).splitlines() if line and line[0] != "#")
    return {name: float(value) for name, value in rows}


def _polls(app: RunningApplication) -> int:
    return sum(state.finished_polls for target in app.app.view().targets for state in target.collectors)


class Rehearsal:
    """A world whose calendars are on real servers, with faults at some of its desks."""

    def __init__(self, world: World, mirrors: Sequence[Mirror], planted: Mapping[str, Fault]) -> None:
        self.world = world
        self.mirrors = {mirror.desk.name: mirror for mirror in mirrors}
        self.outcomes = {
            name: Outcome(fault, name, self.mirrors[name].server, self.mirrors[name].desk.read)
            for name, fault in planted.items()
        }
        self.complaints: dict[str, None] = {}

    async def minute(self) -> None:
        """Let a minute pass, and what was written in it be in the calendars."""
        self.world.live()
        self.world.advance()
        await asyncio.gather(*(mirror.catch_up() for mirror in self.mirrors.values()))
        await self.world.clock.advance(MINUTE)

    async def quiet(self, app: RunningApplication, seconds: float) -> None:
        """Let time pass in which nothing may be told."""
        for _ in range(round(seconds / MINUTE)):
            await self.minute()
            await self.look(app, frozenset())
            for outcome in self.outcomes.values():
                if outcome.fault.before:
                    await self._look_for(app, outcome, self.world.clock.now - START)

    async def act(self, *, mend: bool = False, before: bool = False) -> None:
        """Plant all faults, or mend them."""
        for outcome in self.outcomes.values():
            act = outcome.fault.mend if mend else outcome.fault.plant
            if act is not None and outcome.fault.before is before:
                done = act(self.world, self.mirrors[outcome.desk])
                if inspect.isawaitable(done):
                    await done

    async def watched(self, app: RunningApplication, seconds: float) -> None:
        """Watch what is told of the planted faults."""
        began = self.world.clock.now
        while self.world.clock.now - began < seconds:
            await self.minute()
            await self.look(app, frozenset(self.outcomes))
            after = self.world.clock.now - began
            for outcome in self.outcomes.values():
                await self._look_for(app, outcome, after)

    async def mended(self, app: RunningApplication, seconds: float) -> None:
        """Watch how what was told ends."""
        began = self.world.clock.now
        while (after := self.world.clock.now - began) < seconds:
            await self.minute()
            found = told(app)
            late = {name for name, outcome in self.outcomes.items() if after <= outcome.fault.mended + MINUTE}
            await self.look(app, frozenset(late))
            for name, outcome in self.outcomes.items():
                if name in found:
                    outcome.ended = None
                elif outcome.ended is None and name in proofs(app):
                    outcome.ended = self.world.clock.now - began

    async def look(self, app: RunningApplication, faulty: frozenset[str]) -> None:
        """Complain of whatever is told of anybody else than the ``faulty``, and of what is told of them beside the fault."""
        hours = (self.world.clock.now - START) / HOUR
        for name, kinds in told(app).items():
            allowed: frozenset[str] = frozenset()
            if name in faulty:
                fault = self.outcomes[name].fault
                allowed = fault.beside | {fault.named}
            for kind in sorted(kinds - allowed):
                self.complaints.setdefault(f"{kind} is told of {name}" + ("" if name in faulty else f", {hours:.1f} h"))

    async def _look_for(self, app: RunningApplication, outcome: Outcome, after: float) -> None:
        fault, name = outcome.fault, outcome.desk
        if outcome.after is not None or (fault.named and fault.named not in told(app).get(name, ())):
            return
        if not fault.shows(proofs(app).get(name)):
            return
        page = await lines(app)
        wrong = [
            f"{line.format(name)} is {page.get(line.format(name))}"
            for line, least, most in fault.series
            if not least <= page.get(line.format(name), float("nan")) <= most
        ]
        if not wrong:
            outcome.after = after
            outcome.complaints.clear()
        else:
            outcome.complaints[:] = wrong


async def rehearsed(
    folder: Path,
    planted: Mapping[str, Fault],
    wix: int,
    bitrix24: int,
    hours: float = 24.0,
    reads: Mapping[str, Read] | None = None,
) -> Rehearsed:
    """Rehearse ``planted`` faults, by desk, at so many desks: an hour healthy, half of the rest faulty, then mended.

    ``reads`` are how calendars are read, by the name of the desk, where it is another way than :class:`World` gives them.
    """
    async with _servers(folder) as servers:
        world = World(START, wix, bitrix24, (SHORT, SHORT, LONG, LONG), reads)
        world.quiet.update(planted)
        for desk in [desk for desk in world.desks if desk.name not in planted][1:3]:
            desk.partner.duplicates = True
        bookings = sum(len(list(desk.source.bookings())) for desk in world.desks)
        mirrors = [await mirrored(desk, servers[number % 2]) for number, desk in enumerate(world.desks)]
        rehearsal = Rehearsal(world, mirrors, planted)
        await rehearsal.act(before=True)
        await rehearsal.minute()
        async with running(world.simulator.app) as origin, pool(world.clock) as http:
            targets = [mirror.target(origin) for mirror in mirrors]
            async with world.exporter(folder, origin, targets, http) as app:
                first = world.clock.now
                await rehearsal.quiet(app, HOUR)
                await rehearsal.act()
                await rehearsal.watched(app, (hours - 1) / 2 * HOUR)
                await rehearsal.act(mend=True)
                await rehearsal.mended(app, (hours - 1) / 2 * HOUR)
                page, said = await lines(app), proofs(app)
                lags = tuple(
                    Lags(
                        desk.name,
                        rehearsal.mirrors[desk.name].server,
                        desk.read,
                        desk.partner.lag_seconds,
                        sum(first < moment < world.clock.now - LONG - 3 * POLL for moment in world.made.get(desk.name, ())),
                        round(page[f'booking_sync_proof_lag_seconds_count{{pair="{desk.name}"}}']),
                        said[desk.name].lag if desk.name in said else None,
                    )
                    for desk in world.desks
                    if desk.name not in planted
                )
                polls = _polls(app)
    for outcome in rehearsal.outcomes.values():
        _judge(outcome)
    complaints = [*rehearsal.complaints, *_of_lags(lags)]
    return Rehearsed(tuple(rehearsal.outcomes.values()), lags, tuple(complaints), polls, bookings, hours)


def _judge(outcome: Outcome) -> None:
    fault = outcome.fault
    if outcome.after is None:
        outcome.complaints.insert(0, "not found")
    elif outcome.after > fault.bound + MINUTE:  # it is looked at once a minute
        outcome.complaints.append(f"found after {outcome.after / MINUTE:.0f} min")
    if fault.mend is not None and outcome.ended is None:
        outcome.complaints.append("still told after its repair")
    elif fault.mend is not None and outcome.ended is not None and outcome.ended > fault.mended + MINUTE:
        outcome.complaints.append(f"told for {outcome.ended / MINUTE:.0f} min after its repair")


def _of_lags(lags: Sequence[Lags]) -> list[str]:
    """Return what is wrong with the lags that were seen: the median lies within a poll of what was set."""
    wrong = []
    for row in lags:
        if row.lag > 2 * POLL and not row.made <= row.counted <= row.made + 2:
            wrong.append(f"{row.desk}: {row.counted} of {row.made} lags are counted")
        if row.counted > row.made + 2:
            wrong.append(f"{row.desk}: {row.counted} lags are counted, and {row.made} bookings were made")
        if row.median is not None and not row.lag - POLL <= row.median <= row.lag + POLL + 2 * MINUTE:
            wrong.append(f"{row.desk}: the median lag is {row.median:.0f} s, and {row.lag:.0f} s was set")
    return wrong


@contextlib.asynccontextmanager
async def _servers(folder: Path) -> AsyncIterator[tuple[Radicale, Xandikos]]:
    for name in ("radicale", "xandikos"):
        (folder / name).mkdir()
    async with radicale(folder / "radicale") as one, xandikos(folder / "xandikos") as other:
        yield one, other
