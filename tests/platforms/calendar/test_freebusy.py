"""What a server answers to a free-busy-query, in every form that the RFC and servers allow, and in none."""

from __future__ import annotations

from datetime import UTC, datetime
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.platforms.calendar.content_lines import UnreadableCalendarError
from exporter.platforms.calendar.freebusy import FreeBusy, read_free_busy

MORNING = datetime(2026, 11, 26, 9, tzinfo=UTC).timestamp()
HOUR = 3600.0
DAY = 24 * HOUR
NINE_TO_TEN = (MORNING, MORNING + HOUR)


def answer(*lines: str, end: str = "\r\n") -> bytes:
    head = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//canary//EN", "BEGIN:VFREEBUSY", "DTSTAMP:20261126T000000Z"]
    return end.join([*head, *lines, "END:VFREEBUSY", "END:VCALENDAR", ""]).encode()


@pytest.mark.parametrize(
    "line",
    [
        pytest.param("FREEBUSY;FBTYPE=BUSY:20261126T090000Z/20261126T100000Z", id="as Radicale writes it"),
        pytest.param("FREEBUSY;VALUE=PERIOD:20261126T090000Z/20261126T100000Z", id="as xandikos writes it"),
        pytest.param("FREEBUSY:20261126T090000Z/20261126T100000Z", id="without a type"),
        pytest.param("FREEBUSY:20261126T090000Z/PT1H", id="with a duration"),
        pytest.param("FREEBUSY:20261126T090000Z/P0DT0H60M0S", id="with a long duration"),
        pytest.param("freebusy;fbtype=busy:20261126T090000Z/pt1h", id="in small letters"),
        pytest.param('FREEBUSY;FBTYPE="BUSY":20261126T090000Z/PT1H', id="with a type in quotes"),
        pytest.param('FREEBUSY;X-WHY="a:b;c,d";FBTYPE=BUSY:20261126T090000Z/PT1H', id="with a colon in quotes"),
        pytest.param("FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261126T090000Z/PT1H", id="tentative"),
        pytest.param("FREEBUSY;FBTYPE=BUSY-UNAVAILABLE:20261126T090000Z/PT1H", id="unavailable"),
        pytest.param("FREEBUSY:2026112\r\n 6T090000Z/PT1\r\n\tH", id="folded"),
        pytest.param("FREEBUSY:20261126T090000Z/20261126T100000Z ", id="with a blank at its end"),
    ],
)
def test_a_busy_hour_is_read_in_each_of_its_forms(line: str) -> None:
    assert FreeBusy((NINE_TO_TEN,)) == read_free_busy(answer(line))


def test_several_periods_in_one_line_are_each_read() -> None:
    found = read_free_busy(answer("FREEBUSY:20261126T090000Z/PT1H,20261126T110000Z/20261126T120000Z"))
    assert FreeBusy((NINE_TO_TEN, (MORNING + 2 * HOUR, MORNING + 3 * HOUR))) == found


@pytest.mark.parametrize("end", ["\r\n", "\n"])
def test_lines_end_as_on_either_system(end: str) -> None:
    assert FreeBusy((NINE_TO_TEN,)) == read_free_busy(answer("FREEBUSY:20261126T090000Z/PT1H", end=end))


@pytest.mark.parametrize("end", ["99991231T235959Z", "P999999W", "PT999999999H"])
def test_a_period_that_never_ends_is_busy_from_its_start_on(end: str) -> None:
    found = read_free_busy(answer(f"FREEBUSY:20261126T090000Z/{end}"))
    [(start, until)] = found.periods
    assert (MORNING, 0) == (start, found.malformed)
    assert until > MORNING + 50 * 366 * DAY


def test_a_free_period_is_no_busy_time() -> None:
    assert FreeBusy(()) == read_free_busy(answer("FREEBUSY;FBTYPE=FREE:20261126T090000Z/PT1H"))


def test_an_answer_without_periods_says_that_nobody_is_busy() -> None:
    assert FreeBusy(()) == read_free_busy(answer())


def test_a_type_that_is_not_known_is_busy_and_counted() -> None:
    found = read_free_busy(answer("FREEBUSY;FBTYPE=X-LUNCH:20261126T090000Z/PT1H"))
    assert FreeBusy((NINE_TO_TEN,), unrecognized={"fbtype": 1}) == found


@pytest.mark.parametrize(
    "period",
    [
        pytest.param("20261126T090000/20261126T100000", id="local, of no zone"),
        pytest.param("20261126T090000Z/20261126T100000", id="its end is local"),
        pytest.param("20261126/20261127", id="days"),
        pytest.param("20261126T100000Z/20261126T090000Z", id="ends before it begins"),
        pytest.param("20261126T090000Z/-PT1H", id="lasts a negative time"),
        pytest.param("20261126T090000Z/P", id="lasts nothing that is told"),
        pytest.param("20261126T090000Z/PT", id="lasts no time that is told"),
        pytest.param("00000000T000000Z/PT1H", id="begins in no year"),
        pytest.param("20261326T090000Z/PT1H", id="begins in the 13th month"),
        pytest.param("20261126T250000Z/PT1H", id="begins in the 25th hour"),
        pytest.param("\u0662\u0660\u0662\u0666\u0661\u0661\u0662\u0666T090000Z/PT1H", id="in other digits"),
        pytest.param("", id="nothing"),
        pytest.param("/", id="a slash"),
    ],
)
def test_a_period_that_nobody_can_read_is_counted_and_costs_no_other(period: str) -> None:
    found = read_free_busy(answer(f"FREEBUSY:{period}", "FREEBUSY:20261126T090000Z/PT1H"))
    assert FreeBusy((NINE_TO_TEN,), malformed=1) == found


