"""The healthy twin: pairs on the simulator that live for as long as one likes, of which nothing may ever be told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import httpx

from exporter.proof import Import, Proof, ProofState
from tests.harness.application import RunningApplication
from tests.proof.run import proofs, told
from tests.proof.world import DAY, HOUR, LONG, MINUTE, SHORT, Desk, Read, World

CLOCKS_GO_BACK: Final = 1_792_890_000.0
"""A Sunday in October 2026, 03:00 in Berlin, where it is 02:00 then; the twin has lived for half of its days."""

_OUTAGE_BEGINS: Final = 6 * HOUR
_OUTAGE_ENDS: Final = 10 * HOUR
FAR: Final = "http://127.0.0.1:1"

READS: Final[Mapping[str, Read]] = {
    "wix-1": "free_busy",
    "wix-2": "entries",
    "wix-3": "feed",
    "bitrix24-1": "feed",
    "bitrix24-2": "entries",
    "bitrix24-3": "free_busy",
}
"""How the calendars of pairs are read; of every second one the reader is refused once in three days."""


@dataclass(frozen=True, slots=True)
class Lived:
    """What was seen of a healthy twin: polls, bookings that were seen to arrive, pairs proved in the end, and complaints."""

    polls: int
    arrived: int
    proved: int
    failed: int
    complaints: tuple[str, ...]


async def lived(folder: Path, days: int, wix: int = 3, bitrix24: int = 3, *, interval: str | None = None) -> Lived:
    """Let so many pairs live for so many days, with an outage of four hours and a restart each day.

    ``interval`` is the one of all collectors, their own unless it is given.
    """
    world = World(CLOCKS_GO_BACK - days / 2 * DAY, wix, bitrix24, (SHORT, LONG), READS)
    complaints: dict[str, None] = {}
    polls = failed = arrived = proved = 0
    through = httpx.ASGITransport(world.simulator.app)
    targets = [target_of(desk) for desk in world.desks]
    if interval is not None:
        for target in (*targets, *world.targets):
            target["collectors"] = {name: {"interval": interval} for name in target.get("collectors", ("busy",))}
    for day in range(days):
        async with world.exporter(folder, FAR, targets, through, state_file=str(folder / "state.json")) as app:
            for minute in range(round(DAY / MINUTE)):
                if minute * MINUTE == _OUTAGE_BEGINS:
                    world.refuse(day % 3)
                if minute * MINUTE == _OUTAGE_ENDS:
                    failed += len(told(app))
                    world.allow(day % 3)
                world.live()
                world.advance()
                await world.clock.advance(MINUTE)
                for wrong in _wrong(app, day * DAY + minute * MINUTE):
                    complaints.setdefault(wrong)
            said = proofs(app)
            arrived = sum(proof.arrived_in_all for proof in said.values())
            proved = sum(proof.state is ProofState.PROVED for proof in said.values())
            states = [state for target in app.app.view().targets for state in target.collectors]
            polls += sum(state.finished_polls for state in states)
    return Lived(polls, arrived, proved, failed, tuple(complaints))


def _wrong(app: RunningApplication, after: float) -> Iterator[str]:
    about = {"booking_not_in_calendar", "cancelled_in_calendar", "calendar_shifted", "calendar_not_blocking"}
    for name, kinds in told(app).items():
        for kind in sorted(kinds & about):
            yield f"{kind} is told of {name} after {after / HOUR:.0f} h"
    for proof in proofs(app).values():
        for words in _accusations(proof):
            yield f"{proof.pair}: {words} after {after / HOUR:.0f} h"


def _accusations(proof: Proof) -> Iterator[str]:
    if proof.missing or proof.state is ProofState.BROKEN:
        yield "a booking is missing"
    if proof.left_behind:
        yield "a copy is left behind"
    if proof.shift is not None:
        yield "the calendar is shifted"
    if proof.imports is not None and proof.imports[Import.MISSING]:
        yield "a private date is unknown"


def target_of(desk: Desk) -> dict[str, Any]:
    """Return the target that reads the calendar of ``desk`` on the simulator."""
    target = {"name": f"{desk.name}-cal", "platform": "calendar", "base_url": FAR}
    if desk.read == "feed":
        return {**target, "ics_url": f"https://feeds.example.org{desk.calendar.feed_path}"}
    dav = {
        "url": f"https://dav.example.org{desk.calendar.path}",
        "username": desk.name,
        "password": f"password of {desk.name}",
        "read": desk.read,
    }
    return {**target, "caldav": dav}
