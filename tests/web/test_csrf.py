"""What a browser may be made to ask of us by the page of somebody else: forms across sites, names that were rebound."""

from __future__ import annotations

import pytest

from exporter.web.csrf import is_foreign, only_here
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
    "host", ["evil.example:10888", "EVIL.example:10888", "evil.example.:10888", "127.0.0.1.evil.example:10888", "0x7f.1:10888"]
)
def test_a_domain_at_our_own_port_is_foreign_on_the_loopback(host: str) -> None:
    assert is_foreign(host, PORT)


@pytest.mark.parametrize(
    "host",
    [
        "localhost:10888",
        "127.0.0.1:10888",
        "[::1]:10888",
        "salon.localhost:10888",
        "localhost.:10888",
        "exporter:10888",  # a name of this network, which no web site can have
        "exporter.example",  # a reverse proxy hands on the public name
        "exporter.example:443",
        "",
        "a:b:c",
        "[::1",
        "exporter.example:99999",
    ],
)
def test_what_a_person_or_a_proxy_asks_for_is_not(host: str) -> None:
    assert not is_foreign(host, PORT)


def test_without_a_port_it_is_that_of_http() -> None:
    assert is_foreign("evil.example", 80)


@pytest.mark.parametrize(("address", "here"), [("127.0.0.1", True), ("::1", True), ("0.0.0.0", False), ("fe80::1%eth0", False)])  # noqa: S104  compared, not bound
def test_a_loopback_listener_is_reached_from_this_machine_alone(address: str, *, here: bool) -> None:
    assert here is only_here(address)
