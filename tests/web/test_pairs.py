"""Pairs of bookings and calendars on the board, in the status API and in what a probe prints."""

from __future__ import annotations

import json
import re
from html import unescape
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.commands.probe_table import left_out
from exporter.model import CollectorName
from exporter.policy import TargetPolicy
from exporter.proof import Learning, Proof, SilentPair
from exporter.state.snapshot import View
from exporter.texts import texts_in
from exporter.web import status_page as board
from exporter.web.status_api import encode_status
from tests.harness import verdict_scenes, views

HOUR = 3_600.0


def shown(*pairs: Proof) -> View:
    view = verdict_scenes.paired(*pairs)
    target = replace(view.targets[0], policy=TargetPolicy(zone="Europe/Berlin"))
    return replace(view, targets=(target,))


def document(*pairs: Proof) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(encode_status(shown(*pairs)))
    return found


def section(*pairs: Proof) -> str:
    html = board.render(shown(*pairs)).decode().partition("<h3>Bookings in their owners' calendars</h3>")[2]
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", html.partition("<h3>")[0])).replace("\u00a0", " ").split())


def test_the_api_has_what_a_pair_says() -> None:
    [pair] = document(views.proof(missing=(HOUR,), shift=HOUR))["targets"][0]["pairs"]
    assert ("Anna", "Chair 1", "anna-cal", "broken", None) == tuple(
        pair[name] for name in ("pair", "resource", "calendar", "state", "learning")
    )
    assert {"window": "next_24h", "bookings": {"arrived": 40, "missing": 1, "pending": 1}} == pair["windows"][0]
    assert (3600.0, 180.0, 70) == (pair["shift_seconds"], pair["lag_seconds"], pair["arrived_in_all"])
    assert [
        {
            "booking": "900",
            "start": "2026-09-21T15:13:20Z",
            "end": "2026-09-21T15:43:20Z",
            "local_start": "2026-09-21T17:13:20+02:00",
            "since": "2026-09-21T12:13:20Z",
        }
    ] == pair["missing"]


def test_a_problem_names_the_bookings_that_are_missing_and_a_further_one_the_times_that_are_busy() -> None:
    missing, left = document(views.proof(missing=(HOUR,), left=(2 * HOUR,)))["problems"]
    assert ("booking_not_in_calendar", ["900"]) == (missing["kind"], [one["booking"] for one in missing["not_in_calendar"]])
    assert ("cancelled_in_calendar", ["2026-09-21T16:13:20Z"]) == (left["kind"], [one["start"] for one in left["busy_times"]])


def test_what_is_not_known_is_null() -> None:
    [pair] = document(replace(views.unlearnt(), windows=()))["targets"][0]["pairs"]
    assert (None, None, None, []) == tuple(pair[name] for name in ("shift_seconds", "lag_seconds", "imports", "windows"))


def test_without_pairs_nothing_is_said_of_them() -> None:
    assert [] == document()["targets"][0]["pairs"]
    assert "calendars" not in section()


@pytest.mark.parametrize(
    ("pair", "line"),
    [
        (replace(views.proof(imports=False), windows=()), "Anna: median 3 min"),
        (views.proof(imports=False), "Anna: 41 of 42 arrived, 1 too new to tell, median 3 min"),
        (views.proof(missing=(HOUR,), imports=False), "Anna: 40 of 42 arrived, 1 missing, 1 too new to tell, median 3 min"),
        (
            views.proof(missing=(25 * HOUR,) * 3, imports=False, shift=HOUR),
            "Anna: 38 of 42 arrived, 3 are there 1 h too late, 1 too new to tell, median 3 min",
        ),
        (
            views.proof(missing=(25 * HOUR,) * 3, imports=False, shift=-HOUR / 2),
            "Anna: 38 of 42 arrived, 3 are there 30 min too early, 1 too new to tell, median 3 min",
        ),
        (
            views.proof(left=(2 * HOUR, 3 * HOUR), imports=False),
            "Anna: 41 of 42 arrived, 1 too new to tell, 2 cancelled and still there, median 3 min",
        ),
        (views.proof(unknown=(HOUR,)), "3 of 4 busy times known to the platform"),
        (views.unlearnt(), "Ben: learning, no booking arrives as a busy time"),
        (views.unlearnt(Learning.MARKED_FREE), "Ben: learning, bookings arrive marked as free, which proves nothing"),
        (views.unlearnt(Learning.FEW_BOOKINGS), "Ben: learning, too few bookings were due"),
    ],
)
def test_the_board_has_a_line_for_each_pair(pair: Proof, line: str) -> None:
    assert line in section(pair)


def test_in_german_one_booking_is_missing_in_the_singular() -> None:
    html = (
        board.render(shown(views.proof(missing=(HOUR,), imports=False)), texts=texts_in("de")).decode().replace("\u00a0", " ")
    )
    assert "Anna: 40 von 42 angekommen, 1 nicht da, 1 noch zu neu, Median 3 Min." in html


def test_the_line_of_a_folded_target_has_its_one_pair_and_of_several_how_many_are_proved() -> None:
    def facts(*pairs: Proof) -> str:
        html = board.render(shown(*pairs)).decode()
        return html.partition('<span class="facts">')[2].partition("</span>")[0].replace("\u00a0", " ")

    assert "Anna: 41 of 42 arrived, 1 too new to tell, median 3 min" in facts(views.proof(imports=False))
    assert "1 of 2 pairs proved" in facts(views.proof(), views.unlearnt())


def test_the_board_lists_what_is_missing_left_and_unknown_with_its_time_and_since_when() -> None:
    text = section(views.proof(missing=(HOUR,), left=(2 * HOUR,), unknown=(3 * HOUR,)))
    for words in ("missing in the calendar 900 today 17:13", "cancelled and still in the calendar \N{EN DASH} today 18:13"):
        assert words in text
    assert "busy and unknown to the platform \N{EN DASH} today 19:13" in text


