"""A Prometheus, an Alertmanager and what they talk to, as `monitoring check` finds them: with the bundle, or with nothing."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import httpx

from exporter.monitoring import Options
from exporter.monitoring.check import Check, ServerClient, Timeouts, check_bundle
from tests.monitoring.inboxes import inboxes
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.pages import pages
from tests.monitoring.rendered_files import files
from tests.monitoring.scaled import scaled_groups
from tests.monitoring.servers import alertmanager, prometheus

FASTER = 60
RULES = ("config/prometheus/recording.rules.yml", "config/prometheus/alerting.rules.yml")
JOB = Options().jobs[0]


def bundle(options: Options | None = None) -> dict[str, str]:
    """Return the files of a render, by default of the default one, the rules in divided time."""
    found = files(options or Options())
    return {name: _in_divided_time(text) if name in RULES else text for name, text in found.items()}


@cache
def _in_divided_time(rules: str) -> str:
    return safe_dump({"groups": scaled_groups(safe_load(rules)["groups"], FASTER, "1s")})


def exporter_page(_: str = "") -> bytes:
    """Return as much of an exporter's page as is asked for: one target, one shard, its windows."""
    target = 'target="salon",platform="wix",collector="bookings"'
    ends = [
        f'booking_sync_window_end_timestamp_seconds{{{target},window="{name}"}} {time.time():.0f}'
        for name in ("next_24h", "next_7d")
    ]
    rows = [
        f"booking_sync_time_seconds {time.time()}",
        "booking_sync_ready 1",
        "booking_sync_shards 1",
        'booking_sync_shard_info{shard="0"} 1',
        'booking_sync_config_warnings{kind="window_missing"} 0',
        f"booking_sync_collector_up{{{target}}} 1",
        *ends,
    ]
    return ("\n".join(rows) + "\n").encode()


def scrape(job: str, address: str) -> dict[str, Any]:
    """Return a scrape job."""
    return {"job_name": job, "static_configs": [{"targets": [address]}]}


@dataclass
class Stack:
    """The addresses of a running Prometheus and Alertmanager, and of a Grafana if there is one."""

    prometheus: str = ""
    alertmanager: str = ""
    grafana: str = ""
    wanted: dict[str, str] = field(default_factory=bundle)

    def checks(
        self,
        *,
        options: Options | None = None,
        changed: Mapping[str, str] | None = None,
        timeouts: Timeouts | None = None,
        now: Callable[[], float] = time.time,
    ) -> dict[str, Check]:
        """Return what is found, by ``SERVER NAME``."""
        wanted = {**self.wanted, **(changed or {})}

        async def ask() -> list[Check]:
            async with httpx.AsyncClient(timeout=60, trust_env=False) as client:
                servers = {
                    kind.lower(): ServerClient(kind, client, httpx.URL(address), timeouts or Timeouts()) if address else None
                    for kind, address in (
                        ("Prometheus", self.prometheus),
                        ("Alertmanager", self.alertmanager),
                        ("Grafana", self.grafana),
                    )
                }
                return await check_bundle(options or Options(), wanted, now=now, **servers)

        return {f"{check.server} {check.name}": check for check in asyncio.run(ask())}


def not_ok(found: Mapping[str, Check]) -> dict[str, str]:
    """Return what is not ok, in a form that a failing test shows."""
    return {name: f"{check.state.value}: {check.seen}" for name, check in found.items() if check.state != "ok"}


@contextmanager
def healthy(directory: Path) -> Iterator[Stack]:
    """Run the whole bundle, with real addresses behind the receivers."""
    stack = Stack()
    for name in RULES:
        (directory / Path(name).name).write_text(stack.wanted[name])
    with (
        inboxes(directory, stack.wanted["config/alertmanager/alertmanager.yml"].replace("example.org", "salon.invalid")) as (
            client,
            _,
        ),
        pages(exporter_page) as exporter,
    ):
        inbox = client.base_url.netloc.decode()
        config = {
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [Path(name).name for name in RULES],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [inbox]}]}]},
            "scrape_configs": [scrape(JOB, exporter), scrape("alertmanager", inbox)],
        }
        with _prometheus(directory, config, "--storage.tsdb.retention.time=31d", "--rules.alert.resend-delay=1s") as address:
            stack.prometheus, stack.alertmanager = address, f"http://{inbox}"
            yield stack


@contextmanager
def bare(directory: Path, *, shipped: bool = False, demo: bool = False) -> Iterator[Stack]:
    """Run both servers with nothing of the bundle, or Alertmanager with what is rendered (``demo``: that reaches nobody)."""
    stack = Stack()
    file = directory / "alertmanager.yml"
    name = "alertmanager.demo.yml" if demo else "alertmanager.yml"
    text = stack.wanted[f"config/alertmanager/{name}"]
    file.write_text(text if shipped else safe_dump({"route": {"receiver": "nobody"}, "receivers": [{"name": "nobody"}]}))
    config = {"global": {"scrape_interval": "1s"}, "scrape_configs": [scrape(JOB, "127.0.0.1:1")]}
    with alertmanager(directory, file) as inbox, prometheus(directory, safe_dump(config)) as client:
        stack.prometheus, stack.alertmanager = str(client.base_url), str(inbox.base_url)
        yield stack


@contextmanager
def _prometheus(directory: Path, config: dict[str, Any], *arguments: str) -> Iterator[str]:
    """Run a Prometheus that scrapes itself at an address that it can only know when it runs: a file of targets says it."""
    own = directory / "own.json"
    own.write_text("[]")
    config["scrape_configs"].append(
        {"job_name": "prometheus", "file_sd_configs": [{"files": [str(own)], "refresh_interval": "1s"}]}
    )
    with prometheus(directory, safe_dump(config), *arguments) as client:
        address = client.base_url.netloc.decode()
        own.write_text(f'[{{"targets": ["{address}"]}}]')
        yield f"http://{address}"
