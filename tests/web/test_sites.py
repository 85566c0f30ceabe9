"""The pages of one customer: what they show, and how they are shared."""

from __future__ import annotations

import asyncio
import contextlib
import json
import re
from collections import Counter
from collections.abc import AsyncIterator, Mapping
from urllib.parse import quote, unquote, urljoin, urlsplit

import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace
from starlette.responses import PlainTextResponse
from starlette.types import Message, Receive, Scope, Send

from exporter.metrics import Format, MadePage
from exporter.model import WHOLE, Shard
from exporter.state.snapshot import View
from exporter.web import create_app
from exporter.web.callers import signed_in
from exporter.web.sites import SiteGuard, sites_of
from tests.harness import views
from tests.harness.two_sites import MINE, THEIRS, USERS, alone, mine, theirs, together
from tests.harness.web import ShownBackend, ask, library

HOME = "/site/" + quote(MINE, safe="")
PAGES = ("", "/metrics", "/api/v1/status")
GZIP = {"accept-encoding": "gzip"}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["", "?q=zz", "?q=salon", "?page=2", "?page=1", "?target=salon-mitte", f"?target={THEIRS}-1"])
def test_a_site_s_pages_are_the_same_whoever_else_there_is(page: str, query: str) -> None:
    lonely, answer = (ask(ShownBackend(view), HOME + page + query) for view in (alone(), together()))
    assert lonely.status_code == answer.status_code
    assert lonely.content == answer.content
    assert sorted(lonely.headers.items()) == sorted(answer.headers.items())


@pytest.mark.parametrize("page", PAGES)
def test_a_site_s_pages_show_its_targets(page: str) -> None:
    answer = ask(ShownBackend(together()), HOME + page)
    assert 200 == answer.status_code
    assert "salon-mitte" in answer.text


def test_the_json_of_a_site_counts_its_own() -> None:
    answer = json.loads(ask(ShownBackend(together()), f"/site/{THEIRS}/api/v1/status?page=2").content)
    assert (59 + 1, 3) == (answer["summary"]["targets"], answer["pages"])
    assert 25 == len(answer["targets"])


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("site", ["nowhere", "zz", f"{THEIRS}%20", THEIRS.upper(), "%20", "."])
def test_a_site_that_no_target_has_is_not_found(site: str, page: str) -> None:
    assert 404 == ask(ShownBackend(together()), f"/site/{site}{page}").status_code


@pytest.mark.parametrize("page", PAGES)
def test_where_targets_are_divided_an_operator_who_asks_for_an_unknown_site_is_sent_to_the_other_shards(page: str) -> None:
    told = "No such site: it is a value of the label site that a target has.\n"
    assert f"{told}This is shard 1/3: a target of another shard may have it.\n" == (
        ask(ShownBackend(together()), f"/site/nowhere{page}").text
    )
    assert told == ask(ShownBackend(alone()), f"/site/nowhere{page}").text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("query", ["", "?lang=de", "?q=nothing", f"?target={THEIRS}-1"])
def test_the_pages_of_a_site_are_the_same_whether_targets_are_divided_or_not(page: str, query: str) -> None:
    divided, whole = (
        ask(ShownBackend(replace(together(), shard=shard)), HOME + page + query) for shard in (Shard(1, 3), WHOLE)
    )
    assert (divided.status_code, divided.content) == (whole.status_code, whole.content)


async def test_a_user_of_a_site_whose_targets_another_shard_has_is_told_nothing_of_shards() -> None:
    async def signed(scope: Scope, receive: Receive, send: Send) -> None:
        signed_in(scope, "anna")
        await app(scope, receive, send)

    backend = ShownBackend(replace(views.healthy(), shard=Shard(1, 3)))
    backend.site_users = USERS
    app = create_app(backend)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(signed), base_url="http://exporter") as client:
        assert "No such site: it is a value of the label site that a target has.\n" == (await client.get(HOME)).text


@pytest.mark.parametrize("page", PAGES)
def test_a_standby_shows_itself_on_the_pages_of_sites_as_on_the_others(page: str) -> None:
    assert 200 == ask(ShownBackend(views.standby()), HOME + page).status_code


def places_in(html: str) -> list[str]:
    return re.findall(r'(?:href|action|src|formaction|data-[a-z-]*url)="([^"#][^"]*)"', html.replace("&amp;", "&"))


@pytest.mark.slow
@pytest.mark.parametrize("query", ["", "?q=salon", "?q=critical&page=1"])
@pytest.mark.parametrize("view", [together(), alone(), views.standby()], ids=["together", "alone", "standby"])
def test_every_address_on_a_site_s_board_is_a_page_of_that_site(view: View, query: str) -> None:
    backend = ShownBackend(view)
    here = f"http://exporter/proxied/folder{HOME}{query}"
    found = [place for place in places_in(ask(backend, HOME + query).text) if not place.startswith("data:")]
    assert 4 <= len(found)
    for place in found:
        address = urlsplit(urljoin(here, place))
        own = {HOME, f"{HOME}/metrics", f"{HOME}/api/v1/status"}
        assert address.path.removeprefix("/proxied/folder") in own or "/proxied/folder/runbooks/" in address.path, place
        path = address.path.removeprefix("/proxied/folder") + (f"?{address.query}" if address.query else "")
        assert 200 == ask(backend, path).status_code, place


