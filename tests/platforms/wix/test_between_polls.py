"""What the Wix collectors remember from poll to poll: provider outages, odd clocks, rows that come and go."""

from __future__ import annotations

import json
from collections.abc import Callable
from random import Random
from typing import Any

import pytest

from exporter.clock.deadlines import Deadline
from exporter.errors import InvalidResponseError, ServerError
from exporter.model import CalendarType, CollectorName, Connection, ConnectionsObservation, ConnectionStatus
from exporter.platforms.base import PollResult, Services
from exporter.platforms.wix import open_session
from exporter.platforms.wix.answers import short_hash
from exporter.polling.admission import Admission
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.providers import APPLE, GOOGLE
from tests.harness.clock import ManualClock
from tests.harness.wix_site import WixBench

HOUR = 3600.0
DAY = 24 * HOUR
LIST, PROVIDER_LIST = "ListConnections", "ListProviders"
ROWS: dict[str, Any] = {"conflicts": True}


class ShiftedClock:
    """The clock of a machine whose time of day is wrong by ``shift`` seconds; what it measures is right."""

    def __init__(self, true: ManualClock, shift: float) -> None:
        self._true = true
        self.shift = self._began = shift

    def time(self) -> float:
        return self._true.time() + self.shift

    def steady(self) -> float:
        return self._true.steady() + self._began

    def steady_at(self, moment: float) -> float:
        return self._true.steady_at(moment) + self._began

    def stepped(self) -> float:
        return self.shift - self._began

    def monotonic(self) -> float:
        return self._true.monotonic()

    async def sleep(self, seconds: float) -> None:
        await self._true.sleep(seconds)

    def lost(self) -> float:
        return self._true.lost()

    def stopped(self) -> float:
        return self._true.stopped()

    def call_later(self, seconds: float, callback: Callable[[], object]) -> Callable[[], None]:
        return self._true.call_later(seconds, callback)

    def timeout(self, seconds: float, *, slack: float | None = None) -> Deadline:
        return self._true.timeout(seconds, slack=slack)


def open_shifted(bench: WixBench, shift: float) -> ShiftedClock:
    """Open the session on a machine whose clock is wrong; it reads the rows of bookings."""
    clock = ShiftedClock(bench.clock, shift)
    services = Services(bench.http, clock, Random(1), bench.events, bench.since, Admission(clock))
    bench._session = open_session(bench.target(bookings=ROWS), services)
    return clock


def shown(result: PollResult) -> dict[str, Connection]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {connection.key: connection for connection in result.observation.connections}


def up(result: PollResult) -> dict[str, bool]:
    assert isinstance(result.observation, ConnectionsObservation)
    return {provider.label: provider.up for provider in result.observation.providers}


def listing(*rows: dict[str, object], failed: object = ()) -> str:
    return json.dumps({"connections": rows, "failedProviderIds": failed})


async def test_a_failed_list_of_null_means_that_none_failed(bench: WixBench) -> None:
    bench.answer_with(LIST, listing({"id": "a", "status": "SYNCED"}, failed=None))
    assert (await bench.only()).status is ConnectionStatus.SYNCED


async def test_rows_that_come_although_their_provider_failed_are_fresh_and_the_missing_ones_stay(bench: WixBench) -> None:
    one: dict[str, object] = {"id": "one", "providerId": GOOGLE.id, "calendarType": "GOOGLE", "status": "SYNCED"}
    bench.answer_with(LIST, listing(one, {**one, "id": "two"}), times=1)
    await bench.poll()
    before = bench.clock.now
    bench.answer_with(LIST, listing({**one, "status": "ERROR"}, failed=[GOOGLE.id]))
    result = await bench.poll()
    found = shown(result)
    fresh, kept = found[short_hash("one")], found[short_hash("two")]
    assert (fresh.status, fresh.observed_at) == (ConnectionStatus.ERROR, bench.clock.now)
    assert (kept.status, kept.observed_at) == (ConnectionStatus.SYNCED, before)
    assert up(result)["google"] is False
    assert isinstance(result.failure, ServerError)


