"""The runbooks as the exporter serves them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from html import unescape
from urllib.parse import urljoin, urlsplit

import pytest

from exporter.web import create_app
from exporter.web.runbook_pages import RunbookPages
from tests.harness import views
from tests.harness.web import ShownBackend, ask, library
from tests.monitoring.bundle import ALERT_NAMES

PAGE = "/runbooks/BookingSyncDataExpired"


def get(path: str, method: str = "GET", headers: dict[str, str] | None = None) -> tuple[int, str]:
    answer = ask(ShownBackend(views.healthy()), path, method, headers)
    return answer.status_code, answer.text


@pytest.mark.parametrize("alert", ALERT_NAMES)
def test_every_alert_has_its_page_under_its_name(alert: str) -> None:
    status, text = get(f"/runbooks/{alert}")
    assert 200 == status
    assert f"<title>{alert} · Runbooks</title>" in text
    assert re.search(rf'<h1 id="{alert.lower()}">{alert}</h1>', text)
    assert "<!--" not in text
    assert "&lt;!--" not in text
    assert 3 == len(re.findall(r"<li>", text.partition('id="first-three-steps"')[2].partition("</ol>")[0]))


@pytest.mark.parametrize(
    "name", ["bookingsyncdataexpired", "BOOKINGSYNCDATAEXPIRED", "BookingSyncDataExpired.md", "bookingsyncdataexpired.MD"]
)
def test_a_page_is_found_in_any_case_and_by_its_file(name: str) -> None:
    assert get(PAGE) == get(f"/runbooks/{name}")


def test_the_index_is_found_by_its_folder_and_by_its_file() -> None:
    assert get("/runbooks/") == get("/runbooks/README.md")
    assert "<title>Runbooks</title>" in get("/runbooks/")[1]


@pytest.mark.parametrize("name", ["BookingSyncNowhere", "x.md.md", "%00", "bookingsyncdataexpired.html", "é", "board.html"])
def test_a_name_of_no_alert_is_not_found_and_the_answer_names_the_index(name: str) -> None:
    assert (404, "No such runbook: it is the name of an alert. /runbooks/ lists all of them.\n") == get(f"/runbooks/{name}")


@pytest.mark.parametrize("path", ["/runbooks/x/y", "/runbooks/%2e%2e%2fconfig", "/runbooks/Watchdog/"])
def test_there_is_nothing_below_a_page(path: str) -> None:
    assert 404 == get(path)[0]


@pytest.mark.slow
def test_every_link_of_every_page_leads_somewhere() -> None:
    checked = 0
    for path in ["/runbooks/", *(f"/runbooks/{alert}" for alert in ALERT_NAMES)]:
        for link in map(unescape, re.findall(r'href="([^"]+)"', get(path)[1])):
            if link.startswith("data:"):
                continue
            address = urlsplit(urljoin(f"http://exporter{path}", link))
            assert "exporter" == address.netloc, link
            status, text = get(address.path)
            assert 200 == status, (path, link)
            assert not address.fragment or f'id="{address.fragment}"' in text, (path, link)
            checked += 1
    assert 2 * len(ALERT_NAMES) < checked


def test_a_page_loads_nothing_and_may_do_nothing() -> None:
    answer = ask(ShownBackend(views.healthy()), PAGE)
    policy = answer.headers["content-security-policy"]
    assert re.fullmatch(
        r"default-src 'none'; style-src 'sha256-[\w+/=]{44}'; img-src data:; "
        r"form-action 'none'; base-uri 'none'; frame-ancestors 'none'",
        policy,
    )
    assert [] == re.findall(r"<script|<img|<form|<iframe|<link rel=\"stylesheet|\bon\w+=|style=", answer.text)
    assert "text/html; charset=utf-8" == answer.headers["content-type"]
    assert "en" == answer.headers["content-language"]


def test_a_page_is_compressed_and_has_the_same_head_for_who_asks_for_that_alone() -> None:
    whole = ask(ShownBackend(views.healthy()), PAGE)
    zipped = ask(ShownBackend(views.healthy()), PAGE, headers={"Accept-Encoding": "gzip"})
    assert "gzip" == zipped.headers["content-encoding"]
    assert zipped.text == whole.text
    assert int(zipped.headers["content-length"]) == zipped.num_bytes_downloaded < len(whole.content) / 2
    head = ask(ShownBackend(views.healthy()), PAGE, "HEAD")
    assert (200, b"") == (head.status_code, head.content)
    assert sorted(head.headers.items()) == sorted(whole.headers.items())


def test_markdown_is_escaped_and_html_in_it_is_text() -> None:
    pages = RunbookPages(lambda: {"x.md": "# X <b>\n\n<script>alert(1)</script>\n\n[a](javascript:alert(1)) `<i>`\n"})
    html = (pages.render("X", with_board=True) or b"").decode()
    assert '<h1 id="x-b">X &lt;b&gt;</h1>' in html
    assert "<p>&lt;script&gt;alert(1)&lt;/script&gt;</p>" in html
    assert "javascript:" not in re.sub(r"\[a\]\(javascript:alert\(1\)\)", "", html)
    assert "<title>X &lt;b&gt; · Runbooks</title>" in html


def test_the_library_is_not_opened_before_somebody_asks_and_a_page_is_made_once_for_each_text() -> None:
    opened = []

    def load() -> Mapping[str, str]:
        opened.append(1)
        return library()

    backend = ShownBackend(views.healthy())
    create_app(backend, runbooks=load)
    pages = RunbookPages(load)
    assert [] == opened
    first = pages.render("watchdog", with_board=True)
    assert first is pages.render("Watchdog.md", with_board=True)
    assert opened


def test_a_standby_and_an_exporter_with_broken_targets_serve_them_as_well() -> None:
    for view in (views.standby(), views.failing()):
        assert 200 == ask(ShownBackend(view), PAGE).status_code
