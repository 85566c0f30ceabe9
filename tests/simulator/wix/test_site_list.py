"""The sites of an account, as docs/platforms/wix-sites.md has them."""

from __future__ import annotations

from typing import Any

import pytest

from exporter.simulator.wix.bookings import BOOKINGS_APP_ID
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_SITES
from tests.harness.simulated_wix import EMPTY, RawWix, code_of

SITES = "/site-list/v2/sites/query"
EVERYWHERE = {"namespace": {"$in": ["WIX", "HEADLESS"]}}


class RawAccount(RawWix):
    """The account of the first site."""

    @property
    def headers(self) -> dict[str, str]:
        return {"authorization": self.key.value, "wix-account-id": self.site.account_id}

    def add(self, name: str, **facts: object) -> str:
        self.clock.now += 1
        site = self.wix.add_site(account_id=self.site.account_id, display_name=name)
        for fact, value in facts.items():
            setattr(site, fact, value)
        return site.id

    async def sites(self, limit: int = 100, **query: Any) -> dict[str, Any]:  # noqa: ANN401  what the API takes
        answer = await self.post(SITES, {"query": {"cursorPaging": {"limit": limit}, **query}})
        assert 200 == answer.status_code
        found: dict[str, Any] = answer.json()
        return found

    async def names(self, **query: Any) -> list[str]:  # noqa: ANN401  parts of a query
        return [row["displayName"] for row in (await self.sites(**query))["sites"]]


async def test_sites_of_the_account_come_oldest_first_and_those_of_others_do_not() -> None:
    raw = RawAccount()
    raw.site.display_name = "A"
    raw.add("B")
    raw.wix.add_site(display_name="of another account")
    assert ["A", "B"] == (await raw.names())


async def test_headless_sites_are_left_out_without_a_word_unless_their_namespace_is_named() -> None:
    raw = RawAccount()
    raw.site.display_name = "A"
    raw.add("B", namespace="HEADLESS")
    assert (["A"], ["A", "B"]) == ((await raw.names()), (await raw.names(filter=EVERYWHERE)))


async def test_drafts_and_sites_without_the_app_can_be_filtered_out() -> None:
    raw = RawAccount()
    raw.site.display_name = "A"
    raw.add("draft", published=False)
    raw.add("shop", bookings_installed=False)
    with_app = {"appIds": {"$hasSome": [BOOKINGS_APP_ID]}}
    assert ["A", "shop"] == (await raw.names(filter={"published": True}))
    assert ["A"] == (await raw.names(filter={"published": True, **with_app}))
    raw.wix.switches.ignore_app_filter = True
    assert ["A", "draft", "shop"] == (await raw.names(filter=with_app))


async def test_a_filter_on_anything_else_is_ignored() -> None:
    raw = RawAccount()
    raw.add("B")
    assert 2 == len(await raw.names(filter={"displayName": "B"}))


@pytest.mark.parametrize("hidden", [False, True])
async def test_a_site_in_the_trash_says_since_when_or_is_not_there(hidden: bool) -> None:
    raw = RawAccount()
    raw.wix.switches.hide_trashed = hidden
    raw.add("B", trashed_at=raw.now)
    trashed = [row["displayName"] for row in (await raw.sites())["sites"] if "trashedDate" in row]
    assert ([] if hidden else ["B"]) == trashed


async def test_pages_go_on_by_the_cursor_in_metadata_which_carries_no_limit() -> None:
    raw = RawAccount()
    for number in range(129):
        raw.add(f"Site {number}")
    first = await raw.sites()
    metadata = first["metadata"]
    assert (100, True, False) == (len(first["sites"]), metadata["hasNext"], "pagingMetadata" in first)
    query = {"cursorPaging": {"cursor": metadata["cursors"]["next"]}}
    rest = (await raw.post(SITES, {"query": query})).json()
    assert (30, False, {}) == (len(rest["sites"]), rest["metadata"]["hasNext"], rest["metadata"]["cursors"])
    assert 130 == len({row["id"] for row in first["sites"] + rest["sites"]})
    assert 400 == (await raw.post(SITES, {"query": {"cursorPaging": {"limit": 101}}})).status_code


@pytest.mark.parametrize("changes", [{"wix-account-id": "another"}, {"wix-account-id": ""}])
async def test_a_key_of_another_account_gets_an_empty_403(changes: dict[str, str]) -> None:
    raw = RawAccount()
    answer = await raw.post(SITES, {"query": {}}, headers=raw.headers | changes)
    assert (403, EMPTY) == (answer.status_code, answer.json())


async def test_a_wrong_key_gets_401_and_one_without_the_permission_403() -> None:
    raw = RawAccount()
    assert 401 == (await raw.post(SITES, {}, headers=raw.headers | {"authorization": "IST.wrong"})).status_code
    raw.key = raw.wix.add_key(raw.site, permissions=ALL_PERMISSIONS - READ_SITES)
    answer = await raw.post(SITES, {})
    assert (403, "PERMISSION_DENIED") == (answer.status_code, code_of(answer))


async def test_the_account_has_a_limit_of_its_own() -> None:
    raw = RawAccount()
    raw.wix.switches.requests_per_minute = 1
    assert [200, 429] == [(await raw.post(SITES, {})).status_code for _ in range(2)]


async def test_it_is_no_write() -> None:
    raw = RawAccount()
    (await raw.sites())
    assert {} == raw.simulator.log.writes()