@pytest.mark.parametrize("shouting", ["rows", "failures"])
async def test_ids_of_providers_are_the_same_whatever_their_letter_case(bench: WixBench, shouting: str) -> None:
    in_rows, in_failures = GOOGLE.id, GOOGLE.id.upper()
    if shouting == "rows":
        in_rows, in_failures = in_failures, in_rows
    other: dict[str, object] = {"id": "other", "providerId": APPLE.id}
    bench.answer_with(LIST, listing({"id": "one", "providerId": in_rows}, other), times=1)
    assert {"google", "apple"} == {connection.provider for connection in (await bench.observe()).connections}
    bench.answer_with(LIST, listing(other, failed=[in_failures]))
    result = await bench.poll()
    assert short_hash("one") in shown(result)
    assert up(result)["google"] is False


async def test_a_connection_that_went_and_came_back_counts_from_its_return(bench: WixBench) -> None:
    row: dict[str, object] = {"id": "one", "status": "SYNCED"}
    for body in listing(row), listing(), listing(row):
        bench.answer_with(LIST, body, times=1)
    await bench.poll()
    assert {} == shown(await bench.poll())
    assert (await bench.only()).since == bench.clock.now


async def test_a_row_that_stays_malformed_keeps_the_missing_only_until_they_are_too_old_to_show(bench: WixBench) -> None:
    life = bench.site.connections
    old, odd = bench.connect(), bench.connect()
    bench.open(bench.target(aliases={life[old].schedule_id: "Chair 1"}))
    await bench.poll()
    life.amend(odd, id=None)
    new = life.reconnect(old)
    for _ in range(5):
        assert {"Chair 1", f"Chair 1 {short_hash(new)}"} <= shown(await bench.poll()).keys()
    assert list(shown(await bench.poll())) == [f"Chair 1 {short_hash(new)}"]


async def test_connections_of_a_provider_that_fails_for_long_come_back_under_their_names(bench: WixBench) -> None:
    bench.switches.reconnect_keeps_old = True
    life = bench.site.connections
    chairs = [bench.connect(GOOGLE) for _ in range(8)]
    bench.connect(APPLE)
    bench.open(bench.target(aliases={life[chair].schedule_id: f"Chair {n}" for n, chair in enumerate(chairs)}))
    await bench.poll()
    for chair in chairs:
        life.reconnect(chair)  # whichever has the smaller hash, the first one keeps the plain name
    before = {key: row.since for key, row in shown(await bench.poll()).items()}
    bench.site.provider_down(GOOGLE)
    for _ in range(30):
        await bench.poll()
    bench.site.provider_up()
    assert before == {key: row.since for key, row in shown(await bench.poll()).items()}


async def test_a_well_known_provider_is_named_also_when_neither_its_rows_nor_the_list_tell_the_type(bench: WixBench) -> None:
    bench.switches.providers_fail = True
    bench.connect(GOOGLE, calendarType="UNDEFINED")
    bench.connect(APPLE, calendarType="SOMETHING_NEW")
    bench.connect(providerId="0f0e0d0c-0000-4000-8000-000000000000", calendarType="UNDEFINED")
    found = (await bench.observe()).connections
    assert ["google", "apple", "undefined-0f0e0d0c"] == [connection.provider for connection in found]
    assert [CalendarType.UNDEFINED, CalendarType.UNKNOWN] == [connection.calendar_type for connection in found[:2]]


async def test_a_provider_list_that_fails_is_not_asked_again_at_once(bench: WixBench) -> None:
    bench.connect()
    bench.switches.providers_fail = True
    await bench.only()
    assert 1 == bench.calls(PROVIDER_LIST)
    assert [] == bench.events.retries


