"""Does the staff's calendar still say the same as the bookings? (bitrix24.md 16 and 17.2)"""

from __future__ import annotations

from typing import Any

import pytest

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CalendarCopies, MismatchKind
from exporter.errors import OperatingLimitError, PollError, Reason, ServerError
from exporter.model import CollectorName
from exporter.platforms.base import PollResult
from exporter.platforms.bitrix24.session import BitrixSession
from exporter.platforms.bitrix24.settings import Budget
from exporter.platforms.retry import wait_allowance
from exporter.simulator.bitrix24.errors import ApiError
from exporter.simulator.bitrix24.simulator import CALENDAR_SCOPES
from exporter.simulator.bitrix24.world import PortalWorld, calendar_event
from exporter.simulator.canary import CANARIES
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import CODE, GET, HOUR, LINKS, WINDOWS, Bench, poll_links

EVENT = "calendar.event.getbyid"
DAY = 24 * HOUR
ANNA, BEN = 12, 15


@pytest.fixture
def staffed(bench: Bench) -> Bench:
    """A portal whose two chairs are Anna's and Ben's, and a webhook with the scope calendar."""
    bench.simulator.bitrix24.add_webhook(bench.portal, code=CODE, scopes=CALENDAR_SCOPES)
    for number, user in ((1, ANNA), (2, BEN)):
        bench.world.add_resource(f"Chair {number}")
        bench.portal.calendar.link(number, user)
    return bench


def book(bench: Bench, hours: float, chair: int = 1) -> int:
    """Book a chair for an hour from so many hours ahead on, and return the booking's id."""
    begin = bench.now + hours * HOUR
    return bench.world.add_booking(begin, begin + HOUR, resource_ids=(chair,)).id


def opened(bench: Bench, **links: Any) -> BitrixSession:  # noqa: ANN401  fields of the collector
    return bench.open(links={"calendar": True, **links})


async def copies_of(session: BitrixSession) -> CalendarCopies:
    found = (await poll_links(session)).copies
    assert found is not None
    return found


async def poll(session: BitrixSession) -> PollResult:
    with wait_allowance(300):
        return await session.collectors[CollectorName.LINKS].poll()


def numbers(copies: CalendarCopies) -> tuple[int, dict[str, int], int]:
    """Return how many bookings of the only window were compared, how many of them differ, and how many are not known."""
    (window,) = copies.windows
    assert window.mismatches is not None
    return window.compared, {kind.value: number for kind, number in window.mismatches.items() if number}, window.unverified


def named(copies: CalendarCopies) -> list[tuple[int, str]]:
    return [(int(row.booking), row.kind.value) for row in copies.mismatched]


# What is found


async def test_copies_that_say_the_same_are_compared_and_none_differs(staffed: Bench) -> None:
    for hours in (2, 30, 100):
        book(staffed, hours)
    copies = await copies_of(opened(staffed))
    assert (3, {}, 0) == numbers(copies)
    assert ((), None, "") == (copies.mismatched, copies.next_mismatch, copies.refused)


@pytest.mark.parametrize("deleted", ["null", "marked"])
@pytest.mark.parametrize(
    ("changes", "kind"),
    [
        ({"deleted": True}, "missing"),
        ({"start": 0}, "moved"),
        ({"status": "N"}, "declined"),
        ({"status": "N", "start": 0}, "moved"),
        ({"status": "N", "start": 0, "deleted": True}, "missing"),
    ],
)
async def test_a_copy_is_missing_or_else_moved_or_else_declined(
    staffed: Bench,
    changes: dict[str, Any],
    kind: str,
    deleted: Any,  # noqa: ANN401  a literal of Switches
) -> None:
    staffed.simulator.bitrix24.switches.deleted_event = deleted
    book(staffed, 1)
    differs = book(staffed, 2)
    staffed.portal.calendar.edit(differs, **changes)
    copies = await copies_of(opened(staffed))
    assert (2, {kind: 1}, 0) == numbers(copies)
    assert [(differs, kind)] == named(copies)
    assert staffed.now + 2 * HOUR == copies.next_mismatch


async def test_a_booking_that_differs_from_its_copy_names_the_resource_that_it_books(staffed: Bench) -> None:
    for hours, chair in ((2, 1), (3, 2)):
        staffed.portal.calendar.edit(book(staffed, hours, chair), status="N")
    copies = await copies_of(opened(staffed))
    assert [("1",), ("2",)] == [row.resources for row in copies.mismatched]


