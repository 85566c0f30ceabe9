"""``/api/v1/status``: what it says, and that it keeps to its published schema."""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import jsonschema
import msgspec
import pytest
from msgspec.structs import replace

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CalendarCopies, MismatchKind, WindowCopies
from exporter.errors import Reason
from exporter.model import ApiUsage, BookingsObservation, CollectorName, Conflict, Shard
from exporter.platforms.registry import PLATFORMS
from exporter.policy import TargetPolicy
from exporter.state.snapshot import View
from exporter.web.status_api import encode_status, schema_text
from exporter.web.status_types import Status
from tests.harness import views, worst
from tests.harness.views import BITRIX24, NOW, WIX
from tests.harness.web import ShownBackend, ask

PUBLISHED = Path(__file__).parents[2] / "docs" / "status.schema.json"


def document(view: View) -> dict[str, Any]:
    answer = ask(ShownBackend(view), "/api/v1/status")
    assert "application/json" == answer.headers["content-type"]
    read: dict[str, Any] = answer.json()
    return read


def by_name(rows: list[dict[str, Any]], name: str) -> dict[str, Any]:
    [row] = [row for row in rows if row["name"] == name]
    return row


def test_the_published_schema_is_the_one_in_force() -> None:
    assert PUBLISHED.read_text() == schema_text(PLATFORMS), "out of date: make generate"


def test_the_schema_is_the_same_text_on_every_python() -> None:
    """Python 3.13 takes the indentation of docstrings away, of which descriptions are made."""
    assert "\\n    " not in schema_text(PLATFORMS)


@pytest.mark.slow
@pytest.mark.parametrize("scene", views.SCENES.values(), ids=views.SCENES.keys())
def test_every_state_keeps_to_the_schema(scene: Callable[[], View]) -> None:
    schema = json.loads(PUBLISHED.read_text())
    jsonschema.Draft202012Validator.check_schema(schema)
    jsonschema.Draft202012Validator(schema, format_checker=jsonschema.FormatChecker()).validate(document(scene()))


@pytest.mark.slow
def test_no_targets_keep_to_the_schema() -> None:
    found = document(views.view_of())
    jsonschema.validate(found, json.loads(PUBLISHED.read_text()))
    assert [] == found["targets"]


@pytest.mark.slow
def test_a_shard_says_which_part_of_the_targets_it_shows_and_the_whole_says_none() -> None:
    whole = views.healthy()
    found = document(replace(whole, shard=Shard(1, 3)))
    jsonschema.validate(found, json.loads(PUBLISHED.read_text()))
    assert {"index": 1, "count": 3} == found["shard"]
    assert None is document(whole)["shard"]


@pytest.mark.slow
def test_the_schema_refuses_what_the_answer_never_is() -> None:
    found = document(views.healthy())
    del found["targets"][0]["state"]
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(found, json.loads(PUBLISHED.read_text()))


@pytest.mark.parametrize("scene", views.SCENES.values(), ids=views.SCENES.keys())
def test_the_text_reads_back_into_its_types(scene: Callable[[], View]) -> None:
    assert msgspec.json.decode(encode_status(scene()), type=Status).generated_at.tzinfo is not None


def test_moments_are_whole_seconds_in_utc() -> None:
    assert "2026-09-21T14:13:20Z" == document(views.healthy())["generated_at"]


def test_what_is_not_measured_is_null_and_what_is_none_is_zero() -> None:
    targets = document(views.healthy())["targets"]
    wix, portal = by_name(targets, WIX), by_name(targets, BITRIX24)
    assert wix["links"] is None
    assert portal["connections"] is None
    [_, empty] = wix["bookings"]["windows"]
    assert (0, None) == (empty["bookings"], empty["conflicting"])
    assert (False, None) == (wix["bookings"]["next_booking_measured"], wix["bookings"]["next_booking"])
    assert (True, "2026-09-21T14:43:20Z") == (portal["bookings"]["next_booking_measured"], portal["bookings"]["next_booking"])


