"""Moments are read from parts that are remembered; what was read before changes nothing."""

from __future__ import annotations

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.calendar.moments import Moments

_DAYS = st.sampled_from(["20261126", "20270228", "20270229", "2026112", "00000101", "2026112\N{FULLWIDTH DIGIT SIX}"])
_TIMES = st.sampled_from(["T090000", "t235960", "T240000", "T096000", "T09000", "T0900000", " 090000", "T09 000", "T0900+0"])
_ENDS = st.sampled_from(["Z", "z", "", "ZZ", "+", "\n"])


@given(st.lists(st.builds("{}{}{}".format, _DAYS, _TIMES, _ENDS), max_size=40))
def test_a_moment_is_the_same_whatever_was_read_before_it(texts: list[str]) -> None:
    moments = Moments()
    assert [Moments().utc(text) for text in texts] == [moments.utc(text) for text in texts]


@given(st.lists(st.integers(0, 7_258_118_400), max_size=40))
def test_a_moment_is_that_of_the_calendar_of_python(seconds: list[int]) -> None:
    moments = Moments()
    assert seconds == [moments.utc(f"{datetime.fromtimestamp(one, UTC):%Y%m%dT%H%M%SZ}") for one in seconds]