def test_a_period_without_length_is_nothing() -> None:
    assert FreeBusy(()) == read_free_busy(answer("FREEBUSY:20261126T090000Z/20261126T090000Z"))


def test_what_lies_outside_of_the_busy_times_is_not_looked_at() -> None:
    body = answer("FREEBUSY:20261126T090000Z/PT1H").replace(
        b"BEGIN:VFREEBUSY", b"BEGIN:VEVENT\r\nFREEBUSY:20261126T130000Z/PT1H\r\nEND:VEVENT\r\nBEGIN:VFREEBUSY"
    )
    assert FreeBusy((NINE_TO_TEN,)) == read_free_busy(body)


def test_a_mark_of_the_encoding_before_the_calendar_is_passed_over() -> None:
    assert FreeBusy(()) == read_free_busy(b"\xef\xbb\xbf" + answer())


@pytest.mark.parametrize(
    ("body", "what"),
    [
        (b"", "an empty body"),
        (b" \r\n", "an empty body"),
        (b"<!DOCTYPE html><html></html>", "something that is not a calendar"),
        (answer()[:-20], "a calendar that is cut off"),
        (answer("FREEBUSY:20261126T090000Z/PT1H").removesuffix(b"END:VCALENDAR\r\n"), "a calendar that is cut off"),
        (answer() + b"<html>", "something behind the end of its calendar"),
        (answer("END:VEVENT"), "in the wrong order"),
        (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR\r\n", "a calendar without busy times (VFREEBUSY)"),
        (b"BEGIN:VCALENDAR\r\n" * 10_000, "lie too deep in each other"),
        (b"\x00" * 1000, "something that is not a calendar"),
    ],
)
def test_what_is_no_whole_answer_is_told_from_one_without_busy_times(body: bytes, what: str) -> None:
    with pytest.raises(UnreadableCalendarError) as raised:
        read_free_busy(body)
    assert what in str(raised.value)


def test_an_answer_with_more_periods_than_anybody_has_is_refused() -> None:
    line = "FREEBUSY:" + ",".join(["20261126T090000Z/PT1H"] * 100_001)
    with pytest.raises(UnreadableCalendarError) as raised:
        read_free_busy(answer(line))
    assert "more than 100,000 entries" == str(raised.value)


def test_a_period_that_is_folded_ten_thousand_times_is_read() -> None:
    text = "FREEBUSY:" + ",".join(["20261126T090000Z/PT1H"] * 10_000)
    folded = "\r\n ".join(text[at : at + 20] for at in range(0, len(text), 20))
    assert 10_000 == len(read_free_busy(answer(folded)).periods)


moments = st.integers(int(MORNING - 400 * DAY), int(MORNING + 400 * DAY)).map(float)
written_periods = st.tuples(moments, st.integers(1, 200_000).map(float))


def moment(seconds: float) -> str:
    return f"{datetime.fromtimestamp(seconds, UTC):%Y%m%dT%H%M%SZ}"


@st.composite
def written(draw: st.DrawFn) -> tuple[list[tuple[float, float]], bytes]:
    """Return periods, and an answer that says them in any of the ways that the RFC allows."""
    lines, periods = [], []
    for group in draw(st.lists(st.lists(written_periods, min_size=1, max_size=4), max_size=6)):
        texts = []
        for start, seconds in group:
            periods.append((start, start + seconds))
            days, rest = divmod(int(seconds), 86_400)
            lasting = draw(st.sampled_from([f"PT{int(seconds)}S", f"P{days}DT{rest}S", f"+PT0H0M{int(seconds)}S"]))
            texts.append(f"{moment(start)}/" + draw(st.sampled_from([moment(start + seconds), lasting])))
        kind = draw(st.sampled_from(["", ";FBTYPE=BUSY", ";VALUE=PERIOD", ";FBTYPE=BUSY-TENTATIVE;VALUE=PERIOD", ';X="a:b"']))
        name = draw(st.sampled_from(["FREEBUSY", "freebusy", "FreeBusy"]))
        lines.append(name + kind + ":" + ",".join(texts))
    body = answer(*lines)
    for at in sorted(draw(st.sets(st.integers(1, len(body) - 1), max_size=8)), reverse=True):
        if body[at - 1 : at] not in (b"\r", b"\n") and body[at : at + 1] not in (b"\r", b"\n"):
            body = body[:at] + b"\r\n " + body[at:]
    return periods, body if draw(st.booleans()) else body.replace(b"\r\n", b"\n")


@given(written())
def test_whatever_the_rfc_allows_is_read_as_it_was_meant(case: tuple[list[tuple[float, float]], bytes]) -> None:
    periods, body = case
    assert FreeBusy(tuple(periods)) == read_free_busy(body)


@given(st.binary(max_size=300), st.integers(0, 200))
def test_no_bytes_in_an_answer_do_more_than_make_it_unreadable(noise: bytes, at: int) -> None:
    body = answer("FREEBUSY:20261126T090000Z/PT1H")
    try:
        found = read_free_busy(body[:at] + noise + body[at:])
    except UnreadableCalendarError:
        return
    assert all(start < end for start, end in found.periods)


def test_periods_come_as_they_stand_so_that_whole_days_can_be_told_before_they_are_joined() -> None:
    found = read_free_busy(answer("FREEBUSY:20261126T110000Z/PT1H", "FREEBUSY:20261126T090000Z/PT3H"))
    assert any(later < earlier for (earlier, _), (later, _) in pairwise(found.periods))
