"""Wall-clock bounds: what ``now/d@10:00`` means, every day of two years in every zone, and who should write it."""

from __future__ import annotations

import zoneinfo
from bisect import bisect_left
from datetime import UTC, datetime, timedelta
from functools import cache
from itertools import accumulate
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from exporter.counting import wall_clock_form
from exporter.counting.windows import WindowError, WindowSpec, moment, parse
from tests.counting.test_windows import BERLIN, at, shown
from tests.counting.test_windows_properties import ZONES, clock

FIRST, LAST = datetime(2026, 1, 1, tzinfo=UTC), datetime(2028, 1, 1, tzinfo=UTC)
DAY, QUARTER, MINUTE = timedelta(days=1), timedelta(minutes=15), timedelta(minutes=1)


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("now/d@10:00", "2026-06-17T10:00:00+02:00"),  # a Wednesday
        ("now/d@00:00", "2026-06-17T00:00:00+02:00"),
        ("now/d@23:59", "2026-06-17T23:59:00+02:00"),
        ("now+1d/d@17:30", "2026-06-18T17:30:00+02:00"),
        ("now-1d/d@09:05", "2026-06-16T09:05:00+02:00"),
        ("now/w@09:00", "2026-06-15T09:00:00+02:00"),
        ("now/w@09:00+4d", "2026-06-19T09:00:00+02:00"),
        ("now/M@08:00", "2026-06-01T08:00:00+02:00"),
        ("now/y@12:00", "2026-01-01T12:00:00+01:00"),
        ("now/d@10:00+90m", "2026-06-17T11:30:00+02:00"),
        ("now/d@10:00/d", "2026-06-17T00:00:00+02:00"),
    ],
)
def test_a_time_of_day_is_what_clocks_show_on_the_day_before_it(expression: str, expected: str) -> None:
    assert expected == shown(moment(expression, at("2026-06-17T14:35:20"), BERLIN))


@pytest.mark.parametrize(
    ("zone", "day"),
    [
        ("Europe/Berlin", "2027-03-28"),
        ("Europe/Berlin", "2026-10-25"),
        ("Australia/Lord_Howe", "2026-10-04"),
        ("Australia/Lord_Howe", "2026-04-05"),
    ],
)
def test_office_hours_are_the_same_on_the_clock_when_the_clocks_change(zone: str, day: str) -> None:
    office = WindowSpec("office", "now/d@09:00", "now/d@17:00").resolve(at(f"{day}T12:00", zone), ZoneInfo(zone))
    assert (f"{day}T09:00:00", f"{day}T17:00:00") == (shown(office.start, zone)[:19], shown(office.end, zone)[:19])


@pytest.mark.parametrize(
    ("zone", "day", "expected"),
    [
        ("Europe/Berlin", "2027-03-28", "11:00"),
        ("Europe/Berlin", "2026-10-25", "09:00"),
        ("Australia/Lord_Howe", "2026-10-04", "10:30"),
        ("Australia/Lord_Howe", "2026-04-05", "09:30"),
    ],
)
def test_ten_hours_after_the_start_of_a_day_stay_ten_elapsed_hours(zone: str, day: str, expected: str) -> None:
    now, where = at(f"{day}T12:00", zone), ZoneInfo(zone)
    assert 10 * 3600 == moment("now/d+10h", now, where) - moment("now/d", now, where)
    assert expected == shown(moment("now/d+10h", now, where), zone)[11:16]


@pytest.mark.parametrize(
    ("zone", "day", "time", "expected"),
    [
        ("Europe/Berlin", "2027-03-28", "02:30", "03:00:00+02:00"),  # an hour that does not occur
        ("Europe/Berlin", "2027-03-28", "02:00", "03:00:00+02:00"),
        ("Europe/Berlin", "2026-10-25", "02:30", "02:30:00+02:00"),  # an hour that occurs twice
        ("Australia/Lord_Howe", "2026-10-04", "02:15", "02:30:00+11:00"),  # half an hour that does not occur
        ("Australia/Lord_Howe", "2026-04-05", "01:45", "01:45:00+11:00"),  # half an hour that occurs twice
        ("Africa/Cairo", "2026-04-24", "00:00", "01:00:00+03:00"),  # the gap begins at midnight
        ("Africa/Cairo", "2026-04-24", "00:30", "01:00:00+03:00"),
        ("America/Havana", "2026-11-01", "00:30", "00:30:00-04:00"),  # the first of two half past midnight
    ],
)
def test_a_time_that_is_left_out_is_the_end_of_the_gap_and_one_that_comes_twice_is_the_first(
    zone: str, day: str, time: str, expected: str
) -> None:
    assert f"{day}T{expected}" == shown(moment(f"now/d@{time}", at(f"{day}T12:00", zone), ZoneInfo(zone)), zone)


