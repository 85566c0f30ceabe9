"""Addresses as an operator writes them, and as a URL has them."""

from __future__ import annotations

import pytest

from exporter.errors import ConfigError
from exporter.support.net import join_address, network_prefix, parse_address, plain_address


@pytest.mark.parametrize(
    ("address", "expected"),
    [
        (":10888", ("", 10888)),
        ("127.0.0.1:10888", ("127.0.0.1", 10888)),
        ("localhost:0", ("localhost", 0)),
        ("[::1]:10888", ("::1", 10888)),
        ("[::]:65535", ("::", 65535)),
    ],
)
def test_an_address_is_split(address: str, expected: tuple[str, int]) -> None:
    assert expected == parse_address(address)


FORMS = "write HOST:PORT, [IPV6]:PORT, or :PORT for every interface"
NOT_ADDRESSES = {
    "": FORMS,
    "10888": "write :10888 for every interface, or 127.0.0.1:10888 for this machine alone",
    "99999": "use a port up to 65,535",
    "localhost": "add a port: localhost:PORT",
    "127.0.0.1": "add a port: 127.0.0.1:PORT",
    "[::1]": "add a port: [::1]:PORT",
    "localhost:": FORMS,
    ":http": FORMS,
    "::1:10888": "put the IPv6 address in brackets: [::1]:10888",
    "fe80::2": "put the IPv6 address in brackets: [fe80::2]:PORT",
    ":65536": "use a port up to 65,535",
    ":99999": "use a port up to 65,535",
    ":-1": FORMS,
    "a:\u0661": FORMS,
    "a b:1": FORMS,
    "a@b:1": FORMS,
    "http://a:1": "write a:1, without http:// and a path",
    "https://a:1/metrics": "write a:1, without https:// and a path",
    "a:1/metrics": FORMS,
}


@pytest.mark.parametrize(("address", "fix"), NOT_ADDRESSES.items())
def test_what_is_no_address_is_told_with_what_to_write(address: str, fix: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_address(address)
    assert [str(problem) for problem in caught.value.problems] == [
        f"--web.listen-address: {address!r} is not an address (fix: {fix})"
    ]


@pytest.mark.parametrize(
    ("host", "joined"), [("127.0.0.1", "127.0.0.1:80"), ("localhost", "localhost:80"), ("::1", "[::1]:80"), ("", ":80")]
)
def test_host_and_port_are_joined_as_a_url_has_them(host: str, joined: str) -> None:
    assert joined == join_address(host, 80)


@pytest.mark.parametrize(
    ("address", "plain", "around"),
    [
        ("192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("::ffff:192.0.2.1", "192.0.2.1", "192.0.2.1"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("::1", "::1", "::/64"),
        ("fe80::1%eth0", "fe80::1%eth0", "fe80::/64"),
    ],
)
def test_a_peer_is_told_by_its_address_and_counted_with_all_that_its_machine_may_have(
    address: str, plain: str, around: str
) -> None:
    assert (plain, around) == (plain_address(address), network_prefix(address))
