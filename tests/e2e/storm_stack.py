"""A fleet, its exporter, Prometheus, Alertmanager and an inbox, all of them as many times faster than life.

Exporter and platforms live on a fast clock (``fast_clock``), so that nothing of theirs is changed: intervals, back-offs, ages
and the seconds that rules compare them with. The durations of rules and routes, the grid of scrapes and evaluations with them,
are divided.
"""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.monitoring.hurry import divided, divided_expression
from exporter.simulator import Simulator
from tests.e2e.fast_clock import FASTER_ENV, STARTED_ENV, FastClock
from tests.e2e.paging_stack import JOB, Inbox, delivered_to, exporting, served
from tests.e2e.storm_fleet import build, configuration
from tests.monitoring.bundle import ROOT
from tests.monitoring.routes import every_route
from tests.monitoring.servers import alertmanager, prometheus, wait_for

BUNDLE: Final = ROOT / "config"
RESEND_SECONDS: Final = 2.5
# They hold our clock against Prometheus', and the machine against its work: of both we ask too much.
_OF_THE_MACHINE: Final = {
    "BookingSyncClockSkewed",
    "BookingSyncExporterSlow",
    "BookingSyncPollsLate",
    "BookingSyncScrapesFailing",
}
_DEFAULT_WAITS: Final = {"group_wait": "30s", "group_interval": "5m", "repeat_interval": "4h"}
_ALL_CLEARS: Final = {"pagerduty_configs": True, "webhook_configs": True, "email_configs": False, "slack_configs": False}
"""Whether a receiver of that kind sends all-clears where its configuration says nothing."""


@dataclass(frozen=True)
class Notice:
    """A message: when it came (monotonic), to whom, of which group, and (alert name, target) of what fires in it."""

    at: float
    receiver: str
    group: str
    alerts: tuple[tuple[str, str], ...]


@dataclass
class Mailbox(Inbox):
    """An inbox that knows when a message came."""

    notices: list[Notice] = field(default_factory=list)

    def take(self, receiver: str, message: dict[str, Any]) -> None:
        alerts = tuple(
            (alert["labels"]["alertname"], alert["labels"].get("target", ""))
            for alert in message["alerts"]
            if alert["status"] == "firing"
        )
        self.notices.append(Notice(time.monotonic(), receiver, message["groupKey"], alerts))


@dataclass(frozen=True)
class StormStack:
    """The running stack; ``faster`` than life."""

    simulator: Simulator
    prometheus: httpx.Client
    mailbox: Mailbox
    faster: float

    def sleep(self, minutes: float) -> None:
        """Let minutes of the exporter's time pass."""
        time.sleep(minutes * 60 / self.faster)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant result of a query."""
        return self._ask("query", query=expression)

    def firing(self) -> list[dict[str, str]]:
        """Return the labels of all that fires, but the heartbeat."""
        return [row["metric"] for row in self.query('ALERTS{alertstate="firing",alertname!="Watchdog"}')]

    def fired(self, began: float, ended: float) -> list[dict[str, Any]]:
        """Return what fired between two Unix moments, a value for each minute of the exporter's time."""
        return self._ask(
            "query_range",
            query='ALERTS{alertstate="firing",alertname!="Watchdog"}',
            start=str(began),
            end=str(ended),
            step=str(60 / self.faster),
        )

    def _ask(self, way: str, **parameters: str) -> list[dict[str, Any]]:
        answer = self.prometheus.post(f"/api/v1/{way}", data=parameters).json()
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result


@contextmanager
def storm_stack(directory: Path, sites: int, faster: float, bundle: Path = BUNDLE) -> Iterator[StormStack]:
    """Run everything with the rules and routes of ``bundle``; gives the stack once all is well and nothing fires."""
    started, mailbox = time.time(), Mailbox()
    simulator = Simulator(FastClock(faster=faster, started=started), build=partial(build, sites))
    with ExitStack() as stack:
        origin = stack.enter_context(served(simulator))
        config = configuration(simulator, origin, directory)
        exporter = stack.enter_context(_exporter(directory, config, faster, started))
        inbox_url = stack.enter_context(delivered_to(mailbox))
        manager = stack.enter_context(alertmanager(directory, _routes(directory, bundle, faster, inbox_url)))
        server = stack.enter_context(
            prometheus(
                directory,
                _scraping(directory, bundle, faster, exporter, str(manager.base_url)),
                f"--rules.alert.resend-delay={RESEND_SECONDS * 1000:.0f}ms",
                f"--query.lookback-delta={divided('5m', faster)}",
            )
        )
        running = StormStack(simulator, server, mailbox, faster)
        wait_for("a ready exporter", lambda: running.query("booking_sync_ready == 1"), 120)
        wait_for("a known Alertmanager", lambda: server.get("/api/v1/alertmanagers").json()["data"]["activeAlertmanagers"])
        wait_for("silence", lambda: not running.query('ALERTS{alertname!="Watchdog"}'), 120)
        yield running


@contextmanager
def _exporter(directory: Path, config: dict[str, Any], faster: float, started: float) -> Iterator[str]:
    file = directory / "exporter.yml"
    file.write_text(yaml.safe_dump(config))
    with exporting("tests.e2e.fast_exporter", file, {FASTER_ENV: str(faster), STARTED_ENV: str(started)}) as address:
        yield address


def _routes(directory: Path, bundle: Path, faster: float, inbox_url: str) -> Path:
    """Return the routes of the bundle in divided time; every receiver is our inbox."""
    config = yaml.safe_load((bundle / "alertmanager" / "alertmanager.yml").read_text())
    config["route"] = {**_DEFAULT_WAITS, **config["route"]}
    for route in every_route(config):
        route |= {key: divided(route[key], faster) for key in _DEFAULT_WAITS if key in route}
    config["receivers"] = [_to_the_inbox(receiver, inbox_url) for receiver in config["receivers"]]
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump({key: config[key] for key in ("route", "inhibit_rules", "receivers")}))
    return file


def _to_the_inbox(receiver: dict[str, Any], inbox_url: str) -> dict[str, Any]:
    clears = [one.get("send_resolved", default) for kind, default in _ALL_CLEARS.items() for one in receiver.get(kind, [])]
    if not clears:
        return receiver
    ours = {"url": f"{inbox_url}/{receiver['name']}", "send_resolved": any(clears)}
    return {"name": receiver["name"], "webhook_configs": [ours]}


def _scraping(directory: Path, bundle: Path, faster: float, exporter: str, manager: str) -> str:
    groups = [
        {
            **group,
            "interval": divided(group.get("interval", "1m"), faster),
            "rules": [_divided(rule, faster) for rule in group["rules"] if rule.get("alert") not in _OF_THE_MACHINE],
        }
        for name in ("recording", "alerting")
        for group in yaml.safe_load((bundle / "prometheus" / f"{name}.rules.yml").read_text())["groups"]
    ]
    (directory / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    grid = divided("1m", faster)
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": grid, "scrape_timeout": grid, "evaluation_interval": grid},
            "rule_files": [str(directory / "rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [re.sub(r"^http://|/$", "", manager)]}]}]},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [exporter]}]}],
        }
    )


def _divided(rule: dict[str, Any], faster: float) -> dict[str, Any]:
    waits: dict[str, Any] = {key: divided(rule[key], faster) for key in ("for", "keep_firing_for") if key in rule}
    return {**rule, "expr": divided_expression(rule["expr"], faster), **waits}
