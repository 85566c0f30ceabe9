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


def imported(*words: str) -> set[str]:
    ended = subprocess.run([sys.executable, "-c", SCRIPT, *words], capture_output=True, text=True, check=True)
    return set(json.loads(ended.stderr.splitlines()[-1]))


@pytest.mark.parametrize("words", [("healthcheck", "--", "x"), ("completion", "bash"), ("help",)], ids=" ".join)
def test_a_command_that_asks_nobody_imports_none_of_what_the_exporter_runs_on(words: tuple[str, ...]) -> None:
    modules = imported(*words)
    assert not modules.intersection(HEAVY)
    assert len(modules) < 450


@pytest.mark.parametrize(
    "words", [("--version",), ("version",), ("healthcheck", "--web.listen-address=127.0.0.1:1")], ids=" ".join
)
def test_a_command_that_machines_repeat_all_day_imports_no_library_at_all(words: tuple[str, ...]) -> None:
    modules = imported(*words)
    assert not modules.intersection({*HEAVY, "typer", "pydantic", "msgspec"})
    assert len(modules) < 250


def test_the_exporter_starts_without_what_only_people_at_a_terminal_or_a_browser_need() -> None:
    modules = imported("--config.file", "nowhere.yml")
    assert {"structlog", "uvicorn"} <= modules
    assert not modules.intersection({"rich.traceback", "pygments.lexers", "jinja2", "markdown_it"})
