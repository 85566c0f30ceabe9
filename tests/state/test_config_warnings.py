"""What polls show to be unwatched: it comes and goes with them, and what is accepted does not count."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
import structlog.testing
from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CalendarCopies
from exporter.errors import Reason
from exporter.model import BookingsObservation, CollectorName, ConnectionsObservation, Observation
from exporter.open_slots import SlotsObservation, SlotsPart
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy, WarningKind
from exporter.private_calendar import EventsObservation
from exporter.runtime.warning_log import log_warning_changes
from exporter.state.config_warnings import with_warnings
from exporter.state.snapshot import CollectorState, View
from tests.harness.views import NOW, connection, connections, failed, succeeded, target_of, unpolled, view_of

CONNECTIONS = unpolled("salon", "wix", CollectorName.CONNECTIONS)
BOOKINGS = unpolled("salon", "wix", CollectorName.BOOKINGS)
CHAIR = connection("chair-1", schedule="chair-1")


def view(state: CollectorState, policy: TargetPolicy | None = None, at: float = NOW) -> View:
    entry, states = target_of("salon", "wix", [state])
    return view_of((replace(entry, policy=policy or TargetPolicy()), states), at=at)


def kinds(shown: View, unwatched: Sequence[ConfigWarning] = ()) -> list[str]:
    return [warning.kind for warning in with_warnings(shown, unwatched).config_warnings]


def bookings(**fields: tuple[str, ...] | str) -> BookingsObservation:
    return replace(BookingsObservation(NOW - 30, ()), **fields)


def slots(**fields: Any) -> SlotsObservation:  # noqa: ANN401  fields of the observation
    return replace(SlotsObservation(NOW - 30, ()), **fields)


def links(copies: CalendarCopies | None) -> LinksObservation:
    return LinksObservation(NOW - 30, (), copies=copies)


KNOWN = TargetPolicy(connections={"chair-9": AcceptedReason("cut")}, bookings={"17": AcceptedReason("a couple")})


@pytest.mark.parametrize(
    ("observation", "policy", "expected"),
    [
        (connections(CHAIR), None, []),
        (replace(connections(CHAIR), unknown_schedules=("deadbeef",)), None, ["unknown_schedule"]),
        (replace(connections(CHAIR), unknown_aliases=("deadbeef",)), None, ["unknown_alias"]),
        (connections(), None, ["no_connections"]),
        (connections(CHAIR), KNOWN, ["unknown_accepted"]),
        (connections(connection("chair-9")), KNOWN, []),
        (connections(connection("20b29099ad18", schedule="chair-9")), KNOWN, []),
        (replace(connections(CHAIR), others=(connection("chair-9"),)), KNOWN, []),
        (EventsObservation(NOW - 30, (), unheard=("Anna", "deadbeef")), None, ["unknown_schedule"]),
        (EventsObservation(NOW - 30, ()), None, []),
        (bookings(), KNOWN, []),
        (bookings(unknown_resources=("12", "15")), None, ["unknown_resource"]),
        (bookings(unknown_accepted=("17",)), KNOWN, ["unknown_accepted"]),
        (bookings(unknown_accepted=("18",)), KNOWN, []),
        (bookings(marks_refused="HTTP 400"), None, ["check_refused"]),
        (slots(unknown_services=("Haircut",)), None, ["unknown_service"]),
        (slots(refused=dict.fromkeys(SlotsPart, "HTTP 403")), None, ["check_refused"] * 2),
        (slots(), None, []),
        (links(CalendarCopies(refused="no scope")), None, ["check_refused"]),
        (links(CalendarCopies()), None, []),
        (links(None), None, []),
    ],
)
def test_what_an_observation_does_not_know_of_the_configuration_is_a_warning(
    observation: Observation, policy: TargetPolicy | None, expected: list[str]
) -> None:
    state = CONNECTIONS if isinstance(observation, ConnectionsObservation) else BOOKINGS
    assert expected == kinds(view(succeeded(state, observation), policy))


def test_the_warning_says_how_many_and_which() -> None:
    observation = replace(connections(CHAIR), unknown_schedules=("deadbeef",))
    (warning,) = with_warnings(view(succeeded(CONNECTIONS, observation))).config_warnings
    assert "schedule_ids names 1 schedule that this site does not have or that has no calendar: deadbeef" == warning.message


def test_the_warning_of_heartbeats_names_the_schedules_that_have_no_calendar() -> None:
    observation = EventsObservation(NOW - 30, (), unheard=("Anna", "deadbeef"))
    (warning,) = with_warnings(view(succeeded(CONNECTIONS, observation))).config_warnings
    expected = "heartbeats names 2 schedules of which no calendar is imported: Anna, deadbeef"
    assert expected == warning.message


@pytest.mark.parametrize(
    ("part", "right"),
    [
        (SlotsPart.STAFF, "BOOKINGS.STAFF_MEMBER_READ"),
        (SlotsPart.EVENTS, "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS"),
    ],
)
def test_a_refused_part_of_the_slots_is_told_with_its_right_and_what_the_platform_said(part: SlotsPart, right: str) -> None:
    (warning,) = with_warnings(view(succeeded(BOOKINGS, slots(refused={part: "no (HTTP 403)"})))).config_warnings
    assert warning.message.endswith(": no (HTTP 403)")
    assert right in warning.fix


def test_a_partial_answer_proves_nothing_to_be_missing() -> None:
    state = failed(CONNECTIONS, Reason.SERVER_ERROR, "google failed", observation=connections())
    assert [] == kinds(view(state, KNOWN))


def test_a_poll_of_events_that_failed_in_part_proves_no_schedule_to_be_without_a_calendar() -> None:
    seen = EventsObservation(NOW - 30, (), unheard=("Anna",))
    assert [] == kinds(view(failed(CONNECTIONS, Reason.SERVER_ERROR, "google failed", observation=seen)))


def test_a_missing_right_is_a_warning_while_the_newest_poll_says_so() -> None:
    refused = failed(CONNECTIONS, Reason.PERMISSION, "no")
    assert ["missing_right"] == kinds(view(refused))
    assert [] == kinds(view(succeeded(refused, connections(CHAIR))))
    assert [] == kinds(view(failed(CONNECTIONS, Reason.AUTH, "no")))


@pytest.mark.parametrize(("sign_in", "said", "unsaid"), [("api_key", "API key", "In app mode"), ("app", "app", "API key")])
def test_a_missing_right_is_given_by_the_way_in_which_the_account_is_signed_in_to(sign_in: str, said: str, unsaid: str) -> None:
    refused = failed(CONNECTIONS, Reason.PERMISSION, "no")
    (warning,) = with_warnings(view(refused, TargetPolicy(sign_in=sign_in)), ()).config_warnings
    assert said in warning.fix
    assert unsaid not in warning.fix


def test_what_was_seen_goes_with_the_data() -> None:
    state = succeeded(CONNECTIONS, connections())
    assert ["no_connections"] == kinds(view(state))
    assert [] == kinds(view(state, at=NOW + 1000))


def test_what_is_accepted_is_no_warning_until_it_is_over() -> None:
    state = succeeded(CONNECTIONS, connections())
    policy = TargetPolicy(
        warnings={"no_connections": AcceptedReason("opens in March", NOW + 60), "conflicts_off": AcceptedReason("few")}
    )
    off = ConfigWarning(WarningKind.CONFLICTS_OFF, "salon", "off", "on")
    assert [] == kinds(view(state, policy, NOW + 59), [off])
    accepted = with_warnings(view(state, policy, NOW + 59), [off]).accepted_warnings
    assert ["conflicts_off", "no_connections"] == [warning.kind for warning in accepted]
    assert ["expired", "no_connections"] == kinds(view(state, policy, NOW + 60), [off])


def test_of_a_target_that_is_paused_nothing_is_told_not_even_that_an_acceptance_is_over() -> None:
    policy = TargetPolicy(paused=AcceptedReason(), connections={"a": AcceptedReason("cut", NOW)})
    assert [] == kinds(view(succeeded(CONNECTIONS, connections()), policy))


def test_a_warning_of_a_target_that_is_not_there_is_left_out_and_one_of_none_stays() -> None:
    elsewhere = [ConfigWarning(WarningKind.CONFLICTS_OFF, name, "off", "on") for name in ("salon", "another shard's", None)]
    assert 2 == len(with_warnings(view(BOOKINGS), elsewhere).config_warnings)


def test_an_acceptance_is_over_at_its_moment_and_not_before() -> None:
    policy = TargetPolicy(
        connections={"a": AcceptedReason("", NOW), "b": AcceptedReason()}, bookings={"17": AcceptedReason("", NOW + 1)}
    )
    assert policy is policy.at(NOW - 1)
    assert ("connection a",) == policy.at(NOW).expired
    later = policy.at(NOW + 1)
    assert (("connection a", "booking 17"), ["b"], []) == (later.expired, list(later.connections), list(later.bookings))


async def test_a_warning_is_logged_when_it_comes_and_when_it_goes_and_not_between() -> None:
    warning = ConfigWarning(WarningKind.NO_CONNECTIONS, "salon", "none", "connect")
    known: frozenset[ConfigWarning] = frozenset()
    with structlog.testing.capture_logs() as logged:
        for now in ({warning}, {warning}, set()):
            known = await log_warning_changes(known, frozenset(now))
    assert frozenset() == known
    assert ["config_warning", "config_warning_gone"] == [entry["event"] for entry in logged]
    assert {"no_connections"} == {entry["kind"] for entry in logged}


async def test_of_warnings_that_come_or_go_all_at_once_ten_are_logged_between_two_turns_of_the_loop() -> None:
    many = frozenset(ConfigWarning(WarningKind.EXPIRED, f"salon-{number}", "over", "remove it") for number in range(200))

    async def lines_of_each_turn(before: frozenset[ConfigWarning], now: frozenset[ConfigWarning]) -> list[int]:
        telling, turns = asyncio.ensure_future(log_warning_changes(before, now)), []
        while not telling.done():
            known = len(logged)
            await asyncio.sleep(0)
            turns.append(len(logged) - known)
        return turns

    with structlog.testing.capture_logs() as logged:
        coming = await lines_of_each_turn(frozenset(), many)
        going = await lines_of_each_turn(many, frozenset())
    assert (200, 200) == (sum(coming), sum(going))
    assert max(coming + going) <= 10
