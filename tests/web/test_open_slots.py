"""Bookable slots on the board, in the status API and in what a probe prints."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.commands.probe_line import numbers
from exporter.commands.probe_table import rows_of
from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.texts import texts_in
from exporter.web import status_page as board
from exporter.web.status_api import encode_status, status_of
from tests.harness import views

UNPOLLED = views.unpolled("salon", "wix", CollectorName.SLOTS)


def shown(seen: SlotsObservation | None = None) -> View:
    state = views.succeeded(UNPOLLED, seen or views.wix_slots(3, 21))
    return views.view_of(views.target_of("salon", "wix", [state], policy=TargetPolicy(zone="Europe/Berlin")))


def document(view: View) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_status(view))
    return found


def test_the_api_has_the_numbers_of_services_and_schedules() -> None:
    [target] = document(shown())["targets"]
    assert {
        "at": "2026-09-21T14:12:50Z",
        "services": [{"service": "Haircut", "open": 21, "first": "2026-09-21T16:13:20Z"}],
        "schedules": [
            {"schedule": "Chair 2", "over_busy": 3, "first": "2026-09-21T17:13:20Z"},
            {"schedule": "a1b2c3d4e5f6", "over_busy": 0, "first": None},
        ],
        "dropped_schedules": 0,
    } == target["slots"]


def test_a_service_of_which_nothing_is_known_is_null() -> None:
    seen = replace(views.wix_slots(), services=(ServiceSlots("Haircut", None),))
    assert [{"service": "Haircut", "open": None, "first": None}] == document(shown(seen))["targets"][0]["slots"]["services"]


def test_without_the_collector_there_is_nothing_of_it() -> None:
    assert document(views.healthy())["targets"][0]["slots"] is None
    assert "Bookable slots" not in board.render(views.healthy()).decode()


def test_before_the_first_poll_the_board_says_that_nothing_is_known() -> None:
    html = board.render(views.view_of(views.target_of("salon", "wix", [UNPOLLED]))).decode()
    assert "not polled yet" in html.partition("<h3>Bookable slots</h3>")[2]


@pytest.mark.parametrize(
    ("language", "title", "fix"),
    [
        ("en", "Slots are offered over private events", "the front desk blocks these times by hand"),
        ("de", "Zeiten werden über privaten Einträgen angeboten", "sperrt der Empfang sie von Hand"),
        ("ru", "Предлагается время, занятое личными событиями", "закрывает это время вручную"),
    ],
)
def test_the_card_says_what_is_wrong_and_who_mends_it_in_each_language(language: str, title: str, fix: str) -> None:
    html = board.render(shown(), texts=texts_in(language)).decode()
    assert title in html
    assert fix in html


def test_the_board_says_how_many_slots_lie_over_private_events_of_whom_and_from_when() -> None:
    html = board.render(shown()).decode().partition("<h3>Bookable slots</h3>")[2]
    row = html.partition("<tbody")[2].partition("</tbody>")[0]
    assert (True, True, True) == ("Chair 2" in row, ">3<" in row, "19:13" in row)
    assert "a1b2c3d4e5f6" not in row


def test_the_board_says_that_none_lies_over_a_private_event() -> None:
    assert "None of them is known to lie over a private event." in board.render(shown(views.wix_slots())).decode()


@pytest.mark.parametrize(("over", "number", "found"), [(3, 21, "Haircut 21, 3 over private events"), (0, 0, "Haircut 0")])
def test_a_probe_prints_the_slots_of_each_service_and_how_many_lie_over_private_events(
    over: int, number: int, found: str
) -> None:
    assert found in rows_of(status_of(shown(views.wix_slots(over, number))))[0]


def test_a_probe_of_slots_over_events_of_several_people_says_that_each_counts_for_every_person_it_names() -> None:
    several = (ScheduleSlots("Chair 1", 13, views.NOW), ScheduleSlots("Chair 2", 12, views.NOW))
    found = rows_of(status_of(shown(replace(views.wix_slots(), schedules=several))))[0]
    assert "Haircut 9, 25 over private events (each once for every person whom it names)" in found


def section(seen: SlotsObservation) -> str:
    html = board.render(shown(seen)).decode().partition("<h3>Bookable slots</h3>")[2].partition("<h3>")[0]
    return " ".join(re.sub("<[^>]+>", " ", html).split())


def test_the_board_tells_a_weekend_without_slots_from_a_week() -> None:
    closed, none = (ServiceSlots("Haircut", 0, views.NOW + 3 * 86_400), ServiceSlots("Haircut", 0))
    assert "Haircut 0 \N{EN DASH} the next: Thu 24 Sep 16:13" in section(replace(views.wix_slots(), services=(closed,)))
    assert "Haircut 0 None of them" in section(replace(views.wix_slots(), services=(none,)))


def test_the_board_says_when_nobody_knows_whether_slots_lie_over_private_events() -> None:
    assert "Whether any of them lies over a private event is not known." in section(replace(views.wix_slots(), schedules=()))


def test_a_probe_of_a_service_of_which_nothing_is_known_says_so() -> None:
    seen = replace(views.wix_slots(), services=(ServiceSlots("Haircut", None),))
    assert "Haircut unknown" in rows_of(status_of(shown(seen)))[0]


def test_a_probe_tells_a_monitoring_system_how_many_slots_lie_over_private_events() -> None:
    assert " slots_over_busy=3;;;0 " in numbers(status_of(shown()), 1.0)


def test_of_schedules_that_are_not_known_a_monitoring_system_is_told_no_number() -> None:
    assert "slots_over_busy" not in numbers(status_of(shown(replace(views.wix_slots(), schedules=()))), 1.0)
