"""The token file on disk: what a crash may leave, and which of two files is meant (bitrix24.md 9.2)."""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24.tokenfile import TokenFile, parse
from tests.harness.open_folder import open_folder as made_folder


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
    assert "r-new" == refresh_token(file)
    assert file.path.read_bytes() == pair("new")
    assert 0o600 == stat.S_IMODE(file.path.stat().st_mode)
    assert ["tokens.json"] == [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"]


@pytest.mark.parametrize("left", [b"", b"{", pair("new")[:-20], b"[]", b'{"access_token": "a"}'])
def test_anything_less_than_a_whole_pair_beside_is_ignored(left: bytes, tmp_path: Path) -> None:
    assert "r-old" == refresh_token(make(tmp_path, file=pair("old"), beside=left))


def test_a_whole_pair_beside_takes_the_place_of_the_file(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"), beside=pair("new"))
    assert "r-new" == refresh_token(file)
    assert ["tokens.json"] == [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"]


def test_a_whole_pair_beside_serves_when_the_file_is_gone(tmp_path: Path) -> None:
    assert "r-new" == refresh_token(make(tmp_path, beside=pair("new")))


def test_a_file_that_somebody_put_there_after_the_crash_is_meant(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("by-hand"), beside=pair("crashed"))
    os.utime(tmp_path / "tokens.json.new", (1, 1))
    assert "r-by-hand" == refresh_token(file)


def test_giving_up_leaves_the_folder_as_it_was(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    file.discard(file.prepare())
    assert ["tokens.json"] == [entry.name for entry in tmp_path.iterdir() if entry.suffix != ".lock"]


BESIDE: dict[str, Callable[[Path], object]] = {
    "link": lambda path: path.symlink_to(path.with_name("elsewhere")),
    "hard link": lambda path: os.link(path.with_name("elsewhere"), path),
    "pipe": os.mkfifo,
    "device": lambda path: path.symlink_to("/dev/full"),
    "file": lambda path: path.touch(0o666),
}


@pytest.mark.parametrize("plant", BESIDE.values(), ids=BESIDE)
def test_what_was_planted_beside_is_neither_written_nor_waited_for_nor_kept(
    plant: Callable[[Path], object], tmp_path: Path
) -> None:
    file = make(tmp_path, file=pair("old"))
    (tmp_path / "elsewhere").write_text("not ours")
    plant(tmp_path / "tokens.json.new")
    file.store(file.prepare(), pair("new"))
    assert "r-new" == refresh_token(file)
    assert "not ours" == (tmp_path / "elsewhere").read_text()


def test_who_made_the_file_beside_before_us_and_reads_along_gets_nothing(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"), beside=b"")
    with (tmp_path / "tokens.json.new").open("rb") as held:
        file.store(file.prepare(), pair("new"))
        assert b"" == held.read()


def test_a_folder_beside_is_told_and_stays(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    (tmp_path / "tokens.json.new").mkdir()
    with pytest.raises(TargetConfigError, match="cannot write beside"):
        file.prepare()


@pytest.mark.parametrize("plant", [os.mkfifo, Path.mkdir], ids=["pipe", "folder"])
def test_what_is_no_file_is_not_replaced_by_a_token_file(plant: Callable[[Path], object], tmp_path: Path) -> None:
    plant(tmp_path / "tokens.json")
    with pytest.raises(TargetConfigError, match=r"tokens\.json is no regular file"):
        TokenFile(tmp_path / "tokens.json").try_out()


def test_a_folder_that_does_not_exist_is_told_with_the_path(tmp_path: Path) -> None:
    file = TokenFile(tmp_path / "nowhere" / "tokens.json")
    with pytest.raises(TargetConfigError, match="no token file"):
        file.load()
    with pytest.raises(TargetConfigError, match="cannot write"):
        file.prepare()


@contextlib.contextmanager
def another_user() -> Iterator[None]:
    """Run the block as a user who has no right but everybody's; as who is no root anyway, that is the user himself."""
    if os.geteuid():
        yield
        return
    os.seteuid(65_534)
    try:
        yield
    finally:
        os.seteuid(0)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """A folder that everybody may enter and write."""
    with made_folder(0o777) as path:
        yield path


def test_a_lock_file_that_another_user_made_under_whatever_umask_is_taken(open_folder: Path) -> None:
    before = os.umask(0o077)
    try:
        file = make(open_folder, file=pair("old"))
        assert file.lock()
        file.unlock()
    finally:
        os.umask(before)
    lock = open_folder / "tokens.json.lock"
    assert 0o644 == stat.S_IMODE(lock.stat().st_mode)
    lock.chmod(0o444)  # its maker, where the test has one user only, may write it
    with another_user():
        second = TokenFile(open_folder / "tokens.json")
        assert second.lock()
        assert not file.lock()
        second.unlock()


def refuse_to_open(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let no lock file be opened any more."""
    opened = os.open

    def refuse(path: Path, *arguments: int) -> int:
        if str(path).endswith(".lock"):
            raise OSError(number, os.strerror(number), path)
        return opened(path, *arguments)

    monkeypatch.setattr(os, "open", refuse)


def test_beside_a_lock_file_that_may_not_be_opened_a_pair_is_left_to_who_may_be_writing_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path, file=pair("old"), beside=pair("new"))
    refuse_to_open(monkeypatch, errno.EACCES)
    assert "r-old" == refresh_token(file)
    assert (tmp_path / "tokens.json.new").exists()


def test_on_a_read_only_file_system_where_nobody_renews_a_whole_pair_beside_is_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = make(tmp_path, file=pair("old"), beside=pair("new"))
    refuse_to_open(monkeypatch, errno.EROFS)
    assert "r-new" == refresh_token(file)


def a_folder(path: Path) -> None:
    path.mkdir()


def a_link(path: Path) -> None:
    path.symlink_to("elsewhere")


def a_link_to_a_file(path: Path) -> None:
    path.with_name("elsewhere").touch()
    path.symlink_to("elsewhere")


def a_pipe(path: Path) -> None:
    os.mkfifo(path)


@pytest.mark.parametrize(
    ("plant", "why"),
    [
        (a_folder, "Is a directory"),
        (a_link, "it is a symbolic link"),
        (a_link_to_a_file, "it is a symbolic link"),
        (a_pipe, "it is no regular file"),
    ],
)
def test_what_stands_where_the_lock_file_goes_and_is_none_is_named(
    plant: Callable[[Path], None], why: str, tmp_path: Path
) -> None:
    file = make(tmp_path, file=pair("old"), beside=pair("new"))
    plant(tmp_path / "tokens.json.lock")
    for attempt in (file.lock, file.prepare):
        with pytest.raises(TargetConfigError, match=rf"cannot write the lock file .*/tokens\.json\.lock: {why}"):
            attempt()
    assert "r-old" == refresh_token(file)


def test_what_is_written_in_a_lock_file_is_of_no_account(tmp_path: Path) -> None:
    file = make(tmp_path, file=pair("old"))
    (tmp_path / "tokens.json.lock").write_bytes(b"[" * 100_000 + b"\xff\x00")
    assert file.lock()


def test_a_name_that_leaves_no_room_for_that_of_a_lock_file_is_told(tmp_path: Path) -> None:
    with pytest.raises(TargetConfigError, match=r"cannot write the lock file .*: File name too long"):
        TokenFile(tmp_path / ("t" * 253)).lock()


def refuse_locks(monkeypatch: pytest.MonkeyPatch, number: int) -> None:
    """Let the file system refuse every lock with the error ``number``."""

    def refuse(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    monkeypatch.setattr(fcntl, "flock", refuse)


def test_a_lock_that_nfs_refuses_to_who_may_only_read_is_no_missing_lock(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, errno.EBADF)
    with pytest.raises(TargetConfigError, match=r"tokens\.json\.lock: Bad file descriptor"):
        make(tmp_path, file=pair("old")).lock()


def test_a_file_system_without_locks_is_still_shared_by_one_taker_at_a_time_of_a_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse_locks(monkeypatch, errno.EOPNOTSUPP)
    file = TokenFile(tmp_path / "tokens.json")
    before = len(list(Path("/proc/self/fd").iterdir()))
    for _ in range(2):
        assert file.lock()
        assert not file.lock()
        file.unlock()
    assert before == len(list(Path("/proc/self/fd").iterdir()))


def test_who_shares_the_lock_keeps_it_when_the_one_who_took_it_goes(tmp_path: Path) -> None:
    file, other = TokenFile(tmp_path / "tokens.json"), TokenFile(tmp_path / "tokens.json")
    assert file.lock()
    with file.locked() as ours:
        assert ours
        file.unlock()
        assert not other.lock()
    assert other.lock()


def test_tokens_print_nothing_secret() -> None:
    tokens = parse(pair("planted"))
    assert tokens is not None
    assert "planted" not in repr(tokens)


@pytest.mark.parametrize("name", ["9" * 300, "circle"])
def test_a_path_that_cannot_be_looked_at_is_told_and_is_no_bug_of_ours(tmp_path: Path, name: str) -> None:
    (tmp_path / "circle").symlink_to(tmp_path / "circle")
    file = TokenFile(tmp_path / name)
    assert file.finish() is None
    with pytest.raises(TargetConfigError, match=name):
        file.load()
