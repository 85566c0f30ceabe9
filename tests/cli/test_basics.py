"""`hash-password` and `example-config`: what they print is taken by what reads it."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from typing import Final

import bcrypt
import pytest
from typer.testing import CliRunner

from exporter.cli import app
from exporter.commands.example_config import SHIPPED
from exporter.commands.hash_password import hashed, read_password
from exporter.config import load_config
from exporter.errors import BookingSyncError
from exporter.monitoring import load_settings
from exporter.web import WebConfig

CONFIG: Final = Path(__file__).parents[2] / "config"
RUNNER: Final = CliRunner()


class Terminal(io.BytesIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize("password", ["open sesame", "ä" * 36, " blanks ", "a" * 72])
@pytest.mark.parametrize("end", ["", "\n", "\r\n"])
def test_a_piped_password_becomes_a_line_of_the_web_configuration(password: str, end: str, tmp_path: Path) -> None:
    done = RUNNER.invoke(app, ["hash-password"], input=password + end)
    assert (0, 1) == (done.exit_code, done.stdout.count("\n"))
    assert bcrypt.checkpw(password.encode(), done.stdout.strip().encode())
    (tmp_path / "web.yml").write_text(f"basic_auth_users:\n  prometheus: {done.stdout}")
    assert done.stdout.strip() == WebConfig.load(tmp_path / "web.yml").users["prometheus"].reveal()


@pytest.mark.parametrize(
    ("piped", "said"),
    [
        ("", "the password is empty"),
        ("\n", "the password is empty"),
        ("secret-words\nmore", "more than one line was piped in"),
        ("secret-words\0", "holds a NUL byte"),
        ("secret-words" + "x" * 61, "the password has 73 bytes, and bcrypt reads 72"),
        ("secret-words" + "ä" * 31, "the password has 74 bytes, and bcrypt reads 72"),
    ],
)
def test_a_password_that_bcrypt_would_cut_is_refused_and_not_repeated(piped: str, said: str) -> None:
    done = RUNNER.invoke(app, ["hash-password"], input=piped)
    assert 1 == done.exit_code
    assert said in done.stderr
    assert "secret-words" not in done.output


def test_no_password_is_taken_from_the_command_line_and_none_is_repeated() -> None:
    done = RUNNER.invoke(app, ["hash-password", "secret-words"], input="other")
    assert 2 == done.exit_code
    assert "type or pipe it in" in done.stderr
    assert "secret-words" not in done.output
    assert "$2b$" not in done.output


def test_on_a_terminal_the_password_is_asked_for() -> None:
    assert "typed" == read_password(Terminal(b"not read"), lambda: "typed").decode()
    with pytest.raises(BookingSyncError):
        hashed(b"")


@pytest.mark.parametrize("name", [None, *SHIPPED])
def test_what_travels_is_printed_byte_for_byte(name: str | None) -> None:
    done = RUNNER.invoke(app, ["example-config", *([name] if name else [])])
    assert 0 == done.exit_code
    assert (CONFIG / SHIPPED[name or "exporter.yml"]).read_bytes() == done.stdout_bytes


def test_a_file_that_does_not_travel_is_refused_with_those_that_do() -> None:
    done = RUNNER.invoke(app, ["example-config", "exporter.yaml"])
    assert 2 == done.exit_code
    assert all(name in done.stderr for name in SHIPPED)


def test_what_is_printed_is_accepted_and_its_editors_find_the_schema(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WIX_API_KEY", "IST.x")
    monkeypatch.setenv("B24_WEBHOOK_URL", "https://portal.bitrix24.example/rest/1/abcdef0123456789/")
    for name in SHIPPED:
        (tmp_path / name).write_bytes(RUNNER.invoke(app, ["example-config", name]).stdout_bytes)
    assert load_config(tmp_path / "exporter.yml").targets
    assert load_settings(tmp_path / "monitoring.yml") == load_settings(CONFIG / "monitoring.yml")
    modeline, _, _ = (tmp_path / "exporter.yml").read_text().partition("\n")
    assert (tmp_path / modeline.removeprefix("# yaml-language-server: $schema=")).is_file()


def test_what_the_readme_copies_finds_its_schema(tmp_path: Path) -> None:
    [copied] = [line for line in (CONFIG.parent / "README.md").read_text().splitlines() if line.startswith("cp config/")]
    *files, folder = copied.partition("#")[0].split()[1:]
    assert "." == folder
    for file in files:
        shutil.copy(CONFIG.parent / file, tmp_path)
    modeline, _, _ = (tmp_path / "exporter.yml").read_text().partition("\n")
    assert (tmp_path / modeline.removeprefix("# yaml-language-server: $schema=")).is_file()
