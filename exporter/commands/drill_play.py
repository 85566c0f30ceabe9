"""How an incident is played on a running stack: begun, watched on its way to Alertmanager, repaired, and cleared.

What does not arrive is looked for: at which of the stations between the exporter and a person it was lost.
"""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable, Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, TypeVar

import httpx

from exporter.clock import Clock, SystemClock
from exporter.commands.drill_stack import Alerting, Arrived, Receiver, Stack
from exporter.commands.last_week import BUSY, DAY, WEEK_SECONDS, WEEKS, last_weeks
from exporter.errors import BookingSyncError
from exporter.fields.durations import parse_duration
from exporter.monitoring import Options
from exporter.monitoring.alerts import Alert, alert_groups
from exporter.monitoring.rules import NEW_4H
from exporter.simulator import Simulator
from exporter.simulator.drills import Incident

T = TypeVar("T")

LOOK_SECONDS: Final = 0.5
SCRAPE_SECONDS: Final = 150.0
"""Prometheus reads a new scrape job, and an address of a file or of a service discovery, well within this."""
CALM_SECONDS: Final = 60.0
BESIDES_SECONDS: Final = 60.0
"""What the machine, the simulated platforms and the way of a message take in real time, besides the waits of the rules."""
PAUSE_SECONDS: Final = 240.0
"""What a limited platform makes us wait after the repair, in real time, too."""
KNOWN_SECONDS: Final = 30.0
"""What is written is found at once; Prometheus may be slow."""
TIMES: Final = 2.0
"""A page that is not there after twice its time is lost."""
HURRIED: Final = 1.5


@dataclass(frozen=True, slots=True)
class Business:
    """The exporter that Prometheus has to scrape, and the simulator that it watches."""

    simulator: Simulator
    address: str
    page: str

    async def config_hash(self) -> float:
        """Return the hash of the exporter's configuration, a number that tells it from every other exporter."""
        async with httpx.AsyncClient(trust_env=False, timeout=10) as client:
            text = (await client.get(f"{self.page}/metrics")).text
        return next(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith("booking_sync_config_hash "))