@pytest.mark.parametrize(("seconds", "differs"), [(3600, 1), (-3600, 1), (60, 1), (59, 0), (0, 0)])
async def test_a_copy_has_moved_by_a_minute_or_more(staffed: Bench, seconds: int, differs: int) -> None:
    staffed.portal.calendar.shift(book(staffed, 2), seconds)
    _, mismatches, _ = numbers(await copies_of(opened(staffed)))
    assert differs == mismatches.get("moved", 0)


async def test_a_copy_that_ends_at_another_time_has_moved(staffed: Bench) -> None:
    booking = book(staffed, 2)
    staffed.portal.calendar.edit(booking, end=int(staffed.now + 4 * HOUR))
    assert [(booking, "moved")] == named(await copies_of(opened(staffed)))


@pytest.mark.parametrize("changes", [{"event_type": "#shared#"}, {"event_type": None}, {"whole_day": True}, {"repeats": True}])
async def test_an_event_that_is_no_copy_of_a_single_booking_is_not_compared(staffed: Bench, changes: dict[str, Any]) -> None:
    book(staffed, 1)
    staffed.portal.calendar.edit(book(staffed, 2), deleted=False, start=0, **changes)
    assert (1, {}, 1) == numbers(await copies_of(opened(staffed)))


async def test_the_copy_of_a_recurring_booking_is_not_compared(staffed: Bench) -> None:
    begin = staffed.now + HOUR
    staffed.world.add_booking(begin, begin + HOUR, resource_ids=(1,), until=int(begin + 90 * DAY))
    book(staffed, 2)
    assert (1, {}, 1) == numbers(await copies_of(opened(staffed)))


async def test_each_window_has_its_own_numbers(staffed: Bench) -> None:
    for hours in (-3, 2, 30):
        staffed.portal.calendar.shift(book(staffed, hours), HOUR)
    copies = await copies_of(opened(staffed, windows=WINDOWS))
    found = {row.window: (row.mismatches or {})[MismatchKind.MOVED] for row in copies.windows}
    assert {"last_24h": 1, "next_24h": 1, "next_7d": 2} == {name: found[name] for name in ("last_24h", "next_24h", "next_7d")}


async def test_the_next_ten_are_named_soonest_first_and_none_that_has_begun(staffed: Bench) -> None:
    late = [book(staffed, hours) for hours in range(14, 2, -1)]
    begun = book(staffed, -0.5)
    for booking in (*late, begun):
        staffed.portal.calendar.shift(booking, HOUR)
    copies = await copies_of(opened(staffed, windows=WINDOWS[1:]))
    assert [(booking, "moved") for booking in late[:1:-1]] == named(copies)


async def test_bookings_without_copies_are_not_compared(staffed: Bench) -> None:
    begin = staffed.now + HOUR
    staffed.world.add_booking(begin, begin + HOUR)
    book(staffed, 2)
    observation = await poll_links(opened(staffed))
    assert observation.copies is not None
    assert ((1, {}, 0), 2) == (numbers(observation.copies), observation.windows[0].linked + observation.windows[0].unlinked)


async def test_a_booking_that_names_two_events_is_not_compared(staffed: Bench) -> None:
    book(staffed, 1)
    booking = staffed.world.booking(book(staffed, 2))
    assert booking is not None
    staffed.world.edit_booking(booking.id, links=(*booking.links, calendar_event(77)))
    assert (1, {}, 1) == numbers(await copies_of(opened(staffed)))


# A check that cannot run is absent


async def test_a_portal_without_copies_is_never_asked_for_an_event(staffed: Bench) -> None:
    begin = staffed.now + HOUR
    staffed.world.add_booking(begin, begin + HOUR)
    session = opened(staffed)
    assert (None, None) == ((await poll_links(session)).copies, (await poll_links(session)).copies)
    assert 0 == staffed.commands(EVENT)


async def test_a_portal_whose_last_copy_has_left_the_windows_has_zeros(staffed: Bench) -> None:
    session = opened(staffed)
    staffed.world.delete_booking(book(staffed, 2))
    book(staffed, 0.1)
    await poll_links(session)
    staffed.clock.now += HOUR
    assert (0, {}, 0) == numbers(await copies_of(session))


