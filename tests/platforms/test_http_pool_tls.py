"""TLS of the pool: whose certificate is trusted, and what a handshake that fails is told."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.errors import TlsError
from tests.harness.certificates import contexts
from tests.harness.peer import OK, Client, Peer, client_with, peer


async def test_a_certificate_of_ones_own_ca_is_accepted_and_tls_connections_are_kept(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path)

    async with client_with(tls=of_client) as client, peer(tls=of_server) as server:
        for _ in range(3):
            assert 200 == (await client.ask(server.origin)).status
        assert 1 == len(server.connections)


async def test_a_certificate_of_another_name_is_a_tls_error(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path)

    async with client_with(tls=of_client) as client:
        server = await asyncio.start_server(Peer(lambda *_: OK).serve, "0.0.0.0", 0, ssl=of_server)  # noqa: S104  of a test
        async with server:
            port = server.sockets[0].getsockname()[1]
            with pytest.raises(TlsError, match=r"TLS with 127\.0\.0\.2 failed: IP address mismatch"):
                await client.ask(f"https://127.0.0.2:{port}/")


class EveryName(AbstractResolver):
    """Knows each name, at this machine, and remembers what it was asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        self.asked.append(host)
        found = ResolveResult(hostname=host, host="127.0.0.1", port=port, family=socket.AF_INET, proto=0, flags=0)
        return [found] if family in {socket.AF_INET, socket.AF_UNSPEC} else []

    async def close(self) -> None:
        return


@pytest.mark.parametrize(
    ("written", "known_as"),
    [
        ("портал.рф", "xn--80awhdgm.xn--p1ai"),
        ("xn--80awhdgm.xn--p1ai", "xn--80awhdgm.xn--p1ai"),
        ("büro-müller.example", "xn--bro-mller-q9ae.example"),
    ],
)
async def test_an_international_name_is_looked_up_asked_for_and_checked_in_punycode(
    tmp_path: Path, written: str, known_as: str
) -> None:
    of_server, of_client = contexts(tmp_path, known_as)
    names = EveryName()

    async with client_with(tls=of_client, names=names) as client:
        async with peer(tls=of_server) as server:
            answer = await client.ask(server.origin.replace("localhost", written))
            assert 200 == answer.status
            assert f"\r\nhost: {known_as}:".encode() in server.requests[0].lower()
        assert [known_as] == names.asked


async def test_a_server_that_does_not_speak_tls_is_a_tls_error(client: Client) -> None:
    async with peer(lambda *_: OK) as server:
        asking = asyncio.create_task(client.ask(server.origin.replace("http://", "https://")))
        while not server.connections:  # noqa: ASYNC110  the peer has no event to wait for
            await asyncio.sleep(0)
        server.connections[0].write(OK)
        with pytest.raises(TlsError):
            await asking
