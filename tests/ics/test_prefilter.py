"""Leaving out what is outside by its digits alone changes nothing: the libraries find the same in the whole feed."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st
from icalendar import Calendar
from icalendar.timezone import tzp
from recurring_ical_events import CalendarQuery

from exporter.ics.expansion import read_feed
from exporter.ics.scan import groups, scan
from exporter.ics.values import FeedJob
from tests.harness.feeds import DAY, MONDAY, event, feed

ZONES = ("Europe/Berlin", "America/New_York", "Pacific/Kiritimati", "Pacific/Pago_Pago", "Asia/Kathmandu", "UTC")
RULES = (
    *(
        "FREQ=DAILY",
        "FREQ=WEEKLY;BYDAY=MO,WE",
        "FREQ=WEEKLY;INTERVAL=2",
        "FREQ=MONTHLY;BYDAY=-1FR",
        "FREQ=MONTHLY;BYMONTHDAY=31",
    ),
    *("FREQ=YEARLY", "FREQ=DAILY;COUNT=3", "FREQ=WEEKLY;UNTIL=20261202T120000Z", "FREQ=HOURLY;INTERVAL=7;COUNT=50"),
)
# Around the range, and around both clock changes of Berlin within half a year of it.
MOMENTS = st.one_of(st.integers(-20 * 24, 30 * 24), st.integers(-40 * 24, -33 * 24), st.integers(115 * 24, 121 * 24)).map(
    lambda hours: datetime.fromtimestamp(MONDAY, UTC) + timedelta(hours=hours)
)


@st.composite
def entries(draw: st.DrawFn) -> str:
    start = draw(MOMENTS)
    form = draw(st.sampled_from(["utc", "zone", "floating", "date"]))
    zone = draw(st.sampled_from(ZONES))

    def written(name: str, moment: datetime) -> str:
        if form == "date":
            return f"{name};VALUE=DATE:{moment:%Y%m%d}"
        parameter = f";TZID={zone}" if form == "zone" else ""
        return f"{name}{parameter}:{moment:%Y%m%dT%H%M%S}{'Z' if form == 'utc' else ''}"

    lasts = timedelta(days=draw(st.integers(1, 20))) if form == "date" else timedelta(minutes=draw(st.integers(1, 3_000)))
    lines = [f"UID:{draw(st.integers(0, 3))}", written("DTSTART", start)]
    ends = draw(st.sampled_from(["DTEND", "DURATION", "none"]))
    if ends == "DTEND":
        lines.append(written("DTEND", start + lasts))
    elif ends == "DURATION":
        lines.append(f"DURATION:P{lasts.days}D" + ("" if form == "date" else f"T{lasts.seconds // 60}M"))
    kind = draw(st.sampled_from(["single", "single", "single", "series", "instance"]))
    if kind == "series":
        lines.append(f"RRULE:{draw(st.sampled_from(RULES))}")
        lines += [written("EXDATE", start + timedelta(days=days)) for days in draw(st.lists(st.integers(0, 20), max_size=3))]
    elif kind == "instance":
        lines.append(written("RECURRENCE-ID", start + timedelta(days=draw(st.integers(-9, 9)))))
    if draw(st.booleans()):
        lines.append(f"SEQUENCE:{draw(st.integers(0, 3))}")
    lines += draw(st.sampled_from([(), (), ("TRANSP:TRANSPARENT",), ("STATUS:CANCELLED",)]))
    return event(*lines)


RANGES = st.tuples(st.integers(-45, 120), st.integers(1, 10)).map(
    lambda days: (MONDAY + days[0] * DAY, MONDAY + (days[0] + days[1]) * DAY)
)


@settings(max_examples=150, deadline=None)
@given(st.lists(entries(), max_size=6), RANGES)
def test_what_is_left_out_is_outside(parts: list[str], between: tuple[float, float]) -> None:
    start, end = between
    body = feed(*parts)
    whole = read_feed(FeedJob(body, start - 4000 * DAY, end + 4000 * DAY, "Europe/Berlin")) if not _endless(parts) else None
    found = read_feed(FeedJob(body, start, end, "Europe/Berlin")).times
    if whole is not None:
        for part, all_of_it in ((found.entries, whole.times.entries), (found.free, whole.times.free)):
            assert [one for one in all_of_it if one[0] < end and one[1] > start] == list(part)


def _endless(parts: list[str]) -> bool:
    return any("RRULE" in part and "COUNT" not in part and "UNTIL" not in part for part in parts)


@settings(max_examples=150, deadline=None)
@given(st.lists(entries(), max_size=6), RANGES)
def test_the_libraries_find_the_same_in_the_whole_feed(parts: list[str], between: tuple[float, float]) -> None:
    start, end = between
    # Of times without a zone the libraries make guesses, so here each has one; dates are tested above.
    body = feed(*[part for part in parts if re.search("DTSTART(;TZID|.*Z\r)", part)])
    answer = read_feed(FeedJob(body, start, end, "Europe/Berlin"))
    tzp.use_default()
    first, last = (datetime.fromtimestamp(moment, UTC) for moment in between)
    expected = []
    for one in CalendarQuery(Calendar.from_ical(body)).between(first - timedelta(days=2), last + timedelta(days=2)):
        begins, ends = one.start.timestamp(), one.end.timestamp()
        if {one.get("STATUS"), one.get("TRANSP")} == {None} and begins < min(ends, end) and ends > start:
            expected.append((begins, ends))

    assert (0, sorted(expected)) == (answer.times.malformed, list(answer.times.entries))


@given(st.dates(date(2026, 9, 1), date(2027, 2, 28)), st.integers(0, 40), st.integers(-40, 60), st.integers(1, 12))
def test_an_entry_that_is_left_out_is_outside_in_every_zone_there_may_be(day: date, days: int, first: int, length: int) -> None:
    start = date(2026, 11, 30) + timedelta(days=first)
    end = start + timedelta(days=length)
    for ends in (f"DTEND:{day + timedelta(days=days):%Y%m%d}T235959", f"DURATION:P{days}DT86399S"):
        scanned = scan(feed(event(f"DTSTART:{day:%Y%m%d}T000000", ends)))
        kept = list(groups(scanned.entries, f"{start:%Y%m%d}".encode(), f"{end:%Y%m%d}".encode()))
        if not kept:
            assert day > end or day + timedelta(days=days) < start
