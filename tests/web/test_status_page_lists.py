"""The status board of many targets: pages, filter, order, lists that are cut, and what such a page may weigh."""

from __future__ import annotations

import re
import time

import pytest
from msgspec.structs import replace

from exporter.model import CollectorName, ConnectionStatus
from exporter.state.snapshot import TargetView
from exporter.web import status_page as board
from exporter.web.status_documents import target_document
from exporter.web.status_types import Target as Document
from exporter.web.status_types import TargetState
from tests.harness import views, worst
from tests.harness.board import failed_site, failed_site_with, names, page, site, words
from tests.harness.views import NOW
from tests.harness.web import ShownBackend, ask


@pytest.mark.parametrize("query", ["window seat", "salon-berlin", "microsoft"])
def test_the_filter_finds_by_alias_site_and_calendar(query: str) -> None:
    assert "Nothing matches" not in page(views.in_berlin(), query)


def test_targets_come_in_pages_the_broken_ones_first() -> None:
    view = views.view_of(*(site(f"good-{number:03}") for number in range(60)), failed_site("bad"))
    first, last = (board.board_of(view, page=number) for number in (1, 3))
    assert (3, 61, "bad", 25) == (first.pages, first.matching, names(first)[0], len(first.targets))
    assert "good-059" == names(last)[-1]
    assert 11 == len(last.targets)
    assert names(board.board_of(view, page=99)) == names(last)


@pytest.mark.slow
def test_the_page_stays_small_with_thousands_of_targets() -> None:
    broken = views.connection("b", ConnectionStatus.ERROR)
    view = views.view_of(
        *(site(f"site-{number}", broken) if number % 3 else failed_site(f"site-{number}") for number in range(3_000))
    )
    assert len(page(view)) < 250_000


@pytest.mark.slow
def test_a_page_of_targets_that_fill_every_cap_is_small_and_made_within_a_second() -> None:
    sites = [worst.site(f"site-{number}", worst.connections()) for number in range(15)]
    portals = [worst.portal(f"portal-{number}", number=10, letters=60) for number in range(10)]
    view = views.view_of(*sites, *portals)
    began = time.thread_time()
    html = page(view)
    assert time.thread_time() - began < 3.0, "the processor's own time: a second, and three on a slow machine"
    assert len(html.encode()) < 4 * 1024 * 1024


@pytest.mark.slow
def test_a_site_with_ten_thousand_broken_connections_is_shown_like_any_other() -> None:
    view = views.view_of(worst.site("site", worst.connections(10_000)))
    began = time.thread_time()
    html = page(view)
    assert time.thread_time() - began < 3.0
    assert len(html.encode()) < 512 * 1024


@pytest.mark.slow
def test_connections_beyond_the_cap_are_told() -> None:
    view = views.view_of(worst.site("site", worst.connections()))
    [shown] = board.board_of(view).targets
    assert 9_500 == shown.more_connections
    assert "10 000 connections: 500 error, 9 500 not listed" in words(page(view))


def test_a_long_list_of_connections_is_cut_with_the_broken_ones_kept() -> None:
    rows = [views.connection(f"Chair {number}") for number in range(200)]
    rows[150] = replace(rows[150], status=ConnectionStatus.ERROR)
    shown, _ = board.board_of(views.view_of(site("a", *rows), site("b"))).targets
    assert ("Chair 150", 50, 150) == (
        shown.connections[0].connection,
        len(shown.connections),
        shown.more_connections,
    )


def test_a_target_that_is_alone_on_the_page_shows_all_its_connections() -> None:
    rows = [views.connection(f"Chair {number}") for number in range(200)]
    [shown] = board.board_of(views.view_of(site("a", *rows), site("b")), query="target:a").targets
    assert (200, 0) == (len(shown.connections), shown.more_connections)
    assert ["Chair 0", "Chair 1", "Chair 2"] == [row.connection for row in shown.connections[:3]]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ("", ["bad", "berlin", "munich"]),
        ("munich", ["munich"]),
        ("MUNICH", ["munich"]),
        ("city=berlin", ["berlin"]),
        ("critical", ["bad"]),
        ("auth", ["bad"]),
        ("healthy", ["munich"]),
        ("wix", ["bad", "berlin", "munich"]),
        ("chair 7", ["munich"]),
        ("munich chair 7", ["munich"]),
        ("berlin chair 7", []),
        ("disconnected", ["berlin"]),
        ("100%", []),
    ],
)
def test_the_filter_finds_what_contains_every_word(query: str, expected: list[str]) -> None:
    view = views.view_of(
        site("munich", views.connection("Chair 7"), labels={"city": "munich"}),
        site("berlin", views.connection("Sofa", ConnectionStatus.DISCONNECTED), labels={"city": "berlin"}),
        failed_site("bad"),
    )
    assert expected == names(board.board_of(view, query=query))


