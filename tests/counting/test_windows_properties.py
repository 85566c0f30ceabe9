"""Date math against a brute force: it asks every minute around a moment what clocks show, and knows no other arithmetic.

Modern transitions happen on whole minutes, so minutes are fine enough.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from functools import cache
from zoneinfo import ZoneInfo

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from exporter.counting.windows import WindowError, WindowSpec, moment

pytestmark = pytest.mark.slow

MINUTE = timedelta(minutes=1)
ZONES = (
    "Africa/Cairo",  # midnight in the gap
    "Africa/Casablanca",  # winter time in Ramadan
    "America/Asuncion",
    "America/Havana",  # midnight twice
    "America/New_York",
    "America/St_Johns",  # one minute past midnight until 2011
    "America/Sao_Paulo",
    "Asia/Beirut",
    "Asia/Kathmandu",
    "Asia/Tehran",
    "Atlantic/Azores",
    "Australia/Lord_Howe",  # half an hour of summer time
    "Europe/Berlin",
    "Europe/Dublin",  # negative summer time
    "Europe/London",
    "Pacific/Apia",  # a day left out
    "Pacific/Chatham",
    "UTC",
)


@cache
def transitions(name: str) -> tuple[int, ...]:
    """Return the minutes (Unix) at which the offset of a zone changes, found by looking."""
    zone = ZoneInfo(name)

    def offset(minute: int) -> timedelta | None:
        return datetime.fromtimestamp(minute * 60, zone).utcoffset()

    day = 24 * 60
    first = int(datetime(2005, 1, 1, tzinfo=UTC).timestamp()) // 60
    last = int(datetime(2036, 1, 1, tzinfo=UTC).timestamp()) // 60
    return tuple(
        next(minute for minute in range(low + 1, low + day + 1) if offset(minute) != offset(minute - 1))
        for low in range(first, last, day)
        if offset(low) != offset(low + day)
    )


@st.composite
def moments(draw: st.DrawFn) -> tuple[float, ZoneInfo]:
    """A moment in a zone, mostly within two days of a change of the clocks."""
    name = draw(st.sampled_from(ZONES))
    changes = transitions(name)
    if changes and draw(st.integers(0, 3)) > 0:
        change = changes[draw(st.integers(0, len(changes) - 1))]
        minute = change + draw(st.integers(-2 * 1440, 2 * 1440))
    else:
        minute = draw(st.integers(18_500_000, 34_000_000))
    return minute * 60.0 + draw(st.sampled_from((0.0, 0.0, 17.0, 59.75))), ZoneInfo(name)


def clock(seconds: float, zone: ZoneInfo) -> datetime:
    """Return what a clock on the wall shows."""
    return datetime.fromtimestamp(seconds, zone).replace(tzinfo=None, fold=0)


def minutes(first: datetime, last: datetime) -> Iterator[int]:
    yield from range(int(first.timestamp()) // 60, int(last.timestamp()) // 60 + 1)


def first_minute_of(day: date, zone: ZoneInfo) -> int | None:
    noon = datetime(day.year, day.month, day.day, 12, tzinfo=UTC)
    for minute in minutes(noon - timedelta(hours=40), noon + timedelta(hours=40)):
        if clock(minute * 60, zone).date() == day:
            return minute
    return None


def showing(local: datetime, zone: ZoneInfo) -> list[float]:
    """Return every moment within 40 hours at which clocks show ``local``."""
    second = local.second + local.microsecond / 1e6
    around = local.replace(tzinfo=UTC)
    return [
        minute * 60 + second
        for minute in minutes(around - timedelta(hours=40), around + timedelta(hours=40))
        if clock(minute * 60, zone) == local.replace(second=0, microsecond=0)
    ]


def walk(day: date, unit: str, number: int) -> date:
    """Return the date ``number`` units away, by stepping through the calendar a day at a time."""
    step = timedelta(days=1 if number > 0 else -1)
    if unit in "dw":
        for _ in range(abs(number) * (7 if unit == "w" else 1)):
            day += step
        return day
    wanted, turns, month = day.day, abs(number) * (12 if unit == "y" else 1), day.month
    while turns:
        day += step
        if day.month != month:
            month, turns = day.month, turns - 1
    days = [date(day.year, day.month, 1)]
    while (days[-1] + timedelta(days=1)).month == day.month:
        days.append(days[-1] + timedelta(days=1))
    return days[min(wanted, len(days)) - 1]


def starts_unit(day: date, unit: str) -> bool:
    return {"d": True, "w": day.isoweekday() == 1, "M": day.day == 1, "y": (day.month, day.day) == (1, 1)}[unit]


@pytest.mark.slow
@settings(deadline=None)  # shared machines stall
@given(moments(), st.sampled_from("dwMy"))
@example((datetime(2011, 12, 31, 0, 30, tzinfo=ZoneInfo("Pacific/Apia")).timestamp(), ZoneInfo("Pacific/Apia")), "d")
@example(
    (datetime(2010, 11, 6, 23, 30, tzinfo=ZoneInfo("America/St_Johns"), fold=1).timestamp(), ZoneInfo("America/St_Johns")), "d"
)
def test_rounding_to_a_calendar_unit_finds_the_first_minute_of_its_first_day(where: tuple[float, ZoneInfo], unit: str) -> None:
    now, zone = where
    day = clock(now, zone).date()
    while not starts_unit(day, unit):
        day -= timedelta(days=1)
    first = first_minute_of(day, zone)
    assume(first is not None)
    assert first is not None
    assert first * 60 == moment(f"now/{unit}", now, zone)


@pytest.mark.slow
@settings(deadline=None)  # shared machines stall
@given(moments(), st.sampled_from("smh"))
def test_rounding_to_a_clock_unit_finds_the_last_moment_that_shows_it(where: tuple[float, ZoneInfo], unit: str) -> None:
    now, zone = where
    local = clock(now, zone).replace(microsecond=0)
    if unit in "mh":
        local = local.replace(second=0)
    if unit == "h":
        local = local.replace(minute=0)
    past = [at for at in showing(local, zone) if at <= now]
    if not past:  # the unit began in a gap: its first moment is the one after which clocks show more
        minute = int(now) // 60
        while clock((minute - 1) * 60, zone) >= local:
            minute -= 1
        past = [minute * 60.0]
    assert past[-1] == moment(f"now/{unit}", now, zone)


@pytest.mark.slow
@settings(deadline=None)  # shared machines stall
@given(moments(), st.sampled_from("dwMy"), st.integers(-14, 14))
def test_a_calendar_offset_keeps_the_time_on_the_wall(where: tuple[float, ZoneInfo], unit: str, number: int) -> None:
    now, zone = where
    here = clock(now, zone)
    wanted = datetime.combine(walk(here.date(), unit, number), here.time())
    found = showing(wanted, zone)
    if found:
        same = [
            at for at in found if datetime.fromtimestamp(at, zone).utcoffset() == datetime.fromtimestamp(now, zone).utcoffset()
        ]
        expected = (same or found)[0]
    else:
        after = next(
            minute
            for minute in minutes(
                wanted.replace(tzinfo=UTC) - timedelta(hours=40),
                wanted.replace(tzinfo=UTC) + timedelta(hours=40),
            )
            if clock(minute * 60, zone) > wanted
        )
        gap = clock(after * 60, zone) - clock((after - 1) * 60, zone) - MINUTE
        expected = showing(wanted + gap, zone)[0]
    assert expected == moment(f"now{number:+d}{unit}", now, zone)


@settings(deadline=None)  # shared machines stall
@given(moments(), st.sampled_from([("s", 1), ("m", 60), ("h", 3600)]), st.integers(-5000, 5000))
def test_seconds_minutes_and_hours_are_absolute(where: tuple[float, ZoneInfo], unit: tuple[str, int], number: int) -> None:
    now, zone = where
    assert now + number * unit[1] == moment(f"now{number:+d}{unit[0]}", now, zone)


@settings(deadline=None)  # shared machines stall
@given(moments())
def test_today_and_tomorrow_share_an_edge_and_today_holds_now(where: tuple[float, ZoneInfo]) -> None:
    now, zone = where
    # Where a clock goes back over midnight (St John's until 2011) a date has two pieces, and now can lie in the second.
    assume(zone.key != "America/St_Johns")
    try:
        today = WindowSpec("today", "now/d", "now+1d/d").resolve(now, zone)
        tomorrow = WindowSpec("tomorrow", "now+1d/d", "now+2d/d").resolve(now, zone)
    except WindowError:
        assert "Pacific/Apia" == zone.key  # the day that was left out has no length
        return
    assert today.start <= now < today.end
    assert today.end == tomorrow.start


@settings(deadline=None)  # shared machines stall
@given(moments(), st.sampled_from("smhdwMy"))
def test_rounding_twice_changes_nothing_and_never_goes_forward(where: tuple[float, ZoneInfo], unit: str) -> None:
    now, zone = where
    once = moment(f"now/{unit}", now, zone)
    assert once <= now
    assert once == moment(f"now/{unit}/{unit}", now, zone)
