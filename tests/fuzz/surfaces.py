"""What reads things that others wrote, with the errors that each of them documents."""

from __future__ import annotations

import asyncio
import json
import zlib
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any, Final, TypeVar
from zoneinfo import ZoneInfo

import httpx
import yaml

from exporter.clock import SystemClock
from exporter.config import Config, effective_config, load_config
from exporter.errors import ConfigError, InvalidResponseError, PollError, Reason
from exporter.ics.expansion import read_feed
from exporter.ics.values import FeedJob
from exporter.model import Change
from exporter.platforms import answer_kinds
from exporter.platforms.answer_kinds import AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import answers as bitrix24
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.api_errors import refusal
from exporter.platforms.bitrix24.authserver import decode_known, request_tokens
from exporter.platforms.bitrix24.calendar_events import event_copy
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.platforms.calendar.content_lines import UnreadableCalendarError
from exporter.platforms.calendar.entries import read_entries
from exporter.platforms.calendar.freebusy import read_free_busy
from exporter.platforms.calendar.multistatus import read_multistatus
from exporter.platforms.exchange import Answer
from exporter.platforms.http_body import FragmentedError, TooLargeError, UnreadableError, read_body
from exporter.platforms.wix import booking_rows, connection_rows, event_rows, inventory_rows, slot_rows
from exporter.platforms.wix.answers import decode
from exporter.platforms.wix.api import _TokenAnswer
from exporter.platforms.wix.api_errors import failure, request_id
from exporter.platforms.wix.endpoints import Endpoint
from exporter.polling.admission import Admission
from exporter.simulator.canary import CANARIES
from exporter.state.status_history import FileStatusHistory, StatusHistory
from exporter.support.json_text import decoded
from exporter.support.secret import Secret
from exporter.web import create_app
from exporter.web.config import WebConfig
from exporter.web.negotiate import accepts_gzip, choose_format
from tests.config.test_fuzz import GOOD
from tests.fuzz.corpus import answers, query_strings
from tests.fuzz.mutations import as_json, spoil_bytes, spoil_tree, with_many
from tests.harness import views
from tests.harness.certificates import self_signed
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.feeds import MONDAY, WEEK, event, feed
from tests.harness.web import ShownBackend

T = TypeVar("T")

Loads = Callable[[bytes], object]
PLANTED: Final = "planted"
BODY_BYTES: Final = 1024 * 1024
MANY_SHARE: Final = 0.02


@dataclass(frozen=True)
class Surface:
    """One reader, what it is fed with, and the errors that it may raise. ``secrets`` may be in none of them.

    ``load`` and ``dump`` are the way to the values of an input, for what has a tree of them; with ``many`` one of them is at
    times replaced by very many.
    """

    name: str
    corpus: Sequence[bytes]
    read: Callable[[bytes], object]
    errors: tuple[type[Exception], ...]
    secrets: tuple[str, ...] = CANARIES
    load: Loads | None = json.loads
    dump: Callable[[Any], bytes] = as_json
    many: bool = False

    def next_input(self, random: Random) -> bytes:
        given = random.choice(self.corpus)
        if self.many and self.load is not None and random.random() < MANY_SHARE:
            return with_many(random, self.load(given), self.dump)
        if self.load is not None and random.random() < 0.5:
            return self.dump(spoil_tree(random, self.load(given)))
        return spoil_bytes(random, given)


def surfaces(folder: Path) -> Iterator[Surface]:
    """Yield all of them; those that read files get a file in ``folder``."""
    known = asyncio.run(answers())
    yield from _wix(known)
    yield from _bitrix24(known, folder)
    yield from _calendars()
    yield from _files(folder)
    yield from _web()
    yield _gzip([*known["query"], *known["batch"]])


