"""Fact sheet bitrix24.md 5.1: the simulator reads query strings as PHP does."""

from __future__ import annotations

from urllib.parse import quote

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.simulator.bitrix24.phpquery import is_numeric, parse, to_int


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", {}),
        ("a=1", {"a": "1"}),
        ("a", {"a": ""}),
        ("a=1&a=2", {"a": "2"}),
        ("a=b=c", {"a": "b=c"}),
        ("a[]=1&a[]=2", {"a": ["1", "2"]}),
        ("a[0]=1&a[1]=2", {"a": ["1", "2"]}),
        ("a[1]=2&a[0]=1", {"a": {"1": "2", "0": "1"}}),
        ("a[5]=1&a[]=2", {"a": {"5": "1", "6": "2"}}),
        ("a[x][y]=1&a[x][z]=2", {"a": {"x": {"y": "1", "z": "2"}}}),
        ("a[x][]=1&a[x][]=2", {"a": {"x": ["1", "2"]}}),
        ("a[0][id]=1&a[1][id]=2", {"a": [{"id": "1"}, {"id": "2"}]}),
        ("a[01]=1", {"a": {"01": "1"}}),
        ("a[x]=1&a=2", {"a": "2"}),
        ("a=2&a[x]=1", {"a": {"x": "1"}}),
        ("a.b=1", {"a_b": "1"}),
        ("a b=1", {"a_b": "1"}),
        ("a[b.c]=1", {"a": {"b.c": "1"}}),
        ("a[x=1", {"a_x": "1"}),
        ("a[x]y=1", {"a": {"x": "1"}}),
        ("a=%26%2B%20+x", {"a": "&+  x"}),
        ("a%5Bx%5D=1", {"a": {"x": "1"}}),
        ("=1&&", {}),
    ],
)
def test_brackets_make_lists_and_maps(query: str, expected: object) -> None:
    assert parse(query) == expected


@settings(deadline=None)  # the machine may be busy
@given(st.text(min_size=1).filter(lambda text: not any(0xD800 <= ord(char) < 0xE000 for char in text)))
def test_a_value_survives_being_encoded_once(value: str) -> None:
    assert parse(f"a[b]={quote(value, safe='')}") == {"a": {"b": value}}


@pytest.mark.parametrize(
    ("value", "number"),
    [
        ("12", 12),
        (" 7", 7),
        ("-1", -1),
        ("12abc", 12),
        ("abc", 0),
        ("", 0),
        (None, 0),
        (3.9, 3),
        (True, 1),
        ([], 0),
        ("1.9", 1),
    ],
)
def test_a_cast_to_int_takes_the_leading_digits(value: object, number: int) -> None:
    assert to_int(value) == number


@pytest.mark.parametrize(
    ("value", "numeric"),
    [("12", True), ("1.5", True), ("-3", True), (4, True), ("12a", False), ("", False), (True, False), (None, False)],
)
def test_numeric_is_a_number_or_text_that_is_one(value: object, *, numeric: bool) -> None:
    assert is_numeric(value) is numeric
