"""An hour of the simulator's world in a Prometheus, and the answers of a document's queries: ``python -m tests.docs.cookbook``.

The command writes the answers into ``docs/promql.md``. The clock of the world stands still but for what passes here, and its
chances are seeded, so they are the same each time.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

import httpx
import yaml

from exporter.commands.demo import demo_targets
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.commands.known_week import write_known_week
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from tests.harness.application import application
from tests.harness.clock import ManualClock
from tests.monitoring.servers import prometheus, run

PAGE: Final = Path(__file__).parents[2] / "docs" / "promql.md"
END: Final = 1_790_000_000.0 + 4_200.0
MINUTES: Final = 70
"""The hour, and the minutes before it in which all is polled for the first time."""
STEP_SECONDS: Final = 4
TURNS: Final = 100
"""Turns of the loop after which a poll has had its answer."""
SWITCHES: Final = {
    40: ("start", "token-revoked"),
    41: ("start", "double-booking"),
    42: ("start", "booking-lost"),
    45: ("start", "api-throttled"),
    55: ("stop", "api-throttled"),
}

BLOCK: Final = re.compile(r"^```promql\n(?P<query>.*?)^```\n(?:\n```text\n(?P<answer>.*?)^```\n)?", re.MULTILINE | re.DOTALL)
_OURS: Final = frozenset({"__name__", "job", "instance"})
"""Labels that are the same everywhere, or say no more than the query."""

_COLLECTORS: Final = {
    "wix": {"connections": {}, "bookings": {"conflicts": True}},
    "bitrix24": {"bookings": {}, "links": {"interval": "5m"}},
    "calendar": {"busy": {}},
}
_ORIGIN: Final = "http://127.0.0.1:8099"


async def scrapes(folder: Path) -> str:
    """Return what a Prometheus would have scraped in the hour, once a minute, as OpenMetrics."""
    clock = ManualClock(END - MINUTES * 60)
    simulator = Simulator(clock, build=demo_world.build)
    lines: list[str] = []
    # A feed is read by a process of its own, which knows nothing of this clock.
    all_targets = (*demo_targets(_ORIGIN), *calendar_targets(_ORIGIN, feeds=False))
    targets = [{**target, "collectors": _COLLECTORS[target["platform"]]} for target in all_targets]
    file = folder / "exporter.yml"
    state = file.with_suffix(".json")
    content = {"timezone": "Europe/Berlin", "state_file": state.name, "targets": targets, "pairs": pairs("5m")}
    file.write_text(yaml.safe_dump(content))
    write_known_week(state, simulator, targets, known_pairs(file, simulator))
    # No sockets: what a poll brings is there before the clock moves on, so the answers are the same on every machine.
    async with application(file, clock, through=httpx.ASGITransport(simulator.app)) as app:
        for minute in range(1, MINUTES + 1):
            if minute in SWITCHES:
                change, incident = SWITCHES[minute]
                getattr(simulator.incidents, change)(incident)
            for _ in range(60 // STEP_SECONDS):
                await _pass(clock)
            lines += _scraped(await app.page(), clock.time())
    return "\n".join([*lines, "# EOF", ""])


async def _pass(clock: ManualClock) -> None:
    await clock.advance(STEP_SECONDS)
    for _ in range(TURNS):
        await asyncio.sleep(0)


def _scraped(page: str, moment: float) -> Iterator[str]:
    who = 'job="booking-sync-exporter",instance="127.0.0.1:10888"'
    for line in page.splitlines():
        if line.startswith("booking_sync_"):
            series, _, value = line.rpartition(" ")
            name, _, labels = series.partition("{")
            yield f"{name}{{{who}{',' if labels else ''}{labels or '}'} {value} {moment:.0f}"


@contextmanager
def server(folder: Path) -> Iterator[httpx.Client]:
    """Run a Prometheus that has the hour."""
    file = folder / "hour.om"
    file.write_text(asyncio.run(scrapes(folder)))
    made = run("promtool", "tsdb", "create-blocks-from", "openmetrics", file, folder / "data")
    assert 0 == made.returncode, made.stdout + made.stderr
    with prometheus(folder, "{}", "--storage.tsdb.retention.time=100y") as client:
        yield client


def ask(client: httpx.Client, query: str) -> list[dict[str, Any]]:
    """Return the samples of an instant query at the end of the hour."""
    answer = client.post("/api/v1/query", data={"query": query, "time": f"{END:.0f}"}).json()
    assert "success" == answer["status"], f"{query}: {answer}"
    found: list[dict[str, Any]] = answer["data"]["result"]
    return found


def answer_of(client: httpx.Client, query: str) -> str:
    """Return the samples as lines by their labels; of ``topk`` the greatest comes first, of ``bottomk`` the least."""
    rows = [(_labels(row["metric"], query), float(row["value"][1])) for row in ask(client, query)]
    sign = {"topk": -1, "bottomk": 1}.get(query.partition("(")[0], 0)
    rows.sort(key=lambda row: (sign * row[1], row[0]))
    return "".join(f"{labels}{' ' if labels else ''}{value:.6g}\n" for labels, value in rows) or "(nothing)\n"


def _labels(metric: dict[str, str], query: str) -> str:
    shown = {name: value for name, value in metric.items() if name not in _OURS or (name == "__name__" and "__name__" in query)}
    if "target" in shown:
        shown.pop("platform", None)  # the name of a target says it here
    return " ".join(f'{name}="{value}"' for name, value in sorted(shown.items()))


def answered(text: str, client: httpx.Client) -> str:
    """Return a document with the answer of Prometheus below each of its queries."""

    def block(found: re.Match[str]) -> str:
        return f"```promql\n{found['query']}```\n\n```text\n{answer_of(client, found['query'])}```\n"

    return BLOCK.sub(block, text)


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as made, server(Path(made)) as asked:
        PAGE.write_text(answered(PAGE.read_text(), asked))
