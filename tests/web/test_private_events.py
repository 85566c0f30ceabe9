"""Private events on the board and in the status API: which booking, whose schedule, when and why, and nothing of the event."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from exporter.commands.probe_table import fixes
from exporter.model import CollectorName
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.texts import texts_in
from exporter.web import status_page as board
from exporter.web.status_api import encode_status, status_of
from tests.harness import views


def shown() -> View:
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.EVENTS), views.wix_events())
    policy = TargetPolicy(zone="Europe/Berlin")
    return views.view_of(views.target_of("salon", "wix", [state], policy=policy))


def document() -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_status(shown()))
    return found


def test_the_api_names_booking_schedule_start_and_cause_of_each_conflict() -> None:
    [target] = document()["targets"]
    assert [
        {
            "booking": "b-812",
            "schedule": "Chair 1",
            "start": "2026-09-21T15:43:20Z",
            "local_start": "2026-09-21T17:43:20+02:00",
            "cause": "not_blocked",
        },
        {
            "booking": "b-815",
            "schedule": "Chair 1",
            "start": "2026-09-23T21:46:40Z",
            "local_start": "2026-09-23T23:46:40+02:00",
            "cause": "booked_over",
        },
    ] == target["events"]["conflicts"]
    assert "2026-09-21T15:43:20Z" == target["events"]["next_conflict"]


def test_the_api_has_the_numbers_of_windows_imports_and_providers() -> None:
    events = document()["targets"][0]["events"]
    assert [
        ("next_24h", {"not_blocked": 1, "booked_over": 0, "unknown": 0}, 2),
        ("next_7d", {"not_blocked": 1, "booked_over": 1, "unknown": 0}, 7),
    ] == [(row["window"], row["conflicts"], row["export_echoes"]) for row in events["windows"]]
    assert [("Chair 1", 9, {}), ("9f86d081884c", 0, {"silent": "2026-09-20T13:13:20Z"})] == [
        (row["connection"], row["events"]["next_7d"], row["failing"]) for row in events["imports"]
    ]
    assert {"apple": True, "google": True} == events["providers"]
    beats = {"arrives": True, "written": "2026-09-21T13:00:00Z", "lag_seconds": 1260.0}
    assert [beats, None] == [row["heartbeat"] for row in events["imports"]]


def test_a_problem_has_the_bookings_of_its_schedule() -> None:
    problems = {row["kind"]: row for row in document()["problems"]}
    assert {"external_conflict", "booked_over", "import_silent"} == problems.keys()
    assert ("critical", "Chair 1", ["b-812"]) == (
        problems["external_conflict"]["severity"],
        problems["external_conflict"]["subject"],
        [row["booking"] for row in problems["external_conflict"]["overlapped"]],
    )
    assert [] == problems["import_silent"]["overlapped"]


def test_without_the_collector_there_is_nothing_of_it() -> None:
    [target] = json.loads(encode_status(views.view_of(views.target_of("salon", "wix", []))))["targets"]
    assert target["events"] is None
    assert "Private calendars" not in board.render(views.healthy()).decode()


@pytest.mark.parametrize(
    ("language", "title", "fix"),
    [
        ("en", "A private event does not block a booking", "The front desk asks this person which of the two stands"),
        ("de", "Ein privater Eintrag sperrt einen Termin nicht", "Der Empfang fragt diese Person, was von beidem gilt"),
        ("ru", "Личное событие не блокирует запись", "спрашивает этого человека, что из двух остаётся в силе"),
    ],
)
def test_the_card_says_when_which_booking_and_who_mends_it_in_each_language(language: str, title: str, fix: str) -> None:
    html = board.render(shown(), texts=texts_in(language)).decode()
    assert title in html
    assert fix in html
    assert "<code>b-812</code>" in html
    assert "17:43" in html


def test_the_board_lists_the_conflicts_and_the_events_of_each_connection() -> None:
    html = board.render(shown()).decode()
    section = html[html.index("Private calendars") :]
    assert "Bookings that a private event overlaps:" in section
    assert section.index("b-812") < section.index("b-815")
    assert "booked over" in section
    assert "Private events of the next 7 days: Chair 1: 9, " in re.sub(r"<[^>]+>", "", section)


def test_a_search_for_the_id_of_a_booking_finds_it() -> None:
    html = board.render(shown(), query="b-815").decode()
    assert "b-815" in html
    assert "lies over a booking" in html


def test_a_probe_prints_when_and_which_booking() -> None:
    lines = list(fixes(status_of(shown())))
    assert any("17:43" in line and "booking b-812" in line for line in lines)
