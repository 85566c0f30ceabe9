"""Texts that were cut in the middle of an emoji or of a letter: where nobody reads them they change nothing, anywhere."""

from __future__ import annotations

import json
import tracemalloc
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest

from exporter.counting import Booking
from exporter.errors import InvalidResponseError, PollError, Reason
from exporter.model import BookingsObservation, CollectorName, Observation
from exporter.platforms.bitrix24 import answers as bitrix24
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.tokenfile import parse
from exporter.platforms.exchange import Answer
from exporter.platforms.wix import booking_rows, connection_rows
from exporter.simulator.bitrix24.world import Link
from exporter.simulator.faults import Fault, FaultKind
from exporter.support.json_text import decoded
from tests.harness.bitrix24_target import HOUR, LINKS, LIST, RESOURCES, poll_bookings, poll_links, running_portal
from tests.harness.wix_site import running_site

KINDS = (FaultKind.HALF_SURROGATE, FaultKind.BAD_UTF8)
WIX = ("ListConnections", "ListProviders", "CountExtendedBookings", "QueryExtendedBookings", "CreateAccessToken")
BITRIX24 = (LIST, LINKS, RESOURCES, "batch", "oauth/token")
CUT = (rb"\ud83d", rb"\ude00", rb"\uD83D\ud83d", b"\xff", b"\xc3", b"\xf0\x9f\x98")
"""What may be left of a text's last letter: half of a pair, the other half, two first halves, bytes that are no UTF-8."""


RecordedCounts = tuple[Counter[CollectorName], int, Counter[tuple[CollectorName, str]]]
"""Malformed rows, vanished bookings, unknown words."""


async def on_a_site(spoilt: str | None, kind: FaultKind) -> tuple[Sequence[Observation], int, Counter[CollectorName]]:
    """Return what two polls of each way to read a site see, how often ``spoilt`` was asked for, and what was malformed."""
    async with running_site() as bench:
        bench.site.connect_many(3)
        staff = bench.site.add_staff()
        for hours in (1, 1.5, 30):
            bench.site.bookings.add(bench.clock.now + hours * HOUR, bench.clock.now + (hours + 1) * HOUR, staff=staff)
        if spoilt is not None:
            bench.spoil(kind, spoilt)
        app = bench.simulator.wix.credentials.install(bench.site.id)
        seen: list[Observation] = []
        for conflicts in (False, True):
            bench.open(bench.target(app=app, bookings={"conflicts": conflicts}))
            for _ in range(2):
                seen += [await bench.count(), await bench.observe()]
        return seen, bench.calls(spoilt) if spoilt else 0, bench.events.malformed


@pytest.mark.slow
@pytest.mark.parametrize("operation", WIX)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_cut_text_in_any_answer_of_wix_changes_no_observation(kind: FaultKind, operation: str) -> None:
    seen, calls, malformed = await on_a_site(operation, kind)
    assert calls > 0
    assert ((await on_a_site(None, kind))[0], Counter()) == (seen, malformed)


async def in_a_portal(operation: str, kind: FaultKind | None, folder: Path) -> tuple[list[object], int, RecordedCounts]:
    """Return what three polls of a portal see; meanwhile its token expires, and a booking vanishes."""
    folder.mkdir()
    async with running_portal(folder) as bench:
        _, pair = bench.app()
        tokens = bench.simulator.bitrix24.oauth.token_file(pair, bench.url, bench.now)
        (folder / "tokens.json").write_text(json.dumps(tokens))
        bench.world.add_resource("Chair")
        bench.world.fill(130, bench.now, days=(0.1, 6.9))
        gone = bench.world.add_booking(bench.now + 30 * HOUR, bench.now + 31 * HOUR, links=(Link("7"),))
        if kind is not None:
            bench.simulator.faults.add(Fault(kind, operation=operation))
        if operation == LINKS:  # else it is asked in batches, and so is whether a booking is gone
            bench.simulator.bitrix24.switches.batch_blocked = frozenset({LINKS.lower()})
        session = bench.open(webhook_url=None, oauth=bench.oauth(), bookings={"per_resource": True, "conflicts": True})
        seen: list[object] = []
        for _ in range(3):
            seen += [await poll_bookings(session), await poll_links(session)]
            bench.clock.now += 3601
            if bench.world.booking(gone.id):
                bench.world.delete_booking(gone.id)
        return (
            seen,
            bench.simulator.log.count(operation),
            (bench.events.malformed, bench.events.vanished, Counter(bench.events.unrecognized)),
        )


