"""What the rules cost a Prometheus: ``python -m tests.benchmarks.rules_cpu``, some 20 minutes.

A real Prometheus has a day of 500 Wix sites with five connections each and of 50 portals behind it: a tenth of what the table
is scaled to, in blocks on disk but for the last hours, as they lie anywhere. It scrapes their page every minute, first without
rules, then with the shipped ones. The difference of its own
``process_cpu_seconds_total`` is what rules cost; it is divided among the groups by how long Prometheus says that each of them
took. Written to ``tests/monitoring/golden/rules_cpu.json``, from which ``docs/rules-price.md`` is made.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import Any

import httpx

from tests.monitoring.bundle import ALERT_GROUPS, PROMETHEUS, RECORDING_GROUPS
from tests.monitoring.fleet_day import HEAD, JOB, Fleet, FleetPage, interval_of, write_day
from tests.monitoring.prices import CPU, rules, touched
from tests.monitoring.servers import prometheus

_CONFIG = """\
global: {{scrape_interval: 1m, scrape_timeout: 30s, evaluation_interval: 30s}}
scrape_configs: [{{job_name: {job}, static_configs: [{{targets: ["{instance}"]}}]}}]
rule_files: {rules}
"""
_KEEP = "--storage.tsdb.retention.time=100y"
# Half as much again as the two hours of a block.
_MAX_IN_MEMORY = 3.5 * 3_600


@contextmanager
def served(fleet: Fleet) -> Iterator[str]:
    """Serve the page of a fleet as it is at the moment of each scrape; yields ``host:port``."""
    page = FleetPage(fleet, time.time())

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            body = page.render(time.time()).encode()
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *arguments: object) -> None:  # noqa: A002  the library's own word
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def cores_of(client: httpx.Client, minutes: float, took: dict[str, list[float]] | None = None) -> float:
    """Return how many cores Prometheus uses for some minutes; note in ``took`` the share of a core of every rule group."""
    began, spent = time.monotonic(), _cpu_seconds(client)
    while time.monotonic() < began + 60 * minutes:
        time.sleep(15)
        for group in client.get("/api/v1/rules").json()["data"]["groups"] if took is not None else ():
            assert took is not None
            took[group["name"]].append(group["evaluationTime"] / group["interval"])
    return (_cpu_seconds(client) - spent) / (time.monotonic() - began)


def measure(fleet: Fleet, idle_minutes: float, minutes: float) -> dict[str, Any]:
    """Return cores without and with the rules, and by group its cores, its samples and its nanoseconds for each of them."""
    took: dict[str, list[float]] = defaultdict(list)
    with tempfile.TemporaryDirectory() as folder, served(fleet) as instance:
        files = json.dumps([str(path) for path in sorted(PROMETHEUS.glob("*.rules.yml"))])
        with prometheus(Path(folder), "global: {}\n", *HEAD) as client:
            client.timeout = httpx.Timeout(120)
            write_day(client, fleet, time.time(), instance)
            _say(f"{fleet.sites} sites are written")
        with prometheus(Path(folder), "global: {}\n", _KEEP, "--web.enable-lifecycle") as client:
            client.timeout = httpx.Timeout(120)
            _reload(client, Path(folder), instance, "[]")
            _settle(client)
            _say("what is old lies in blocks")
            without = cores_of(client, idle_minutes)
            _say(f"without rules {without:.3f} cores")
            _reload(client, Path(folder), instance, files)
            time.sleep(90)
            together = cores_of(client, minutes, took)
            _say(f"with rules {together:.3f} cores")
            samples = _samples_by_group(client)
            missed = sum(_numbers(client, "prometheus_rule_group_iterations_missed_total"))
            version = client.get("/api/v1/status/buildinfo").json()["data"]["version"]
    taken = {name: sum(shares) / len(shares) for name, shares in took.items()}
    share = (together - without) / sum(taken.values())
    return {
        "prometheus": version,
        "date": datetime.now(UTC).date().isoformat(),
        "sites": fleet.sites,
        "portals": fleet.portals,
        "connections": fleet.connections,
        "minutes": minutes,
        "cores_without_rules": round(without, 4),
        "cores_with_rules": round(together, 4),
        "missed_evaluations": missed,
        "groups": {
            group["name"]: {
                "cores": round(taken[group["name"]] * share, 5),
                "samples": samples[group["name"]],
                "nanoseconds_a_sample": round(
                    1e9 * taken[group["name"]] * share * interval_of(group) / max(1, samples[group["name"]])
                ),
            }
            for group in (*RECORDING_GROUPS, *ALERT_GROUPS)
            if taken[group["name"]]  # one that is evaluated every hour has perhaps not been yet
        },
    }


def _settle(client: httpx.Client) -> None:
    """Wait until Prometheus has moved what is old out of its memory, which it looks for once a minute, and is quiet."""
    before, quiet = -1.0, 0
    while quiet < 10 or time.time() - _numbers(client, "prometheus_tsdb_head_min_time_seconds")[0] > _MAX_IN_MEMORY:
        time.sleep(10)
        [compactions] = _numbers(client, "prometheus_tsdb_compactions_total")
        quiet = quiet + 1 if compactions == before else 0
        before = compactions


def _samples_by_group(client: httpx.Client) -> Counter[str]:
    now = time.time()
    found: Counter[str] = Counter()
    for rule in rules():
        found[rule.group] += touched(client, rule, now)
    return found


def _reload(client: httpx.Client, folder: Path, instance: str, rules: str) -> None:
    (folder / "prometheus.yml").write_text(_CONFIG.format(job=JOB, instance=instance, rules=rules))
    client.post("/-/reload").raise_for_status()


def _cpu_seconds(client: httpx.Client) -> float:
    return sum(_numbers(client, "process_cpu_seconds_total"))


def _numbers(client: httpx.Client, name: str) -> list[float]:
    """Return the samples of one of Prometheus' own metrics."""
    lines = client.get("/metrics").text.splitlines()
    return [float(line.rsplit(" ", 1)[1]) for line in lines if line.startswith((f"{name} ", f"{name}{{"))]


def _say(text: str) -> None:
    sys.stdout.write(f"{datetime.now(UTC):%H:%M:%S} {text}\n")
    sys.stdout.flush()


def new_parser() -> argparse.ArgumentParser:
    """Return the parser of the arguments, which ``docs/benchmarks.md`` explains."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.rules_cpu")
    parser.add_argument("--sites", type=int, default=500)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--idle-minutes", type=float, default=5)
    parser.add_argument("--column", choices=("before", "now"), default="now")
    return parser


def main() -> None:
    """Measure and write the result down."""
    asked = new_parser().parse_args()
    found = measure(Fleet(asked.sites, asked.sites // 10, 5), asked.idle_minutes, asked.minutes)
    known = json.loads(CPU.read_text()) if CPU.exists() else {}
    CPU.write_text(json.dumps({**known, asked.column: found}, indent=2) + "\n")
    _say(f"written to {CPU}")


if __name__ == "__main__":
    main()
