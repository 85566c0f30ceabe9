"""Which bookings are tied to the CRM, exactly, at a fixed price (bitrix24.md 3 and 5)."""

from __future__ import annotations

import json
from math import ceil

import httpx
import pytest

from exporter.booking_links import LinksObservation
from exporter.errors import InvalidResponseError, OperatingLimitError, PollError, ServerError
from exporter.model import CollectorName
from exporter.platforms.bitrix24.links import LinksCollector
from exporter.simulator.bitrix24.world import Booking, Link, calendar_event, sku
from exporter.simulator.faults import Fault, FaultKind
from tests.harness.bitrix24_target import (
    HOUR,
    LINKS,
    LIST,
    NEXT_7D,
    WINDOWS,
    Bench,
    counts,
    poll_bookings,
    poll_links,
)

NONE_OF_THE_USUAL = {("crm", "deal"): 0, ("calendar", "event"): 0, ("catalog", "sku"): 0}


def coverage(observation: LinksObservation) -> dict[str, tuple[int, int]]:
    return {window.window.name: (window.linked, window.unlinked) for window in observation.windows}


def add(bench: Bench, hours: float, *deals: int) -> int:
    begin = bench.now + hours * HOUR
    return bench.world.add_booking(begin, begin + HOUR, links=tuple(Link(str(deal)) for deal in deals)).id


def truth(bench: Bench) -> tuple[int, int]:
    linked = tied_to("crm", inside(bench))
    return linked, len(inside(bench)) - linked


def inside(bench: Bench) -> list[Booking]:
    return [row for row in bench.world.bookings() if bench.now <= row.start < bench.now + 7 * 24 * HOUR]


def tied_to(module: str, rows: list[Booking]) -> int:
    return sum(module in {link.module for link in row.links} for row in rows)


async def test_the_official_example_is_one_linked_booking_with_two_deals(bench: Bench) -> None:
    add(bench, 1, 1, 2)
    add(bench, 2)
    observation = await poll_links(bench.open())
    assert {"next_7d": (1, 1)} == coverage(observation)
    assert observation.windows[0].by_entity == {**NONE_OF_THE_USUAL, ("crm", "deal"): 2}


@pytest.mark.slow
@pytest.mark.parametrize("rows", [0, 1, 49, 50, 51, 100, 700])
async def test_coverage_is_exact_and_adds_up_to_the_bookings(bench: Bench, rows: int) -> None:
    bench.world.fill(rows, bench.now, days=(0.01, 6.9))
    session = bench.open(windows=NEXT_7D)
    bookings, links = await poll_bookings(session), await poll_links(session)
    assert coverage(links) == {"next_7d": truth(bench)}
    assert tied_to("calendar", inside(bench)) == links.windows[0].calendar_linked
    assert sum(coverage(links)["next_7d"]) == counts(bookings)["next_7d"] == rows


@pytest.mark.parametrize(
    ("links", "linked", "in_calendar"),
    [
        ((), 0, 0),
        ((calendar_event(52),), 0, 1),
        ((sku(7),), 0, 0),
        ((calendar_event(52), sku(7)), 0, 1),
        ((calendar_event(52), calendar_event(53)), 0, 1),
        ((Link("1"), calendar_event(52), sku(7)), 1, 1),
        ((Link("1"), Link("2")), 1, 0),
        ((Link("1", "CONTACT"),), 1, 0),
        ((Link("1", "DYNAMIC_128"),), 1, 0),
        ((Link("1", "Deal", "CRM"), Link("52", "Event", "Calendar")), 1, 1),
        ((Link("1", "DEAL", "nasa"),), 0, 0),
    ],
)
async def test_only_an_item_of_the_crm_makes_a_booking_linked(
    bench: Bench, links: tuple[Link, ...], linked: int, in_calendar: int
) -> None:
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, links=links)
    window = (await poll_links(bench.open())).windows[0]
    assert (linked, 1 - linked, in_calendar) == (window.linked, window.unlinked, window.calendar_linked)


