"""What ``make run`` does on a machine that has nothing yet: it says that it installs, and takes another port."""

from __future__ import annotations

import subprocess
from pathlib import Path

from tests.docs.blocks import ROOT


def test_the_first_make_run_says_what_takes_so_long_and_hands_the_flags_over(tmp_path: Path) -> None:
    words = (
        "make",
        "--no-print-directory",
        "--dry-run",
        "run",
        f"VENV={tmp_path / 'venv'}",
        "ARGS=--web.listen-address :10999",
    )
    lines = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    says = next(number for number, line in enumerate(lines) if "it takes about a minute" in line)
    installs = [number for number, line in enumerate(lines) if "pip install" in line]
    assert says < installs[0]
    assert "--quiet" not in lines[installs[0]], "each package is named when its turn comes"
    assert lines[-1].endswith("/booking-sync-exporter demo --web.listen-address :10999")


def test_make_bench_installs_the_peers_by_their_hashes_before_it_runs(tmp_path: Path) -> None:
    words = ("make", "--no-print-directory", "--dry-run", "bench", f"VENV={tmp_path / 'venv'}", "ARGS=--rounds 1 series")
    lines = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()
    installs = [line.endswith("--require-hashes --requirement requirements-bench.lock") for line in lines]
    runs = [line.endswith("/python -m tests.benchmarks --rounds 1 series") for line in lines]
    assert installs.index(True) < runs.index(True)
