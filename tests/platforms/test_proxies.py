"""Which proxy the environment wants for which address."""

from __future__ import annotations

import httpx
import pytest

from exporter.errors import ConfigError
from exporter.fields.routes import parse_proxy
from exporter.platforms.proxies import proxies_of_environment

PROXY = "http://secure.example:3128"
SECRET = "planted-secret"


def proxy_of(address: str, environment: dict[str, str]) -> str | None:
    proxy = proxies_of_environment(environment).for_url(httpx.URL(address))
    return proxy.url if proxy else None


@pytest.mark.parametrize(
    ("address", "environment", "expected"),
    [
        ("https://www.wixapis.com/x", {}, None),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": PROXY}, PROXY),
        ("https://www.wixapis.com/x", {"https_proxy": PROXY}, PROXY),
        ("https://www.wixapis.com/x", {"https_proxy": PROXY, "HTTPS_PROXY": "http://other.example"}, PROXY),
        ("https://www.wixapis.com/x", {"https_proxy": "", "HTTPS_PROXY": PROXY}, None),
        ("https://www.wixapis.com/x", {"HTTP_PROXY": PROXY}, None),
        ("https://www.wixapis.com/x", {"ALL_PROXY": "https://any.example"}, "https://any.example"),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": PROXY, "ALL_PROXY": "https://any.example"}, PROXY),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": PROXY, "ALL_PROXY": "socks5://127.0.0.1:7890"}, PROXY),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": "secure.example:3128"}, PROXY),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": f" {PROXY}/ "}, PROXY),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": "http://[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": "[fd00::1]:3128"}, "http://[fd00::1]:3128"),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": "http://прокси.рф:3128"}, "http://xn--h1adldfi.xn--p1ai:3128"),
        ("https://www.wixapis.com/x", {"HTTPS_PROXY": ""}, None),
        ("https://localhost:8443/x", {"HTTPS_PROXY": PROXY}, None),
        ("https://127.0.0.1/x", {"HTTPS_PROXY": PROXY}, None),
        ("https://[::1]/x", {"HTTPS_PROXY": PROXY}, None),
    ],
)
def test_the_environment_chooses_by_the_variables_of_curl(
    address: str, environment: dict[str, str], expected: str | None
) -> None:
    assert expected == proxy_of(address, environment)


def test_user_and_password_go_into_a_header_and_nowhere_else() -> None:
    proxy = parse_proxy("http://anna:pa%3Ass@secure.example:3128/")
    assert "http://secure.example:3128" == proxy.url
    assert {"Proxy-Authorization": "Basic YW5uYTpwYTpzcw=="} == proxy.headers
    assert "YW5u" not in repr(proxy) + str(proxy)
    assert "http://********@secure.example:3128" == str(proxy)


UNUSABLE = {
    "socks5://anna:planted-secret@proxy.example:1080": "names a socks5 proxy",
    "socks5h://anna:planted-secret@proxy.example": "names a socks5h proxy",
    "socks4://anna:planted-secret@proxy.example": "names a socks4 proxy",
    "socks://anna:planted-secret@proxy.example:7890/": "names a socks proxy",
    "planted-secret://proxy.example": "names another kind of proxy",
    "http://": "is not the address of a proxy",
    "http://:3128": "is not the address of a proxy",
    "http://anna:planted-secret@": "is not the address of a proxy",
    "http://anna:planted-secret@proxy.example:port": "is not the address of a proxy",
    "http://anna:planted-secret@proxy.example:0": "is not the address of a proxy",
    "http://anna:planted-secret@proxy.example:70000": "is not the address of a proxy",
    "http://anna:planted/secret@proxy.example:3128": "is not the address of a proxy",
    "http://[fd00::1:3128": "is not the address of a proxy",
    "http://fd00::1:3128": "is not the address of a proxy",
    "::1": "is not the address of a proxy",
    "http://proxy.example?planted-secret": "is not the address of a proxy",
    '"http://anna:planted-secret@proxy.example:3128"': "has quotes inside the value",
    "'http://anna:planted-secret@proxy.example:3128'": "has quotes inside the value",
    "http://a..рф:3128": "has a host name that is not valid",
    "http://xn--zzzzzz99999.example": "has a host name that is not valid",
    "nonsense!": "is not the address of a proxy",
}


@pytest.mark.parametrize("name", ["HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy"])
@pytest.mark.parametrize(("address", "told"), UNUSABLE.items())
def test_a_proxy_that_cannot_be_used_is_one_problem_that_names_its_variable_and_a_way_out(
    name: str, address: str, told: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        proxies_of_environment({name: address})
    (problem,) = caught.value.problems
    assert (name, told) == (problem.path, problem.message)
    assert problem.fix.endswith(f"; or unset {name}")
    assert "planted" not in str(caught.value) + repr(caught.value)


@pytest.mark.parametrize("name", ["NO_PROXY", "no_proxy"])
@pytest.mark.parametrize("entries", ['"localhost,.example"', "'portal.example'", '"localhost', "localhost'"])
def test_quotes_around_what_is_asked_directly_are_named_together_with_a_proxy_that_cannot_be_used(
    name: str, entries: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        proxies_of_environment({name: entries, "HTTPS_PROXY": "socks5://proxy.example"})
    assert [name, "HTTPS_PROXY"] == [problem.path for problem in caught.value.problems]
    assert ("has quotes inside the value", True) == (
        caught.value.problems[0].message,
        "env-file" in caught.value.problems[0].fix,
    )


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
        ("портал.рф", "https://xn--80aswg.xn--p1ai", False),
        ("сайт.рф", "https://xn--80aswg.xn--p1ai", True),
        ("*.рф", "https://сайт.рф", True),
        ("xn--p1ai:443", "https://сайт.рф", True),
        (":::/:::", "https://portal.example", False),
        ("[fd00::1", "https://portal.example", False),
        ("a..рф", "https://portal.example", False),
        ("", "https://portal.example", False),
    ],
)
def test_no_proxy_names_addresses_networks_domains_and_ports(no_proxy: str, address: str, *, direct: bool) -> None:
    proxies = proxies_of_environment({"HTTPS_PROXY": "http://proxy.example:3128", "NO_PROXY": no_proxy})
    assert direct is (proxies.for_url(httpx.URL(address)) is None)