@pytest.mark.parametrize(
    ("expression", "problem", "fix"),
    [
        ("now@10:00", "'now@10:00' at position 4: a time of day needs a day: it stands after /d, /w, /M or /y", "write now/d@"),
        ("now+1d@10:00", "'now+1d@10:00' at position 7: a time of day needs a day", "write now+1d/d@ and the time"),
        ("now/h@10:00", "'now/h@10:00' at position 6: a time of day needs a day", "write now/h/d@ and the time"),
        ("now/d@10:00@11:00", "'now/d@10:00@11:00' at position 12: a time of day needs a day", "write now/d@10:00/d@"),
        ("now/d@", "'now/d@' at position 7: expected a time of day", "write 00:00 to 23:59 with two digits each"),
        ("now/d@9:00", "'now/d@9:00' at position 7: expected a time of day", "write 00:00 to 23:59 with two digits each"),
        ("now/d@24:00", "'now/d@24:00' at position 7: expected a time of day", "write 00:00 to 23:59 with two digits each"),
        ("now/d@10:60", "'now/d@10:60' at position 7: expected a time of day", "write 00:00 to 23:59 with two digits each"),
        ("now/d@10h", "'now/d@10h' at position 7: expected a time of day", "write 00:00 to 23:59 with two digits each"),
        ("now/d@10:00:30", "'now/d@10:00:30' at position 12: expected +, -, / or @ but found ':'", "write it like"),
        ("now/d@10:00pm", "'now/d@10:00pm' at position 12: expected +, -, / or @ but found 'p'", "write it like"),
    ],
)
def test_an_unreadable_time_of_day_is_named_with_its_position_and_a_fix(expression: str, problem: str, fix: str) -> None:
    with pytest.raises(WindowError) as caught:
        parse(expression)
    assert caught.value.problem.startswith(problem)
    assert caught.value.fix.startswith(fix)


@pytest.mark.parametrize(
    ("start", "end", "zone"),
    [
        ("now/d@17:00", "now/d@09:00", "UTC"),
        ("now", "now/d@18:00", "UTC"),  # reversed in the evening
        ("now/d@09:00", "now", "UTC"),  # reversed in the morning
        ("now/d@02:00", "now/d@03:00", "Europe/Berlin"),  # the hour that is left out once a year
    ],
)
def test_hours_that_are_empty_or_reversed_on_some_day_are_found_by_check(start: str, end: str, zone: str) -> None:
    with pytest.raises(WindowError):
        WindowSpec("w", start, end).check(ZoneInfo(zone))


@pytest.mark.slow
def test_office_hours_pass_check_wherever_clocks_change() -> None:
    for zone in ("UTC", "Europe/Berlin", "Africa/Cairo", "America/Havana", "Australia/Lord_Howe", "Asia/Kolkata"):
        WindowSpec("office", "now/d@09:00", "now/d@17:30").check(ZoneInfo(zone))
        WindowSpec("night", "now/d@22:00", "now+1d/d@06:00").check(ZoneInfo(zone))


# The brute force: it asks what clocks show as time goes by, and knows no other arithmetic.