@pytest.mark.slow
async def test_a_user_of_a_site_reads_the_runbooks_and_is_led_to_no_page_of_others() -> None:
    async def answer(user: str | None, path: str) -> httpx.Response:
        async def signed(scope: Scope, receive: Receive, send: Send) -> None:
            if user is not None:
                signed_in(scope, user)
            await app(scope, receive, send)

        backend = ShownBackend(together())
        backend.site_users, backend.operators = USERS, frozenset({"prometheus"})
        app = create_app(backend, runbooks=library)
        async with httpx.AsyncClient(transport=httpx.ASGITransport(signed), base_url="http://exporter") as client:
            return await client.get(path)

    for path in ("/runbooks/", "/runbooks/BookingSyncDoubleBooking"):
        assert (200, 200) == ((await answer("anna", path)).status_code, (await answer("prometheus", path)).status_code)
        assert 'href="../"' in (await answer("prometheus", path)).text
        assert "../" not in (await answer("anna", path)).text
        assert (403, 404) == ((await answer("nobody", path)).status_code, (await answer(None, path)).status_code)
    assert 404 == (await answer("anna", "/runbooks")).status_code


@pytest.mark.slow
def test_a_second_page_of_a_site_is_found_through_the_first_one() -> None:
    text = ask(ShownBackend(together()), f"/site/{THEIRS}").text
    assert "?page=2#targets" in places_in(text)
    assert "Page 1 of 3" in text


@pytest.mark.slow
def test_a_board_names_the_site_that_it_is_of() -> None:
    text = ask(ShownBackend(together()), HOME).text
    assert "(3) Booking sync Salon Mitte: 100% #1 &amp; Söhne?</title>" in text
    assert '<h1>Booking sync <span class="soft">Salon Mitte: 100% #1 &amp; Söhne?</span></h1>' in text
    assert "Booking sync</title>" in ask(ShownBackend(together()), "/").text


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "OPTIONS"])
def test_a_site_s_pages_are_only_read(page: str, method: str) -> None:
    assert 405 == ask(ShownBackend(together(), lifecycle=True), HOME + page, method).status_code


@pytest.mark.slow
def test_no_change_is_offered_on_a_site_s_board_where_changes_are_allowed() -> None:
    backend = ShownBackend(together(), lifecycle=True)
    assert 1 == ask(backend, HOME).text.count("<form")
    assert 'method="post"' not in ask(backend, HOME).text


class Held(ShownBackend):
    """Makes pages of sites only when it is let go, each time anew."""

    def __init__(self, view: View) -> None:
        super().__init__(view)
        self.begun: list[str | None] = []
        self.go_on = asyncio.Event()

    async def metrics(self, format: Format, targets: frozenset[str] | None, site: str | None = None) -> MadePage:  # noqa: A002  the seam's word
        self.begun.append(site)
        page = await super().metrics(format, targets, site)
        await self.go_on.wait()
        return page


PIECES = (
    "site",
    MINE,
    THEIRS,
    "metrics",
    "api",
    "v1",
    "status",
    "config",
    "-",
    "ready",
    "healthy",
    "..",
    ".",
    "",
    " ",
    "\n",
    "%",
    "S",
)


@pytest.mark.slow
@given(st.lists(st.sampled_from(PIECES), max_size=6), st.sampled_from(["/", "//", "", "\\", "/../"]))
async def test_whatever_pages_there_are_a_customer_gets_those_of_ones_own_site_and_the_probes(
    pieces: list[str], between: str
) -> None:
    async def page(scope: Scope, receive: Receive, send: Send) -> None:  # whatever is asked, it is there
        await PlainTextResponse("here")(scope, receive, send)

    async def status(path: str) -> int:
        sent: list[Message] = []

        async def receive() -> Message:
            return {"type": "http.request"}

        async def send(message: Message) -> None:
            sent.append(message)

        backend = ShownBackend(together())
        backend.site_users = USERS
        scope: Scope = {"type": "http", "method": "GET", "path": path, "headers": []}
        signed_in(scope, "anna")
        await SiteGuard(page, backend)(scope, receive, send)
        return int(sent[0]["status"])

    path = "/" + between.join(pieces)
    own = path in {"/-/ready", "/-/healthy"} or path.split("/")[1:3] == ["site", MINE]
    assert (200 if own else 404) == await status(path)


@pytest.mark.slow
@given(
    st.dictionaries(st.sampled_from("ab"), st.frozensets(st.sampled_from("xyz"), min_size=1)),
    st.none() | st.frozensets(st.sampled_from("xyz"), min_size=1),
    st.none() | st.sampled_from("xyz"),
)
def test_only_operators_see_everything_once_they_are_named_and_nobody_who_has_a_site_does_before(
    site_users: Mapping[str, frozenset[str]], operators: frozenset[str] | None, user: str | None
) -> None:
    own = {site for site, users in site_users.items() if user in users}
    sees = sites_of(user, site_users, operators)
    if operators is not None:
        assert (None if user in operators else own) == sees
    elif site_users:
        assert (None if user is not None and not own else own) == sees
    else:
        assert sees is None


