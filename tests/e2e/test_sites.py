"""Two customers of one exporter behind one password file: whatever the one asks, it learns nothing of the other."""

from __future__ import annotations

import asyncio
import base64
import gzip
import io
from collections.abc import Iterable
from http.client import HTTPResponse
from pathlib import Path
from typing import NamedTuple, cast
from urllib.parse import quote

import bcrypt
import httpx
import pytest
import structlog.testing

from exporter.state.snapshot import View
from exporter.web import Server
from tests.harness.two_sites import MINE, THEIRS, USERS, alone, together
from tests.harness.web import ShownBackend
from tests.harness.web_server import get, running, web_file

HOME = "/site/" + quote(MINE, safe="")
THEIR_HOME = f"/site/{THEIRS}"
PASSWORD = "right"
WEB = "basic_auth_users:\n" + "".join(
    f"  {name}: {bcrypt.hashpw(PASSWORD.encode(), bcrypt.gensalt(4)).decode()}\n" for name in ("anna", "bert", "prometheus")
)

PATHS = {
    "every page": ["/", "/metrics", "/api/v1/status", "/config", "/nowhere", "/site", "/site/", "/-/", "*"],
    "changes": ["/-/reload", "/-/log-level?level=debug", f"/-/poll?target={THEIRS}-1", f"/-/poll?target={MINE}-1"],
    "another site": [THEIR_HOME, f"{THEIR_HOME}/", f"{THEIR_HOME}/metrics", f"{THEIR_HOME}/api/v1/status"],
    "its target on a page of one's own": [
        *(f"{HOME}{page}?target={THEIRS}-1" for page in ("", "/metrics", "/api/v1/status")),
        f"{HOME}/metrics?target=salon-mitte&target={THEIRS}-1",
        f"{HOME}/metrics?target[]={THEIRS}-1",
        f"{HOME}/metrics?site={THEIRS}",
        f"{HOME}/api/v1/status?target=salon-mitte;target={THEIRS}-1",
        f"{HOME}/metrics?target=",
        f"{HOME}/metrics?target=%00",
    ],
    "words and pages that lead to it": [
        *(f"{HOME}?q={word}" for word in (THEIRS, "bitrix24", "critical", "timeout", "341", "")),
        *(
            f"{HOME}{page}?page={number}"
            for page in ("", "/api/v1/status")
            for number in ("0", "1", "2", "3", "-1", "9999999", "x")
        ),
        f"{HOME}?page=2&q=zz",
    ],
    "dots": [
        f"{HOME}/../{THEIRS}",
        f"{HOME}/../../metrics",
        f"{HOME}/%2e%2e/{THEIRS}/metrics",
        f"{HOME}/..%2f{THEIRS}/metrics",
        f"{HOME}%2f..%2f{THEIRS}/metrics",
        f"{HOME}/..%5c{THEIRS}/metrics",
        f"{HOME}/..;/{THEIRS}/metrics",
        f"{HOME}/metrics/../../../metrics",
        f"{HOME}/./metrics",
        "/site/./metrics",
        "/site/../metrics",
        "/-/healthy/../../metrics",
        "/-/ready/../../site/" + THEIRS,
        "/./metrics",
    ],
    "another spelling": [
        f"/site/{THEIRS.upper()}",
        f"/SITE/{THEIRS}",
        f"/%73ite/{THEIRS}",
        "/site/%7A%7A-other",
        "/site/%257A%257A-other/metrics",
        "/site/z%C0%BA-other",
        "/site/\uff5a\uff5a-other".encode().decode("latin-1"),
        "/site/zz\u2010other".encode().decode("latin-1"),
        f"/site/{THEIRS}%20",
        f"/site/%20{THEIRS}",
        f"/site/{THEIRS}%00",
        f"/site/{THEIRS}%0a/metrics",
        f"/site/{THEIRS};/metrics",
        f"/site/{THEIRS}.json",
        "/metrics%0a",
        "/%6detrics",
        "/metrics%00",
        "/metrics;a=b",
        "/metrics/",
        f"/{THEIR_HOME}",
        f"//exporter{THEIR_HOME}",
        f"/site//{THEIRS}",
        f"{HOME}%00/metrics",
        f"{HOME},{THEIRS}/metrics",
        f"{HOME}{THEIRS}/metrics",
        f"{HOME}/site/{THEIRS}/metrics",
        f"{HOME}/{THEIRS}/metrics",
        f"{HOME.lower()}",
        f"/site/{quote(quote(MINE, safe=''), safe='')}",
        "/site/Salon%20Mitte:%20100%25%20%231%20%26%20So%CC%88hne%3F",
    ],
    "a whole address": [
        f"http://localhost{THEIR_HOME}",
        "http://localhost/metrics",
        f"http://localhost{HOME}",
        f"http://{HOME}@localhost{THEIR_HOME}/metrics",
        f"{THEIR_HOME}/metrics?{HOME}",
        f"/metrics?/../..{HOME}",
        f"{HOME}?{THEIR_HOME}",
        f"{HOME}/..#/metrics",
    ],
}
HEADERS = {
    "none": {},
    "gzip": {"Accept-Encoding": "gzip"},
    "OpenMetrics": {"Accept": "application/openmetrics-text", "Accept-Encoding": "gzip"},
    "another address": {
        "X-Original-URL": f"{THEIR_HOME}/metrics",
        "X-Rewrite-URL": "/metrics",
        "X-Forwarded-Path": "/metrics",
        "X-Forwarded-Prefix": "/metrics",
        "X-Forwarded-Uri": THEIR_HOME,
        "X-Script-Name": THEIR_HOME,
    },
    "somebody else": {
        "X-Forwarded-User": "prometheus",
        "X-Remote-User": "prometheus",
        "Remote-User": "bert",
        "X-Forwarded-For": "127.0.0.1",
        "Forwarded": "for=127.0.0.1;host=localhost",
        "X-Forwarded-Host": "localhost",
        "X-Auth-Request-User": "prometheus",
        "Cookie": f"user=prometheus; site={THEIRS}",
    },
    "another method": {"X-HTTP-Method-Override": "POST", "X-Method-Override": "GET", "X-HTTP-Method": "PUT"},
    "what was seen before": {
        "If-None-Match": "*",
        "If-Modified-Since": "Fri, 01 Jan 2100 00:00:00 GMT",
        "Range": "bytes=0-100000",
        "Cache-Control": "only-if-cached",
    },
}
METHODS = ("GET", "HEAD", "POST", "PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "PROPFIND", "get", "CONNECT")


class Said(NamedTuple):
    """An answer, but for its date."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes


async def said(
    server: Server, target: str, user: str = "anna", method: str = "GET", headers: dict[str, str] | None = None
) -> Said:
    """Return the answer to a request whose target goes over the wire as it is written."""
    reader, writer = await asyncio.open_connection("127.0.0.1", server.port)
    token = base64.b64encode(f"{user}:{PASSWORD}".encode()).decode()
    fields = {"Host": "localhost", "Authorization": f"Basic {token}", "Connection": "close", **(headers or {})}
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    writer.write(head.encode("latin-1") + b"\r\n")
    raw = await asyncio.wait_for(reader.read(), 20)
    writer.close()

    class Wire:
        def makefile(self, _: str) -> io.BytesIO:
            return io.BytesIO(raw)

    answer = HTTPResponse(cast("object", Wire()), method=method)  # type: ignore[arg-type]  # all that it asks of a socket
    answer.begin()
    body = answer.read()
    kept = tuple(sorted((name.lower(), value) for name, value in answer.getheaders() if name.lower() != "date"))
    return Said(answer.status, kept, gzip.decompress(body) if body and ("content-encoding", "gzip") in kept else body)


def shown_by(view: View, *, lifecycle: bool = True) -> ShownBackend:
    backend = ShownBackend(view, lifecycle=lifecycle)
    backend.site_users = USERS
    return backend


async def whoever_else(path: Path, asked: Iterable[tuple[str, str, dict[str, str]]]) -> list[tuple[Said, Said]]:
    """Return what anna gets where she is the only customer, and where she is not."""

    async def scenario() -> list[tuple[Said, Said]]:
        file = web_file(path, WEB)
        lonely, crowded = shown_by(alone()), shown_by(together())
        async with running(file, backend=lonely) as one, running(file, backend=crowded) as other:
            found = [
                (
                    await said(one, target, method=method, headers=headers),
                    await said(other, target, method=method, headers=headers),
                )
                for target, method, headers in asked
            ]
        assert (0, 0, "info", "info") == (lonely.reloads, crowded.reloads, lonely.level, crowded.level)
        return found

    return await scenario()


@pytest.mark.parametrize("headers", HEADERS)
@pytest.mark.parametrize("attempt", PATHS)
async def test_whatever_a_customer_asks_the_answer_is_the_same_whoever_else_there_is(
    attempt: str, headers: str, tmp_path: Path
) -> None:
    for target, (lonely, crowded) in zip(
        PATHS[attempt], await whoever_else(tmp_path, ((path, "GET", HEADERS[headers]) for path in PATHS[attempt])), strict=True
    ):
        assert lonely == crowded, target


@pytest.mark.parametrize("method", METHODS)
async def test_nor_does_any_method_show_or_change_anything(method: str, tmp_path: Path) -> None:
    paths = [
        "/",
        "/metrics",
        "/config",
        "/-/reload",
        "/-/log-level?level=debug",
        THEIR_HOME,
        f"{THEIR_HOME}/metrics",
        HOME,
        "*",
    ]
    for target, (lonely, crowded) in zip(
        paths, await whoever_else(tmp_path, ((path, method, {}) for path in paths)), strict=True
    ):
        assert lonely == crowded, target
        assert crowded.status >= 400 or (target == HOME and method in {"GET", "HEAD"}), target


async def test_all_that_is_not_of_ones_own_site_is_not_found(tmp_path: Path) -> None:
    own = PATHS["its target on a page of one's own"] + PATHS["words and pages that lead to it"] + [f"{HOME}?{THEIR_HOME}"]
    asked = [path for paths in PATHS.values() for path in paths if path not in own]
    for target, (_, answer) in zip(asked, await whoever_else(tmp_path, ((path, "GET", {}) for path in asked)), strict=True):
        assert answer.status in {400, 404}, target


async def test_a_site_that_there_is_not_is_told_from_one_that_is_not_ones_own_by_nothing(tmp_path: Path) -> None:
    backend = shown_by(together())
    asked: list[str | None] = []
    view = backend.view

    def counted(site: str | None = None) -> View:
        asked.append(site)
        return view(site)

    backend.view = counted  # type: ignore[method-assign]  # counts

    async with running(web_file(tmp_path, WEB), backend=backend) as server:
        found = [
            await said(server, f"/site/{site}{page}", method=method)
            for method in ("GET", "HEAD", "POST")
            for page in ("", "/", "/metrics", "/api/v1/status", "/nowhere", "?q=x", "/metrics?target=x")
            for site in (THEIRS, "no-other")
        ]
    assert found[::2] == found[1::2]
    assert {404} == {answer.status for answer in found}
    assert [] == asked  # so the clock tells nothing either: neither is looked for


async def test_each_sees_what_is_theirs_and_who_is_named_nowhere_sees_all(tmp_path: Path) -> None:
    paths = [
        HOME,
        f"{HOME}/metrics",
        f"{HOME}/api/v1/status",
        THEIR_HOME,
        f"{THEIR_HOME}/metrics",
        "/",
        "/metrics",
        "/config",
    ]
    async with running(web_file(tmp_path, WEB), backend=shown_by(together())) as server:
        users = ("anna", "bert", "prometheus")
        assert [
            [200, 200, 200, 404, 404, 404, 404, 404],
            [404, 404, 404, 200, 200, 404, 404, 404],
            [200, 200, 200, 200, 200, 200, 200, 200],
        ] == [[(await said(server, path, user)).status for path in paths] for user in users]


async def test_who_is_sent_away_is_told_which_pages_are_theirs_and_no_others(tmp_path: Path) -> None:
    async with running(web_file(tmp_path, WEB), backend=shown_by(together())) as server:
        assert f"There is no such page for you.\nYours is {HOME}\n".encode() == (await said(server, "/")).body


@pytest.mark.parametrize("user", ["anna", "mallory"])
async def test_probes_answer_customers_and_strangers_without_a_name_or_a_number(user: str, tmp_path: Path) -> None:
    open_, closed = web_file(tmp_path, WEB), tmp_path / "closed.yml"
    closed.write_text(WEB + "probes_require_auth: true\n")
    async with running(open_, backend=shown_by(together())) as one, running(closed, backend=shown_by(together())) as other:
        found = [await said(server, path, user) for server in (one, other) for path in ("/-/healthy", "/-/ready")]
    assert ([200, 503, 200, 503] if user == "anna" else [200, 503, 401, 401]) == [answer.status for answer in found]
    assert not any(THEIRS.encode() in answer.body or b"60" in answer.body for answer in found)


async def test_an_operator_who_signs_in_for_a_probe_learns_what_is_missing(tmp_path: Path) -> None:
    file = web_file(tmp_path, WEB + "probes_require_auth: true\n")
    async with running(file, backend=shown_by(together())) as server:
        assert f"{THEIRS}-1/links".encode() in (await said(server, "/-/ready", "prometheus")).body


async def test_a_change_of_who_sees_what_holds_from_the_next_request_on_also_on_an_open_connection(tmp_path: Path) -> None:
    backend = shown_by(together())
    async with (
        running(web_file(tmp_path, WEB), backend=backend) as server,
        httpx.AsyncClient(base_url=server.url, auth=("anna", PASSWORD), trust_env=False) as client,
    ):
        found = [(await client.get(f"{HOME}/metrics")).status_code, (await client.get("/metrics")).status_code]
        backend.site_users = {MINE: frozenset({"bert"}), THEIRS: frozenset({"anna"})}
        found += [
            (await client.get(f"{HOME}/metrics")).status_code,
            (await client.get(f"{THEIR_HOME}/metrics")).status_code,
        ]
        backend.site_users = {MINE: frozenset({"bert"})}  # an operator from now on
        assert [200, 404, 404, 200, 200] == [*found, (await client.get("/metrics")).status_code]


async def test_a_user_of_two_sites_sees_both_and_nothing_else(tmp_path: Path) -> None:
    backend = shown_by(together())
    backend.site_users = {MINE: frozenset({"anna", "bert"}), THEIRS: frozenset({"bert"})}
    async with running(web_file(tmp_path, WEB), backend=backend) as server:
        assert [200, 200, 404] == [(await said(server, path, "bert")).status for path in (HOME, THEIR_HOME, "/")]


async def test_two_customers_who_ask_at_the_same_moment_get_their_own_pages_packed_or_not(tmp_path: Path) -> None:
    async with running(web_file(tmp_path, WEB), backend=shown_by(together())) as server:
        annas, berts = [
            await asyncio.gather(
                *(
                    said(server, f"{home}{page}", user, headers=HEADERS[headers])
                    for _ in range(3)
                    for headers in ("none", "gzip")
                    for page in ("", "/metrics", "/api/v1/status")
                )
            )
            for user, home in (("anna", HOME), ("bert", THEIR_HOME))
        ]
    assert {200} == {answer.status for answer in annas + berts}
    assert not any(THEIRS.encode() in answer.body for answer in annas)
    assert not any(b"salon-mitte" in answer.body for answer in berts)


async def test_before_it_is_known_who_sees_what_a_customer_waits(tmp_path: Path) -> None:
    class Opening(ShownBackend):
        async def until_open(self) -> bool:
            await asyncio.sleep(0)
            self.site_users = USERS
            return True

    backend = Opening(together(), lifecycle=True)
    found = []
    async with running(web_file(tmp_path, WEB), backend=backend) as server:
        for path in ("/metrics", "/-/log-level?level=debug", HOME):
            backend.site_users = None
            found.append((await said(server, path, method="POST" if "level" in path else "GET")).status)
    assert "info" == backend.level
    assert [404, 404, 200] == found


async def test_pages_that_are_refused_are_told_once_in_a_minute_with_who_asked_and_nothing_that_breaks_a_line(
    tmp_path: Path,
) -> None:
    with structlog.testing.capture_logs() as logged:
        async with running(web_file(tmp_path, WEB), backend=shown_by(together())) as server:
            for path in (f"/metrics%0d%0a{'x' * 500}", *[THEIR_HOME] * 20):
                await said(server, path, headers={"X-Forwarded-For": "203.0.113.9"})
    (line,) = [line for line in logged if line["event"] == "page_refused"]
    assert ("anna", "127.0.0.1", "site_users", "warning") == tuple(line[key] for key in ("by", "from", "why", "log_level"))
    assert line["page"].startswith("/metrics\\r\\nxxx")
    assert 80 == len(line["page"])


async def test_a_wrong_password_of_a_customer_is_no_more_than_one_of_anybody(tmp_path: Path) -> None:
    async with running(web_file(tmp_path, WEB), backend=shown_by(together())) as server:
        answers = [await get(server, path, user="anna:wrong") for path in (HOME, THEIR_HOME, "/metrics", "/nowhere")]
    assert {(401, "User name or password is wrong.\n")} == {(answer.status_code, answer.text) for answer in answers}


def with_operators(*names: str) -> ShownBackend:
    """Return what shows anna her site, the named ones everything, and the others whom the password file has nothing."""
    backend = shown_by(together())
    backend.site_users = {MINE: frozenset({"anna"})}
    backend.operators = frozenset(names)
    return backend


@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "PUT", "DELETE"])
async def test_once_operators_are_named_who_is_named_nowhere_is_told_so_and_sees_and_changes_nothing(
    method: str, tmp_path: Path
) -> None:
    paths = [*PATHS["every page"][:-1], *PATHS["changes"][:-1], *PATHS["another site"]]
    paths += [HOME, f"{HOME}/metrics", f"{HOME}/api/v1/status"]
    backend = with_operators("prometheus")

    async with running(web_file(tmp_path, WEB), backend=backend) as server:
        found = [await said(server, path, "bert", method) for path in paths]
    told = b"You are signed in, but there is no page for you: the configuration names this user neither under site_users nor "
    told += b"under operators.\n"
    assert {(403, b"" if method == "HEAD" else told)} == {(answer.status, answer.body) for answer in found}
    assert (0, "info", []) == (backend.reloads, backend.level, backend.polled)


async def test_operators_and_users_of_sites_see_the_same_whether_operators_are_named_or_not(tmp_path: Path) -> None:
    async with running(web_file(tmp_path, WEB), backend=with_operators("prometheus")) as server:
        paths = [HOME, f"{HOME}/metrics", "/", "/metrics", "/config", f"/-/poll?target={THEIRS}-1"]
        methods = ["GET"] * 5 + ["POST"]
        assert [[200, 200, 404, 404, 404, 404], [200, 200, 200, 200, 200, 202]] == [
            [(await said(server, path, user, method)).status for path, method in zip(paths, methods, strict=True)]
            for user in ("anna", "prometheus")
        ]


@pytest.mark.parametrize("path", ["/-/healthy", "/-/ready"])
async def test_a_probe_of_who_is_named_nowhere_names_nothing(path: str, tmp_path: Path) -> None:
    async with running(web_file(tmp_path, WEB), backend=with_operators("prometheus")) as server:
        answer = await said(server, path, "bert")
    assert (200 if path == "/-/healthy" else 503) == answer.status
    assert THEIRS.encode() not in answer.body


async def test_who_is_no_operator_any_more_is_sent_away_on_the_open_connection_as_is_who_has_no_password_any_more(
    tmp_path: Path,
) -> None:
    backend, file = with_operators("prometheus", "bert"), web_file(tmp_path, WEB)
    async with (
        running(file, backend=backend) as server,
        httpx.AsyncClient(base_url=server.url, auth=("bert", PASSWORD), trust_env=False) as client,
    ):
        found = [(await client.get("/metrics")).status_code]
        backend.operators = frozenset({"prometheus"})
        found.append((await client.get("/metrics")).status_code)
        backend.operators = frozenset({"prometheus", "bert"})
        found.append((await client.get("/metrics")).status_code)
        web_file(tmp_path, "".join(line for line in WEB.splitlines(keepends=True) if "bert" not in line))
        assert [200, 403, 200, 401] == [*found, (await client.get("/metrics")).status_code]