async def test_switched_off_nothing_is_asked(staffed: Bench) -> None:
    book(staffed, 2)
    observation = await poll_links(opened(staffed, calendar=False))
    assert (None, 1, 0) == (observation.copies, observation.windows[0].calendar_linked, staffed.commands(EVENT))


@pytest.mark.parametrize("status", [401, 403])
async def test_without_the_scope_the_links_are_known_and_the_copies_are_refused_for_an_hour(
    staffed: Bench, status: int
) -> None:
    staffed.simulator.bitrix24.switches.missing_scope_status = status
    staffed.simulator.bitrix24.add_webhook(staffed.portal, code=CODE)
    book(staffed, 2)
    session = opened(staffed)
    for _ in range(3):
        observation = await poll_links(session)
        assert observation.copies is not None
        assert ((), ()) == (observation.copies.windows, observation.copies.mismatched)
        assert "lacks the scope calendar" in observation.copies.refused
        assert 1 == observation.windows[0].calendar_linked
    assert 1 == staffed.commands(EVENT)
    staffed.simulator.bitrix24.add_webhook(staffed.portal, code=CODE, scopes=CALENDAR_SCOPES)
    staffed.clock.now += HOUR
    assert ((1, {}, 0), "") == (numbers(await copies_of(session)), (await copies_of(session)).refused)


async def test_access_denied_for_one_user_of_many_is_not_told_and_never_zero(staffed: Bench) -> None:
    staffed.portal.calendar.unseen_users.add(BEN)
    book(staffed, 1, chair=1)
    staffed.portal.calendar.shift(book(staffed, 2, chair=2), HOUR)
    assert (1, {}, 1) == numbers(await copies_of(opened(staffed)))


@pytest.mark.parametrize("unseen", ["denied", "null"])
@pytest.mark.parametrize("russian", [False, True])
async def test_a_portal_that_shows_none_of_the_copies_refuses_the_check(staffed: Bench, unseen: Any, russian: bool) -> None:  # noqa: ANN401  a literal of Switches
    switches = staffed.simulator.bitrix24.switches
    switches.unseen_event, switches.russian_descriptions = unseen, russian
    staffed.portal.calendar.unseen_users.update({ANNA, BEN})
    for chair in (1, 2):
        book(staffed, chair, chair)
    copies = await copies_of(opened(staffed))
    assert ((), "it shows none of them to the credential's user") == (copies.windows, copies.refused)


async def test_null_is_no_missing_copy_where_nothing_of_that_calendar_was_ever_shown(staffed: Bench) -> None:
    switches = staffed.simulator.bitrix24.switches
    switches.unseen_event = "null"
    staffed.portal.calendar.unseen_users.add(BEN)
    book(staffed, 1, chair=1)
    for hours in (2, 3):
        book(staffed, hours, chair=2)
    assert (1, {}, 2) == numbers(await copies_of(opened(staffed)))


async def test_null_is_a_missing_copy_where_this_event_was_shown_before(staffed: Bench) -> None:
    booking = book(staffed, 1)
    book(staffed, 1, chair=2)
    session = opened(staffed)
    await poll_links(session)
    staffed.portal.calendar.edit(booking, deleted=True)
    for _ in range(3):
        assert (2, {"missing": 1}, 0) == numbers(await copies_of(session))


async def test_a_copy_once_found_missing_stays_so_when_the_others_of_its_calendar_are_over(staffed: Bench) -> None:
    book(staffed, 0.1)
    staffed.portal.calendar.edit(book(staffed, 5), deleted=True)
    book(staffed, 5, chair=2)
    session = opened(staffed)
    assert (3, {"missing": 1}, 0) == numbers(await copies_of(session))
    for _ in range(2):
        staffed.clock.now += HOUR
        assert (2, {"missing": 1}, 0) == numbers(await copies_of(session))


async def test_a_window_none_of_whose_copies_could_be_compared_has_no_numbers(staffed: Bench) -> None:
    staffed.portal.calendar.edit(book(staffed, 2), event_type=None)
    (window,) = (await copies_of(opened(staffed))).windows
    assert (None, 0, 1) == (window.mismatches, window.compared, window.unverified)


