"""Since when something is said to be so: the moment at which it began, as far as somebody remembers it."""

from __future__ import annotations

import json
from typing import Any

import pytest
from msgspec.structs import replace

from exporter.model import BookingsObservation, CollectorName, ConnectionsObservation, Observation
from exporter.private_calendar import EventsObservation, ImportedEvents, ImportFault
from exporter.state import verdict
from exporter.state.findings import findings, problems
from exporter.state.snapshot import CollectorState, View
from exporter.state.verdict_row import VerdictRow
from exporter.web import status_page as board
from exporter.web.status_api import encode_status
from tests.harness import views
from tests.harness.verdict_scenes import SCENES
from tests.harness.views import NOW

ROWS = pytest.mark.parametrize("row", [row for row in verdict.TABLE if row in SCENES], ids=lambda row: row.kind)


def problems_told(view: View) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = json.loads(encode_status(view))["problems"]
    return found


def polled_again(view: View, seconds: float) -> View:
    """Return ``view`` as it is after another poll that showed the same, so many ``seconds`` later."""

    def seen(before: Observation | None) -> Observation | None:
        if isinstance(before, ConnectionsObservation):
            rows = tuple(replace(row, observed_at=row.observed_at + seconds) for row in before.connections)
            before = replace(before, connections=rows)
        return before and replace(before, at=before.at + seconds)

    def state(before: CollectorState) -> CollectorState:
        last_poll = None if before.last_poll is None else before.last_poll + seconds
        return replace(before, last_poll=last_poll, observation=seen(before.observation))

    targets = (replace(target, collectors=tuple(map(state, target.collectors))) for target in view.targets)
    return replace(view, targets=tuple(targets))


@ROWS
def test_since_when_something_is_so_does_not_move_with_each_poll(row: VerdictRow) -> None:
    told, told_later = (
        [(found.kind, found.subject, found.since) for found in findings(view)]
        for view in (SCENES[row], polled_again(SCENES[row], 20))
    )
    assert told == told_later


@ROWS
def test_what_nobody_dates_is_not_known_since_when(row: VerdictRow) -> None:
    assert [] == [one for one in problems_told(SCENES[row]) if one["since"] is None and one["since_known"]]


@pytest.mark.parametrize("seen", [views.wix_slots(0, 0), views.wix_slots(3, 21)], ids=["none", "over"])
def test_the_card_of_what_nobody_dates_says_no_since(seen: Observation) -> None:
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.SLOTS), seen)
    html = board.render(views.view_of(views.target_of("salon", "wix", [state]))).decode()
    assert "since" not in html.partition('id="broken"')[2].partition("</article>")[0].replace('class="since"', "")


def test_a_heartbeat_that_is_missing_may_have_been_missing_before_a_poll_told() -> None:
    imports = (ImportedEvents("Chair 1", "Chair 1", {}, faults={ImportFault.HEARTBEAT: NOW - 60}),)
    state = views.succeeded(views.unpolled("salon", "wix", CollectorName.EVENTS), EventsObservation(NOW - 60, (), imports))
    (problem,) = problems(views.view_of(views.target_of("salon", "wix", [state])))
    assert (NOW - 60, False) == (problem.since, problem.since_known)


def test_a_window_is_called_by_its_name_where_it_stands_first() -> None:
    target = views.unpolled("salon", "wix", CollectorName.BOOKINGS)
    marked = [
        views.target_of(
            name, "wix", [views.succeeded(target, BookingsObservation(NOW - 30, (), platform_conflicts={"next_24h": number}))]
        )
        for number, name in enumerate(("a", "b"), start=1)
    ]
    html = board.render(views.view_of(*marked)).decode()
    assert (True, False) == ("next_24h (1)" in html, "Next_24h" in html)
