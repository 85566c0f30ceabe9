"""What is run without the library: it reads the same as the library, and leaves to it whatever it does not read."""

from __future__ import annotations

import sys
from typing import Final

import pytest

from exporter.cli import app
from exporter.commands.completion import VARIABLE
from exporter.commands.fast_path import health_check_flags, run_fast_path
from tests.cli.trees import Ended, Tree

TREE: Final = Tree()
PLAIN: Final = (
    "healthcheck",
    "healthcheck --web.listen-address=:1",
    "healthcheck --web.listen-address :1 --web.config.file=web.yml",
    "healthcheck --web.config.file web.yml",
    "healthcheck --web.config.file=a=b.yml --web.listen-address=[::1]:2",
    "healthcheck --web.listen-address=:1 --web.listen-address=:2",
)
LEFT: Final = (
    "",
    "probe",
    "healthcheck --help",
    "healthcheck -h",
    "healthcheck --nonsense",
    "healthcheck --web.listen-address",
    "healthcheck --web.listen-address=",
    "healthcheck --web.listen-address -x",
    "healthcheck --web.listen-address --web.config.file=web.yml",
    "healthcheck -- x",
    "healthcheck x",
    "healthcheck --config.file=exporter.yml",
    "--web.listen-address=:1 healthcheck",
    "--version x",
    "--version --nonsense",
    "version --help",
)


@pytest.mark.parametrize("line", PLAIN)
def test_a_plain_health_check_reads_the_same_as_the_library(line: str) -> None:
    asked = health_check_flags(line.split())
    assert asked is not None
    flags = list(asked._asdict().items())
    in_any_order = [Ended("healthcheck", repr(dict(order))) for order in (flags, flags[::-1])]
    assert TREE.run(*line.split()) in in_any_order


@pytest.mark.parametrize("line", LEFT)
def test_whatever_is_not_written_plainly_is_left_to_the_library(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run_fast_path(line.split()) is None
    assert ("", "") == capsys.readouterr()


@pytest.mark.parametrize("line", ["--version", "version", "healthcheck --web.listen-address=nonsense"])
def test_what_is_run_plainly_says_and_ends_as_the_library_would(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    code, said = run_fast_path(line.split()), capsys.readouterr()
    with pytest.raises(SystemExit) as ended:
        app(line.split(), prog_name="booking-sync-exporter")
    assert (ended.value.code, capsys.readouterr()) == (code, said)


def test_a_shell_that_completes_is_answered_by_the_library(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(VARIABLE, "complete_fish")
    assert run_fast_path(["--version"]) is None


def test_a_health_check_that_is_interrupted_ends_as_every_command(monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> tuple[bool, str]:
        raise KeyboardInterrupt

    monkeypatch.setattr("exporter.commands.healthcheck.is_healthy", interrupted)
    assert 130 == run_fast_path(["healthcheck"])


def test_the_words_of_the_process_are_read(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    from exporter.__main__ import main  # noqa: PLC0415  it sets up the process when it is called, not when it is imported

    monkeypatch.setattr(sys, "argv", ["booking-sync-exporter", "--version"])
    with pytest.raises(SystemExit) as ended:
        main()
    assert 0 == ended.value.code
    assert capsys.readouterr().out.startswith("booking-sync-exporter 0.")
