"""With which code a command ends, by what went wrong, and what it says of it on standard error."""

from __future__ import annotations

import errno
from collections.abc import Iterator

import pytest
import structlog
import typer

from exporter.cli.exits import exits
from exporter.errors import BookingSyncError, ConfigError, ConfigProblem

WRONG = ConfigError([ConfigProblem("targets", "is no list", "write a list"), ConfigProblem("log.level", "is odd")])


@pytest.fixture(autouse=True)
def _no_log() -> Iterator[None]:
    """A bug is logged as well; here it goes nowhere."""
    with structlog.testing.capture_logs():
        yield


@pytest.mark.parametrize(
    ("error", "code", "said"),
    [
        (WRONG, 2, [f"error: {problem}" for problem in WRONG.problems]),
        (BookingSyncError("the portal refused"), 1, ["error: the portal refused"]),
        (KeyboardInterrupt(), 130, []),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), 1, []),
        (
            OSError(errno.ENOSPC, "No space left on device"),
            1,
            ["error: standard output: what was to be printed could not be written: No space left on device"],
        ),
        (
            ZeroDivisionError("of a customer"),
            1,
            ["error: a bug in the exporter (ZeroDivisionError); please report it with what standard error has"],
        ),
        (typer.Exit(7), 7, []),
    ],
    ids=["configuration", "known", "ctrl-c", "closed pipe", "full disk", "bug", "chosen"],
)
def test_what_went_wrong_decides_the_exit_code_and_each_problem_is_a_line(
    error: BaseException, code: int, said: list[str], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("exporter.cli.exits.discard_output", lambda: None)
    with pytest.raises(typer.Exit) as ended, exits():
        raise error
    assert code == ended.value.exit_code
    assert said == capsys.readouterr().err.splitlines()


@pytest.mark.parametrize("error", [WRONG, BookingSyncError("no"), KeyboardInterrupt(), BrokenPipeError(), ZeroDivisionError()])
def test_a_plugin_of_a_monitoring_system_ends_with_3_whatever_keeps_it_from_judging(error: BaseException) -> None:
    with pytest.raises(typer.Exit) as ended, exits(bad_config=3, otherwise=3, interrupted=3):
        raise error
    assert 3 == ended.value.exit_code