async def test_an_event_without_readable_times_is_counted_and_not_compared(staffed: Bench) -> None:
    book(staffed, 1)
    staffed.portal.calendar.edit(book(staffed, 2), start="soon")
    assert (1, {}, 1) == numbers(await copies_of(opened(staffed)))
    assert 1 == staffed.events.malformed[CollectorName.LINKS]


# What changes between two answers is no mismatch


async def test_a_booking_that_moves_together_with_its_copy_never_differs(staffed: Bench) -> None:
    session = opened(staffed, verify_calls=1, batch_size=1)
    moved = book(staffed, 3)
    for hours in (1, 2):
        book(staffed, hours)
    await poll_links(session)
    begin = int(staffed.now + 9 * HOUR)
    staffed.world.edit_booking(moved, start=begin, end=begin + HOUR)
    assert (3, {}, 0) == numbers(await copies_of(session))


async def test_a_booking_that_moves_together_with_its_copy_while_a_poll_reads_never_differs(staffed: Bench) -> None:
    moved = book(staffed, 3)
    begin = int(staffed.now + 9 * HOUR)

    def move(world: PortalWorld) -> None:
        world.edit_booking(moved, start=begin, end=begin + HOUR)

    staffed.portal.after_page.append(move)
    session = opened(staffed)
    for _ in range(2):
        assert (1, {}, 0) == numbers(await copies_of(session))


async def test_a_booking_that_got_another_copy_since_its_links_were_read_never_differs(staffed: Bench) -> None:
    staffed.portal.calendar.remakes = True
    session = opened(staffed, verify_calls=1, batch_size=1)
    moved = book(staffed, 3)
    for hours in (1, 2):
        book(staffed, hours)
    await poll_links(session)
    begin = int(staffed.now + 9 * HOUR)
    staffed.world.edit_booking(moved, start=begin, end=begin + HOUR)
    for _ in range(3):
        assert (3, {}, 0) == numbers(await copies_of(session))


async def test_a_booking_that_is_deleted_while_a_poll_reads_never_differs(staffed: Bench) -> None:
    book(staffed, 1)
    deleted = book(staffed, 3)
    staffed.portal.after_page.append(lambda world: world.delete_booking(deleted))
    assert (1, {}, 0) == numbers(await copies_of(opened(staffed)))


async def test_a_mismatch_that_is_repaired_is_over_with_the_next_poll(staffed: Bench) -> None:
    booking = book(staffed, 1)
    for hours in range(2, 12):
        book(staffed, hours)
    staffed.portal.calendar.shift(booking, HOUR)
    session = opened(staffed, verify_calls=1, batch_size=2)
    assert (11, {"moved": 1}, 0) == numbers(await copies_of(session))
    staffed.portal.calendar.shift(booking, -HOUR)
    assert (11, {}, 0) == numbers(await copies_of(session))


async def test_a_mismatch_that_begins_is_found_in_rotation(staffed: Bench) -> None:
    bookings = [book(staffed, hours) for hours in range(1, 9)]
    session = opened(staffed, verify_calls=2, batch_size=2)
    await poll_links(session)
    staffed.portal.calendar.shift(bookings[5], HOUR)
    found = [numbers(await copies_of(session))[1].get("moved", 0) for _ in range(3)]
    assert [0, 1, 1] == found


# Price


async def test_copies_cost_a_batch_for_as_many_as_links_and_then_what_is_configured(staffed: Bench) -> None:
    for hours in range(1, 41):
        book(staffed, hours)
    session = opened(staffed, verify_calls=2, batch_size=10)
    await poll_links(session)
    assert (40, 8, 0) == (staffed.commands(EVENT), staffed.calls("batch"), staffed.commands(GET))
    before, batches = staffed.commands(EVENT), staffed.calls("batch")
    await poll_links(session)
    assert (20, 4) == (staffed.commands(EVENT) - before, staffed.calls("batch") - batches)


async def test_of_many_mismatches_a_poll_confirms_a_part_and_the_others_are_not_known_yet(staffed: Bench) -> None:
    for hours in range(1, 11):
        staffed.portal.calendar.shift(book(staffed, hours), HOUR)
    session = opened(staffed, verify_calls=1, batch_size=4)
    found = [numbers(await copies_of(session)) for _ in range(3)]
    assert [(4, {"moved": 4}, 6), (8, {"moved": 8}, 2), (10, {"moved": 10}, 0)] == found


