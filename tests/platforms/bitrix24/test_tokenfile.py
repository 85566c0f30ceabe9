"""The token file on disk: what a crash may leave, and which of two files is meant (bitrix24.md 9.2)."""

from __future__ import annotations

import json
import os
import stat
from pathlib import Path

import pytest

from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24.tokenfile import TokenFile, parse


def pair(name: str) -> bytes:
    answer = {
        "access_token": f"a-{name}",
        "refresh_token": f"r-{name}",
        "client_endpoint": "https://p.example/rest/",
        "more": 1,
    }
    return json.dumps(answer, indent=2).encode() + b"\n"


def make(folder: Path, *, file: bytes | None = None, beside: bytes | None = None) -> TokenFile:
    for name, content in (("tokens.json", file), ("tokens.json.new", beside)):
        if content is not None:
            (folder / name).write_bytes(content)
    return TokenFile(folder / "tokens.json")


def refresh_token(file: TokenFile) -> str:
    return file.load().refresh.reveal()


def test_a_stored_pair_is_what_is_loaded_byte_for_byte_and_for_its_owner_only(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    file.store(file.prepare(), pair("new"))
    assert refresh_token(file) == "r-new"
    assert file.path.read_bytes() == pair("new")
    assert stat.S_IMODE(file.path.stat().st_mode) == 0o600
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"] == ["tokens.json"]


@pytest.mark.parametrize("left", [b"", b"{", pair("new")[:-20], b"[]", b'{"access_token": "a"}'])
def test_anything_less_than_a_whole_pair_beside_is_ignored(left: bytes, tmp_path: Path) -> None:
    assert refresh_token(make(tmp_path, file=pair("old"), beside=left)) == "r-old"


def test_a_whole_pair_beside_takes_the_place_of_the_file(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"), beside=pair("new"))
    assert refresh_token(file) == "r-new"
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"] == ["tokens.json"]


def test_a_whole_pair_beside_serves_when_the_file_is_gone(tmp_path: Path) -> None:
    assert refresh_token(make(tmp_path, beside=pair("new"))) == "r-new"


def test_a_file_that_somebody_put_there_after_the_crash_is_meant(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("by-hand"), beside=pair("crashed"))
    os.utime(tmp_path / "tokens.json.new", (1, 1))
    assert refresh_token(file) == "r-by-hand"


def test_giving_up_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    file.discard(file.prepare())
    assert [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"] == ["tokens.json"]


def test_a_link_planted_beside_is_not_followed(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    (tmp_path / "tokens.json.new").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(TargetConfigError, match="cannot write"):
        file.prepare()
    assert not (tmp_path / "elsewhere").exists()


def test_a_folder_that_does_not_exist_is_told_with_the_path(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "nowhere" / "tokens.json")
    with pytest.raises(TargetConfigError, match="no token file"):
        file.load()
    with pytest.raises(TargetConfigError, match="cannot write"):
        file.prepare()


def test_tokens_print_nothing_secret() -> None:
    tokens = parse(pair("planted"))
    assert tokens is not None
    assert "planted" not in repr(tokens)
