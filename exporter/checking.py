"""Looking from outside: does each credential work, does a running exporter answer."""

from __future__ import annotations

import ssl
from collections.abc import Callable
from pathlib import Path
from random import Random

import httpx
from prometheus_client import CollectorRegistry

from exporter.advice import for_failure
from exporter.clock import SystemClock
from exporter.config import Config
from exporter.errors import ConfigError, PollError
from exporter.live import World
from exporter.metrics import Instruments
from exporter.platforms.transport import new_http_client
from exporter.since import MemorySince
from exporter.web.config import WebConfig
from exporter.web.server import parse_address


async def check_online(config: Config, say: Callable[[str], None]) -> list[str]:
    """Try the credential of every target with one cheap read. Returns a problem for each that failed."""
    problems = []
    async with new_http_client() as http:
        world = World(http, SystemClock(), Random(), Instruments(CollectorRegistry()))  # noqa: S311  jitter, not cryptography
        for target in config.targets:
            try:
                live = world.open_target(target, MemorySince())
                await live.session.check()
                await live.session.aclose()
            except PollError as error:
                advice = for_failure(error.reason, target.platform)
                problems.append(f"{target.name}: {error.reason.value}: {error.message} (fix: {advice.fix})")
            else:
                say(f"{target.name}: the credential works")
    return problems


def is_healthy(listen_address: str, web_config: Path | None) -> tuple[bool, str]:
    """Ask the exporter on this machine for ``/-/healthy``. Returns whether it answered 200, and a line to print."""
    try:
        host, port = parse_address(listen_address)
        if host in ("", "0.0.0.0", "::"):  # noqa: S104  we connect, we do not bind
            host = "127.0.0.1"
        if ":" in host:
            host = f"[{host}]"
        tls = WebConfig.load(web_config).tls is not None
        # Its own certificate names the public host, not the loopback that we come through.
        response = httpx.get(f"{'https' if tls else 'http'}://{host}:{port}/-/healthy", timeout=4, verify=_no_verify(tls=tls))
    except ConfigError as error:
        return False, str(error)
    except httpx.HTTPError as error:
        return False, f"no answer from {listen_address} ({type(error).__name__})"
    # Asked for a password (probes_require_auth), it is alive all the same.
    if response.status_code not in (httpx.codes.OK, httpx.codes.UNAUTHORIZED):
        return False, f"{listen_address} answered {response.status_code}"
    return True, "healthy"


def _no_verify(*, tls: bool) -> ssl.SSLContext | bool:
    if not tls:
        return True
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
