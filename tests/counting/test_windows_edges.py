"""Moments of the year and of the day at which a window is found to be empty, and the borders of what an expression may say."""

from __future__ import annotations

from datetime import date
from zoneinfo import ZoneInfo

import pytest

from exporter.counting import day_start, hull, wall_clock_form
from exporter.counting.windows import DateMathStep, WindowError, WindowSpec, moment, parse, resolve_all
from exporter.errors import TargetConfigError
from exporter.model import Window
from tests.counting.test_windows import BERLIN, at, shown

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("start", "end", "when"),
    [
        ("now-12h", "now-1y+1y", "2028-02-29"),  # only in a leap year
        ("now/d", "now/y+1y-1d", "2027-12-31T23:59:59"),  # only on the last day of the year
        ("now/y", "now/d", "2028-01-01"),  # only on the first
        ("now-6h", "now+12h/d", "2028-01-11"),  # only between midnights
        ("now", "now+1d/d-1s", "2027-12-31T23:59:59"),  # in the last second of a day
        ("now/d", "now-1s", "2028-01-01T00:00:00"),  # in the first
    ],
)
def test_a_window_that_is_empty_at_some_moment_of_a_leap_year_is_refused_with_that_moment(
    start: str, end: str, when: str
) -> None:
    with pytest.raises(WindowError, match=f"when it is {when}"):
        WindowSpec("w", start, end).check(UTC)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("start", "end", "problem", "fix"),
    [
        ("now+1h", "now", "from now+1h to now always ends before it starts", "exchange them: from now to now+1h"),
        ("now/d", "now/d", "from now/d to now/d is always empty", "choose bounds so that from always lies before to"),
        ("now/d+1h", "now/h+1h-1h", "from now/d+1h to now/h+1h-1h ends before it starts when it is", "choose bounds"),
        ("now/h", "now/h-0h+0d", "from now/h to now/h-0h+0d is always empty", "choose bounds"),
        ("now+1d", "now/d+1d", "from now+1d to now/d+1d always ends before it starts", "exchange them"),
        ("now/m", "now/m-1m/h", "from now/m to now/m-1m/h always ends before it starts", "exchange them"),
        ("now-1m/h", "now/h", "from now-1m/h to now/h is empty when it is", "choose bounds"),
        ("now/w", "now/w-1d/w+7d", "from now/w to now/w-1d/w+7d is always empty", "choose bounds"),
        ("now/d", "now/d-1d/w+1d", "from now/d to now/d-1d/w+1d never ends after it starts", "choose bounds"),
    ],
)
def test_a_window_is_said_to_be_empty_or_reversed_always_or_at_a_moment(start: str, end: str, problem: str, fix: str) -> None:
    with pytest.raises(WindowError) as caught:
        WindowSpec("w", start, end).check(UTC)
    assert caught.value.problem.startswith(problem)
    assert caught.value.fix.startswith(fix)


def test_a_number_has_eleven_digits_at_most() -> None:
    assert (DateMathStep("+", 12_345_678_901, "s"),) == parse("now+12345678901s")
    with pytest.raises(WindowError, match="at position 5: the number is too large"):
        parse("now+123456789012s")


@pytest.mark.parametrize(
    ("expression", "fix"),
    [
        ("today", "write now/d"),
        ("Tomorrow ", "write now+1d/d"),
        ("yesterday", "write now-1d/d"),
        ("7d", "write now+7d"),
        ("+7d", "write now+7d"),
        ("-24h", "write now-24h"),
        ("NOW", "start it with now in lower case"),
        ("7x", "write it like now, now-24h"),
    ],
)
def test_what_was_probably_meant_is_what_is_to_be_written(expression: str, fix: str) -> None:
    with pytest.raises(WindowError) as caught:
        parse(expression)
    assert caught.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("expression", "position", "problem"),
    [
        ("now/d@9:30", 7, "expected a time of day"),
        ("now/d@24:00", 7, "expected a time of day"),
        ("now@10:00", 4, "a time of day needs a day"),
        ("now/h@10:00", 6, "a time of day needs a day"),
        ("now/d+1d@10:00", 9, "a time of day needs a day"),
        ("now/d@10:00@11:00", 12, "a time of day needs a day"),
        ("now/d@10:00x", 12, "expected +, -, / or @ but found 'x'"),
    ],
)
def test_a_time_of_day_that_cannot_be_read_is_named_with_its_position(expression: str, position: int, problem: str) -> None:
    with pytest.raises(WindowError) as caught:
        parse(expression)
    assert caught.value.problem.startswith(f"{expression!r} at position {position}: {problem}")
    assert f"{caught.value.problem} (fix: {caught.value.fix})" == str(caught.value)


