"""Date math: what expressions mean, which windows are refused, and a brute force that knows nothing of our arithmetic."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.counting.windows import WindowError, WindowSpec, moment, parse

BERLIN = ZoneInfo("Europe/Berlin")


def at(text: str, zone: str = "Europe/Berlin", fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone), fold=fold).timestamp()


def shown(seconds: float, zone: str = "Europe/Berlin") -> str:
    return datetime.fromtimestamp(seconds, ZoneInfo(zone)).isoformat()


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now", "2026-06-17T14:35:20+02:00"),  # a Wednesday
        ("now-24h", "2026-06-16T14:35:20+02:00"),
        ("now+90m", "2026-06-17T16:05:20+02:00"),
        ("now-20s", "2026-06-17T14:35:00+02:00"),
        ("now+h", "2026-06-17T15:35:20+02:00"),
        ("now+7d", "2026-06-24T14:35:20+02:00"),
        ("now+2w", "2026-07-01T14:35:20+02:00"),
        ("now-1M", "2026-05-17T14:35:20+02:00"),
        ("now+1y", "2027-06-17T14:35:20+02:00"),
        ("now/s", "2026-06-17T14:35:20+02:00"),
        ("now/m", "2026-06-17T14:35:00+02:00"),
        ("now/h", "2026-06-17T14:00:00+02:00"),
        ("now/d", "2026-06-17T00:00:00+02:00"),
        ("now/w", "2026-06-15T00:00:00+02:00"),
        ("now/M", "2026-06-01T00:00:00+02:00"),
        ("now/y", "2026-01-01T00:00:00+01:00"),
        ("now+1d/d", "2026-06-18T00:00:00+02:00"),
        ("now+1w/w", "2026-06-22T00:00:00+02:00"),
        ("now/d+9h", "2026-06-17T09:00:00+02:00"),
        ("now-1M/M+14d-1h", "2026-05-14T23:00:00+02:00"),
        ("now/y+11M/w", "2026-11-30T00:00:00+01:00"),
        ("now+0d", "2026-06-17T14:35:20+02:00"),
    ],
)
def test_an_expression_is_done_from_left_to_right(expression: str, expected: str) -> None:
    assert expected == shown(moment(expression, at("2026-06-17T14:35:20"), BERLIN))


def test_a_fraction_of_a_second_is_kept_by_offsets_and_dropped_by_rounding() -> None:
    now = 1_790_000_000.75
    assert now == moment("now", now, BERLIN)
    assert now + 60 == moment("now+1m", now, BERLIN)
    assert 1_790_000_000.0 == moment("now/s", now, BERLIN)


@pytest.mark.parametrize(
    ("now", "expression", "expected"),
    [
        ("2026-03-31T10:00", "now-1M", "2026-02-28T10:00:00+01:00"),
        ("2028-03-31T10:00", "now-1M", "2028-02-29T10:00:00+01:00"),
        ("2028-02-29T10:00", "now+1y", "2029-02-28T10:00:00+01:00"),
        ("2026-01-31T10:00", "now+13M", "2027-02-28T10:00:00+01:00"),
        ("2026-12-31T23:59", "now+1M", "2027-01-31T23:59:00+01:00"),
        ("2027-01-01T08:00", "now/w", "2026-12-28T00:00:00+01:00"),
        ("2026-06-15T00:00", "now/w", "2026-06-15T00:00:00+02:00"),
        ("2026-06-21T23:59", "now/w", "2026-06-15T00:00:00+02:00"),
    ],
)
def test_months_years_and_weeks_meet_their_ends(now: str, expression: str, expected: str) -> None:
    assert expected == shown(moment(expression, at(now), BERLIN))


@pytest.mark.parametrize(
    ("day", "hours"), [("2026-03-29", 23), ("2026-10-25", 25), ("2026-06-17", 24), ("2026-03-28", 24), ("2026-10-26", 24)]
)
def test_today_has_as_many_hours_as_the_day_has(day: str, hours: int) -> None:
    for time in ("00:00", "01:30", "03:30", "12:00", "23:59"):
        today = WindowSpec("today", "now/d", "now+1d/d").resolve(at(f"{day}T{time}"), BERLIN)
        assert hours * 3600 == today.end - today.start
        assert f"{day}T00:00:00" == shown(today.start)[:19]


def test_a_day_ahead_is_the_same_time_tomorrow_and_24_hours_ahead_are_24_hours() -> None:
    now = at("2026-03-28T12:00")
    assert at("2026-03-29T12:00") == moment("now+1d", now, BERLIN)
    assert at("2026-03-29T13:00") == moment("now+24h", now, BERLIN)


def test_a_local_time_in_the_gap_moves_on_by_its_length() -> None:
    assert at("2026-03-29T03:30") == moment("now+1d", at("2026-03-28T02:30"), BERLIN)


def test_a_local_time_that_occurs_twice_is_the_one_with_the_offset_it_came_from() -> None:
    assert at("2026-10-25T02:30", fold=0) == moment("now+1d", at("2026-10-24T02:30"), BERLIN)
    assert at("2026-10-25T02:30", fold=1) == moment("now-1d", at("2026-10-26T02:30"), BERLIN)
    second = at("2026-10-25T02:30", fold=1)
    assert second == moment("now+0d", second, BERLIN)


def test_a_local_time_that_occurs_twice_is_the_first_where_neither_has_the_offset_it_came_from() -> None:
    # Samoa moved to the other side of the date line between the two.
    apia = ZoneInfo("Pacific/Apia")
    assert "2012-04-01T03:30:00+14:00" == shown(moment("now+1y", at("2011-04-01T03:30", "Pacific/Apia"), apia), "Pacific/Apia")


def test_the_hour_that_occurs_twice_is_rounded_within_its_own_occurrence() -> None:
    for fold in (0, 1):
        assert at("2026-10-25T02:00", fold=fold) == moment("now/h", at("2026-10-25T02:45", fold=fold), BERLIN)


@pytest.mark.parametrize(
    ("zone", "now", "expected"),
    [
        ("Africa/Cairo", "2026-04-24T12:00", "2026-04-24T01:00:00+03:00"),  # midnight does not occur
        ("America/Havana", "2026-11-01T12:00", "2026-11-01T00:00:00-04:00"),  # midnight occurs twice
        ("Australia/Lord_Howe", "2026-04-05T12:00", "2026-04-05T00:00:00+11:00"),  # half an hour of summer time
        ("Asia/Kathmandu", "2026-06-17T12:00", "2026-06-17T00:00:00+05:45"),
        ("America/Toronto", "1919-03-31T12:00", "1919-03-31T00:30:00-04:00"),  # the gap starts before midnight
        ("Pacific/Apia", "2011-12-31T12:00", "2011-12-31T00:00:00+14:00"),  # the day before was left out
    ],
)
def test_a_day_starts_when_its_first_moment_is(zone: str, now: str, expected: str) -> None:
    assert expected == shown(moment("now/d", at(now, zone), ZoneInfo(zone)), zone)


def test_an_hour_that_begins_in_a_gap_begins_at_its_end() -> None:
    zone = ZoneInfo("Australia/Lord_Howe")  # 02:00 becomes 02:30
    assert at("2026-10-04T02:30", "Australia/Lord_Howe") == moment("now/h", at("2026-10-04T02:45", "Australia/Lord_Howe"), zone)


def test_a_window_resolves_to_a_half_open_interval_with_its_name() -> None:
    window = WindowSpec("next_24h", "now", "now+24h").resolve(1_790_000_000.0, BERLIN)
    assert ("next_24h", 1_790_000_000.0, 1_790_086_400.0) == (window.name, window.start, window.end)


@pytest.mark.parametrize(
    ("expression", "problem", "fix"),
    [
        ("", "'' does not start with now, at position 1", "write it like now, now-24h, now+7d, now/d, now+1d/d"),
        ("2026-01-01", "'2026-01-01' does not start with now, at position 1", "write it like"),
        ("Now-1d", "'Now-1d' does not start with now, at position 1", "start it with now in lower case"),
        (" now", "' now' does not start with now, at position 1", "start it with now in lower case"),
        ("now-24", "'now-24' at position 7: the unit is missing", "use one of s, m (minutes), h, d, w, M (months), y: -24d"),
        ("now/", "'now/' at position 5: the unit is missing", "use one of s, m (minutes), h, d, w, M (months), y: /d"),
        ("now+1D", "'now+1D' at position 6: unknown unit 'D'", "write +1d"),
        ("now/W", "'now/W' at position 5: unknown unit 'W'", "write /w"),
        ("now-1Q", "'now-1Q' at position 6: unknown unit 'Q'", "use one of s, m (minutes), h, d, w, M (months), y"),
        ("now - 1d", "'now - 1d' at position 4: expected +, -, / or @ but found ' '", "write it like"),
        ("now-1.5h", "'now-1.5h' at position 6: unknown unit '.'", "use one of"),
        ("now/2d", "'now/2d' at position 5: rounding takes a unit without a number", "write /d, /w or /M"),
        ("now-5ms", "'now-5ms' at position 7: expected +, -, / or @ but found 's'", "write it like"),
        ("now+123456789012s", "'now+123456789012s' at position 5: the number is too large", "use a smaller number"),
        ("now-٣d", "'now-٣d' at position 5: unknown unit '٣'", "use one of"),
    ],
)
def test_an_unreadable_expression_is_named_with_its_position_and_a_fix(expression: str, problem: str, fix: str) -> None:
    with pytest.raises(WindowError) as caught:
        parse(expression)
    assert problem == caught.value.problem
    assert caught.value.fix.startswith(fix)
    assert isinstance(caught.value, ValueError)


def test_a_window_spec_is_refused_when_it_is_made() -> None:
    with pytest.raises(WindowError, match="'tomorrow' does not start with now"):
        WindowSpec("w", "now", "tomorrow")
    with pytest.raises(WindowError, match="'yesterday' does not start with now"):
        WindowSpec("w", "yesterday", "now")


@pytest.mark.parametrize("expression", ["now+9999y", "now-9999y", "now+99999999999d", "now-99999999999h", "now+120000M"])
def test_a_moment_outside_of_the_calendar_is_refused(expression: str) -> None:
    with pytest.raises(WindowError, match="leaves the years 1 to 9999"):
        moment(expression, 1_790_000_000.0, BERLIN)


@pytest.mark.parametrize(("start", "what"), [("now", "is (always )?empty"), ("now+1d", "ends before it starts")])
def test_an_empty_or_reversed_window_does_not_resolve(start: str, what: str) -> None:
    spec = WindowSpec("w", start, "now")
    with pytest.raises(WindowError, match=f"from {start.replace('+', '.')} to now {what} when it is 2026-"):
        spec.resolve(1_790_000_000.0, BERLIN)
    with pytest.raises(WindowError, match=what):
        spec.check(BERLIN)


@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("now/w", "now/d"),  # empty on Mondays
        ("now/M", "now/d"),  # empty on the first
        ("now/y", "now/M"),  # empty in January
        ("now/d", "now-1m"),  # reversed in the first minute of a day
        ("now", "now+1d/d-1s"),  # reversed in the last second of a day
        ("now/d", "now/d"),
    ],
)
def test_a_window_that_is_empty_only_sometimes_is_found_by_check(start: str, end: str) -> None:
    with pytest.raises(WindowError):
        WindowSpec("w", start, end).check(BERLIN)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "end"),
    [
        ("now/d", "now"),
        ("now", "now+1d/d"),
        ("now-8d", "now/w"),
        ("now-24h", "now"),
        ("now-1M/M", "now/M"),
        ("now/w", "now+1w/w"),
        ("now/y", "now+1y/y"),
    ],
)
@pytest.mark.parametrize(
    "zone", ["UTC", "Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata"]
)
def test_a_window_that_always_has_a_length_passes_check(start: str, end: str, zone: str) -> None:
    WindowSpec("w", start, end).check(ZoneInfo(zone))


def test_utc_needs_no_special_case() -> None:
    assert datetime(2026, 6, 17, tzinfo=UTC).timestamp() == moment("now/d", at("2026-06-17T14:35:20", "UTC"), ZoneInfo("UTC"))
