"""Asks a Prometheus for what the bundle needs of it: rules that are evaluated, data that are kept, and the rest."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from typing import Final

from exporter.monitoring.check.moments import moment
from exporter.monitoring.check.needs import LOOK_BACKS, SLOWEST_SCRAPE, PrometheusNeeds
from exporter.monitoring.check.outcome import Check, CheckResult, again, missing, ok, some, unknown
from exporter.monitoring.check.prometheus_answers import STARTUP_SECONDS, Prometheus
from exporter.monitoring.check.rules import LoadedGroup, different, seconds_of
from exporter.monitoring.check.scraping import Scraping
from exporter.monitoring.check.sending import SCRAPE_ITSELF, Sending
from exporter.monitoring.check.sent_alerts import WATCHDOG
from exporter.monitoring.check.server_client import NotServedError, Question, ServerClient, ask
from exporter.monitoring.hurry import divided
from exporter.support.redaction import sanitized

_LOAD: Final = "load the files that `monitoring render` wrote and reload Prometheus"
_LATE: Final = 2.5  # intervals: one evaluation may be under way, and one scrape of the clock
_RESTORING: Final = 240.0
"""Seconds for which Prometheus writes no alerts: for two evaluations after a start it looks for those that it had."""


async def check_prometheus(server: ServerClient, wanted: PrometheusNeeds) -> list[Check]:
    """Ask a Prometheus whether it carries the bundle."""
    prometheus = Prometheus(server)
    asked, scraping, sending = _Asked(prometheus, wanted), Scraping(prometheus, wanted), Sending(prometheus, wanted)
    return await ask(
        server,
        Question("answers", asked.answers),
        [
            Question("rules loaded", asked.loaded),
            Question("rules equal", asked.equal),
            Question("rules healthy", asked.healthy),
            Question("rules evaluated", asked.evaluated),
            Question("job scraped", scraping.scraped),
            Question("scraped once", scraping.once),
            Question("labels kept", scraping.labels),
            Question("families kept", scraping.families),
            Question("shards complete", scraping.shards),
            Question("windows", scraping.windows),
            Question("retention", asked.retention),
            Question("ALERTS written", asked.written),
            Question("Watchdog fires", asked.heart),
            Question("scrapes itself", asked.itself),
            Question("knows Alertmanager", sending.knows),
            Question("changes no alert", sending.alerts),
            Question("delivers alerts", sending.delivers),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    prometheus: Prometheus
    wanted: PrometheusNeeds

    async def answers(self) -> CheckResult:
        await self.prometheus.now()
        try:
            return ok(f"version {sanitized(await self.prometheus.version(), 40)}")
        except NotServedError:
            return ok("it does not say its version")

    async def _ours(self) -> dict[str, LoadedGroup]:
        wanted = {group.name for group in self.wanted.groups}
        return {group.name: group for group in await self.prometheus.groups() if group.name in wanted}

    async def loaded(self) -> CheckResult:
        times = Counter(group.name for group in await self.prometheus.groups())
        absent = [group.name for group in self.wanted.groups if not times[group.name]]
        twice = [group.name for group in self.wanted.groups if times[group.name] > 1]
        if absent:
            return missing(f"{len(absent)} of {len(self.wanted.groups)} groups are not loaded: {some(absent)}", _LOAD)
        if twice:
            return missing(f"loaded more than once: {some(twice)}", "load only one copy: two copies record every series twice")
        return ok(f"{sum(len(group.rules) for group in self.wanted.groups)} rules in {len(self.wanted.groups)} groups")

    async def equal(self) -> CheckResult:
        found, compared = await different(self.wanted.groups, await self._ours(), self.prometheus.formatted)
        if found:
            fix = f"{_LOAD}; give this check the --config.file, --monitoring.file, --job and --slo that render had"
            return missing(f"{len(found)} differ: {sanitized(some(found), 400)}", fix)
        if not compared:
            return missing("none is loaded", _LOAD)
        return ok(f"{compared} are those of this render")

    async def healthy(self) -> CheckResult:
        rules = [rule for group in (await self._ours()).values() for rule in group.rules]
        waiting = sum(rule.health == "unknown" for rule in rules)
        if ill := [rule for rule in rules if rule.health == "err" or rule.last_error]:
            said = sanitized(f"{ill[0].name}: {ill[0].last_error}", 300)
            return missing(
                f"{len(ill)} of {len(rules)} fail, {said}",
                "read the error on the page Rules; see the runbook BookingSyncRuleFailures",
            )
        if waiting:
            return unknown(f"{waiting} of {len(rules)} have not been evaluated yet", again(_LATE * SLOWEST_SCRAPE))
        return ok(f"none of {len(rules)} fails") if rules else missing("none is loaded", _LOAD)

    async def evaluated(self) -> CheckResult:
        now, groups = await self.prometheus.now(), await self._ours()
        began = await self.prometheus.began()
        late, waiting = [], 0
        for name, group in groups.items():
            last = moment(group.last_evaluation)
            waiting += last is None
            if now - (began if last is None else last) > _LATE * max(group.interval, SLOWEST_SCRAPE):
                late.append(name)
        if late:
            return missing(f"long ago or never: {some(late)}", "give Prometheus more CPU, or look why its rules stand still")
        if slow := [f"{name} ({group.evaluation_time:.3g} s)" for name, group in groups.items() if _is_slow(group)]:
            return missing(f"longer than their interval: {some(slow)}", "give Prometheus more CPU; docs/rules-price.md")
        if not groups:
            return missing("none is loaded", _LOAD)
        if waiting:
            return unknown(f"{waiting} of {len(groups)} have not been evaluated yet", again(_LATE * SLOWEST_SCRAPE))
        return ok("all in time")

    async def retention(self) -> CheckResult:
        kept = (await self.prometheus.runtime()).storage_retention
        parts = kept.split(" or ")
        times = [seconds for part in parts if (seconds := seconds_of(part)) is not None]
        longest = divided(f"{LOOK_BACKS[-1][0]}d", self.wanted.hurry)
        if times and (lost := [what for seconds, what in self.wanted.look_backs if seconds > min(times)]):
            return missing(
                f"{sanitized(kept, 40)} is too short for {', '.join(lost)}",
                f"set --storage.tsdb.retention.time={longest} or longer",
            )
        if len(times) < len(parts):
            return unknown(
                f"{sanitized(kept, 40)}: the size decides",
                f"keep `time() - prometheus_tsdb_lowest_timestamp_seconds` above {longest}",
            )
        return ok(sanitized(kept, 40))

    async def written(self) -> CheckResult:
        absent = [
            name
            for name in ("ALERTS", "ALERTS_FOR_STATE")
            if await self.prometheus.number(f'count({name}{{alertname="Watchdog"}})') is None
        ]
        if absent and await self.prometheus.is_young(_RESTORING):
            return unknown("not yet, so soon after a start or a reload", again(_RESTORING))
        if absent:
            return missing(
                f"no {' and no '.join(absent)} of Watchdog: tables of alerts stay empty",
                "load the rules; with vmalert set -remoteWrite.url",
            )
        return ok("ALERTS and ALERTS_FOR_STATE")

    async def heart(self) -> CheckResult:
        rules = [rule for group in (await self._ours()).values() for rule in group.rules if rule.name == WATCHDOG]
        states = {rule.state for rule in rules}
        if "firing" in states:
            return ok("firing")
        if any(rule.health == "unknown" for rule in rules) and await self.prometheus.is_young(_LATE * SLOWEST_SCRAPE):
            return unknown("it has not been evaluated yet", again(_LATE * SLOWEST_SCRAPE))
        return missing("it is not firing" if states else "it is not loaded", _LOAD)

    async def itself(self) -> CheckResult:
        names = "|".join(group.name for group in self.wanted.groups)
        found = await self.prometheus.number(f'count(prometheus_rule_evaluation_failures_total{{rule_group=~".*;({names})"}})')
        if found is None and await self.prometheus.is_young(STARTUP_SECONDS):
            return unknown("not yet, so soon after a start", again(STARTUP_SECONDS))
        if found is None:
            return missing("it does not: BookingSyncRuleFailures never comes", SCRAPE_ITSELF)
        return ok(f"it counts failures of {found:g} groups")


def _is_slow(group: LoadedGroup) -> bool:
    return 0 < group.interval < group.evaluation_time
