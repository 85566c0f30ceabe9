"""Batches that the portal limits, chokes on or takes shorter: what is asked again, when, and what the poll says."""

from __future__ import annotations

import json

import httpx
import pytest
import structlog.testing

from exporter.errors import InvalidResponseError, NotEntitledError, PollError, RateLimitedError, ServerError
from exporter.platforms.bitrix24.session import BitrixSession
from tests.harness.bitrix24_target import HOUR, Bench, poll_bookings, poll_links

LIMITED = {"error": "QUERY_LIMIT_EXCEEDED", "error_description": "Too many requests"}
TOO_LONG = {"error": "ERROR_BATCH_LENGTH_EXCEEDED", "error_description": "Max batch length exceeded"}


class Batches:
    """What the portal is asked about links in batches, and what is answered instead; ``seconds`` is how long that takes."""

    def __init__(self, bench: Bench, *, seconds: float = 0.0) -> None:
        self.sizes: list[int] = []
        self.at: list[float] = []
        self.answer: dict[str, object] | None = None
        self.refused: int | None = None
        self.most = 50
        self._bench = bench
        self._seconds = seconds
        bench.http.instead = self._instead

    async def _instead(self, request: httpx.Request) -> httpx.Response | None:
        commands = json.loads(request.content).get("cmd")
        if commands is None or not next(iter(commands)).startswith("e"):  # pages of bookings
            return None
        self.sizes.append(len(commands))
        self.at.append(self._bench.now)
        if len(commands) > self.most:
            return httpx.Response(400, content=json.dumps(TOO_LONG))
        if self.answer is not None:
            await self._bench.clock.sleep(self._seconds)
            return httpx.Response(400, content=json.dumps(self.answer))
        if self.refused is None:
            return None
        await self._bench.clock.sleep(self._seconds)
        errors = dict.fromkeys(list(commands)[: self.refused], LIMITED)
        return httpx.Response(200, content=json.dumps({"result": {"result": [], "result_error": errors}}))


async def failed_links(session: BitrixSession, bench: Bench) -> tuple[PollError, float]:
    began = bench.now
    with pytest.raises(PollError) as caught:
        await poll_links(session)
    return caught.value, bench.now - began


@pytest.mark.parametrize("refused", [1, 10])
async def test_a_batch_that_meets_the_limit_of_requests_ends_as_limited_and_each_refusal_waits_longer(
    bench: Bench, refused: int
) -> None:
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    batches = Batches(bench)
    batches.refused = refused
    session = bench.open(links={"batch_size": 10})
    with structlog.testing.capture_logs() as logged:
        error, took = await failed_links(session, bench)
        steps = [later - earlier for earlier, later in zip(batches.at, batches.at[1:], strict=False)]
        assert 3 <= len(steps) <= 5
        assert all(2**k <= step <= 2 ** (k + 1) for k, step in enumerate(steps)), steps
        assert isinstance(error, RateLimitedError)
        assert (error.retry_after or 0) >= 2 ** len(steps)
        assert took <= 30
        batches.refused = None
        await bench.clock.sleep(error.retry_after or 0)
        await poll_links(session)
    events = [line["event"] for line in logged if line["event"].startswith("requests_")]
    assert ["requests_paused", "requests_go_on"] == events


async def test_the_commands_of_a_batch_that_ran_are_kept_when_others_met_the_limit(bench: Bench) -> None:
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 10})
    asked: list[set[str]] = []

    async def instead(request: httpx.Request) -> httpx.Response | None:
        body = json.loads(request.content)
        if "cmd" not in body:
            return None
        keys = list(body["cmd"])
        asked.append(set(keys))
        half = {key: list[object]() for key in (keys[::2] if len(keys) > 1 else keys)}
        errors = {key: LIMITED for key in keys if key not in half}
        return httpx.Response(200, content=json.dumps({"result": {"result": half, "result_error": errors}}))

    bench.http.instead = instead
    for _ in range(20):
        try:
            links = await poll_links(session)
        except RateLimitedError as error:
            await bench.clock.sleep(error.retry_after or 0)
        else:
            assert 40 == links.windows[0].unlinked
            break
    assert 40 == len(set[str]().union(*asked))
    assert {"e2", "e4", "e6", "e8", "e10"} == asked[1], "what ran is not asked again"


