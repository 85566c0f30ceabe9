"""What stands where a file should be, and is none."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import pytest

from exporter.support.files import NotAFileError, file_problem, read_file


def _bind(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as sock:
        sock.bind(str(path))


KINDS: Final[dict[str, Callable[[Path], object]]] = {"folder": Path.mkdir, "pipe": os.mkfifo, "socket": _bind}


@pytest.fixture(params=KINDS)
def odd(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)  # the path of a socket may not be long
    path = Path("odd")
    KINDS[request.param](path)
    return path


def test_what_is_no_file_is_not_read_and_nobody_waits_for_it(odd: Path) -> None:
    with pytest.raises(NotAFileError):
        read_file(odd, 100)


def test_what_is_no_file_is_called_so(odd: Path) -> None:
    assert "is no file" == file_problem(odd)


def test_a_file_is_no_problem_where_a_file_should_be_and_one_where_a_folder_should(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"text")
    assert b"tex" == read_file(path, 3)
    assert (None, "is no folder", None) == (
        file_problem(path),
        file_problem(path, folder=True),
        file_problem(tmp_path, folder=True),
    )
