"""Simulator, exporter, Prometheus, Alertmanager and an inbox, wired as in production, with every duration divided."""

from __future__ import annotations

import asyncio
import json
import os
import re
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import yaml

from exporter.commands.demo import demo_targets
from exporter.commands.demo_pairs import calendar_targets, pairs
from exporter.fields.durations import parse_duration
from exporter.monitoring.hurry import divided, divided_expression
from exporter.simulator import Simulator, running
from exporter.simulator.drills import demo_world
from tests.monitoring.bundle import ALERT_GROUPS, ALERTMANAGER, RECORDING_GROUPS, ROOT
from tests.monitoring.routes import every_route, sends_all_clears
from tests.monitoring.servers import alertmanager, free_port, prometheus, run, wait_for

FACTOR = 120
INTERVAL = "250ms"
JOB = "booking-sync-exporter"
# Alerts that wait for hours, or look a week back, pass faster still: (ranges and offsets, waits).
FASTER: dict[str, tuple[float, float]] = {
    "BookingSyncConnectionStuck": (FACTOR, 1_200),
    "BookingSyncUnlinkedBookings": (FACTOR, 2_400),
    "BookingSyncPlatformDrift": (FACTOR, 600),
    "target:booking_sync_discovered_bookings:increase1d": (5_040, 1),
    "target_symptom:booking_sync_calendar_empty:info": (5_040, 1),
    "BookingSyncIntakeSilent": (FACTOR, 1_200),
}
HURRIED_SECONDS = 60  # the exporter's own waits: 300 s become 5 s
# What a busy machine adds to the way of an alert from its rule to Alertmanager. It is not divided, so it is added to each wait
# of a group: whatever is kept back by an alert that fires a moment before it stays so. How long before is for the rule tests.
ALLOWANCE_MILLISECONDS = 4_000
# Before the first incident; a busy machine takes its time.
START_SECONDS = 180
# Alertmanager takes an alert for ended that it has not heard of for four of these, and Prometheus may stand still for a second.
RESEND_DELAY = "2500ms"


@dataclass
class Inbox:
    """What Alertmanager delivered, by receiver, newest last."""

    messages: list[tuple[str, dict[str, Any]]] = field(default_factory=list)

    def alerts(self, receiver: str, status: str) -> set[tuple[str, str]]:
        """Return (alert name, target) of everything that a receiver was told with that status."""
        return {
            (alert["labels"]["alertname"], alert["labels"].get("target", ""))
            for where, message in list(self.messages)
            if where == receiver
            for alert in message["alerts"]
            if alert["status"] == status
        }

    def take(self, receiver: str, message: dict[str, Any]) -> None:
        """Keep what arrived."""
        self.messages.append((receiver, message))


@dataclass(frozen=True)
class Stack:
    """The running stack."""

    simulator: Simulator
    origin: str
    prometheus: httpx.Client
    alertmanager: httpx.Client
    inbox: Inbox
    kept_back: set[tuple[str, str]] = field(default_factory=set)

    def incident(self, name: str, action: str) -> None:
        """Start or stop a scripted incident, as an operator does in a drill."""
        assert httpx.post(f"{self.origin}/_sim/incidents/{name}/{action}").status_code == httpx.codes.OK

    def hurry_the_allowance(self) -> None:
        """Let the throttled portal's allowance come back in divided time, like everything else."""
        portal = list(self.simulator.bitrix24.portals.values())[-1]
        portal.press(-100.0, self.simulator.now())

    def query(self, expression: str) -> list[dict[str, Any]]:
        """Return the instant result of a query."""
        answer = self.prometheus.post("/api/v1/query", data={"query": expression}).json()
        result: list[dict[str, Any]] = answer["data"]["result"]
        return result

    def missed_scrapes(self, seconds: float) -> float:
        """Return how many scrapes of the last so many seconds failed, or came so late that Prometheus left them out."""
        expected = seconds / parse_duration(INTERVAL)
        (row,) = self.query(f'sum(sum_over_time(up{{job="{JOB}"}}[{seconds:.0f}s]))')
        return expected - float(row["value"][1])

    def rules(self) -> list[dict[str, Any]]:
        """Return all rules as Prometheus sees them."""
        groups = self.prometheus.get("/api/v1/rules").json()["data"]["groups"]
        return [rule for group in groups for rule in group["rules"]]

    def firing(self) -> set[tuple[str, str]]:
        """Return (alert name, target) of what fires in Prometheus, the heartbeat left out."""
        rows = self.query('ALERTS{alertstate="firing",alertname!="Watchdog"}')
        return {(row["metric"]["alertname"], row["metric"].get("target", "")) for row in rows}

    def suppressed(self) -> dict[tuple[str, str], tuple[str, ...]]:
        """Return (alert name, target) of what Alertmanager keeps back, with the names of the alerts that inhibit it."""
        alerts = self.alertmanager.get("/api/v2/alerts", params={"active": "true", "inhibited": "true"}).json()
        names = {alert["fingerprint"]: alert["labels"]["alertname"] for alert in alerts}
        return {
            (alert["labels"]["alertname"], alert["labels"].get("target", "")): tuple(
                sorted({names[one] for one in alert["status"]["inhibitedBy"]})
            )
            for alert in alerts
            if alert["status"]["state"] == "suppressed"
        }

    def note_what_is_kept_back(self) -> None:
        """Add what Alertmanager keeps back at this moment to ``kept_back``."""
        self.kept_back.update(self.suppressed())


