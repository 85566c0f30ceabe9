"""The page that a scrape gets, in every state that an operator can meet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

import prometheus_client
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from prometheus_client import CollectorRegistry
from prometheus_client.openmetrics import exposition as their_openmetrics
from prometheus_client.parser import text_string_to_metric_families

from exporter.booking_links import LinksObservation
from exporter.calendar_copies import CopyAnswers
from exporter.errors import Reason
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.model import (
    ApiUsage,
    BookingsObservation,
    CalendarType,
    CollectorName,
    Connection,
    ConnectionsObservation,
    ConnectionStatus,
    ErrorReason,
    Observation,
    Provider,
    Window,
    WindowBookings,
)
from exporter.policy import TargetPolicy
from exporter.private_calendar import EventsObservation
from exporter.state.snapshot import CollectorState, View
from tests.harness import exposition, plain, views
from tests.harness.expected import expected
from tests.harness.exposition import counters_of, page_of, select, value

GOLDEN = Path(__file__).parent / "golden" / "metrics"
CONNECTIONS, BOOKINGS, LINKS, *_ = CollectorName

# A page is parsed for each example: how long that takes on a busy machine says nothing.
RELAXED = settings(deadline=None, max_examples=60)


def assert_golden(name: str, page: bytes) -> None:
    """Compare with the committed text; ``UPDATE_GOLDEN=1`` writes it, for the eyes of a reviewer."""
    path = GOLDEN / f"{name}.txt"
    text = exposition.masked(page)
    if os.environ.get("UPDATE_GOLDEN"):
        path.write_text(text)
    assert path.read_text() == text, "right? then UPDATE_GOLDEN=1 pytest tests/metrics/test_page.py, and look at the diff"


def wix_page(*rows: Connection, providers: tuple[Provider, ...] | None = None, at: float = views.NOW) -> bytes:
    return page_of(wix_view(*rows, providers=providers, at=at), counters=False)


def wix_view(*rows: Connection, providers: tuple[Provider, ...] | None = None, at: float = views.NOW) -> View:
    return view_of(views.connections(*rows, providers=providers), at=at)


def view_of(seen: ConnectionsObservation, at: float = views.NOW) -> View:
    state = views.succeeded(views.unpolled(views.WIX, "wix", CONNECTIONS), seen)
    return views.view_of(views.target_of(views.WIX, "wix", [state]), at=at)


# What a scrape gets


@pytest.mark.parametrize("scene", views.SCENES)
def test_the_gauges_of_every_state_are_the_golden_ones(scene: str) -> None:
    assert_golden(scene, page_of(views.SCENES[scene](), counters=False))


def test_a_whole_page_in_openmetrics_is_the_golden_one() -> None:
    assert_golden("whole.openmetrics", page_of(views.healthy(), Format.OPENMETRICS))


def test_the_counters_after_some_traffic_are_the_golden_ones() -> None:
    instruments = Instruments(CollectorRegistry())
    events = counters_of(instruments, views.BITRIX24, "bitrix24")
    events.expect(expected([BOOKINGS], ["booking.list"], reads_bookings=True))
    for seconds, code in ((0.3, "200"), (0.07, "200"), (10.0, "none")):
        events.request("booking.list", code, seconds)
    events.retry("booking.list", Reason.TIMEOUT)
    events.throttle_wait(1.25)
    events.poll_finished(BOOKINGS, 2.5, None)
    events.poll_finished(BOOKINGS, 31.0, Reason.TIMEOUT)
    events.malformed_rows(BOOKINGS, 2)
    events.bookings_discovered(7)
    state = views.unpolled(views.BITRIX24, "bitrix24", BOOKINGS)
    view = views.view_of(views.target_of(views.BITRIX24, "bitrix24", [state]))
    assert_golden("counters", MetricsPage(instruments).render(view, Format.TEXT))


@pytest.mark.parametrize("scene", views.SCENES)
def test_both_formats_say_the_same(scene: str) -> None:
    instruments = exposition.instruments_for(views.SCENES[scene]())
    page = MetricsPage(instruments)
    text = exposition.samples(page.render(views.SCENES[scene](), Format.TEXT))
    openmetrics = exposition.samples(page.render(views.SCENES[scene](), Format.OPENMETRICS), Format.OPENMETRICS)
    fixed = [key for key in text if not key[0].startswith(("process_", "python_gc_"))]
    assert text.keys() == openmetrics.keys()
    assert [text[key] for key in fixed] == [openmetrics[key] for key in fixed]


@pytest.mark.parametrize("scene", views.SCENES)
def test_the_gauges_are_those_that_prometheus_client_alone_would_write(scene: str) -> None:
    view = views.SCENES[scene]()
    registry = plain.registry_of(view)
    ours = {key for key in exposition.samples(page_of(view, counters=False)).items() if _of_the_view(key[0][0])}
    assert set(exposition.samples(prometheus_client.generate_latest(registry)).items()) == ours
    theirs = their_openmetrics.generate_latest(registry)  # type: ignore[no-untyped-call]  # the library leaves it untyped
    assert set(exposition.samples(theirs, Format.OPENMETRICS).items()) == ours


def _of_the_view(name: str) -> bool:
    elsewhere = (
        "process_",
        "python_",
        "booking_sync_build_info",
        "booking_sync_config_last_",
        "booking_sync_config_hash",
        "booking_sync_event_",
        "booking_sync_internal_",
        "booking_sync_log_",
        "booking_sync_shard",
    )
    return not name.startswith(elsewhere)


@pytest.mark.parametrize("format_", Format)
def test_families_stand_together_under_one_header(format_: Format) -> None:
    page = page_of(views.partial_failure(), format_).decode()
    headers = [line.split()[2] for line in page.splitlines() if line.startswith("# TYPE ")]
    assert len(headers) == len(set(headers))
    current = ""
    for line in page.splitlines():
        if line.startswith("# TYPE "):
            current = line.split()[2]
        elif not line.startswith("#"):
            name = line.partition("{")[0].split()[0]
            assert name in {current + suffix for suffix in ("", "_total", "_bucket", "_count", "_sum")}


def test_an_openmetrics_page_ends_once() -> None:
    page = page_of(views.healthy(), Format.OPENMETRICS)
    assert page.endswith(b"\n# EOF\n")
    assert 1 == page.count(b"# EOF")
    assert b"# EOF" not in page_of(views.healthy(), Format.TEXT)


@pytest.mark.parametrize("format_", Format)
def test_nothing_is_created_and_nothing_has_a_timestamp(format_: Format) -> None:
    for family in exposition.families(page_of(views.healthy(), format_), format_):
        for sample in family.samples:
            assert sample.timestamp is None
            assert not sample.name.endswith("_created")


def test_an_exporter_without_targets_still_has_a_page() -> None:
    assert 1 == value(page_of(views.view_of()), "ready")


def test_two_targets_may_have_different_labels() -> None:
    page = page_of(views.healthy(), Format.OPENMETRICS)
    assert b'booking_sync_target_info{target="salon-wix",platform="wix",site="salon-berlin",owner="anna"} 1.0\n' in page
    assert b'booking_sync_target_info{target="salon-b24",platform="bitrix24",site="salon-berlin"} 1.0\n' in page


# The truth about freshness


@pytest.mark.slow
def test_before_the_first_poll_there_is_no_data_and_no_zero() -> None:
    page = page_of(views.before_first_poll())
    assert {0.0} == set(select(page, "collector_up").values())
    assert 0 == value(page, "ready")
    assert {0.0} == set(select(page, "collector_last_success_timestamp_seconds").values())
    for name in (
        "connections",
        "connection_status",
        "bookings",
        "links",
        "calendar_linked_bookings",
        "links_unverified_bookings",
        "window_complete",
    ):
        assert {} == select(page, name)


@pytest.mark.slow
def test_a_failed_poll_shows_at_once_and_the_last_good_data_stays() -> None:
    page = page_of(views.failing())
    assert {0.0} == set(select(page, "collector_up").values())
    assert 1 == value(page, "connections", calendar_type="google", status="synced")
    assert 5 == value(page, "bookings", target=views.BITRIX24, window="next_24h")
    assert value(page, "collector_last_success_timestamp_seconds", target=views.WIX, collector="bookings") == views.NOW - 30
    assert {} == select(page, "links")


@pytest.mark.slow
def test_old_data_is_withdrawn_and_never_becomes_a_zero() -> None:
    page = page_of(views.expired())
    assert {1.0} == set(select(page, "collector_data_expired").values())
    assert 4 == len(select(page, "collector_last_success_timestamp_seconds"))
    domain = {"connection_status", "connection_info", "connections", "provider_up", "bookings", "bookings_by_status"}
    domain |= {"resource_bookings", "resource_info", "conflicting_bookings", "linked_bookings", "unlinked_bookings", "links"}
    domain |= {"calendar_linked_bookings", "links_unverified_bookings"}
    domain |= {"window_start_timestamp_seconds", "window_complete", "next_booking_timestamp_seconds"}
    assert {} == {name: found for name in domain if (found := select(page, name))}


@pytest.mark.parametrize(("seconds", "expected"), [(0, (9, 3, 3, 10, 1)), (1, (4, 1, 3, 4, 8))])
def test_bookings_leave_linked_and_unlinked_for_unverified_when_their_answer_is_too_old(
    seconds: float, expected: tuple[int, int, int, int, int]
) -> None:
    page = page_of(views.with_old_link_answers(views.NOW + seconds))
    names = ("linked_bookings", "unlinked_bookings", "calendar_linked_bookings")
    found = [value(page, name, window="next_24h") for name in names]
    deals = value(page, "links", window="next_24h", module="crm", entity_type="deal")
    assert expected == (*found, deals, value(page, "links_unverified_bookings", window="next_24h"))


def test_after_a_partial_failure_the_provider_is_down_and_its_connections_stay_as_they_were() -> None:
    page = page_of(views.partial_failure())
    assert 0 == value(page, "collector_up", target=views.WIX, collector="connections")
    assert 0 == value(page, "provider_up", provider="microsoft")
    assert 1 == value(page, "provider_up", provider="google")
    assert 1 == value(page, "connection_status", connection="60303ae22b99", status="error")
    assert 0 == value(page, "collector_data_expired", target=views.WIX, collector="connections")


def test_the_rows_of_a_failed_provider_expire_alone() -> None:
    old = views.connection("old", provider="microsoft", observed_at=views.NOW - 301)
    page = wix_page(views.connection("fresh"), old)
    assert {"fresh"} == {dict(labels)["connection"] for _, labels in select(page, "connection_info")}
    assert 1 == sum(select(page, "connections").values())


def test_a_portal_without_anything_ahead_has_no_next_booking() -> None:
    state = views.succeeded(
        views.unpolled(views.BITRIX24, "bitrix24", BOOKINGS), replace(views.bitrix24_bookings(), next_booking=None)
    )
    page = page_of(views.view_of(views.target_of(views.BITRIX24, "bitrix24", [state])))
    assert {} == select(page, "next_booking_timestamp_seconds")
    assert 5 == value(page, "bookings", window="next_24h")


def test_a_portal_without_conflicts_says_so_with_a_zero() -> None:
    observation = replace(views.bitrix24_bookings(), windows=(WindowBookings(views.NEXT_24H, 5, conflicting=0),))
    state = views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", BOOKINGS), observation)
    page = page_of(views.view_of(views.target_of(views.BITRIX24, "bitrix24", [state])))
    assert 0 == value(page, "conflicting_bookings", window="next_24h")


def test_what_a_target_does_not_measure_is_absent() -> None:
    page = page_of(views.healthy())
    for name in (
        "conflicting_bookings",
        "resource_bookings",
        "next_booking_timestamp_seconds",
        "credential_expiry_timestamp_seconds",
    ):
        assert {} == select(page, name, target=views.WIX)
    assert {} == select(page, "bookings_by_status", target=views.BITRIX24)


# States

statuses = st.sampled_from(ConnectionStatus)


@st.composite
def any_connections(draw: st.DrawFn) -> list[Connection]:
    keys = draw(st.lists(st.text(min_size=1, max_size=12), unique=True, max_size=6))
    return [
        views.connection(
            key,
            draw(statuses),
            error_reason=draw(st.none() | st.sampled_from(ErrorReason)),
            calendar_type=draw(st.sampled_from(CalendarType)),
        )
        for key in keys
    ]


@pytest.mark.slow
@RELAXED
@given(rows=any_connections())
def test_exactly_one_status_of_a_connection_is_1_and_all_are_there(rows: list[Connection]) -> None:
    samples = exposition.samples(wix_page(*rows))
    for row in rows:
        found = {
            dict(labels)["status"]: number
            for (name, labels), number in samples.items()
            if name == "booking_sync_connection_status" and ("connection", row.key) in labels
        }
        assert {status.value: float(status is row.status) for status in ConnectionStatus} == found


@pytest.mark.slow
@RELAXED
@given(rows=any_connections())
def test_an_error_reason_is_1_only_while_the_status_is_error(rows: list[Connection]) -> None:
    samples = exposition.samples(wix_page(*rows))
    for row in rows:
        found = {
            dict(labels)["reason"]: number
            for (name, labels), number in samples.items()
            if name == "booking_sync_connection_error" and ("connection", row.key) in labels
        }
        broken = row.status is ConnectionStatus.ERROR
        assert {reason.value: float(broken and reason is row.error_reason) for reason in ErrorReason} == found


@pytest.mark.slow
@RELAXED
@given(rows=any_connections())
def test_the_aggregate_has_every_status_of_the_calendar_types_that_the_target_has_and_adds_up(rows: list[Connection]) -> None:
    found = select(wix_page(*rows), "connections")
    types = {row.calendar_type for row in rows} or set(CalendarType)
    said = {(row.calendar_type.value, row.status.value) for row in rows}
    always = ("synced", "sync_in_progress", "connected", "disconnected", "error")
    shown = Counter((dict(labels)["calendar_type"], dict(labels)["status"]) for _, labels in found)
    assert Counter({(calendar_type.value, status) for calendar_type in types for status in always} | said) == shown
    assert len(rows) == sum(found.values())
    for row in rows:
        alike = sum((other.calendar_type, other.status) == (row.calendar_type, row.status) for other in rows)
        key = {"calendar_type": row.calendar_type.value, "status": row.status.value}
        assert [alike] == [number for (_, labels), number in found.items() if key.items() <= dict(labels).items()]


def test_a_site_without_connections_says_so_with_zeros() -> None:
    found = select(wix_page(), "connections")
    assert len(CalendarType) * 5 == len(found)
    assert {0.0} == set(found.values())


def test_two_ids_of_one_provider_are_up_only_together() -> None:
    down, up = Provider("microsoft", up=False), Provider("microsoft", up=True)
    assert 0 == value(wix_page(providers=(down, up)), "provider_up", provider="microsoft")
    assert 1 == value(wix_page(providers=(up, up)), "provider_up", provider="microsoft")


def test_connections_over_the_cap_are_counted_but_not_shown() -> None:
    rest = tuple(map(views.connection, "cde"))
    seen = replace(views.connections(views.connection("a"), views.connection("b")), others=rest, dropped_providers=4)
    page = page_of(view_of(seen))
    for name in ("connection_status", "connection_error", "connection_info", "connection_sync_enabled"):
        assert {"a", "b"} == {dict(labels)["connection"] for _, labels in select(page, name)}
    assert 7 == value(page, "collector_series_dropped", collector="connections")
    assert 5 == value(page, "connections", calendar_type="google", status="synced")


def test_resources_over_the_cap_are_told() -> None:
    page = page_of(views.healthy())
    assert 3 == value(page, "collector_series_dropped", target=views.BITRIX24, collector="bookings")
    assert value(page, "collector_series_dropped", target=views.BITRIX24, collector="links") is None


def test_where_nothing_is_shown_one_by_one_nothing_is_left_out() -> None:
    page = page_of(views.view_of(views.target_of("a", "wix", [views.unpolled("a", "wix", name) for name in CollectorName])))
    assert [{"connections"}] == [{dict(labels)["collector"]} for _, labels in select(page, "collector_series_dropped")]


@pytest.mark.parametrize(("days", "number"), [((), None), (((0.0, 1.0),), 0), (((0.0, 2 * views.NOW),), 1)])
def test_a_target_says_whether_it_is_closed_where_it_could_be(
    days: tuple[tuple[float, float], ...], number: int | None
) -> None:
    page = page_of(views.view_of(views.target_of("a", "wix", [], policy=TargetPolicy(closed=days))))
    assert value(page, "target_closed") == number
    assert 0 == value(page, "target_paused")


# Narrowing and keeping


def test_a_narrowed_page_holds_one_target_and_the_exporter_itself() -> None:
    instruments = exposition.instruments_for(views.healthy())
    page = MetricsPage(instruments).render(views.healthy(), Format.TEXT, frozenset({views.WIX}))
    targets = {dict(labels).get("target") for _, labels in exposition.samples(page)}
    assert {views.WIX, None} == targets
    assert 1 == value(page, "ready")
    assert 2 == len(select(page, "collector_polls_total"))


def test_a_narrowed_page_costs_the_others_nothing() -> None:
    page = MetricsPage(exposition.instruments_for(views.healthy()))
    view = views.healthy()
    whole = select(page.render(view, Format.TEXT), "connection_status")
    page.render(view, Format.TEXT, frozenset({views.BITRIX24}))
    assert whole == select(page.render(view, Format.TEXT), "connection_status")


def test_what_did_not_change_is_not_read_again() -> None:
    page = MetricsPage(exposition.instruments_for(views.healthy()))
    view = views.healthy()
    page.render(view, Format.TEXT)
    before = _fragments(page)
    page.render(view, Format.OPENMETRICS)
    after = _fragments(page)
    assert before.keys() == after.keys()
    assert [] == [key for key in before if before[key] is not after[key]]


def test_a_new_poll_renders_its_own_target_again_and_no_other() -> None:
    view = views.healthy()
    page = MetricsPage(exposition.instruments_for(view))
    page.render(view, Format.TEXT)
    before = _fragments(page)
    wix, portal = view.targets
    observation = replace(views.bitrix24_bookings(), at=views.NOW)
    observation = replace(observation, windows=(replace(observation.windows[0], bookings=13), *observation.windows[1:]))
    state = views.succeeded(portal.collectors[0], observation)
    polled = replace(portal, collectors=(state, portal.collectors[1]))
    page.render(replace(view, targets=(wix, polled)), Format.TEXT)
    changed = {key for key, lines in _fragments(page).items() if lines is not before[key]}
    assert {views.BITRIX24} == {target for target, _ in changed}
    assert "booking_sync_bookings" in {name for _, name in changed}
    assert "booking_sync_links" not in {name for _, name in changed}


def test_a_poll_that_found_what_was_known_renders_its_times_and_nothing_else() -> None:
    view = views.healthy()
    page = MetricsPage(exposition.instruments_for(view))
    page.render(view, Format.TEXT)
    before = _fragments(page)
    wix, portal = view.targets
    polled = [
        replace(wix, collectors=tuple(views.succeeded(state, _seen_again(state)) for state in wix.collectors)),
        replace(portal, collectors=tuple(views.succeeded(state, _seen_again(state)) for state in portal.collectors)),
    ]
    page.render(replace(view, targets=tuple(polled)), Format.TEXT)
    changed = {key[1] for key, lines in _fragments(page).items() if lines is not before[key]}
    assert {
        "booking_sync_collector_last_success_timestamp_seconds",
        "booking_sync_collector_next_poll_timestamp_seconds",
        "booking_sync_window_start_timestamp_seconds",
        "booking_sync_window_end_timestamp_seconds",
    } == changed


def _seen_again(state: CollectorState) -> Observation:
    """Return the same a minute later: windows have moved, and connections were looked at again."""
    match state.observation:
        case ConnectionsObservation() as seen:
            rows = tuple(replace(row, observed_at=row.observed_at + 60) for row in seen.connections)
            return replace(seen, at=seen.at + 60, connections=rows)
        case BookingsObservation() as seen:
            windows = tuple(replace(row, window=_later(row.window)) for row in seen.windows)
            return replace(seen, at=seen.at + 60, windows=windows)
        case LinksObservation() as seen:
            links = tuple(replace(row, window=_later(row.window)) for row in seen.windows)
            assert seen.copies is not None
            answers = tuple(replace(row, answers=_older(row.answers)) for row in seen.copies.windows)
            return replace(seen, at=seen.at + 60, windows=links, copies=replace(seen.copies, windows=answers))
        case EventsObservation() as seen:
            looked = tuple(replace(row, window=_later(row.window)) for row in seen.windows)
            return replace(seen, at=seen.at + 60, windows=looked)
        case _:
            raise AssertionError(state)


def _older(answers: tuple[CopyAnswers, ...]) -> tuple[CopyAnswers, ...]:
    return tuple(replace(row, age=row.age + 60) for row in answers)


def _later(window: Window) -> Window:
    return replace(window, start=window.start + 60, end=window.end + 60)


def _fragments(page: MetricsPage) -> Mapping[tuple[str, str], bytes]:
    return {(name, family.name): lines for name, kept in page._fragments.items() for family, lines in kept.by_family.items()}


def test_a_connection_that_is_gone_leaves_nothing_behind() -> None:
    page = MetricsPage(Instruments(CollectorRegistry()))
    page.render(wix_view(views.connection("a"), views.connection("b")), Format.TEXT)
    text = page.render(wix_view(views.connection("b")), Format.TEXT)
    assert b'connection="a"' not in text
    assert b'connection="b"' in text


def test_data_that_expires_between_two_scrapes_vanishes() -> None:
    page = MetricsPage(Instruments(CollectorRegistry()))
    assert select(page.render(wix_view(views.connection("a")), Format.TEXT), "connection_status")
    late = page.render(wix_view(views.connection("a"), at=views.NOW + 271), Format.TEXT)
    assert {} == select(late, "connection_status")
    assert 1 == value(late, "collector_data_expired")


def test_a_removed_target_leaves_nothing_behind() -> None:
    page = MetricsPage(exposition.instruments_for(views.healthy()))
    page.render(views.healthy(), Format.TEXT)
    view = views.healthy()
    text = page.render(replace(view, targets=view.targets[:1]), Format.TEXT)
    assert views.BITRIX24.encode() not in text
    assert [views.WIX] == list(page._fragments)


def test_the_last_targets_leave_nothing_behind_though_one_was_asked_for_alone() -> None:
    page = MetricsPage(Instruments(CollectorRegistry()))
    view = views.healthy()
    page.make(view, Format.TEXT)
    page.make(view, Format.TEXT, frozenset({views.WIX}))
    assert b"target_info" not in page.render(replace(view, targets=()), Format.TEXT)


def test_changed_labels_and_budgets_show_at_once() -> None:
    state = views.unpolled(views.WIX, "wix", CONNECTIONS)
    page = MetricsPage(Instruments(CollectorRegistry()))

    def render(labels: Mapping[str, str], usage: ApiUsage) -> bytes:
        target = views.target_of(views.WIX, "wix", [state], labels=labels, usage=usage)
        return page.render(views.view_of(target), Format.TEXT)

    render({"site": "old"}, views.bitrix24_usage())
    text = render({"site": "new"}, ApiUsage())
    assert 1 == value(text, "target_info", site="new")
    assert {} == select(text, "target_info", site="old")
    assert {} == select(text, "api_budget_remaining")


def test_a_resource_is_called_by_its_alias_and_keeps_its_id_as_its_label() -> None:
    page = page_of(views.in_berlin(), counters=False)
    names = {
        sample.labels["resource"]: sample.labels["name"]
        for family in text_string_to_metric_families(page.decode())
        for sample in family.samples
        if sample.name == "booking_sync_resource_info"
    }
    assert {"7": "Window seat", "8": "Chair 2"} == names
    assert b'booking_sync_resource_bookings{target="salon-b24",platform="bitrix24",window="today",resource="7"} 8.0' in page


def test_an_alias_that_changed_is_on_the_next_page_though_no_poll_brought_anything() -> None:
    instruments = Instruments(CollectorRegistry())
    pages = MetricsPage(instruments)
    before = views.in_berlin()
    pages.render(before, Format.TEXT)
    wix, portal = before.targets
    renamed = replace(portal, policy=replace(portal.policy, resource_aliases={"7": "Door seat"}))
    assert b'name="Door seat"' in pages.render(replace(before, targets=(wix, renamed)), Format.TEXT)
