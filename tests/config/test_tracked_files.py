"""A credential that stands in a file of a git repository is told; one beside it, or in a file that git ignores, is not."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest

from exporter.config import load_config
from exporter.errors import ConfigError

GIT: Final = shutil.which("git")
TARGET: Final = "targets: [{name: a, platform: wix, site_id: 7f1c2a34-0000-4000-8000-000000000001, api_key: SECRET%s}]\n"
INLINE: Final = "IST.planted-key-0123456789"

pytestmark = pytest.mark.skipif(GIT is None, reason="git is not installed")


@pytest.fixture(scope="module")
def repository(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with one tracked, one new and one ignored configuration in a folder, and another folder beside it."""
    folder = tmp_path_factory.mktemp("place") / "repository"
    (folder / "etc" / "etc").mkdir(parents=True)
    (folder.parent / "outside").mkdir()
    for name in ("tracked.yml", "new.yml", "ignored.yml", "etc/new.yml"):
        (folder / "etc" / name).write_text(TARGET.replace("SECRET", INLINE) % "")
    shutil.copy(folder / "etc" / "new.yml", folder.parent / "outside" / "tracked.yml")
    (folder / "etc" / "not-inline.yml").write_text(TARGET.replace("SECRET", "{env: KEY}") % "")
    (folder / "etc" / "wrong.yml").write_text(TARGET.replace("SECRET", INLINE) % ", nonsense: 1")
    (folder / ".gitignore").write_text("ignored.yml\n")
    assert GIT is not None
    for words in (
        ["init", "-q"],
        ["add", ".gitignore", "etc/tracked.yml", "etc/not-inline.yml", "etc/wrong.yml", "etc/etc/new.yml"],
    ):
        subprocess.run([GIT, "-C", str(folder), *words], check=True)
    return folder


def told(file: Path) -> list[str]:
    try:
        warnings = load_config(file, {"KEY": "k" * 40}).warnings
    except ConfigError as error:
        warnings = error.warnings
    return [str(warning) for warning in warnings if "git" in warning.message.replace(str(file.parent), "")]


@pytest.mark.parametrize(
    ("name", "is_told"),
    [
        ("repository/etc/tracked.yml", True),
        ("repository/etc/wrong.yml", True),
        ("repository/etc/new.yml", False),
        ("repository/etc/ignored.yml", False),
        ("repository/etc/not-inline.yml", False),
        ("outside/tracked.yml", False),
    ],
)
def test_a_credential_in_a_tracked_file_is_told(repository: Path, name: str, is_told: bool) -> None:
    file = repository.parent / name
    expected = (
        f"{file} holds a credential, and git tracks it in {repository} "
        "(fix: write {file: PATH} or {env: NAME}, and replace the credential: clones of the repository keep the old one)"
    )
    assert [expected] * is_told == told(file)


def test_an_index_that_cannot_be_read_is_no_matter(tmp_path: Path) -> None:
    (tmp_path / ".git" / "index").mkdir(parents=True)
    file = tmp_path / "exporter.yml"
    file.write_text(TARGET.replace("SECRET", INLINE) % "")
    assert [] == told(file)
