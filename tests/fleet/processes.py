"""The two processes of a run: the fake, the exporter's configuration for it, and what /proc tells about a process."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import sys
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypedDict, cast

import httpx

from tests.fleet import bitrix24, calendars, wix
from tests.fleet.record import Report
from tests.harness.certificates import signed

_TICKS: Final = os.sysconf("SC_CLK_TCK")


class FakeReport(Report):
    """What the fake tells about a stretch of time; how many connections were open at most is of its whole life."""

    connections_opened: int
    connections_most: int


class _Addresses(TypedDict):
    wix: str
    portals: list[str]
    calendars: str
    control: str


@dataclass(frozen=True, slots=True)
class Fake:
    """A running fake. ``environ`` is what an exporter needs to trust it."""

    pid: int
    addresses: _Addresses
    environ: dict[str, str]
    pairs: int = 0

    async def report(self, since: float = 0.0, until: float = 1e12) -> FakeReport:
        """Return what was asked between two moments of the monotonic clock."""
        async with httpx.AsyncClient(trust_env=False, timeout=60) as http:
            answer = await http.get(f"{self.addresses['control']}/report?since={since}&until={until}")
        return cast("FakeReport", answer.json())

    def config(self, folder: Path, sites: int) -> Path:
        """Write the exporter's configuration for all targets, with the defaults of everything; return its path."""
        lines = ["timezone: Europe/Berlin", "targets:"]
        meant = "{warning: conflicts_off, why: to count takes one request}"
        for number in range(sites):
            key = f"site_id: {wix.site_id(number)}, api_key: {{env: FLEET_API_KEY}}, base_url: '{self.addresses['wix']}'"
            lines.append(f"  - {{name: {wix.site_name(number)}, platform: wix, {key}, accepted: [{meant}]}}")
        for number, origin in enumerate(self.addresses["portals"]):
            url = f"webhook_url: '{origin}{bitrix24.WEBHOOK_PATH}'"
            lines.append(f"  - {{name: {bitrix24.portal_name(number)}, platform: bitrix24, {url}}}")
        for number in range(self.pairs):
            url = f"{self.addresses['calendars']}{calendars.calendar_path(number)}"
            caldav = f"{{url: '{url}', username: {calendars.USER}, password: {{env: FLEET_CALENDAR_PASSWORD}}}}"
            lines.append(f"  - {{name: {calendars.calendar_name(number)}, platform: calendar, caldav: {caldav}}}")
        lines += ["pairs:"] if self.pairs else []
        for number in range(self.pairs):
            bookings = f"{{target: {bitrix24.portal_name(number)}, resource: '{calendars.RESOURCE}'}}"
            ends = f"bookings: {bookings}, calendar: {calendars.calendar_name(number)}"
            lines.append(f"  - {{name: pair-{number:05}, {ends}, directions: [export]}}")
        path = folder / "exporter.yml"
        path.write_text("\n".join(lines) + "\n")
        return path


@contextlib.asynccontextmanager
async def fake(folder: Path, *, sites: int, portals: int, tls: bool, pairs: int = 0) -> AsyncIterator[Fake]:
    """Run the fake while the block runs, with certificates made in ``folder``."""
    flags = [f"--sites={sites}", f"--portals={portals}", f"--pairs={pairs}"]
    environ = {"FLEET_API_KEY": wix.API_KEY, "FLEET_CALENDAR_PASSWORD": calendars.PASSWORD}
    if tls:
        authority, certificate, key = await asyncio.to_thread(signed, folder)
        flags += [f"--certificate={certificate}", f"--key={key}"]
        environ["SSL_CERT_FILE"] = str(authority)
    pipe = asyncio.subprocess.PIPE
    # One line holds every portal's address.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.fleet", *flags, stdin=pipe, stdout=pipe, limit=1024 * 1024
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(60):
            addresses = json.loads(await process.stdout.readline())
        yield Fake(process.pid, addresses, environ, pairs)
    finally:
        process.stdin.close()
        try:
            await asyncio.wait_for(process.wait(), 10)
        except TimeoutError:
            process.kill()
            await process.wait()


def cpu_seconds(pid: int) -> float:
    """Return the processor time that a process has used, its threads included."""
    after_name = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(after_name[11]) + int(after_name[12])) / _TICKS  # utime, stime: fields 14 and 15 of proc(5)


def memory_mib(pid: int) -> tuple[float, float]:
    """Return the resident memory of a process, now and at its peak."""
    fields = dict(line.split(":", 1) for line in Path(f"/proc/{pid}/status").read_text().splitlines())
    now, peak = (int(fields[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak
