"""Runs all tests that drive servers on two generations of them, and writes the result into ``docs/monitoring.md``.

``python -m tools.versions_reference docs/monitoring.md build/servers-current [ARGUMENTS OF PYTEST]``: first on Debian's
servers, then on those of the folder. Ends with 1 when a test failed; the table is written all the same, and says so.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ET
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Final

from tools.marked import put

BEGIN: Final = "<!-- written by `make test-current`: begin -->\n"
END: Final = "<!-- written by `make test-current`: end -->\n"
_SERVERS: Final = {
    "prometheus": "Prometheus",
    "prometheus-alertmanager": "Alertmanager",
    "alertmanager": "Alertmanager",
    "vmalert": "vmalert",
}


@dataclass(frozen=True)
class Run:
    """One generation of servers: their names with versions, and how many tests of each file ended how."""

    servers: str
    files: dict[str, Counter[str]]

    @property
    def failed(self) -> bool:
        """Whether any test failed."""
        return any(counted["failed"] for counted in self.files.values())


def render(runs: list[Run], day: date) -> str:
    """Return the table: a row for each file of tests, a column for each run."""
    files = sorted({name for run in runs for name in run.files})
    rows = [
        ["tests", *(run.servers for run in runs)],
        ["---"] * (len(runs) + 1),
        *([f"`{name}`", *(_counted(run.files.get(name, Counter())) for run in runs)] for name in files),
    ]
    return f"On {day.isoformat()}:\n\n" + "".join(f"| {' | '.join(row)} |\n" for row in rows)


def counted(report: str) -> dict[str, Counter[str]]:
    """Return how many tests of each file ended how, from pytest's JUnit report."""
    files: dict[str, Counter[str]] = {}
    for case in ET.fromstring(report).iter("testcase"):  # noqa: S314  pytest wrote it
        ends = {part.tag for part in case}
        end = "failed" if ends & {"failure", "error"} else "skipped" if "skipped" in ends else "passed"
        files.setdefault(f"{case.get('classname', '').replace('.', '/')}.py", Counter())[end] += 1
    return files


def _counted(ends: Counter[str]) -> str:
    return ", ".join(f"{ends[end]} {end}" for end in ("passed", "failed", "skipped") if ends[end]) or "-"


def _run(folder: str, arguments: list[str]) -> Run:
    environment = {**os.environ, "SERVERS": folder}
    with tempfile.TemporaryDirectory() as place:
        report = Path(place, "report.xml")
        command = (sys.executable, "-m", "pytest", "-m", "servers and not browser", "-q", f"--junitxml={report}", *arguments)
        subprocess.run(command, env=environment, check=False)  # noqa: S603  our own tests
        return Run(_servers(folder), counted(report.read_text(encoding="utf-8")))


def _servers(folder: str) -> str:
    path = folder or os.environ["PATH"]
    found = {}
    for program, name in _SERVERS.items():
        try:
            said = subprocess.run(  # noqa: S603  names from the table above
                (program, "--version"), env={"PATH": path}, capture_output=True, text=True, check=True
            )
        except FileNotFoundError:
            continue
        if version := re.search(r"\bv?(\d+\.\d+\.\d+)", said.stdout + said.stderr):
            found[name] = version[1]
    return ", ".join(f"{name} {version}" for name, version in found.items())


if __name__ == "__main__":
    page, current, *rest = sys.argv[1:]
    runs = [_run("", rest), _run(str(Path(current).resolve()), rest)]
    Path(page).write_text(
        put(Path(page).read_text(encoding="utf-8"), BEGIN, END, render(runs, datetime.now(UTC).date())), encoding="utf-8"
    )
    sys.exit(any(run.failed for run in runs))
