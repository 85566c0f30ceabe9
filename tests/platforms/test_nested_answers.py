"""Brackets in brackets, without end or just as deep as can be read: an answer like any other that is none, everywhere."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from random import Random

import httpx
import pytest

from exporter.clock import SystemClock
from exporter.errors import InvalidResponseError, PollError, Reason, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import answers as bitrix24
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.authserver import decode_known, request_tokens
from exporter.platforms.bitrix24.tokenfile import TokenFile, parse
from exporter.platforms.exchange import Answer
from exporter.platforms.wix import booking_rows, connection_rows
from exporter.platforms.wix.api_errors import failure
from exporter.platforms.wix.endpoints import Endpoint
from exporter.polling.admission import Admission
from exporter.simulator.faults import Fault, FaultKind
from exporter.state.status_history import FileStatusHistory, StatusHistory
from exporter.support.secret import Secret
from tests.harness.bitrix24_target import HOUR, LINKS, LIST, RESOURCES, Bench, poll_bookings, poll_links, running_portal
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.wix_site import running_site

DEPTHS = (*range(sys.getrecursionlimit() - 120, sys.getrecursionlimit() + 20), 100_000)
"""Python stops recursing somewhere here, at another place in each function."""
SHAPES = (("[", "]"), ('{"a":', "}"))


def nested(depth: int, shape: tuple[str, str]) -> str:
    begin, end = shape
    return begin * depth + ("1" if begin != "[" else "") + end * depth


def wix(body: str, status: int = 200) -> Answer:
    return Answer(status, {"content-type": "application/json"}, body.encode())


def reply(body: str) -> bitrix24.Reply:
    found = bitrix24.body(body.encode(), 0.0)
    if found is None or found.reply is None:
        raise InvalidResponseError("no answer of the API")
    return found.reply


def tokens(body: str, grant_refused: int = 200) -> object:
    """Return what the auth server's answer is made into, ready to be stored and read again."""

    class Server(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(grant_refused, content=body.encode())

    clock = ManualClock()
    services = Services(Server(), clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
    server, known = httpx.URL("https://auth.example"), {"client_endpoint": "https://salon.bitrix24.de/rest/"}
    found = asyncio.run(
        request_tokens(services, server, client_id="a", client_secret=Secret("b"), grant={}, timeout=5.0, known=known)
    )
    return decode_known(found.tokens)


def state(body: str, folder: Path) -> object:
    (folder / "state.json").write_text(body)
    return FileStatusHistory(folder / "state.json", SystemClock())


def token_file(body: str, folder: Path) -> object:
    (folder / "tokens.json").write_text(body)
    return TokenFile(folder / "tokens.json").load()


def refused_by_wix(body: str) -> object:
    return failure(wix(body, 400), Endpoint.COUNT_BOOKINGS, app_mode=False, clock=ManualClock())


Read = Callable[[str, Path], object]
PAIR = '"access_token":"a","refresh_token":"r","client_endpoint":"https://p.example/rest/"'
ROW = '"id":1,"datePeriod":{"from":{"timestamp":1},"to":{"timestamp":2}}'
READERS: dict[str, tuple[str, Read]] = {
    "connections": ('{"connections":[],"x":#}', lambda text, _: connection_rows.connections(wix(text))),
    "connection": ('{"connections":[{"id":"a","status":#}]}', lambda text, _: connection_rows.connections(wix(text))),
    "its settings": ('{"connections":[{"id":"a","syncConfig":#}]}', lambda text, _: connection_rows.connections(wix(text))),
    "provider": ('{"providers":[{"id":"a","x":#}]}', lambda text, _: connection_rows.providers(wix(text))),
    "count": ('{"count":#}', lambda text, _: booking_rows.count(wix(text))),
    "query": ('{"extendedBookings":[{"booking":{"id":"a","x":#}}]}', lambda text, _: booking_rows.bookings(wix(text))),
    "its entity": ('{"extendedBookings":[{"booking":{"bookedEntity":#}}]}', lambda text, _: booking_rows.bookings(wix(text))),
    "refusal of Wix": ('{"details":#}', lambda text, _: refused_by_wix(text)),
    "bookings": (
        '{"result":{"booking":[{ROW,"x":#}]}}'.replace("ROW", ROW),
        lambda text, _: booking_pages.bookings(reply(text)),
    ),
    "booking": ('{"result":{"booking":[#]}}', lambda text, _: booking_pages.bookings(reply(text))),
    "resources": ('{"result":{"resource":[{"id":1,"name":#}]}}', lambda text, _: bitrix24.resources(reply(text))),
    "links": ('{"result":{"externalData":[{"moduleId":#}]}}', lambda text, _: bitrix24.links(reply(text))),
    "batch": (
        '{"result":{"result_error":{"a":#},"result_time":#}}',
        lambda text, _: bitrix24.batch(reply(text), ("a",), 0.0),
    ),
    "operating time": ('{"result":[],"next":#,"time":#}', lambda text, _: bitrix24.body(text.encode(), 0.0)),
    "refusal of a portal": ('{"error":#,"error_description":#}', lambda text, _: bitrix24.body(text.encode(), 0.0)),
    "auth server": (f'{{{PAIR},"expires":#}}', lambda text, _: tokens(text)),
    "refusal of the auth server": ('{"error":#}', lambda text, _: tokens(text, 400)),
    "tokens": (f'{{{PAIR},"expires":#}}', lambda text, _: parse(text.encode())),
    "token file": (f'{{{PAIR},"expires":#}}', token_file),
    "state file": ('{"version":1,"targets":{},"x":#}', state),
}


@pytest.mark.slow
@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("shape", SHAPES, ids=["lists", "objects"])
def test_however_deep_a_text_is_nested_it_is_read_or_refused_with_an_error_of_ours(
    reader: str, shape: tuple[str, str], tmp_path: Path
) -> None:
    text, read = READERS[reader]
    for depth in DEPTHS:
        try:
            read(text.replace("#", nested(depth, shape)), tmp_path)
        except (InvalidResponseError, TargetConfigError, PollError) as error:
            assert Reason.INTERNAL is not error.reason  # noqa: PT017  which error it is depends on the depth


DEEP = '{"result":#,"error":#,"connections":#,"extendedBookings":#}'.replace("#", "[" * 100_000)


@pytest.mark.parametrize("body", ["[" * 100_000, nested(100_000, SHAPES[1]), DEEP], ids=["lists", "objects", "members"])
@pytest.mark.parametrize(
    "operation", ["ListConnections", "CountExtendedBookings", "QueryExtendedBookings", "CreateAccessToken"]
)
async def test_an_answer_of_wix_that_is_nested_without_end_is_an_invalid_response(operation: str, body: str) -> None:
    async with running_site() as bench:
        app = bench.simulator.wix.credentials.install(bench.site.id)
        bench.open(bench.target(app=app, bookings={"conflicts": operation == "QueryExtendedBookings"}))
        bench.answer_with(operation, body)
        of = CollectorName.CONNECTIONS if operation == "ListConnections" else CollectorName.BOOKINGS
        assert Reason.INVALID_RESPONSE is (await bench.failure(of)).reason


async def test_a_list_of_providers_that_is_nested_without_end_fails_no_poll() -> None:
    async with running_site() as bench:
        bench.connect()
        bench.answer_with("ListProviders", "[" * 100_000)
        await bench.only()


async def _bookings(bench: Bench) -> object:
    return await poll_bookings(bench.open(bookings={"per_resource": True}))


async def _links(bench: Bench) -> object:
    return await poll_links(bench.open())


@pytest.mark.parametrize("body", ["[" * 100_000, nested(100_000, SHAPES[1]), DEEP], ids=["lists", "objects", "members"])
@pytest.mark.parametrize(("operation", "poll"), [(LIST, _bookings), ("batch", _links), (LINKS, _links)])
async def test_an_answer_of_a_portal_that_is_nested_without_end_is_an_invalid_response(
    operation: str, poll: Callable[[Bench], Awaitable[object]], body: str
) -> None:
    async with running_portal() as bench:
        bench.world.add_booking(bench.now + HOUR, bench.now + 2 * HOUR)
        if operation == LINKS:
            bench.simulator.bitrix24.switches.batch_blocked = frozenset({LINKS.lower()})
        bench.simulator.faults.add(Fault(FaultKind.BODY, operation=operation, body=body, content_type="application/json"))
        with pytest.raises(PollError) as caught:
            await poll(bench)
        assert Reason.INVALID_RESPONSE is caught.value.reason


async def test_names_of_resources_that_are_nested_without_end_are_a_failure_beside_the_counts() -> None:
    async with running_portal() as bench:
        bench.simulator.faults.add(Fault(FaultKind.BODY, operation=RESOURCES, body="[" * 100_000))
        session = bench.open(bookings={"per_resource": True})
        result = await session.collectors[CollectorName.BOOKINGS].poll()
        assert result.observation is not None
        assert result.failure is not None
        assert Reason.INVALID_RESPONSE is result.failure.reason