def test_links_say_how_many_bookings_are_in_the_crm_and_how_many_in_a_calendar() -> None:
    [window] = by_name(document(views.healthy())["targets"], BITRIX24)["links"]["windows"]
    assert (4, 1, 3, 0) == (window["linked"], window["unlinked"], window["calendar_linked"], window["unverified"])
    assert {"module": "calendar", "entity_type": "event", "links": 3} in window["links"]


def test_links_say_which_bookings_differ_from_their_copies_and_how_many() -> None:
    seen = views.mismatched((3_600, MismatchKind.MOVED), unverified=2)
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), seen)
    policy = TargetPolicy(zone="Europe/Berlin")
    shown = document(views.view_of(views.target_of("b24", "bitrix24", [state], policy=policy)))
    links = by_name(shown["targets"], "b24")["links"]
    mismatches = {"missing": 0, "moved": 1, "declined": 0}
    assert [{"window": "next_7d", "compared": 9, "mismatches": mismatches, "unverified": 2}] == links["copies"]
    start, local_start = "2026-09-21T15:13:20Z", "2026-09-21T17:13:20+02:00"
    row = {"booking": "812", "kind": "moved", "start": start, "local_start": local_start, "resources": []}
    assert ([row], [row]) == (links["mismatched"], shown["problems"][0]["mismatched"])


def test_copies_of_which_nothing_is_known_are_null_and_never_zero() -> None:
    targets = document(views.with_old_link_answers())["targets"]
    assert (None, []) == tuple(by_name(targets, BITRIX24)["links"][field] for field in ("copies", "mismatched"))
    copies = CalendarCopies((WindowCopies("next_7d", (), unverified=2),))
    seen = LinksObservation(NOW - 30, (), copies=copies)
    state = views.succeeded(views.unpolled("b24", "bitrix24", CollectorName.LINKS), seen)
    (window,) = by_name(document(views.view_of(views.target_of("b24", "bitrix24", [state])))["targets"], "b24")["links"][
        "copies"
    ]
    assert (0, None, 2) == (window["compared"], window["mismatches"], window["unverified"])


def test_connections_say_how_many_of_them_were_probed_and_what_is_still_to_come() -> None:
    shown = by_name(document(views.awaiting())["targets"], "salon")["connections"]
    assert ({"asked": 1, "connections": 2, "cannot_be_probed": 0}, True) == (shown["probes"], shown["staff_awaited"])
    assert [True, False] == [row["probe_awaited"] for row in shown["connections"]]


def test_withdrawn_data_is_null_and_said_to_be_expired() -> None:
    wix = by_name(document(views.expired())["targets"], WIX)
    assert (None, None) == (wix["connections"], wix["bookings"])
    assert [(True, "expired", None)] * 2 == [
        (row["data_expired"], row["condition"], row["data_age_seconds"]) for row in wix["collectors"]
    ]


def test_a_failure_says_what_to_do() -> None:
    [collector, _] = by_name(document(views.failing())["targets"], WIX)["collectors"]
    failure = collector["failure"]
    assert ("auth", 401, 1) == (failure["reason"], failure["http_status"], failure["count"])
    assert "The account's owner makes a new API key" in failure["fix"]
    assert (30.0, "failing", False) == (collector["data_age_seconds"], collector["condition"], collector["up"])


def test_a_partial_failure_is_told_from_a_whole_one() -> None:
    [connections, bookings, *_] = by_name(document(views.partial_failure())["targets"], WIX)["collectors"]
    assert ("partial", "ok") == (connections["condition"], bookings["condition"])


def test_conflicts_name_both_bookings() -> None:
    found = document(views.healthy())
    [problem] = [row for row in found["problems"] if row["kind"] == "conflict"]
    expected = {
        "resource": "7",
        "resource_name": "Chair 1",
        "resource_alias": None,
        "first": "341",
        "second": "352",
        "start": "2026-09-21T15:13:20Z",
        "end": "2026-09-21T15:43:20Z",
        "local_start": "2026-09-21T15:13:20Z",
        "local_end": "2026-09-21T15:43:20Z",
        "overlap_minutes": 30,
        "accepted": None,
    }
    assert expected == problem["conflict"]
    assert [expected] == by_name(found["targets"], BITRIX24)["bookings"]["conflicts"]


