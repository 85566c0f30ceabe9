"""The sites of an account, read from the simulator: whole, or not at all."""

from __future__ import annotations

import json
from random import Random
from typing import Any

import pytest

from exporter.errors import PollError, Reason
from exporter.platforms.base import Services
from exporter.platforms.discovery import FoundSite, FoundSites
from exporter.platforms.retry import wait_allowance
from exporter.platforms.wix.settings import WixTarget
from exporter.platforms.wix.sites import SiteFinder, WixDiscovery
from exporter.polling.admission import Admission
from exporter.simulator import canary
from exporter.simulator.faults import FaultKind
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_SITES
from exporter.support.secret import Secret
from tests.harness.wix_site import WixBench, running_site

GUID = "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10"
FINE = {"id": GUID, "displayName": "Salon", "published": True}
LAST = {"hasNext": False, "cursors": {}}


def rule(wix: WixBench, **changes: object) -> WixDiscovery:
    values: dict[str, Any] = {
        "name": "agency",
        "platform": "wix",
        "account_id": wix.site.account_id,
        "api_key": Secret(wix.key.value),
        "target": WixTarget(name="site", platform="wix", base_url=wix.url, timeout=5.0, api_key=Secret(wix.key.value)),
        **changes,
    }
    return WixDiscovery.model_construct(None, **values)


async def read(wix: WixBench, **changes: object) -> FoundSites:
    services = Services(wix.http, wix.clock, Random(1), wix.events, wix.since, Admission(wix.clock))
    with wait_allowance(30):
        return await SiteFinder(rule(wix, **changes), services).sites()


async def found(script: object = lambda _: None) -> FoundSites:
    async with running_site() as wix:
        wix.site.display_name = "A"
        script(wix)  # type: ignore[operator]
        return await read(wix)


async def failure(script: object) -> PollError:
    with pytest.raises(PollError) as caught:
        await found(script)
    return caught.value


def add(wix: WixBench, name: str, **facts: object) -> str:
    wix.clock.now += 1
    site = wix.simulator.wix.add_site(account_id=wix.site.account_id, display_name=name)
    for fact, value in facts.items():
        setattr(site, fact, value)
    return site.id


def names(sites: FoundSites) -> list[str]:
    return [site.name for site in sites.sites]


async def test_published_sites_with_bookings_come_oldest_first_headless_ones_among_them() -> None:
    def script(wix: WixBench) -> None:
        add(wix, "B", namespace="HEADLESS")
        add(wix, "draft", published=False)
        add(wix, "shop", bookings_installed=False)
        wix.simulator.wix.add_site(display_name="of another account")

    assert ["A", "B"] == names(await found(script))


async def test_the_account_is_named_and_no_site(bench: WixBench) -> None:
    await read(bench)
    bench.switches.reject_both_ids = True
    await read(bench)


@pytest.mark.parametrize("hidden", [True, False])
async def test_a_site_in_the_trash_is_not_listed_and_told_as_gone_where_the_answer_says_so(hidden: bool) -> None:
    kept: list[str] = []

    def script(wix: WixBench) -> None:
        wix.switches.hide_trashed = hidden
        kept.append(add(wix, "B", trashed_at=wix.clock.now))

    sites = await found(script)
    assert (["A"], frozenset() if hidden else frozenset(kept)) == (names(sites), sites.gone)


@pytest.mark.parametrize("switch", ["", "trailing_empty_page", "omit_has_next"])
async def test_250_sites_take_three_pages_and_each_comes_once(switch: str) -> None:
    def script(wix: WixBench) -> None:
        for number in range(249):
            add(wix, f"Site {number:03}")
        if switch == "omit_has_next":  # then only a cursor says that there is more
            wix.switches.omit_has_next = True
        elif switch:
            setattr(wix.switches, switch, True)

    sites = await found(script)
    assert (250, 250, 0) == (len(sites.sites), len({site.id for site in sites.sites}), sites.odd)


BROKEN = {
    "null": "null",
    "a list": "[]",
    "no sites": json.dumps({"metadata": LAST}),
    "sites that are no list": json.dumps({"sites": {}, "metadata": LAST}),
    "no metadata": json.dumps({"sites": [FINE]}),
    "metadata under another name": json.dumps({"sites": [FINE], "pagingMetadata": LAST}),
    "more, and no way to it": json.dumps({"sites": [FINE], "metadata": {"hasNext": True, "cursors": {}}}),
    "a full page without an end": json.dumps({"sites": [FINE] * 100, "metadata": {"cursors": {}}}),
    "more rows than were asked for": json.dumps({"sites": [FINE] * 101, "metadata": LAST}),
    "the same page for ever": json.dumps({"sites": [FINE], "metadata": {"hasNext": True, "cursors": {"next": "again"}}}),
}


