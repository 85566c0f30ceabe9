"""Asks a Prometheus for what the bundle needs of it: rules, scraping, retention, the way to Alertmanager."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.monitoring.check.asking import NotServedError, Question, Server, ask
from exporter.monitoring.check.outcome import Check, Seen, missing, ok, some, unknown
from exporter.monitoring.check.prometheus_answers import Prometheus, Target, matching, moment, place
from exporter.monitoring.check.rules import LoadedGroup, WantedGroup, different, seconds_of
from exporter.monitoring.hurry import divided
from exporter.monitoring.promql import TENANT_LABELS
from exporter.support.redaction import told

SLOWEST_SCRAPE: Final = 60.0
"""Seconds between two scrapes with which one failed scrape changes nothing (see ``promql.RECENT``)."""

LOOK_BACKS: Final = ((8, "comparisons with last week"), (22, "BookingSyncIntakeSilent"), (31, "the average of 30 days"))
"""Days of data that are looked back over, and by what; a day more than the ranges, for what a range is made of."""

_DAY: Final = 86_400
_LOAD: Final = "load the files that `monitoring render` wrote and reload Prometheus"
_SELF: Final = "let Prometheus scrape itself, as the rendered prometheus.yml does"
_LATE: Final = 2.5  # intervals: one evaluation may be under way, and one scrape of the clock
_RESTORING: Final = 240.0
"""Seconds for which Prometheus writes no alerts: for two evaluations after a start it looks for those that it had."""
_WINDOWS: Final = ("next_24h", "next_7d")


@dataclass(frozen=True, slots=True)
class Wanted:
    """What this render wants of a Prometheus."""

    jobs: Sequence[str]
    groups: Sequence[WantedGroup]
    cluster_label: str = "cluster"
    hurry: int = 1

    @property
    def places(self) -> tuple[str, ...]:
        """The labels that tell installations apart."""
        return (self.cluster_label, *TENANT_LABELS[1:])

    @property
    def slowest_scrape(self) -> float:
        """The most seconds between two scrapes, in divided time as the ranges of the rules are."""
        return SLOWEST_SCRAPE / self.hurry

    @property
    def look_backs(self) -> Sequence[tuple[float, str]]:
        """Seconds of data that are looked back over, and by what; of an alert only where there is one."""
        names = {rule.name for group in self.groups for rule in group.rules}
        return [
            (days * _DAY / self.hurry, what) for days, what in LOOK_BACKS if what in names or not what.startswith("BookingSync")
        ]


async def check_prometheus(server: Server, wanted: Wanted) -> list[Check]:
    """Ask a Prometheus whether it carries the bundle."""
    asked = _Asked(Prometheus(server), wanted)
    return await ask(
        server,
        Question("answers", asked.answers),
        [
            Question("rules loaded", asked.loaded),
            Question("rules equal", asked.equal),
            Question("rules healthy", asked.healthy),
            Question("rules evaluated", asked.evaluated),
            Question("job scraped", asked.scraped),
            Question("labels kept", asked.labels),
            Question("shards complete", asked.shards),
            Question("windows", asked.windows),
            Question("retention", asked.retention),
            Question("ALERTS written", asked.written),
            Question("Watchdog fires", asked.heart),
            Question("scrapes itself", asked.itself),
            Question("knows Alertmanager", asked.knows),
            Question("delivers alerts", asked.delivers),
        ],
    )


@dataclass(frozen=True, slots=True)
class _Asked:
    prometheus: Prometheus
    wanted: Wanted

    async def answers(self) -> Seen:
        await self.prometheus.now()
        try:
            return ok(f"version {told(await self.prometheus.version(), 40)}")
        except NotServedError:
            return ok("it does not say its version")

    async def _ours(self) -> dict[str, LoadedGroup]:
        wanted = {group.name for group in self.wanted.groups}
        return {group.name: group for group in await self.prometheus.groups() if group.name in wanted}

    async def loaded(self) -> Seen:
        times = Counter(group.name for group in await self.prometheus.groups())
        absent = [group.name for group in self.wanted.groups if not times[group.name]]
        twice = [group.name for group in self.wanted.groups if times[group.name] > 1]
        if absent:
            return missing(f"{len(absent)} of {len(self.wanted.groups)} groups are not loaded: {some(absent)}", _LOAD)
        if twice:
            return missing(f"loaded more than once: {some(twice)}", "load one copy: two record every series twice")
        return ok(f"{sum(len(group.rules) for group in self.wanted.groups)} rules in {len(times)} groups")

    async def equal(self) -> Seen:
        found, compared = await different(self.wanted.groups, await self._ours(), self.prometheus.formatted)
        if found:
            fix = f"{_LOAD}; give this check the --config.file, --monitoring.file, --job and --slo that render had"
            return missing(f"{len(found)} differ: {told(some(found), 400)}", fix)
        if not compared:
            return missing("none is loaded", _LOAD)
        return ok(f"{compared} are those of this render")

    async def healthy(self) -> Seen:
        rules = [rule for group in (await self._ours()).values() for rule in group.rules]
        if ill := [rule for rule in rules if rule.health == "err" or rule.last_error]:
            said = told(f"{ill[0].name}: {ill[0].last_error}", 300)
            return missing(
                f"{len(ill)} of {len(rules)} fail, {said}", "read the error; see the runbook BookingSyncRuleFailures"
            )
        return ok(f"none of {len(rules)} fails") if rules else missing("none is loaded", _LOAD)

    async def evaluated(self) -> Seen:
        now, groups = await self.prometheus.now(), await self._ours()
        began = await self._began()
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
        return ok("all in time" + (f", and {waiting} to be for the first time" if waiting else ""))

    async def _began(self) -> float:
        """Return when the rules were loaded at the latest; 0 where nobody knows."""
        try:
            runtime = await self.prometheus.runtime()
        except NotServedError:
            return 0.0
        return max(moment(runtime.start_time) or 0, moment(runtime.last_config_time) or 0)

    async def scraped(self) -> Seen:
        try:
            targets = [target for target in await self.prometheus.targets() if target.labels.get("job") in self.wanted.jobs]
        except NotServedError:
            up = await self.prometheus.query(f"up{matching(self.wanted.jobs)}")
            targets = [Target(sample.metric, "up" if sample.number else "down") for sample in up]
        there = {target.labels.get("job") for target in targets}
        if absent := [job for job in self.wanted.jobs if job not in there]:
            return await self._no_job(absent[0])
        down = [target for target in targets if target.health == "down"]
        if down:
            said = told(f"{_instance(down[0])}: {down[0].last_error}", 300)
            return missing(
                f"{len(down)} of {len(targets)} are down, {said}", "start it, or correct its address in scrape_configs"
            )
        most = self.wanted.slowest_scrape
        slow = [_instance(target) for target in targets if (seconds_of(target.scrape_interval) or 0) > most]
        if slow:
            return missing(f"less often than every {most:g} s: {told(some(slow))}", f"set scrape_interval to {most:g}s or less")
        return ok(f"{len(targets)} up{_told_places([target.labels for target in targets], self.wanted.places)}")

    async def _no_job(self, job: str) -> Seen:
        others = sorted(
            {sample.metric.get("job", "") for sample in await self.prometheus.query("count by (job) (booking_sync_ready)")}
            - set(self.wanted.jobs)
        )
        if others:
            return missing(
                f"no target in job {job}, but exporters in {told(some(others))}",
                "render again with `--job` and give it here, too, or rename the job in scrape_configs",
            )
        return missing(f"no target in job {job}", "add the job of the rendered prometheus.yml to scrape_configs")

    async def labels(self) -> Seen:
        renamed = [
            name
            for name in ("target", "platform", "collector")
            if await self.prometheus.number(
                f'count(booking_sync_collector_up{matching(self.wanted.jobs)[:-1]},exported_{name}!=""}})'
            )
        ]
        if renamed:
            return missing(
                f"a label of Prometheus took the place of the exporter's {', '.join(renamed)}",
                "take it from the job (relabel_configs, targetLabels), or set honor_labels: true",
            )
        found = await self.prometheus.number(f"count(booking_sync_collector_up{matching(self.wanted.jobs)})")
        if not found:
            return missing("the job has no series of a target", "look at the exporter's board: has it targets, is it ready?")
        return ok(f"none is renamed in {found:g} series of collectors")

    async def shards(self) -> Seen:
        here, places = matching(self.wanted.jobs), (*self.wanted.places, "job")
        by = ", ".join(places)
        wanted: dict[tuple[str, ...], float] = {}
        for sample in await self.prometheus.query(f"max by ({by}) (booking_sync_shards{here})"):
            wanted[place(sample.metric, places)] = sample.number
        present = Counter(
            place(sample.metric, places)
            for sample in await self.prometheus.query(f"count by ({by}, shard) (booking_sync_shard_info{here})")
        )
        if not wanted:
            return missing("no exporter says its shard", "see job scraped")
        if any(present[where] < number for where, number in wanted.items()):
            there = sum(min(present[where], number) for where, number in wanted.items())
            text = f"{there:g} of {sum(wanted.values()):g} answer"
            return missing(text, "start the missing ones; see the runbook BookingSyncShardMissing")
        return ok(f"{sum(wanted.values()):g} of {sum(wanted.values()):g}")

    async def windows(self) -> Seen:
        here = self.wanted.jobs
        without = await self.prometheus.number(f"max(booking_sync_config_warnings{matching(here, kind='window_missing')})")
        ends = f"booking_sync_window_end_timestamp_seconds{matching(here, collector='bookings')}"
        seen = {sample.metric.get("window", "") for sample in await self.prometheus.query(f"count by (window) ({ends})")}
        if without:
            return missing(
                f"{without:g} targets read bookings without next_24h or next_7d",
                "add the windows to exporter.yml; `check-config` names the targets",
            )
        if without is None:
            return missing("no exporter says what it was configured for", "see job scraped")
        if there := [window for window in _WINDOWS if window in seen]:
            return ok(", ".join(there))
        return ok("no target reads bookings, or none has yet")

    async def retention(self) -> Seen:
        kept = (await self.prometheus.runtime()).storage_retention
        parts = kept.split(" or ")
        times = [seconds for part in parts if (seconds := seconds_of(part)) is not None]
        longest = divided(f"{LOOK_BACKS[-1][0]}d", self.wanted.hurry)
        if times and (lost := [what for seconds, what in self.wanted.look_backs if seconds > min(times)]):
            return missing(
                f"{told(kept, 40)} is too short for {', '.join(lost)}",
                f"set --storage.tsdb.retention.time={longest} or longer",
            )
        if len(times) < len(parts):
            return unknown(
                f"{told(kept, 40)}: the size decides",
                f"keep `time() - prometheus_tsdb_lowest_timestamp_seconds` above {longest}",
            )
        return ok(told(kept, 40))

    async def written(self) -> Seen:
        absent = [
            name
            for name in ("ALERTS", "ALERTS_FOR_STATE")
            if await self.prometheus.number(f'count({name}{{alertname="Watchdog"}})') is None
        ]
        if absent and await self.prometheus.now() - await self._began() < _RESTORING:
            return unknown("not yet, so soon after a start or a reload", f"ask again in {_RESTORING:g} seconds")
        if absent:
            return missing(
                f"no {' and no '.join(absent)} of Watchdog: tables of alerts stay empty",
                "load the rules; with vmalert set -remoteWrite.url",
            )
        return ok("ALERTS and ALERTS_FOR_STATE")

    async def heart(self) -> Seen:
        states = [rule.state for group in (await self._ours()).values() for rule in group.rules if rule.name == "Watchdog"]
        if "firing" in states:
            return ok("firing")
        return missing("it is not firing" if states else "it is not loaded", _LOAD)

    async def itself(self) -> Seen:
        found = await self.prometheus.number('count(prometheus_rule_evaluation_failures_total{rule_group=~".*booking-sync.*"})')
        if found is None:
            return missing("it does not: BookingSyncRuleFailures never comes", _SELF)
        return ok(f"it counts failures of {found:g} groups")

    async def knows(self) -> Seen:
        count = await self.prometheus.alertmanagers()
        return ok(str(count)) if count else missing("none: no message is ever sent", "name it in prometheus.yml under alerting")

    async def delivers(self) -> Seen:
        lost = {
            name: await self.prometheus.number(f"sum(increase(prometheus_notifications_{name}_total[10m]))")
            for name in ("errors", "dropped")
        }
        if all(number is None for number in lost.values()):
            return unknown("it does not scrape itself, or has for less than two scrapes", _SELF)
        if any(lost.values()):
            text = ", ".join(f"{number:.0f} {name}" for name, number in lost.items() if number)
            return missing(f"within 10 minutes {text}", "look into Prometheus' log: is Alertmanager up, is the password right?")
        return ok("nothing lost within 10 minutes")


def _is_slow(group: LoadedGroup) -> bool:
    return 0 < group.interval < group.evaluation_time


def _instance(target: Target) -> str:
    return target.labels.get("instance", "")


def _told_places(labels: Sequence[Mapping[str, str]], names: Sequence[str]) -> str:
    """Return the labels that tell installations apart, as far as there are any."""
    places = sorted({f"{name}={label[name]}" for label in labels for name in names if name in label})
    return f" ({told(some(places), 120)})" if places else ""
