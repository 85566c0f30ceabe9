"""Small answers that are large inside: none holds the loop, fills the memory or floods the log, whatever it is an answer to.

Each is polled by the whole client in a process of its own: at most half a second of processor time without a turn of the loop,
64 MiB more memory, 4 KiB a line of the log.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from exporter.model import CollectorName
from tests.harness.heavy import Cost, Stem, packed, served
from tests.harness.many import MANY, PERIOD

MIB = 1024 * 1024
STALL_SECONDS = 0.5
GROWN_MIB = 64
LINE_BYTES = 4096


CONNECTIONS, BOOKINGS, LINKS = CollectorName.CONNECTIONS, CollectorName.BOOKINGS, CollectorName.LINKS

KEY = "site_id: s, api_key: k"
APP = "app_id: a, app_secret: b, instance_id: c"
HOOK = "webhook_url: 'https://salon.bitrix24.de/rest/1/c0dec0dec0dec0de/'"
OAUTH = "oauth: {client_id: c, client_secret: s, token_file: tokens.json, server: 'ORIGIN'}"
TOKENS = {
    "access_token": "OLD",
    "refresh_token": "R0",
    "client_endpoint": "https://salon.bitrix24.de/rest/",
    "server_endpoint": "https://oauth.bitrix24.tech/rest/",
    "member_id": "m",
}


def rows(number: int, start: int = 0, resources: int = 0) -> bytes:
    """Return bookings of a portal, as a list; each has ``resources`` of its own."""
    return b"[" + b",".join(_row(start + i + 1, resources) for i in range(number)) + b"]"


def _row(key: int, resources: int) -> bytes:
    ids = b",".join(b"%d" % (key * 1000 + resource) for resource in range(resources))
    return b'{"id":%d,%s,"resourceIds":[%s]}' % (key, PERIOD, ids)


GOOD = {
    "connections": b'{"connections":[{"id":"a","status":"SYNCED","providerId":"p"}]}',
    "providers": b'{"providers":[]}',
    "count": b'{"count":0}',
    "query": b'{"extendedBookings":[],"pagingMetadata":{"hasNext":false}}',
    "booking.v1.booking.list": b'{"result":{"booking":%s}}' % rows(50),
    "booking.v1.resource.list": b'{"result":{"resource":[]}}',
    "batch": b'{"result":{"result":{"p1":{"booking":[]},"p2":{"booking":[]},"p3":{"booking":[]},"p4":{"booking":[]}}}}',
    "token": b"{}",
}
PACKED = {name: packed(body) for name, body in GOOD.items()}


@dataclass(frozen=True)
class Place:
    """Where in which answer something stands: what is polled, the last part of the path, what comes before and behind."""

    login: str
    collector: CollectorName
    operation: str
    before: bytes
    behind: bytes


PLACES = {
    "connections": Place(KEY, CONNECTIONS, "connections", b'{"connections":', b"}"),
    "status of a connection": Place(KEY, CONNECTIONS, "connections", b'{"connections":[{"id":"a","status":', b"}]}"),
    "failed providers": Place(KEY, CONNECTIONS, "connections", b'{"connections":[{"id":"a"}],"failedProviderIds":', b"}"),
    "providers": Place(KEY, CONNECTIONS, "providers", b'{"providers":', b"}"),
    "count": Place(KEY, BOOKINGS, "count", b'{"count":', b"}"),
    "query": Place(KEY, BOOKINGS, "query", b'{"extendedBookings":', b"}"),
    "entity of a booking": Place(KEY, BOOKINGS, "query", b'{"extendedBookings":[{"booking":{"bookedEntity":', b"}}]}"),
    "token": Place(APP, CONNECTIONS, "token", b'{"access_token":"a","x":', b"}"),
    "list": Place(HOOK, BOOKINGS, "booking.v1.booking.list", b'{"result":{"booking":', b"}}"),
    "resources of a booking": Place(
        HOOK, BOOKINGS, "booking.v1.booking.list", b'{"result":{"booking":[{"id":1,%s,"resourceIds":' % PERIOD, b"}]}}"
    ),
    "error": Place(HOOK, BOOKINGS, "booking.v1.booking.list", b'{"error":', b"}"),
    "time": Place(HOOK, BOOKINGS, "booking.v1.booking.list", b'{"result":{"booking":[]},"time":', b"}"),
    "resources": Place(HOOK, BOOKINGS, "booking.v1.resource.list", b'{"result":{"resource":', b"}}"),
    "page of a batch": Place(HOOK, BOOKINGS, "batch", b'{"result":{"result":{"p1":{"booking":', b"}}}}"),
    "results of a batch": Place(HOOK, BOOKINGS, "batch", b'{"result":{"result":', b"}}"),
    "errors of a batch": Place(HOOK, BOOKINGS, "batch", b'{"result":{"result_error":', b"}}"),
    "an error of a batch": Place(HOOK, BOOKINGS, "batch", b'{"result":{"result_error":{"p1":', b"}}}"),
    "times of a batch": Place(HOOK, BOOKINGS, "batch", b'{"result":{"result_time":', b"}}"),
    "links": Place(HOOK, LINKS, "batch", b'{"result":{"result":{"e1":{"externalData":', b"}}}}"),
    "module of a link": Place(HOOK, LINKS, "batch", b'{"result":{"result":{"e1":{"externalData":[{"moduleId":', b"}]}}}}"),
    "token pair": Place(OAUTH, BOOKINGS, "token", b'{"access_token":"A","refresh_token":"R","member_id":"m","x":', b"}"),
    "error of the auth server": Place(OAUTH, BOOKINGS, "token", b'{"error":', b"}"),
}


@pytest.fixture(scope="module")
def stem() -> Iterator[Stem]:
    stem = Stem()
    yield stem
    stem.close()


def cost_of(stem: Stem, folder: Path, place: Place, answers: Callable[[str, bytes], bytes | None]) -> Cost:
    """Poll a target whose platform says what ``answers`` makes of operation and request, and good things elsewhere."""

    def answer(path: str, request: bytes) -> tuple[int, bytes]:
        operation = path.partition("?")[0].rstrip("/").rpartition("/")[2]
        found = answers(operation, request)
        if found is not None:
            return 200, found
        if b'"OLD"' in request:
            return 401, packed(b'{"error":"expired_token"}')
        return 200, PACKED[operation]

    with served(answer) as origin:
        platform = "bitrix24" if place.login in (HOOK, OAUTH) else "wix"
        more = {CONNECTIONS: "{}", LINKS: "{}", BOOKINGS: "{per_resource: true}"}[place.collector]
        if platform == "wix" and place.collector is BOOKINGS:
            more = f"{{conflicts: {'false' if place.operation == 'count' else 'true'}}}"
        login = place.login.replace("ORIGIN", origin)
        collectors = f"{{{place.collector.value}: {more}}}"
        (folder / "tokens.json").write_text(json.dumps(TOKENS))
        (folder / "exporter.yml").write_text(
            f"targets: [{{name: salon, platform: {platform}, base_url: '{origin}', {login}, collectors: {collectors}}}]\n"
        )
        return stem.cost(folder / "exporter.yml", place.collector)


def check(cost: Cost) -> None:
    assert cost.reason != "bug", cost.message
    assert "internal" != cost.reason
    assert cost.stall < STALL_SECONDS
    assert cost.grown < GROWN_MIB
    assert cost.longest_line < LINE_BYTES


MOST = 16 * MIB - 200
HEAVY = [
    ("connections", "zeros", "more than 8 MiB for a list of connections"),
    ("connections", "objects", "more than 8 MiB for a list of connections"),
    ("connections", "connected", "more than 8 MiB for a list of connections"),
    ("failed providers", "texts", "more than 8 MiB for a list of connections"),
    ("providers", "named", ""),
    ("query", "zeros", "more than 2 MiB for a page of rows"),
    ("query", "booked", "more than 2 MiB for a page of rows"),
    ("count", "digits", "more than 64 KiB for a count"),
    ("token", "zeros", "more than 256 KiB for an answer of this kind"),
    ("list", "zeros", "more than 2 MiB for a page of rows"),
    ("list", "objects", "more than 2 MiB for a page of rows"),
    ("list", "keys", "more than 2 MiB for a page of rows"),
    ("list", "rows", "more than 2 MiB for a page of rows"),
    ("list", "brackets", "more than 2 MiB for a page of rows"),
    ("resources of a booking", "ids", "more than 2 MiB for a page of rows"),
    ("resources", "named", "more than 2 MiB for a page of rows"),
    ("page of a batch", "zeros", "more than 200,000 values for a batch"),
    ("page of a batch", "rows", "more than 200,000 values for a batch"),
    ("results of a batch", "keys", "more than 200,000 values for a batch"),
    ("links", "objects", "more than 200,000 values for a batch"),
    ("token pair", "zeros", "more than 256 KiB for an answer of this kind"),
]


@pytest.mark.slow
@pytest.mark.parametrize(("place", "kind", "said"), HEAVY)
def test_an_answer_that_is_too_large_inside_costs_little_and_the_error_names_the_cap(
    place: str, kind: str, said: str, stem: Stem, tmp_path: Path
) -> None:
    where = PLACES[place]
    body = packed(where.before, MANY[kind](MOST), where.behind)
    cost = cost_of(stem, tmp_path, where, lambda operation, _: body if operation == where.operation else None)
    check(cost)
    assert said in cost.message
    assert cost.reason == ("invalid_response" if said else "")


CAPS = {  # bytes and values of the answers that have a cap on both, a little less
    "connections": (8 * MIB, 500_000),
    "query": (2 * MIB, 100_000),
    "booking.v1.booking.list": (2 * MIB, 100_000),
    "booking.v1.resource.list": (2 * MIB, 100_000),
    "batch": (16 * MIB, 200_000),
    "count": (64 * 1024, 64 * 1024),
}
PER_VALUE = {"objects": 1.5, "keys": 5.0, "halves": 99.0, "no letters": 99.0}
"""Bytes that such JSON has for each comma and bracket of it."""


@pytest.mark.slow
@pytest.mark.parametrize("kind", PER_VALUE)
@pytest.mark.parametrize("place", PLACES)
def test_what_stays_below_its_caps_costs_little_wherever_it_stands(place: str, kind: str, stem: Stem, tmp_path: Path) -> None:
    where = PLACES[place]
    most, values = CAPS.get(where.operation, (256 * 1024, 256 * 1024))
    body = packed(where.before, MANY[kind](min(most - 400, int((values - 100) * PER_VALUE[kind]))), where.behind)
    cost = cost_of(stem, tmp_path, where, lambda operation, _: body if operation == where.operation else None)
    check(cost)
    assert "values for" not in cost.message
    assert "MiB" not in cost.message


@pytest.mark.slow
@pytest.mark.parametrize(("in_page", "resources"), [(500, 0), (50, 60)])  # 50 such pages fit into a batch
def test_pages_of_a_portal_are_not_read_without_end(in_page: int, resources: int, stem: Stem, tmp_path: Path) -> None:
    def endless(operation: str, request: bytes) -> bytes | None:
        if operation == "booking.v1.booking.list":
            return packed(b'{"result":{"booking":%s}}' % rows(in_page, 0, resources))
        if operation == "batch":
            pages = [int(key[1:]) for key in json.loads(request)["cmd"]]
            found = b",".join(b'"p%d":{"booking":%s}' % (page, rows(in_page, page * in_page, resources)) for page in pages)
            return packed(b'{"result":{"result":{%s}}}' % found)
        return None

    cost = cost_of(stem, tmp_path, PLACES["list"], endless)
    assert "config" == cost.reason
    assert "max_bookings" in cost.message
    assert cost.stall < STALL_SECONDS
    assert cost.grown < 160  # as many bookings as the option allows, 200,000, and nothing else