async def test_a_slow_provider_list_is_given_up_long_before_the_timeout_of_the_target(bench: WixBench) -> None:
    bench.connect()
    bench.open(bench.target(timeout=60.0))
    bench.spoil(FaultKind.SLOW_HEADERS, PROVIDER_LIST, seconds=30.0)
    await bench.only()
    assert ["none"] == bench.events.codes("list_providers")


async def test_a_connection_with_an_empty_id_is_malformed(bench: WixBench) -> None:
    bench.answer_with(LIST, listing({"id": "", "status": "SYNCED"}, {"id": "a"}))
    assert list(shown(await bench.poll())) == [short_hash("a")]
    assert bench.events.malformed == {CollectorName.CONNECTIONS: 1}


async def test_an_odd_sync_config_is_counted(bench: WixBench) -> None:
    bench.connect(syncConfig="odd")
    await bench.only()
    assert bench.events.unrecognized == {(CollectorName.CONNECTIONS, "sync_config"): 1}


async def test_the_self_check_reads_the_answer_and_not_only_its_status(bench: WixBench) -> None:
    bench.answer_with(LIST, "<html>Sign in</html>")
    with pytest.raises(InvalidResponseError):
        await bench.session.check()


@pytest.mark.parametrize("shift", [-DAY, -HOUR, 0.0, 600.0])
async def test_bookings_are_discovered_also_where_the_clock_is_wrong(bench: WixBench, shift: float) -> None:
    for age in (10 * HOUR, 2 * HOUR, HOUR / 2):
        made = bench.clock.now - age
        bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR, created=made)
    open_shifted(bench, shift)
    await bench.count()
    assert 0 == bench.events.discovered
    for _ in range(5):
        bench.site.bookings.add(bench.clock.now + 5 * HOUR, bench.clock.now + 6 * HOUR)
        await bench.count()
    assert 5 == bench.events.discovered


@pytest.mark.slow
@pytest.mark.parametrize("jump", [-DAY, -HOUR, HOUR, DAY])
async def test_a_clock_that_jumps_and_jumps_back_discovers_nothing_twice_and_loses_nothing(
    bench: WixBench, jump: float
) -> None:
    for hours in range(1, 20):
        made = bench.clock.now - hours * HOUR
        bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR, created=made)
    clock = open_shifted(bench, 0.0)
    await bench.count()
    made = 0
    for clock.shift in (0.0, jump, jump, 0.0, 0.0, 0.0):
        bench.site.bookings.add(bench.clock.now + 40 * HOUR, bench.clock.now + 41 * HOUR)
        made += 1
        await bench.count()
    assert made == bench.events.discovered


async def test_a_booking_made_in_the_future_does_not_hide_those_made_until_then(bench: WixBench) -> None:
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    start = bench.clock.now + 300 * DAY  # outside of every window
    bench.site.bookings.add(start, start + HOUR, patch={"createdDate": "2099-01-01T00:00:00Z"})
    await bench.count()
    bench.site.bookings.add(start, start + HOUR)
    for _ in range(3):
        await bench.count()
    assert 2 == bench.events.discovered


async def test_a_new_booking_that_the_reader_loses_for_a_moment_is_discovered_once(bench: WixBench) -> None:
    bench.open(bench.target(bookings=ROWS))
    await bench.count()
    made = bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
    for status in ("CONFIRMED", "CREATED", "CONFIRMED", "CONFIRMED"):
        bench.site.bookings.amend(made, status=status)
        await bench.count()
    assert 1 == bench.events.discovered


async def test_after_a_quiet_week_a_new_booking_is_discovered_once(bench: WixBench) -> None:
    bench.open(bench.target(bookings=ROWS))
    for _ in range(8):
        await bench.count()
        bench.clock.now += DAY
    bench.site.bookings.add(bench.clock.now + HOUR, bench.clock.now + 2 * HOUR)
    for _ in range(3):
        await bench.count()
    assert 1 == bench.events.discovered
