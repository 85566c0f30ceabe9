"""What the command line says when it meets a bug of ours."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from exporter import monitoring
from exporter.cli import main


@pytest.fixture(autouse=True)
def _unset_log() -> Iterator[None]:
    structlog.reset_defaults()
    yield
    structlog.reset_defaults()


def test_a_bug_in_a_command_without_a_log_of_its_own_is_told_without_local_variables(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def bug(out: Path) -> None:
        planted = "planted credential".replace(" ", "-")
        raise ZeroDivisionError(len(planted), out)

    monkeypatch.setattr(monitoring, "make_password", bug)
    monkeypatch.setattr(sys, "argv", ["booking-sync-exporter", "monitoring", "password", "--out", str(tmp_path)])
    with pytest.raises(SystemExit) as ended:
        main()
    said = "".join(capsys.readouterr())
    assert 1 == ended.value.code
    assert "ZeroDivisionError" in said
    assert "planted-credential" not in said
