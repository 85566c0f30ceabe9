"""What a person sees on a panel: Grafana's own code from npm, in one Node process, over results of a real Prometheus."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Final

import httpx
import pytest

from exporter.fields.durations import parse_duration
from tests.monitoring.bundle import ROOT

RANGE: Final = 3_600.0
STEP: Final = 60.0
SCRAPE: Final = 60.0
"""How often the worlds are scraped that people look at."""
_FOLDER: Final = ROOT / "tests" / "harness" / "grafana"

Json = dict[str, Any]
Panel = Callable[[Json], Json]


def missing() -> str:
    """Return what is missing to run Grafana's code, or nothing."""
    if not shutil.which("node"):
        return "node is not installed (Debian: apt-get install nodejs npm)"
    if not all((_FOLDER / "node_modules" / "@grafana" / package).is_dir() for package in ("data", "scenes")):
        return f"Grafana's code is not installed (make servers, or: cd {_FOLDER.relative_to(ROOT)} && npm ci)"
    return ""


@contextmanager
def grafana(script: str = "panel.cjs") -> Iterator[Panel]:
    """Run Grafana's code: takes the request of a script and returns its answer. Skips when it is absent, fails in CI."""
    if reason := missing():
        (pytest.fail if os.environ.get("CI") else pytest.skip)(reason)
    with subprocess.Popen(["node", _FOLDER / script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdin
        assert process.stdout
        stdin, stdout = process.stdin, process.stdout

        def ask(request: Json) -> Json:
            stdin.write(json.dumps(request) + "\n")
            stdin.flush()
            line = stdout.readline()
            assert line, f"{script} ended with {process.wait(10)}"
            answer: Json = json.loads(line)
            return answer

        try:
            yield ask
        finally:
            stdin.close()
            process.wait(10)


def step_of(panel: Json) -> float:
    """Return the step of a panel's queries over one hour: its minimum, which its width does not make longer."""
    return float(parse_duration(panel["interval"]))


def filled(expression: str, variables: dict[str, str], step: float = STEP) -> str:
    """Return a query with Grafana's variables replaced, as it is sent for one hour where scrapes are a minute apart."""
    text = expression.replace("$__rate_interval", f"{max(step + SCRAPE, 4 * SCRAPE):.0f}s").replace("$__range", "1h")
    return re.sub(r"\$([a-z]\w*)", lambda name: variables[name[1]], text)


def ask_prometheus(client: httpx.Client, target: Json, variables: dict[str, str], now: float, step: float = STEP) -> Json:
    """Return the ``data`` of one query of a panel."""
    instant = target["instant"]
    moments = {"time": now} if instant else {"start": now - RANGE, "end": now, "step": step}
    expression = filled(target["expr"], variables, step)
    answer = client.post("/api/v1/query" if instant else "/api/v1/query_range", data={"query": expression, **moments}).json()
    assert "success" == answer["status"], f"{expression}: {answer}"
    data: Json = answer["data"]
    return data


def shown(client: httpx.Client, ask: Panel, panel: Json, variables: dict[str, str], now: float) -> Json:
    """Return what a panel shows at ``now``: its tiles, rows or series."""
    step = step_of(panel)
    results = {target["refId"]: ask_prometheus(client, target, variables, now, step) for target in panel["targets"]}
    return ask({"panel": panel, "results": results, "from": now - RANGE, "to": now, "step": step})
