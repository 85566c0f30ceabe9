"""Whatever the other side writes, and wherever it writes it: what is shown is short, visible, and nobody's secret.

A server over real sockets answers each target with another piece of malice; then everything is looked at that shows something.
"""

from __future__ import annotations

import asyncio
import base64
import io
import json
import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.probe_line import first_line
from exporter.commands.probe_table import fixes, rows_of
from exporter.errors import Reason
from exporter.metrics import Format
from exporter.state.verdict_row import Verdict
from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets
from exporter.web import encode_status, status_of
from exporter.web import status_page as board
from tests.harness.application import RunningApplication, application
from tests.harness.clock import ManualClock
from tests.harness.log_settings import logging_as_before
from tests.harness.peer import peer

NOW = 1_790_000_000.0
SECRET = "s3cretOfTheSalon99"
MAIL = "john.doe@customer.example"
STEERING = "\x1b]0;x\x07\x00\x9b\u202e\u2066\u2028"
LONG = "L" * 60_000
EVERYTHING = f"{STEERING}{SECRET} {MAIL} {LONG}"


@dataclass(frozen=True)
class Answer:
    """What a hostile server sends."""

    body: bytes = b"{}"
    status: str = "200 OK"
    headers: tuple[tuple[str, str], ...] = (("Content-Type", "application/json"),)
    length: str = ""

    def encode(self) -> bytes:
        head = [f"HTTP/1.1 {self.status}", f"Content-Length: {self.length or len(self.body)}"]
        head += [f"{name}: {value}" for name, value in self.headers]
        return "\r\n".join(head).encode("latin-1", "replace") + b"\r\n\r\n" + self.body


def js(value: object, status: str = "200 OK", **headers: str) -> Answer:
    named = tuple((name.replace("_", "-"), value) for name, value in {"Content-Type": "application/json", **headers}.items())
    return Answer(json.dumps(value).encode(), status, named)


def refused(text: object, status: str) -> dict[str, Answer]:
    return {
        "wix code": js({"message": text, "details": {"applicationError": {"code": text, "description": text}}}, status),
        "oauth code": js({"error": text, "error_description": text}, status),
        "rest v3": js({"error": {"code": text, "message": text}}, status),
    }


SECRETS = {
    "as it is": SECRET,
    "small": SECRET.lower(),
    "hex": SECRET.encode().hex(),
    "base64": base64.b64encode(SECRET.encode()).decode(),
}
PLACES = (
    "javascript:alert(1)",
    "https://xn--new-abc.bitrix24.com/x",
    f"https://{SECRET.lower()}.example/rest/1/x/booking.v1.booking.list",
    f"https://{'a.' * 200}example/rest/1/x/booking.v1.booking.list",
    f"//{MAIL}/x",
    f"https://john.doe%40customer.example/{LONG[:3000]}",
    "https://salon.bitrix24.de:99999/",
    "https://salon.bitrix24.de:0/",
    "https://[::1",
    "http://\u00ff\u00fe/",
    "file:///etc/passwd",
    "",
    "\x0b",
    "//",
    "https://" + "x" * 5000,
)
HEADERS = (
    ("Content-Type", f"{MAIL}/{LONG}"),
    ("Content-Type", SECRET),
    ("Content-Type", "application/json; charset=utf-7"),
    ("Content-Type", "application/json; charset=\x80\x81"),
    ("Content-Type", ""),
    ("Content-Encoding", SECRET),
    ("Content-Encoding", "gzip, gzip, gzip"),
    ("Retry-After", "Fri, 31 Dec 99999 23:59:59 GMT"),
    ("Retry-After", "-1"),
    ("Retry-After", "9" * 5000),
    ("Retry-After", "Mon, 99 Foo 0000 99:99:99 +9999"),
    ("Retry-After", "\u00b2"),
    ("Date", "x" * 3000),
    ("Set-Cookie", f"a={SECRET}"),
    ("X-Wix-Request-Id", SECRET),
    ("X-Wix-Request-Id", base64.b64encode(b"key:" + SECRET.encode()).decode()[:70]),
    ("X-Wix-Request-Id", MAIL),
    ("X-Odd", "\x01\x02"),
    ("Transfer-Encoding", "chunked"),
    ("Transfer-Encoding", "gzip"),
)
STATUSES = (
    "200 OK",
    "302 Found",
    "401 No",
    "403 No",
    "404 No",
    "429 No",
    "500 No",
    "503 No",
    "999 No",
    "200 " + SECRET,
    "103 Early",
)
NESTED = b"[" * 100_000