@pytest.mark.slow
@pytest.mark.parametrize("operation", BITRIX24)
@pytest.mark.parametrize("kind", KINDS)
async def test_a_cut_text_in_any_answer_of_a_portal_changes_no_observation(
    kind: FaultKind, operation: str, tmp_path: Path
) -> None:
    seen, calls, counted = await in_a_portal(operation, kind, tmp_path / "spoilt")
    assert calls > 0
    assert 1 == counted[1]
    whole, _, counted_of_whole = await in_a_portal(operation, None, tmp_path / "whole")
    assert (whole, counted_of_whole) == (seen, counted)


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cut_text_does_not_hide_why_wix_refuses(kind: FaultKind) -> None:
    async with running_site() as bench:
        bench.site.premium = False
        whole = await bench.failure()
        bench.spoil(kind)
        assert whole.facts() | {"request_id": None} == (await bench.failure()).facts() | {"request_id": None}


@pytest.mark.parametrize("kind", KINDS)
async def test_a_cut_text_does_not_hide_why_a_portal_refuses(kind: FaultKind) -> None:
    async with running_portal() as bench:
        bench.portal.booking_tool_disabled = True
        bench.simulator.faults.add(Fault(kind))
        with pytest.raises(PollError) as caught:
            await poll_bookings(bench.open())
        assert Reason.NOT_ENTITLED is caught.value.reason


# Where they are read


PERIOD = b'"datePeriod":{"from":{"timestamp":1},"to":{"timestamp":2}}'


def reply(result: bytes) -> bitrix24.Reply:
    body = bitrix24.body(b'{"result":%s}' % result, 0.0)
    assert body is not None
    assert body.reply is not None
    return body.reply


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("key", [b"id", b"resourceIds", b"datePeriod"])
def test_a_booking_whose_id_or_time_is_cut_off_is_malformed_and_its_neighbours_stay(key: bytes, cut: bytes) -> None:
    odd = {
        b"id": b'{"id":"7%s",%s}' % (cut, PERIOD),
        b"resourceIds": b'{"id":7,"resourceIds":["1%s"],%s}' % (cut, PERIOD),
        b"datePeriod": b'{"id":7,"datePeriod":{"from":{"timestamp":"1%s"},"to":{"timestamp":2}}}' % cut,
    }[key]
    page = booking_pages.bookings(reply(b'{"booking":[{"id":6,%s},%s]}' % (PERIOD, odd)))
    assert ((Booking("6", 1.0, 2.0),), 2, 1) == (page.rows, page.size, page.malformed)


@pytest.mark.parametrize("cut", CUT)
def test_the_name_of_a_resource_shows_that_it_was_cut_off(cut: bytes) -> None:
    page = bitrix24.resources(reply(b'{"resource":[{"id":1,"name":"Chair %s"}]}' % cut))
    assert 0 == page.malformed
    assert "Chair " == page.rows[0].name.rstrip("\ufffd")
    assert page.rows[0].name.endswith("\ufffd")


def wix(body: bytes) -> Answer:
    return Answer(200, {"content-type": "application/json"}, body)


WHEN = b'"startDate":"2026-01-01T00:00:00Z"'


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("row", [b'"id":"7#","status":"CONFIRMED",' + WHEN, b'"id":"7","status":"CONFIRM#",' + WHEN])
def test_a_wix_booking_whose_id_or_status_is_cut_off_is_malformed_and_its_neighbours_stay(row: bytes, cut: bytes) -> None:
    good = b'{"booking":{"id":"6","status":"CONFIRMED",%s}}' % WHEN
    body = b'{"extendedBookings":[%s,{"booking":{%s}}],"pagingMetadata":{"hasNext":false}}' % (good, row.replace(b"#", cut))
    page = booking_rows.bookings(wix(body))
    assert (["6"], 1) == ([row.booking.id for row in page.rows], page.malformed)


@pytest.mark.parametrize("cut", CUT)
def test_a_cursor_that_is_cut_off_is_no_way_to_go_on(cut: bytes) -> None:
    body = b'{"extendedBookings":[],"pagingMetadata":{"hasNext":true,"cursors":{"next":"abc%s"}}}' % cut
    with pytest.raises(InvalidResponseError, match="how to go on"):
        booking_rows.bookings(wix(body))


@pytest.mark.parametrize("cut", CUT)
def test_a_connection_whose_id_is_cut_off_is_malformed_and_its_neighbours_stay(cut: bytes) -> None:
    page = connection_rows.connections(wix(b'{"connections":[{"id":"6"},{"id":"7%s"}]}' % cut))
    assert (1, 1) == (len(page.rows), page.malformed)


@pytest.mark.parametrize("cut", CUT)
def test_a_provider_whose_id_is_cut_off_is_malformed_and_its_neighbours_stay(cut: bytes) -> None:
    page = connection_rows.providers(wix(b'{"providers":[{"id":"6"},{"id":"7%s"}]}' % cut))
    assert (["6"], 1) == (list(page.calendar_types), page.malformed)


def pair(**changes: bytes) -> bytes:
    fields = {
        "access_token": b"a",
        "refresh_token": b"r",
        "client_endpoint": b"https://p.example/rest/",
        "note": b"n",
    } | changes
    return b"{%s}" % b",".join(b'"%s":"%s"' % (key.encode(), value) for key, value in fields.items())


