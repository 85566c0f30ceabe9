"""Counters and histograms of targets, and what is counted once per process."""

from __future__ import annotations

import threading

import prometheus_client
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from exporter.errors import Reason
from exporter.metrics import Format, Instruments, MetricsPage, TargetInstruments
from exporter.metrics.counters import ChangeMark, Counters
from exporter.metrics.families.api import REQUEST_DURATION
from exporter.metrics.families.catalog import COUNTERS
from exporter.metrics.families.freshness import DURATION, POLLS
from exporter.model import CollectorName, Shard
from exporter.platforms.base import RETRIED, Events
from exporter.state.snapshot import View
from tests.harness import exposition, views
from tests.harness.expected import expected
from tests.harness.exposition import counters_of, select, value

CONNECTIONS, BOOKINGS, LINKS, *_ = CollectorName
RELAXED = settings(deadline=None)  # how long an example takes on a busy machine says nothing


@pytest.fixture
def instruments() -> Instruments:
    return exposition.instruments_for(views.healthy())


@pytest.fixture
def wix(instruments: Instruments) -> TargetInstruments:
    return counters_of(instruments, views.WIX, "wix")


def render(instruments: Instruments, view: View | None = None) -> bytes:
    return MetricsPage(instruments).render(view or views.healthy(), Format.TEXT)


def test_the_counters_of_a_target_are_the_events_of_a_platform(wix: TargetInstruments) -> None:
    events: Events = wix
    assert events is wix


def test_all_reasons_of_failure_exist_with_zero_from_the_start(instruments: Instruments) -> None:
    found = select(render(instruments), "collector_failures_total", target=views.WIX, collector="connections")
    assert {reason.value: 0.0 for reason in Reason} == {dict(labels)["reason"]: number for (_, labels), number in found.items()}


def test_a_server_that_answers_with_every_number_fills_sixty_codes_at_most(
    wix: TargetInstruments, instruments: Instruments
) -> None:
    for code in range(100, 1000):
        wix.request("bookings.count", str(code), 0.1)
    found = select(render(instruments), "api_requests_total", target=views.WIX, operation="bookings.count")
    codes = {dict(labels)["code"]: number for (_, labels), number in found.items()}
    assert len(codes) <= 60
    assert {"200", "401", "403", "404", "429", "500", "502", "503", "504", "none", "other"} <= codes.keys()
    assert 900 == sum(codes.values())


@pytest.mark.slow
def test_polls_durations_and_skipped_rows_exist_with_zero_from_the_start(instruments: Instruments) -> None:
    page = render(instruments)
    for target, collector in (
        (views.WIX, CONNECTIONS),
        (views.WIX, BOOKINGS),
        (views.BITRIX24, BOOKINGS),
        (views.BITRIX24, LINKS),
    ):
        for name in ("collector_polls_total", "collector_poll_duration_seconds_count"):
            assert 0 == value(page, name, target=target, collector=collector)
        counted = (target, collector) == (views.WIX, BOOKINGS)  # no rows, none malformed
        assert value(page, "malformed_rows_total", target=target, collector=collector) == (None if counted else 0)
        assert {0.0} == set(select(page, "unrecognized_values_total", target=target, collector=collector).values())


@pytest.mark.slow
def test_every_known_operation_exists_with_and_without_an_answer(instruments: Instruments) -> None:
    page = render(instruments)
    for operation in views.OPERATIONS["wix"]:
        codes = {dict(labels)["code"] for _, labels in select(page, "api_requests_total", operation=operation)}
        reasons = {dict(labels)["reason"] for _, labels in select(page, "api_retries_total", operation=operation)}
        assert {"200", "none"} == codes
        assert {*RETRIED} == reasons
        assert 0 == value(page, "api_request_duration_seconds_count", operation=operation)
    assert 0 == value(page, "api_throttle_wait_seconds_total", target=views.WIX)


def test_discovered_bookings_exist_only_where_rows_are_read(instruments: Instruments) -> None:
    page = render(instruments)
    for name in ("bookings_discovered_total", "bookings_vanished_total"):
        assert 0 == value(page, name, target=views.BITRIX24)
        assert value(page, name, target=views.WIX) is None