def silent_view(*proofs: Proof, lacking: tuple[str, ...] = ("anna-cal",)) -> View:
    return verdict_scenes.paired(*proofs, silent=[SilentPair("Anna", "Chair 1", "anna-cal", lacking)])


@pytest.mark.parametrize(
    ("language", "lacking", "line"),
    [
        ("en", ("anna-cal",), "Anna: not judged, no fresh data of anna-cal (Chair 1 → anna-cal)"),
        ("en", ("salon", "anna-cal"), "Anna: not judged, no fresh data of salon, anna-cal (Chair 1 → anna-cal)"),
        ("en", (), "Anna: not judged before the next poll (Chair 1 → anna-cal)"),
        ("de", ("anna-cal",), "Anna: nicht bewertet, keine frischen Daten von anna-cal (Chair 1 → anna-cal)"),
        ("ru", ("anna-cal",), "Anna: не оценивается, нет свежих данных: anna-cal (Chair 1 → anna-cal)"),
    ],
)
def test_the_board_says_of_a_pair_that_is_not_judged_which_end_has_no_fresh_data(
    language: str, lacking: tuple[str, ...], line: str
) -> None:
    html = board.render(silent_view(lacking=lacking), texts=texts_in(language)).decode()
    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", html)).replace("\u00a0", " ").split())
    assert line in words
    assert words.index("Anna: ") < words.index(line), "the line of the folded target has it, too"


def test_of_several_pairs_one_that_is_not_judged_counts_as_not_proved() -> None:
    html = board.render(silent_view(views.proof("Ben"))).decode()
    facts = html.partition('<span class="facts">')[2].partition("</span>")[0].replace("\u00a0", " ")
    assert "1 of 2 pairs proved" in facts


def test_the_api_has_a_pair_that_is_not_judged_apart_from_those_that_are() -> None:
    [target] = json.loads(encode_status(silent_view()))["targets"]
    expected = [{"pair": "Anna", "resource": "Chair 1", "calendar": "anna-cal", "lacking": ["anna-cal"]}]
    assert ([], expected) == (target["pairs"], target["silent_pairs"])


def test_of_a_pair_that_learns_no_booking_is_called_missing() -> None:
    learning = replace(views.unlearnt(), missing=views.proof(missing=(HOUR,)).missing)
    assert "missing in the calendar" not in section(learning)


def test_a_booking_that_is_there_at_another_time_is_not_listed_as_missing() -> None:
    text = section(views.proof(missing=(25 * HOUR,) * 3, shift=HOUR))
    assert (0, 3) == (text.count("missing in the calendar"), text.count("in the calendar at another time"))


@pytest.mark.parametrize(
    ("learning", "why", "fix"),
    [
        (Learning.NONE_ARRIVES, "no booking arrives as a busy time", "looks for one of the next bookings in the calendar"),
        (Learning.MARKED_FREE, "bookings arrive marked as free", "can write its bookings as busy"),
    ],
)
def test_the_board_lists_a_pair_that_proves_nothing_with_why_and_what_to_do(learning: Learning, why: str, fix: str) -> None:
    html = board.render(shown(views.unlearnt(learning))).decode()
    listed = unescape(html.partition('id="listed"')[2].partition('id="targets"')[0])
    assert (True, True) == (f"a pair proves nothing: {why}" in listed, fix in listed)


def test_the_board_says_what_a_pair_does_not_show() -> None:
    assert "not what stands there" in section(views.proof())


@pytest.mark.parametrize(
    ("language", "title", "fix"),
    [
        ("en", "missing in the owner", "The front desk tells the person"),
        ("de", "Im Kalender des Inhabers fehlen Termine", "Der Empfang sagt es der Person"),
        ("ru", "календаре владельца нет записей", "Администратор на ресепшене сообщает тому"),
    ],
)
def test_the_card_says_which_booking_is_missing_and_who_mends_it_in_each_language(language: str, title: str, fix: str) -> None:
    html = board.render(shown(views.proof(missing=(HOUR,))), texts=texts_in(language)).decode()
    card = html.partition("<article")[2].partition("</article>")[0]
    assert (True, True, True) == (title in card, fix in card, "<code>900</code>" in card)


def test_the_card_of_a_shift_says_by_how_many_minutes() -> None:
    html = board.render(shown(views.proof(missing=(25 * HOUR,) * 3, shift=HOUR))).decode()
    assert "at another time, 60 minutes too late" in html.partition("<article")[2].partition("</article>")[0]


def test_a_pair_that_proves_nothing_is_listed_with_its_fix_and_is_no_problem() -> None:
    found = document(views.unlearnt())
    assert ([], "healthy") == (found["problems"], found["verdict"])
    assert ["proof_never_learnt"] == [one["kind"] for one in found["listed"]]
    assert "operator names that one in the pair" in found["listed"][0]["fix"]


def test_a_probe_says_that_a_pair_needs_polls_of_hours() -> None:
    assert left_out().endswith("A pair needs polls of hours before it says anything.")


def test_how_long_an_owner_is_busy_is_said_in_hours_however_many_days_they_are() -> None:
    seen = views.calendar_busy()
    busy = replace(seen, windows=tuple(replace(row, seconds=26 * HOUR + 1_800) for row in seen.windows))
    html = board.render(verdict_scenes.view(views.succeeded(views.unpolled("anna-cal", "calendar", CollectorName.BUSY), busy)))
    words = " ".join(unescape(re.sub(r"<[^>]+>", " ", html.decode())).replace("\u00a0", " ").split())
    assert (3, 0) == (words.count("26 h 30 min"), words.count("1 d")), "the folded line and two windows"
