"""The first change of CONTRIBUTING.md, followed to the letter: what is said to turn red does, and green again."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Final

from tests.docs.blocks import ROOT, blocks

NOT_HERE: Final = ("git ", "cd ", "make ")
"""A clone, an installation and lint of everything; that the targets exist is tested in ``tests/test_docs.py``."""
ALONE: Final = {**os.environ, "PYTEST_ADDOPTS": "-n 0"}


def test_the_first_change_turns_a_test_red_and_its_message_turns_it_green(tmp_path: Path) -> None:
    for name in ("exporter", "tests/config", "tests/bad_configs"):
        shutil.copytree(ROOT / name, tmp_path / name, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    (tmp_path / "tests" / "__init__.py").touch()
    shown = [command for block in blocks(ROOT / "CONTRIBUTING.md") for command in block.commands()]
    codes = []
    for command in (command for command in shown if not command.startswith(NOT_HERE)):
        here = command.replace(".venv/bin/python", f"{sys.executable} -B")
        words = ("sh", "-c", here)
        done = subprocess.run(words, cwd=tmp_path, env=ALONE, capture_output=True, text=True, check=False, timeout=170)
        codes.append((command.split()[0], done.returncode))
        if codes[-1] == (".venv/bin/python", 1):
            assert "has no unit" in done.stdout
            assert "needs a unit" in done.stdout
    assert [("sed", 0), (".venv/bin/python", 1), ("sed", 0), (".venv/bin/python", 0)] == codes
