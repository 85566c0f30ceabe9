"""What a collector remembers from poll to poll has an end, also of a platform that shows other ids with every answer."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from random import Random
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from prometheus_client import CollectorRegistry

from exporter.counting.windows import WindowSpec
from exporter.errors import PollError
from exporter.metrics import Instruments
from exporter.model import CollectorName
from exporter.platforms import bitrix24, wix
from exporter.platforms.base import PollResult, Services, Session
from exporter.platforms.bitrix24.links import ENTITY_TYPES
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixLinks, BitrixTarget
from exporter.platforms.wix.settings import WixBookings, WixCollectors, WixConnections, WixTarget
from exporter.polling.admission import Admission
from exporter.state.status_history import FileStatusHistory, StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.weight import weight

MIB = 1024 * 1024
COMMON: dict[str, Any] = {"interval": 60.0, "max_age": 300.0}
WINDOWS = (WindowSpec("next_7d", "now", "now+7d"),)
PLATFORMS = {"wix": wix.open_session, "bitrix24": bitrix24.open_session}

Answers = Callable[[httpx.Request, int], object]


class NewIds(httpx.AsyncBaseTransport):
    """A platform that shows what ``answers`` makes of a request and the number of the poll: ids that were never there."""

    def __init__(self, answers: Answers) -> None:
        self._answers = answers
        self.poll = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        body = self._answers(request, self.poll)
        if body is None:
            return httpx.Response(500, json={})
        return httpx.Response(200, json=body)


def connections(_: httpx.Request, poll: int) -> object:
    rows = [
        {"id": f"{poll}-{n}", "status": "SYNC_IN_PROGRESS", "providerId": "p", "scheduleId": f"s{poll}-{n}"} for n in range(400)
    ]
    return {"connections": rows, "failedProviderIds": ["p", *(f"f{poll}-{n}" for n in range(100))], "providers": []}


def long_ids(_: httpx.Request, poll: int) -> object:
    rows = [{"id": f"{poll}-{n}", "providerId": "p" * 1500, "scheduleId": f"{poll}-{n}" + "s" * 1500} for n in range(200)]
    return {"connections": rows, "failedProviderIds": ["p" * 1500], "providers": []}


def moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).isoformat().replace("+00:00", "Z")


def wix_bookings(made_in: float) -> Answers:
    def answer(_: httpx.Request, poll: int) -> object:
        now = 1_790_000_000 + poll * 60
        rows = [
            {
                "booking": {
                    "id": f"{poll}-{n}",
                    "startDate": moment(now + 86_400),
                    "endDate": moment(now + 90_000),
                    "createdDate": moment(now + made_in),
                    "status": "CONFIRMED",
                }
            }
            for n in range(90)
        ]
        return {"extendedBookings": rows, "pagingMetadata": {"hasNext": False}}

    return answer


def portal(*, answers_batches: bool, copies: bool = False) -> Answers:
    """Answer as a portal with other bookings each time; with ``copies`` in a staff's calendar that says something else."""
    said = _links_and_events if copies else _links

    def answer(request: httpx.Request, poll: int) -> object:
        if request.url.path.endswith("batch"):
            commands = json.loads(request.content)["cmd"]
            return {"result": {"result": {key: said(text) for key, text in commands.items()}}} if answers_batches else None
        now = 1_790_000_000 + poll * 60
        period = {"from": {"timestamp": now + 86_400}, "to": {"timestamp": now + 90_000}}
        rows = [{"id": poll * 45 + n, "datePeriod": period, "resourceIds": [n]} for n in range(45)]
        if request.url.path.endswith("resource.list"):
            return {"result": {"resource": [{"id": poll * 45 + n, "name": f"Chair {poll} {n}"} for n in range(45)]}}
        return {"result": {"booking": rows}}

    return answer


def _links(command: str) -> object:
    asked = parse_qs(urlsplit(command).query)
    return {"externalData": [{"moduleId": "crm", "entityTypeId": "DEAL", "value": asked.get("bookingId", ["1"])[0]}]}


def _links_and_events(command: str) -> object:
    method, asked = urlsplit(command).path, parse_qs(urlsplit(command).query)
    if method == "calendar.event.getbyid":
        return {"EVENT_TYPE": "booking", "DATE_FROM_TS_UTC": "0", "DATE_TO_TS_UTC": "0", "NAME": "x" * 10_000}
    if method == "booking.v1.booking.get":
        period = {"from": {"timestamp": 1_790_086_400}, "to": {"timestamp": 1_790_090_000}}
        return {"booking": {"id": int(asked["id"][0]), "datePeriod": period}}
    return {"externalData": [{"moduleId": "calendar", "entityTypeId": "EVENT", "value": asked["bookingId"][0]}]}


def site(**collectors: Any) -> WixTarget:  # noqa: ANN401  fields of the collectors
    key = Secret("a-key-that-nobody-has")
    return WixTarget(name="salon", platform="wix", site_id="s", api_key=key, collectors=WixCollectors(**collectors))


def office(**collectors: Any) -> BitrixTarget:  # noqa: ANN401  fields of the collectors
    url = Secret("https://salon.bitrix24.example/rest/1/c0dec0dec0dec0de/")
    return BitrixTarget(name="salon", platform="bitrix24", webhook_url=url, collectors=BitrixCollectors(**collectors))


