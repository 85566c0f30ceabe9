"""Every command prints on a terminal, or into a mail, whose encoding lacks the letters of the names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from exporter.cli import app
from exporter.cli.tree import walk

NAME = "Салон Берлин 予約"
ENCODINGS = ("ascii:strict", "iso-8859-1:strict")
NOBODY = "http://127.0.0.1:1"


def commands(folder: Path) -> list[list[str]]:
    """Return each command with ``--help``, and those that print names with such names."""
    paused = folder / "paused.yml"
    webhook = "https://portal.bitrix24.example/rest/1/secretsecretsecret/"
    target = f"{{name: {NAME}, platform: bitrix24, webhook_url: '{webhook}', base_url: '{NOBODY}'"
    paused.write_text(f"targets:\n- {target}, paused: true}}\n", encoding="utf-8")
    wrong = folder / "wrong.yml"
    wrong.write_text(f"timezone: {NAME}\ntargets:\n- {target}}}\n", encoding="utf-8")
    reads = [
        *(["check-config"], ["check-config", "--online"], ["list"], ["list", "--output=yaml"], ["list", "--output=json"]),
        *(["probe"], ["probe", "--output=json"], ["probe", "--output=metrics"], ["probe", NAME], ["probe", f"{NAME}!"]),
    ]
    return [
        *([*path, "--help"] for path, _ in walk(get_command(app))),
        *([*words, f"--config.file={file}"] for file in (paused, wrong) for words in reads),
        *(
            ["simulate", "--list"],
            ["simulate", f"--scenario={NAME}"],
            ["probe", f"--running={NOBODY}/{NAME}"],
            [NAME],
            [f"--{NAME}"],
        ),
        ["drill", NAME, f"--prometheus-url={NOBODY}", f"--alertmanager-url={NOBODY}"],
        ["monitoring", "check", f"--prometheus-url={NOBODY}", f"--job={NAME}"],
        ["bitrix24-login", "--portal=https://портал.example", f"--client-id={NAME}", f"--token-file={folder / NAME}"],
    ]


def run(encoding: str, folder: Path) -> tuple[list[object], bytes]:
    words, codes = folder / "commands.json", folder / "codes.json"
    words.write_text(json.dumps(commands(folder)), encoding="utf-8")
    environ = {"PYTHONIOENCODING": encoding, "B24_CLIENT_SECRET": "planted-secret", "COLUMNS": "200", "BROWSER": "true"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.harness.each_command", str(codes), str(words)],
        stdin=subprocess.DEVNULL,
        capture_output=True,
        env={**os.environ, **environ},
        cwd=Path(__file__).parents[2],
        timeout=300,
        check=False,
    )
    printed = done.stdout + done.stderr
    assert 0 == done.returncode, printed.decode(errors="replace")
    return json.loads(codes.read_text()), printed


@pytest.fixture(scope="module")
def in_utf8(tmp_path_factory: pytest.TempPathFactory) -> list[object]:
    codes, printed = run("utf-8", tmp_path_factory.mktemp("utf8"))
    assert NAME.encode() in printed
    return codes


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_each_command_ends_as_it_does_where_all_letters_are_known(encoding: str, in_utf8: list[object], tmp_path: Path) -> None:
    codes, printed = run(encoding, tmp_path)
    assert in_utf8 == codes
    for bug in (b"Traceback", b"UnicodeEncodeError", b"crashed"):
        assert bug not in printed