@pytest.mark.parametrize(
    ("expression", "steps"),
    [
        ("now", ()),
        ("now-d", (DateMathStep("-", 1, "d"),)),
        ("now/d@00:01", (DateMathStep("/", 1, "d"), DateMathStep("@", 1, ""))),
        ("now/w@23:59+0m", (DateMathStep("/", 1, "w"), DateMathStep("@", 1439, ""), DateMathStep("+", 0, "m"))),
    ],
)
def test_an_expression_has_a_step_for_each_sign(expression: str, steps: tuple[DateMathStep, ...]) -> None:
    assert steps == parse(expression)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now/y@10:15", "2026-01-01T10:15:00+01:00"),
        ("now/M@00:01", "2026-06-01T00:01:00+02:00"),
        ("now-1y/y", "2025-01-01T00:00:00+01:00"),
        ("now-2y", "2024-06-17T14:35:20+02:00"),
        ("now+7M", "2027-01-17T14:35:20+01:00"),
        ("now-6M", "2025-12-17T14:35:20+01:00"),
        ("now+6M", "2026-12-17T14:35:20+01:00"),
        ("now-1w", "2026-06-10T14:35:20+02:00"),
        ("now+1m/h", "2026-06-17T14:00:00+02:00"),
    ],
)
def test_months_and_years_are_counted_across_the_turn_of_the_year(expression: str, expected: str) -> None:
    assert expected == shown(moment(expression, at("2026-06-17T14:35:20"), BERLIN))


@pytest.mark.parametrize(("expression", "day"), [("now/d-2025y", "0001-06-17"), ("now/d+7973y", "9999-06-17")])
def test_the_calendar_has_the_years_1_to_9999(expression: str, day: str) -> None:
    assert f"{day}T00:00:00+00:00" == shown(moment(expression, at("2026-06-17T14:35:20"), UTC), "UTC")
    further = expression.replace("2025", "2026").replace("7973", "7974")
    with pytest.raises(WindowError, match="leaves the years 1 to 9999"):
        moment(further, at("2026-06-17T14:35:20"), UTC)


@pytest.mark.parametrize(
    ("zone", "now", "unit", "expected"),
    [
        ("Europe/Berlin", "2026-10-25T02:30:40", "m", "2026-10-25T02:30:00+02:00"),
        ("Asia/Kolkata", "2026-06-17T14:35:20", "h", "2026-06-17T14:00:00+05:30"),
        ("America/St_Johns", "2026-06-17T14:35:20", "d", "2026-06-17T00:00:00-02:30"),
        ("Pacific/Apia", "2011-12-29T23:59:59", "d", "2011-12-29T00:00:00-10:00"),
    ],
)
def test_units_begin_on_the_clock_of_the_zone(zone: str, now: str, unit: str, expected: str) -> None:
    assert expected == shown(moment(f"now/{unit}", at(now, zone), ZoneInfo(zone)), zone)


@pytest.mark.parametrize("minute", range(60))
def test_a_gap_ends_at_its_second_for_each_of_its_minutes(minute: int) -> None:
    ends = at("2026-03-29T03:00")
    assert ends == moment(f"now/d@02:{minute:02}", at("2026-03-29T12:00"), BERLIN)


def test_a_gap_of_odd_seconds_ends_at_its_second() -> None:
    # Clocks went from 24:00 local mean time forward by odd seconds.
    zone = ZoneInfo("Africa/Monrovia")
    assert "1972-01-07T00:44:30+00:00" == shown(day_start(date(1972, 1, 7), zone), "Africa/Monrovia")


def test_windows_are_resolved_together_and_an_empty_one_is_a_matter_of_the_configuration() -> None:
    now = at("2026-06-17T14:35:20")
    specs = (WindowSpec("today", "now/d", "now+1d/d"), WindowSpec("next_24h", "now", "now+24h"))
    windows = resolve_all(specs, now, BERLIN)
    assert [("today", 86_400.0), ("next_24h", 86_400.0)] == [(window.name, window.end - window.start) for window in windows]
    with pytest.raises(TargetConfigError, match="is empty when it is 2026-06-17T14:35:20"):
        resolve_all((WindowSpec("w", "now", "now+0s"),), now, BERLIN)
    assert (1.0, 9.0) == hull([Window("a", 3.0, 9.0), Window("b", 1.0, 4.0)])


@pytest.mark.parametrize(
    ("expression", "form"),
    [
        ("now/d+10h", "now/d@10:00"),
        ("now/h/d+10h", "now/h/d@10:00"),
        ("now/w/h/d+10h", "now/w/h/d@10:00"),
        ("now/d+1m", "now/d@00:01"),
        ("now/d+59s", None),
        ("now/d+60s", "now/d@00:01"),
        ("now/d+61s", "now/d@00:01+1s"),
        ("now/d+89s", "now/d@00:01+29s"),
        ("now/d+91s", "now/d@00:02-29s"),
        ("now/d-1h", "now-1d/d@23:00"),
        ("now/d+24h", "now+1d/d"),
        ("now/d+25h", "now+1d/d@01:00"),
        ("now/d-24h", "now-1d/d"),
        ("now/d+48h+30m", "now+2d/d@00:30"),
        ("now/w+34h", "now/w+1d/d@10:00"),
        ("now/d@10:00+90m", "now/d@11:30"),
        ("now/d@10:00-90m", "now/d@08:30"),
        ("now/d@23:00+2h", "now+1d/d@01:00"),
        ("now-1d/d+26h", "now/d@02:00"),
        ("now+3d/d-10h", "now+2d/d@14:00"),
        ("now/d+1d+10h", "now+1d/d@10:00"),
        ("now/h+10h", None),
        ("now/d/m+10h", None),
        ("now/d+30s/m+10h", None),
        ("now+10h", None),
    ],
)
def test_the_form_with_a_time_of_day_is_exact_to_the_minute_and_the_day(expression: str, form: str | None) -> None:
    assert form == wall_clock_form(expression)
    if form is not None:
        now = at("2026-06-17T14:35:20", "UTC")
        assert moment(expression, now, UTC) == moment(form, now, UTC)
