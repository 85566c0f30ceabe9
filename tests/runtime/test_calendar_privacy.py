"""Whoever an owner meets, and how their calendar is reached, shows nowhere: whichever way it is read, and whatever goes wrong.

A server over real sockets has one owner for each thing that it can say; then everything is looked at that shows something.
"""

from __future__ import annotations

import asyncio
import base64
import io
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import httpx
import pytest
import yaml

from exporter.commands.probe_line import first_line
from exporter.commands.probe_table import fixes, rows_of
from exporter.config import effective_config, load_config
from exporter.errors import Reason
from exporter.metrics import Format
from exporter.platforms.calendar.ics_worker import FeedProcess
from exporter.simulator.canary import CANARIES
from exporter.state.verdict_row import Verdict
from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets
from exporter.web import encode_status, status_of
from exporter.web import status_page as board
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock
from tests.harness.log_settings import logging_as_before
from tests.harness.peer import peer
from tests.harness.pool import pool
from tests.proof.run import proofs
from tests.proof.twin import FAR, target_of
from tests.proof.world import World

NOW: Final = 1_795_680_000.0  # 2026-11-26 08:00 UTC
PERSON: Final = "kanarien"
"""In whatever is written about people: titles, places, guests, names of calendars."""

SECRET: Final = "g4rt3nz4un"
"""In whatever is written to reach a calendar: its address, its owner's name, the password, the address of a feed."""

USER: Final = f"user-{SECRET}"
PASSWORD: Final = f"pw-{SECRET}"
WAYS: Final = ("free_busy", "entries", "feed")

_ABOUT: Final = (
    f"SUMMARY:Zahnarzt mit {PERSON}",
    f"DESCRIPTION:{PERSON} und {PERSON}.mueller@mail.example",
    f"LOCATION:{PERSON}gasse 7",
    f'ATTENDEE;CN="{PERSON} Mueller":mailto:{PERSON}.mueller@mail.example',
    f'ORGANIZER;CN="{PERSON}":mailto:{PERSON}@mail.example',
    f"CATEGORIES:{PERSON}",
    f"URL:https://{PERSON}.example/",
    f"COMMENT:{PERSON}",
    f"X-{PERSON.upper()}:{PERSON}",
)
_HEAD: Final = ("BEGIN:VCALENDAR", "VERSION:2.0", f"PRODID:-//{PERSON}//DE", f"X-WR-CALNAME:{PERSON}")


def moment(hours: float) -> str:
    return datetime.fromtimestamp(NOW + hours * 3600, UTC).strftime("%Y%m%dT%H%M%SZ")


def event(*times: str) -> str:
    times = times or (f"DTSTART:{moment(1)}", f"DTEND:{moment(2)}")
    return "\r\n".join(("BEGIN:VEVENT", f"UID:{PERSON}-1", *times, *_ABOUT, "END:VEVENT"))


def calendar(*parts: str) -> str:
    return "\r\n".join((*_HEAD, *(parts or (event(),)), "END:VCALENDAR", ""))


def busy(*lines: str) -> str:
    lines = lines or (f"FREEBUSY:{moment(1)}/{moment(2)}",)
    return calendar("\r\n".join(("BEGIN:VFREEBUSY", *_ABOUT, *lines, "END:VFREEBUSY")))