def answers() -> dict[str, Answer]:
    """Return every piece of malice by its name."""
    found: dict[str, Answer] = {}
    for status in ("200 OK", "401 No", "500 No"):
        for form, text in {**SECRETS, "everything": EVERYTHING, "mail": MAIL, "half": "\ud83d", "number": 1e308}.items():
            found |= {f"{name}, {status}, {form}": answer for name, answer in refused(text, status).items()}
    for number, place in enumerate(PLACES):
        found |= {f"location {number}, {status}": Answer(b"", status, (("Location", place),)) for status in ("302 F",)}
    for number, header in enumerate(HEADERS):
        found |= {f"header {number}, {status}": Answer(b"x", status, (header,)) for status in ("200 OK", "503 No")}
    for status in STATUSES:
        for number, body in enumerate(
            (b"", b"<html>", NESTED, b'{"error":' + NESTED, EVERYTHING.encode("utf-8", "replace"), b"\xff")
        ):
            found[f"body {number}, {status[:8]}"] = Answer(body, status)
    for length in ("-1", "abc", "1e9", "99999999999999999999", "\u00b2"):
        found[f"length {length!r}"] = Answer(b"{}", length=length)
    return found


ANSWERS = answers()
DAY = {"name": "day", "from": "now-24h", "to": "now+24h"}


def at(seconds: float) -> dict[str, float]:
    return {"timestamp": NOW + seconds}


def moment(hour: int) -> str:
    return f"2026-09-21T{hour:02d}:00:00Z"


def wix_row(key: str, hour: int) -> dict[str, Any]:
    slot = {"slot": {"resource": {"id": f"chair {EVERYTHING}"}}}
    dates = {"startDate": moment(hour), "endDate": moment(hour + 3)}
    return {"booking": {"id": key, "status": "CONFIRMED", "bookedEntity": slot, **dates}}


def named(request: bytes) -> Answer:
    """Answer well in form, with hostile names and ids in it; but refuse to count marks."""
    if b"doubleBooked" in request:
        said = {"code": SECRET, "description": EVERYTHING}
        return js({"message": EVERYTHING, "details": {"applicationError": said}}, "400 No")
    return named_rows(request)


def named_rows(request: bytes) -> Answer:
    """Answer with rows that can be read, and others whose names and ids are hostile."""
    path = request.split(b" ", 2)[1]
    if b"resource.list" in path:
        return js({"result": {"resource": [{"id": number, "name": f"{EVERYTHING}{number}"} for number in (1, 2)]}})
    if b"booking.list" in path:
        rows = [
            {"id": n, "resourceIds": [n], "datePeriod": {"from": at(60), "to": at(600)}, "name": EVERYTHING} for n in (1, 2)
        ]
        return js({"result": {"booking": rows}})
    if b"externalData" in path:
        return js({"result": {"externalData": [{"moduleId": EVERYTHING, "entityTypeId": EVERYTHING}]}})
    if path.endswith(b"/query") or b"query" in path:
        ids = ["one that can be read", *(f"{EVERYTHING}{number}" for number in (1, 2))]
        rows = [wix_row(key, 20) for key in ids] if b"createdDate" not in request else []
        return js({"extendedBookings": rows, "pagingMetadata": {"hasNext": False}})
    if b"providers" in path:
        return js({"providers": [{"id": EVERYTHING, "calendarType": EVERYTHING}]})
    rows = [
        {"id": EVERYTHING, "status": EVERYTHING, "providerId": EVERYTHING, "scheduleId": EVERYTHING, "calendarType": EVERYTHING}
    ]
    return js({"connections": rows, "failedProviderIds": [EVERYTHING + "2"], "count": EVERYTHING})


def config(origin: str, folder: Path) -> Path:
    """Write a configuration with a target of each platform for each answer; what a target sends tells which."""
    targets: list[dict[str, Any]] = []
    for number in range(len(ANSWERS) + 1):
        targets.append(
            {
                "name": f"wix{number}",
                "platform": "wix",
                "site_id": f"answer-{number}.",
                "api_key": SECRET,
                "collectors": {"connections": {"interval": "5m"}, "bookings": {"interval": "5m", "conflicts": True}},
                "base_url": origin,
            }
        )
        targets.append(
            {
                "name": f"b24-{number}",
                "platform": "bitrix24",
                "webhook_url": f"https://salon{number}.bitrix24.de/rest/{number + 1}/{SECRET}/",
                "collectors": {"bookings": {"interval": "5m", "per_resource": True}, "links": {"interval": "5m"}},
                "base_url": origin,
            }
        )
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"windows": [DAY], "targets": targets}))
    return file


