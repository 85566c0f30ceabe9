"""Whatever a customer asks of ``/site/NAME``, in whatever spelling and beside whomever: never a word of another site."""

from __future__ import annotations

import asyncio
import gzip
from collections.abc import Mapping, Sequence
from typing import Final
from urllib.parse import quote

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.types import Message, Receive, Scope, Send

from exporter.state.snapshot import View
from exporter.web import create_app
from exporter.web.callers import signed_in
from tests.harness import views
from tests.harness.two_sites import MINE, THEIRS, USERS, mine, theirs
from tests.harness.web import ShownBackend

PAGES: Final = ("", "/metrics", "/api/v1/status")
OURS: Final = b"salon-mitte"
CODINGS: Final[Sequence[Mapping[str, str]]] = (
    {},
    {"accept-encoding": "gzip"},
    {"accept-encoding": "gzip", "accept": "application/openmetrics-text"},
    {"accept-language": "de"},
    {"accept-encoding": "gzip;q=0, identity", "if-none-match": "*", "range": "bytes=0-100"},
)


class Shifting(ShownBackend):
    """Two sites, whose middle target changes hands with each reload; ``owner`` is whose it is."""

    def __init__(self) -> None:
        super().__init__(views.view_of())
        self.site_users = USERS
        self.hand_over(MINE)

    def hand_over(self, owner: str) -> None:
        self.owner = owner
        self.shown = views.view_of(theirs(0), mine(), mine("moving", site=owner), theirs(1))


def as_user(backend: ShownBackend) -> httpx.ASGITransport:
    """Return the application with users who have signed in: the name in the header is taken for proved."""
    app = create_app(backend)

    async def signed(scope: Scope, receive: Receive, send: Send) -> None:
        user = dict(scope["headers"]).get(b"x-test-user", b"").decode()
        if user:
            signed_in(scope, user)
        await app(scope, receive, send)

    return httpx.ASGITransport(signed)


asked = st.lists(
    st.tuples(
        st.sampled_from(["anna", "bert", "prometheus"]),
        st.sampled_from(["", MINE, THEIRS]),
        st.sampled_from(PAGES),
        st.sampled_from(CODINGS),
        st.booleans(),
    ),
    min_size=2,
    max_size=12,
)


@pytest.mark.slow
@given(asked)
@settings(deadline=None, max_examples=60)
async def test_operators_and_customers_who_ask_at_the_same_moment_while_a_target_changes_hands_never_share_a_page(
    requests: Sequence[tuple[str, str, str, Mapping[str, str], bool]],
) -> None:
    backend = Shifting()
    async with httpx.AsyncClient(transport=as_user(backend), base_url="http://exporter") as client:
        client.headers.clear()
        asking: list[tuple[str, str, str, asyncio.Task[httpx.Response]]] = []
        for user, site, page, headers, reload in requests:
            if reload:
                backend.hand_over(THEIRS if backend.owner == MINE else MINE)
            path = f"/site/{quote(site, safe='')}{page}" if site else page or "/"
            task = asyncio.create_task(client.get(path, headers={"x-test-user": user, **headers}))
            for _ in range(3):  # into the making of its page
                await asyncio.sleep(0)
            asking.append((user, site, backend.owner, task))
        for user, site, owner, task in asking:
            answer = await task
            may = user == "prometheus" or (user, site) in {("anna", MINE), ("bert", THEIRS)}
            assert (200 if may else 404) == answer.status_code
            if not may:
                assert OURS not in answer.content.replace(MINE.encode(), b"")
                assert THEIRS.encode() not in answer.content or "bert" == user
            elif site:
                assert (site == MINE, site == THEIRS) == (OURS in answer.content, f"{THEIRS}-0".encode() in answer.content)
                if owner != site and len({row[2] for row in asking}) == 1:  # nobody moved it meanwhile
                    assert b"moving" not in answer.content
            else:
                assert OURS in answer.content
                assert f"{THEIRS}-0".encode() in answer.content


@pytest.mark.slow
@pytest.mark.parametrize("page", PAGES)
async def test_a_page_that_is_asked_for_after_a_target_left_does_not_have_it_whoever_asked_before(page: str) -> None:
    backend, found = Shifting(), []
    async with httpx.AsyncClient(transport=as_user(backend), base_url="http://exporter") as client:
        headers = {"x-test-user": "anna", "accept-encoding": "gzip"}
        path = f"/site/{quote(MINE, safe='')}{page}"
        for owner in (MINE, THEIRS, MINE, THEIRS):
            operator = asyncio.create_task(client.get(page or "/", headers=headers | {"x-test-user": "prometheus"}))
            before = asyncio.create_task(client.get(path, headers=headers))
            await asyncio.sleep(0)
            backend.hand_over(owner)
            found.append(b"moving" in (await client.get(path, headers=headers)).content)
            await asyncio.gather(operator, before)
    assert [True, False, True, False] == found


letters = st.sampled_from(
    [
        *"/%.\\;?#&=+ \x00\n",
        *"zZ-other",
        "%2f",
        "%252f",
        "%00",
        "..",
        "\u200b",
        "\u212a",
        "\uff5a",
        "\u0308",
        THEIRS,
        MINE,
        "site",
    ]
)


@pytest.mark.slow
@given(
    st.lists(letters, max_size=12).map("".join),
    st.sampled_from(["/site/", "/site//", "/site/./", "//site/", "/"]),
    st.sampled_from(PAGES),
)
@settings(deadline=None, max_examples=300)
async def test_no_spelling_of_a_path_shows_a_customer_another_site(name: str, root: str, page: str) -> None:
    backend = Shifting()

    sent: list[Message] = []

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        sent.append(message)

    scope: Scope = {
        "type": "http",
        "method": "GET",
        "path": root + name + page,
        "raw_path": (root + quote(name) + page).encode(),
        "query_string": quote(name).encode(),
        "root_path": "",
        "scheme": "http",
        "http_version": "1.1",
        "headers": [(b"accept-encoding", b"gzip"), (b"host", b"exporter")],
    }
    signed_in(scope, "anna")
    await create_app(backend)(scope, receive, send)
    headers = dict(sent[0]["headers"])
    content = b"".join(message.get("body", b"") for message in sent[1:])
    status, content = (sent[0]["status"], gzip.decompress(content) if headers.get(b"content-encoding") == b"gzip" else content)
    assert f"{THEIRS}-0".encode() not in content
    own = f"/site/{MINE}"
    assert (status == 200) <= (root + name + page in {own + each for each in PAGES})


@pytest.mark.slow
@given(st.lists(st.sampled_from([MINE, THEIRS, "a", "b", ""]), min_size=1, max_size=6), st.sampled_from([MINE, THEIRS, "a"]))
def test_the_view_of_a_site_has_the_targets_of_that_label_and_no_others(sites: Sequence[str], site: str) -> None:
    view: View = views.view_of(*(mine(f"t{number}", site=each) for number, each in enumerate(sites)))
    assert [f"t{number}" for number, each in enumerate(sites) if each == site] == [
        target.name for target in view.of_site(site).targets
    ]
