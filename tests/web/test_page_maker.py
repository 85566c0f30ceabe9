"""Pages that are shared by who asks at the same moment, and how many are made at a time."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import NoReturn, TypeVar

import httpx
import pytest
from starlette.requests import Request

from exporter.metrics import Format, MadePage
from exporter.support.chunks import Chunks
from exporter.web import create_app
from exporter.web.client_connections import ClientConnection, connection_state
from exporter.web.page_maker import PageMaker, Recipe
from exporter.web.sending import Outbox, _PageResponse
from exporter.web.single_flight import SingleFlight
from tests.harness import views
from tests.harness.web import ShownBackend

T = TypeVar("T")


class HeldBackend(ShownBackend):
    """Makes ``/metrics`` only when it is let go, and counts how often it began."""

    def __init__(self) -> None:
        super().__init__(views.healthy())
        self.begun: list[tuple[Format, frozenset[str] | None]] = []
        self.go_on = asyncio.Event()

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        self.begun.append((format, targets))
        await self.go_on.wait()
        return await super().metrics(format, targets, site)


@contextlib.asynccontextmanager
async def client_of(backend: ShownBackend, *, max_requests: int = 40) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(backend, max_requests=max_requests))
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
        client.headers.clear()
        yield client


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


GZIP = {"accept-encoding": "gzip"}
OPENMETRICS = {"accept": "application/openmetrics-text"}


async def test_scrapes_of_the_same_moment_share_one_page_for_each_format() -> None:
    backend = HeldBackend()

    async with client_of(backend) as client:
        wishes = [{}, GZIP, OPENMETRICS, {**OPENMETRICS, **GZIP}] * 5
        asked = [asyncio.create_task(client.get("/metrics", headers=wish)) for wish in wishes]
        await turns()
        backend.go_on.set()
        answers = await asyncio.gather(*asked)
    assert {(Format.TEXT, None), (Format.OPENMETRICS, None)} == set(backend.begun)
    assert 2 == len(backend.begun)
    assert 2 == len({answer.text for answer in answers})
    assert {200} == {answer.status_code for answer in answers}


async def test_a_scrape_of_a_later_moment_gets_a_page_of_its_own() -> None:
    backend = HeldBackend()
    backend.go_on.set()

    async with client_of(backend) as client:
        for _ in range(3):
            await client.get("/metrics")
    assert 3 == len(backend.begun)


async def test_a_scraper_that_gives_up_takes_the_page_from_nobody() -> None:
    backend = HeldBackend()

    async with client_of(backend) as client:
        first, second = (asyncio.create_task(client.get("/metrics")) for _ in range(2))
        await turns()
        first.cancel()
        await turns()
        backend.go_on.set()
        assert 200 == (await second).status_code
    assert 1 == len(backend.begun)


async def test_a_page_that_cannot_be_made_fails_for_all_who_wait_and_is_tried_again_by_the_next() -> None:
    flights: SingleFlight[int] = SingleFlight()

    async def bug() -> int:
        await asyncio.sleep(0)
        raise ZeroDivisionError

    async def work() -> int:
        return 7

    failed = await asyncio.gather(*(flights.do("page", bug) for _ in range(2)), return_exceptions=True)
    assert [ZeroDivisionError, ZeroDivisionError, 7] == [*(type(error) for error in failed), await flights.do("page", work)]


NAMES = sorted(target.name for target in views.healthy().targets)


async def test_more_different_pages_than_the_limit_are_503_and_the_whole_page_and_the_probes_never() -> None:
    backend = HeldBackend()

    async with client_of(backend, max_requests=2) as client:
        held = [
            asyncio.create_task(client.get(f"/metrics?target={NAMES[0]}")),
            asyncio.create_task(client.get(f"/metrics?target={NAMES[0]}", headers=OPENMETRICS)),
        ]
        await turns()
        refused = await client.get(f"/metrics?target={NAMES[1]}")
        others = [await client.get(path) for path in ("/-/healthy", "/-/ready")]
        late = [
            asyncio.create_task(client.get("/metrics")),
            asyncio.create_task(client.get(f"/metrics?target={NAMES[0]}")),  # is in the making
        ]
        await turns()
        backend.go_on.set()
        answers = await asyncio.gather(*held, *late)
    assert [200] * 6 == [answer.status_code for answer in [*answers, *others]]
    assert (503, "2 pages are being made already; try again.\n") == (refused.status_code, refused.text)


async def test_the_whole_page_is_not_held_up_by_any_number_of_others() -> None:
    backend = HeldBackend()

    async with client_of(backend, max_requests=0) as client:
        others = [
            asyncio.create_task(client.get(f"/metrics?target={name}", headers=accept))
            for name in NAMES
            for accept in ({}, OPENMETRICS)
        ]
        await turns()
        whole = asyncio.create_task(client.get("/metrics"))
        await turns()
        begun = list(backend.begun)
        backend.go_on.set()
        await asyncio.gather(whole, *others)
    assert 3 == len(begun), "two of the others at a time"
    assert (Format.TEXT, None) in begun


class Client:
    """Takes the first piece of a page, and further ones when it is told to."""

    def __init__(self) -> None:
        self.client = ClientConnection("192.0.2.1", 0.0, 0.0, self._hang_up, lambda _: None)
        self.pieces = 0
        self._takes = asyncio.Event()

    def _hang_up(self) -> None:
        self.client.gone = True
        self._takes.set()

    async def send(self, message: object) -> None:
        assert isinstance(message, dict)
        assert len(message["body"]) <= 64 * 1024
        self.pieces += 1
        await self._takes.wait()

    async def send_page(self, message: object) -> None:
        assert isinstance(message, dict)
        if message["type"] == "http.response.body":
            await self.send(message)

    def take(self) -> None:
        """Take all that comes from now on."""
        self._takes.set()

    def take_one(self) -> None:
        """Take one piece."""
        self._takes.set()
        self._takes = asyncio.Event()


async def those_hung_up_on(
    monkeypatch: pytest.MonkeyPatch, bodies: list[Chunks], *, apart: float, take: bool = False
) -> list[bool]:
    """Return who is hung up on when clients ask for ``bodies`` so many seconds apart, and ``take`` pieces in between or not."""

    async def scenario() -> list[bool]:
        loop, outbox, clients = asyncio.get_running_loop(), Outbox(3 * 1024 * 1024), [Client() for _ in bodies]
        now, sending = loop.time(), list[asyncio.Task[None]]()
        for number, (client, body) in enumerate(zip(clients, bodies, strict=True)):
            monkeypatch.setattr(loop, "time", lambda number=number: now + apart * number)
            for earlier in clients if take else ():
                earlier.take_one()
            await turns()
            sending.append(asyncio.create_task(outbox.send("page", body, client.client, client.send)))
            await turns()
        monkeypatch.undo()
        lost = [client.client.gone for client in clients]
        for client in clients:
            client.take()
        await asyncio.gather(*sending)
        return lost

    return await scenario()


MIB = 1024 * 1024


def fresh(size: int) -> Chunks:
    return Chunks((bytes(size),))


async def test_who_stands_still_with_a_page_of_its_own_is_hung_up_on_when_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bodies = [fresh(MIB) for _ in range(5)]
    assert [True, True, False, False, False] == await those_hung_up_on(monkeypatch, bodies, apart=2), "the stillest go first"
    assert [False] * 5 == await those_hung_up_on(monkeypatch, bodies[:1] * 5, apart=2), "they hold one page"


async def test_nobody_is_hung_up_on_for_a_page_that_others_are_sent_as_well(monkeypatch: pytest.MonkeyPatch) -> None:
    shared = fresh(MIB)
    bodies = [shared, shared, fresh(MIB), fresh(MIB), fresh(MIB)]
    assert [True, True, False, False, False] == await those_hung_up_on(monkeypatch, bodies, apart=2), "both, which frees it"
    bodies = [shared, fresh(MIB), fresh(MIB), shared, fresh(MIB)]
    lost = await those_hung_up_on(monkeypatch, bodies, apart=2)
    assert [False, True, False, False, False] == lost, "its other reader has just come"


async def test_who_takes_long_with_a_page_of_its_own_is_hung_up_on_when_they_are_too_many(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bodies = [fresh(MIB) for _ in range(12)]
    lost = await those_hung_up_on(monkeypatch, bodies, apart=0.9, take=True)
    assert [True] * 6 + [False] * 6 == lost, "who has had five seconds, and nobody else"


async def test_three_pages_may_be_on_their_way_however_large_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    large = [fresh(9 * MIB) for _ in range(4)]
    assert [False] * 3 == await those_hung_up_on(monkeypatch, large[:3], apart=20)
    assert [True, False, False, False] == await those_hung_up_on(monkeypatch, large, apart=20)


async def test_a_client_that_takes_its_page_is_not_hung_up_on_for_others() -> None:
    outbox, clients = Outbox(1024 * 1024), [Client() for _ in range(5)]
    sending = [asyncio.create_task(outbox.send("page", fresh(MIB), client.client, client.send)) for client in clients]
    await asyncio.sleep(0)
    for client in clients:
        client.take()
    await asyncio.gather(*sending)
    assert [False] * 5 == [client.client.gone or client.pieces != 16 for client in clients]


async def test_a_connection_that_breaks_gets_no_further_piece_although_nothing_lets_its_answer_wait() -> None:
    loop, client = asyncio.get_running_loop(), Client()
    client.take()

    async def send(message: object) -> None:
        await client.send(message)
        if client.pieces == 3:
            loop.call_soon(client.client.hang_up)

    await Outbox().send("page", fresh(MIB), client.client, send)
    assert 3 == client.pieces


async def test_while_too_many_pages_are_on_their_way_who_asks_gets_the_newest_of_the_last_second() -> None:
    outbox, clients, page = Outbox(1024 * 1024), [Client() for _ in range(3)], fresh(MIB)
    sending = [asyncio.create_task(outbox.send("page", page, clients[0].client, clients[0].send))]
    await asyncio.sleep(0)
    seen: list[object] = [outbox.recent("page")]
    newest = fresh(MIB)
    sending.append(asyncio.create_task(outbox.send("page", newest, clients[1].client, clients[1].send)))
    await asyncio.sleep(0)
    seen += [outbox.recent("page") is newest, outbox.recent("another")]
    await asyncio.sleep(0)
    for client in clients:
        client.take()
    await asyncio.gather(*sending)
    assert [None, True, None, None] == [*seen, outbox.recent("page")]


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_that_page_is_shared_in_each_coding(coding: str, monkeypatch: pytest.MonkeyPatch) -> None:
    loop, maker, client, made = asyncio.get_running_loop(), PageMaker(None, 0), Client(), list[bytes]()
    scope = {"type": "http", "method": "GET", "headers": [(b"accept-encoding", coding.encode())]}

    async def make() -> bytes:
        made.append(Random(len(made)).randbytes(40 * MIB))  # gzip makes nothing smaller of it
        return made[-1]

    page = Recipe("page", make, "text/plain")
    first = await maker.answer(Request(scope), page)
    sending = asyncio.create_task(first({**scope, "state": connection_state(client.client)}, _nothing, client.send_page))
    await turns()
    same = await maker.answer(Request(scope), page)
    later = loop.time() + 2
    monkeypatch.setattr(loop, "time", lambda: later)
    other = await maker.answer(Request(scope), page)
    monkeypatch.undo()
    client.take()
    await sending
    pieces = [answer.pieces for answer in (first, same, other) if isinstance(answer, _PageResponse)]
    assert [True, False, 2] == [pieces[0] is pieces[1], pieces[0] is pieces[2], len(made)]


async def _nothing() -> NoReturn:
    raise AssertionError("nothing of ours reads a request")