async def test_the_next_five_bookings_without_a_link_are_named_soonest_first(bench: Bench) -> None:
    add(bench, 30, 1)
    late = [add(bench, hours) for hours in (9, 8, 7, 6, 5, 4)]
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, links=(calendar_event(1), sku(1)))
    only_in_the_calendar = max(row.id for row in bench.world.bookings())
    observation = await poll_links(bench.open())
    assert [str(one) for one in (only_in_the_calendar, *late[:1:-1])] == [row.booking for row in observation.unlinked]
    assert [HOUR, 4 * HOUR] == [row.start - bench.now for row in observation.unlinked[:2]]
    bench.clock.now += 2 * HOUR
    for row in bench.world.bookings():
        bench.world.link(row.id, "7")
    bench.world.link(late[0])
    again = bench.open()
    assert [str(late[0])] == [row.booking for row in (await poll_links(again)).unlinked]


async def test_calendar_events_and_services_are_known_words(bench: Bench) -> None:
    links = (Link("1"), calendar_event(52), sku(7), sku(8))
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, links=links)
    observation = await poll_links(bench.open())
    known = {("crm", "deal"): 1, ("calendar", "event"): 1, ("catalog", "sku"): 2}
    assert (known, {}) == (observation.windows[0].by_entity, bench.events.unrecognized)


async def test_the_usual_kinds_fall_to_zero_instead_of_vanishing(bench: Bench) -> None:
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR)
    assert (await poll_links(bench.open())).windows[0].by_entity == NONE_OF_THE_USUAL


async def test_an_item_of_the_calendar_that_is_no_event_is_no_copy_of_the_booking(bench: Bench) -> None:
    begin = bench.now + HOUR
    bench.world.add_booking(begin, begin + HOUR, links=(Link("1", "SECTION", "calendar"),))
    bench.world.add_booking(begin, begin + HOUR, links=(Link("2", "EVENT", "calendar"),))
    assert 1 == (await poll_links(bench.open())).windows[0].calendar_linked


async def test_a_word_of_another_module_is_not_known_where_it_stands(bench: Bench) -> None:
    links = (Link("1", "EVENT", "crm"), Link("2", "DEAL", "calendar"))
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, links=links)
    observation = await poll_links(bench.open())
    assert observation.windows[0].by_entity == {**NONE_OF_THE_USUAL, ("crm", "other"): 1, ("calendar", "other"): 1}
    assert bench.events.unrecognized == {(CollectorName.LINKS, "entity_type"): 2}


async def test_each_window_has_its_own_coverage(bench: Bench) -> None:
    add(bench, 1, 1), add(bench, 30), add(bench, 31, 4)
    observation = await poll_links(bench.open(links={"windows": WINDOWS[2:]}))
    assert {"next_24h": (1, 0), "next_7d": (2, 1)} == coverage(observation)


async def test_bookings_that_cross_the_window_are_covered_when_bookings_are_counted_by_overlap(bench: Bench) -> None:
    add(bench, -0.5, 7)
    session = bench.open(windows=NEXT_7D, bookings={"count": "overlap"})
    assert {"next_7d": 1} == counts(await poll_bookings(session))
    assert {"next_7d": (1, 0)} == coverage(await poll_links(session))


@pytest.mark.slow
async def test_a_steady_portal_costs_the_configured_number_of_batches(bench: Bench) -> None:
    bench.world.fill(400, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 20, "verify_calls": 3})
    await poll_links(session)
    assert bench.calls("batch") - _list_batches(bench) == 400 / 20
    for _ in range(5):
        before, asked = bench.calls("batch"), bench.commands(LINKS)
        await poll_links(session)
        assert bench.calls("batch") - before == 3 + 1  # one for the further pages of the list
        assert 60 == bench.commands(LINKS) - asked


def _list_batches(bench: Bench) -> int:
    return sum(1 for call in bench.simulator.log if call.operation == "batch" and "p1" in str(call.params))


@pytest.mark.slow
async def test_every_change_is_seen_after_one_rotation(bench: Bench) -> None:
    bench.world.fill(100, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10, "verify_calls": 2})
    await poll_links(session)
    for booking in bench.world.bookings():
        if tied_to("crm", [booking]):
            bench.world.link(booking.id)
        else:
            bench.world.link(booking.id, 5)
    for _ in range(ceil(100 / 20)):
        observation = await poll_links(session)
    assert coverage(observation) == {"next_7d": truth(bench)}


async def test_a_new_booking_is_asked_about_at_once_and_takes_the_place_of_a_verification(bench: Bench) -> None:
    bench.world.fill(45, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10, "verify_calls": 1})
    await poll_links(session)
    add(bench, 1.25, 77)
    before = bench.commands(LINKS)
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert 10 == bench.commands(LINKS) - before