class Passing:
    """What clocks in a zone show as time goes by from ``first`` to ``last``."""

    def __init__(self, first: datetime, last: datetime, step: timedelta, zone: ZoneInfo) -> None:
        self.moments = [(first + number * step).timestamp() for number in range((last - first) // step)]
        self.shown = [clock(at, zone) for at in self.moments]
        self._highest = list(accumulate(self.shown, max))

    def first_showing(self, time: str, day: str) -> float:
        """Return the first moment at which clocks show ``time`` on ``day``, or more."""
        return self.moments[bisect_left(self._highest, datetime.fromisoformat(f"{day}T{time}"))]


@pytest.mark.slow
@pytest.mark.parametrize("name", ZONES)
def test_on_every_day_of_two_years_a_time_of_day_is_the_first_moment_that_shows_it(name: str) -> None:
    zone = ZoneInfo(name)
    passing = Passing(FIRST - 2 * DAY, LAST + 2 * DAY, QUARTER, zone)  # all clocks change on quarters in these years
    noons = {local.date(): at for local, at in zip(passing.shown, passing.moments, strict=True) if local.hour == 12}
    for number in range((LAST - FIRST).days):
        day = (FIRST + number * DAY).date()
        for time in ("00:00", "01:45", "02:00", "02:15", "03:00", "10:00", "23:45"):
            assert passing.first_showing(time, str(day)) == moment(f"now/d@{time}", noons[day], zone), f"{day} {time}"


Changes = tuple[tuple[datetime, timedelta], ...]


@cache
def zones_by_behaviour() -> dict[Changes, str]:
    """Return one zone for each way in which clocks run in these years: the days before which they changed, and offsets."""
    found: dict[Changes, str] = {}
    days = [FIRST + number * DAY for number in range((LAST - FIRST).days)]
    for name in sorted(zoneinfo.available_timezones()):
        zone = ZoneInfo(name)
        offsets = [day.astimezone(zone).utcoffset() or timedelta(0) for day in days]
        changes = [number for number in range(1, len(days)) if offsets[number - 1] != offsets[number]]
        found.setdefault(tuple((days[number], offsets[number]) for number in (100, *changes)), name)
    return found


@pytest.mark.slow
def test_in_every_zone_each_quarter_of_the_days_around_a_change_is_the_first_moment_that_shows_it() -> None:
    assert len(zones_by_behaviour()) > 60
    for changes, name in zones_by_behaviour().items():
        zone = ZoneInfo(name)
        for after, _ in changes:
            passing = Passing(after - 2 * DAY, after + 2 * DAY, MINUTE, zone)
            for noon in (after - DAY / 2, after + DAY / 2):
                day = str(clock(noon.timestamp(), zone).date())
                for minute in (*range(0, 1440, 15), 29, 61, 1439):
                    time = f"{minute // 60:02}:{minute % 60:02}"
                    got = moment(f"now/d@{time}", noon.timestamp(), zone)
                    assert passing.first_showing(time, day) == got, f"{name} {day} {time}"


# Who counts elapsed time and means a time of day.


@pytest.mark.parametrize(
    ("expression", "meant"),
    [
        ("now/d+10h", "now/d@10:00"),
        ("now/d+600m", "now/d@10:00"),
        ("now/d+36000s", "now/d@10:00"),
        ("now+1d/d+17h+30m", "now+1d/d@17:30"),
        ("now/d+1d+9h", "now+1d/d@09:00"),
        ("now/d-2h", "now-1d/d@22:00"),
        ("now/d+24h", "now+1d/d"),
        ("now/w+9h", "now/w@09:00"),
        ("now/w+34h", "now/w+1d/d@10:00"),
        ("now/M+14d-1h", "now/M+13d/d@23:00"),
        ("now/d+18h-1s", "now/d@18:00-1s"),
        ("now/d@10:00+2h", "now/d@12:00"),
        ("now/d+10h+1d+1h", "now+1d/d@11:00"),
        ("now/d+10h/h", "now/d@10:00/h"),
    ],
)
def test_elapsed_time_from_the_start_of_a_day_has_a_form_with_a_time_of_day(expression: str, meant: str) -> None:
    assert meant == wall_clock_form(expression)


@pytest.mark.parametrize(
    "expression",
    ["now", "now-24h", "now+7d", "now+1d/d", "now/w", "now/d@10:00", "now/h+10h", "now/d/h+2h", "now+10h/d", "now+1d/d-1s"],
)
def test_what_counts_no_time_from_the_start_of_a_day_is_left_alone(expression: str) -> None:
    assert wall_clock_form(expression) is None


STEPS = ("/d", "/w", "/M", "/h", "+1d", "-2d", "+1w", "+1M", "+10h", "-3h", "+90m", "-1s", "/d@10:00", "/w@00:30")


@pytest.mark.slow
@settings(deadline=None)  # shared machines stall
@given(st.lists(st.sampled_from(STEPS), max_size=6), st.integers(1_750_000_000, 1_850_000_000))
@example(["/d@10:00", "-1s", "/d", "+10h"], 1_750_000_000)
def test_where_clocks_never_change_the_form_means_the_same_and_needs_no_other(steps: list[str], now: int) -> None:
    expression = "now" + "".join(steps)
    form = wall_clock_form(expression)
    if form is not None:
        assert moment(expression, now, ZoneInfo("UTC")) == moment(form, now, ZoneInfo("UTC"))
        assert wall_clock_form(form) is None