@pytest.mark.parametrize("cut", CUT)
def test_a_token_file_with_a_cut_text_that_nobody_reads_is_a_pair(cut: bytes) -> None:
    tokens = parse(pair(note=b"Anna " + cut))
    assert tokens is not None
    assert ("a", "r") == (tokens.access.reveal(), tokens.refresh.reveal())


@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("field", ["access_token", "refresh_token", "client_endpoint"])
def test_a_token_that_is_cut_off_is_none(field: str, cut: bytes) -> None:
    assert parse(pair(**{field: b"https://p.example/rest/" + cut})) is None


@pytest.mark.slow
@pytest.mark.parametrize("cut", CUT)
@pytest.mark.parametrize("field", ["client_endpoint", "server_endpoint", "scope", "member_id"])
async def test_a_cut_text_in_the_answer_of_the_auth_server_loses_no_pair(field: str, cut: bytes, tmp_path: Path) -> None:
    async with running_portal(tmp_path) as bench:
        _, tokens = bench.app()
        stored: dict[str, Any] = bench.simulator.bitrix24.oauth.token_file(tokens, bench.url, bench.now)
        (tmp_path / "tokens.json").write_text(json.dumps(stored))

        async def instead(request: httpx.Request) -> httpx.Response | None:
            if request.url.path != "/oauth/token/":
                return None
            bench.http.instead = None
            answer = await bench.http.handle_async_request(request)
            body: dict[str, Any] = json.loads(await answer.aread())
            place = json.dumps(body | {field: "PLACE"}).encode().replace(b"PLACE", b"https://elsewhere.example/" + cut)
            return httpx.Response(200, content=place)

        bench.http.instead = instead
        bench.clock.now += 3601
        session = bench.open(webhook_url=None, oauth=bench.oauth())
        for _ in range(2):
            assert isinstance(await poll_bookings(session), BookingsObservation)
        after = json.loads((tmp_path / "tokens.json").read_text())
        assert stored["refresh_token"] != after["refresh_token"]
        assert stored[field] == after[field]


# The letters themselves


@pytest.mark.parametrize(
    ("written", "read"),
    [
        (rb"\ud83d\ude00", "\U0001f600"),
        (rb"\uD83D\uDE00", "\U0001f600"),
        (rb"\ud83d", "\ufffd"),
        (rb"\ude00", "\ufffd"),
        (rb"\ud83d\ud83d\ude00", "\ufffd\U0001f600"),
        (rb"\ud83d\ude00\ude00", "\U0001f600\ufffd"),
        (rb"\ud83d\u0041", "\ufffdA"),
        (rb"\\ud83d", r"\ud83d"),
        (rb"\\ud83d\ude00", "\\ud83d\ufffd"),
        (rb"\\\ud83d", "\\\ufffd"),
        (rb"\\\\ud83d", r"\\ud83d"),
        (rb"\"\ud83d\"", '"\ufffd"'),
        (b"\xff", "\ufffd"),
        (b"\xc3(", "\ufffd("),
        (b"\xed\xa0\xbd", "\ufffd\ufffd\ufffd"),
        ("\U0001f600 \u0416".encode(), "\U0001f600 \u0416"),
    ],
)
def test_only_what_is_no_letter_is_replaced(written: bytes, read: str) -> None:
    assert read == decoded(b'"%s"' % written, str)
    damaged = decoded(b'["%s","\\ud83d","\xff"]' % written, list[str])
    assert [read, "\ufffd", "\ufffd"] == damaged


@pytest.mark.parametrize("broken", [rb'{"a":"\ud83d"', b'{"a":"\xff', rb'"\ud83"', b"\xff{}", rb'"\ud83d\q"', rb"[\ud83d]"])
def test_what_is_no_json_is_not_made_json(broken: bytes) -> None:
    assert decoded(broken, object) is None


@pytest.mark.parametrize("cut", [b"\xff", rb"\ud83d"])
@pytest.mark.parametrize("letter", ["x", "\u0416", "\U0001f600"])
def test_a_cut_text_takes_no_third_time_the_room_of_the_part_of_an_answer_that_it_is_in(letter: str, cut: bytes) -> None:
    mib = 1024 * 1024
    given = b'{"note":"%s %s"}' % (letter.encode() * (4 * mib // len(letter.encode())), cut)
    part = msgspec.Raw(given)
    tracemalloc.start()
    try:
        assert decoded(part, dict[str, msgspec.Raw]) is not None
        assert 2.5 * 4 * mib > tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("mark", [b"\xef\xbb\xbf"])
def test_a_byte_order_mark_is_no_part_of_a_token_file_or_of_an_answer(mark: bytes) -> None:
    assert parse(mark + pair()) is not None
    assert bitrix24.body(mark + b'{"result":[]}', 0.0) is not None