@pytest.mark.parametrize("path", ["/", "/metrics", "/config", "/nowhere", HOME])
def test_with_operators_alone_nothing_is_shown_to_who_did_not_sign_in(path: str) -> None:
    backend = ShownBackend(together())
    backend.operators = frozenset({"prometheus"})
    assert 404 == ask(backend, path).status_code


async def turns() -> None:
    for _ in range(20):
        await asyncio.sleep(0)


@contextlib.asynccontextmanager
async def client_of(backend: ShownBackend) -> AsyncIterator[httpx.AsyncClient]:
    transport = httpx.ASGITransport(create_app(backend))
    async with httpx.AsyncClient(transport=transport, base_url="http://exporter") as client:
        client.headers.clear()
        yield client


@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "gzip"])
async def test_pages_of_the_same_moment_are_shared_within_a_site_and_with_no_other(headers: Mapping[str, str]) -> None:
    backend = Held(together())

    async with client_of(backend) as client:
        paths = [f"{HOME}/metrics", f"/site/{THEIRS}/metrics", "/metrics", f"{HOME}/metrics"]
        asked = [asyncio.ensure_future(client.get(path, headers=headers)) for path in paths]
        await turns()
        backend.go_on.set()
        ours, other, whole, again = [answer.text for answer in await asyncio.gather(*asked)]
    assert {MINE: 1, THEIRS: 1, None: 1} == Counter(backend.begun)
    assert ours == again
    assert (True, False) == ("salon-mitte" in ours, THEIRS in ours)
    assert (False, True) == ("salon-mitte" in other, THEIRS in other)
    assert (True, True) == ("salon-mitte" in whole, THEIRS in whole)


@pytest.mark.slow
@pytest.mark.parametrize("headers", [{}, GZIP], ids=["plain", "gzip"])
@pytest.mark.parametrize("page", PAGES)
async def test_who_asks_for_the_pages_of_two_sites_at_the_same_moment_gets_each(page: str, headers: Mapping[str, str]) -> None:
    async with client_of(ShownBackend(together())) as client:
        paths = [f"{HOME}{page}", f"/site/{THEIRS}{page}", page or "/"]
        found = [answer.text for answer in await asyncio.gather(*(client.get(path, headers=headers) for path in paths))]
    assert [True, False] == ["salon-mitte" in text for text in found[:2]]
    assert [False, True, True] == [THEIRS in text for text in found]


async def test_a_page_that_was_begun_before_a_target_left_its_site_is_given_to_nobody_who_asks_after_it() -> None:
    backend = Held(views.view_of(mine(), mine("leaving")))

    async with client_of(backend) as client:
        before = asyncio.ensure_future(client.get(f"{HOME}/metrics"))
        await turns()
        backend.shown = views.view_of(mine(), mine("leaving", site=THEIRS))
        after = asyncio.ensure_future(client.get(f"{HOME}/metrics"))
        await turns()
        backend.go_on.set()
        assert [True, False] == ['target="leaving"' in (await page).text for page in (before, after)]


@pytest.mark.parametrize("view", [together(), alone()], ids=["not ready", "ready"])
def test_where_sites_have_users_a_probe_of_nobody_learns_no_name_and_no_number(view: View) -> None:
    backend = ShownBackend(view)
    backend.site_users = USERS
    answer = ask(backend, "/-/ready")
    assert (200 if view.ready else 503) == answer.status_code
    assert THEIRS not in answer.text
    assert not re.search("[0-9]", answer.text)


def test_without_users_of_sites_a_probe_learns_what_is_missing_as_ever() -> None:
    assert f"{THEIRS}-1/links" in ask(ShownBackend(together()), "/-/ready").text


@pytest.mark.parametrize("path", ["/", "/metrics", "/api/v1/status", "/config", "/nowhere", HOME, f"{HOME}/metrics"])
def test_where_sites_have_users_nothing_is_shown_to_who_did_not_sign_in_though_no_password_was_asked_for(path: str) -> None:
    backend = ShownBackend(together())
    backend.site_users = USERS
    assert 404 == ask(backend, path).status_code


def test_a_board_of_nobody_s_site_is_not_asked_for_twice() -> None:
    # What a proxy decodes once more than the server finds another site, or none; never a second one in the same path.
    assert MINE == unquote(HOME.removeprefix("/site/"))
    assert (
        404 == ask(ShownBackend(views.view_of(mine(), theirs(1))), "/site/" + quote(quote(MINE, safe=""), safe="")).status_code
    )


def test_the_view_of_a_site_that_stands_by_has_no_targets() -> None:
    assert replace(views.view_of(), standby=True) == views.standby().of_site(MINE)
