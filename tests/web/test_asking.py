"""``POST /-/poll``: who is asked, what is said of it, and where a form of the board leads."""

from __future__ import annotations

from datetime import UTC, datetime

import msgspec
import pytest

from exporter.model import CollectorName
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.state.poll_requests import PollAnswer
from tests.harness import views
from tests.harness.views import BITRIX24, WIX
from tests.harness.web import ShownBackend, ask

HTML = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def backend(answer: PollAnswer = PollAnswer.NOW, seconds: float = 0.0) -> ShownBackend:
    shown = ShownBackend(views.healthy(), lifecycle=True)
    shown.answer, shown.seconds = answer, seconds
    return shown


def test_every_collector_of_the_target_is_asked_and_the_answer_says_so() -> None:
    shown = backend()
    answer = ask(shown, f"/-/poll?target={WIX}", "POST")
    assert (202, "text/plain; charset=utf-8") == (answer.status_code, answer.headers["content-type"])
    assert [f"{WIX} connections: asked now", f"{WIX} bookings: asked now"] == answer.text.splitlines()
    assert [(WIX, None)] == shown.polled


def test_target_and_collector_may_be_given_several_times() -> None:
    shown = backend()
    query = f"target={WIX}&target={BITRIX24}&target={WIX}&collector=bookings&collector=links"
    answer = ask(shown, f"/-/poll?{query}", "POST")
    assert [f"{WIX} bookings: asked now", f"{BITRIX24} bookings: asked now", f"{BITRIX24} links: asked now"] == (
        answer.text.splitlines()
    )
    assert [WIX, BITRIX24] == [target for target, _ in shown.polled]
    assert {frozenset({CollectorName.BOOKINGS, CollectorName.LINKS})} == {names for _, names in shown.polled}


def test_a_paused_target_is_told_to_be_paused_whichever_collector_is_asked_for() -> None:
    paused = views.target_of("salon", "wix", (), policy=TargetPolicy(paused=AcceptedReason()))
    shown = ShownBackend(views.view_of(paused), lifecycle=True)
    answer = ask(shown, "/-/poll?target=salon&collector=bookings", "POST")
    assert (200, "salon: paused in the configuration, not polled\n") == (answer.status_code, answer.text)
    assert [] == shown.polled


@pytest.mark.parametrize(
    ("answer", "seconds", "status", "said"),
    [
        (PollAnswer.NOW, 0.0, 202, "asked now"),
        (PollAnswer.POLLING, 0.0, 200, "polling already"),
        (PollAnswer.WAITS, 90.0, 202, "will be asked at {at} UTC: the platform asked us to wait until then"),
        (PollAnswer.TOO_SOON, 7.4, 200, "asked a moment ago; it can be asked for again in 8 s"),
    ],
)
def test_the_answer_says_what_happens(answer: PollAnswer, seconds: float, status: int, said: str) -> None:
    shown = backend(answer, seconds)
    at = f"{datetime.fromtimestamp(shown.shown.at + seconds, UTC):%H:%M:%S}"
    got = ask(shown, f"/-/poll?target={WIX}&collector=bookings", "POST")
    assert (status, f"{WIX} bookings: {said.format(at=at)}\n") == (got.status_code, got.text)


def test_a_paused_target_is_not_asked() -> None:
    shown = backend()
    policy = TargetPolicy(paused=AcceptedReason("renovation"))
    first, *rest = shown.shown.targets
    shown.shown = msgspec.structs.replace(shown.shown, targets=(msgspec.structs.replace(first, policy=policy), *rest))
    answer = ask(shown, f"/-/poll?target={first.name}", "POST")
    assert (200, f"{first.name}: paused in the configuration, not polled\n") == (answer.status_code, answer.text)
    assert [] == shown.polled


@pytest.mark.parametrize(
    ("query", "status", "said"),
    [
        ("", 400, "Give ?target=NAME"),
        ("?collector=bookings", 400, "Give ?target=NAME"),
        ("?" + "&".join(f"target=site-{number}" for number in range(26)), 404, "No such target"),
        ("?target=nobody", 404, "'nobody'"),
        (f"?target={WIX}&target=nobody", 404, "'nobody'"),
        ("?target=", 404, "''"),
        (f"?target={WIX}&collector=links", 404, "'links'"),
        (f"?target={WIX}&collector=everything", 404, "There are bookings, connections."),
    ],
)
@pytest.mark.parametrize("headers", [{}, HTML])
def test_what_there_is_not_is_refused_and_named(query: str, status: int, said: str, headers: dict[str, str]) -> None:
    shown = backend()
    answer = ask(shown, f"/-/poll{query}", "POST", headers)
    assert (status, []) == (answer.status_code, shown.polled)
    assert said in answer.text


def test_a_page_of_targets_may_be_asked_at_once_and_no_more() -> None:
    shown = ShownBackend(views.view_of(*(views.target_of(f"site-{number}", "wix", []) for number in range(26))), lifecycle=True)
    query = "&".join(f"target=site-{number}" for number in range(26))
    assert 400 == ask(shown, f"/-/poll?{query}", "POST").status_code
    assert [] == shown.polled
    assert 200 == ask(shown, f"/-/poll?{query.rpartition('&')[0]}", "POST").status_code
    assert 25 == len(shown.polled)


def test_who_waits_for_another_process_polls_nothing_and_says_so() -> None:
    shown = ShownBackend(msgspec.structs.replace(views.view_of(), standby=True), lifecycle=True)
    answer = ask(shown, f"/-/poll?target={WIX}", "POST")
    assert 503 == answer.status_code
    assert "standby" in answer.text


@pytest.mark.parametrize(
    ("query", "place"),
    [
        (f"target={WIX}", f"../#{WIX}/"),
        (f"target={WIX}&q=a+b&page=3", f"../?q=a+b&page=3#{WIX}/"),
        (f"target={WIX}&q=//evil.example/&page=%0d%0aX: y", f"../?q=%2F%2Fevil.example%2F&page=%0D%0AX%3A+y#{WIX}/"),
    ],
)
def test_a_form_leads_back_to_the_board_at_that_target_and_nowhere_else(query: str, place: str) -> None:
    answer = ask(backend(), f"/-/poll?{query}", "POST", HTML)
    assert (303, place) == (answer.status_code, answer.headers["location"])


def test_the_board_has_the_button_only_where_it_works() -> None:
    assert 'action="-/poll' not in ask(ShownBackend(views.healthy()), "/").text
    page = ask(backend(), f"/?q={WIX}").text
    assert f'action="-/poll?target={WIX}&amp;q={WIX}"' in page