def _wix(known: dict[str, list[bytes]]) -> Iterator[Surface]:
    def answer(content: bytes, status: int = 200) -> Answer:
        return Answer(status, {"content-type": "application/json", "x-wix-request-id": "1"}, content)

    def refused(content: bytes) -> None:
        status = _one_of((302, 400, 401, 403, 404, 428, 429, 500, 599), content)
        error = failure(answer(content, status), Endpoint.LIST_CONNECTIONS, app_mode=status % 2 == 0, clock=ManualClock())
        _tell(error)
        request_id(answer(content, status))

    readers: dict[str, tuple[AnswerKind, Callable[[bytes], object]]] = {
        "connections": (answer_kinds.CONNECTIONS, lambda content: connection_rows.connections(answer(content))),
        "providers": (answer_kinds.OTHER, lambda content: connection_rows.providers(answer(content))),
        "query": (answer_kinds.PAGE, lambda content: booking_rows.bookings(answer(content))),
        "events": (answer_kinds.PAGE, lambda content: event_rows.events(answer(content))),
        "time-slots": (answer_kinds.PAGE, lambda content: slot_rows.slots(answer(content))),
        "count": (answer_kinds.COUNT, lambda content: booking_rows.count(answer(content))),
        "schedules": (answer_kinds.PAGE, lambda content: inventory_rows.schedules(answer(content))),
        "staff-members": (answer_kinds.PAGE, lambda content: inventory_rows.staff(answer(content))),
        "services": (answer_kinds.PAGE, lambda content: inventory_rows.services(answer(content), 0)),
        "token from wix": (
            answer_kinds.OTHER,
            lambda content: decode(answer(content), Endpoint.MINT_TOKEN, _TokenAnswer, "no token"),
        ),
    }
    for name, (kind, read) in readers.items():
        yield Surface(f"wix, {name}", known[name], _below(kind, read), (InvalidResponseError,), many=True)
    refusals = [*known["refused by wix"], *known["no tokens from wix"]]
    yield Surface("wix, refusals", refusals, _below(answer_kinds.REFUSAL, refused), (InvalidResponseError,), many=True)


def _one_of(choices: Sequence[T], content: bytes) -> T:
    """Return which of ``choices`` goes with an input: what is read several times takes several times as long."""
    return choices[len(content) % len(choices)]


def _below(kind: AnswerKind, read: Callable[[bytes], object]) -> Callable[[bytes], object]:
    """Return ``read`` as it is reached: by answers that keep to the caps of their ``kind``."""

    def reached(content: bytes) -> object:
        if len(content) > kind.body.number or kind.excess(content):
            raise InvalidResponseError("too large")
        return read(content)

    return reached


def _bitrix24(known: dict[str, list[bytes]], folder: Path) -> Iterator[Surface]:
    def token_file(content: bytes) -> None:
        path = folder / "tokens.json"
        path.write_bytes(content)
        decode_known(TokenFile(path).load())

    readers: dict[str, tuple[AnswerKind, Callable[[bytes], object]]] = {
        "booking.v1.booking.list": (answer_kinds.PAGE, lambda content: booking_pages.bookings(_reply(content))),
        "booking.v1.resource.list": (answer_kinds.PAGE, lambda content: bitrix24.resources(_reply(content))),
        "booking.v1.resourceType.list": (answer_kinds.PAGE, lambda content: bitrix24.resource_types(_reply(content))),
        "booking.v1.booking.externalData.list": (answer_kinds.OTHER, lambda content: bitrix24.links(_reply(content))),
        "batch": (answer_kinds.BATCH, _batch),
    }
    for name, (kind, read) in readers.items():
        yield Surface(f"bitrix24, {name}", known[name], _below(kind, read), (InvalidResponseError,), many=True)
    refused = _below(answer_kinds.REFUSAL, _refused_by_a_portal)
    yield Surface("bitrix24, refusals", known["refused by bitrix24"], refused, (InvalidResponseError,), many=True)
    tokens = _strings(known["token file"] + known["token from bitrix24"], ("access_token", "refresh_token"))
    secrets = (*tokens, PLANTED)
    pairs = [*known["token from bitrix24"], *known["no tokens from bitrix24"]]
    yield Surface("bitrix24, auth server", pairs, _auth_server, (PollError,), secrets, many=True)
    yield Surface("token file", known["token file"], token_file, (PollError,), secrets)


def _reply(content: bytes) -> bitrix24.Reply:
    found = bitrix24.body(content, 1_790_000_000.0)
    if found is None or found.reply is None:
        raise InvalidResponseError("no result")
    return found.reply


def _batch(content: bytes) -> None:
    keys = tuple(f"p{page}" for page in range(50))
    for inner in bitrix24.batch(_reply(content), keys, 1_790_000_000.0).replies.values():
        for read in (booking_pages.bookings, booking_pages.booking, bitrix24.links, event_copy):
            with suppress(InvalidResponseError):
                read(inner)


