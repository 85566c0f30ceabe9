"""Runs the benchmarks, each in a process of its own, and keeps their reports: ``make bench``, ``python -m tests.benchmarks``.

One that cannot run here says why, and the others go on. Reports of fewer rounds than the document promises are printed and
not kept.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

from tests.benchmarks.report import ROUNDS
from tools.benchmarks import DOCUMENT, RESULTS, written

FOLDER: Final = Path(__file__).parent
# They take more than a few minutes, and have targets of their own in the Makefile.
LONG: Final = frozenset({"fleet", "every_check"})


def benchmarks() -> list[str]:
    """Return the names of all modules here that report figures."""
    texts = {path.stem: path.read_text() for path in FOLDER.glob("[a-z]*.py") if not path.stem.startswith("test_")}
    return sorted(name for name, text in texts.items() if "\nfrom tests.benchmarks.report import " in text)


def run(name: str, rounds: int, results: Path) -> bool:
    """Run one benchmark and keep its report in ``results``; returns whether it ended well."""
    sys.stdout.write(f"\n== {name}\n")
    sys.stdout.flush()
    began = time.monotonic()
    module, report = f"tests.benchmarks.{name}", results / f"{name}.json"
    ended = subprocess.run([sys.executable, "-m", module, "--rounds", str(rounds), "--json", report], check=False)
    sys.stdout.write(f"{time.monotonic() - began:.0f} s\n")
    return ended.returncode == 0


def main(arguments: Sequence[str] | None = None, *, run: Callable[[str, int, Path], bool] = run) -> int:
    """Run what was asked for, and write the document; returns the exit code."""
    every = [name for name in benchmarks() if name not in LONG]
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description="Run the benchmarks.")
    parser.add_argument("benchmarks", nargs="*", metavar="BENCHMARK", help=", ".join(every))
    parser.add_argument("--rounds", type=int, default=ROUNDS, help=f"how often all is measured; {ROUNDS}, fewer are not kept")
    asked = parser.parse_args(arguments)
    if unknown := {*asked.benchmarks} - {*benchmarks()}:
        parser.error(f"no such benchmark: {', '.join(sorted(unknown))}")
    with tempfile.TemporaryDirectory() as folder:
        kept = asked.rounds >= ROUNDS
        names = asked.benchmarks or every
        failed = [name for name in names if not run(name, asked.rounds, RESULTS if kept else Path(folder))]
    if kept:
        DOCUMENT.write_text(written(DOCUMENT.read_text()))
    if failed:
        sys.stderr.write(f"Failed: {', '.join(failed)}.\n")
    return int(bool(failed))


if __name__ == "__main__":
    sys.exit(main())
