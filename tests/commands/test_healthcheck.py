"""``healthcheck`` against whatever may listen there: each answer is a sentence with what to do."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

import pytest
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.commands import healthcheck
from exporter.commands.healthcheck import is_healthy
from exporter.web.config import WebConfig
from exporter.web.server import serve
from tests.harness.certificates import self_signed

ROOT: Final = Path(__file__).parents[2]
HEALTHY: Final = PlainTextResponse("booking-sync-exporter is healthy.\n")
CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="booking-sync-exporter", charset="UTF-8"'}
WHO: Final = "(fix: name the --web.listen-address that the exporter runs with)"
NAME_FILE: Final = "(fix: name the --web.config.file that the exporter runs with)"


def app_of(response: Response) -> ASGIApp:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        await response(scope, receive, send)

    return app


@pytest.fixture(scope="module")
def web_files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path | None]:
    folder = tmp_path_factory.mktemp("web")
    certificate, key = self_signed(folder)
    tls = f"tls_server_config:\n  cert_file: {certificate.name}\n  key_file: {key.name}\n"
    certified = f"  client_auth_type: RequireAndVerifyClientCert\n  client_ca_file: {certificate.name}\n"
    texts = {"tls": tls, "client": tls + certified}
    for name, text in texts.items():
        (folder / f"{name}.yml").write_text(text)
    return {"none": None, **{name: folder / f"{name}.yml" for name in texts}}


async def asked(response: Response, address: str, runs_with: Path | None, asks_with: Path | None) -> tuple[bool, str]:
    """Return what the command says of a server, with PORT for its port."""
    server = await serve(app_of(response), address, WebConfig.load(runs_with))
    try:
        host = address.rpartition(":")[0]
        healthy, line = await asyncio.to_thread(is_healthy, f"{host}:{server.port}", asks_with)
        return healthy, line.replace(str(server.port), "PORT").replace(str(asks_with), "FILE")
    finally:
        await server.stop()


NO: Final = "no answer from 127.0.0.1:PORT: "
SCHEMES: Final = (
    ("none", "none", (True, "healthy")),
    ("tls", "tls", (True, "healthy")),
    ("client", "client", (True, "healthy (it asks for a client certificate)")),
    ("tls", "none", (False, f"{NO}it speaks TLS {NAME_FILE}")),
    ("client", "none", (False, f"{NO}it speaks TLS {NAME_FILE}")),
    ("none", "tls", (False, f"{NO}it does not speak TLS, although FILE asks for it {NAME_FILE}")),
    ("none", "client", (False, f"{NO}it does not speak TLS, although FILE asks for it {NAME_FILE}")),
)


@pytest.mark.parametrize(("runs_with", "asks_with", "said"), SCHEMES)
async def test_plain_and_tls_are_told_apart(
    web_files: dict[str, Path | None], runs_with: str, asks_with: str, said: tuple[bool, str]
) -> None:
    assert said == await asked(HEALTHY, "127.0.0.1:0", web_files[runs_with], web_files[asks_with])


ANSWERS: Final = (
    (PlainTextResponse("Prometheus Server is Healthy.\n"), f"127.0.0.1:PORT answered 200, but is not the exporter {WHO}"),
    (PlainTextResponse("404 page not found\n", 404), f"127.0.0.1:PORT answered 404, but is not the exporter {WHO}"),
    (PlainTextResponse("", 302, {"location": "/login"}), f"127.0.0.1:PORT answered 302, but is not the exporter {WHO}"),
    (
        PlainTextResponse("", 401, {"www-authenticate": 'Basic realm="nginx"'}),
        f"127.0.0.1:PORT answered 401, but is not the exporter {WHO}",
    ),
    (PlainTextResponse("", 401, CHALLENGE), "healthy (it asks for a password)"),
    (
        PlainTextResponse("booking-sync-exporter is not healthy: a thread hangs\n", 503),
        "booking-sync-exporter is not healthy: a thread hangs",
    ),
)


@pytest.mark.parametrize(("response", "said"), ANSWERS, ids=[str(said) for _, said in ANSWERS])
async def test_another_program_and_trouble_are_told_apart(response: Response, said: str) -> None:
    expected = (said.startswith("healthy"), said)
    assert expected == await asked(response, "127.0.0.1:0", None, None)


@pytest.mark.parametrize("address", ["127.0.0.1:0", ":0", "0.0.0.0:0", "[::1]:0", "[::]:0", "localhost:0"])
async def test_the_exporter_is_found_wherever_it_listens(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:1")
    assert (True, "healthy") == await asked(HEALTHY, address, None, None)


@pytest.fixture
def raw_server() -> Iterator[Callable[[bytes], Awaitable[int]]]:
    servers: list[asyncio.Server] = []

    async def start(answer: bytes) -> int:
        async def handle(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            writer.write(answer)
            writer.close()

        servers.append(server := await asyncio.start_server(handle, "127.0.0.1", 0))
        return int(server.sockets[0].getsockname()[1])

    yield start
    for server in servers:
        server.close()


@pytest.mark.parametrize("answer", [b"", b"SSH-2.0-OpenSSH_9.2\r\n", b"\x00\x01\x02"])
async def test_what_speaks_no_http_is_not_the_exporter(raw_server: Callable[[bytes], Awaitable[int]], answer: bytes) -> None:
    port = await raw_server(answer)
    healthy, said, port = (*(await asyncio.to_thread(is_healthy, f"127.0.0.1:{port}", None)), port)
    assert (healthy, said) == (False, f"no answer from 127.0.0.1:{port}: what listens there is not the exporter {WHO}")


def test_an_exporter_that_hangs_is_given_up_after_4_seconds_before_docker_gives_the_command_up(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    image, compose = ((ROOT / name).read_text() for name in ("Dockerfile", "compose.yaml"))
    docker = re.findall(r"HEALTHCHECK .*--timeout=(\d+)s", image)
    docker += re.findall(r"test: \[CMD, booking-sync-exporter, healthcheck\]\n.*\n +timeout: (\d+)s", compose)
    assert (["5", "5"], 4) == (docker, healthcheck._SECONDS)
    monkeypatch.setattr(healthcheck, "_SECONDS", 0.05)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        said = f"no answer from {address}: no answer within 0.05 s (fix: look in the log of the exporter)"
        assert (False, said) == is_healthy(address, None)


def test_where_nothing_listens_and_what_is_no_address_is_told() -> None:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{probe.getsockname()[1]}"  # bound and not listening: nobody else can take it
        nothing = "nothing listens there (fix: start the exporter, or name the --web.listen-address that it runs with)"
        assert (False, f"no answer from {address}: {nothing}") == is_healthy(address, None)
    for address in ("nonsense", "a b:1", "host:99999", "localhost", "::1:10888"):
        healthy, said = is_healthy(address, None)
        assert not healthy
        assert "not an address" in said
        assert "(fix: " in said


def test_a_web_configuration_that_is_wrong_is_told_with_its_fix(tmp_path: Path) -> None:
    healthy, said = is_healthy("127.0.0.1:1", tmp_path / "missing.yml")
    assert not healthy
    assert "(fix: " in said
