"""Asks a Prometheus how it scrapes the exporters: all of them, once, with their labels and their families."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.monitoring.check import prometheus_config as configs
from exporter.monitoring.check.needs import PrometheusNeeds
from exporter.monitoring.check.outcome import CheckResult, again, missing, ok, some, unknown
from exporter.monitoring.check.prometheus_answers import STARTUP_SECONDS, Prometheus, ScrapeTarget, matching, place
from exporter.monitoring.check.rules import seconds_of
from exporter.monitoring.check.server_client import NotServedError
from exporter.support.redaction import sanitized

_SEE: Final = "see job scraped"
_WINDOWS: Final = ("next_24h", "next_7d")


@dataclass(frozen=True, slots=True)
class Scraping:
    """The questions, one method each."""

    prometheus: Prometheus
    wanted: PrometheusNeeds

    async def scraped(self) -> CheckResult:
        """Return whether all exporters answer scrapes."""
        try:
            targets = await self._targets()
        except NotServedError:
            up = await self.prometheus.query(f"up{matching(self.wanted.jobs)}")
            targets = [ScrapeTarget(sample.metric, "up" if sample.number else "down") for sample in up]
        there = {target.labels.get("job") for target in targets}
        if absent := [job for job in self.wanted.jobs if job not in there]:
            return await self._no_job(absent[0])
        down = [target for target in targets if target.health == "down"]
        if down:
            said = sanitized(f"{_instance(down[0])}: {down[0].last_error}", 300)
            return missing(
                f"{len(down)} of {len(targets)} are down, {said}", "start it, or correct its address in scrape_configs"
            )
        if waiting := sum(target.health == "unknown" for target in targets):
            return unknown(f"{waiting} of {len(targets)} have not been scraped yet", again(STARTUP_SECONDS))
        most = self.wanted.slowest_scrape
        slow = [_instance(target) for target in targets if (seconds_of(target.scrape_interval) or 0) > most]
        if slow:
            return missing(
                f"less often than every {most:g} s: {sanitized(some(slow))}", f"set scrape_interval to {most:g}s or less"
            )
        return ok(f"{len(targets)} up{_told_places([target.labels for target in targets], self.wanted.places)}")

    async def _targets(self) -> list[ScrapeTarget]:
        return [target for target in await self.prometheus.targets() if target.labels.get("job") in self.wanted.jobs]

    async def once(self) -> CheckResult:
        """Return whether each exporter is scraped by one job only."""
        ours = {target.scrape_url for target in await self._targets() if target.scrape_url}
        if not ours:
            return unknown("no target of the job is known", _SEE)
        pools: dict[str, list[str]] = {}
        for target in await self.prometheus.targets():
            if target.scrape_url in ours:
                pools.setdefault(target.scrape_url, []).append(target.scrape_pool or target.labels.get("job", ""))
        if twice := {url: names for url, names in pools.items() if len(names) > 1}:
            url, names = next(iter(twice.items()))
            where, _, _ = url.partition("?")  # what follows may be what it signs in with
            return missing(
                f"{len(twice)} of {len(pools)} are scraped more than once, {sanitized(where, 120)} by "
                f"{sanitized(some(sorted(names)))}",
                "keep it in one job only: rules and boards count it twice",
            )
        return ok(f"each of {len(pools)}")

    async def families(self) -> CheckResult:
        """Return whether the scrapes keep all families that rules read."""
        jobs = {target.scrape_pool: target.labels["job"] for target in await self._targets()}
        if not jobs:
            return unknown("no target of the job is known", _SEE)
        names = configs.families(self.wanted.groups)
        if lost := configs.dropped_families(configs.parsed(await self.prometheus.config()), jobs, names):
            return missing(
                f"metric_relabel_configs drop {len(lost)} of {len(names)} that rules read: {sanitized(some(list(lost)))}",
                "keep these metrics: without them their alerts never fire",
            )
        return ok(f"none of {len(names)} that rules read is dropped")

    async def _no_job(self, job: str) -> CheckResult:
        others = sorted(
            {sample.metric.get("job", "") for sample in await self.prometheus.query("count by (job) (booking_sync_ready)")}
            - set(self.wanted.jobs)
        )
        if others:
            return missing(
                f"no target in job {job}, but exporters in {sanitized(some(others))}",
                "render again with `--job` and give it here, too, or rename the job in scrape_configs",
            )
        return await self._absent(f"no target in job {job}", "add the job of the rendered prometheus.yml to scrape_configs")

    async def labels(self) -> CheckResult:
        """Return whether the targets have the labels that rules go by."""
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
            return await self._absent(
                "the job has no series of a target", "see the exporter's board: has it targets, is it ready?"
            )
        return ok(f"none is renamed in {found:g} series of collectors")

    async def shards(self) -> CheckResult:
        """Return whether every shard is scraped."""
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
            return await self._absent("no exporter says its shard", _SEE)
        if any(present[where] < number for where, number in wanted.items()):
            there = sum(min(present[where], number) for where, number in wanted.items())
            text = f"{there:g} of {sum(wanted.values()):g} answer"
            return missing(text, "start the missing ones; see the runbook BookingSyncShardMissing")
        return ok(f"{sum(wanted.values()):g} of {sum(wanted.values()):g}")

    async def windows(self) -> CheckResult:
        """Return whether the windows that alerts read are there."""
        here = self.wanted.jobs
        without = await self.prometheus.number(f"max(booking_sync_config_warnings{matching(here, kind='window_missing')})")
        ends = f"booking_sync_window_end_timestamp_seconds{matching(here, collector='bookings')}"
        seen = {sample.metric.get("window", "") for sample in await self.prometheus.query(f"count by (window) ({ends})")}
        if without:
            return missing(
                f"{without:g} {'target reads' if without == 1 else 'targets read'} bookings without next_24h or next_7d",
                "add the windows to exporter.yml; `check-config` names the targets",
            )
        if without is None:
            return await self._absent("no exporter says what it was configured for", _SEE)
        if there := [window for window in _WINDOWS if window in seen]:
            return ok(", ".join(there))
        return ok("no target reads bookings, or none has yet")

    async def _absent(self, text: str, fix: str) -> CheckResult:
        """Say that series are not there, which nobody can know before the first scrapes."""
        if await self.prometheus.is_young(STARTUP_SECONDS):
            return unknown(f"not yet, so soon after a start or a reload: {text}", again(STARTUP_SECONDS))
        return missing(text, fix)


def _instance(target: ScrapeTarget) -> str:
    return target.labels.get("instance", "")


def _told_places(labels: Sequence[Mapping[str, str]], names: Sequence[str]) -> str:
    """Return the labels that tell installations apart, as far as there are any."""
    places = sorted({f"{name}={label[name]}" for label in labels for name in names if name in label})
    return f" ({sanitized(some(places), 120)})" if places else ""
