"""What a card, the status API and a probe tell beside the bare fact: which, where, when first, and how many more."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.calendar_copies import MismatchKind
from exporter.commands.probe_table import fixes, print_report
from exporter.connection_checks import CalendarProbe, ImportCalendars, ProbesAsked
from exporter.model import CollectorName, Connection, Window
from exporter.open_slots import ScheduleSlots
from exporter.platforms.advice import Advice
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy
from exporter.private_calendar import Cause, EventsObservation, ExternalConflict, WindowEvents
from exporter.state import advice, verdict
from exporter.state.snapshot import View
from exporter.state.verdict_row import Verdict
from exporter.web import status_page as board
from exporter.web.status_api import encode_status, status_of
from tests.harness import verdict_scenes as scenes
from tests.harness import views
from tests.harness.views import NOW

HOUR = 3600.0
REFUSED = scenes.SCENES[verdict.CHECK_REFUSED]
EVENTS = views.unpolled("salon", "wix", CollectorName.EVENTS)
FAILED = CalendarProbe(succeeded=False, at=NOW - 60, since=NOW - 60)


def document(view: View) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_status(view))
    return found


def page(view: View) -> str:
    return " ".join(board.render(view).decode().split())


def probed(capsys: pytest.CaptureFixture[str], view: View) -> str:
    print_report(status_of(view), Verdict.OK, 1.0)
    return capsys.readouterr().out


def overlapped(next_7d: dict[Cause, int], *causes: Cause) -> View:
    starts = ((NOW + (2 + at) * HOUR, cause) for at, cause in enumerate(causes))
    conflicts = tuple(
        ExternalConflict(str(at), f"Chair {at % 2}", start, start + HOUR, cause) for at, (start, cause) in enumerate(starts)
    )
    counts = {Cause.NOT_BLOCKED: 0, Cause.UNKNOWN: 0, Cause.BOOKED_OVER: 0}
    windows = tuple(
        WindowEvents(Window(name, NOW, NOW + 24 * HOUR), counts | found)
        for name, found in (("next_24h", {Cause.NOT_BLOCKED: 1}), ("next_7d", next_7d))
    )
    state = views.succeeded(EVENTS, EventsObservation(NOW - 30, windows, conflicts=conflicts))
    return views.view_of(views.target_of("salon", "wix", [state]))


def test_the_api_says_which_check_is_refused_and_what_to_do() -> None:
    (listed,) = document(REFUSED)["listed"]
    assert ("not counted", "Switch it off.") == (listed["message"], listed["fix"])


def test_the_board_says_which_check_is_refused_and_what_to_do() -> None:
    html = page(REFUSED).partition('id="listed"')[2]
    assert "not counted" in html
    assert "Switch it off." in html


def test_a_probe_says_which_check_is_refused_and_what_to_do(capsys: pytest.CaptureFixture[str]) -> None:
    assert "check_refused: a check is refused: not counted. Fix: Switch it off." in probed(capsys, REFUSED)


def test_a_warning_that_is_accepted_says_what_is_accepted_and_has_no_fix() -> None:
    policy = TargetPolicy(warnings={"check_refused": AcceptedReason("the owner wants it so")})
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), views.connections())
    view = views.view_of(views.target_of("salon", "wix", [state], policy=policy))
    warning = ConfigWarning("check_refused", "salon", "the staff is not read", "write staff: false")
    (listed,) = document(replace(view, accepted_warnings=(warning,)))["listed"]
    assert ("the staff is not read", None) == (listed["message"], listed["fix"])


@pytest.mark.parametrize(
    ("row", "meaning"),
    [
        (replace(views.connection("a"), probe=FAILED), advice.PROBE_FAILED),
        (replace(views.connection("a"), import_calendars=ImportCalendars(0, 1)), advice.CHOSEN_CALENDAR_GONE),
        (replace(views.connection("a"), import_calendars=ImportCalendars(0, 0)), advice.NO_CALENDAR_CHOSEN),
    ],
    ids=["probe", "gone", "none"],
)
def test_a_connection_whose_check_failed_says_what_that_means_and_who_mends_it(row: Connection, meaning: Advice) -> None:
    shown = document(scenes.connected(row, views.connection("b")))["targets"][0]["connections"]["connections"]
    assert [(True, meaning.meaning, meaning.fix), (False, "Both calendars agree.", "")] == [
        (one["broken"], one["meaning"], one["fix"]) for one in shown
    ]


@pytest.mark.parametrize(
    ("next_7d", "causes", "more"),
    [
        ({Cause.NOT_BLOCKED: 2}, [Cause.NOT_BLOCKED] * 2, [0, 0]),
        ({Cause.NOT_BLOCKED: 40, Cause.UNKNOWN: 30}, [Cause.NOT_BLOCKED, Cause.UNKNOWN], [0, 68]),
        ({Cause.NOT_BLOCKED: 1, Cause.BOOKED_OVER: 9}, [Cause.NOT_BLOCKED, Cause.BOOKED_OVER], [0, 8]),
    ],
)
def test_the_bookings_that_a_card_leaves_out_are_counted_once(
    next_7d: dict[Cause, int], causes: Iterable[Cause], more: list[int]
) -> None:
    assert more == [problem["more"] for problem in document(overlapped(next_7d, *causes))["problems"]]


def test_the_board_and_a_probe_say_how_many_overlapped_bookings_they_leave_out() -> None:
    view = overlapped({Cause.NOT_BLOCKED: 40, Cause.UNKNOWN: 30}, Cause.NOT_BLOCKED, Cause.UNKNOWN)
    assert "and 68 more" in page(view)
    assert "and 68 more" in "\n".join(fixes(status_of(view)))
    assert " more" not in page(overlapped({Cause.NOT_BLOCKED: 1}, Cause.NOT_BLOCKED)).partition('id="broken"')[2][:1500]


def test_slots_over_private_events_say_when_the_first_of_them_begins() -> None:
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.SLOTS), views.wix_slots(3, 21))
    view = views.view_of(views.target_of("salon", "wix", [state], policy=TargetPolicy(zone="Europe/Berlin")))
    (problem,) = document(view)["problems"]
    assert "2026-09-21T17:13:20Z" == problem["first"]
    assert "the first: " in page(view)
    assert "salon Chair 2: the first: today 19:13 (17:13 UTC)" in "\n".join(fixes(status_of(view)))


def test_each_schedule_has_its_own_first_slot_on_the_card_the_soonest_above() -> None:
    rows = (ScheduleSlots("Chair 1", 3, NOW + 5 * HOUR), ScheduleSlots("Chair 2", 3, NOW + 2 * HOUR))
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.SLOTS), replace(views.wix_slots(), schedules=rows))
    html = page(views.view_of(views.target_of("salon", "wix", [state])))
    moments = re.findall(r"the first: <time[^>]*>today (\d\d:\d\d)", html)
    assert ["16:13", "19:13"] == moments


def test_a_booking_that_differs_from_its_copy_says_whom_to_ask() -> None:
    seen = views.mismatched((HOUR, MismatchKind.MOVED))
    assert seen.copies is not None
    rows = tuple(replace(row, resources=("24", "25")) for row in seen.copies.mismatched)
    state = views.succeeded(
        views.unpolled("salon", "bitrix24", CollectorName.LINKS), replace(seen, copies=replace(seen.copies, mismatched=rows))
    )
    policy = TargetPolicy(resource_aliases={"24": "Chair 1"})
    view = views.view_of(views.target_of("salon", "bitrix24", [state], policy=policy))
    (problem,) = document(view)["problems"]
    assert [["Chair 1", "25"]] == [row["resources"] for row in problem["mismatched"]]
    assert "Chair 1, 25" in page(view).partition('id="broken"')[2]
    assert "booking 812 (moved, Chair 1, 25)" in "\n".join(fixes(status_of(view)))


def test_how_many_connections_cannot_be_probed_is_told() -> None:
    seen = replace(views.connections(views.connection("a"), views.connection("b")), probes=ProbesAsked(2, 2, 1))
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), seen)
    view = views.view_of(views.target_of("salon", "wix", [state]))
    probes = document(view)["targets"][0]["connections"]["probes"]
    assert {"asked": 2, "connections": 2, "cannot_be_probed": 1} == probes
    assert "2 of 2 connections asked, 1 cannot be probed" in page(view)


def test_one_booking_under_an_event_that_was_put_there_later_is_told_beside_ten_worse_ones() -> None:
    view = overlapped({Cause.NOT_BLOCKED: 10, Cause.BOOKED_OVER: 5}, *[Cause.NOT_BLOCKED] * 9, Cause.BOOKED_OVER)
    assert {"external_conflict", "booked_over"} <= {problem["kind"] for problem in document(view)["problems"]}