@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN)
async def test_what_is_not_a_whole_list_is_none(body: str) -> None:
    error = await failure(lambda wix: wix.answer_with("QuerySites", body))
    assert Reason.INVALID_RESPONSE is error.reason
    assert "query_sites" in error.message or "sites" in error.message


@pytest.mark.parametrize("after", [0, 1])
@pytest.mark.parametrize(
    ("kind", "reason"),
    [
        (FaultKind.STATUS, Reason.INVALID_RESPONSE),
        (FaultKind.TRUNCATED, Reason.INVALID_RESPONSE),
        (FaultKind.DROP, Reason.NETWORK),
        (FaultKind.RATE_LIMITED, Reason.RATE_LIMITED),
        (FaultKind.EMPTY, Reason.INVALID_RESPONSE),
        (FaultKind.HUGE, Reason.INVALID_RESPONSE),
    ],
)
async def test_a_read_that_breaks_off_brings_nothing_on_whichever_page(kind: FaultKind, reason: Reason, after: int) -> None:
    def script(wix: WixBench) -> None:
        for number in range(120):
            add(wix, f"Site {number}")
        wix.spoil(kind, "QuerySites", after=after)

    assert reason is (await failure(script)).reason


ODD = [{}, None, "text", 7, {"id": 5}, {"id": ""}, {"id": "no guid"}, {"id": GUID[:-1]}, {"id": "x" * 70_000}]


@pytest.mark.parametrize("row", ODD, ids=range(len(ODD)))
async def test_a_row_that_cannot_be_read_is_counted_and_costs_no_other(row: object) -> None:
    body = json.dumps({"sites": [row, FINE], "metadata": LAST})
    sites = await found(lambda wix: wix.answer_with("QuerySites", body))
    assert (["Salon"], 1) == (names(sites), sites.odd)


@pytest.mark.parametrize(
    ("row", "name"),
    [
        ({"id": GUID}, ""),
        ({"id": GUID.upper(), "name": "salon-berlin"}, "salon-berlin"),
        ({"id": GUID, "displayName": None, "name": 5}, ""),
        ({"id": GUID, "displayName": "x" * 5_000}, "x" * 1_000),
    ],
)
async def test_what_a_row_lacks_costs_only_its_name(row: dict[str, object], name: str) -> None:
    body = json.dumps({"sites": [row], "metadata": LAST})
    assert (FoundSite(GUID, name),) == (await found(lambda wix: wix.answer_with("QuerySites", body))).sites


async def test_refusals_are_told_apart(bench: WixBench) -> None:
    reasons = []
    other = bench.simulator.wix.add_key(bench.site, permissions=ALL_PERMISSIONS - READ_SITES).value
    keys = [rule(bench).target.model_copy(update={"api_key": Secret(key)}) for key in ("IST.wrong", other)]
    refused: list[dict[str, Any]] = [{"account_id": "another"}, {"target": keys[0]}, {"target": keys[1]}]
    for changes in refused:
        with pytest.raises(PollError) as caught:
            await read(bench, **changes)
        reasons.append(caught.value.reason)
    assert [Reason.PERMISSION, Reason.AUTH, Reason.PERMISSION] == reasons


async def test_no_error_shows_the_key_or_what_the_answer_held() -> None:
    body = json.dumps({"sites": canary.EMAIL, "metadata": LAST})

    def script(wix: WixBench) -> None:
        wix.answer_with("QuerySites", body)

    error = await failure(script)
    assert canary.EMAIL not in str(error)
    assert "IST." not in str(error)


@pytest.mark.parametrize(
    ("only", "without", "wanted"),
    [
        ((), (), True),
        (("salon*",), (), True),
        (("SALON b*",), (), True),
        (("physio*",), (), False),
        ((), ("*berlin",), False),
        (("salon*",), ("*Berlin",), False),
        ((GUID[:8] + "*",), (), True),
        (("[",), (), False),
    ],
)
def test_sites_are_picked_by_name_or_id(only: tuple[str, ...], without: tuple[str, ...], wanted: bool) -> None:
    of = WixDiscovery.model_construct(only=only, without=without)
    assert wanted == of.wants(FoundSite(GUID, "Salon Berlin"))
