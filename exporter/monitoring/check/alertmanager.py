"""Asks an Alertmanager for what the bundle needs of it: routes, inhibitions, receivers, a heartbeat that leaves."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import msgspec

from exporter.monitoring.check import alertmanager_config as configs
from exporter.monitoring.check.arrival import Arrival
from exporter.monitoring.check.moments import moment
from exporter.monitoring.check.outcome import Check, CheckResult, again, missing, ok, some, unknown
from exporter.monitoring.check.sent_alerts import WATCHDOG, SentAlert
from exporter.monitoring.check.server_client import NoAnswerError, Question, ServerClient, ask
from exporter.monitoring.check.suppression import Firing, Silence, foreign_inhibitions, silenced
from exporter.support.redaction import sanitized

Recent = Callable[[], Awaitable[Mapping[str, float]]]
"""How many messages failed within ten minutes, by way; raises :class:`NoAnswerError` where nobody counts them."""

_CARRY: Final = "merge the rendered alertmanager.yml into its configuration and reload it"
_ADDRESSES: Final = "put your own addresses under `receivers` of monitoring.yml, render again and reload Alertmanager"
_HEARTBEAT: Final = "heartbeat"
_HEARTBEAT_START_SECONDS: Final = 180.0
"""Seconds from a start to the first heartbeat: Prometheus sends each alert every minute at least."""
_COUNTER: Final = re.compile(
    r'^alertmanager_notifications(_failed)?_total\{.*?integration="([^"]*)".*\} ([0-9.e+]+)$', re.MULTILINE
)


class _Version(msgspec.Struct):
    version: str = ""


class _Config(msgspec.Struct):
    original: str


class _Status(msgspec.Struct, rename="camel"):
    config: _Config
    uptime: str = ""
    version_info: _Version = msgspec.field(default_factory=_Version)


class _Named(msgspec.Struct):
    name: str


class _AlertStatus(msgspec.Struct):
    state: str = ""


class _Alert(msgspec.Struct):
    labels: dict[str, str]
    receivers: list[_Named]
    status: _AlertStatus


async def check_alertmanager(
    server: ServerClient, wanted: str, alerts: Sequence[SentAlert], recent: Recent, now: Callable[[], float]
) -> list[Check]:
    """Ask an Alertmanager whether it carries the configuration ``wanted``, and what becomes of ``alerts``."""
    ours = configs.parsed(wanted)
    if ours is None:
        raise AssertionError("what was rendered is no configuration")
    asked = _Asked(server, ours, alerts, recent, now)
    return await ask(
        server,
        Question("answers", asked.answers),
        [
            Question("routes", asked.routes),
            Question("inhibitions", asked.inhibitions),
            Question("templates", asked.templates),
            Question("receivers", asked.receivers),
            Question("pages arrive", asked.pages),
            Question("tickets arrive", asked.tickets),
            Question("other inhibitions", asked.other_inhibitions),
            Question("silences", asked.silences),
            Question("Watchdog arrived", asked.arrived),
            Question("heartbeat delivered", asked.heartbeat),
            Question("messages delivered", asked.messages),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    server: ServerClient
    ours: Mapping[str, Any]
    alerts: Sequence[SentAlert]
    recent: Recent
    now: Callable[[], float]

    async def _status(self) -> _Status:
        return await self.server.read(_Status, "/api/v2/status")

    async def _theirs(self) -> Mapping[str, Any]:
        theirs = configs.parsed((await self._status()).config.original)
        if theirs is None:
            raise NoAnswerError("returns a configuration that cannot be read", "give the address of Alertmanager")
        return theirs

    async def _routing(self) -> configs.Routing:
        return configs.routing(self.ours, await self._theirs())

    async def answers(self) -> CheckResult:
        await self._theirs()
        return ok(f"version {sanitized((await self._status()).version_info.version, 40)}")

    async def routes(self) -> CheckResult:
        problems = (await self._routing()).problems
        return missing(sanitized(some(list(problems)), 400), _CARRY) if problems else ok("the bundle's are there")

    async def inhibitions(self) -> CheckResult:
        lost, all_of_them = configs.lacks_inhibitions(self.ours, await self._theirs()), len(self.ours["inhibit_rules"])
        if lost:
            return missing(f"{lost} of {all_of_them} are not there: one incident becomes many pages", _CARRY)
        return ok(f"all {all_of_them}")

    async def templates(self) -> CheckResult:
        globs = (await self._theirs()).get("templates")
        if not globs or not isinstance(globs, list):
            return missing("none is named: no message can be written", "name templates/booking-sync.tmpl under `templates`")
        return ok(sanitized(some(list(map(str, globs)))))

    async def receivers(self) -> CheckResult:
        theirs, names = await self._theirs(), await self._names()
        if empty := [name for name in names if not configs.integrations(theirs, name)]:
            return missing(f"nobody behind {sanitized(some(empty))}", _ADDRESSES)
        if examples := [name for name in names if configs.has_examples(theirs, name)]:
            return missing(f"the bundle's example addresses in {sanitized(some(examples))}", _ADDRESSES)
        ways = [f"{name}: {'+'.join(configs.integrations(theirs, name))}" for name in names]
        return ok(sanitized("; ".join(ways), 300)) if names else missing("the routes lead to none of ours", _CARRY)

    async def _names(self) -> Sequence[str]:
        """Return the receivers that have to reach somebody, by their names there."""
        routing = await self._routing()
        return [their for our, their in routing.receivers.items() if configs.integrations(self.ours, our)]

    async def _arrival(self) -> Arrival:
        return Arrival(self.ours, await self._theirs(), self.now())

    async def _sent(self) -> Sequence[SentAlert]:
        """Return the alerts that somebody has to hear of, with the labels that Prometheus adds to all: those of Watchdog."""
        seen = [one.labels.items() for one in await self._watchdogs()]
        shared = dict(set(seen[0]).intersection(*seen)) if seen else {}
        arrival = await self._arrival()
        return [alert.with_labels(shared) for alert in self.alerts if arrival.wanted(alert)]

    async def pages(self) -> CheckResult:
        return (await self._arrival()).judged([alert for alert in await self._sent() if alert.wakes])

    async def tickets(self) -> CheckResult:
        return (await self._arrival()).judged([alert for alert in await self._sent() if not alert.wakes])

    async def other_inhibitions(self) -> CheckResult:
        firing = await self.server.read(list[Firing], "/api/v2/alerts")
        return foreign_inhibitions(self.ours, await self._theirs(), await self._sent(), firing)

    async def silences(self) -> CheckResult:
        return silenced(await self.server.read(list[Silence], "/api/v2/silences"), await self._sent())

    async def _is_young(self) -> bool:
        began = moment((await self._status()).uptime)
        return began is not None and self.now() - began < _HEARTBEAT_START_SECONDS

    async def _watchdogs(self) -> list[_Alert]:
        filters = (("filter", f'alertname="{WATCHDOG}"'), ("filter", 'fixed_by!=""'))
        return await self.server.read(list[_Alert], "/api/v2/alerts", *filters)

    async def arrived(self) -> CheckResult:
        found = await self._watchdogs()
        if not found and await self._is_young():
            return unknown("not yet, so soon after its start", again(_HEARTBEAT_START_SECONDS))
        if not found:
            return missing(
                "it has not", "see what Prometheus says: does it fire there, does Prometheus know this Alertmanager?"
            )
        if all(alert.status.state == "suppressed" for alert in found):
            return missing("it is silenced or inhibited", "end the silence: without it nobody notices that alerting is down")
        theirs, names = await self._theirs(), sorted({one.name for alert in found for one in alert.receivers})
        if not any(configs.integrations(theirs, name) for name in names):
            return missing(f"it goes to {sanitized(some(names))}, which reaches nobody", _ADDRESSES)
        return ok(f"goes to {sanitized(some(names))}")

    async def heartbeat(self) -> CheckResult:
        theirs = await self._theirs()
        name = (await self._routing()).receivers.get(_HEARTBEAT)
        ways = set(configs.integrations(theirs, name)) if name else set()
        if not ways:
            return missing("its receiver reaches nobody", _ADDRESSES)
        return await self._delivered(ways, must=True)

    async def messages(self) -> CheckResult:
        theirs = await self._theirs()
        routing = await self._routing()
        ways = {
            way for our, their in routing.receivers.items() if our != _HEARTBEAT for way in configs.integrations(theirs, their)
        }
        if not ways:
            return missing("no message is sent", _ADDRESSES)
        return await self._delivered(ways, must=False)

    async def _delivered(self, ways: set[str], *, must: bool) -> CheckResult:
        sent, failed = await self._counted()
        named = ", ".join(sorted(ways))
        tried, lost = sum(sent.get(way, 0) for way in ways), sum(failed.get(way, 0) for way in ways)
        if must and not tried and await self._is_young():
            return unknown(f"none was sent by {named} yet, so soon after its start", again(_HEARTBEAT_START_SECONDS))
        if must and not tried:
            return missing(f"none was sent by {named}", "wait a minute after a start; then see Watchdog arrived")
        if not lost:
            return ok(f"{tried:g} sent by {named}, none failed")
        log = "look into Alertmanager's log: it names the receiver and the reason"
        try:
            lately = await self.recent()
        except NoAnswerError:
            lately = {}
        if not ways & lately.keys():
            text = f"{lost:g} of {tried:g} by {named} failed since its start"
            return missing(text, log) if lost >= tried else unknown(text, f"{log}; let Prometheus scrape Alertmanager")
        if now := sum(lately.get(way, 0) for way in ways):
            return missing(f"{now:.0f} by {named} failed within 10 minutes", log)
        return ok(f"none by {named} failed within 10 minutes")

    async def _counted(self) -> tuple[dict[str, float], dict[str, float]]:
        text = (await self.server.content("/metrics")).decode(errors="replace")
        found: tuple[dict[str, float], dict[str, float]] = ({}, {})
        for failed, way, number in _COUNTER.findall(text):
            counted = found[bool(failed)]
            counted[way] = counted.get(way, 0) + float(number)
        return found
