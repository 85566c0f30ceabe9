"""A command whose standard streams are closed or full still ends as it should, with no traceback and no wrong verdict."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

FULL = "standard output: what was to be printed could not be written: No space left on device"


def shell(redirections: str, command: Sequence[str]) -> subprocess.CompletedProcess[str]:
    line = ["sh", "-c", f'exec "$0" -m exporter "$@" {redirections}', sys.executable, *command]
    return subprocess.run(line, capture_output=True, text=True, timeout=60, check=False, env={**os.environ, "TERM": "dumb"})


@pytest.mark.parametrize("redirections", [">&-", "2>&-", "<&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize(("command", "code"), [(["version"], 0), (["probe", "--config.file", "none.yml"], 3)])
def test_a_closed_stream_changes_no_exit_code(redirections: str, command: list[str], code: int) -> None:
    result = shell(redirections, command)
    assert result.returncode == code
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (["version"], 1),
        (["--version"], 1),
        (["example-config"], 1),
        (["simulate", "--list"], 1),
        (["probe", "--config.file", "none.yml"], 3),  # 1 would be a warning
        (["probe", "--nonsense"], 3),
    ],
)
def test_a_full_disk_is_one_sentence(command: list[str], code: int) -> None:
    result = shell(">/dev/full", command)
    assert result.returncode == code
    assert FULL in result.stderr
    assert "Traceback" not in result.stderr
    assert "Exception ignored" not in result.stderr


def test_nothing_stands_before_the_first_line_where_both_streams_are_one(tmp_path: Path) -> None:
    config = tmp_path / "exporter.yml"
    config.write_text(
        "targets: [{name: a, platform: bitrix24, webhook_url: 'http://127.0.0.1:9/rest/1/planted0code0/', timeout: 1s}]\n"
    )
    result = shell("2>&1", ["probe", "--config.file", str(config)])
    assert result.stdout.startswith(("UNKNOWN: ", "CRITICAL: ", "WARNING: ")), result.stdout