def test_wix_rows_that_are_read_count_from_zero(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.expect(expected([BOOKINGS], [], reads_bookings=True))
    assert 0 == value(render(instruments), "bookings_discovered_total", target=views.WIX)


def test_a_good_poll_counts_as_a_poll_and_not_as_a_failure(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.poll_finished(CONNECTIONS, 1.5, None)
    page = render(instruments)
    assert 1 == value(page, "collector_polls_total", target=views.WIX, collector="connections")
    assert {0.0} == set(select(page, "collector_failures_total", target=views.WIX).values())


def test_a_failed_poll_counts_its_reason(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.poll_finished(CONNECTIONS, 1.5, Reason.AUTH)
    wix.poll_finished(CONNECTIONS, 1.5, Reason.AUTH)
    wix.poll_finished(CONNECTIONS, 1.5, Reason.TIMEOUT)
    page = render(instruments)
    assert 3 == value(page, "collector_polls_total", target=views.WIX, collector="connections")
    assert 2 == value(page, "collector_failures_total", target=views.WIX, collector="connections", reason="auth")
    assert 1 == value(page, "collector_failures_total", target=views.WIX, collector="connections", reason="timeout")


@pytest.mark.slow
def test_every_event_reaches_its_own_series(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.request("bookings.count", "429", 0.2)
    wix.retry("bookings.count", "rate_limited")
    wix.throttle_wait(1.25)
    wix.throttle_wait(0.5)
    wix.malformed_rows(BOOKINGS, 3)
    wix.unrecognized_value(CONNECTIONS, "status")
    wix.bookings_discovered(4)
    wix.bookings_vanished(1)
    page = render(instruments)
    assert 1 == value(page, "api_requests_total", operation="bookings.count", code="429")
    assert 0.2 == value(page, "api_request_duration_seconds_sum", operation="bookings.count")
    assert 1 == value(page, "api_retries_total", operation="bookings.count", reason="rate_limited")
    assert 1.75 == value(page, "api_throttle_wait_seconds_total", target=views.WIX)
    assert 3 == value(page, "malformed_rows_total", target=views.WIX, collector="bookings")
    assert 1 == value(page, "unrecognized_values_total", collector="connections", field="status")
    assert 4 == value(page, "bookings_discovered_total", target=views.WIX)
    assert 1 == value(page, "bookings_vanished_total", target=views.WIX)
    assert 0 == value(page, "bookings_vanished_total", target=views.BITRIX24)


def test_requests_of_all_targets_of_a_platform_are_timed_together_and_stay_when_one_goes(
    instruments: Instruments, wix: TargetInstruments
) -> None:
    second = counters_of(instruments, "another-site", "wix")
    for target in (wix, second):
        target.request("bookings.count", "200", 0.2)
        target.retry("bookings.count", "overload")
    instruments.remove_target("another-site")
    page = render(instruments)
    assert {frozenset({"platform", "operation"})} == {
        frozenset(dict(labels)) for _, labels in select(page, "api_request_duration_seconds_count")
    }
    assert 2 == value(page, "api_request_duration_seconds_count", platform="wix", operation="bookings.count")
    assert 2 == value(page, "api_retries_total", platform="wix", operation="bookings.count", reason="overload")


def test_a_platform_whose_targets_were_refused_has_no_series(instruments: Instruments) -> None:
    refused = instruments.prepare("portal", "later")
    refused.expect(expected([BOOKINGS], ["booking.list"], reads_bookings=True))
    assert 'platform="later"' not in render(instruments).decode()
    instruments.put_target(refused)
    assert 0 == value(render(instruments), "api_request_duration_seconds_count", platform="later")


def test_what_a_platform_counts_is_there_whichever_targets_are_asked_for_and_hidden_from_a_site(
    instruments: Instruments, wix: TargetInstruments
) -> None:
    wix.request("bookings.count", "200", 0.2)
    view = views.healthy()
    narrowed = MetricsPage(instruments).render(view, Format.TEXT, frozenset({views.BITRIX24}))
    assert 1 == value(narrowed, "api_request_duration_seconds_count", platform="wix", operation="bookings.count")
    assert b"api_request_duration" not in bytes(MetricsPage(instruments).make_part(view, Format.TEXT))


def test_counters_survive_a_reload_that_changes_the_target(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.poll_finished(BOOKINGS, 1.5, Reason.TLS)
    again = counters_of(instruments, views.WIX, "wix")
    again.expect(expected([CONNECTIONS, BOOKINGS], ["connections.list", "bookings.query"], reads_bookings=True))
    page = render(instruments)
    assert 1 == value(page, "collector_failures_total", target=views.WIX, collector="bookings", reason="tls")
    assert 0 == value(page, "api_requests_total", target=views.WIX, operation="bookings.query", code="200")


def test_a_collector_that_is_switched_off_leaves_nothing_behind_and_comes_back_with_its_counts(
    instruments: Instruments, wix: TargetInstruments
) -> None:
    wix.poll_finished(BOOKINGS, 1.5, Reason.TLS)
    page = MetricsPage(instruments)
    without = views.view_of(views.target_of(views.WIX, "wix", [views.unpolled(views.WIX, "wix", CONNECTIONS)]))
    assert 1 == value(
        page.render(views.healthy(), Format.TEXT), "collector_polls_total", target=views.WIX, collector="bookings"
    )
    for name in ("collector_polls_total", "collector_poll_duration_seconds_count", "malformed_rows_total"):
        assert {"connections"} == {dict(labels)["collector"] for _, labels in select(page.render(without, Format.TEXT), name)}
    assert 1 == value(
        page.render(views.healthy(), Format.TEXT), "collector_polls_total", target=views.WIX, collector="bookings"
    )


def test_a_removed_target_starts_again_from_zero(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.poll_finished(CONNECTIONS, 1.5, None)
    page = MetricsPage(instruments)
    page.render(views.healthy(), Format.TEXT)
    instruments.remove_target(views.WIX)
    assert {} == select(page.render(views.healthy(), Format.TEXT), "collector_polls_total", target=views.WIX)
    counters_of(instruments, views.WIX, "wix").expect(expected([CONNECTIONS], [], reads_bookings=False))
    assert 0 == value(page.render(views.healthy(), Format.TEXT), "collector_polls_total", target=views.WIX)


def test_a_target_that_moves_to_another_platform_starts_anew(instruments: Instruments, wix: TargetInstruments) -> None:
    wix.poll_finished(BOOKINGS, 1.5, None)
    moved = counters_of(instruments, views.WIX, "bitrix24")
    assert moved is not wix
    moved.expect(expected([BOOKINGS], [], reads_bookings=True))
    state = views.unpolled(views.WIX, "bitrix24", BOOKINGS)
    page = MetricsPage(instruments)
    page.render(views.healthy(), Format.TEXT)
    text = page.render(views.view_of(views.target_of(views.WIX, "bitrix24", [state])), Format.TEXT)
    assert 0 == value(text, "collector_polls_total", target=views.WIX, platform="bitrix24")
    assert 0 == value(text, "collector_up", target=views.WIX, platform="bitrix24")
    assert b'platform="wix",target=' not in text
    assert f'target="{views.WIX}",platform="wix"'.encode() not in text


def test_a_target_that_is_still_shown_on_its_old_platform_has_no_counters_of_the_new_one(instruments: Instruments) -> None:
    page = MetricsPage(instruments)
    page.render(views.healthy(), Format.TEXT)
    instruments.put_target(instruments.prepare(views.WIX, "bitrix24"))
    text = page.render(views.healthy(), Format.TEXT)
    assert f'target="{views.WIX}",platform="wix"'.encode() in text
    assert f'target="{views.WIX}",platform="bitrix24"'.encode() not in text


@pytest.mark.slow
@RELAXED
@given(values=st.lists(st.one_of(st.sampled_from(DURATION.buckets), st.floats(0, 1e6)), max_size=30))
def test_a_histogram_is_the_one_that_prometheus_client_makes(values: list[float]) -> None:
    theirs = CollectorRegistry()
    labels = {"target": views.WIX, "platform": "wix", "collector": "bookings"}
    histogram = prometheus_client.Histogram(
        DURATION.name, DURATION.help, DURATION.labels, buckets=DURATION.buckets, registry=theirs
    )
    histogram.labels(**labels)
    ours = Instruments(CollectorRegistry()).prepare(views.WIX, "wix")
    ours.expect(expected([BOOKINGS], [], reads_bookings=False))
    for seconds in values:
        histogram.labels(**labels).observe(seconds)
        ours.poll_finished(BOOKINGS, seconds, None)
    theirs_only = {
        key: number
        for key, number in exposition.samples(prometheus_client.generate_latest(theirs)).items()
        if "_created" not in key[0]
    }
    text = f"# TYPE {DURATION.name} histogram\n".encode() + ours.counters.render(DURATION, frozenset({"bookings"}))
    assert theirs_only == exposition.samples(text)


def test_buckets_reach_from_a_fast_answer_to_the_longest_deadline() -> None:
    assert (60.0,) == DURATION.buckets  # 30 s that a poll may wait, and the 30 s of a request
    assert (0.1, 70.0) == (REQUEST_DURATION.buckets[0], REQUEST_DURATION.buckets[-1])


@pytest.mark.slow
def test_a_page_made_while_polls_are_counted_is_never_torn(instruments: Instruments, wix: TargetInstruments) -> None:
    done = threading.Event()

    def count() -> None:
        for _ in range(20_000):
            wix.poll_finished(CONNECTIONS, 1.0, None)
        done.set()

    page = MetricsPage(instruments)
    counting = threading.Thread(target=count)
    counting.start()
    try:
        while not done.is_set():
            text = page.render(views.healthy(), Format.TEXT)
            labels = {"target": views.WIX, "collector": "connections"}
            observed = value(text, "collector_poll_duration_seconds_count", **labels)
            assert observed == value(text, "collector_poll_duration_seconds_sum", **labels)
    finally:
        counting.join()
    text = page.render(views.healthy(), Format.TEXT)
    assert 20_000 == value(text, "collector_polls_total", target=views.WIX, collector="connections")


def test_whoever_hears_of_a_change_finds_it_in_its_counters() -> None:
    """A page that hears of it too early looks at the counters, finds nothing, and is told of it no second time."""

    class Heard(ChangeMark):
        def note(self) -> None:
            super().note()
            found.append(counters.mark)

    found: list[int] = []
    counters = Counters("", COUNTERS, Heard())
    for number in range(3):
        before = counters.mark
        counters.add(POLLS, ("bookings",), number)
        assert found.pop() == counters.mark != before


def test_a_loaded_configuration_shows_its_moment_and_its_hash(instruments: Instruments) -> None:
    instruments.config_loaded(ok=True, at=views.NOW, hash="ffffffffffff0000")
    page = render(instruments)
    assert 1 == value(page, "config_last_reload_successful")
    assert value(page, "config_last_reload_success_timestamp_seconds") == views.NOW
    assert value(page, "config_hash") == 2**48 - 1


def test_a_failed_reload_keeps_the_moment_and_the_hash_of_the_configuration_in_force(instruments: Instruments) -> None:
    instruments.config_loaded(ok=True, at=views.NOW, hash="00000000002a")
    instruments.config_loaded(ok=False, at=views.NOW + 60, hash=None)
    page = render(instruments)
    assert 0 == value(page, "config_last_reload_successful")
    assert value(page, "config_last_reload_success_timestamp_seconds") == views.NOW
    assert 42 == value(page, "config_hash")


def test_what_nobody_measured_is_absent() -> None:
    page = MetricsPage(Instruments(CollectorRegistry())).render(views.view_of(), Format.TEXT)
    for name in ("config_last_reload_successful", "config_hash", "event_loop_lag_seconds"):
        assert value(page, name) is None


def test_loop_lag_is_published(instruments: Instruments) -> None:
    instruments.loop_lag(0.25)
    assert 0.25 == value(render(instruments), "event_loop_lag_seconds")


def test_log_messages_count_by_level_and_all_levels_exist(instruments: Instruments) -> None:
    instruments.log_message("warning")
    found = {dict(labels)["level"]: number for (_, labels), number in select(render(instruments), "log_messages_total").items()}
    assert {"debug": 0, "info": 0, "warning": 1, "error": 0, "critical": 0} == found


@pytest.mark.parametrize("revision", ["", "4f2a1c0"])
def test_build_info_names_version_revision_and_python(revision: str) -> None:
    page = MetricsPage(Instruments(CollectorRegistry(), revision=revision)).render(views.view_of(), Format.TEXT)
    assert 1 == value(page, "build_info", revision=revision)


def test_a_shard_says_which_it_is_of_how_many() -> None:
    page = MetricsPage(Instruments(CollectorRegistry(), shard=Shard(2, 5))).render(views.view_of(), Format.TEXT)
    assert {"2": 1.0} == {dict(labels)["shard"]: number for (_, labels), number in select(page, "shard_info").items()}
    assert 5 == value(page, "shards")


def test_who_watches_all_targets_is_the_first_of_one_shard(instruments: Instruments) -> None:
    page = render(instruments)
    assert {"0": 1.0} == {dict(labels)["shard"]: number for (_, labels), number in select(page, "shard_info").items()}
    assert 1 == value(page, "shards")
