"""Which proxy the environment wants for which address."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import ConfigError
from exporter.platforms.proxies import Proxies, proxies_of_environment

BOTH = {"http": "http://plain.example:3128", "https": "http://secure.example:3128"}


def proxy_of(address: str, environment: dict[str, str]) -> str | None:
    proxy = Proxies(environment).for_url(httpx.URL(address))
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("address", "environment", "expected"),
    [
        ("https://www.wixapis.com/x", {}, None),
        ("https://www.wixapis.com/x", BOTH, "http://secure.example:3128"),
        ("http://www.wixapis.com/x", BOTH, "http://plain.example:3128"),
        ("https://www.wixapis.com/x", {"all": "https://any.example"}, "https://any.example"),
        ("https://www.wixapis.com/x", {**BOTH, "all": "https://any.example"}, "http://secure.example:3128"),
        ("https://www.wixapis.com/x", {"https": "secure.example:3128"}, "http://secure.example:3128"),
        ("https://www.wixapis.com/x", {"https": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ("https://www.wixapis.com/x", {"https": ""}, None),
        ("https://localhost:8443/x", BOTH, None),
        ("https://127.0.0.1/x", BOTH, None),
        ("https://[::1]/x", BOTH, None),
        ("https://www.wixapis.com/x", {**BOTH, "no": "wixapis.com"}, None),
        ("https://www.wixapis.com/x", {**BOTH, "no": ".wixapis.com, other.example"}, None),
        ("https://notwixapis.com/x", {**BOTH, "no": "wixapis.com"}, "http://secure.example:3128"),
        ("https://portal.example:8443/x", {**BOTH, "no": "portal.example:8443"}, None),
        ("https://www.wixapis.com/x", {**BOTH, "no": "*"}, None),
    ],
)
def test_the_environment_chooses_by_scheme_and_host(address: str, environment: dict[str, str], expected: str | None) -> None:
    assert expected == proxy_of(address, environment)


def test_user_and_password_go_into_a_header_and_nowhere_else() -> None:
    proxy = Proxies({"https": "http://anna:pa%3Ass@secure.example:3128/"}).for_url(httpx.URL("https://x.example"))
    assert proxy is not None
    assert proxy.url == "http://secure.example:3128"
    assert {"Proxy-Authorization": "Basic YW5uYTpwYTpzcw=="} == proxy.headers
    assert "YW5u" not in repr(proxy)


@pytest.mark.parametrize(
    "address", ["socks5://anna:planted-secret@proxy.example:1080", "socks4://anna:planted-secret@p.example"]
)
def test_a_socks_proxy_is_a_configuration_error_that_says_what_works(address: str) -> None:
    with pytest.raises(ConfigError, match="HTTPS_PROXY") as caught:
        Proxies({"https": address})
    assert "http://" in str(caught.value)
    assert "planted-secret" not in str(caught.value)


@pytest.mark.parametrize("address", ["http://", "http://:3128", "http://proxy.example:port", "http://[fd00::1:3128"])
def test_an_address_that_is_none_is_a_configuration_error(address: str) -> None:
    with pytest.raises(ConfigError, match="ALL_PROXY"):
        Proxies({"all": address})


def test_the_variables_are_those_of_curl(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("http_proxy", "https_proxy", "all_proxy", "no_proxy"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.upper(), raising=False)
    monkeypatch.setenv("HTTPS_PROXY", "http://secure.example:3128")
    monkeypatch.setenv("NO_PROXY", "portal.example")
    proxies = proxies_of_environment()
    assert proxies.for_url(httpx.URL("https://www.wixapis.com")) is not None
    assert proxies.for_url(httpx.URL("https://portal.example")) is None
    assert proxies.for_url(httpx.URL("http://www.wixapis.com")) is None


@pytest.mark.parametrize(
    ("no_proxy", "address", "direct"),
    [
        ("10.0.0.0/8", "https://10.1.2.3", True),
        ("10.0.0.0/8", "https://11.1.2.3", False),
        ("192.168.1.7", "https://192.168.1.7", True),
        ("fd00::/8", "https://[fd00::1]", True),
        ("[fd00::1]", "https://[fd00::1]", True),
        ("[fd00::1]:8443", "https://[fd00::1]:8443", True),
        ("fd00::1", "https://[fd00::2]", False),
        ("portal.example:443", "https://portal.example", True),
        ("portal.example:80", "https://portal.example", False),
        ("portal.example:8443", "https://portal.example:8443", True),
        ("example", "https://portal.example", True),
        (".example", "https://portal.example", True),
        ("*.example", "https://portal.example", True),
        ("ample", "https://portal.example", False),
        ("Portal.EXAMPLE", "https://portal.example", True),
        ("other.test, portal.example", "https://portal.example", True),
        ("other.test portal.example", "https://portal.example", True),
        ("*", "https://portal.example", True),
        ("", "https://portal.example", False),
    ],
)
def test_no_proxy_names_addresses_networks_domains_and_ports(no_proxy: str, address: str, *, direct: bool) -> None:
    proxies = Proxies({"https": "http://proxy.example:3128", "no": no_proxy})
    assert direct is (proxies.for_url(httpx.URL(address)) is None)
