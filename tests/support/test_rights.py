"""Who else may read or write a file: everybody, a foreign group, nobody who matters."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.support.rights import exposures

FOREIGN = 54_321  # a group that no process of a test is in


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that everybody may enter; those of pytest are closed."""
    with tempfile.TemporaryDirectory() as name:
        Path(name).chmod(0o755)
        yield Path(name)


def told(path: Path, *, secret: bool = True) -> list[str]:
    return [
        found.message.replace(f"{path.resolve()}: ", "").replace(f"{path.parent}: ", "") for found in exposures({path: secret})
    ]


def made(folder: Path, mode: int, group: int | None = None) -> Path:
    path = folder / "secret"
    path.touch()
    if group is not None:
        os.chown(path, -1, group)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o600, []),
        (0o400, []),
        (0o640, []),
        (0o660, []),
        (0o644, ["everybody may read it"]),
        (0o604, ["everybody may read it"]),
        (0o602, ["everybody may write it"]),
        (0o666, ["everybody may write it", "everybody may read it"]),
    ],
)
def test_a_secret_of_ours_is_for_us_and_our_groups(mode: int, expected: list[str], folder: Path) -> None:
    assert expected == told(made(folder, mode))


def test_nobody_is_told_to_close_a_folder_that_was_named_by_mistake(folder: Path) -> None:
    (folder / "secrets").mkdir(mode=0o755)
    assert [] == told(folder / "secrets")


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files to groups that he is not in")
@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        (0o600, []),
        (0o640, [f"the group {FOREIGN} may read it"]),
        (0o660, [f"the group {FOREIGN} may write it", f"the group {FOREIGN} may read it"]),
        (0o644, ["everybody may read it"]),
    ],
)
def test_a_secret_of_another_group_is_not_for_that_group(mode: int, expected: list[str], folder: Path) -> None:
    assert expected == told(made(folder, mode, FOREIGN))


def test_what_is_no_secret_may_be_read_and_not_written(folder: Path) -> None:
    assert [] == told(made(folder, 0o644), secret=False)
    assert ["everybody may write it"] == told(made(folder, 0o646), secret=False)


def test_a_folder_that_everybody_may_write_lets_everybody_replace_the_file_unless_it_is_sticky(folder: Path) -> None:
    path = made(folder, 0o600)
    for mode, expected in ((0o777, ["everybody may replace the files in this folder"]), (0o1777, []), (0o755, [])):
        folder.chmod(mode)
        assert expected == told(path)


def test_a_file_that_is_not_there_yet_has_the_rights_of_its_folder(folder: Path) -> None:
    folder.chmod(0o777)
    assert ["everybody may replace the files in this folder"] == told(folder / "tokens.json")


def test_a_link_counts_by_both_folders_and_the_file_behind_it(folder: Path) -> None:
    (folder / "behind").mkdir()
    path = made(folder / "behind", 0o644)
    (folder / "behind").chmod(0o777)
    (folder / "link").symlink_to(path)
    folder.chmod(0o777)
    lines = [found.message for found in exposures({folder / "link": True})]
    whole = "everybody may replace the files in this folder"
    assert [f"{path}: everybody may read it", f"{folder}: {whole}", f"{folder / 'behind'}: {whole}"] == lines


def test_a_closed_folder_above_keeps_others_from_everything_below(folder: Path) -> None:
    path = made(folder, 0o666)
    folder.chmod(0o700)
    assert [] == told(path)


def test_what_a_folder_lets_others_do_is_told_once_for_all_files_in_it(folder: Path) -> None:
    folder.chmod(0o777)
    assert 1 == len(exposures({folder / "one": True, folder / "two": False}))


def test_the_fix_ends_it(folder: Path) -> None:
    path = made(folder, 0o666)
    for command in {found.fix for found in exposures({path: True})}:
        assert 0 == os.system(command)  # noqa: S605  what we tell people to do
    assert [] == told(path)


def test_nothing_is_said_of_a_read_only_mount(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = made(folder, 0o666)
    system = os.statvfs(path)
    read_only = os.statvfs_result((*system[:8], system.f_flag | os.ST_RDONLY, *system[9:]))
    monkeypatch.setattr(os, "statvfs", lambda _: read_only)
    assert [] == told(path)


@pytest.mark.parametrize("name", ["9" * 300, "circle", "nowhere/file"])
def test_what_cannot_be_looked_at_is_nobodys(name: str, folder: Path) -> None:
    (folder / "circle").symlink_to(folder / "circle")
    assert [] == exposures({folder / name: True})
