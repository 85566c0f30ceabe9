"""Ways of their own: who goes the same way shares connections, and all share one pool. Over real sockets."""

from __future__ import annotations

import gc
import ssl
from pathlib import Path

import httpx
import pytest

from exporter.clock import SystemClock
from exporter.errors import ConfigError, TlsError
from exporter.fields.routes import CaFile, certificates_in, parse_proxy
from exporter.platforms.http_pool import HttpPool
from exporter.platforms.routes import Routes, host_route
from tests.harness.certificates import contexts, self_signed, signed
from tests.harness.connect_proxy import ConnectProxy, listening
from tests.harness.peer import Client, peer


def ca_file(path: Path) -> CaFile:
    return CaFile(path, certificates_in(path))


def server_context(certificate: Path, key: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificate, key)
    return context


def test_a_target_without_a_way_of_its_own_uses_the_pool_itself() -> None:
    transport = httpx.MockTransport(lambda _: httpx.Response(200))
    assert Routes().through(transport, None, None) is transport


@pytest.mark.slow
async def test_targets_with_the_same_certificates_share_a_connection_and_the_others_do_not_trust_the_server(
    client: Client, tmp_path: Path
) -> None:
    authority, certificate, key = signed(tmp_path)
    copy = tmp_path / "copy.pem"
    copy.write_bytes(authority.read_bytes())
    other, _ = self_signed(tmp_path, "other")

    routes = Routes()
    async with peer(tls=server_context(certificate, key)) as server:
        for file in (authority, authority, copy):
            transport = routes.through(client.http, ca_file(file), None)
            assert 200 == (await Client(transport).ask(server.origin)).status
        assert 1 == len(server.connections)
        for transport in (client.http, routes.through(client.http, ca_file(other), None)):
            with pytest.raises(TlsError, match=r"^TLS with localhost failed: "):
                await Client(transport).ask(server.origin)


async def test_targets_with_the_same_proxy_share_a_tunnel_and_those_with_another_user_do_not(tmp_path: Path) -> None:
    of_server, of_client = contexts(tmp_path, "portal.localhost")

    proxy, routes = ConnectProxy(), Routes()
    async with (
        peer(tls=of_server) as server,
        listening(proxy) as address,
        HttpPool(SystemClock(), tls=of_client) as pool,
    ):
        for user, tunnels in (("anna", 1), ("anna", 1), ("bert", 2), ("anna", 2)):
            way = parse_proxy(address.replace("://", f"://{user}:planted@"))
            transport = routes.through(pool, None, way)
            answer = await Client(transport).ask(server.origin.replace("localhost", "portal.localhost"))
            assert (200, tunnels) == (answer.status, len(proxy.heads))
        assert 2 == len(server.connections)


@pytest.mark.slow
def test_a_thousand_targets_with_one_ca_file_have_one_context_and_none_is_left_when_they_are_gone(tmp_path: Path) -> None:
    authority, _, _ = signed(tmp_path)
    routes, transport = Routes(), httpx.MockTransport(lambda _: httpx.Response(200))
    kept = [routes.through(transport, ca_file(authority), None) for _ in range(1000)]
    assert 1 == len(routes._trust)
    kept.clear()
    gc.collect()
    assert 0 == len(routes._trust)


def test_every_variable_that_cannot_be_used_is_told_at_once() -> None:
    with pytest.raises(ConfigError) as caught:
        host_route({"SSL_CERT_FILE": "/nowhere", "SSL_CERT_DIR": "/nowhere", "ALL_PROXY": "socks://x"})
    assert ["SSL_CERT_FILE", "SSL_CERT_DIR", "ALL_PROXY"] == [problem.path for problem in caught.value.problems]
