"""Real answers of both simulated platforms, by operation: what the readers are fed with, spoilt."""

from __future__ import annotations

import json
from collections import defaultdict
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.parse import parse_qsl

import httpx

from exporter.errors import PollError
from exporter.model import CollectorName
from exporter.platforms.bitrix24 import BITRIX24
from exporter.platforms.wix import WIX
from exporter.platforms.wix.settings import SlotService, WixCollectors, WixConnections, WixEvents, WixSlots
from exporter.simulator.bitrix24.errors import ApiError
from exporter.simulator.bitrix24.world import Link, calendar_event, sku
from tests.harness.bitrix24_target import HOUR, Bench, poll_bookings, poll_links, running_portal
from tests.harness.pool import ObservedPool
from tests.harness.wix_site import WixBench, running_site

MAX_BYTES = 64 * 1024
"""Longer ones, a whole page of Wix, have nothing in them that shorter ones have not."""

Corpus = dict[str, list[bytes]]


async def answers() -> Corpus:
    """Return bodies by the last part of the path, or by what is queried; those of refusals as ``refused by PLATFORM``."""
    found: Corpus = defaultdict(list)
    async with running_site() as site:
        await _site(site, found)
    with TemporaryDirectory() as folder:
        async with running_portal(Path(folder)) as portal:
            await _portal(portal, found)
    return dict(found)


def _listen(http: ObservedPool, found: Corpus, platform: str) -> None:
    async def instead(request: httpx.Request) -> httpx.Response:
        answer = await http.inner.handle_async_request(request)
        body = await answer.aread()
        *_, before, name = request.url.path.rstrip("/").split("/")
        if before in {"schedules", "staff-members", "services"}:
            name = before
        if name == "token":
            name = f"token from {platform}"
        if answer.status_code >= httpx.codes.BAD_REQUEST:
            name = f"refused by {platform}" if "oauth" not in request.url.path else f"no tokens from {platform}"
        if len(found[name]) < 20 and len(body) <= MAX_BYTES:
            found[name].append(body)
        headers = {key: value for key, value in answer.headers.items() if key not in {"content-encoding", "content-length"}}
        return httpx.Response(answer.status_code, headers=headers, content=body)

    http.instead = instead


async def _site(bench: WixBench, found: Corpus) -> None:
    _listen(bench.http, found, "wix")
    bench.site.connect_many(4)
    now, staff = bench.clock.now, bench.site.add_staff()
    for number in range(130):
        begin = now + number * HOUR
        bench.site.bookings.add(begin, begin + 1.5 * HOUR, staff=staff if number % 2 else None)
    app = bench.simulator.wix.credentials.install(bench.site.id)
    for conflicts in (True, False):
        bench.open(bench.target(app=app, bookings={"conflicts": conflicts}))
        await bench.observe()
        await bench.count()
    watched = WixCollectors(connections=WixConnections(interval=60.0), events=WixEvents(interval=60.0))
    bench.open(bench.target(app=app, collectors=watched))
    await bench.poll(CollectorName.EVENTS)
    offered = WixSlots(interval=1800.0, services=(SlotService(name="Cut", id=bench.site.add_service("Cut").id),))
    bench.open(bench.target(app=app, collectors=WixCollectors(slots=offered)))
    await bench.poll(CollectorName.SLOTS)
    bench.open(bench.target(app=app, bookings={}))
    await WIX.inventory(bench.session)
    bench.site.premium = False
    await bench.failure()
    bench.site.bookings_installed = False
    await bench.failure(CollectorName.BOOKINGS)
    app = bench.simulator.wix.credentials.install(bench.site.id)
    bench.open(bench.target(app=app, instance_id="00000000-0000-4000-8000-000000000000"))
    await bench.failure()


async def _portal(bench: Bench, found: Corpus) -> None:
    _listen(bench.http, found, "bitrix24")
    _, pair = bench.app()
    tokens = json.dumps(bench.simulator.bitrix24.oauth.token_file(pair, bench.url, bench.now))
    (bench.folder / "tokens.json").write_text(tokens)
    found["token file"].append(tokens.encode())
    bench.world.add_resource("Chair")
    bench.world.fill(130, bench.now, days=(0.1, 6.9))
    begin = bench.now + HOUR
    bench.world.add_booking(begin, begin + HOUR, links=(Link("7"), calendar_event(52), sku(7)))
    session = bench.open(webhook_url=None, oauth=bench.oauth(), bookings={"per_resource": True})
    await BITRIX24.inventory(session)
    await poll_bookings(session)
    await poll_links(session)
    bench.simulator.bitrix24.switches.batch_blocked = frozenset({"booking.v1.booking.externaldata.list"})
    await poll_links(bench.open(webhook_url=None, oauth=bench.oauth()))
    bench.clock.now += 3601
    await poll_bookings(session)
    for error, status in (("INVALID_CREDENTIALS", 401), (0, 400), ("ERROR_MANIFEST_IS_NOT_AVAILABLE", 404), (422, 422)):
        bench.portal.refusal = ApiError(error, "because", status)
        with suppress(PollError):
            await poll_bookings(bench.open())
    (bench.folder / "tokens.json").write_text(tokens)  # a refresh token that is spent
    bench.clock.now += 30 * 86400.0
    with suppress(PollError):
        await poll_bookings(bench.open(webhook_url=None, oauth=bench.oauth()))


def query_strings() -> list[bytes]:
    """Return query strings that mean something here."""
    texts = ["target=site-1", "target=site-1&target=site-2", "page=2", "show=all&sort=name", "limit=10", "target="]
    assert all(parse_qsl(text, keep_blank_values=True) for text in texts)
    return [text.encode() for text in texts]