class Drill:
    """Plays incidents, one after another, on a stack that scrapes a business."""

    def __init__(
        self, stack: Stack, business: Business, hurry: float, say: Callable[[str], None], clock: Clock | None = None
    ) -> None:
        self._stack = stack
        self._business = business
        self._hurry = hurry
        self._clock = clock or SystemClock()
        self._say = say
        self._job = ""

    async def play(self, incidents: Sequence[Incident]) -> bool:
        """Play all of them and say how each went; return whether all went well."""
        self._job = await self._scraped()
        await self._calm()
        good = 0
        for incident in incidents:
            good += await self._play(incident)
        self._say(f"{good} of {len(incidents)} arrived and were cleared.")
        return good == len(incidents)

    async def _scraped(self) -> str:
        """Return the job under which Prometheus scrapes our exporter. Raises where it does not."""
        mine = await self._business.config_hash()
        self._say(f"Waiting for Prometheus to scrape {self._business.address} …")

        async def job() -> str:
            found = await self._stack.query("booking_sync_config_hash")
            return next((labels.get("job", "") for labels, value in found if value == mine), "")

        if found := await self._until(job, SCRAPE_SECONDS):
            return found
        raise BookingSyncError(f"not scraped: {_scrape_fault(await self._stack.scraped(), self._business.address)}")

    async def _calm(self) -> None:
        async def calm() -> bool:
            return not [one for one in await self._stack.alerting() if one.firing and self._ours(one.labels)]

        await self._until(calm, CALM_SECONDS)

    async def _play(self, incident: Incident) -> bool:
        """Play one and say how it went; return whether all was well."""
        before = {_key(one.labels) for one in await self._arrived(incident)}
        if missing := await self._lacks(incident):
            self._say(f"{incident.name}: NOT PLAYED: {missing}")
            return False
        undelivered = await self._stack.undelivered()
        self._say(f">> {incident.name}: {incident.description}")
        self._business.simulator.incidents.start(incident.name)
        try:
            paged = await self._paged(incident, before)
        finally:
            self._business.simulator.incidents.stop(incident.name)
        cleared = paged and await self._cleared(incident)
        if failed := await self._stack.undelivered() - undelivered:
            self._say(f"{incident.name}: NOT DELIVERED: Alertmanager failed {failed:g} times, its log says why")
        return cleared and not failed

    async def _paged(self, incident: Incident, before: Container[frozenset[tuple[str, str]]]) -> bool:
        receivers, began = await self._stack.receivers(), self._clock.monotonic()

        async def told() -> Arrived | None:
            new = (one for one in await self._arrived(incident) if _key(one.labels) not in before)
            return next((one for one in new if not one.kept_back), None)

        page = await self._until(told, TIMES * await self._pages_after(incident) + BESIDES_SECONDS)
        after = self._clock.monotonic() - began
        if page is None:
            self._say(f"{incident.name}: LOST after {in_words(after)}: {await self._lost(incident)}")
            return False
        hears = [receivers.get(name, Receiver(name)) for name in page.receivers]
        wait = max((one.group_wait for one in hears), default=0.0)
        await self._clock.sleep(wait + LOOK_SECONDS)
        self._say(self._told(incident, page, after + wait, hears))
        return True

    async def _cleared(self, incident: Incident) -> bool:
        repaired = self._clock.monotonic()

        async def gone() -> bool:
            return not await self._arrived(incident)

        in_time = await self._until(gone, TIMES * await self._pages_after(incident) + PAUSE_SECONDS)
        after = in_words(self._clock.monotonic() - repaired)
        self._say(f"{incident.name}: " + (f"all-clear after {after}" if in_time else f"NO ALL-CLEAR within {after}"))
        return bool(in_time)

    async def _pages_after(self, incident: Incident) -> float:
        """Return after how many seconds somebody is told by the rules that are loaded: ``verdicts:`` may say a longer time."""
        usual = _shortest(
            parse_duration(alert.hold) for alert in shipped_alerts() if alert.name == incident.alert and alert.hold
        )
        loaded = _shortest(hold for (name, _), hold in (await self._stack.rules()).items() if name == incident.alert)
        return incident.pages_after / self._hurry + max(0.0, loaded - usual / self._hurry)

    async def _arrived(self, incident: Incident) -> list[Arrived]:
        return [one for one in await self._stack.arrived() if one.name == incident.alert and self._ours(one.labels)]

    def _told(self, incident: Incident, page: Arrived, seconds: float, hears: Sequence[Receiver]) -> str:
        who = ", ".join(one.name + ("" if one.kinds else " (no address)") for one in hears)
        whose = f" of {page.labels['target']}" if "target" in page.labels else ""
        life = f" ({in_words(seconds * self._hurry)} in life)" if self._hurry >= HURRIED else ""
        return f"{incident.name}: paged after {in_words(seconds)}{life}: {incident.alert}{whose} -> {who}"

    async def _lost(self, incident: Incident) -> str:
        return lost(
            incident.alert,
            [one for one in await self._stack.alerting() if one.name == incident.alert and self._ours(one.labels)],
            await self._arrived(incident),
            alertmanagers=await self._stack.alertmanagers(),
        )

    async def _lacks(self, incident: Incident) -> str:
        """Return what Prometheus lacks for this incident, "" where nothing is missing."""
        if incident.alert not in {name for name, _ in await self._stack.rules()}:
            return f"Prometheus has no rule {incident.alert}: load the alerting rules of the bundle"
        return await self._lacks_last_week() if incident.compares_weeks else ""

    async def _lacks_last_week(self) -> str:
        """Write the weeks before into Prometheus; return why it does not know them, "" if it does."""
        job = f"job={json.dumps(self._job)}"
        up = f'collector:booking_sync_collector_up:max{{collector="bookings",{job}}}'
        targets = [
            {name: value for name, value in labels.items() if name not in {"__name__", "collector"}}
            for labels, _ in await self._stack.query(up)
        ]
        past = last_weeks(targets, now=self._clock.time(), lasts=DAY, hurry=self._hurry)
        refused = await self._stack.write(list(past))
        week = round(WEEK_SECONDS / self._hurry)

        async def known() -> bool:
            expected = BUSY[NEW_4H]
            found = [await self._stack.query(f"{NEW_4H}{{{job}}} offset {weeks * week}s") for weeks in WEEKS]
            return all(len([value for _, value in one if value >= expected]) >= len(targets) for one in found)

        there = await self._until(known, KNOWN_SECONDS)
        if targets and there:
            return ""
        why = f" ({refused})" if refused else ""
        return (
            f"Prometheus knows no last week and takes none{why}: start it with --web.enable-remote-write-receiver and "
            "`storage: {tsdb: {out_of_order_time_window: …}}` of the hurried prometheus.yml"
        )

    def _ours(self, labels: Mapping[str, str]) -> bool:
        return labels.get("job", self._job) == self._job and labels.get("alertname") != "Watchdog"

    async def _until(self, ask: Callable[[], Awaitable[T]], seconds: float) -> T | None:
        """Ask until there is something, for so many seconds at most."""
        end = self._clock.monotonic() + seconds
        while not (found := await ask()):
            if self._clock.monotonic() >= end:
                return None
            await self._clock.sleep(LOOK_SECONDS)
        return found


def shipped_alerts() -> list[Alert]:
    """Return the alerts of the bundle as it is shipped."""
    return [alert for group in alert_groups(Options()) for alert in group.alerts]


def _shortest(holds: Iterable[float]) -> float:
    return min(holds, default=0.0)


def lost(alert: str, alerting: Sequence[Alerting], arrived: Sequence[Arrived], *, alertmanagers: Sequence[str]) -> str:
    """Return where an alert was lost on its way, in words."""
    if kept_back := [one.kept_back for one in arrived if one.kept_back]:
        return f"{alert} is in Alertmanager, and suppressed: {kept_back[0]}"
    if arrived:
        return f"{alert} was in Alertmanager before this incident began, and no other one came"
    if any(one.firing for one in alerting):
        if not alertmanagers:
            return f"{alert} fires in Prometheus, which sends its alerts to no Alertmanager"
        others = ", ".join(alertmanagers)
        return f"{alert} fires in Prometheus and did not reach this Alertmanager; Prometheus sends to {others}"
    if alerting:
        return f"{alert} is only pending in Prometheus: its `for` is not over"
    return (
        f"{alert} is not even pending: the rule does not see the incident, another alert replaces it, or verdicts: "
        f"asks for more "
        "than the businesses of a drill have"
    )


def in_words(seconds: float) -> str:
    """Return a duration as people say it, in the unit in which it is a number of two or three digits."""
    if seconds < 10 * 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 3 * 3600 else f"{seconds / 3600:.3g} h"


def _key(labels: Mapping[str, str]) -> frozenset[tuple[str, str]]:
    return frozenset(labels.items())


def _scrape_fault(scraped: Sequence[tuple[str, str, str]], address: str) -> str:
    port = address.rpartition(":")[2]
    for job, url, error in scraped:
        if f":{port}/" in url:
            return f"job {job} asks {url}: {error or 'it is another exporter'}"
    return f"no job of Prometheus asks {address}: add `static_configs: [{{targets: ['{address}']}}]` to one, or take --listen"