@contextmanager
def paging_stack(directory: Path) -> Iterator[Stack]:
    """Run everything; gives the stack once the exporter is ready, scraped, and Prometheus knows its Alertmanager."""
    with ExitStack() as stack:
        simulator, origin = stack.enter_context(simulated())
        exporter = stack.enter_context(hurried_exporter(directory, origin))
        inbox = Inbox()
        inbox_url = stack.enter_context(delivered_to(inbox))
        manager = stack.enter_context(alertmanager(directory, _alertmanager_config(directory, inbox_url)))
        _busy_last_week(directory)
        server = stack.enter_context(
            prometheus(
                directory,
                _prometheus_config(directory, exporter, str(manager.base_url)),
                f"--rules.alert.resend-delay={RESEND_DELAY}",
                "--web.external-url=http://prometheus.example",
                "--web.route-prefix=/",
            )
        )
        running_stack = Stack(simulator, origin, server, manager, inbox)
        wait_for("a ready exporter", lambda: running_stack.query("booking_sync_ready == 1"), START_SECONDS)
        # Service discovery hands over targets and Alertmanagers after five seconds; until then absent() fires.
        wait_for(
            "a known Alertmanager",
            lambda: server.get("/api/v1/alertmanagers").json()["data"]["activeAlertmanagers"],
            START_SECONDS,
        )
        # Asked of the counters: the recorded series has last week's samples, too.
        intake = "count(increase(booking_sync_bookings_discovered_total[15s]) > 0) == 4"
        wait_for("new bookings everywhere", lambda: running_stack.query(intake), START_SECONDS)
        wait_for("silence", lambda: not running_stack.query('ALERTS{alertname!="Watchdog"}'), START_SECONDS)
        wait_for(
            "the end of the start", lambda: inbox.alerts("pager", "firing") <= inbox.alerts("pager", "resolved"), START_SECONDS
        )
        inbox.messages.clear()
        yield running_stack


@contextmanager
def simulated() -> Iterator[tuple[Simulator, str]]:
    """Serve the demo world from a thread; a booking arrives at every business each two seconds."""
    simulator = Simulator(build=partial(demo_world.build, intake_every=2.0))
    with served(simulator) as origin:
        yield simulator, origin


@contextmanager
def served(simulator: Simulator) -> Iterator[str]:
    """Serve a simulator from a thread and give its origin."""
    ready, loop, stop, origin = threading.Event(), asyncio.new_event_loop(), asyncio.Event(), []

    async def serve() -> None:
        async with running(simulator.app) as url:
            origin.append(url)
            ready.set()
            await stop.wait()

    thread = threading.Thread(target=loop.run_until_complete, args=(serve(),))
    thread.start()
    assert ready.wait(10)
    try:
        yield origin[0]
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join(10)
        loop.close()


_WINDOWS = [{"name": "next_24h", "from": "now", "to": "now+24h"}, {"name": "next_7d", "from": "now", "to": "now+7d"}]
# As often as the limits of the simulated platforms allow: those are not divided.
_COLLECTORS: dict[str, dict[str, dict[str, Any]]] = {
    "wix": {
        "connections": {"interval": "1s", "max_age": "60s"},
        "bookings": {"interval": "4s", "max_age": "60s", "conflicts": True, "windows": _WINDOWS},
    },
    "bitrix24": {
        "bookings": {"interval": "2500ms", "max_age": "60s", "windows": _WINDOWS},
        "links": {"interval": "10s", "max_age": "60s", "windows": _WINDOWS[1:]},
    },
    "calendar": {"busy": {"interval": "2s", "max_age": "60s"}},
}