async def test_more_mismatches_than_a_poll_confirms_take_turns_and_none_is_forgotten(staffed: Bench) -> None:
    for hours in range(20, 30):
        staffed.portal.calendar.shift(book(staffed, hours), HOUR)
    session = opened(staffed, verify_calls=1, batch_size=4, max_age=2_000.0)
    for _ in range(3):
        await poll_links(session)
        staffed.clock.now += 600
    for _ in range(5):
        assert (10, {"moved": 10}, 0) == numbers(await copies_of(session))
        staffed.clock.now += 600


async def test_a_method_that_no_batch_may_run_is_called_alone(staffed: Bench) -> None:
    staffed.simulator.bitrix24.switches.batch_blocked = frozenset({EVENT})
    staffed.portal.calendar.unseen_users.add(BEN)
    book(staffed, 1)
    book(staffed, 2, chair=2)
    staffed.portal.calendar.shift(book(staffed, 3), HOUR)
    assert (2, {"moved": 1}, 1) == numbers(await copies_of(opened(staffed)))
    assert 4 == staffed.calls(EVENT)


async def test_what_is_known_is_not_asked_again_when_half_of_the_operating_time_is_spent(staffed: Bench) -> None:
    staffed.portal.costs[EVENT] = 1.0
    for hours in range(1, 7):
        book(staffed, hours)
    budget = Budget(requests_per_second=5.0, burst=250, operating_seconds=10.0)
    session = staffed.open(links={"calendar": True}, budget=budget)
    await poll_links(session)
    await poll_links(session)
    assert 6 == staffed.commands(EVENT)


async def test_answers_older_than_max_age_are_withdrawn(staffed: Bench) -> None:
    staffed.portal.costs[EVENT] = 1.0
    for hours in range(1, 7):
        book(staffed, hours)
    budget = Budget(requests_per_second=5.0, burst=250, operating_seconds=10.0)
    session = staffed.open(links={"calendar": True, "interval": 30.0, "max_age": 120.0}, budget=budget)
    assert (6, {}, 0) == numbers(await copies_of(session))
    staffed.clock.now += 121
    (window,) = (await copies_of(session)).windows
    assert (None, 6) == (window.mismatches, window.unverified)


# Failures


async def failing(session: BitrixSession) -> tuple[LinksObservation, PollError]:
    result = await poll(session)
    assert isinstance(result.observation, LinksObservation)
    assert result.failure is not None
    return result.observation, result.failure


async def test_an_operating_limit_of_the_calendar_costs_the_copies_and_no_link(staffed: Bench) -> None:
    staffed.portal.costs[EVENT] = 20.0
    staffed.portal.operating.limit = 15.0
    for hours in (1, 2):
        book(staffed, hours)
    observation, failure = await failing(opened(staffed, batch_size=1))
    assert isinstance(failure, OperatingLimitError)
    assert 2 == observation.windows[0].calendar_linked
    assert observation.copies is not None
    assert 1 == observation.copies.windows[0].unverified


async def test_a_portal_that_fails_in_the_middle_keeps_the_links_and_says_so(staffed: Bench) -> None:
    book(staffed, 1)
    session = opened(staffed)
    await poll_links(session)
    book(staffed, 2)
    staffed.simulator.faults.add(Fault(FaultKind.STATUS, status=500, operation="batch", after=2))
    observation, failure = await failing(session)
    assert isinstance(failure, ServerError)
    assert observation.copies is not None


def answered(status: int, code: str | None, after: int) -> Fault:
    """Let the batch after so many fail with this answer: a page, or an error of the API."""
    where: dict[str, Any] = {"operation": "batch", "after": after, "times": 1, "status": status}
    if code is None:
        return Fault(FaultKind.STATUS, **where)
    return Fault(FaultKind.BODY, body=f'{{"error": "{code}"}}', content_type="application/json", **where)