def _refused_by_a_portal(content: bytes) -> None:
    found = bitrix24.body(content, 0.0)
    if found is not None and found.problem is not None:
        status = _one_of((None, 200, 400, 403, 500), content)
        _tell(refusal("portal", "booking.v1.booking.list", found.problem.error, found.problem.description, status=status).error)


def _auth_server(content: bytes) -> None:
    class Server(httpx.AsyncBaseTransport):
        async def handle_async_request(self, _: httpx.Request) -> httpx.Response:
            return httpx.Response(200 if b"error" not in content else 400, content=content)

    clock = ManualClock()
    services = Services(Server(), clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
    server, secret = httpx.URL("https://auth.example"), Secret(PLANTED)
    grant, known = {"refresh_token": PLANTED}, {"client_endpoint": "https://salon.bitrix24.de/rest/", "member_id": "m"}
    asked = request_tokens(services, server, client_id="a", client_secret=secret, grant=grant, timeout=5, known=known)
    decode_known(asyncio.run(asked).tokens)


def _calendars() -> Iterator[Surface]:
    zone = ZoneInfo("Europe/Berlin")

    def entries(content: bytes) -> None:
        read_entries(read_multistatus(content).calendars, zone)

    busy = (
        b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VFREEBUSY\r\nDTSTART:20261130T000000Z\r\nDTEND:20261208T000000Z\r\n"
        b"FREEBUSY;FBTYPE=BUSY:20261130T090000Z/20261130T100000Z,20261130T110000Z/PT1H\r\n"
        b"FREEBUSY;FBTYPE=BUSY-TENTATIVE:20261201T090000Z/\r\n 20261201T100000Z\r\nEND:VFREEBUSY\r\nEND:VCALENDAR\r\n"
    )
    listed = (
        b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"><d:response><d:href>/a.ics'
        b"</d:href><d:propstat><d:prop><c:calendar-data>BEGIN:VCALENDAR\nVERSION:2.0\nBEGIN:VEVENT\nUID:a\n"
        b"DTSTART;TZID=Europe/Berlin:20261130T090000\nDURATION:PT1H\nSUMMARY:" + CANARIES[0].encode() + b"\nEND:VEVENT\n"
        b"END:VCALENDAR\n</c:calendar-data>"
        b"</d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response></d:multistatus>"
    )
    published = feed(
        event("UID:a", f"SUMMARY:{CANARIES[0]}", "DTSTART;TZID=Europe/Berlin:20261130T090000", "DURATION:PT1H"),
        event("UID:b", "DTSTART:20261123T090000Z", "DTEND:20261123T093000Z", "RRULE:FREQ=WEEKLY;BYDAY=MO,WE"),
        event("UID:b", "RECURRENCE-ID:20261130T090000Z", "DTSTART:20261130T100000Z", "DURATION:PT30M"),
        event("UID:c", "DTSTART;VALUE=DATE:20261201", "TRANSP:TRANSPARENT"),
    )

    def read(content: bytes) -> None:
        read_feed(FeedJob(content, MONDAY, MONDAY + WEEK, "Europe/Berlin"))

    yield Surface("calendar, feed", [published], read, (), CANARIES, None)
    yield Surface("calendar, free-busy", [busy], read_free_busy, (UnreadableCalendarError,), CANARIES, None)
    yield Surface("calendar, entries", [listed], entries, (UnreadableCalendarError,), CANARIES, None)


def _files(folder: Path) -> Iterator[Surface]:
    clock = SystemClock()

    def state(content: bytes) -> None:
        path = folder / "state.json"
        path.write_bytes(content)
        history = FileStatusHistory(path, clock)
        for status in ("synced", "error"):
            history.collector_seen("salon", "bookings", Change(100.0, status), 100.0)
            assert 0 <= history.seen("salon", "abc", Change(100.0, status), 100.0)[-1].at <= 100.0
        asyncio.run(history.save())
        assert decoded(path.read_bytes(), dict[str, object]) is not None

    entries = {"salon": {"abc": {"status": "synced", "since": 20.0}, "def": {"status": "error", "since": 50.5}}, "b": {}}
    connections = {"abc": [[20.0, "synced", False], [50.5, "error"]], "def": [[20.0, "synced"]]}
    salon = {"connections": connections, "collectors": {"bookings": [[20.0, "ok"], [50.5, "failing auth"], [60, "expired"]]}}
    files = [as_json({"version": 1, "targets": entries}), as_json({"version": 2, "targets": {"salon": salon, "b": {}}})]
    yield Surface("state file", files, state, ())

    def config(content: bytes) -> None:
        path = folder / "exporter.yml"
        path.write_bytes(content)
        found = load_config(path, {})
        assert isinstance(found, Config)
        assert PLANTED not in effective_config(found)

    def dump(value: object) -> bytes:
        return yaml.safe_dump(value, allow_unicode=True).encode("utf-8", "surrogatepass")

    yield Surface("configuration", [dump(GOOD)], config, (ConfigError,), (PLANTED,), yaml.safe_load, dump)

    self_signed(folder)
    written = {
        "tls_server_config": {"cert_file": "localhost.crt", "key_file": "localhost.key", "min_version": "TLS12"},
        "http_server_config": {"headers": {"X-Frame-Options": "deny"}},
        "basic_auth_users": {"admin": "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"},
        "probes_require_auth": True,
    }

    def web(content: bytes) -> None:
        path = folder / "web.yml"
        path.write_bytes(content)
        WebConfig.load(path)

    secrets = ("zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG",)
    yield Surface("web configuration", [dump(written)], web, (ConfigError,), secrets, yaml.safe_load, dump)


def _web() -> Iterator[Surface]:
    app = create_app(ShownBackend(views.healthy()))

    async def answer_to(path: str, query: bytes, headers: list[tuple[bytes, bytes]]) -> int:
        status = 0

        async def receive() -> dict[str, object]:
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send(message: Any) -> None:  # noqa: ANN401  ASGI
            nonlocal status
            status = message.get("status", status)

        scope = {
            "type": "http",
            "asgi": {"version": "3.0"},
            "http_version": "1.1",
            "method": "GET",
            "scheme": "http",
            "path": path,
            "raw_path": path.encode(),
            "query_string": query,
            "root_path": "",
            "headers": [(b"host", b"localhost"), *headers],
            "client": ("127.0.0.1", 1),
            "server": ("127.0.0.1", 10888),
        }
        await app(scope, receive, send)
        return status

    def query(content: bytes) -> None:
        for path in ("/metrics", "/", "/api/v1/status", "/-/healthy"):
            status = asyncio.run(answer_to(path, content, []))
            assert 200 <= status < 500, status

    def accept(content: bytes) -> None:
        line = content[:20_000]  # more no server lets through
        choose_format([line.decode("latin-1")])
        accepts_gzip([line.decode("latin-1")])
        for name in (b"accept", b"accept-encoding", b"accept-language", b"host", b"origin"):
            status = asyncio.run(answer_to("/metrics", b"", [(name, line)]))
            assert 200 <= status < 500, status

    lines = [
        b"application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,text/plain;version=0.0.4;q=0.5,*/*;q=0.2",
        b'text/html, application/xhtml+xml;q=0.9, text/plain; charset="utf-8"; q=0.8',
        b"gzip, deflate;q=0.5, *;q=0",
    ]
    yield Surface("query strings", query_strings(), query, (), (), None)
    yield Surface("Accept and other headers", lines, accept, (), (), None)


def _gzip(bodies: Sequence[bytes]) -> Surface:
    def read(content: bytes) -> None:
        async def pieces() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 16 * 1024):
                yield content[start : start + 16 * 1024]

        asyncio.run(read_body(pieces(), "gzip", BODY_BYTES))

    def packed(body: bytes) -> bytes:
        packer = zlib.compressobj(wbits=31)
        return packer.compress(body) + packer.flush()

    corpus = [packed(body) for body in bodies] + [packed(bodies[0]) + packed(b" " * 9000), packed(bytes(BODY_BYTES // 2)) * 2]
    return Surface("gzip", corpus, read, (TooLargeError, FragmentedError, UnreadableError), CANARIES, None)


def _tell(error: PollError) -> None:
    """Fail when the text of an error that was made shows what it must not."""
    assert Reason.INTERNAL is not error.reason
    shown = f"{error} {error.facts()}"
    assert not [secret for secret in CANARIES if secret in shown], shown


def _strings(bodies: Sequence[bytes], keys: Sequence[str]) -> tuple[str, ...]:
    values = [json.loads(body).get(key) for body in bodies for key in keys]
    return tuple(value for value in values if value)
