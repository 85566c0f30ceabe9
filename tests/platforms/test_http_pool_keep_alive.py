"""Connections that are kept: which are used again, what is sent once more on a new one, and whose answer is whose."""

from __future__ import annotations

import asyncio
import ssl
from pathlib import Path

import pytest

from exporter.errors import InvalidResponseError, NetworkError
from exporter.platforms.http_pool import HttpPool
from tests.harness.certificates import contexts
from tests.harness.clock import ManualClock
from tests.harness.peer import OK, Client, client_with, peer


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_requests_one_after_the_other_share_a_connection(client: Client, method: str) -> None:
    async with peer() as server:
        for _ in range(5):
            assert b"{}" == (await client.ask(server.origin, method=method)).body
        assert (5, 1) == (len(server.requests), len(server.connections))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_kept_connection_that_the_peer_closed_meanwhile_is_no_failure(client: Client, method: str) -> None:
    # The peer hangs up just when the second request arrives: nothing shows that before it is sent.
    async with peer(lambda _, number: None if number == 2 else OK) as server:
        await client.ask(server.origin, method=method)
        assert 200 == (await client.ask(server.origin, method=method)).status
        assert 2 == len(server.connections)
        assert ["200", "200"] == client.events.codes("list")


async def test_a_peer_that_closed_all_kept_connections_costs_each_request_one_repetition_at_most(client: Client) -> None:
    async with peer(lambda _, number: None if 10 < number <= 20 else OK) as server:
        await asyncio.gather(*(client.ask(server.origin) for _ in range(10)))
        await asyncio.gather(*(client.ask(server.origin) for _ in range(10)))
        assert 30 == len(server.requests)
        assert {"200"} == set(client.events.codes("list"))


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_new_connection_that_breaks_is_a_failure_and_nothing_is_sent_twice(client: Client, method: str) -> None:
    async with peer(lambda *_: None) as server:
        with pytest.raises(NetworkError, match="was lost"):
            await client.ask(server.origin, method=method)
        assert 1 == len(server.requests)
        assert ["none"] == client.events.codes("list")


@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_request_that_may_go_out_once_only_never_uses_a_connection_that_idled(client: Client, method: str) -> None:
    async with peer(lambda _, number: None if number == 2 else OK) as server:
        await client.ask(server.origin, method=method)
        with pytest.raises(NetworkError):
            await client.ask(server.origin, method=method, once=True)
        assert 2 == len(server.requests), "a refresh token is spent by the first"
        assert 2 == len(server.connections)


@pytest.mark.parametrize(("seconds", "requests"), [(0.0, 3), (4.9, 3), (5.1, 2), (25.0, 2)])
async def test_a_peer_that_hangs_up_long_after_it_was_asked_is_not_asked_again(seconds: float, requests: int) -> None:
    clock = ManualClock()

    def respond(_: bytes, number: int) -> bytes | None:
        if number != 2:
            return OK
        clock.now += seconds  # it had the request that long: nothing that idled was closed meanwhile
        return None

    async with peer(respond) as server, HttpPool(clock, tls=ssl.create_default_context()) as pool:
        client = Client(pool, clock)
        await client.ask(server.origin, timeout=60)
        if requests == 3:
            await client.ask(server.origin, timeout=60)
        else:
            with pytest.raises(NetworkError, match="was lost"):
                await client.ask(server.origin, timeout=60)
        assert requests == len(server.requests)


@pytest.mark.parametrize("kept", [False, True])
@pytest.mark.parametrize(("seconds", "is_asked_again"), [(4.9, False), (60.0, True), (600.0, True)])
async def test_a_peer_that_hung_up_while_this_process_was_stopped_is_asked_again(
    seconds: float, *, is_asked_again: bool, kept: bool
) -> None:
    clock = ManualClock()
    async with HttpPool(clock, tls=ssl.create_default_context()) as pool:

        def respond(_: bytes, number: int) -> bytes | None:
            if number != 1 + kept:
                return OK
            clock.now += seconds + 6  # the peer needs 6 s as well, so that it is not one that had closed the connection before
            clock.late += seconds
            clock.stood_still += seconds if seconds >= 5 else 0.0
            return None

        async with peer(respond) as server:
            client = Client(pool, clock)
            if kept:
                await client.ask(server.origin)
            if is_asked_again:
                assert 200 == (await client.ask(server.origin)).status
                assert ["200"] * (1 + kept) == client.events.codes("list")
            else:
                with pytest.raises(NetworkError, match="was lost"):
                    await client.ask(server.origin)
            assert 1 + kept + is_asked_again == len(server.requests)


