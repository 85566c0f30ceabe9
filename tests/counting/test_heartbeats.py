"""Heartbeats: which event is one, when the next is due, and when a script wrote it, in every zone and across clock changes."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from exporter.counting import Busy, Heard, Heartbeat, beat_of, listen

BERLIN = ZoneInfo("Europe/Berlin")
HOUR = 3600.0
DAY = 86_400.0
ODD = Heartbeat(3 * 60 + 7)
IN_GAP = Heartbeat(2 * 60 + 30)
WRITTEN = Heartbeat(3 * 60 + 7, late_after=3 * HOUR)
ZONES = (
    *("Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Cairo", "America/Havana", "Pacific/Chatham"),
    *("Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "UTC"),
)


def at(text: str, zone: ZoneInfo = BERLIN, fold: int = 0) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone, fold=fold).timestamp()


def event(start: float, seconds: float = 60) -> Busy:
    return Busy("anna", start, start + seconds)


def arrives(now: str, *starts: str, heartbeat: Heartbeat = ODD, fold: int = 0) -> bool:
    events = [event(at(start, fold=fold)) for start in starts]
    return listen(events, heartbeat, at(now), BERLIN).arrives


@pytest.mark.parametrize(
    ("start", "seconds", "is_one"),
    [
        ("2026-06-17T03:07:00", 60, True),
        ("2026-06-17T03:07:59", 300, True),
        ("2026-06-17T03:07:00", 0, True),
        ("2026-06-17T03:07:00", 301, False),
        ("2026-06-17T03:06:59", 60, False),
        ("2026-06-17T03:08:00", 60, False),
        ("2026-06-17T15:07:00", 60, False),
    ],
)
def test_a_heartbeat_begins_in_its_minute_and_lasts_five_minutes_at_most(start: str, seconds: float, is_one: bool) -> None:
    assert is_one is (beat_of(event(at(start), seconds), ODD, BERLIN) is not None)


@pytest.mark.parametrize(
    ("now", "start", "expected"),
    [
        ("2026-06-17T12:00:00", "2026-06-18T03:07:00", True),
        ("2026-06-17T12:00:00", "2026-06-17T03:07:00", False),
        ("2026-06-17T12:00:00", "2026-06-19T03:07:00", False),
        ("2026-06-17T03:06:59", "2026-06-17T03:07:00", True),
        ("2026-06-17T03:07:00", "2026-06-17T03:07:00", False),
        ("2026-06-17T03:07:00", "2026-06-18T03:07:00", True),
    ],
)
def test_it_arrives_when_the_next_one_is_there_and_no_other_will_do(now: str, start: str, expected: bool) -> None:
    assert expected is arrives(now, start)


@pytest.mark.parametrize(
    ("now", "expected"), [("2026-03-28T02:31:00", True), ("2026-03-29T01:00:00", True), ("2026-03-30T01:00:00", True)]
)
def test_a_day_whose_clocks_leave_its_minute_out_is_passed_over(now: str, expected: bool) -> None:
    assert expected is arrives(now, "2026-03-30T02:30:00", heartbeat=IN_GAP)
    assert not arrives(now, "2026-03-31T02:30:00", heartbeat=IN_GAP)


@pytest.mark.parametrize("fold", [0, 1])
def test_where_clocks_show_its_minute_twice_either_will_do(fold: int) -> None:
    assert arrives("2026-10-24T12:00:00", "2026-10-25T02:30:00", heartbeat=IN_GAP, fold=fold)


def test_between_two_equal_minutes_the_next_day_is_asked_for() -> None:
    between = at("2026-10-25T02:45:00")
    later = [event(at("2026-10-25T02:30:00", fold=1)), event(at("2026-10-26T02:30:00"))]
    assert [False, True] == [listen([one], IN_GAP, between, BERLIN).arrives for one in later]


@pytest.mark.parametrize("start", ["2026-03-29T03:30:00", "2026-03-29T01:30:00"])
def test_what_a_calendar_moved_out_of_the_hour_that_clocks_leave_out_is_a_heartbeat_still(start: str) -> None:
    assert beat_of(event(at(start)), IN_GAP, BERLIN) is not None


@given(
    st.sampled_from(ZONES), st.integers(0, 24 * 60 - 1), st.floats(1_790_000_000, 1_890_000_000).map(float), st.integers(0, 6)
)
@example("Africa/Cairo", 15, 1_808_517_600.0, 2)  # clocks leave the first hour of a day out
def test_a_daily_series_arrives_in_every_zone_at_every_moment(zone: str, minute: int, now: float, before: int) -> None:
    place, heartbeat = ZoneInfo(zone), Heartbeat(minute)
    today = datetime.fromtimestamp(now, place).date()
    series = [event(_as_calendars_do(today + timedelta(day - before), minute, place)) for day in range(16)]
    assert listen([one for one in series if now - 60 < one.start < now + 7 * DAY], heartbeat, now, place).arrives


def _as_calendars_do(day: date, minute: int, zone: ZoneInfo) -> float:
    return datetime(day.year, day.month, day.day, *divmod(minute, 60), tzinfo=zone).timestamp()


def _as_a_script_writes(written: datetime, zone: ZoneInfo) -> Busy:
    """Return what the recipe of the documentation makes: two days later in UTC, and as many minutes later as the UTC hour."""
    day = written.date() + timedelta(2)
    return event(datetime(day.year, day.month, day.day, 3, 7 + written.hour, tzinfo=zone).timestamp())


@given(st.sampled_from(ZONES), st.integers(0, 100_000_000))
def test_a_script_that_writes_each_hour_is_understood_in_every_zone_and_never_writes_what_is_over(
    zone: str, seconds: int
) -> None:
    place, now = ZoneInfo(zone), 1_790_000_000.0 + seconds
    written = datetime.fromtimestamp(now, UTC)
    one = _as_a_script_writes(written, place)
    assert now + 13 * HOUR < one.start < now + 7 * DAY
    assert Heard(arrives=True, newest=one, written=now - now % HOUR) == listen([one], WRITTEN, now, place)


def test_of_several_that_a_script_wrote_the_newest_counts() -> None:
    now = datetime(2026, 6, 17, 14, 30, tzinfo=UTC)
    older, newest = (_as_a_script_writes(now - timedelta(hours=hours), BERLIN) for hours in (16, 1))
    assert newest == listen([older, newest], WRITTEN, now.timestamp(), BERLIN).newest
    assert newest == listen([newest, older], WRITTEN, now.timestamp(), BERLIN).newest


@pytest.mark.parametrize(("minutes", "expected"), [(179, True), (180, True), (181, False)])
def test_one_that_a_script_wrote_longer_ago_than_late_after_does_not_arrive(minutes: int, expected: bool) -> None:
    written = datetime(2026, 6, 17, 14, tzinfo=UTC)
    heard = listen([_as_a_script_writes(written, BERLIN)], WRITTEN, written.timestamp() + minutes * 60, BERLIN)
    assert (expected, written.timestamp()) == (heard.arrives, heard.written)


def test_what_would_be_written_in_the_future_is_another_event() -> None:
    now = datetime(2026, 6, 17, 14, 30, tzinfo=UTC)
    later = [_as_a_script_writes(now + timedelta(hours=hours), BERLIN) for hours in (1, 24, 72)]
    assert Heard(arrives=False) == listen(later, WRITTEN, now.timestamp(), BERLIN)


def test_a_clock_that_is_a_minute_slow_takes_what_was_just_written_for_a_heartbeat() -> None:
    written = datetime(2026, 6, 17, 14, tzinfo=UTC)
    assert listen([_as_a_script_writes(written, BERLIN)], WRITTEN, written.timestamp() - 60, BERLIN).arrives


def test_minutes_after_a_late_hour_run_into_the_next_day() -> None:
    late = Heartbeat(23 * 60 + 50, late_after=3 * HOUR)
    now = datetime(2026, 6, 17, 14, 30, tzinfo=UTC)
    heard = listen([event(at("2026-06-20T00:04:00"))], late, now.timestamp(), BERLIN)
    assert (True, now.timestamp() - 1800) == (heard.arrives, heard.written)
