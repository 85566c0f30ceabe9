"""Two real processes with one state file between a site and Radicale: who takes over knows what the other told of a pair."""

from __future__ import annotations

import contextlib
import json
import signal
import time
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.simulator import Simulator, running
from exporter.simulator.wix.bookings import Staff
from exporter.simulator.wix.world import Site
from tests.e2e.fast_clock import FASTER_ENV, STARTED_ENV, FastClock
from tests.harness.caldav_servers import Entry, Radicale, RadicaleCalendar
from tests.harness.process import Exporter, exporter, until

FASTER: Final = 60.0
KEY: Final = "IST.planted-api-key-5b1c"
MINUTE: Final = 60.0
HOUR: Final = 3600.0


@dataclass
class Desk:
    """Anna: the bookings of her schedule, her calendar on Radicale, and the clock of all that is between them."""

    folder: Path
    clock: FastClock
    environ: Mapping[str, str]
    url: str
    site: Site
    staff: Staff
    calendar: RadicaleCalendar
    times: dict[str, tuple[float, float]] = field(default_factory=dict)

    async def book(self, hours: float, *, arrives: bool = True) -> str:
        """Book an hour from ``hours`` after now; one that ``arrives`` is in the calendar before."""
        start = self.clock.time() // 60 * 60 + hours * HOUR
        if arrives:
            await self.calendar.put(Entry(f"copy-{len(self.times)}", start, start + HOUR))
        booking = self.site.bookings.add(start, start + HOUR, staff=self.staff)
        self.times[booking] = start, start + HOUR
        return booking

    async def arrive(self, booking: str) -> None:
        """Let a booking be in the calendar by now."""
        await self.calendar.put(Entry(f"copy-of-{booking}", *self.times[booking]))

    async def is_written(self) -> bool:
        """Return whether the state file knows of a copy that is left behind."""
        written = json.loads((self.folder / "state.json").read_bytes())
        return any(left for *_, left in written["pairs"]["anna"]["gone"])

    def config(self, name: str) -> Path:
        """Write the configuration as one of both processes has it, and return its path."""
        salon = {
            "name": "salon",
            "platform": "wix",
            "site_id": self.site.id,
            "api_key": KEY,
            "base_url": self.url,
            "aliases": {self.staff.schedule_id: "Anna"},
            "collectors": {"bookings": {"interval": "1m"}},
        }
        user, password = self.calendar.auth or ("", "")
        dav = {"url": self.calendar.url, "username": user, "password": password}
        own = {"name": "anna-cal", "platform": "calendar", "caldav": dav, "collectors": {"busy": {"interval": "1m"}}}
        pair = {"name": "anna", "bookings": {"target": "salon", "resource": "Anna"}, "calendar": "anna-cal", "grace": "10m"}
        path = self.folder / name
        state = str(self.folder / "state.json")
        path.write_text(yaml.safe_dump({"state_file": state, "targets": [salon, own], "pairs": [pair]}))
        return path

    @contextlib.asynccontextmanager
    async def process(self, name: str) -> AsyncIterator[Exporter]:
        """Run one of both processes."""
        config, module = self.config(f"{name}.yml"), "tests.e2e.fast_exporter"
        async with exporter(config, "--standby", environ=self.environ, module=module) as process:
            yield process


@pytest.fixture
async def desk(tmp_path: Path, on_radicale: Radicale) -> AsyncIterator[Desk]:
    started = time.time()
    clock = FastClock(faster=FASTER, started=started)
    simulator = Simulator(clock)
    site = simulator.wix.add_site()
    simulator.wix.add_key(site, KEY)
    environ = {FASTER_ENV: str(FASTER), STARTED_ENV: repr(started)}
    async with running(simulator.app) as url:
        calendar = await on_radicale.calendar(f"anna-{tmp_path.name}".replace("_", "-"))
        yield Desk(tmp_path, clock, environ, url, site, site.add_staff(), calendar)


async def proof(process: Exporter) -> dict[str, Any]:
    """Return what a process says of the pair; nothing before both ends were read."""
    targets = (await process.get("/api/v1/status")).json()["targets"]
    rows = [row for target in targets if target["name"] == "salon" for row in target.get("pairs", ())]
    return rows[0] if rows else {}


async def says(process: Exporter, **facts: object) -> dict[str, Any]:
    """Wait until the process says ``facts`` of the pair."""

    async def found() -> dict[str, Any] | None:
        said = await proof(process)
        return said if said and all(said.get(key) == value for key, value in facts.items()) else None

    return await until(found, f"the pair to say {facts}")


async def looked(process: Exporter) -> None:
    """Wait until the calendar was asked anew and has answered: what arrives before that has a lag that nobody knows."""

    async def number() -> float:
        samples = await process.samples()
        return sum(
            value for series, value in samples.items() if series.startswith("collector_polls_total") and '"busy"' in series
        )

    before = await number()

    async def again() -> bool:
        return await number() >= before + 2  # the next one may have asked before

    await until(again, "the calendar to be looked at again")


def told(said: dict[str, Any]) -> dict[str, Any]:
    """Return what of ``said`` is the same whoever says it, but for moments, which are in the state file in whole seconds."""
    rows = [(kind, row["start"], row["end"]) for kind in ("missing", "left") for row in said[kind]]
    return {"rows": rows, "state": said["state"], "arrived": said["arrived_in_all"]}


def moments(said: dict[str, Any]) -> list[float]:
    """Return since when what ``said`` tells is so, and the median lag."""
    rows = [said, *said["missing"], *said["left"]]
    return [*(datetime.fromisoformat(row["since"]).timestamp() for row in rows), said["lag_seconds"]]


@pytest.mark.servers
@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
async def test_who_takes_over_tells_at_once_what_the_other_one_told_and_accuses_nobody_else(
    desk: Desk, number: signal.Signals
) -> None:
    booked = [await desk.book(hours) for hours in (2, 5, 8, 30, 50)]
    async with desk.process("first") as first:
        await says(first, state="proved", arrived_in_all=5)
        late = await desk.book(54, arrives=False)

        async def waits() -> bool:
            return bool((await proof(first))["windows"][-1]["bookings"]["pending"])

        await until(waits, "the late booking to be read")
        await looked(first)
        await desk.arrive(late)
        await says(first, arrived_in_all=6)
        lost = await desk.book(60, arrives=False)
        desk.site.bookings.cancel(booked[1])
        said = await says(first, left_behind=1, state="broken")
        assert (lost, True) == (said["missing"][0]["booking"], said["lag_seconds"] >= 60)
        new = await desk.book(70, arrives=False)
        async with desk.process("second") as second:
            await second.logged("standby")
            assert {} == await proof(second)
            await until(desk.is_written, "the verdicts to be in the state file")
            first.send(number)
            await first.ended()
            after = await until(lambda: proof(second), "the standby to have read both ends")
            assert told(said) == told(after)
            assert pytest.approx(moments(said), abs=3) == moments(after)
            assert 1 == after["windows"][-1]["bookings"]["pending"], "the new booking waits for its grace"
            await desk.arrive(lost)
            await desk.arrive(new)
            assert [] == (await says(second, state="proved", arrived_in_all=8))["missing"]
            assert 2 == (await second.samples())['proof_lag_seconds_count{pair="anna"}']