@dataclass(frozen=True)
class Shown:
    """All that the exporter showed."""

    texts: dict[str, str]
    reasons: dict[str, set[str]]
    lines: list[str]


def shown(folder: Path) -> Shown:
    """Let a fleet be answered with malice, once."""
    names = list(ANSWERS)
    stream = io.StringIO()

    def answer(request: bytes, _: int) -> bytes:
        wix, bitrix24 = re.search(rb"answer-(\d+)[.]", request), re.match(rb"POST /rest/(\d+)/", request)
        number = int(wix[1]) if wix else int(bitrix24[1]) - 1 if bitrix24 else len(names)
        return (ANSWERS[names[number]] if number < len(names) else named(request)).encode()

    async def run() -> Shown:
        known = KnownSecrets()
        logs.configure("debug", "logfmt", stream)
        logs.mask_with(known.mask)
        clock = ManualClock(NOW)
        async with peer(answer) as server, application(config(server.origin, folder), clock, known=known) as app:
            while not app.app.ready:
                await app.pass_time(1.0)
            return await look(app)

    async def look(app: RunningApplication) -> Shown:
        view = app.app.view()
        states = [state for target in view.targets for state in target.collectors]
        status = status_of(view)
        texts = {
            "page": bytes(await app.app.metrics(Format.TEXT, None)).decode(),
            "open metrics": bytes(await app.app.metrics(Format.OPENMETRICS, None)).decode(),
            "api": encode_status(view).decode(),
            "board": "".join(board.render(view, page=number).decode() for number in range(1, len(view.targets) // 25 + 2)),
            "terminal": "\n".join(
                [first_line(status, Verdict.OK), *map(" ".join, rows_of(status)), *fixes(status)],
            ),
        }
        reasons: dict[str, set[str]] = {}
        for state in states:
            number = int(re.sub(r"\D", "", state.target.replace("b24", "")))
            if state.failure is not None:
                reasons.setdefault(names[number] if number < len(names) else "named", set()).add(state.failure.reason)
        return Shown(texts, reasons, stream.getvalue().splitlines())

    try:
        return asyncio.run(run())
    finally:
        logs.mask_with(str)


@pytest.fixture(scope="module")
def all_that_is_shown(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shown]:
    with logging_as_before():
        yield shown(tmp_path_factory.mktemp("hostile"))


@pytest.mark.slow
def test_no_answer_makes_a_poll_end_as_a_bug_of_ours(all_that_is_shown: Shown) -> None:
    assert len(ANSWERS) <= len(all_that_is_shown.reasons)
    assert {} == {name: reasons for name, reasons in all_that_is_shown.reasons.items() if Reason.INTERNAL in reasons}
    assert [] == [line for line in all_that_is_shown.lines if "Traceback" in line or "crashed" in line]


def test_what_steers_a_terminal_is_shown_nowhere(all_that_is_shown: Shown) -> None:
    for place, text in {**all_that_is_shown.texts, "log": "\n".join(all_that_is_shown.lines)}.items():
        steering = {letter for letter in set(text) if unicodedata.category(letter) in {"Cc", "Cs", "Zl", "Zp", "Cf"}} - {"\n"}
        assert set() == steering, place


def test_nobodys_address_is_shown_anywhere(all_that_is_shown: Shown) -> None:
    for place, text in {**all_that_is_shown.texts, "log": "\n".join(all_that_is_shown.lines)}.items():
        assert [] == re.findall("john.{0,40}", text), place


@pytest.mark.parametrize("form", SECRETS.values(), ids=SECRETS)
def test_a_secret_that_comes_back_is_shown_nowhere(all_that_is_shown: Shown, form: str) -> None:
    for place, text in {**all_that_is_shown.texts, "log": "\n".join(all_that_is_shown.lines)}.items():
        assert form.lower() not in text.lower(), place


@pytest.mark.slow
def test_no_text_is_longer_than_its_limit(all_that_is_shown: Shown) -> None:
    for place, text in {**all_that_is_shown.texts, "log": "\n".join(all_that_is_shown.lines)}.items():
        assert 100 >= max(map(len, re.findall("L{2,}|9{20,}|x{40,}|(?:a[.]){20,}", text)), default=0), place
    assert 4096 >= max(len(line.encode()) + 1 for line in all_that_is_shown.lines)


def test_the_texts_were_there(all_that_is_shown: Shown) -> None:
    """What is shown of a hostile name: that nothing of it is missing for another reason."""
    label = "]0;x********"  # what nobody sees is taken out where an address or a credential stands beside it
    assert label in all_that_is_shown.texts["page"]
    assert label in all_that_is_shown.texts["board"]
