"""Text of others that would steer a terminal, end a line of the log, or read as something else."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from exporter.config import load_config
from exporter.errors import ConfigError
from exporter.support import logs
from exporter.support.redaction import visible

STEERING = ("\x1b[2J", "\x9b2J", "\r", "\x00", "\x85", "\u2028", "\u2029", "\u202e", "\u2066", "\ud800")


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    yield
    logs.configure()


@pytest.mark.parametrize("text", STEERING)
def test_what_steers_a_terminal_is_written_out(text: str) -> None:
    shown = visible(f"before{text}after")
    assert (True, True) == (shown.isascii(), shown.isprintable())


@pytest.mark.parametrize("text", ["Café Zoë", "سالن", "a\u00a0b", "\U0001f469\u200d\U0001f527", "two\nlines\tand a tab", ""])
def test_what_people_write_stays(text: str) -> None:
    assert text == visible(text)


@pytest.mark.parametrize("text", STEERING)
@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_a_line_of_the_log_stays_one_printable_line(form: str, text: str) -> None:
    stream = io.StringIO()
    logs.configure("info", form, stream)
    structlog.get_logger("test").warning("odd", message=f"a{text}\nlevel=error event=forged")
    [line, rest] = stream.getvalue().split("\n")
    assert ("", True) == (rest, line.isprintable())
    if form == "json":
        assert f"a{text}\nlevel=error event=forged" == json.loads(line)["message"]


@pytest.mark.parametrize("text", ["\\e[2J", "\\x9b2J", "\\u2028", "\\u202e", "\\ud800"])
@pytest.mark.parametrize("key", ["name", "site_id"])
def test_a_configured_name_holds_nothing_of_the_kind(key: str, text: str, tmp_path: Path) -> None:
    values = {"name": "salon", "site_id": "12345678-9abc-4def-8123-456789abcdef"} | {key: f"a{text}b"}
    lines = "".join(f'    {name}: "{value}"\n' for name, value in values.items())
    file = tmp_path / "exporter.yml"
    file.write_text(f"targets:\n  - platform: wix\n    api_key: planted\n{lines}")
    with pytest.raises(ConfigError) as caught:
        load_config(file)
    assert f"targets[0].{key}" in str(caught.value)
    assert all(visible(str(problem)) == str(problem) for problem in caught.value.problems)
