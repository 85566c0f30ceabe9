"""When entries are: zones, clock changes, whole days, series and their exceptions, and what is marked as free."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from exporter.ics.expansion import read_feed
from exporter.ics.values import FeedJob
from tests.harness.feeds import DAY, HOUR, MONDAY, WEEK, event, feed, hours, read

HOUR_LONG = "DURATION:PT1H"
CUSTOM = """BEGIN:VTIMEZONE
TZID:Custom
BEGIN:STANDARD
DTSTART:19701101T000000
TZOFFSETFROM:+0545
TZOFFSETTO:+0500
RRULE:FREQ=YEARLY;BYMONTH=11;BYDAY=1SU
END:STANDARD
BEGIN:DAYLIGHT
DTSTART:19700301T000000
TZOFFSETFROM:+0500
TZOFFSETTO:+0545
RRULE:FREQ=YEARLY;BYMONTH=3;BYDAY=1SU
END:DAYLIGHT
END:VTIMEZONE"""


def test_a_time_without_a_zone_is_in_that_of_the_target() -> None:
    entry = event("DTSTART:20261201T100000", HOUR_LONG)

    assert [(33.0, 34.0)] == hours(read(entry))
    assert [(39.0, 40.0)] == hours(read(entry, zone="America/New_York"))


def test_a_feed_that_names_its_zone_is_believed_before_the_target() -> None:
    assert [(25.0, 26.0)] == hours(read("X-WR-TIMEZONE:Asia/Tokyo", event("DTSTART:20261201T100000", HOUR_LONG)))
    assert [(33.0, 34.0)] == hours(read("X-WR-TIMEZONE:Nowhere/Land", event("DTSTART:20261201T100000", HOUR_LONG)))


@pytest.mark.parametrize("name", ["Tokyo Standard Time", '"Asia/Tokyo"', '"Tokyo Standard Time"', "Asia/Tokyo "])
def test_the_zone_of_a_feed_is_known_by_the_names_that_programs_give_it(name: str) -> None:
    assert [(25.0, 26.0)] == hours(read(f"X-WR-TIMEZONE:{name}", event("DTSTART:20261201T100000", HOUR_LONG)))


def test_the_zone_of_a_feed_moves_no_time_that_has_one() -> None:
    entry = event("DTSTART:20261201T100000Z", HOUR_LONG, "RRULE:FREQ=DAILY;COUNT=2")

    assert [(34.0, 35.0), (58.0, 59.0)] == hours(read("X-WR-TIMEZONE:Asia/Tokyo", entry))


@pytest.mark.parametrize(
    "zone", ["Europe/Berlin", '"Europe/Berlin"', "W. Europe Standard Time", "/freeassociation.sourceforge.net/Europe/Berlin"]
)
def test_a_zone_is_known_by_the_names_that_programs_give_it(zone: str) -> None:
    assert ([(33.0, 34.0)], 0) == (
        hours(answer := read(event(f"DTSTART;TZID={zone}:20261201T100000", HOUR_LONG))),
        answer.times.malformed,
    )


def test_a_zone_that_a_feed_brings_along_has_the_rules_that_it_says() -> None:
    assert [(29.0, 30.0)] == hours(read(CUSTOM, event("DTSTART;TZID=Custom:20261201T100000", HOUR_LONG)))


def test_a_zone_of_one_feed_is_none_of_the_next_one_and_may_mean_something_else_there() -> None:
    entry = event("DTSTART;TZID=Custom:20261201T100000", HOUR_LONG)
    read(CUSTOM, entry)

    assert 1 == read(entry).times.malformed
    assert [(26.0, 27.0)] == hours(read(CUSTOM.replace("0500", "0800"), entry))


@pytest.mark.parametrize(
    "bad",
    [
        CUSTOM.replace("FREQ=YEARLY", "FREQ=SECONDLY"),
        CUSTOM.replace("BYDAY=1SU", "BYHOUR=1,2,3"),
        CUSTOM.replace("TZOFFSETTO:+0500", "TZOFFSETTO:what"),
        CUSTOM.replace("TZID:Custom", "TZID:Other"),
        "BEGIN:VTIMEZONE\r\nTZID:Custom\r\nEND:VTIMEZONE",
    ],
)
def test_a_zone_that_cannot_be_is_no_zone_and_entries_in_it_are_counted(bad: str) -> None:
    fine = event("UID:fine", "DTSTART:20261201T100000Z", HOUR_LONG)
    answer = read(bad, event("UID:bad", "DTSTART;TZID=Custom:20261201T100000", HOUR_LONG), fine)

    assert ([(34.0, 35.0)], 1) == (hours(answer), answer.times.malformed)


@pytest.mark.parametrize("day", [datetime(2026, 10, 25, tzinfo=UTC), datetime(2027, 3, 28, tzinfo=UTC)])
def test_a_series_keeps_its_time_on_the_wall_when_clocks_change(day: datetime) -> None:
    berlin = ZoneInfo("Europe/Berlin")
    start = day.timestamp() - 2 * DAY
    entry = event("DTSTART;TZID=Europe/Berlin:20260901T090000", "DTEND;TZID=Europe/Berlin:20260901T093000", "RRULE:FREQ=DAILY")
    times = read(entry, start=start, end=start + 5 * DAY).times.entries

    assert [(9, 0)] * 5 == [(at.hour, at.minute) for at in (datetime.fromtimestamp(one, berlin) for one, _ in times)]
    assert {1800.0} == {end - begin for begin, end in times}


def test_an_entry_over_the_night_in_which_clocks_change_is_an_hour_longer_on_the_wall() -> None:
    start = datetime(2026, 10, 24, tzinfo=UTC).timestamp()
    entry = event("DTSTART;TZID=Europe/Berlin:20261024T220000", "DTEND;TZID=Europe/Berlin:20261025T060000")

    assert [9 * HOUR] == [end - begin for begin, end in read(entry, start=start, end=start + WEEK).times.entries]


@pytest.mark.parametrize(("length", "expected"), [("P1D", 25.0), ("PT10H", 10.0)])
def test_a_day_of_a_duration_is_one_on_the_wall_and_its_hours_are_hours(length: str, expected: float) -> None:
    start = datetime(2026, 10, 24, tzinfo=UTC).timestamp()
    entry = event("DTSTART;TZID=Europe/Berlin:20261024T220000", f"DURATION:{length}")

    assert [expected * HOUR] == [end - begin for begin, end in read(entry, start=start, end=start + WEEK).times.entries]


@pytest.mark.parametrize(
    "lines",
    [
        ("DTSTART;VALUE=DATE:20261201",),
        ("DTSTART;VALUE=DATE:20261201", "DTEND;VALUE=DATE:20261202"),
        ("DTSTART;VALUE=DATE:20261201", "DURATION:P1D"),
        ("DTSTART:20261201",),
    ],
)
def test_a_whole_day_is_no_busy_time_and_is_told_apart(lines: tuple[str, ...]) -> None:
    answer = read(event(*lines))

    assert ([], ((MONDAY + 23 * HOUR, MONDAY + 47 * HOUR),)) == (hours(answer), answer.times.whole_days)


def test_a_whole_day_each_year_is_one_when_it_comes() -> None:
    assert 1 == len(read(event("DTSTART;VALUE=DATE:19801203", "RRULE:FREQ=YEARLY")).times.whole_days)


def test_a_whole_day_that_is_free_is_neither() -> None:
    times = read(event("DTSTART;VALUE=DATE:20261201", "TRANSP:TRANSPARENT")).times

    assert ((), (), ()) == (times.entries, times.free, times.whole_days)


def test_an_entry_without_length_is_no_busy_time() -> None:
    answer = read(event("DTSTART:20261201T100000Z"), event("DTSTART:20261201T100000Z", "DTEND:20261201T100000Z"))

    assert ([], 0) == (hours(answer), answer.times.malformed)


def test_what_is_marked_as_free_is_told_apart() -> None:
    answer = read(event("DTSTART:20261201T100000Z", HOUR_LONG, "TRANSP:transparent"))

    assert ([], ((MONDAY + 34 * HOUR, MONDAY + 35 * HOUR),)) == (hours(answer), answer.times.free)


def test_what_is_cancelled_is_not_there_and_what_is_tentative_is() -> None:
    cancelled = event("UID:1", "DTSTART:20261201T100000Z", HOUR_LONG, "STATUS:CANCELLED")
    tentative = event("UID:2", "DTSTART:20261201T120000Z", HOUR_LONG, "STATUS:TENTATIVE")

    assert [(36.0, 37.0)] == hours(read(cancelled, tentative))


def test_an_instance_that_is_left_out_is_not_there() -> None:
    series = event(
        "DTSTART;TZID=Europe/Berlin:20261130T100000", HOUR_LONG, "RRULE:FREQ=DAILY;COUNT=4", "EXDATE:20261201T090000Z"
    )

    assert [9.0, 57.0, 81.0] == [start for start, _ in hours(read(series))]


SERIES = event("UID:s", "DTSTART:20261102T100000Z", HOUR_LONG, "RRULE:FREQ=WEEKLY")


@pytest.mark.parametrize(
    ("instance", "moved_to", "expected"),
    [
        ("20261130T100000Z", "20261201T120000Z", [36.0]),
        ("20261130T100000Z", "20270130T120000Z", []),
        ("20261214T100000Z", "20261203T120000Z", [10.0, 84.0]),
        ("20251214T100000Z", "20261203T120000Z", [10.0, 84.0]),
    ],
)
def test_an_instance_that_is_moved_is_where_it_is_now(instance: str, moved_to: str, expected: list[float]) -> None:
    moved = event("UID:s", f"RECURRENCE-ID:{instance}", f"DTSTART:{moved_to}", HOUR_LONG)

    for order in ((SERIES, moved), (moved, SERIES)):
        assert expected == [start for start, _ in hours(read(*order))]


def test_an_instance_that_is_cancelled_is_not_there() -> None:
    gone = event("UID:s", "RECURRENCE-ID:20261130T100000Z", "DTSTART:20261130T100000Z", HOUR_LONG, "STATUS:CANCELLED")

    assert [] == hours(read(SERIES, gone))


def test_from_an_instance_on_a_series_may_be_at_another_time() -> None:
    later = event("UID:s", "RECURRENCE-ID;RANGE=THISANDFUTURE:20261116T100000Z", "DTSTART:20261116T150000Z", HOUR_LONG)

    assert [(15.0, 16.0)] == hours(read(SERIES, later))


def test_an_instance_whose_series_is_not_in_the_feed_is_there() -> None:
    assert [(34.0, 35.0)] == hours(
        read(event("UID:s", "RECURRENCE-ID:20261130T100000Z", "DTSTART:20261201T100000Z", HOUR_LONG))
    )


def test_of_two_versions_of_an_entry_the_newer_is_in_force_wherever_it_is() -> None:
    old = event("UID:1", "SEQUENCE:0", "DTSTART:20261201T100000Z", HOUR_LONG)
    new = event("UID:1", "SEQUENCE:1", "DTSTART:20280101T100000Z", HOUR_LONG)

    assert [] == hours(read(old, new))


def test_single_dates_of_a_series_are_there_with_their_own_length() -> None:
    rdates = "RDATE;VALUE=PERIOD:20261202T100000Z/PT2H"

    assert [(34.0, 35.0), (58.0, 60.0)] == hours(read(event("DTSTART:20261201T100000Z", HOUR_LONG, rdates)))


def test_only_what_touches_the_range_is_there() -> None:
    entries = [event(f"UID:{day}", f"DTSTART:202611{day}T000000Z", "DURATION:P1D") for day in (28, 29, 30)]

    assert [0.0] == [start for start, _ in hours(read(*entries, end=MONDAY + DAY))]


def test_a_year_of_the_far_past_or_future_spoils_nothing() -> None:
    strange = [
        event(f"UID:{year}", f"DTSTART;TZID=Europe/Berlin:{year}0101T000000", HOUR_LONG, "RRULE:FREQ=YEARLY")
        for year in ("0001", "9999")
    ]
    answer = read_feed(
        FeedJob(feed(*strange, event("UID:x", "DTSTART:20261201T100000Z", HOUR_LONG)), MONDAY, MONDAY + WEEK, "UTC")
    )

    assert [(34.0, 35.0)] == [one for one in hours(answer) if one[1] > 30]
