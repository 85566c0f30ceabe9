"""What the program says of itself: `help`, `version`, `--help` of every command, and the man page that says the same."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path as File
from typing import Final

import pytest

from exporter.cli import app
from exporter.cli.tree import options_of
from tests.cli.trees import Path, Tree
from tools.manual import manual

TREE: Final = Tree()
PAGE: Final = File(__file__).parents[2] / "docs" / "booking-sync-exporter.1"


def printed(capsys: pytest.CaptureFixture[str], *words: str) -> str:
    """Return what the real program prints."""
    with pytest.raises(SystemExit) as ended:
        app(list(words), prog_name="booking-sync-exporter")
    out, err = capsys.readouterr()
    assert (0, "") == (ended.value.code or 0, err)
    return out


@pytest.mark.parametrize("path", TREE.nodes, ids=" ".join)
def test_help_of_a_command_is_what_the_flag_prints_and_fits_a_terminal(path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    page = printed(capsys, *path, "--help")
    assert page == printed(capsys, "help", *path) == printed(capsys, *path, "-h")
    assert f"Usage: {' '.join(['booking-sync-exporter', *path])} " in page
    assert [] == [line for line in page.splitlines() if len(line) > 80]
    assert "list[" not in page, "a Python type"
    for flag in options_of(TREE.nodes[path]):
        assert f" {flag}" in page


def test_help_of_a_word_that_is_no_command_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["help", "monitoring", "rendr"], prog_name="booking-sync-exporter")
    assert 2 == ended.value.code
    assert "Did you mean render?" in capsys.readouterr().err


def test_the_version_is_told_by_a_command_and_by_a_flag(capsys: pytest.CaptureFixture[str]) -> None:
    told = printed(capsys, "version")
    assert told == printed(capsys, "--version")
    assert told.startswith("booking-sync-exporter 0.")


def test_output_has_its_short_form_everywhere() -> None:
    have = [path for path, node in TREE.nodes.items() if "--output" in options_of(node)]
    assert len(have) >= 3
    assert have == [path for path, node in TREE.nodes.items() if "-o" in options_of(node)]


def test_log_levels_are_the_words_of_go_exporters_everywhere() -> None:
    have = [path for path, node in TREE.leaves.items() if "--log.level" in options_of(node)]
    assert {("demo",), ("simulate",), ("drill",)} <= set(have)
    for path in [(), *have]:
        for level in ("debug", "info", "warn", "error"):
            assert "" == TREE.run(*path, "--log.level", level, *TREE.required(path)).said


def test_check_config_takes_the_file_as_a_word() -> None:
    behind = TREE.run("check-config", "a.yml")
    assert "PosixPath('a.yml')" in behind.given
    assert behind == TREE.run("check-config", "--", "a.yml")


@pytest.mark.parametrize("words", [["a.yml", "--config.file", "b.yml"], ["--config.file=b.yml", "a.yml"]])
def test_check_config_refuses_two_files(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        app(["check-config", *words])
    assert 2 == ended.value.code
    assert "two files are named, b.yml and a.yml; name one" in capsys.readouterr().err


def test_the_man_page_is_made_from_the_tree() -> None:
    page = manual()
    assert page == PAGE.read_text(), "run make generate"
    for path, node in TREE.nodes.items():
        words = " ".join(path).replace("-", "\\-")
        assert hasattr(node, "commands") or f".SS {words} " in page
        for flag in options_of(node):
            assert flag.replace("-", "\\-") in page


@pytest.mark.skipif(shutil.which("groff") is None, reason="groff is not installed")
def test_the_man_page_is_formatted_without_a_warning() -> None:
    done = subprocess.run(["groff", "-man", "-ww", "-Tutf8", PAGE], capture_output=True, text=True, check=True)
    assert "" == done.stderr
    assert "\\e" not in done.stdout