def test_what_is_broken_is_named_as_the_people_of_the_place_name_it() -> None:
    conflict, connection = document(views.in_berlin())["problems"]
    assert ("salon-berlin", "Europe/Berlin", None) == (conflict["site"], conflict["zone"], conflict["calendar_type"])
    assert ("Window seat", "Chair 1", "7") == tuple(
        conflict["conflict"][name] for name in ("resource_alias", "resource_name", "resource")
    )
    assert ("2026-09-21T17:13:20+02:00", "2026-09-21T17:43:20+02:00", 30) == tuple(
        conflict["conflict"][name] for name in ("local_start", "local_end", "overlap_minutes")
    )
    assert ("60303ae22b99", "microsoft", "salon-berlin") == (
        connection["subject"],
        connection["calendar_type"],
        connection["site"],
    )


def test_a_target_says_in_which_zone_its_people_are_and_what_they_call_its_resources() -> None:
    portal = by_name(document(views.in_berlin())["targets"], BITRIX24)
    assert ("Europe/Berlin", {"7": "Window seat"}) == (portal["zone"], portal["resource_aliases"])


def test_a_minute_of_overlap_that_began_counts() -> None:
    seen = BookingsObservation(views.NOW - 30, (), conflicts=(Conflict("7", "1", "2", views.NOW + 10, views.NOW + 71),))
    state = views.succeeded(views.unpolled("a", "bitrix24", CollectorName.BOOKINGS), seen)
    [problem] = document(views.view_of(views.target_of("a", "bitrix24", [state])))["problems"]
    assert 2 == problem["conflict"]["overlap_minutes"]


def test_budgets_and_operating_time_are_shown() -> None:
    portal = by_name(document(views.healthy())["targets"], BITRIX24)
    assert {"budget": "operating", "limit": 240.0, "remaining": 228.25} in portal["budgets"]
    assert {"operation": "externaldata.list", "seconds": 0.5, "reset_at": None} in portal["operating"]


def test_a_target_is_as_bad_as_its_worst_problem() -> None:
    summary = document(views.healthy())["summary"]
    assert (1, 1, 0, 0) == tuple(summary[f"targets_{state}"] for state in ("critical", "warning", "waiting", "healthy"))
    assert (1, 1) == (summary["problems_critical"], summary["problems_warning"])


def test_before_the_first_poll_targets_wait() -> None:
    found = document(views.before_first_poll())
    assert (False, 4, {"waiting"}) == (found["ready"], len(found["missing"]), {row["state"] for row in found["targets"]})


def test_the_answer_is_narrowed_to_the_asked_targets() -> None:
    found = ask(ShownBackend(views.failing()), f"/api/v1/status?target={BITRIX24}").json()
    assert [BITRIX24] == [row["name"] for row in found["targets"]]
    assert {BITRIX24} == {row["target"] for row in found["problems"]}
    assert 1 == found["summary"]["targets"]


def test_a_failed_target_beside_a_good_one_leaves_it_alone() -> None:
    bad = views.failed(views.unpolled("bad", "wix", CollectorName.BOOKINGS), Reason.TLS, "expired")
    good = views.succeeded(views.unpolled("good", "wix", CollectorName.BOOKINGS), views.wix_bookings())
    usage = ApiUsage()
    found = document(views.view_of(*(views.target_of(state.target, "wix", [state], usage=usage) for state in (bad, good))))
    assert {"bad": "critical", "good": "healthy"} == {row["name"]: row["state"] for row in found["targets"]}


def test_a_standby_says_so_and_is_not_ready() -> None:
    for scene, expected in ((views.standby, (True, False, 0)), (views.healthy, (False, True, 2))):
        document = json.loads(encode_status(scene()))
        assert expected == (document["standby"], document["ready"], document["summary"]["targets"])


def test_a_narrowed_answer_of_a_standby_says_so_too() -> None:
    assert json.loads(encode_status(views.standby(), frozenset({"salon-wix"})))["standby"]