def test_the_filter_finds_a_booking_id() -> None:
    assert ["salon-b24"] == names(board.board_of(views.healthy(), query="352"))


def test_the_filter_narrows_a_long_list_of_connections() -> None:
    rows = [views.connection(f"Chair {number}") for number in range(200)]
    [shown] = board.board_of(views.view_of(site("a", *rows)), query="chair 199").targets
    assert ["Chair 199"] == [row.connection for row in shown.connections]


def test_the_filter_stays_in_the_box_and_in_the_links() -> None:
    view = views.view_of(*(site(f"a&b {number}") for number in range(60)))
    html = page(view, "a&b")
    assert 'value="a&amp;b"' in html
    assert 'href="?q=a%26b&amp;page=2#targets"' in html


def test_nothing_found_is_said() -> None:
    assert "Nothing matches nobody." in words(page(views.healthy(), "nobody")).replace(" .", ".")


def test_a_target_can_be_asked_for_by_its_name() -> None:
    backend = ShownBackend(views.view_of(*(site(f"site-{number}") for number in range(60))))
    assert ["site-5"] == re.findall(r'data-key="(site-[0-9]+)"', ask(backend, "/?target=site-5").text)
    assert 'value="target:site-5"' in ask(backend, "/?target=site-5").text


@pytest.mark.parametrize(
    ("sort", "expected"),
    [
        ("", ["b", "a2", "a10", "c"]),
        ("state", ["b", "a2", "a10", "c"]),
        ("name", ["a2", "a10", "b", "c"]),
        ("site", ["c", "a2", "b", "a10"]),
        ("age", ["b", "c", "a2", "a10"]),
        ("nonsense", ["b", "a2", "a10", "c"]),
    ],
)
def test_targets_are_sorted_as_asked_and_names_as_people_do(sort: str, expected: list[str]) -> None:
    old = views.unpolled("c", "wix", CollectorName.CONNECTIONS)
    polled = replace(views.succeeded(old, views.connections(at=NOW - 200)), next_poll=NOW + 10)
    aged = views.target_of("c", "wix", [polled], labels={"site": "x1"})
    view = views.view_of(site("a10"), aged, site("a2", labels={"site": "x2"}), failed_site_with("b", {"site": "x10"}))
    assert expected == names(board.board_of(view, sort=sort))


def test_the_order_and_the_filter_stay_in_every_link_between_pages() -> None:
    html = page(views.view_of(*(site(f"site {number}") for number in range(100))), "site", 2, "name")
    for word, number in (("First", ""), ("Previous", ""), ("Next", "&amp;page=3"), ("Last", "&amp;page=4")):
        assert re.search(rf'href="\?q=site&amp;sort=name{number}#targets">{word}<', html), word
    assert '<input type="hidden" name="sort" value="name">' in html
    assert '<option value="name" selected>' in html


def test_the_counts_follow_the_filter() -> None:
    view = views.view_of(*(site(f"good {number}") for number in range(3)), failed_site("bad 1"), failed_site("bad 2"))
    assert "2 of 5 shown 2 critical Show all" in words(page(view, "bad"))
    assert "shown" not in words(page(view)).split("Broken now")[0]
    assert "?q=bad+state%3Acritical" == board.board_of(view, query="bad state:healthy").to_state("critical")


def test_only_the_documents_of_shown_targets_are_made(monkeypatch: pytest.MonkeyPatch) -> None:
    made = []

    def count(target: TargetView, now: float, state: TargetState) -> Document:
        made.append(target.name)
        return target_document(target, now, state)

    monkeypatch.setattr("exporter.web.overview.target_document", count)
    page(views.view_of(*(site(f"site-{number}") for number in range(500))))
    assert 25 == len(made)
