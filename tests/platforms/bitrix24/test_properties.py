"""Window counts, conflicts and link coverage against brute force, over random worlds, zones and days."""

from __future__ import annotations

from collections import Counter
from datetime import datetime
from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from exporter.counting.bookings import Rule
from exporter.counting.windows import WindowSpec
from exporter.model import Window
from exporter.simulator.bitrix24.world import Booking, Link, calendar_event, sku
from tests.harness.bitrix24_target import poll_bookings, poll_links, running_portal

Row = tuple[int, int, list[int], int, int | None]

HALL = 9
# The first of them is no link to the CRM, and the last is one whose word nobody knows.
KINDS = (calendar_event(1), Link("1"), sku(1), Link("2"), Link("1", "DYNAMIC_128"))
MINUTE = 60
ZONES = ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Asia/Kolkata", "UTC"]
# Days around which clocks change in those zones, and an ordinary one.
DAYS = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01", "2026-07-15"]
BY_DAY = (
    WindowSpec("yesterday", "now-1d/d", "now/d"),
    WindowSpec("today", "now/d", "now+1d/d"),
    WindowSpec("week", "now/w", "now+1w/w"),
)
# Little is inside and much just outside: partners of conflicts that only a wider read finds.
TIGHT = (WindowSpec("just_now", "now-1h", "now"), WindowSpec("soon", "now", "now+3h"))

moments = st.builds(
    lambda day, minute: datetime.fromisoformat(day).replace(tzinfo=ZoneInfo("UTC")).timestamp() + minute * 30 * MINUTE,
    st.sampled_from(DAYS),
    st.integers(-48, 96),
)


def worlds(reach: int, lengths: list[int], resources: list[int], rows: tuple[int, int]) -> st.SearchStrategy[list[Row]]:
    """Half hours, so that borders of days, touching ends and equal times are common."""
    row = st.tuples(
        st.integers(-reach, reach),
        st.sampled_from(lengths),
        st.lists(st.sampled_from(resources), max_size=len(resources), unique=True),
        st.integers(0, len(KINDS)),
        st.none() | st.integers(0, 600),
    )
    return st.lists(row, min_size=rows[0], max_size=rows[1])


questions = st.tuples(st.just(BY_DAY), worlds(400, [0, 1, 1, 2, 3, 48, 200], [1, 2, HALL], (0, 80))) | st.tuples(
    st.just(TIGHT), worlds(10, [0, 3, 6, 9], [1], (2, 6))
)


@pytest.mark.slow
@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(question=questions, now=moments, zone=st.sampled_from(ZONES), rule=st.sampled_from(["start", "overlap"]))
async def test_every_number_equals_brute_force(
    question: tuple[tuple[WindowSpec, ...], list[Row]], now: float, zone: str, rule: Rule
) -> None:
    specs, world = question

    async with running_portal(start=now) as bench:
        for begin, length, resources, links, until in world:
            start = now + begin * 30 * MINUTE
            end = start + length * 30 * MINUTE
            bench.world.add_booking(
                start,
                end,
                resource_ids=tuple(resources),
                links=KINDS[:links],
                until=None if until is None else int(end + until * 30 * MINUTE),
            )
        session = bench.open(
            windows=specs,
            zone=zone,
            bookings={"count": rule, "per_resource": True, "overlapping_resources": frozenset({str(HALL)})},
            links={"windows": specs, "batch_size": 7},
        )
        for _ in range(2):
            bookings, links_seen = await poll_bookings(session), await poll_links(session)
            for counted, covered in zip(bookings.windows, links_seen.windows, strict=True):
                window = counted.window
                inside = [row for row in bench.world.bookings() if lies_inside(row, window, rule)]
                assert counted.bookings == len(inside)
                assert counted.conflicting == sum(
                    any(clash(row, other) for other in bench.world.bookings() if other.id != row.id) for row in inside
                )
                of_resource = Counter(str(resource) for row in inside for resource in row.resource_ids)
                assert counted.by_resource is not None
                assert Counter(counted.by_resource) == of_resource
                assert (covered.linked, covered.unlinked) == (
                    sum("crm" in {link.module for link in row.links} for row in inside),
                    sum("crm" not in {link.module for link in row.links} for row in inside),
                )
                assert covered.calendar_linked == sum("calendar" in {link.module for link in row.links} for row in inside)
                assert sum(covered.by_entity.values()) == sum(len(row.links) for row in inside)


def lies_inside(row: Booking, window: Window, rule: Rule) -> bool:
    """Half hour by half hour: the world knows no finer step, and every border of a window lies on one or between two."""
    if window.start <= row.start < window.end:
        return True
    return rule == "overlap" and row.start < window.start and row.end > window.start


def clash(row: Booking, other: Booking) -> bool:
    shared = set(row.resource_ids) & set(other.resource_ids) - {HALL}
    return bool(shared) and row.start < other.end and other.start < row.end
