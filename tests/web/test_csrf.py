"""What a browser may be made to ask of us by the page of somebody else: forms across sites, names that were rebound."""

from __future__ import annotations

from collections.abc import Iterable, MutableMapping
from typing import Any

import httpx
import pytest
import structlog.testing
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send

from exporter.errors import ConfigError
from exporter.web.csrf import DnsRebindingGuard, allowed_hosts, foreign_name
from tests.harness import views
from tests.harness.web import ShownBackend, ask

PORT = 10888


@pytest.mark.parametrize(
    "headers",
    [
        {},  # curl, a scraper
        {"sec-fetch-site": "none"},
        {"sec-fetch-site": "same-origin", "origin": "https://public.example"},  # behind a proxy that changes Host
        {"origin": "http://exporter"},
        {"origin": "HTTP://EXPORTER"},
    ],
)
def test_our_own_page_and_a_tool_may_reload(headers: dict[str, str]) -> None:
    backend = ShownBackend(views.healthy(), lifecycle=True)
    assert (200, 1) == (ask(backend, "/-/reload", "POST", {"host": "exporter", **headers}).status_code, backend.reloads)


@pytest.mark.parametrize(
    "headers",
    [
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {"origin": "http://evil.example"},  # plain HTTP to another machine: browsers send no Sec-Fetch-Site
        {"origin": "http://exporter:8080"},
        {"origin": "null"},
        {"origin": "http://[exporter"},
        {"origin": ""},
    ],
)
@pytest.mark.parametrize("path", ["/-/reload", "/-/log-level?level=debug"])
def test_the_page_of_somebody_else_may_not(path: str, headers: dict[str, str]) -> None:
    backend = ShownBackend(views.healthy(), lifecycle=True)
    assert 403 == ask(backend, path, "POST", {"host": "exporter", **headers}).status_code
    assert (0, "info") == (backend.reloads, backend.level)


@pytest.mark.parametrize(
    "host",
    [
        "evil.example:10888",
        "EVIL.example:10888",
        "evil.example.:10888",
        "127.0.0.1.evil.example:10888",
        "0x7f.1:10888",
        "svc.evil.example:10888",
        "internal.example:10888",
        "evilsvc.cluster.local:10888",
    ],
)
def test_a_domain_at_our_own_port_is_foreign(host: str) -> None:
    assert foreign_name(host, PORT) is not None


@pytest.mark.parametrize(
    "host",
    [
        "localhost:10888",
        "127.0.0.1:10888",
        "[::1]:10888",
        "salon.localhost:10888",
        "localhost.:10888",
        "localhost.localdomain:10888",  # Red Hat's /etc/hosts
        "LOCALHOST.localdomain.:10888",
        "localhost4.localdomain4:10888",
        "localhost6.localdomain6:10888",
        "exporter:10888",  # a name of this network, which no web site can have
        "exporter.monitoring.svc:10888",
        "exporter.monitoring.svc.cluster.local.:10888",
        "host.docker.internal:10888",
        "192.0.2.7:10888",
        "exporter.example",  # a reverse proxy hands on the public name
        "exporter.example:443",
        "",
        "a:b:c",
        "[::1",
        "exporter.example:99999",
    ],
)
def test_what_a_person_or_a_proxy_asks_for_is_not(host: str) -> None:
    assert foreign_name(host, PORT) is None


NAMES = allowed_hosts(["host.docker.example, GATEWAY.containers.example.", "metrics.test"])


@pytest.mark.parametrize("host", ["host.docker.example", "HOST.docker.example.", "gateway.containers.example", "metrics.test"])
def test_a_name_that_is_allowed_is_served_at_our_own_port_and_no_other_with_it(host: str) -> None:
    assert foreign_name(f"{host}:{PORT}", PORT, NAMES) is None
    assert f"www.{host}".rstrip(".").lower() == foreign_name(f"www.{host}:{PORT}", PORT, NAMES)
    assert "docker.example" == foreign_name(f"docker.example:{PORT}", PORT, NAMES)


@pytest.mark.parametrize(
    "bad", ["", "a,,b", "*", "*.example", "host:10888", "http://host", "[::1]", "a b", "-a", "a..b", "bücher.example"]
)
def test_what_is_no_name_of_a_host_is_a_configuration_error_with_a_way_out(bad: str) -> None:
    with pytest.raises(
        ConfigError, match=r"--web\.allowed-hosts: .* is not the name of a host .fix: write (NAME or|host: the)"
    ):
        allowed_hosts(["good.example", bad])


async def served(scope: Scope, receive: Receive, send: Send) -> None:
    await PlainTextResponse("page")(scope, receive, send)


async def refused(hosts: Iterable[str]) -> tuple[list[MutableMapping[str, Any]], int]:
    """Ask a guarded page by each name at our port. Returns what was logged, and how many were refused with the way out."""

    async def scenario() -> int:
        transport = httpx.ASGITransport(DnsRebindingGuard(served, PORT))
        async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
            answers = [await client.get("/", headers={"host": f"{host}:{PORT}"}) for host in hosts]
        return sum(answer.status_code == 421 and "--web.allowed-hosts" in answer.text for answer in answers)

    with structlog.testing.capture_logs() as logged:
        return logged, await scenario()


async def test_a_refusal_is_logged_once_for_each_name_with_the_way_out() -> None:
    logged, refusals = await refused(["host.docker.example", "HOST.docker.example.", "b.example"] * 3)
    assert 9 == refusals
    assert [("host_refused", "warning", "host.docker.example"), ("host_refused", "warning", "b.example")] == [
        (line["event"], line["log_level"], line["host"]) for line in logged
    ]
    assert all("--web.allowed-hosts" in line["fix"] for line in logged)


@pytest.mark.slow
async def test_names_without_end_flood_neither_the_log_nor_memory() -> None:
    logged, refusals = await refused(f"{number}.evil.example" for number in range(1000))
    assert 1000 == refusals
    assert [*["host_refused"] * 100, "more_hosts_refused"] == [line["event"] for line in logged]


async def test_a_name_is_told_as_short_visible_and_redacted_text() -> None:
    names = ["a." + "b" * 5000, "a\x1b.evil", "anna:planted@evil.example"]
    hosts = [line["host"] for line in (await refused(names))[0]]
    assert 3 == len(hosts)
    assert all(host.isprintable() and len(host) <= 100 and "planted" not in host for host in hosts)


def test_without_a_port_it_is_that_of_http() -> None:
    assert "evil.example" == foreign_name("evil.example", 80)
