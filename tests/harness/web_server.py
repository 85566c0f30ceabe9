"""The listening server over real sockets, with or without a web configuration file, and a client that asks it."""

from __future__ import annotations

import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx

from exporter.web import Server, WebConfig, create_app, serve
from tests.harness import views
from tests.harness.web import ShownBackend, library

# A certificate and key as `self_signed` writes them into the folder of the web configuration file.
TLS = "tls_server_config:\n  cert_file: localhost.crt\n  key_file: localhost.key\n"


@asynccontextmanager
async def running(
    web: Path | None = None,
    address: str = "127.0.0.1:0",
    backend: ShownBackend | None = None,
    allowed_hosts: frozenset[str] = frozenset(),
) -> AsyncIterator[Server]:
    """Serve ``backend`` (a healthy one if absent) with the web configuration file ``web`` while the block runs."""
    app = create_app(backend or ShownBackend(views.healthy()), runbooks=library)
    server = await serve(app, address, WebConfig.load(web), allowed_hosts)
    try:
        yield server
    finally:
        await server.stop(grace=1)


def web_file(folder: Path, text: str) -> Path:
    """Write the web configuration file of ``folder``, over the one that is there."""
    file = folder / "web.yml"
    file.write_text(text)
    return file


async def get(
    server: Server,
    path: str = "/-/healthy",
    *,
    verify: ssl.SSLContext | bool = True,
    user: str = "",
    timeout: float = 5.0,
) -> httpx.Response:
    """Return the answer to one GET on a connection of its own; ``user`` is ``name:password``."""
    auth = httpx.BasicAuth(*user.split(":")) if user else None
    async with httpx.AsyncClient(verify=verify, trust_env=False, timeout=timeout) as client:
        return await client.get(f"{server.url}{path}", auth=auth)


def trusting(certificate: Path, client: tuple[Path, Path] | None = None) -> ssl.SSLContext:
    """Return the context of a client that trusts ``certificate`` alone, and shows its own (file, key) if it has one."""
    context = ssl.create_default_context(cafile=certificate)
    if client is not None:
        context.load_cert_chain(*client)
    return context
