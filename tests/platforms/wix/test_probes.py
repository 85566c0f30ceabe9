"""Live probes of the connections: Wix lists the calendars of an account, or can not (docs/platforms/wix.md 4.1)."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from exporter.connection_checks import ImportCalendars, ProbesAsked
from exporter.errors import RateLimitedError
from exporter.model import CollectorName, ConnectionsObservation
from exporter.platforms.wix.settings import WixCollectors, WixConnections
from exporter.simulator import FaultKind, canary
from exporter.simulator.wix import APP_PROVIDER, APPLE, GOOGLE, MICROSOFT
from exporter.simulator.wix.connections import ACCOUNT_CALENDARS, import_from
from exporter.simulator.wix.providers import Provider
from tests.harness.wix_site import WixBench, key_of

LIST = "ListCalendars"
HOUR = 3600.0
WORK = ACCOUNT_CALENDARS[1]


def target(bench: WixBench, **settings: Any) -> Any:  # noqa: ANN401  fields of the settings
    connections = WixConnections(**{"interval": 60.0, "max_age": 300.0, **settings})
    return bench.target(collectors=WixCollectors(connections=connections))


async def first_probes(bench: WixBench) -> ConnectionsObservation:
    """Poll once a minute until the time has passed in which all are probed for the first time; return the last."""
    for _ in range(10):
        await bench.observe()
    return await bench.observe()


def choose(bench: WixBench, made: str, *calendars: str) -> None:
    config = {"listEventFromCalendars": import_from(*calendars), "syncToCalendar": {"enabled": True}}
    bench.site.connections.amend(made, syncConfig=config)


async def test_a_connection_whose_calendars_can_be_listed_passes_its_probe(bench: WixBench) -> None:
    bench.connect(APPLE, status="SYNCED")
    (connection,) = (await first_probes(bench)).connections
    assert connection.probe is not None
    assert (True, False) == (connection.probe.succeeded, connection.probe.since_known)


async def test_a_dead_token_fails_the_probe_while_the_status_says_synced(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="SYNCED")
    bench.site.connections.kill_token(made)
    (connection,) = (await first_probes(bench)).connections
    assert connection.probe is not None
    assert ("synced", False) == (connection.status, connection.probe.succeeded)


async def test_a_dead_token_is_found_as_soon_as_the_configured_time_between_two_checks_lets_it(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="SYNCED")
    bench.open(target(bench, check_interval=300.0))
    await first_probes(bench)
    bench.site.connections.kill_token(made)
    bench.clock.now += 350
    (connection,) = (await bench.observe()).connections
    assert connection.probe is not None
    assert not connection.probe.succeeded


async def test_a_probe_counts_for_three_times_as_long_as_lies_between_two(bench: WixBench) -> None:
    bench.connect(APPLE, status="SYNCED")
    bench.open(target(bench, check_interval=300.0))
    await first_probes(bench)
    bench.spoil(FaultKind.STATUS, LIST, status=500)
    seen = []
    for seconds in (400, 600):
        bench.clock.now += seconds
        (connection,) = (await bench.observe()).connections
        seen.append(connection.probe is not None)
    assert [True, False] == seen


async def test_a_probe_counts_longer_where_it_takes_long_until_all_had_their_turn(bench: WixBench) -> None:
    for _ in range(100):
        bench.connect(APPLE, status="SYNCED")
    bench.open(target(bench, check_interval=300.0))
    for _ in range(60):
        await bench.observe()
    known = [sum(row.probe is not None for row in (await bench.observe()).connections) for _ in range(60)]
    assert [100] * 60 == known


async def test_a_failed_probe_is_as_old_as_the_first_that_failed_and_ends_with_the_next_that_works(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="SYNCED")
    await first_probes(bench)
    bench.site.connections.kill_token(made)
    seen = []
    for _ in range(4):
        bench.clock.now += 70 * 60
        (connection,) = (await bench.observe()).connections
        seen.append(connection.probe)
    began = seen[0].at if seen[0] else 0.0
    assert [(False, began, True)] * 4 == [(probe.succeeded, probe.since, probe.since_known) for probe in seen if probe]
    bench.site.connections.recover(made)
    bench.clock.now += 70 * 60
    (connection,) = (await bench.observe()).connections
    assert connection.probe is not None
    assert (True, True) == (connection.probe.succeeded, connection.probe.since == connection.probe.at)


async def test_a_failed_probe_is_tried_again_after_ten_minutes_and_one_that_works_after_an_hour(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="SYNCED")
    bench.site.connections.kill_token(made)
    await first_probes(bench)
    before = bench.calls(LIST)
    for _ in range(60):
        await bench.observe()
    assert before + 6 == bench.calls(LIST)
    bench.site.connections.recover(made)
    seen = [await bench.only() for _ in range(10)]
    assert {"synced"} == {row.status for row in seen}
    assert seen[-1].probe is not None
    assert seen[-1].probe.succeeded
    before = bench.calls(LIST)
    for _ in range(50):
        await bench.observe()
    assert before == bench.calls(LIST)


async def test_a_failed_probe_that_has_no_answer_next_is_tried_again_after_ten_minutes_as_well(bench: WixBench) -> None:
    bench.site.connections.kill_token(bench.connect(APPLE, status="SYNCED"))
    await first_probes(bench)
    before = bench.calls(LIST)
    bench.spoil(FaultKind.STATUS, LIST, status=500)
    for _ in range(30):
        row = await bench.only()
        assert row.probe is not None
        assert not row.probe.succeeded
    assert before + 3 == bench.calls(LIST)


async def test_many_that_failed_take_no_other_its_turn(bench: WixBench) -> None:
    made = [bench.connect(APPLE, status="SYNCED") for _ in range(40)]
    for each in made[:30]:
        bench.site.connections.kill_token(each)
    bench.open(target(bench, staff=False, max_age=3600.0))
    for number in range(60):
        before = bench.calls(LIST)
        bench.clock.now += 540
        seen = await bench.observe()
        assert before + 5 >= bench.calls(LIST)
        if number >= 8:  # since then each had a turn
            assert 90 * 60 >= max(seen.at - row.probe.at if row.probe else 1e9 for row in seen.connections)


async def test_a_connection_that_was_in_error_is_probed_anew_as_soon_as_it_works_again(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="ERROR")
    bench.site.connections.kill_token(made)
    (connection,) = (await first_probes(bench)).connections
    assert connection.probe is not None
    assert ("error", False, 1) == (connection.status, connection.probe.succeeded, bench.calls(LIST))
    bench.site.connections.recover(made)
    seen = [await bench.only() for _ in range(3)]
    assert [("synced", True)] * 3 == [(row.status, row.probe and row.probe.succeeded) for row in seen]
    assert 2 == bench.calls(LIST)


async def test_a_connection_that_works_again_and_gives_no_answer_is_not_asked_in_each_poll(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="ERROR")
    bench.site.connections.kill_token(made)
    await first_probes(bench)
    bench.site.connections.recover(made)
    bench.answer_with(LIST, "[]")
    assert [None] * 3 == [(await bench.only()).probe for _ in range(3)]
    assert 2 == bench.calls(LIST)


async def test_each_connection_is_probed_within_ten_minutes_and_then_at_most_once_an_hour(bench: WixBench) -> None:
    for _ in range(8):
        bench.connect(APPLE)
    for _ in range(11):
        await bench.observe()
    assert 8 == bench.calls(LIST)
    for _ in range(49):  # an hour since the first one
        await bench.observe()
    assert 8 == bench.calls(LIST)
    for _ in range(22):
        await bench.observe()
    assert 16 == bench.calls(LIST)


async def test_a_connection_is_awaited_until_it_was_asked_about_and_those_that_were_are_counted(bench: WixBench) -> None:
    for provider in (APPLE, APPLE, APPLE, GOOGLE):
        bench.connect(provider)
    bench.connect(APPLE, status="DISCONNECTED")
    seen = [await bench.observe() for _ in range(11)]
    awaited = [sum(row.probe_awaited for row in one.connections) for one in seen]
    told = [one.probes for one in seen if one.probes is not None]
    assert [(4 - number, 4) for number in awaited] == [(probes.asked, probes.connections) for probes in told]
    assert 4 >= awaited[0] > awaited[-1] == 0


async def test_a_connection_whose_provider_lists_no_calendars_cannot_be_probed(bench: WixBench) -> None:
    for provider in (APPLE, GOOGLE, GOOGLE):
        bench.connect(provider)
    assert ProbesAsked(3, 3, 2) == (await first_probes(bench)).probes


async def test_a_probe_that_is_refused_or_has_no_answer_was_asked_for(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.spoil(FaultKind.STATUS, LIST, status=403, times=1)
    assert ProbesAsked(1, 1, 1) == (await first_probes(bench)).probes
    bench.spoil(FaultKind.STATUS, LIST, status=500)
    bench.open()
    assert ProbesAsked(1, 1) == (await first_probes(bench)).probes


async def test_a_poll_makes_five_probes_at_most_and_the_longest_due_first(bench: WixBench) -> None:
    made = [bench.connect(APPLE) for _ in range(12)]
    bench.open(target(bench, staff=False))
    await bench.observe()
    before = bench.calls(LIST)
    bench.clock.now += 700
    found = []
    for _ in range(3):
        seen = await bench.observe()
        found.append(sum(connection.probe is not None for connection in seen.connections))
    assert [before + 5, before + 10, len(made)] == found


async def test_a_command_that_polls_once_probes_at_once(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.open(asks_once=True)
    (connection,) = (await bench.observe()).connections
    assert connection.probe is not None


async def test_a_check_of_the_credential_makes_one_probe(bench: WixBench) -> None:
    for _ in range(3):
        bench.connect(APPLE)
    await bench.open(asks_once=True).check()
    assert 1 == bench.calls(LIST)


@pytest.mark.parametrize("provider", [GOOGLE, APP_PROVIDER])
async def test_a_provider_whose_calendars_cannot_be_listed_is_no_failure_and_is_asked_once_a_day(
    bench: WixBench, provider: Provider
) -> None:
    bench.connect(provider)
    (connection,) = (await first_probes(bench)).connections
    assert (None, "") == (connection.probe, (await bench.observe()).probe_refused)
    for _ in range(23):
        bench.clock.now += HOUR
        await bench.observe()
    assert 1 == bench.calls(LIST)
    bench.clock.now += 2 * HOUR
    await bench.observe()
    assert 2 == bench.calls(LIST)


async def test_a_disconnected_connection_is_not_probed(bench: WixBench) -> None:
    bench.connect(APPLE, status="DISCONNECTED")
    await first_probes(bench)
    assert 0 == bench.calls(LIST)


async def test_without_probe_none_is_made(bench: WixBench) -> None:
    bench.connect(APPLE)
    session = bench.open(target(bench, probe=False))
    seen = await first_probes(bench)
    assert (0, False) == (bench.calls(LIST), "list_calendars" in session.expected.operations)
    assert (None, False) == (seen.probes, seen.connections[0].probe_awaited)


async def test_a_right_that_is_missing_costs_the_probes_alone_and_is_told(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.spoil(FaultKind.STATUS, LIST, status=403)
    seen = await first_probes(bench)
    (connection,) = seen.connections
    assert (None, None) == (connection.probe, connection.import_calendars)
    assert "HTTP 403" in seen.probe_refused


def unknown_connection(bench: WixBench, body: str) -> None:
    """Let the service itself answer that it does not know the connection."""

    async def responded_by(response: httpx.Response) -> None:
        response.headers["x-wix-responded-by"] = "service/method"

    bench.http.on_response = responded_by
    bench.answer_with(LIST, body, status=404)


@pytest.mark.parametrize("body", ["{}", '{"details": {"applicationError": {"code": "CONNECTION_NOT_FOUND"}}}'])
@pytest.mark.parametrize("before", [True, False])
async def test_a_connection_that_went_since_it_was_listed_has_no_verdict_and_is_no_refusal(
    bench: WixBench, before: bool, body: str
) -> None:
    bench.connect(APPLE)
    if before:
        await first_probes(bench)
        bench.clock.now += 50 * 60
    unknown_connection(bench, body)
    seen = await first_probes(bench)
    seen = await first_probes(bench)
    assert (None, None, "") == (seen.connections[0].probe, seen.connections[0].import_calendars, seen.probe_refused)


@pytest.mark.parametrize(
    ("status", "body", "told"),
    [
        (404, "<html>404</html>", "there is no list_calendars at this address (HTTP 404 without a reason); check base_url"),
        (
            428,
            '{"details": {"applicationError": {"code": "QUITE_NEW"}}}',
            "Wix refuses list_calendars with a code that is not known (HTTP 428, QUITE_NEW)",
        ),
        (
            428,
            '{"details": {"applicationError": {"code": "jane@mail.example said"}}}',
            "Wix refuses list_calendars with a code that is not known (HTTP 428, …)",
        ),
        (428, "{}", "the site lacks what list_calendars needs (HTTP 428 without a reason); is Wix Bookings installed?"),
        (
            428,
            '{"details": {"applicationError": {"code": "WIX_BOOKINGS_APP_NOT_INSTALLED"}}}',
            "the site lacks what list_calendars needs (HTTP 428, WIX_BOOKINGS_APP_NOT_INSTALLED); is Wix Bookings installed?",
        ),
    ],
)
async def test_a_refusal_of_probes_is_told_for_what_it_is(bench: WixBench, status: int, body: str, told: str) -> None:
    bench.connect(APPLE)
    bench.answer_with(LIST, body, status=status)
    assert (await first_probes(bench)).probe_refused.startswith(told)


async def test_a_refusal_ends_when_wix_lets_it_be_asked(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.spoil(FaultKind.STATUS, LIST, status=403, times=1)
    assert (await first_probes(bench)).probe_refused
    bench.clock.now += 70 * 60
    seen = await bench.observe()
    assert ("", True) == (seen.probe_refused, seen.connections[0].probe is not None)


async def test_connections_of_other_users_that_are_refused_are_not_known_and_no_missing_right(bench: WixBench) -> None:
    own = bench.connect(APPLE, userId=bench.key.user_id)
    bench.connect(APPLE)
    bench.switches.foreign_calendars = "refused"
    seen = await first_probes(bench)
    known = {connection.key: connection.probe is not None for connection in seen.connections}
    assert {key_of(own)} == {key for key, probed in known.items() if probed}
    assert "" == seen.probe_refused


@pytest.mark.parametrize(
    "fault",
    [
        {"kind": FaultKind.STATUS, "status": 500},
        {"kind": FaultKind.STATUS, "status": 429},
        {"kind": FaultKind.DROP},
        {"kind": FaultKind.BODY, "body": '{"calendars": "none"}', "content_type": "application/json"},
        {"kind": FaultKind.BODY, "body": "{}", "content_type": "application/json"},
        {"kind": FaultKind.BODY, "body": "<html>", "content_type": "text/html"},
    ],
    ids=lambda fault: f"{fault['kind'].value} {fault.get('status', '')}{fault.get('body', '')}",
)
async def test_a_probe_without_an_answer_says_nothing_of_the_connection_and_costs_the_poll_nothing(
    bench: WixBench, fault: dict[str, Any]
) -> None:
    bench.connect(APPLE)
    options = {**fault}
    bench.spoil(options.pop("kind"), LIST, **options)
    seen = await first_probes(bench)
    (connection,) = seen.connections
    assert (None, "") == (connection.probe, seen.probe_refused)
    assert 2 >= bench.calls(LIST) >= 1


async def test_a_probe_that_has_to_come_back_later_holds_the_other_probes_and_nothing_else(bench: WixBench) -> None:
    for _ in range(3):
        bench.connect(APPLE)
    bench.open(bench.target(bookings={}))
    await first_probes(bench)
    before = bench.calls(LIST)
    bench.spoil(FaultKind.STATUS, LIST, status=503, retry_after="7200")
    bench.clock.now += 70 * 60
    for minutes in (0, 118, 3):
        bench.clock.now += minutes * 60
        await bench.observe()
        await bench.count()
    assert before + 2 == bench.calls(LIST)


async def test_a_probe_that_is_throttled_holds_all_requests_to_the_site(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.spoil(FaultKind.STATUS, LIST, status=429, retry_after="3600")
    bench.open(asks_once=True)
    await bench.observe()
    assert isinstance(await bench.failure(), RateLimitedError)


async def test_what_a_probe_showed_stays_while_later_ones_have_no_answer_and_is_withdrawn_after_three_hours(
    bench: WixBench,
) -> None:
    bench.connect(APPLE)
    await first_probes(bench)
    bench.spoil(FaultKind.STATUS, LIST, status=500)
    known = []
    for _ in range(4):
        bench.clock.now += 55 * 60
        (connection,) = (await bench.observe()).connections
        known.append(connection.probe is not None)
    assert [True, True, True, False] == known


async def test_a_probe_that_hangs_is_given_up_and_the_others_of_the_poll_wait_for_the_next(bench: WixBench) -> None:
    for _ in range(5):
        bench.connect(APPLE)
    bench.open(bench.target(timeout=30.0))
    await bench.observe()
    made = len(bench.events.codes("list_calendars"))
    bench.spoil(FaultKind.SLOW_HEADERS, LIST, seconds=120.0)
    bench.clock.now += 700
    await bench.observe()
    assert ["none"] == bench.events.codes("list_calendars")[made:]


async def test_probes_leave_the_bookings_their_calls(bench: WixBench) -> None:
    for _ in range(12):
        bench.connect(APPLE)
    bench.open(bench.target(bookings={"conflicts": True}))
    left = []
    for _ in range(12):
        bench.clock.now -= 59  # polls that follow each other as fast as after a pause
        await bench.observe()
        left.append(bench.session.usage().budgets[0].remaining)
    assert 4 <= min(left)


async def test_a_command_that_polls_once_makes_all_probes_also_while_others_use_up_the_calls(bench: WixBench) -> None:
    for _ in range(7):
        bench.connect(APPLE)
    bench.open(bench.target(bookings={"conflicts": True}), asks_once=True)
    for _ in range(4):  # each takes three calls
        await bench.count()
        bench.clock.now -= 60
    seen = await bench.observe()
    assert ([True] * 7, 0) == ([row.probe is not None for row in seen.connections], seen.staff and seen.staff.protected)


async def test_a_site_that_never_has_calls_to_spare_is_probed_an_hour_late(bench: WixBench) -> None:
    bench.connect(APPLE)
    bench.open(bench.target(bookings={"conflicts": True}))
    probed = []
    for _ in range(4):
        for _ in range(5):
            await bench.count()
            bench.clock.now -= 60
        probed.append((await bench.only()).probe is not None)
        bench.clock.now += 35 * 60
    assert [False, False, True, True] == probed


async def test_chosen_calendars_are_present_or_missing_in_the_account(bench: WixBench) -> None:
    made = bench.connect(APPLE)
    choose(bench, made, *ACCOUNT_CALENDARS, "gone")
    bench.site.connections.delete_calendar(made, WORK)
    (connection,) = (await first_probes(bench)).connections
    assert ImportCalendars(present=1, missing=2) == connection.import_calendars


async def test_a_connection_that_imports_the_primary_calendar_has_no_chosen_ones(bench: WixBench) -> None:
    bench.connect(APPLE)
    (connection,) = (await first_probes(bench)).connections
    assert connection.import_calendars is None


@pytest.mark.parametrize("calendars", [{}, {"calendars": []}, {"calendars": None}])
async def test_an_import_without_a_calendar_is_seen_by_the_list_alone(bench: WixBench, calendars: object) -> None:
    made = bench.connect(GOOGLE)
    bench.site.connections.amend(made, syncConfig={"listEventFromCalendars": {"enabled": True, "calendars": calendars}})
    bench.open(target(bench, probe=False))
    assert ImportCalendars(0, 0) == (await bench.only()).import_calendars


async def test_of_a_connection_that_does_not_import_no_calendar_is_missing(bench: WixBench) -> None:
    made = bench.connect(APPLE)
    config = {"listEventFromCalendars": {**import_from("gone"), "enabled": False}}
    bench.site.connections.amend(made, syncConfig=config)
    (connection,) = (await first_probes(bench)).connections
    assert connection.import_calendars is None


async def test_a_calendar_that_is_chosen_between_two_probes_is_looked_for_at_once(bench: WixBench) -> None:
    made = bench.connect(APPLE)
    choose(bench, made, "old")
    seen = await first_probes(bench)
    assert ImportCalendars(0, 1) == seen.connections[0].import_calendars
    choose(bench, made, WORK)
    assert ImportCalendars(1, 0) == (await bench.only()).import_calendars


@pytest.mark.parametrize("calendars", ["all", {"calendars": "all"}, {"calendars": [1]}, [{"id": "x"}]])
async def test_a_choice_that_cannot_be_read_is_counted_and_costs_no_more_than_itself(
    bench: WixBench, calendars: object
) -> None:
    made = bench.connect(APPLE)
    bench.site.connections.amend(made, syncConfig={"listEventFromCalendars": {"enabled": True, "calendars": calendars}})
    connection = await bench.only()
    assert (True, None) == (connection.import_enabled, connection.import_calendars)
    assert 1 == bench.events.unrecognized[CollectorName.CONNECTIONS, "sync_config"]


async def test_more_chosen_calendars_than_the_cap_are_not_looked_for(bench: WixBench) -> None:
    made = bench.connect(APPLE)
    choose(bench, made, *map(str, range(201)))
    (connection,) = (await first_probes(bench)).connections
    assert connection.import_calendars is None
    choose(bench, made, *map(str, range(200)))
    assert ImportCalendars(0, 200) == (await bench.only()).import_calendars


async def test_more_calendars_of_an_account_than_the_cap_are_no_answer(bench: WixBench) -> None:
    bench.connect(APPLE)
    body = '{"calendars": [' + ",".join(f'{{"id": "{number}"}}' for number in range(1001)) + "]}"
    bench.answer_with(LIST, body)
    (connection,) = (await first_probes(bench)).connections
    assert connection.probe is None


def linked(bench: WixBench, account: str, *, schedule: str = "", status: str = "SYNCED", provider: Provider = APPLE) -> str:
    """Connect the calendar of an account to a schedule, a new one unless given; returns the schedule."""
    schedule = schedule or bench.site.add_schedule().id
    made = bench.site.connections.connect(provider, schedule, externalAccountEmail=account, status=status)
    assert made
    return schedule


async def test_two_schedules_on_one_account_share_it_whatever_the_letters(bench: WixBench) -> None:
    linked(bench, "Anna@mail.example")
    linked(bench, " anna@MAIL.example")
    linked(bench, "ben@mail.example")
    seen = await bench.observe()
    assert (2, [False, True, True]) == (seen.sharing_account, sorted(row.shares_account for row in seen.connections))


async def test_one_schedule_may_have_several_connections_of_an_account(bench: WixBench) -> None:
    schedule = linked(bench, "anna@mail.example")
    linked(bench, "anna@mail.example", schedule=schedule.upper())
    assert 0 == (await bench.observe()).sharing_account


async def test_the_same_address_at_another_provider_is_another_account(bench: WixBench) -> None:
    linked(bench, "anna@mail.example")
    linked(bench, "anna@mail.example", provider=MICROSOFT)
    assert 0 == (await bench.observe()).sharing_account


async def test_a_disconnected_connection_shares_nothing(bench: WixBench) -> None:
    linked(bench, "anna@mail.example")
    linked(bench, "anna@mail.example", status="DISCONNECTED")
    assert 0 == (await bench.observe()).sharing_account


async def test_where_no_account_is_known_nothing_is_said(bench: WixBench) -> None:
    bench.connect(APPLE, externalAccountEmail=None)
    seen = await bench.observe()
    assert (None, False) == (seen.sharing_account, seen.connections[0].shares_account)


async def test_no_address_and_no_id_of_an_account_leaves_the_decoder(bench: WixBench) -> None:
    made = bench.connect(APPLE, externalAccountEmail=canary.EMAIL)
    choose(bench, made, canary.EMAIL)
    seen = await first_probes(bench)
    assert ImportCalendars(1, 0) == seen.connections[0].import_calendars
    text = repr(seen)
    assert not [word for word in (*canary.CANARIES, made) if word in text]


async def test_a_failed_probe_of_a_connection_with_chosen_calendars_is_tried_again_six_times_an_hour(bench: WixBench) -> None:
    made = bench.connect(APPLE, status="SYNCED")
    choose(bench, made, ACCOUNT_CALENDARS[1])
    bench.site.connections.kill_token(made)
    await first_probes(bench)
    before = bench.calls(LIST)
    for _ in range(60):
        await bench.observe()
    assert 6 == bench.calls(LIST) - before
