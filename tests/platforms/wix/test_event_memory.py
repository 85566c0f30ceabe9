"""What is remembered of private events: when each was first seen, and what that says of a cause and of an import."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from exporter.counting import Busy, Taken
from exporter.model import CalendarType
from exporter.platforms.wix.event_memory import cause_of, cut, faults_of, key_of, lived, reached, remember, source_of
from exporter.private_calendar import Cause, EventMemory, ImportFault, ImportLife

NOW = 1_790_000_000.0
HOUR = 3600.0
DAY = 86_400.0
WEEK = 7 * DAY


def event(hours: float, length: float = 1, schedule: str = "anna") -> Busy:
    return Busy(schedule, NOW + hours * HOUR, NOW + (hours + length) * HOUR)


def booking(created: float | None, updated: float | None = None) -> Taken:
    return Taken("b", "anna", NOW + 5 * HOUR, NOW + 6 * HOUR, created, updated)


def polled(*events: Busy, at: float = NOW, before: EventMemory | None = None, whole: bool = True) -> EventMemory:
    return remember(before, events, at, at + WEEK, wall=at, whole=whole)


def test_a_hash_differs_by_schedule_start_and_end_and_a_source_by_schedule_and_type() -> None:
    keys = {key_of(one) for one in (event(1), event(2), event(1, 2), event(1, schedule="ben"))}
    assert (4, {12}) == (len(keys), {len(key) for key in keys})
    sources = {source_of(name, kind) for name in ("a", "b") for kind in (CalendarType.GOOGLE, CalendarType.APPLE)}
    assert 4 == len(sources)


def test_the_first_poll_cannot_know_since_when_an_event_is_there() -> None:
    assert {key_of(event(5)): (NOW, 0.0)} == polled(event(5)).seen


def test_what_a_poll_is_the_first_to_see_was_missing_at_the_one_before() -> None:
    memory = polled(event(5), event(9), at=NOW + 600, before=polled(event(5)))
    assert {key_of(event(5)): (NOW, 0.0), key_of(event(9)): (NOW + 600, 600.0)} == memory.seen


@pytest.mark.parametrize(("hours", "missing"), [(7 * 24 - 0.01, 600.0), (7 * 24, 0.0), (7 * 24 + 0.1, 0.0)])
def test_of_what_begins_behind_its_sight_the_poll_before_could_not_know(hours: float, missing: float) -> None:
    memory = polled(event(hours), at=NOW + 600, before=polled())
    assert (NOW + 600, missing) == memory.seen[key_of(event(hours))]


def test_what_a_whole_poll_no_longer_sees_is_forgotten_and_what_another_does_not_see_is_not() -> None:
    before = polled(event(5), event(9))
    assert {key_of(event(9))} == polled(event(9), at=NOW + 600, before=before).seen.keys()
    partly = polled(event(30), at=NOW + 600, before=before, whole=False)
    assert {key_of(event(5)), key_of(event(9)), key_of(event(30))} == partly.seen.keys()
    assert (NOW, NOW + WEEK, (NOW + 600, 0.0)) == (partly.at, partly.until, partly.seen[key_of(event(30))])


def test_polls_that_are_never_whole_forget_what_is_over() -> None:
    memory = polled()
    for day in range(60):
        memory = polled(event(24 * day + 5), event(2_000), at=NOW + day * DAY, before=memory, whole=False)
        assert 3 >= len(memory.seen) == len(memory.ends)
    assert NOW == memory.seen[key_of(event(2_000))][0]


LASTING = (event(-5, 3_000, "anna"), event(30, 3_000, "ben"), event(40, 3_000, "cem"))


@given(
    polls=st.lists(st.tuples(st.integers(1, 200), st.sets(st.sampled_from(("anna", "ben", "cem"))), st.booleans()), max_size=14)
)
def test_when_an_event_was_first_seen_is_known_as_long_as_no_whole_poll_misses_it(
    polls: list[tuple[int, set[str], bool]],
) -> None:
    memory, at = polled(*LASTING, before=polled(at=NOW - 600)), NOW
    first = memory.seen
    for hours, failing, is_restart in polls:
        at += hours * HOUR
        shown = [one for one in LASTING if one.schedule not in failing]
        memory = polled(*shown, event((at - NOW) / HOUR + 1), at=at, before=memory, whole=not failing)
        if is_restart:
            memory = replace(cut(memory, shown), ends={})  # the file does not tell when anything is over
        assert first.items() <= memory.seen.items()


def test_a_restart_keeps_the_thousand_whose_beginning_is_known_before_what_was_not_seen_of_late() -> None:
    hidden, shown = event(1, 400), [event(number / 10) for number in range(1_000)]
    memory = polled(*shown, at=NOW + 600, before=polled(hidden), whole=False)
    kept = cut(memory, shown)
    assert {key_of(one) for one in shown} == kept.seen.keys()
    assert 0.0 == kept.until
    back = polled(hidden, at=NOW + 1_200, before=kept)
    assert (NOW + 1_200, 0.0) == back.seen[key_of(hidden)], "it is not known that it was missing"


def test_a_first_poll_that_was_not_whole_says_of_nothing_that_it_was_missing() -> None:
    partly = polled(event(5), whole=False)
    later = polled(event(5), event(9), at=NOW + 600, before=partly)
    assert (NOW + 600, 0.0) == later.seen[key_of(event(9))]


def test_a_restart_keeps_the_thousand_that_begin_first_and_what_it_can_say_of_the_others() -> None:
    events = [event(number / 10) for number in range(1_003)]
    kept = cut(polled(*events), events)
    assert {key_of(one) for one in events[:1_000]} == kept.seen.keys()
    assert events[1_000].start == kept.until
    forgotten = polled(*events, at=NOW + 600, before=kept)
    assert (NOW + 600, 0.0) == forgotten.seen[key_of(events[1_000])]
    assert polled(event(5)) == cut(polled(event(5)), [event(5)])


@pytest.mark.parametrize(
    ("created", "updated", "cause"),
    [
        (NOW + 1_261, None, Cause.NOT_BLOCKED),
        (NOW + 1_260, None, Cause.UNKNOWN),
        (NOW + 900, None, Cause.UNKNOWN),
        (NOW + 540, None, Cause.UNKNOWN),
        (NOW + 539, None, Cause.BOOKED_OVER),
        (NOW + 539, NOW + 539, Cause.BOOKED_OVER),
        (NOW + 539, NOW + 900, Cause.UNKNOWN),
        (NOW + 539, NOW + 5_000, Cause.UNKNOWN),
        (None, None, Cause.UNKNOWN),
    ],
)
def test_a_cause_is_told_by_the_polls_around_the_event_up_to_a_minute(
    created: float | None, updated: float | None, cause: Cause
) -> None:
    seen = polled(event(5.5), at=NOW + 1_200, before=polled(at=NOW + 600))
    assert cause is cause_of(booking(created, updated), [event(5.5)], seen, 0.0)


def test_a_cause_is_told_on_the_clock_that_was_set_meanwhile() -> None:
    seen = polled(event(5.5), at=NOW + 1_200, before=polled(at=NOW + 600))
    assert Cause.NOT_BLOCKED is cause_of(booking(NOW + 1_300), [event(5.5)], seen, 0.0)
    assert Cause.BOOKED_OVER is cause_of(booking(NOW + 1_300), [event(5.5)], seen, HOUR)


def test_of_several_events_one_that_was_there_first_decides_and_all_have_to_come_after_it() -> None:
    first = polled(event(5.5), at=NOW)
    seen = polled(event(5.5), event(5), at=NOW + 1_200, before=first)
    assert Cause.NOT_BLOCKED is cause_of(booking(NOW + 600), [event(5.5), event(5)], seen, 0.0)
    assert Cause.UNKNOWN is cause_of(booking(NOW - 600), [event(5.5), event(5)], seen, 0.0)
    assert Cause.BOOKED_OVER is cause_of(booking(NOW - 600), [event(5)], seen, 0.0)
    assert Cause.UNKNOWN is cause_of(booking(NOW - 600), [event(6)], seen, 0.0), "nobody remembers it"


def test_the_life_of_an_import_begins_with_its_first_events() -> None:
    nothing = lived(None, has_events=False, changed=False, now=NOW, polled=None)
    assert ImportLife(None, None, NOW) == nothing
    there = lived(nothing, has_events=True, changed=True, now=NOW + 600, polled=NOW)
    assert ImportLife(NOW + 600, NOW + 600, NOW + 600, 600.0, changes=1) == there
    assert ImportLife(NOW + 600, NOW + 1_200, NOW + 600, 600.0, changes=1) == lived(
        there, has_events=True, changed=False, now=NOW + 1_200, polled=NOW + 600
    )


def test_a_poll_without_events_ends_it_and_the_next_ones_begin_another() -> None:
    there = ImportLife(NOW, NOW + DAY, NOW, 0.0)
    empty = lived(there, has_events=False, changed=True, now=NOW + DAY + 600, polled=NOW + DAY)
    assert (NOW, NOW + DAY, NOW + DAY + 600) == (empty.began, empty.last, empty.changed)
    again = lived(empty, has_events=True, changed=True, now=NOW + DAY + 1_200, polled=NOW + DAY + 600)
    assert NOW + DAY + 1_200 == again.began


def test_the_longest_gap_counts() -> None:
    life = ImportLife(NOW, NOW + DAY, NOW, 2 * DAY)
    assert 2 * DAY == lived(life, has_events=True, changed=True, now=NOW + DAY, polled=NOW + DAY - 600).gap
    assert 3 * DAY == lived(life, has_events=True, changed=True, now=NOW + 3 * DAY, polled=NOW + DAY).gap


@given(
    steps=st.lists(st.tuples(st.floats(600, 3 * DAY), st.booleans()), max_size=30),
    still=st.floats(0, 300 * DAY),
)
def test_an_import_is_frozen_only_once_it_was_seen_to_change_three_times(steps: list[tuple[float, bool]], still: float) -> None:
    life = lived(None, has_events=True, changed=False, now=NOW, polled=None)
    now, moments = NOW, [NOW]
    for after, changed in steps:
        life, now = lived(life, has_events=True, changed=changed, now=now + after, polled=now), now + after
        moments += [now] if changed else []
    now += still
    life = replace(life, last=now)
    longest = max((later - sooner for sooner, later in pairwise(moments)), default=0.0)
    frozen = len(moments) > 3 and now - moments[-1] > max(WEEK, 3 * longest)
    assert frozen == (ImportFault.FROZEN in faults_of(life, now))


def test_who_was_away_for_more_than_a_week_begins_anew_and_keeps_what_it_learnt_of_changes() -> None:
    life = ImportLife(NOW, NOW + DAY, NOW, 2 * DAY, changes=3)
    back = NOW + DAY + WEEK + 1
    assert ImportLife(back, back, back, 2 * DAY, changes=3) == lived(
        life, has_events=True, changed=False, now=back, polled=NOW + DAY
    )
    in_time = NOW + DAY + WEEK
    assert NOW == lived(life, has_events=True, changed=False, now=in_time, polled=NOW + DAY).changed


def reach(life: ImportLife | None, hours: float, number: int, at: float) -> ImportLife:
    """Return the life after a poll at ``at`` (hours) whose ``number`` events end so many hours after it."""
    now = NOW + at * HOUR
    return reached(life or ImportLife(NOW, NOW, NOW), life, now + hours * HOUR, number, now=now, wall=now)


def lives(*polls: tuple[float, float, int]) -> ImportLife:
    found = None
    for at, hours, number in polls:
        found = reach(found, hours, number, at)
    assert found is not None
    return found


DAYS: list[tuple[float, float, int]] = [(float(at), 150.0, 9) for at in range(26)]
"""A day of polls, and the one that ends it."""


@pytest.mark.parametrize(("hours", "is_short"), [(61.0, True), (63.0, False), (150.0, False)])
def test_an_import_is_shortened_when_its_events_end_half_as_far_as_they_did_for_a_day(hours: float, is_short: bool) -> None:
    life = lives(*DAYS, (26, hours, 9))
    assert (NOW + 26 * HOUR if is_short else 0.0) == life.short_since


def test_it_is_so_since_the_first_poll_that_saw_it_and_ends_when_the_events_are_back() -> None:
    assert NOW + 26 * HOUR == lives(*DAYS, (26, 40, 9), (27, 39, 9)).short_since
    assert 0.0 == lives(*DAYS, (26, 40, 9), (27, 149, 9)).short_since


def test_a_last_event_that_comes_nearer_as_time_goes_by_is_no_cut() -> None:
    found = None
    for at in range(160):
        found = reach(found, 160.0 - at, 9, float(at))
        assert 0.0 == found.short_since


def test_of_less_than_a_day_and_of_few_events_nothing_is_told() -> None:
    assert 0.0 == lives(*DAYS[:20], (20, 10, 9)).short_since
    few = [(at, hours, 4) for at, hours, _ in DAYS]
    assert 0.0 == lives(*few, (26, 10, 4)).short_since
    assert 0.0 == lives(*DAYS, (26, 0, 0)).short_since, "none at all is something else"


def test_after_two_days_the_shorter_reach_is_the_usual_one() -> None:
    later = [(float(at), 40.0, 9) for at in range(26, 78)]
    assert NOW + 26 * HOUR == lives(*DAYS, *later[:20]).short_since
    assert 0.0 == lives(*DAYS, *later).short_since


@pytest.mark.parametrize(
    ("life", "fault"),
    [
        (ImportLife(None, None, NOW - 30 * DAY, DAY), None),
        (ImportLife(NOW - 8 * DAY, NOW - DAY, NOW, DAY), ImportFault.SILENT),
        (ImportLife(NOW - 8 * DAY + 1, NOW - DAY, NOW, DAY), None),
        (ImportLife(NOW - 30 * DAY, NOW, NOW - 7 * DAY, DAY, changes=3), None),
        (ImportLife(NOW - 30 * DAY, NOW, NOW - 7 * DAY - 1, DAY, changes=3), ImportFault.FROZEN),
        (ImportLife(NOW - 30 * DAY, NOW, NOW - 15 * DAY, 5 * DAY, changes=3), None),
        (ImportLife(NOW - 30 * DAY, NOW, NOW - 15 * DAY - 1, 5 * DAY, changes=3), ImportFault.FROZEN),
        (ImportLife(NOW - 90 * DAY, NOW, NOW - 60 * DAY, DAY, changes=2), None),
        (ImportLife(NOW - 90 * DAY, NOW, NOW - 90 * DAY, 0.0), None),
        (ImportLife(NOW - DAY, NOW, NOW, 0.0, short_since=NOW - 60), ImportFault.SHORTENED),
    ],
)
def test_an_import_is_suspect_after_a_week_or_three_gaps(life: ImportLife, fault: ImportFault | None) -> None:
    assert ([] if fault is None else [fault]) == list(faults_of(life, NOW))
