"""What the one-word commands do on a machine that has nothing yet: what they install, what they say, what they hand over."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import pytest

from tests.docs.blocks import ROOT, blocks

MAKEFILE: Final = (ROOT / "Makefile").read_text()
PROGRAMS: Final = ("prometheus", "promtool", "prometheus-alertmanager", "amtool", "chromium", "node", "npm")


def recipe_of(target: str, venv: Path) -> list[str]:
    words = ("make", "--no-print-directory", "--dry-run", target, f"VENV={venv}")
    return subprocess.run(words, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


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


@pytest.mark.parametrize("target", re.findall(r"^([a-z-]+):.*\bcheck-servers\b", MAKEFILE, re.MULTILINE))
def test_only_make_servers_installs_packages_of_the_system(target: str, tmp_path: Path) -> None:
    calls = [line for line in recipe_of(target, tmp_path / "venv") if "install-servers.sh" in line]
    assert calls
    assert [] == [line for line in calls if " --check" not in line]
    assert ["sh tests/harness/install-servers.sh"] == recipe_of("servers", tmp_path / "venv")


def test_make_test_and_make_coverage_look_whether_the_servers_are_there() -> None:
    for target in ("test", "coverage"):
        assert re.search(rf"^{target}:.*\bcheck-servers\b", MAKEFILE, re.MULTILINE), target
    assert [] == re.findall(r"^[a-z-]+:(?: [^\s#]\S*)* servers(?: .*)?$", MAKEFILE, re.MULTILINE)


def checked(folder: Path, there: tuple[str, ...], *, ci: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run the check where only ``there`` is installed; apt-get and npm would leave a file behind."""
    (folder / "bin").mkdir()
    scripts = folder / "tests" / "harness"
    (scripts / "grafana").mkdir(parents=True, exist_ok=True)
    for name in (*there, "apt-get"):
        program = folder / "bin" / name
        program.write_text(f"#!/bin/sh\n: >'{folder}/ran-{name}'\n")
        program.chmod(0o755)
    for name in ("sh", "id", "dirname", "find"):
        (folder / "bin" / name).symlink_to(shutil.which(name) or pytest.fail(name))
    shutil.copy(ROOT / "tests" / "harness" / "install-servers.sh", scripts)
    words = (folder / "bin" / "sh", scripts / "install-servers.sh", "--check")
    environment = {"PATH": f"{folder}/bin", **ci}
    return subprocess.run(words, env=environment, capture_output=True, text=True, check=False, timeout=30)


@pytest.mark.parametrize(("ci", "code"), [({}, 0), ({"CI": "true"}, 1)], ids=["at home", "in CI"])
def test_what_is_missing_is_named_with_the_command_that_installs_it(ci: dict[str, str], code: int, tmp_path: Path) -> None:
    done = checked(tmp_path, tuple(name for name in PROGRAMS if name not in {"amtool", "chromium"}), ci=ci)
    assert code == done.returncode, done.stderr
    assert (
        "not installed: prometheus-alertmanager chromium fonts-dejavu-core, Grafana's code, Radicale and xandikos"
        in done.stderr
    )
    assert "run: make servers" in done.stderr
    assert [] == list(tmp_path.glob("ran-*")), "a check installs nothing"


def test_where_everything_is_there_the_check_says_nothing(tmp_path: Path) -> None:
    grafana, calendars = tmp_path / "tests/harness/grafana", tmp_path / "build/calendar-servers"
    for file in (
        grafana / "package-lock.json",
        grafana / "node_modules/.package-lock.json",
        tmp_path / "requirements-calendars.lock",
        calendars / ".installed",
    ):
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch()
    done = checked(tmp_path, PROGRAMS, ci={"CI": "true"})
    assert (0, "") == (done.returncode, done.stdout + done.stderr)


def test_ci_runs_what_the_readme_tells_a_user_to_run() -> None:
    [shown] = [block for block in blocks(ROOT / "README.md") if block.text.startswith("make run ")]
    told = [command for command in shown.commands() if command.startswith("make ")]
    assert "make servers test" in told
    script = re.findall(r"^(make .+)$", (ROOT / ".ci" / "run").read_text(), re.MULTILINE)
    assert ["make install", "make lint", "make types", "make servers test"] == script