@contextmanager
def hurried_exporter(directory: Path, origin: str, *, paired: bool = False) -> Iterator[str]:
    """Run the exporter on the demo's targets at ``origin``, with the waits divided that no configuration can shorten.

    Its pairs and their calendars only where ``paired``.
    """
    demo = [*demo_targets(origin), *(calendar_targets(origin, feeds=False) if paired else ())]
    targets = [{**target, "collectors": _COLLECTORS[target["platform"]]} for target in demo]
    portals = [target for target in targets if target["platform"] == "bitrix24"]
    for portal, host in zip(portals, ("127.0.0.1", "localhost"), strict=True):
        # Portals of one host share one budget, so each gets a name of its own, as in life.
        portal["webhook_url"] = portal["webhook_url"].replace("127.0.0.1", host)
        portal["budget"] = {"requests_per_second": 2.0, "burst": 50}
    # The one that will be throttled is asked less, so that what we may spend comes back soon.
    links = {**_COLLECTORS["bitrix24"]["links"], "interval": "20s"}
    portals[-1]["collectors"] = {**_COLLECTORS["bitrix24"], "links": links}
    file = directory / "exporter.yml"
    both = {"pairs": pairs("1m")} if paired else {}
    file.write_text(yaml.safe_dump({"timezone": "Europe/Berlin", "targets": targets, **both}))
    with exporting("tests.e2e.hurried_exporter", file, {"HURRY": str(HURRIED_SECONDS)}) as address:
        yield address


@contextmanager
def exporting(module: str, config: Path, environment: Mapping[str, str]) -> Iterator[str]:
    """Run an exporter, ``python -m module``, on a configuration, its log beside that; yields its address."""
    address = f"127.0.0.1:{free_port()}"
    with config.with_name("exporter.log").open("w") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", module, f"--config.file={config}", f"--web.listen-address={address}"],
            cwd=ROOT,
            env={**os.environ, **environment},
            stdout=log,
            stderr=log,
        )
        try:
            yield address
        finally:
            process.terminate()
            assert 0 == process.wait(20)


@contextmanager
def delivered_to(inbox: Inbox) -> Iterator[str]:
    """Let an inbox take what is posted to the URL that is given, behind which the name of the receiver stands."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            inbox.take(self.path.strip("/"), json.loads(body))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join(10)
        server.server_close()


def _busy_last_week(directory: Path) -> None:
    """Give the silent-intake alert its last week, the one thing that a test cannot live through: a busy day everywhere."""
    series = "target:booking_sync_discovered_bookings:increase1d"
    now = int(time.time())
    lines = [
        f'{series}{{job="{JOB}",target="{target["name"]}",platform="{target["platform"]}"}} 30 {moment}'
        for target in demo_targets("http://127.0.0.1")
        for moment in range(now - 240, now - 5)
    ]
    file = directory / "last-week.om"
    file.write_text("\n".join([*lines, "# EOF"]) + "\n")
    result = run("promtool", "tsdb", "create-blocks-from", "openmetrics", file, directory / "data")
    assert 0 == result.returncode, result.stdout + result.stderr


def _alertmanager_config(directory: Path, inbox_url: str) -> Path:
    """Return the shipped configuration with shorter waits, no office hours, and receivers that are our inbox."""
    config = yaml.safe_load((ALERTMANAGER / "alertmanager.yml").read_text())
    for route in every_route(config):
        for key in ("group_wait", "group_interval", "repeat_interval"):
            if key in route:
                route[key] = divided(route[key], FACTOR)
        if route.get("group_wait", "0s") != "0s":
            route["group_wait"] = f"{round(1_000 * parse_duration(route['group_wait'])) + ALLOWANCE_MILLISECONDS}ms"
        for key in ("active_time_intervals", "mute_time_intervals"):
            route.pop(key, None)
    config["receivers"] = [
        {"name": one["name"], "webhook_configs": [{"url": f"{inbox_url}/{one['name']}", "send_resolved": all_clear}]}
        if (all_clear := sends_all_clears(one)) is not None
        else one
        for one in config["receivers"]
    ]
    config["templates"] = [str(ALERTMANAGER / "templates" / "*.tmpl")]
    file = directory / "alertmanager.yml"
    file.write_text(yaml.safe_dump(config))
    return file


def _prometheus_config(directory: Path, exporter: str, manager: str) -> str:
    groups = [
        {**group, "interval": INTERVAL, "rules": [_hurried(rule) for rule in group["rules"]]}
        for group in (*RECORDING_GROUPS, *ALERT_GROUPS)
    ]
    (directory / "rules.yml").write_text(yaml.safe_dump({"groups": groups}))
    address = re.sub(r"^http://|/$", "", manager)
    return yaml.safe_dump(
        {
            "global": {"scrape_interval": INTERVAL, "scrape_timeout": INTERVAL, "evaluation_interval": INTERVAL},
            "rule_files": [str(directory / "rules.yml")],
            "alerting": {"alertmanagers": [{"static_configs": [{"targets": [address]}]}]},
            "scrape_configs": [{"job_name": JOB, "static_configs": [{"targets": [exporter]}]}],
        }
    )


def _hurried(rule: dict[str, Any]) -> dict[str, Any]:
    ranges, waits = FASTER.get(rule.get("alert") or rule["record"], (FACTOR, FACTOR))
    # Eight scrapes at least, so that a busy machine that misses some does not look like a missing series.
    expression = divided_expression(rule["expr"], ranges, min_seconds=2.0)
    return {**rule, "expr": expression, **{key: divided(rule[key], waits) for key in ("for", "keep_firing_for") if key in rule}}