@pytest.mark.parametrize("style", ["number", "string"])
async def test_a_booking_deleted_after_the_list_was_read_is_gone_and_fails_nothing(bench: Bench, style: str) -> None:
    switches = bench.simulator.bitrix24.switches
    switches.numeric_codes = switches.numeric_codes_in_batch = "number" if style == "number" else "string"
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    session = bench.open()
    await poll_links(session)
    bench.portal.after_page += [lambda _: None, lambda world: world.delete_booking(world.bookings()[0].id)]
    assert 59 == sum(coverage(await poll_links(session))["next_7d"])


async def test_a_method_that_no_batch_may_run_is_called_directly_at_the_same_price(bench: Bench) -> None:
    bench.simulator.bitrix24.switches.batch_blocked = frozenset({LINKS.lower()})
    bench.world.fill(12, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"verify_calls": 3})
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert (1, 12) == (bench.calls("batch"), bench.calls(LINKS))
    await poll_links(session)
    assert (1, 15) == (bench.calls("batch"), bench.calls(LINKS))


async def test_words_that_we_do_not_know_become_other_and_are_counted(bench: Bench) -> None:
    begin = bench.now + HOUR
    strange = (Link("1", "SPACESHIP", "nasa"), Link("2", "DEAL"))
    bench.world.add_booking(begin, begin + HOUR, links=strange)
    observation = await poll_links(bench.open())
    assert observation.windows[0].by_entity == {**NONE_OF_THE_USUAL, ("other", "other"): 1, ("crm", "deal"): 1}
    assert bench.events.unrecognized == {(CollectorName.LINKS, "module"): 1, (CollectorName.LINKS, "entity_type"): 1}


async def test_an_interrupted_first_round_publishes_nothing_and_goes_on_where_it_stopped(bench: Bench) -> None:
    bench.world.fill(45, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10, "verify_calls": 1})
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="batch", status=403, after=3))
    with pytest.raises(PollError):
        await poll_links(session)
    assert 30 == bench.commands(LINKS)
    bench.simulator.faults.clear()
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert 45 == bench.commands(LINKS)


async def test_a_block_that_is_too_heavy_for_one_request_is_halved_until_it_passes(bench: Bench) -> None:
    bench.portal.costs[LINKS.lower()] = 4.0  # 25 of them pass the cap of 60 s and end as an HTML 504
    bench.portal.operating.limit = 1e9
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    session = bench.open()
    session._api.ledger._budget = 1e9
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert bench.events.codes("batch").count("504") >= 1


@pytest.mark.slow
@pytest.mark.parametrize("most", [1, 10, 49])
async def test_a_portal_that_refuses_long_batches_as_a_whole_gets_shorter_ones_now_and_in_the_polls_to_come(
    bench: Bench, most: int
) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    refused: list[int] = []

    async def instead(request: httpx.Request) -> httpx.Response | None:
        body = json.loads(request.content)
        if len(body.get("cmd", ())) <= most:
            return None
        refused.append(len(body["cmd"]))
        problem = {"error": "ERROR_BATCH_LENGTH_EXCEEDED", "error_description": "Max batch length exceeded"}
        return httpx.Response(400, content=json.dumps(problem))

    bench.http.instead = instead
    session = bench.open(links={"batch_size": 50})
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    first = len(refused)
    assert 1 <= first <= 8
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert len(refused) <= 8, "what was too long once is not tried again"


class Odd:
    """What a booking is tied to, in a shape that nobody knows."""

    def to_json(self) -> str:
        return "oops"


async def test_bookings_with_odd_links_are_unverified_and_counted_and_hide_no_other_booking(bench: Bench) -> None:
    bench.world.fill(38, bench.now, days=(0.1, 6.9))
    known = truth(bench)
    begin = bench.now + HOUR
    odd = [bench.world.add_booking(begin, begin + HOUR, links=(Odd(),)) for _ in range(2)]
    session = bench.open(links={"batch_size": 10})
    for polls in (1, 2):
        found = await poll_links(session)
        assert {"next_7d": known} == coverage(found)
        assert [(2, False)] == [(window.unverified, window.complete) for window in found.windows]
        assert 2 * polls == bench.events.malformed[CollectorName.LINKS]
    for booking in odd:
        bench.world.delete_booking(booking.id)
    found = await poll_links(session)
    assert coverage(found) == {"next_7d": truth(bench)}
    assert [(0, True)] == [(window.unverified, window.complete) for window in found.windows]


