"""The server that the web pages and the simulator share: how it starts, and its two ends."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

import httpx
import pytest
import uvicorn
from starlette.types import Receive, Scope, Send

from exporter.errors import WebServerError
from exporter.support import http_server


class Kept:
    """An app that begins an answer and ends it when it is told to, or when the client is gone."""

    def __init__(self) -> None:
        self.asked = asyncio.Event()
        self.go_on = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        del scope
        await send({"type": "http.response.start", "status": 200, "headers": []})
        self.asked.set()
        left = asyncio.ensure_future(_left(receive))
        told = asyncio.ensure_future(self.go_on.wait())
        await asyncio.wait({left, told}, return_when=asyncio.FIRST_COMPLETED)
        left.cancel()
        told.cancel()
        await send({"type": "http.response.body", "body": b"the end"})


async def _left(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def while_answering(end: Callable[[http_server.RunningServer, Kept], Awaitable[None]]) -> str:
    """Run ``end`` while an answer is under way, and return what the client got."""
    app = Kept()
    config = uvicorn.Config(app, log_config=None, lifespan="off")
    server = await http_server.start(config, http_server.bind("127.0.0.1", 0), "test server")
    async with httpx.AsyncClient() as http:
        answer = asyncio.create_task(http.get(f"http://{server.address}/"))
        await app.asked.wait()
        await end(server, app)
        try:
            return (await answer).text
        except httpx.TransportError:
            return "cut"


@pytest.mark.slow
async def test_a_stop_lets_a_running_answer_end() -> None:
    async def end(server: http_server.RunningServer, app: Kept) -> None:
        stopping = asyncio.create_task(server.stop(grace=60))
        app.go_on.set()
        await stopping

    assert "the end" == await while_answering(end)


@pytest.mark.slow
async def test_a_stop_cuts_the_answer_that_does_not_end_within_its_grace() -> None:
    async def end(server: http_server.RunningServer, _: Kept) -> None:
        await server.stop(grace=0)

    assert "cut" == await while_answering(end)


async def test_a_cut_does_not_wait_for_an_answer() -> None:
    async def end(server: http_server.RunningServer, _: Kept) -> None:
        await server.cut()

    assert "cut" == await while_answering(end)


async def test_a_server_that_cannot_start_frees_its_port() -> None:
    sock = http_server.bind("127.0.0.1", 0)
    port: int = sock.getsockname()[1]
    with pytest.raises(FileNotFoundError):
        await http_server.start(uvicorn.Config(Kept(), log_config=None, ssl_certfile="gone.crt"), sock, "test server")
    with socket.create_server(("127.0.0.1", port)):
        pass


def test_an_address_that_is_taken_is_told_in_the_systems_words_alone() -> None:
    with http_server.bind("127.0.0.1", 0) as taken, pytest.raises(OSError, match="in use") as caught:
        http_server.bind("127.0.0.1", taken.getsockname()[1])
    assert "Address already in use" == caught.value.strerror


@pytest.mark.slow
@pytest.mark.parametrize("bug", [ZeroDivisionError("bug"), None])
async def test_a_server_that_ends_by_itself_is_told_with_the_bug_and_frees_its_port(
    bug: Exception | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main_loop(_: uvicorn.Server) -> None:
        if bug is not None:
            raise bug

    monkeypatch.setattr(uvicorn.Server, "main_loop", main_loop)

    config = uvicorn.Config(Kept(), log_config=None, lifespan="off")
    server = await http_server.start(config, http_server.bind("127.0.0.1", 0), "test server")
    with pytest.raises(WebServerError, match="the test server ended by itself") as caught:
        await asyncio.wait_for(server.died(), 10)
    assert bug is caught.value.__cause__
    await server.stop(grace=0)
    with socket.create_server(("127.0.0.1", server.port)):
        pass


@pytest.mark.slow
async def test_a_server_that_serves_does_not_die() -> None:
    config = uvicorn.Config(Kept(), log_config=None, lifespan="off")
    server = await http_server.start(config, http_server.bind("127.0.0.1", 0), "test server")
    dying = asyncio.create_task(server.died())
    _, pending = await asyncio.wait({dying}, timeout=0.3)
    assert {dying} == pending
    dying.cancel()
    await server.stop(grace=0)
