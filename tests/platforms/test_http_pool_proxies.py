"""The pool behind a proxy, over real sockets: the tunnel, the password, and who is named when it fails."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.clock import SystemClock
from exporter.errors import NetworkError, Reason, TlsError
from exporter.fields.routes import parse_proxy
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.proxies import Proxies
from tests.harness.certificates import contexts
from tests.harness.clock import ManualClock
from tests.harness.connect_proxy import ConnectProxy, listening
from tests.harness.peer import Client, client_with, peer

SECRET = "s3cr3tw3bh00kc0de"


@contextlib.asynccontextmanager
async def proxied(
    proxy: ConnectProxy, tls: ssl.SSLContext, *, user: str = "", clock: SystemClock | ManualClock | None = None
) -> AsyncIterator[Client]:
    clock = clock or SystemClock()
    async with listening(proxy) as address:
        proxies = Proxies(parse_proxy(address.replace("://", f"://{user}")))
        async with HttpPool(clock, tls=tls, proxies=proxies) as pool:
            yield Client(pool, clock)


async def test_https_goes_through_a_proxy_in_a_tunnel_and_its_password_to_the_proxy_only(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path, "portal.localhost")

    proxy = ConnectProxy()
    async with peer(tls=of_server) as server, proxied(proxy, of_client, user="anna:pa%20ss@") as client:
        for _ in range(2):
            assert 200 == (await client.ask(server.origin.replace("localhost", "portal.localhost"))).status
        assert 1 == len(proxy.heads), "the tunnel is kept"
        assert b"Proxy-Authorization: Basic YW5uYTpwYSBzcw==" in proxy.heads[0]
        assert b"proxy-authorization" not in server.requests[0].lower()


@pytest.mark.parametrize(
    ("proxy", "told"),
    [
        (ConnectProxy(407), "refuses to connect (HTTP 407: it requires a user and a password, or other ones)"),
        (ConnectProxy(403), "refuses to connect (HTTP 403)"),
        (ConnectProxy(502), "refuses to connect (HTTP 502)"),
        (ConnectProxy(503), "refuses to connect (HTTP 503)"),
        (ConnectProxy(302), "refuses to connect (HTTP 302)"),
        (ConnectProxy(says=b""), "broke the connection"),
        (ConnectProxy(says=b"SSH-2.0-OpenSSH_9.2\r\n"), "sent something that is not HTTP"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_proxy_that_makes_no_connection_is_named_with_what_it_did_and_without_its_password(
    proxy: ConnectProxy, told: str
) -> None:
    async with proxied(proxy, ssl.create_default_context(), user=f"anna:{SECRET}@") as client:
        with pytest.raises(NetworkError) as caught:
            await client.ask(f"https://portal.example/{SECRET}")
    assert f"cannot reach portal.example: the proxy {proxy.address} {told}" == str(caught.value)
    assert Reason.NETWORK == caught.value.reason


async def test_a_proxy_that_is_not_there_is_named_as_what_is_missing() -> None:
    async with client_with(proxy=f"http://anna:{SECRET}@127.0.0.1:1") as client:
        with pytest.raises(NetworkError) as caught:
            await client.ask(f"https://portal.example/{SECRET}")
        told = "cannot reach portal.example: the proxy http://127.0.0.1:1 refuses or is unreachable"
        assert told == str(caught.value)


class NoNames(AbstractResolver):
    """Knows no name."""

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
        raise OSError(socket.EAI_NONAME, f"{host}:{port} {family}")

    async def close(self) -> None:
        return


async def test_a_proxy_whose_name_is_not_found_is_named_and_not_the_portal() -> None:
    async with client_with(proxy="http://proxy.example:3128", names=NoNames()) as client:
        with pytest.raises(NetworkError) as caught:
            await client.ask(f"https://portal.example/{SECRET}")
        told = "cannot reach portal.example: the proxy http://proxy.example:3128 cannot be found: its name does not exist"
        assert told == str(caught.value)


async def test_a_proxy_that_hangs_is_named_as_what_hangs() -> None:
    clock, proxy = ManualClock(), ConnectProxy(0)
    async with proxied(proxy, ssl.create_default_context(), clock=clock) as client:
        asking = asyncio.create_task(client.ask(f"https://portal.example/{SECRET}", timeout=30))
        while not proxy.heads:  # noqa: ASYNC110  it is the proxy that is waited for
            await asyncio.sleep(0.001)
        await clock.advance(5.1)
        with pytest.raises(NetworkError) as caught:
            await asking
    assert f"cannot reach portal.example: the proxy {proxy.address} made no connection within 5 s" == str(caught.value)


async def test_a_proxy_over_tls_whose_certificate_is_not_trusted_is_named_and_not_the_portal(tmp_path: Path) -> None:
    of_server, _ = contexts(tmp_path)

    async with listening(ConnectProxy(), of_server) as address:
        proxies = Proxies(parse_proxy(address))
        async with HttpPool(SystemClock(), tls=ssl.create_default_context(), proxies=proxies) as pool:
            with pytest.raises(TlsError) as caught:
                await Client(pool).ask(f"https://portal.example/{SECRET}")
    assert str(caught.value).startswith(f"TLS with the proxy {address} failed: self-signed certificate")


async def test_a_certificate_behind_the_proxy_that_is_not_trusted_is_the_portals(tmp_path: Path) -> None:
    of_server, _ = contexts(tmp_path, "portal.localhost")

    async with peer(tls=of_server) as server, proxied(ConnectProxy(), ssl.create_default_context()) as client:
        with pytest.raises(TlsError, match=r"^TLS with portal\.localhost failed: self-signed certificate"):
            await client.ask(server.origin.replace("localhost", "portal.localhost"))


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
async def test_this_machine_is_asked_without_the_proxy(host: str) -> None:
    async with client_with(proxy="http://127.0.0.1:1") as client, peer() as server:
        assert 200 == (await client.ask(server.origin.replace("127.0.0.1", host))).status
