"""Durations as Prometheus writes them."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.fields.durations import format_duration, parse_duration


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("0s", 0.0),
        ("30s", 30.0),
        ("5m", 300.0),
        ("1h30m", 5400.0),
        ("500ms", 0.5),
        ("0.25s", 0.25),
        ("1.5h", 5400.0),
        ("2d", 172_800.0),
        ("1w1d1h1m1s1ms", 694_861.001),
        ("0.1s", 0.1),
    ],
)
def test_a_duration_is_read_in_seconds(text: str, seconds: float) -> None:
    assert seconds == parse_duration(text)


@pytest.mark.parametrize(
    "text", ["", "s", "5", "5 s", " 5s", "5s\n", "-5s", "5S", "5s5m", "5s5s", "1y", "\u0665s", "1e3s", ".5s", "5.s"]
)
def test_what_is_no_duration_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("seconds", "text"), [(0.0, "0s"), (0.5, "500ms"), (60.0, "1m"), (70.0, "1m10s"), (5400.0, "1h30m"), (90_000.0, "1d1h")]
)
def test_a_duration_is_written_in_its_largest_units(seconds: float, text: str) -> None:
    assert text == format_duration(seconds)


@pytest.mark.slow
@given(st.integers(0, 10**10))
def test_what_is_written_is_read_as_the_same(milliseconds: int) -> None:
    assert milliseconds / 1000 == parse_duration(format_duration(milliseconds / 1000))
