"""Characters that nobody sees: all of Unicode's are found, and what languages and emoji need of them stays."""

from __future__ import annotations

import json
import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.support.invisible import code_point, first_invisible
from exporter.support.logs import _json_line
from exporter.support.redaction import sanitized, visible

# Formats that show: signs in front of Arabic, Syriac and Kaithi numbers.
SHOWN = set("\u0600\u0601\u0602\u0603\u0604\u0605\u06dd\u070f\u0890\u0891\u08e2\U000110bd\U000110cd")
EVERY = {
    letter
    for letter in map(chr, range(sys.maxunicode + 1))
    if unicodedata.category(letter) in {"Cc", "Cf", "Cs", "Zl", "Zp", "Co"}
}
FILLERS = "\u034f\u115f\u1160\u17b4\u17b5\u2800\u3164\uffa0\ufe00\ufe0f\U000e0100"

NEEDED = [
    "می‌خواهم",  # Persian: a joiner that joins not
    "क्‍ष श्री",  # Devanagari
    "ക്‍",  # Malayalam: at the end of a word, behind a virama
    "ශ්‍රී ලංකා",  # Sinhala
    "\U0001f469\u200d\U0001f527 \u2764\ufe0f \U0001f3f3\ufe0f\u200d\U0001f308",  # parts of emoji
    "\U0001f468\U0001f3fd\u200d\U0001f9b0",  # with a tone of skin
    "1\ufe0f\u20e3",  # a key
    "葛\U000e0100飾",  # a name's own form of a letter
    "\u1820\u180b",  # Mongolian
    "Café Zoë, Стул 7, 椅子 ①, كرسي ٣",
]


@pytest.mark.slow
def test_every_control_format_separator_surrogate_and_private_character_is_found_but_those_that_show() -> None:
    assert set() == {letter for letter in EVERY - SHOWN if first_invisible(f"a{letter}b") != letter}
    assert set() == {letter for letter in SHOWN if first_invisible(f"a{letter}b")}


@pytest.mark.parametrize("letter", FILLERS)
def test_so_is_what_counts_as_a_letter_a_mark_or_a_symbol_and_shows_nothing(letter: str) -> None:
    assert letter == first_invisible(f"a{letter}b")


@pytest.mark.parametrize("text", NEEDED)
def test_what_languages_and_emoji_need_stays_as_it_was_written(text: str) -> None:
    assert ("", text, text) == (first_invisible(text), visible(text), sanitized(text))


@pytest.mark.parametrize(
    "text",
    [
        "sal\u200don",
        "sal\u200con",
        "a\ufe0f",
        "7\ufe0f",
        "\u200d\U0001f527",
        "می\u200c",
        "\u200cمی",
        "م\u200c\u200cی",
        "стул\u200d",
        "\U0001f3f4\U000e0067",
    ],
)
def test_the_same_characters_where_nothing_needs_them_are_found(text: str) -> None:
    assert first_invisible(text)
    assert visible(text).replace("\\", "").isprintable()
    assert visible(text) != text


@pytest.mark.slow
@given(st.text(max_size=200))
def test_what_is_told_of_others_holds_none_of_them_and_loses_nothing_else(text: str) -> None:
    shown = sanitized(text, 10_000)
    assert "" == first_invisible(shown)
    if not first_invisible(text) and "@" not in text:
        assert text == shown


@given(st.text(st.sampled_from("ab\u200b\u202e\x85\ue000\U000e0041\ud800\U0001f469\u200dمی\u200c"), max_size=30))
def test_a_line_of_the_log_in_json_shows_them_all_and_is_read_as_what_was_written(text: str) -> None:
    line = _json_line({"event": text})
    assert "" == first_invisible(line)
    assert text == json.loads(line)["event"]


def test_a_character_is_named_by_its_code_point() -> None:
    assert ("U+202E RIGHT-TO-LEFT OVERRIDE", "U+0085", "U+E0041 TAG LATIN CAPITAL LETTER A") == tuple(
        map(code_point, ("\u202e", "\x85", "\U000e0041"))
    )


@pytest.mark.parametrize("letter", ["\u200b", "\xad", "\u2060", "\u202e", "\ufe0f", "\u2800", "\x00", "\U000e0041"])
@pytest.mark.parametrize("secret", ["anna.meier@example.com", "IST.eyJabcdefgh12345678", "/rest/1/abcdef0123456789/"])
def test_what_nobody_sees_hides_no_address_and_no_credential_at_any_place_of_it(secret: str, letter: str) -> None:
    bare = sanitized(f"of {secret} here")
    texts = [f"of {secret[:place]}{letter}{secret[place:]} here" for place in range(len(secret) + 1)]
    assert {bare} == set(map(sanitized, texts))
