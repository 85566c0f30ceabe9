"""Names and words from outside: text on the status board, whole in its addresses, and nothing that runs or loads."""

from __future__ import annotations

import base64
import hashlib
import re
from html import escape
from html.parser import HTMLParser
from urllib.parse import parse_qs, quote_plus, urlsplit

import pytest
from msgspec.structs import replace

from exporter.errors import Reason
from exporter.model import CollectorName, Conflict, ConnectionStatus
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.board import failed_site, names, page, site
from tests.harness.views import NOW
from tests.harness.web import ShownBackend, ask

HOSTILE = "\"'><script>alert(1)</script><img src=x onerror=alert(1)>"


class Tags(HTMLParser):
    """Reads a page as a browser would: its tags and attributes."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: set[str] = set()
        self.attributes: list[tuple[str, str | None]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        self.attributes += attrs


def test_words_from_outside_are_text() -> None:
    rows = [views.connection(HOSTILE, ConnectionStatus.ERROR, schedule=HOSTILE, provider=HOSTILE)]
    state = views.unpolled(HOSTILE, "wix", CollectorName.CONNECTIONS)
    failing = views.failed(views.succeeded(state, views.connections(*rows)), Reason.AUTH, HOSTILE)
    assert failing.failure is not None
    failing = replace(failing, failure=replace(failing.failure, code=HOSTILE, request_id=HOSTILE))
    portal = views.unpolled(HOSTILE, "bitrix24", CollectorName.BOOKINGS)
    seen = replace(
        views.bitrix24_bookings(),
        conflicts=(Conflict("7", HOSTILE, HOSTILE, NOW + 60, NOW + 120),),
        resource_names={"7": HOSTILE, "8": HOSTILE},
    )
    labels = {"note": HOSTILE, "x": "javascript:alert(1)"}
    view = views.view_of(views.target_of(HOSTILE, "wix", [failing, views.succeeded(portal, seen)], labels=labels))
    html = page(view, HOSTILE)
    ours = page(views.view_of())
    assert html.count("<script") == ours.count("<script") == 1
    found = Tags()
    found.feed(html)
    assert "img" not in found.tags
    assert [] == [name for name, _ in found.attributes if name.startswith("on")]
    assert [] == [value for name, value in found.attributes if name == "href" and (value or "").startswith("javascript")]
    assert "&lt;script&gt;alert(1)" in html


def test_only_the_style_and_script_of_the_page_may_run() -> None:
    answer = ask(ShownBackend(views.healthy()), "/")
    policy = answer.headers["content-security-policy"]
    for tag in ("style", "script"):
        [text] = re.findall(rf"<{tag}>(.*?)</{tag}>", answer.text, flags=re.DOTALL)
        digest = base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in policy
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy


def test_the_page_loads_nothing_from_elsewhere() -> None:
    html = page(views.failing())
    loaded = re.sub(r"<a [^>]*>", "", html)
    assert [] == re.findall(r"""(?:src|href|action)=["']?(?:https?:)?//[^"']*""", loaded)
    assert 'style="' not in html


def test_addresses_are_relative_so_that_a_proxy_may_serve_it_in_a_folder() -> None:
    html = page(views.view_of(*(failed_site(f"site-{number}") for number in range(60))))
    assert [] == re.findall(r'(?:href|action)="/[^"]*"', html)


ODD = ("salon berlin", "a/b", "50% & more", "Müller", "a+b", "live", 'say "hi" \\', "#1")


@pytest.mark.parametrize("name", ODD)
def test_a_place_is_named_as_a_query_string_is_encoded(name: str) -> None:
    html = page(views.view_of(site(name, views.connection(name))))
    encoded = quote_plus(name)
    assert 1 == html.count(f'id="{encoded}/"')
    assert 1 == html.count(f'id="{encoded}/{encoded}"')


@pytest.mark.parametrize("name", ODD)
def test_a_link_to_a_target_finds_it_alone(name: str) -> None:
    view = views.view_of(failed_site(name), site(f"{name}b"), site(f"{name} 2"), site("other"))
    found = board.board_of(view)
    query = parse_qs(urlsplit(found.to_target(name)).query)["q"][0]
    assert [name] == names(board.board_of(view, query=query))
    assert f"{quote_plus(name)}/" == urlsplit(found.to_target(name)).fragment
    assert f'href="{escape(found.to_target(name))}"' in page(view)


def test_no_name_of_a_target_is_the_name_of_something_else_on_the_page() -> None:
    found = Tags()
    found.feed(page(views.view_of(*(failed_site(name) for name in ("live", "targets", "q", "broken", "page", "sort")))))
    ids = [value for name, value in found.attributes if name == "id"]
    assert len(ids) == len(set(ids))
