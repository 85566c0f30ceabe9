"""The wheel: what a user without a clone gets."""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path
from typing import Final

import pytest
from hatchling.builders.sdist import SdistBuilder
from hatchling.builders.wheel import WheelBuilder

from exporter.commands.example_config import SHIPPED
from tests.test_home import HOME

ROOT: Final = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = str(tmp_path_factory.mktemp("wheel"))
    [path] = WheelBuilder(str(ROOT)).build(directory=folder, versions=["standard"])
    return Path(path)


def test_what_example_config_prints_and_the_man_page_travel_byte_for_byte(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        data = f"{wheel.name.partition('-py3')[0]}.data/data"
        there = {name: inside.read(f"exporter/shipped/{name}") for name in SHIPPED.values()}
        assert {name: (ROOT / "config" / name).read_bytes() for name in SHIPPED.values()} == there
        page = inside.read(f"{data}/share/man/man1/booking-sync-exporter.1")
        assert (ROOT / "docs" / "booking-sync-exporter.1").read_bytes() == page


def test_nothing_in_the_wheel_names_an_address_of_the_project(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        texts = {name: inside.read(name).decode(errors="replace") for name in inside.namelist()}
    assert 400 < len(texts)
    assert {} == {name: found for name, text in texts.items() if (found := HOME.findall(text))}
    [metadata] = [text for name, text in texts.items() if name.endswith("/METADATA")]
    assert "Project-URL" not in metadata
    assert "Home-page" not in metadata


def test_the_page_of_a_package_index_has_no_link_into_the_repository_and_names_files_that_it_has(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        [metadata] = [inside.read(name).decode() for name in inside.namelist() if name.endswith("/METADATA")]
    _, _, page = metadata.partition("\n\n")
    assert page.startswith("# booking-sync-exporter\n")
    assert [] == re.findall(r"\]\((?!https://)", page)
    named = re.findall(r"`(docs/[\w./-]+)`", page)
    assert len(named) >= 4
    assert [] == [name for name in named if not (ROOT / name).exists()]


def test_without_a_clone_example_config_reads_what_is_in_the_wheel(wheel: Path, tmp_path: Path) -> None:
    with zipfile.ZipFile(wheel) as inside:
        inside.extractall(tmp_path)
    code = "from exporter.commands.example_config import SHIPPED, shipped; print([len(shipped(name)) for name in SHIPPED])"
    done = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True, check=True)
    assert str([(ROOT / "config" / name).stat().st_size for name in SHIPPED.values()]) == done.stdout.strip()


@pytest.mark.slow
def test_the_same_bytes_are_built_of_files_with_other_times_and_rights(tmp_path: Path) -> None:
    built = []
    for number, (moment, mask) in enumerate(((1_000_000_000, 0o022), (1_700_000_000, 0o077))):
        tree = _copied(tmp_path / str(number) / "tree", moment, mask)
        before = os.umask(mask)
        try:
            [sdist] = SdistBuilder(str(tree)).build(directory=str(tree.parent), versions=["standard"])
            shutil.unpack_archive(sdist, tree.parent, filter="data")
            [unpacked] = (path for path in tree.parent.iterdir() if path.is_dir() and path != tree)
            [made] = WheelBuilder(str(unpacked)).build(directory=str(tree.parent), versions=["standard"])
        finally:
            os.umask(before)
        built.append([hashlib.sha256(Path(path).read_bytes()).hexdigest() for path in (sdist, made)])
    assert built[0] == built[1]


def _copied(tree: Path, moment: int, mask: int) -> Path:
    """Return a copy of what git knows, as if it were checked out at a ``moment`` by somebody with this ``umask``."""
    listed = subprocess.run(("git", "ls-files", "-z"), cwd=ROOT, capture_output=True, text=True, check=True).stdout
    for name in filter(None, listed.split("\0")):
        copy = tree / name
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, copy)
        copy.chmod(((ROOT / name).stat().st_mode | 0o666) & ~mask)
        os.utime(copy, (moment, moment))
    return tree


def recipe(*words: str) -> list[str]:
    command = ("make", "--no-print-directory", "--dry-run", *words)
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True).stdout.splitlines()


def test_the_wheel_is_built_once_from_the_source_distribution_and_that_one_is_tested() -> None:
    lines = recipe("wheel-test")
    steps = [
        next(number for number, line in enumerate(lines) if part in line)
        for part in ("--target sdist", "pip wheel", "test-wheel.sh")
    ]
    assert sorted(steps) == steps
    assert lines[steps[1]].endswith("--no-deps --no-build-isolation --wheel-dir dist dist/*.tar.gz")
    [only] = recipe("wheel-test", "WHEEL=dist/built.whl", "PYTHON=python3.13")
    assert only.startswith("PYTHON=python3.13 ")
    assert only.endswith("sh tests/harness/test-wheel.sh dist/built.whl")


def test_the_test_of_the_wheel_says_which_command_builds_one(tmp_path: Path) -> None:
    words = ("sh", ROOT / "tests" / "harness" / "test-wheel.sh", "dist/none.whl")
    done = subprocess.run(words, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=30)
    assert (1, "there is no wheel dist/none.whl; run: make wheel\n") == (done.returncode, done.stderr)