def tied_to_everything(request: httpx.Request, _: int) -> object:
    """Answer as a portal whose bookings have several links of each kind that we tell apart."""
    if request.url.path.endswith("batch"):
        kinds = [(module, entity) for module, entities in ENTITY_TYPES.items() for entity in (*entities, "other")]
        items = [{"moduleId": module.upper(), "entityTypeId": entity.upper()} for module, entity in kinds * 3]
        return {"result": {"result": {key: {"externalData": items} for key in json.loads(request.content)["cmd"]}}}
    start, rows = json.loads(request.content)["start"], 500
    period = {"from": {"timestamp": 1_790_086_400}, "to": {"timestamp": 1_790_090_000}}
    return {"result": {"booking": [{"id": start + n + 1, "datePeriod": period} for n in range(rows if start < rows else 0)]}}


CASES: Mapping[str, tuple[WixTarget | BitrixTarget, Answers]] = {
    "connections": (site(connections=WixConnections(**COMMON)), connections),
    "connections with long ids": (site(connections=WixConnections(**COMMON)), long_ids),
    "wix bookings": (site(bookings=WixBookings(**COMMON, windows=WINDOWS, conflicts=True)), wix_bookings(-60)),
    "wix bookings of the future": (site(bookings=WixBookings(**COMMON, windows=WINDOWS, conflicts=True)), wix_bookings(1e9)),
    "bookings": (office(bookings=BitrixBookings(**COMMON, windows=WINDOWS)), portal(answers_batches=True)),
    "bookings that nobody can be asked about": (
        office(bookings=BitrixBookings(**COMMON, windows=WINDOWS)),
        portal(answers_batches=False),
    ),
    "resources": (office(bookings=BitrixBookings(**COMMON, windows=WINDOWS, per_resource=True)), portal(answers_batches=True)),
    "links": (office(links=BitrixLinks(**COMMON, windows=WINDOWS)), portal(answers_batches=True)),
    "copies": (office(links=BitrixLinks(**COMMON, windows=WINDOWS)), portal(answers_batches=True, copies=True)),
}


class Remembered:
    """A target that is polled, and what is held of it in between."""

    def __init__(self, target: WixTarget | BitrixTarget, answers: Answers, since: StatusHistory) -> None:
        self.platform = NewIds(answers)
        self._clock = ManualClock(1_790_000_000.0, auto=True)
        self._since = since
        self._instruments = Instruments(CollectorRegistry()).prepare(target.name, target.platform)
        services = Services(self.platform, self._clock, Random(1), self._instruments, since, Admission(self._clock), Shared())
        self._session: Session = PLATFORMS[target.platform](target, services)  # type: ignore[operator]  # each takes its own
        self.results: dict[CollectorName, PollResult] = {}

    async def poll(self, times: int) -> int:
        """Poll everything ``times`` times, a minute apart, and return the bytes that are held then."""
        for _ in range(times):
            self.platform.poll += 1
            self._clock.now = max(self._clock.now, 1_790_000_000.0 + self.platform.poll * 60)
            for name, collector in self._session.collectors.items():
                try:
                    self.results[name] = await collector.poll()
                except PollError as error:
                    pytest.fail(f"{name}: {error}")
            await self._since.save()
        return weight(self._session, self._since, self._instruments, *self.results.values())


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
async def test_a_platform_that_shows_other_ids_with_every_answer_does_not_fill_the_memory(case: str) -> None:
    target, answers = CASES[case]

    remembered = Remembered(target, answers, StatusHistory())
    early, late = (await remembered.poll(60), await remembered.poll(60))
    assert late <= 1.05 * early, f"{early:,} bytes after 60 polls, {late:,} after 120"
    assert late < 8 * MIB


@pytest.mark.slow
@pytest.mark.parametrize(("letters", "fits"), [(49, True), (1000, False)])
async def test_long_names_of_resources_reach_their_limit_sooner(letters: int, fits: bool) -> None:
    def page(start: int) -> object:
        rows = range(start + 1, min(start + 50, 5_000) + 1)
        return {"resource": [{"id": key, "name": "x" * letters} for key in rows]}

    def named(request: httpx.Request, _: int) -> object:
        if request.url.path.endswith("batch"):
            commands = json.loads(request.content)["cmd"].items()
            starts = {key: int(parse_qs(urlsplit(command).query)["start"][0]) for key, command in commands}
            return {"result": {"result": {key: page(start) for key, start in starts.items()}}}
        return {"result": page(0) if request.url.path.endswith("resource.list") else {"booking": []}}

    target = office(bookings=BitrixBookings(**COMMON, windows=WINDOWS, per_resource=True))
    remembered = Remembered(target, named, StatusHistory())
    await remembered.poll(1)
    failure = remembered.results[CollectorName.BOOKINGS].failure
    assert (None if fits else "the portal has more than 100,000 resources: switch per_resource off") == (
        failure and failure.message
    )


@pytest.mark.slow
async def test_what_is_remembered_of_the_links_of_a_booking_is_little_however_many_it_has() -> None:
    target = office(links=BitrixLinks(**COMMON, windows=WINDOWS))
    remembered = Remembered(target, tied_to_everything, StatusHistory())
    assert await remembered.poll(1) < 500 * 500, "500 bytes for each of 500 bookings, their ids included"


@pytest.mark.slow
async def test_what_is_remembered_of_a_target_in_the_state_file_stays_below_64_kib(tmp_path: Path) -> None:
    target, answers = CASES["connections"]

    path = tmp_path / "state.json"
    store = FileStatusHistory(path, ManualClock())
    await Remembered(target, answers, store).poll(10)
    await store.aclose()
    assert 32 * 1024 < path.stat().st_size < 64 * 1024