async def test_a_request_that_may_go_out_once_only_is_not_sent_again_because_this_process_was_stopped() -> None:
    clock = ManualClock()

    def respond(*_: object) -> None:
        clock.now, clock.late, clock.stood_still = clock.now + 60, 60.0, 60.0

    async with peer(respond) as server, HttpPool(clock, tls=ssl.create_default_context()) as pool:
        with pytest.raises(NetworkError, match="was lost"):
            await Client(pool, clock).ask(server.origin, once=True)
        assert 1 == len(server.requests)


@pytest.mark.slow
@pytest.mark.parametrize("over_tls", [False, True])
@pytest.mark.parametrize("rudely", [False, True])
async def test_connections_that_a_server_closed_while_this_process_was_stopped_cost_no_request(
    tmp_path: Path, *, over_tls: bool, rudely: bool
) -> None:
    """A real server closes what idles after a while (nginx: 75 s), and we see of it only when the loop goes on."""
    of_server, of_client = contexts(tmp_path) if over_tls else (None, ssl.create_default_context())

    async with client_with(tls=of_client) as client, peer(tls=of_server) as server:
        for _ in range(3):
            await asyncio.gather(*(client.ask(server.origin) for _ in range(10)))
            for connection in server.connections:
                if rudely:
                    connection.transport.abort()
                else:
                    connection.close()
        assert {"200"} == set(client.events.codes("list"))
        assert 30 == len(server.requests), "what is known to be closed is not tried"


async def test_a_repetition_that_breaks_as_well_is_a_failure(client: Client) -> None:
    async with peer(lambda _, number: OK if number == 1 else None) as server:
        await client.ask(server.origin)
        with pytest.raises(NetworkError, match="was lost"):
            await client.ask(server.origin)
        assert 3 == len(server.requests)


@pytest.mark.slow
async def test_a_connection_whose_answer_was_not_read_to_its_end_is_not_used_again(client: Client) -> None:
    endless = b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * (17 * 1024 * 1024)
    async with peer(lambda _, number: endless if number == 1 else OK) as server:
        with pytest.raises(InvalidResponseError, match="more than 16 MiB"):
            await client.ask(server.origin)
        assert b"{}" == (await client.ask(server.origin)).body
        assert 2 == len(server.connections)


def own_path(request: bytes) -> bytes:
    """Return an answer whose body is the path that was asked for."""
    path = request.split(b" ")[1]
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(path), path)


async def test_what_a_peer_sends_beyond_its_answer_is_not_taken_for_the_next_one(client: Client) -> None:
    async with peer(lambda request, _: own_path(request) + own_path(b"GET /forged HTTP/1.1")) as server:
        for number in range(5):
            assert (await client.ask(f"{server.origin}/{number}", method="GET")).body == b"/%d" % number


@pytest.mark.slow
@pytest.mark.parametrize(
    "surplus",
    [
        own_path(b"GET /forged HTTP/1.1"),
        b"HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Le",
        b"\r\n",
    ],
)
@pytest.mark.parametrize("turns", [0, 20])
async def test_what_a_peer_sends_while_a_connection_idles_is_not_taken_for_the_next_answer(
    client: Client, surplus: bytes, turns: int
) -> None:
    async with peer(lambda request, _: own_path(request)) as server:
        for number in range(5):
            assert (await client.ask(f"{server.origin}/{number}", method="GET")).body == b"/%d" % number
            for connection in server.connections:
                if not connection.is_closing():
                    connection.write(surplus)
            for _ in range(turns):  # read by the loop already, or still in the socket
                await asyncio.sleep(0)
        assert {"200"} == set(client.events.codes("list"))


async def test_an_answer_that_comes_too_late_is_not_taken_for_the_next_one(client: Client) -> None:
    async with peer(lambda request, _: b"" if b"/slow" in request else own_path(request)) as server:
        await client.ask(f"{server.origin}/first", method="GET")
        asking = asyncio.create_task(client.ask(f"{server.origin}/slow", method="GET"))
        while len(server.requests) < 2:  # noqa: ASYNC110  the peer has no event to wait for
            await asyncio.sleep(0)
        asking.cancel()  # as the deadline does
        with pytest.raises(asyncio.CancelledError):
            await asking
        server.connections[0].write(own_path(b"GET /slow HTTP/1.1"))
        assert b"/next" == (await client.ask(f"{server.origin}/next", method="GET")).body


async def test_a_pool_that_ends_closes_the_connections_that_idle(client: Client) -> None:
    async with peer() as server:
        await client.ask(server.origin)
        assert not server.tasks[0].done()
        await client.http.aclose()
        async with asyncio.timeout(5):
            await server.tasks[0]