async def test_a_booking_whose_links_become_odd_keeps_what_was_known_of_it_until_that_is_too_old(bench: Bench) -> None:
    bench.world.fill(20, bench.now, days=(1, 6.9))
    known, first = truth(bench), bench.world.bookings()[0]
    session = bench.open(links={"interval": "60s", "max_age": "5m"})
    await poll_links(session)
    bench.world.edit_booking(first.id, links=(Odd(),))
    assert {"next_7d": known} == coverage(await poll_links(session))
    bench.clock.now += 301
    assert [1] == [window.unverified for window in (await poll_links(session)).windows]


@pytest.mark.slow
@pytest.mark.parametrize("were_known", [False, True])
async def test_however_many_bookings_have_odd_links_the_others_are_verified_in_their_turn(
    bench: Bench, were_known: bool
) -> None:
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    rows = bench.world.bookings()
    session = bench.open(links={"batch_size": 10, "verify_calls": 1, "interval": "60s", "max_age": "10m"})
    if were_known:
        await poll_links(session)
    for booking in rows[:20]:  # more than are asked about in a poll
        bench.world.edit_booking(booking.id, links=(Odd(),))
    for _ in range(20):
        bench.clock.now += 60
        found = await poll_links(session)
    assert [20] == [window.unverified for window in found.windows]
    linked = tied_to("crm", list(rows[20:]))
    assert {"next_7d": (linked, 40 - linked)} == coverage(found)


async def test_a_portal_that_has_nothing_but_odd_links_fails_the_poll(bench: Bench) -> None:
    begin = bench.now + HOUR
    bench.world.add_booking(begin, begin + HOUR, links=(Odd(),))
    with pytest.raises(InvalidResponseError):
        await poll_links(bench.open())


async def test_a_new_booking_with_odd_links_keeps_no_known_one_from_being_asked_about_again(bench: Bench) -> None:
    bench.world.fill(20, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10, "verify_calls": 1})
    await poll_links(session)
    bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR, links=(Odd(),))
    for polls in (1, 2, 3):
        await poll_links(session)
        assert 20 + 10 * polls == bench.commands(LINKS)


async def test_odd_bookings_alone_fail_the_poll_and_are_not_no_links(bench: Bench) -> None:
    bench.world.add_booking(bench.now + 2 * HOUR, bench.now + HOUR)
    with pytest.raises(InvalidResponseError, match="none can be read"):
        await poll_links(bench.open())


async def test_a_portal_that_fails_every_batch_ends_the_poll_soon(bench: Bench) -> None:
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    bench.simulator.faults.add(Fault(FaultKind.STATUS, operation="batch", status=504))
    with pytest.raises(ServerError):
        await poll_links(bench.open())
    assert 4 == bench.calls("batch")


async def test_the_operating_limit_inside_a_batch_ends_the_poll_and_keeps_what_was_learnt(bench: Bench) -> None:
    bench.portal.operating.limit = 3.0  # twenty questions
    bench.world.fill(45, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10})
    with pytest.raises(OperatingLimitError) as caught:
        await poll_links(session)
    assert caught.value.retry_after is not None
    assert caught.value.retry_after >= 60
    asked = bench.commands(LINKS)
    with pytest.raises(OperatingLimitError):
        await poll_links(session)
    assert bench.commands(LINKS) == asked  # paused: nobody hammers
    bench.portal.operating.limit = 480.0
    bench.clock.now += caught.value.retry_after
    assert coverage(await poll_links(session)) == {"next_7d": truth(bench)}
    assert bench.calls(LIST) >= 2


async def test_what_left_the_window_is_forgotten_and_asked_about_again_when_it_returns(bench: Bench) -> None:
    booking = add(bench, 5, 1)
    add(bench, 6, 2)
    session = bench.open(links={"batch_size": 1, "verify_calls": 1})
    assert {"next_7d": (2, 0)} == coverage(await poll_links(session))
    begin = int(bench.now + 5 * HOUR)
    bench.world.edit_booking(booking, start=begin + 1000 * HOUR, end=begin + 1001 * HOUR)
    assert {"next_7d": (1, 0)} == coverage(await poll_links(session))
    collector = session.collectors[CollectorName.LINKS]
    assert isinstance(collector, LinksCollector)
    assert 1 == len(collector._answers)
    bench.world.link(booking)
    bench.world.edit_booking(booking, start=begin, end=begin + HOUR)
    assert {"next_7d": (1, 1)} == coverage(await poll_links(session))