@pytest.mark.parametrize(
    ("status", "code", "reason"),
    [
        (400, None, Reason.CLIENT_ERROR),
        (400, "ERROR_ARGUMENT", Reason.CLIENT_ERROR),
        (400, "100", Reason.CLIENT_ERROR),
        (400, "SOMETHING_NEW", Reason.CLIENT_ERROR),
        (404, None, Reason.NOT_FOUND),
        (422, "422", Reason.CLIENT_ERROR),
        (400, "PORTAL_DELETED", Reason.NOT_FOUND),
    ],
)
async def test_a_batch_that_fails_costs_its_own_answers_and_the_next_poll_asks_again(
    staffed: Bench, status: int, code: str | None, reason: Reason
) -> None:
    staffed.portal.calendar.shift(book(staffed, 1), HOUR)
    session = opened(staffed)
    await poll_links(session)
    book(staffed, 2)
    staffed.simulator.faults.add(answered(status, code, after=2))
    observation, failure = await failing(session)
    assert observation.copies is not None
    assert (reason, "", (1, {"moved": 1}, 1)) == (failure.reason, observation.copies.refused, numbers(observation.copies))
    assert (2, {"moved": 1}, 0) == numbers(await copies_of(session))


@pytest.mark.parametrize(
    ("status", "code"),
    [
        (403, "insufficient_scope"),
        (401, "INSUFFICIENT_SCOPE"),
        (403, None),
        (404, "ERROR_METHOD_NOT_FOUND"),
        (403, "ACCESS_DENIED"),
        (403, "METHOD_CONFIRM_DENIED"),
        (402, None),
    ],
)
async def test_a_right_or_a_method_that_is_missing_ends_the_comparison_for_an_hour(
    staffed: Bench, status: int, code: str | None
) -> None:
    book(staffed, 1)
    staffed.simulator.faults.add(answered(status, code, after=1))
    session = opened(staffed)
    for _ in range(2):
        assert (await copies_of(session)).refused
    assert 0 == staffed.commands(EVENT)
    staffed.clock.now += HOUR
    assert "" == (await copies_of(session)).refused


async def test_a_fault_while_a_mismatch_is_confirmed_leaves_it_untold(staffed: Bench) -> None:
    book(staffed, 1)
    staffed.portal.calendar.shift(book(staffed, 2), HOUR)
    session = opened(staffed)
    staffed.simulator.faults.add(Fault(FaultKind.STATUS, status=500, operation="batch", after=3))
    observation, _ = await failing(session)
    assert observation.copies is not None
    assert (1, {}, 1) == numbers(observation.copies)


async def test_a_refused_booking_is_no_refused_calendar(staffed: Bench) -> None:
    book(staffed, 1)
    session = opened(staffed)
    await poll_links(session)
    staffed.portal.refusal = ApiError("INVALID_CREDENTIALS", "gone", 401)
    with pytest.raises(PollError) as caught:
        await poll(session)
    assert Reason.AUTH is caught.value.reason
    staffed.portal.refusal = None
    assert (1, {}, 0) == numbers(await copies_of(session))


# People


async def test_nothing_that_an_event_says_about_people_leaves_the_decoder(
    staffed: Bench, capsys: pytest.CaptureFixture[str]
) -> None:
    for hours in range(1, 6):
        staffed.portal.calendar.edit(book(staffed, hours), name="Kanarina Vogelsang-Canary", start=0)
    session = opened(staffed)
    shown = repr(await poll_links(session)) + repr(vars(session.collectors[CollectorName.LINKS])) + "".join(capsys.readouterr())
    assert [] == [canary for canary in CANARIES if canary in shown]


# check-config --online


async def checked(session: BitrixSession) -> list[str]:
    """Return why copies are refused, once for each observation that tells of copies."""
    seen = await session.check()
    return [one.copies.refused for one in seen if isinstance(one, LinksObservation) and one.copies is not None]


async def test_a_check_reads_one_copy_where_bookings_have_some_and_tells_of_a_missing_scope(staffed: Bench) -> None:
    book(staffed, 2)
    assert [""] == await checked(opened(staffed))
    staffed.simulator.bitrix24.add_webhook(staffed.portal, code=CODE)
    (told,) = await checked(opened(staffed))
    assert "lacks the scope calendar" in told


async def test_a_check_asks_for_no_event_where_no_booking_has_a_copy(staffed: Bench) -> None:
    begin = staffed.now + HOUR
    staffed.world.add_booking(begin, begin + HOUR)
    assert [] == await checked(opened(staffed))
    assert (0, 1) == (staffed.commands(EVENT), staffed.commands(LINKS))


async def test_a_check_fails_where_the_portal_fails(staffed: Bench) -> None:
    book(staffed, 2)
    staffed.portal.costs[EVENT] = 61.0
    with pytest.raises(PollError):
        await checked(opened(staffed))
