"""What docs/platforms/calendar.md states of servers, each statement with a way to look whether it is so.

A statement is held against the simulator, which plays both servers that were measured, and against these servers themselves.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final, Literal, Protocol

import httpx

from exporter.simulator import canary
from tests.harness.caldav_servers import Entry
from tests.simulator.calendar.conftest import BUSY, CHANGED, DAY, EXPANDED, FIRST, HOUR

Dialect = Literal["Radicale", "xandikos"]
BOTH: Final[tuple[Dialect, ...]] = ("Radicale", "xandikos")


class Place(Protocol):
    """A server with an empty calendar of somebody, and with a published one where it has such."""

    dialect: Dialect

    @property
    def url(self) -> str:
        """Return the address of the calendar."""
        ...

    @property
    def feed(self) -> str:
        """Return the address of the published calendar, which has what the other one has."""
        ...

    @property
    def auth(self) -> tuple[str, str] | None:
        """Return who may read it."""
        ...

    @property
    def foreign(self) -> str:
        """Return the address of a calendar of somebody else."""
        ...

    async def put(self, *entries: Entry) -> None:
        """Add or replace entries."""
        ...

    async def delete(self) -> None:
        """Delete the calendar."""
        ...

    async def new_password(self) -> None:
        """Let the owner have another password; ``auth`` knows it."""
        ...


@dataclass
class Asked:
    """A place and a client that knows nothing of ours; ``spoil`` is what becomes of each answer on its way."""

    place: Place
    spoil: Callable[[httpx.Response], httpx.Response] = field(default=lambda answer: answer)

    @property
    def is_radicale(self) -> bool:
        return self.place.dialect == "Radicale"

    async def ask(self, method: str = "REPORT", body: str = BUSY, url: str = "", **headers: str) -> httpx.Response:
        """Ask as the owner."""
        depth = "0" if method == "PROPFIND" else "1"
        told = {"depth": depth, "content-type": "application/xml", **headers}
        async with _client(self.place.auth) as http:
            return self.spoil(await http.request(method, url or self.place.url, content=body, headers=told))

    async def get(self, url: str, tag: str = "", *, signed_in: bool = True) -> httpx.Response:
        """Get an address, unless it still has the ``tag``."""
        async with _client(self.place.auth if signed_in else None) as http:
            return self.spoil(await http.get(url, headers={"if-none-match": tag} if tag else {}))

    async def refused(self, auth: tuple[str, str] | None) -> httpx.Response:
        """Ask as somebody else."""
        async with _client(auth) as http:
            return self.spoil(await http.request("REPORT", self.place.url, content=BUSY, headers={"depth": "1"}))

    async def lines(self) -> list[str]:
        """Return the lines about busy times, sorted."""
        answer = await self.ask()
        assert 200 == answer.status_code
        return sorted(line for line in answer.text.splitlines() if line.startswith("FREEBUSY"))

    async def periods(self) -> list[str]:
        """Return the busy times, sorted."""
        return [line.partition(":")[2] for line in await self.lines() if "FBTYPE=FREE" not in line]


@asynccontextmanager
async def _client(auth: tuple[str, str] | None) -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient(auth=auth, timeout=60, trust_env=False) as http:
        yield http


@dataclass(frozen=True)
class Statement:
    """What is stated, ``holds`` raises :class:`AssertionError` where it is not so. ``of`` are the servers that it is about."""

    sentence: str
    section: str
    holds: Callable[[Asked], Awaitable[None]]
    of: tuple[Dialect, ...] = BOTH


STATEMENTS: Final[dict[str, Statement]] = {}


def states(id_: str, section: str, sentence: str, *of: Dialect) -> Callable[[Callable[[Asked], Awaitable[None]]], None]:
    """Put the decorated function into :data:`STATEMENTS`."""

    def add(holds: Callable[[Asked], Awaitable[None]]) -> None:
        STATEMENTS[id_] = Statement(sentence, section, holds, of or BOTH)

    return add


def hours(number: float, length: float = 1.0, *lines: str, uid: str = "") -> Entry:
    """Return an entry that begins so many hours after the range of the questions does."""
    return Entry(uid or f"at-{number:g}", FIRST + number * HOUR, FIRST + (number + length) * HOUR, lines)


def period(begins: float, ends: float) -> str:
    """Return a period by its hours after the beginning of the range."""
    return "/".join(datetime.fromtimestamp(FIRST + hour * HOUR, UTC).strftime("%Y%m%dT%H%M%SZ") for hour in (begins, ends))


@states("C-BUSY-01", "2.1", "A `free-busy-query` is answered with one VCALENDAR that holds one VFREEBUSY.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9))
    answer = await asked.ask()
    lines = [line for line in answer.text.splitlines() if line]
    assert (200, "BEGIN:VCALENDAR", "END:VCALENDAR") == (answer.status_code, lines[0], lines[-1])
    assert 1 == lines.count("BEGIN:VFREEBUSY")


@states("C-BUSY-02", "2.1", "Each period has a line: with `FBTYPE=BUSY` on Radicale, with `VALUE=PERIOD` on xandikos.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9), hours(11))
    name = "FREEBUSY;FBTYPE=BUSY:" if asked.is_radicale else "FREEBUSY;VALUE=PERIOD:"
    assert [name + period(9, 10), name + period(11, 12)] == await asked.lines()


@states("C-BUSY-03", "2.1", "Radicale joins busy times that touch, xandikos does not.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9), hours(10))
    assert ([period(9, 11)] if asked.is_radicale else [period(9, 10), period(10, 11)]) == await asked.periods()


@states("C-BUSY-04", "2.1", "A cancelled entry is a line with `FBTYPE=FREE` on Radicale and none on xandikos.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "STATUS:CANCELLED"))
    assert ([f"FREEBUSY;FBTYPE=FREE:{period(9, 10)}"] if asked.is_radicale else []) == await asked.lines()


@states("C-BUSY-05", "2.1", "An entry that is TRANSPARENT is left out.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "TRANSP:TRANSPARENT"), hours(11))
    assert [period(11, 12)] == await asked.periods()


@states("C-BUSY-06", "2.1", "An all-day entry is a full day of UTC.")
async def _(asked: Asked) -> None:
    await asked.place.put(Entry("holiday", FIRST + DAY, FIRST + 2 * DAY, whole_days=True))
    assert [period(24, 48)] == await asked.periods()


@states(
    "C-BUSY-07", "2.1", "The content type names its charset twice on Radicale, and is `application/octet-stream` on xandikos."
)
async def _(asked: Asked) -> None:
    kind = "text/calendar; charset=utf-8; charset=utf-8" if asked.is_radicale else "application/octet-stream"
    assert kind == (await asked.ask()).headers["content-type"]


@states("C-BUSY-08", "2.1", "The server expands what recurs.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "RRULE:FREQ=DAILY;COUNT=3"))
    assert [period(9 + 24 * day, 10 + 24 * day) for day in range(3)] == await asked.periods()


@states("C-BUSY-09", "2.1", "Busy times bring no title and no UID.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, uid="of-a-person"))
    told = (await asked.ask()).text.replace("\r\n ", "").replace("\\,", ",")
    assert [] == [word for word in ("SUMMARY", "UID:", "of-a-person", *canary.CANARIES) if word in told]


@states("C-BUSY-10", "2.1", "Busy times are cut at the borders of the range.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(-1, 2), hours(7 * 24 - 1, 3), hours(8 * 24))
    assert [period(0, 1), period(7 * 24 - 1, 7 * 24)] == await asked.periods()


@states("C-BUSY-11", "2.4", "A calendar without entries is answered with 200 and no busy time.")
async def _(asked: Asked) -> None:
    assert [] == await asked.lines()


@states("C-QUERY-01", "2.2", "A `calendar-query` is answered with 207 and an entry for each that touches the range.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9), hours(30), hours(9 * 24))
    answer = await asked.ask(body=EXPANDED)
    assert (207, 2) == (answer.status_code, answer.text.count("BEGIN:VEVENT"))


@states("C-QUERY-02", "2.2", "With `expand` each instance has a RECURRENCE-ID of its own and the UID of its series.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "RRULE:FREQ=DAILY;COUNT=3", uid="series"))
    text = (await asked.ask(body=EXPANDED)).text
    assert 3 == text.count("UID:series")
    assert [period(9 + 24 * day, 9).split("/")[0] for day in range(3)] == sorted(re.findall(r"RECURRENCE-ID:(\w+)", text))


@states("C-QUERY-03", "2.2", "Entries come with their titles, also those that are free or cancelled.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "TRANSP:TRANSPARENT"), hours(11, 1, "STATUS:CANCELLED"))
    text = (await asked.ask(body=EXPANDED)).text.replace("\r\n ", "").replace("\n ", "")
    assert [2, 1, 1] == [text.count(word) for word in ("canary Tweetie", "TRANSP:TRANSPARENT", "STATUS:CANCELLED")]


@states("C-QUERY-04", "2.4", "xandikos refuses a question that does not say that it is XML with 415; Radicale answers it.")
async def _(asked: Asked) -> None:
    answer = await asked.ask(**{"content-type": "text/plain"})
    assert (200 if asked.is_radicale else 415) == answer.status_code


async def _tags(asked: Asked) -> list[str]:
    answer = await asked.ask("PROPFIND", CHANGED)
    assert 207 == answer.status_code
    return re.findall(r"<(?:\w+:)?(?:sync-token|getctag|getetag)>([^<]+)<", answer.text)


@states("C-TAG-01", "2.3", "`PROPFIND` tells `sync-token`, `getctag` and `getetag`.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9))
    assert 3 == len(await _tags(asked))


@states("C-TAG-02", "2.3", "A change changes all three, and without a change they stay.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9))
    before, again = await _tags(asked), await _tags(asked)
    assert before == again
    await asked.place.put(hours(11))
    assert set() == set(before) & set(await _tags(asked))


@states("C-TAG-03", "2.3", "Of an entry xandikos honours `If-None-Match` with 304; Radicale sends it again.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, uid="one"))
    first = await asked.get(f"{asked.place.url}one.ics")
    again = await asked.get(f"{asked.place.url}one.ics", first.headers["etag"])
    assert (200, 200 if asked.is_radicale else 304) == (first.status_code, again.status_code)
    assert 1 == first.text.count("BEGIN:VEVENT")


@states("C-TAG-04", "2.3", "A GET of the calendar is the whole of it on Radicale, and a page for people on xandikos.")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9), hours(40 * 24))
    answer = await asked.get(asked.place.url)
    kind = answer.headers["content-type"].partition(";")[0]
    assert (200, "text/calendar" if asked.is_radicale else "text/html") == (answer.status_code, kind)
    assert (2 if asked.is_radicale else 0) == answer.text.count("BEGIN:VEVENT")


@states("C-ERR-01", "2.4", "Without the right password the answer is 401, and asks for Basic.", "Radicale")
async def _(asked: Asked) -> None:
    user, _password = asked.place.auth or ("", "")
    for auth in (None, (user, "wrong"), ("nobody", "wrong")):
        answer = await asked.refused(auth)
        assert (401, "Basic") == (answer.status_code, answer.headers["www-authenticate"].partition(" ")[0])


@states("C-ERR-02", "2.4", "A password that was changed opens nothing from the next request on.", "Radicale")
async def _(asked: Asked) -> None:
    before = asked.place.auth
    first = await asked.refused(before)
    await asked.place.new_password()
    assert [200, 401, 200] == [first.status_code, (await asked.refused(before)).status_code, (await asked.ask()).status_code]


@states("C-ERR-03", "2.4", "The calendar of somebody else is forbidden: 403.", "Radicale")
async def _(asked: Asked) -> None:
    assert 403 == (await asked.ask(url=asked.place.foreign)).status_code


@states("C-ERR-04", "2.4", "A calendar that was deleted is not found: 404.")
async def _(asked: Asked) -> None:
    before = await asked.ask()
    await asked.place.delete()
    assert [200, 404] == [before.status_code, (await asked.ask()).status_code]


@states("C-FEED-01", "3", "Whoever has the address of a feed gets it without a login.", "Radicale")
async def _(asked: Asked) -> None:
    answer = await asked.get(asked.place.feed, signed_in=False)
    assert (200, "text/calendar") == (answer.status_code, answer.headers["content-type"].partition(";")[0])


@states("C-FEED-02", "3", "A feed is the whole calendar, with its titles, from its first line to its last.", "Radicale")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(-300 * 24), hours(9), hours(300 * 24))
    text = (await asked.get(asked.place.feed, signed_in=False)).text
    lines = text.splitlines()
    assert ("BEGIN:VCALENDAR", "END:VCALENDAR", 3) == (lines[0], lines[-1], lines.count("BEGIN:VEVENT"))
    assert 3 == text.replace("\r\n ", "").count("canary Tweetie")


@states("C-FEED-03", "3", "What recurs stands in a feed once, with its rule.", "Radicale")
async def _(asked: Asked) -> None:
    await asked.place.put(hours(9, 1, "RRULE:FREQ=DAILY;COUNT=3"))
    text = (await asked.get(asked.place.feed, signed_in=False)).text
    assert (1, 1) == (text.count("BEGIN:VEVENT"), text.count("RRULE:FREQ=DAILY"))