def many(number: int) -> View:
    """Return as many sites, of which every second one fails."""
    state = views.unpolled("site", "wix", CollectorName.BOOKINGS)
    states = (
        (f"site-{n:03}", views.failed(state, Reason.TLS, "expired") if n % 2 else views.succeeded(state, views.wix_bookings()))
        for n in range(number)
    )
    return views.view_of(*(views.target_of(name, "wix", [replace(state, target=name)]) for name, state in states))


def test_all_targets_are_in_the_answer_unless_a_page_is_asked_for() -> None:
    found = document(many(60))
    assert (60, None, 3, False) == (len(found["targets"]), found["page"], found["pages"], found["truncated"])


def test_the_pages_hold_each_target_once_with_its_problems_and_the_summary_of_all() -> None:
    view = many(60)
    whole = document(view)
    pages = [ask(ShownBackend(view), f"/api/v1/status?page={number}").json() for number in (1, 2, 3)]
    assert [25, 25, 10] == [len(page["targets"]) for page in pages]
    assert whole["targets"] == [target for page in pages for target in page["targets"]]
    assert len(whole["problems"]) == sum(len(page["problems"]) for page in pages)
    for number, page in enumerate(pages, start=1):
        assert {row["target"] for row in page["problems"]} <= {row["name"] for row in page["targets"]}
        assert (number, 3, whole["summary"]) == (page["page"], page["pages"], page["summary"])


def test_pages_are_those_of_the_asked_targets() -> None:
    asked = "&".join(f"target=site-{number:03}" for number in range(30))
    found = ask(ShownBackend(many(60)), f"/api/v1/status?{asked}&page=2").json()
    assert (5, 2, 30) == (len(found["targets"]), found["pages"], found["summary"]["targets"])


@pytest.mark.parametrize("page", ["0", "4", "-1", "x", "", "1.0", "99999999999999999999"])
def test_a_page_that_there_is_not_is_not_found(page: str) -> None:
    answer = ask(ShownBackend(many(60)), f"/api/v1/status?page={page}")
    assert (404, "No such page: ask for ?page=1 to ?page=3.\n") == (answer.status_code, answer.text)


def test_an_exporter_without_targets_has_one_page() -> None:
    found = ask(ShownBackend(views.standby()), "/api/v1/status?page=1").json()
    assert ([], 1) == (found["targets"], found["pages"])


def test_connections_and_providers_beyond_the_caps_are_counted() -> None:
    [target] = document(views.view_of(worst.site("site", worst.connections())))["targets"]
    found = target["connections"]
    assert (500, 9_500, 50, 200) == (
        len(found["connections"]),
        found["dropped_connections"],
        len(found["providers"]),
        found["dropped_providers"],
    )


@pytest.mark.slow
def test_a_fleet_that_fills_every_cap_gets_an_answer_that_ends_and_says_so() -> None:
    seen = worst.connections()
    view = views.view_of(*(worst.site(f"site-{number}", seen) for number in range(150)))
    began = time.thread_time()
    text = encode_status(view)
    assert time.thread_time() - began < 10.0, "the processor's own time: three seconds, and ten on a slow machine"
    assert len(text) < 65 * 1024 * 1024
    found = json.loads(text)
    assert found["truncated"]
    assert 150 == found["summary"]["targets_critical"]
    assert 0 < len(found["targets"]) < 150


@pytest.mark.slow
def test_a_page_of_targets_that_fill_every_cap_is_whole_and_made_within_a_second() -> None:
    view = views.view_of(*(worst.site(f"site-{number}", worst.connections()) for number in range(25)))
    began = time.thread_time()
    found = msgspec.json.decode(encode_status(view, page=1), type=Status)
    assert time.thread_time() - began < 3.0
    assert (25, False) == (len(found.targets), found.truncated)
    assert 25 * 500 <= len(found.problems)


@pytest.mark.slow
def test_a_page_with_what_is_left_out_keeps_to_the_schema() -> None:
    view = views.view_of(worst.site("site", worst.connections()), worst.portal("portal", number=2, letters=8))
    jsonschema.Draft202012Validator(json.loads(PUBLISHED.read_text())).validate(json.loads(encode_status(view, page=1)))