@pytest.mark.parametrize("left_out", [None, {"error": "INTERNAL_SERVER_ERROR"}], ids=["not executed", "to be called alone"])
async def test_what_a_batch_brought_is_kept_when_asking_for_the_rest_of_it_fails(
    bench: Bench, left_out: dict[str, object] | None
) -> None:
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    session = bench.open()
    asked: list[set[str]] = []

    async def instead(request: httpx.Request) -> httpx.Response | None:
        body = json.loads(request.content)
        if "cmd" not in body and "bookingId" not in body:  # the list
            return None
        asked.append({key[1:] for key in body["cmd"]} if "cmd" in body else {str(body["bookingId"])})
        if len(asked) == 2:
            return httpx.Response(403, content=json.dumps({"error": "ACCESS_DENIED"}))
        if "cmd" not in body or len(asked) > 2:
            return None
        keys = list(body["cmd"])
        errors = {key: left_out for key in keys[:10] if left_out}
        sections = {"result": {key: list[object]() for key in keys[10:]}, "result_error": errors}
        return httpx.Response(200, content=json.dumps({"result": sections}))

    bench.http.instead = instead
    with pytest.raises(NotEntitledError):
        await poll_links(session)
    [window] = (await poll_links(session)).windows
    assert 40 == window.linked + window.unlinked
    first, _, *again = asked
    assert 40 == len(first)
    assert 10 == len(again[0]), "only what was left out is asked again"


async def test_those_that_a_batch_found_gone_are_counted_when_the_next_batch_fails(bench: Bench) -> None:
    bench.world.fill(60, bench.now, days=(0.1, 6.9))
    session = bench.open()
    await poll_bookings(session)
    for booking in bench.world.bookings():
        bench.world.delete_booking(booking.id)
    asked: list[int] = []

    async def instead(request: httpx.Request) -> httpx.Response | None:
        commands = json.loads(request.content).get("cmd", ())
        if not commands:
            return None
        asked.append(len(commands))
        return httpx.Response(403, content=json.dumps({"error": "ACCESS_DENIED"})) if len(asked) == 2 else None

    bench.http.instead = instead
    for vanished in (50, 60, 60):
        await poll_bookings(session)
        assert vanished == bench.events.vanished
    assert [50, 10, 10] == asked


@pytest.mark.parametrize(
    ("answer", "refused", "reason"),
    [
        (None, 10, RateLimitedError),
        (None, 0, InvalidResponseError),
        ({"error": "INTERNAL_SERVER_ERROR"}, None, ServerError),
    ],
)
async def test_batches_that_fail_slowly_end_the_poll_within_half_a_minute(
    bench: Bench, answer: dict[str, object] | None, refused: int | None, reason: type[PollError]
) -> None:
    bench.world.fill(40, bench.now, days=(0.1, 6.9))
    batches = Batches(bench, seconds=25.0)
    batches.answer, batches.refused = answer, refused
    error, took = await failed_links(bench.open(links={"batch_size": 10}), bench)
    assert reason is type(error)
    assert took <= 30
    assert 1 == len(batches.sizes)


@pytest.mark.slow
async def test_a_number_of_commands_that_a_portal_named_by_mistake_is_doubted_after_an_hour(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 50})
    batches = Batches(bench)
    batches.most = 1
    await poll_links(session)
    batches.most = 50
    batches.sizes.clear()
    await poll_links(session)
    assert {1} == set(batches.sizes), "for now it is believed"
    await bench.clock.sleep(HOUR)
    batches.sizes.clear()
    for _ in range(15):
        await poll_links(session)
    assert 2 == batches.sizes[0]
    assert 50 in batches.sizes


@pytest.mark.slow
async def test_a_number_of_commands_that_holds_is_tried_once_an_hour_by_one_more(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 50})
    batches = Batches(bench)
    batches.most = 10
    await poll_links(session)
    for hour in range(1, 4):
        batches.sizes.clear()
        await bench.clock.sleep(HOUR)
        for _ in range(5):
            await poll_links(session)
            await bench.clock.sleep(60)
        assert [11] == [size for size in batches.sizes if size > 10], hour


@pytest.mark.slow
async def test_a_doubt_does_not_keep_a_batch_that_the_portal_chokes_on_from_shrinking(bench: Bench) -> None:
    bench.world.fill(120, bench.now, days=(0.1, 6.9))
    session = bench.open(links={"batch_size": 50})
    batches = Batches(bench)
    batches.most = 1
    await poll_links(session)
    batches.most = 50
    await bench.clock.sleep(HOUR)
    batches.sizes.clear()
    batches.answer = {"error": "INTERNAL_SERVER_ERROR"}
    with pytest.raises(ServerError):
        await poll_links(session)
    assert [2, 1, 1, 1] == batches.sizes
