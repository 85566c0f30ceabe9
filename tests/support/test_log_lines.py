"""How long a line of the log may be, whatever is said in it and by whom."""

from __future__ import annotations

import io
import json
import logging
import re
from collections.abc import Iterator

import pytest
import structlog

from exporter.support import logs
from tests.harness.log_settings import logging_as_before

pytestmark = pytest.mark.slow

BYTES = 4096
LETTERS = {
    "plain": "x",
    "wide": "\U0001f600",
    "control": "\x1b",
    "separator": "\u2028",
    "half a pair": "\ud83d",
    "quote": '"',
    "end of line": "\n",
    "mixed": 'a"\n\x00é\u202e\U0001f600',
}
SIZES = (900, 4_000, 4_096, 20_000, 1_000_000)


@pytest.fixture(autouse=True)
def _logs_as_before() -> Iterator[None]:
    with logging_as_before():
        yield


def lines(form: str, *, size: int = 1, letter: str = "x", **facts: object) -> list[str]:
    stream = io.StringIO()
    logs.configure("info", form, stream)
    structlog.get_logger("test").warning("odd", first=1, long=letter * size, last="the end", **facts)
    return stream.getvalue().split("\n")[:-1]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
@pytest.mark.parametrize("form", ["json", "logfmt"])
def test_a_line_of_the_log_is_one_line_of_at_most_four_kibibytes(form: str, letter: str, size: int) -> None:
    [line] = lines(form, size=size, letter=letter)
    assert BYTES >= len(line.encode()) + 1
    assert "the end" in line


@pytest.mark.parametrize("letter", LETTERS.values(), ids=LETTERS)
@pytest.mark.parametrize(
    "facts", [{}, {"ids": ["y" * 90] * 500}, {"more": {"a": "z" * 9_000}}, {f"k{n}": "v" * 39 for n in range(200)}]
)
def test_a_line_that_was_cut_is_json_all_the_same(letter: str, facts: dict[str, object]) -> None:
    [line] = lines("json", size=20_000, letter=letter, **facts)
    assert BYTES >= len(line.encode()) + 1
    assert {"event": "odd", "level": "warning"}.items() <= json.loads(line).items()


def test_what_is_cut_says_how_much_is_missing() -> None:
    [line] = lines("logfmt", size=20_000)
    assert re.search("x … [0-9]{4,5} letters … x", line)


def test_a_line_that_fits_is_not_touched() -> None:
    [line] = lines("logfmt", size=3_900)
    assert f"long={'x' * 3_900} " in line


@pytest.mark.parametrize("form", ["json", "logfmt", "auto"])
def test_of_a_long_traceback_the_beginning_and_the_last_line_stay(form: str) -> None:
    def deeper(times: int) -> None:
        if not times:
            raise ValueError("the last word")
        [deeper, *[None] * times][0](times - 1)  # type: ignore[misc]  # frames that no traceback folds

    stream = io.StringIO()
    logs.configure("info", form, stream)
    try:
        deeper(200)
    except ValueError:
        structlog.get_logger("test").exception("crashed")
    [line] = stream.getvalue().split("\n")[:-1]
    assert BYTES >= len(line.encode()) + 1
    assert "Traceback (most recent call last)" in line
    assert "ValueError: the last word" in line


def test_a_line_of_a_library_is_no_longer() -> None:
    stream = io.StringIO()
    logs.configure("info", "logfmt", stream)
    logging.getLogger("library").warning("%s", "x" * 100_000)
    [line] = stream.getvalue().split("\n")[:-1]
    assert BYTES >= len(line.encode()) + 1
