"""What a command brings into memory before it does anything: a container asks for its health twice a minute, always."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

HEAVY = (
    "aiohttp",
    "asyncio",
    "exporter.config",
    "exporter.web",
    "httpx",
    "jinja2",
    "prometheus_client",
    "rich",
    "structlog",
    "yaml",
)
SCRIPT = """
import json, sys
from exporter.__main__ import main
sys.argv = ["booking-sync-exporter", *sys.argv[1:]]
try:
    main()
except SystemExit:
    print(json.dumps(sorted(sys.modules)), file=sys.stderr)
"""


@pytest.mark.parametrize(
    "words",
    [("--version",), ("version",), ("healthcheck", "--web.listen-address=127.0.0.1:1"), ("completion", "bash")],
    ids=" ".join,
)
def test_a_command_that_asks_nobody_imports_none_of_what_the_exporter_runs_on(words: tuple[str, ...]) -> None:
    ended = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True)
    imported = set(json.loads(ended.stderr.splitlines()[-1]))
    assert not imported.intersection(HEAVY)
    assert len(imported) < 450


def test_logs_come_without_rich() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", SCRIPT, "--config.file", "nowhere.yml"],
        capture_output=True,
        text=True,
        check=True,
    )
    imported = json.loads(ended.stderr.splitlines()[-1])
    assert "structlog" in imported
    assert "rich.traceback" not in imported