def found(text: str) -> str:
    """Return the multistatus that has ``text`` as an entry."""
    entry = text.replace("&", "&amp;").replace("<", "&lt;").replace("\r", "&#13;")
    return (
        '<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response>'
        f"<d:href>/{PERSON}/1.ics</d:href><d:propstat><d:prop><c:calendar-data>{entry}</c:calendar-data></d:prop>"
        "<d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )


@dataclass(frozen=True)
class Said:
    """What the server says to each way of reading; ``None`` is a connection that is cut."""

    bodies: Mapping[str, str]
    status: str = "200 OK"
    headers: tuple[str, ...] = ()

    def encode(self, way: str) -> bytes:
        body = self.bodies[way].encode()
        kind = (
            ("207 Multi-Status", "text/xml") if way == "entries" and self.status == "200 OK" else (self.status, "text/calendar")
        )
        typed = () if any(header.startswith("Content-Type") for header in self.headers) else (f"Content-Type: {kind[1]}",)
        head = (f"HTTP/1.1 {kind[0]}", f"Content-Length: {len(body)}", *typed, *self.headers)
        return "\r\n".join(head).encode() + b"\r\n\r\n" + body


def each(entries: str, periods: str | None = None) -> dict[str, str]:
    return {"free_busy": entries if periods is None else periods, "entries": found(entries), "feed": entries}


GOOD: Final = each(calendar(), busy())
ODD_TIMES: Final = (
    *(f"DTSTART:{PERSON}", f"DTEND:{PERSON}"),
    *(f"DTSTART;TZID={PERSON}:20261126T100000", f"DTEND;TZID={PERSON}:20261126T110000"),
    f"DTSTART;VALUE={PERSON}:20261126",
)
ANSWERS: Final[Mapping[str, Said]] = {
    "good": Said(GOOD),
    "signed_out": Said(GOOD, "401 No", (f'WWW-Authenticate: Basic realm="{PERSON} {SECRET}"',)),
    "bearer": Said(GOOD, "401 No", (f'WWW-Authenticate: Bearer realm="{PERSON} {SECRET}"',)),
    "forbidden": Said(GOOD, "403 No"),
    "unknown": Said(GOOD, "404 No"),
    "elsewhere": Said(GOOD, "302 No", (f"Location: https://other.example/{PERSON}/{SECRET}/",)),
    "beside": Said(GOOD, "302 No", (f"Location: /{PERSON}/{SECRET}/",)),
    "no_address": Said(GOOD, "302 No", (f"Location: https://[{PERSON}",)),
    "too_often": Said(GOOD, "429 No", (f"Retry-After: {PERSON}",)),
    "fault": Said(GOOD, "500 No"),
    "reason_phrase": Said(GOOD, f"499 {PERSON} {SECRET}"),
    "kind": Said(GOOD, headers=(f"Content-Type: {PERSON}/{SECRET}",)),
    "version": Said(GOOD, headers=(f'ETag: "{PERSON}-{SECRET}"', f"Last-Modified: {PERSON}")),
    "encoding": Said(GOOD, headers=(f"Content-Encoding: {PERSON}",)),
    "page": Said(dict.fromkeys(WAYS, f"<!DOCTYPE html><html><title>{PERSON} {SECRET}</title></html>")),
    "broken_off": Said({way: text[: len(text) // 2] for way, text in GOOD.items()}),
    "words": Said(dict.fromkeys(WAYS, f"{PERSON} {SECRET}\r\n" * 20)),
    "odd_times": Said(
        each(calendar(*map(event, ODD_TIMES)), busy(f"FREEBUSY:{PERSON}/{PERSON}", f"FREEBUSY;FBTYPE={PERSON}:x"))
    ),
    "odd_kind": Said(each(calendar(), busy(f"FREEBUSY;FBTYPE={PERSON}:{moment(1)}/{moment(2)}"))),
    "bomb": Said(each(calendar(event(f"DTSTART:{moment(1)}", f"DTEND:{moment(2)}", "RRULE:FREQ=SECONDLY")))),
    "rule": Said(each(calendar(event(f"DTSTART:{moment(1)}", f"DTEND:{moment(2)}", f"RRULE:{PERSON}")))),
    "zone": Said(
        each(calendar("\r\n".join(("BEGIN:VTIMEZONE", f"TZID:{PERSON}", f"{PERSON}", "END:VTIMEZONE")), event(*ODD_TIMES[2:4])))
    ),
}
CUT: Final = "cut"
BUG: Final = "bug"
CASES: Final = (*ANSWERS, CUT, BUG)


class WithABug(httpx.AsyncBaseTransport):
    """A way to the server that breaks, with the whole request in its words, for one owner."""

    def __init__(self, inner: httpx.AsyncBaseTransport) -> None:
        self._inner = inner

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        if f".{BUG}" in str(request.url):
            login = request.headers.get("authorization", "")
            raise ZeroDivisionError(f"{request.url} {login} {dict(request.headers)}")
        return await self._inner.handle_async_request(request)


def config(origin: str, folder: Path) -> Path:
    """Write a configuration with a calendar for each case and way; its address says which."""
    targets: list[dict[str, Any]] = []
    for case in CASES:
        for way in WAYS:
            place = f"{origin}/{SECRET}/{way}.{case}"
            where: dict[str, Any] = {"ics_url": f"{place}/basic.ics?key={SECRET}"}
            if way != "feed":
                where = {"caldav": {"url": f"{place}/", "username": USER, "password": PASSWORD, "read": way}}
            targets.append({"name": f"{way}-{case.replace('_', '-')}", "platform": "calendar", "timeout": "5s", **where})
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"state_file": str(folder / "state.json"), "targets": targets}))
    return file


@dataclass(frozen=True)
class Shown:
    """All that was shown, by its place; what each poll failed by, and the log."""

    texts: Mapping[str, str]
    reasons: Mapping[str, str]
    asked: str


def shown(folder: Path) -> Shown:
    """Let all calendars be read twice."""
    stream = io.StringIO()

    def answer(request: bytes, _: int) -> bytes | None:
        match = re.search(rb"/(free_busy|entries|feed)[.](\w+)/", request.split(b"\r\n", 1)[0])
        if match is None:  # whoever follows a redirect
            return ANSWERS["unknown"].encode("feed")
        way, case = match[1].decode(), match[2].decode()
        return None if case == CUT else ANSWERS[case].encode(way)

    async def run() -> Shown:
        known = KnownSecrets()
        logs.configure("debug", "logfmt", stream)
        logs.mask_with(known.mask)
        clock = ManualClock(NOW)
        async with peer(answer) as server, pool(clock) as http:
            file = config(server.origin, folder)
            async with application(file, clock, known=known, through=WithABug(http)) as app:
                await app.finished_polls()
                await app.pass_long(310.0)
                await app.finished_polls(2)
                texts, reasons = await look(app)
            asked = b"".join(server.requests).decode()
        texts |= {"config": effective_config(load_config(file)), "state file": (folder / "state.json").read_text()}
        return Shown(texts | {"log": stream.getvalue()}, reasons, asked)

    try:
        return asyncio.run(run())
    finally:
        logs.mask_with(str)


async def look(app: RunningApplication) -> tuple[dict[str, str], dict[str, str]]:
    view = app.app.view()
    status = status_of(view)
    process = app.factory.shared["calendar"]
    assert isinstance(process, FeedProcess)
    worker = Path(f"/proc/{process.pid}")
    texts = {
        "page": await app.page(),
        "open metrics": bytes(await app.app.metrics(Format.OPENMETRICS, None)).decode(),
        "api": encode_status(view).decode(),
        "board": "".join(board.render(view, page=number).decode() for number in range(1, len(view.targets) // 25 + 2)),
        "terminal": "\n".join([first_line(status, Verdict.OK), *map(" ".join, rows_of(status)), *fixes(status)]),
        "command of the worker": (worker / "cmdline").read_bytes().decode(),
        "environment of the worker": (worker / "environ").read_bytes().decode(),
    }
    states = [state for target in view.targets for state in target.collectors]
    return texts, {state.target: "" if state.failure is None else state.failure.reason for state in states}


@pytest.fixture(scope="module")
def all_that_is_shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with logging_as_before():
        yield shown(tmp_path_factory.mktemp("privacy"))


def places_with(word: str, seen: Shown) -> dict[str, list[str]]:
    """Return where ``word`` stands, with what is around it."""
    rows = {
        place: re.findall(f".{{0,60}}{re.escape(word)}.{{0,20}}", text, re.IGNORECASE) for place, text in seen.texts.items()
    }
    return {place: lines[:3] for place, lines in rows.items() if lines}


@pytest.mark.slow
def test_nothing_that_is_written_about_people_shows_whichever_way_a_calendar_is_read_and_fails(
    all_that_is_shown: Shown,
) -> None:
    assert {} == places_with(PERSON, all_that_is_shown)


@pytest.mark.slow
@pytest.mark.parametrize(
    "form",
    [SECRET, USER, PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()],
    ids=["part", "user", "password", "login"],
)
def test_neither_the_address_of_a_calendar_nor_who_may_read_it_shows(all_that_is_shown: Shown, form: str) -> None:
    assert {} == places_with(form, all_that_is_shown)


@pytest.mark.slow
def test_the_calendars_were_read_and_failed_as_they_should(all_that_is_shown: Shown) -> None:
    """Lest nothing shows because nothing was asked."""
    reasons = all_that_is_shown.reasons
    assert {""} == {reasons[f"{way}-good"] for way in WAYS}
    assert {Reason.AUTH} == {reasons[f"{way}-signed-out"] for way in WAYS}
    assert {Reason.INTERNAL} == {reasons[f"{way}-{BUG}"] for way in WAYS}
    assert {Reason.INVALID_RESPONSE} == {reasons[f"{way}-{case}"] for way in WAYS for case in ("page", "broken-off", "words")}
    assert all(f"/{SECRET}/{way}.good/" in all_that_is_shown.asked for way in WAYS)
    assert f"?key={SECRET}" in all_that_is_shown.asked


@pytest.mark.slow
def test_a_bug_of_ours_has_a_traceback_in_the_log(all_that_is_shown: Shown) -> None:
    assert "ZeroDivisionError" in all_that_is_shown.texts["log"]
    assert "Traceback" in all_that_is_shown.texts["log"]


@pytest.mark.slow
async def test_what_is_shown_and_remembered_of_pairs_has_nobody_and_no_address_in_it(tmp_path: Path) -> None:
    world = World(NOW, 2, 1, reads={"wix-1": "free_busy", "wix-2": "entries", "bitrix24-1": "feed"})
    targets, state = [target_of(desk) for desk in world.desks], tmp_path / "state.json"
    async with world.exporter(tmp_path, FAR, targets, httpx.ASGITransport(world.simulator.app), state_file=str(state)) as app:
        for _ in range(12):
            await world.clock.advance(60)
        for desk in world.desks:  # something missing, something left behind
            desk.partner.stop()
            world.book(desk, NOW + 5 * 3600)
            desk.source.cancel(desk.ahead(NOW)[1].id)
        for _ in range(50):
            await world.clock.advance(60)
        assert [(1, 1)] * 3 == [(len(proof.missing), proof.left_behind) for proof in proofs(app).values()]
        texts, _ = await look(app)
    texts["state file"] = state.read_text()
    assert {"wix-1", "wix-2", "bitrix24-1"} == yaml.safe_load(texts["state file"])["pairs"].keys()
    ways_in = [
        word for desk in world.desks for word in (desk.calendar.path, desk.calendar.feed.secret, f"password of {desk.name}")
    ]
    found_in = {(place, word) for place, text in texts.items() for word in (*CANARIES, *ways_in) if word in text}
    assert set() == found_in
