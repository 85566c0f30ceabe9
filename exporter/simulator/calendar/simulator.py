"""The simulated calendar server: owners with logins, calendars by CalDAV, and their published feeds (calendar.md 2, 3, 5)."""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Iterator
from dataclasses import fields
from email.utils import formatdate, parsedate_to_datetime
from typing import Final

from exporter.simulator.calendar import dav, ical
from exporter.simulator.calendar.calendars import Calendar, Owner
from exporter.simulator.calendar.freebusy import busy_times
from exporter.simulator.calendar.switches import Switches
from exporter.simulator.platform import Call, Description, Reply, html_reply
from exporter.simulator.requestlog import MASK, fingerprint
from exporter.simulator.stage import Stage

_XML: Final = "text/xml; charset=utf-8"
_ICS: Final = "text/calendar; charset=utf-8"
_READS: Final = "OPTIONS, GET, HEAD, PROPFIND, REPORT"
_WRITES: Final = frozenset(
    {"PUT", "POST", "PATCH", "DELETE", "MOVE", "COPY", "MKCOL", "MKCALENDAR", "PROPPATCH", "ACL", "LOCK", "UNLOCK"}
)
_NO_REPORT: Final = {"forbidden": 403, "not_allowed": 405, "not_implemented": 501}
_REPORTS: Final = ("free-busy-query", "calendar-query")


class CalendarSimulator:
    """The calendar side of a :class:`~exporter.simulator.simulator.Simulator`: empty until owners are added.

    Nobody can write over HTTP: that is refused and logged as a write.
    """

    name = "calendar"

    def __init__(self, stage: Stage) -> None:
        self._stage = stage
        self.reset()

    def reset(self) -> None:
        self.switches = Switches()
        self.owners: dict[str, Owner] = {}
        self._feeds: dict[str, tuple[str, float]] = {}

    def add_owner(self, name: str, password: str | None = None) -> Owner:
        """Add somebody with a login, and no calendar yet; without ``password`` it is drawn."""
        random = self._stage.random_for("calendar", name)
        drawn = random.randbytes(12).hex()
        self.owners[name] = Owner(name, password or drawn, random, self._stage.now)
        return self.owners[name]

    def calendars(self) -> Iterator[Calendar]:
        """Give every calendar, deleted ones as well."""
        for owner in self.owners.values():
            yield from owner.calendars.values()

    def owns(self, path: str) -> bool:
        return path.startswith(("/dav/", "/ics/"))

    def describe(self, call: Call) -> Description:
        write = call.method in _WRITES
        if call.path.startswith("/ics/"):
            secret = call.path.split("/")[2]
            return Description("feed", f"/ics/{MASK}/basic.ics", fingerprint(secret), write, secrets=(secret,))
        authorization = call.headers.get("authorization", "")
        name, password = _login(authorization)
        report = next((kind for kind in _REPORTS if call.method == "REPORT" and kind.encode() in call.body), "")
        secrets = tuple(filter(None, (authorization, password)))
        return Description(report or call.method, f"/dav/{MASK}/", fingerprint(f"{name}:{password}"), write, secrets)

    async def answer(self, call: Call) -> Reply:
        if call.path.startswith("/ics/"):
            return self._feed(call)
        return self._dav(call)

    def _dav(self, call: Call) -> Reply:
        name, password = _login(call.headers.get("authorization", ""))
        owner = self.owners.get(name)
        if owner is None or owner.password != password:
            challenge = (("www-authenticate", 'Basic realm="Calendars of the simulator"'),)
            return Reply(401, b"Access to the requested resource forbidden.", "text/plain", challenge)
        whose, _, rest = call.path.removeprefix("/dav/").partition("/")
        if whose != owner.name:
            return Reply(403, b"Access to the requested resource forbidden.", "text/plain")
        calendar = owner.calendars.get(rest.partition("/")[0])
        if calendar is None:
            return _not_found()
        return self._of_calendar(call, calendar)

    def advance(self) -> None:
        """Do nothing: a calendar changes when somebody writes into it."""

    def overview(self) -> object:
        return {
            "calendars": [
                {
                    "calendar": f"{number}/{calendar.name}",
                    "entries": len(calendar),
                    "deleted": calendar.deleted,
                    "feed_frozen": calendar.feed.frozen_at is not None,
                }
                for number, calendar in enumerate(self.calendars(), 1)
            ],
            "switches": {field.name: getattr(self.switches, field.name) for field in fields(self.switches)},
        }

    def _of_calendar(self, call: Call, calendar: Calendar) -> Reply:
        if (refusal := _refusal(calendar)) is not None:
            return refusal
        match call.method:
            case "REPORT" | "PROPFIND":
                return self._asked(call, calendar)
            case "OPTIONS":
                return Reply(200, b"", "text/plain", (("allow", _READS), ("dav", "1, 3, calendar-access")))
            case "GET" | "HEAD":
                return self._got(call, calendar)
            case _:
                return Reply(405, b"Method Not Allowed", "text/plain", (("allow", _READS),))

    def _got(self, call: Call, calendar: Calendar) -> Reply:
        """Return one entry by its address, or the whole calendar, or a page about it."""
        file = call.path.removeprefix(calendar.path)
        uid = file.removesuffix(".ics")
        if file and call.path.startswith(calendar.path) and uid not in calendar:
            return _not_found()
        if not file and self.switches.page:
            return html_reply(200, "Calendar")
        entries = [calendar[uid]] if uid in calendar else calendar
        lines = [line for entry in entries for line in entry.lines()]
        return self._validated(call, ical.calendar(lines), self._stage.now())

    def _asked(self, call: Call, calendar: Calendar) -> Reply:
        if self.switches.needs_xml_type and not call.content_type.endswith("/xml"):
            return Reply(415, f"Unsupported media type '{call.content_type}'".encode(), "text/plain")
        try:
            asked = dav.question(call.body)
        except ValueError:
            return Reply(400, b"Bad Request", "text/plain")
        if call.method == "PROPFIND":
            return Reply(207, dav.tags(calendar, asked, self.switches), _XML)
        if asked.kind == "calendar-query":
            return Reply(207, dav.entries_found(calendar, asked, self.switches), _XML)
        if asked.kind != "free-busy-query" or asked.end <= asked.start or asked.end == float("inf"):
            return Reply(400, b"Bad Request", "text/plain")
        return self._busy(calendar, asked)

    def _busy(self, calendar: Calendar, asked: dav.Question) -> Reply:
        switches = self.switches
        if switches.free_busy == "empty_multistatus":
            return Reply(207, dav.no_responses(switches), _XML)
        if switches.free_busy != "answered":
            return Reply(_NO_REPORT[switches.free_busy], b"", "text/plain")
        body = busy_times(calendar, asked.start, asked.end, self._stage.now(), switches)
        return Reply(200, body, switches.free_busy_type)

    def _feed(self, call: Call) -> Reply:
        found = next((calendar for calendar in self.calendars() if calendar.feed_path == call.path), None)
        if found is None:
            return _not_found()
        if (refusal := _refusal(found)) is not None:
            return refusal
        if call.method not in {"GET", "HEAD"}:
            return Reply(405, b"Method Not Allowed", "text/plain", (("allow", "GET, HEAD"),))
        if found.feed.is_html:
            return html_reply(200, "Sign in")
        return self._validated(call, *self._published(found))

    def _published(self, calendar: Calendar) -> tuple[bytes, float]:
        """Return the bytes of the feed and the moment since when they are what they are."""
        entries = [] if calendar.feed.is_empty else [*calendar.old(), *calendar.published()]
        lines = (line for entry in entries for line in entry.lines(level=self.switches.level))
        body = ical.calendar(lines, newline=self.switches.newline)
        digest, last = hashlib.sha256(body).hexdigest(), self._feeds.get(calendar.feed.secret)
        since = last[1] if last and last[0] == digest else self._stage.now()
        self._feeds[calendar.feed.secret] = (digest, since)
        return body, since

    def _validated(self, call: Call, body: bytes, since: float) -> Reply:
        """Return ``body`` with its validators, or that the caller's copy of it is still good."""
        tag, modified = f'"{hashlib.sha256(body).hexdigest()[:32]}"', formatdate(int(since), usegmt=True)
        told = self.switches.validators
        headers = tuple(
            (name, value)
            for name, value, which in (("etag", tag, "etag"), ("last-modified", modified, "last_modified"))
            if told in {"both", which}
        )
        if self.switches.honours_validators and _has_it(call, dict(headers)):
            return Reply(304, b"", "", headers)
        return Reply(200, body, _ICS, headers)


def _not_found() -> Reply:
    return Reply(404, b"The requested resource could not be found.", "text/plain")


def _refusal(calendar: Calendar) -> Reply | None:
    """Return what is said of a calendar that is there no more, not for its owner, or elsewhere."""
    if calendar.deleted:
        return _not_found()
    if calendar.refused:
        return Reply(403, b"Access to the requested resource forbidden.", "text/plain")
    if calendar.moved_to:
        page = html_reply(302, "302 Found")
        return Reply(page.status, page.body, page.content_type, (("location", calendar.moved_to),))
    return None


def _has_it(call: Call, validators: dict[str, str]) -> bool:
    asked = call.headers.get("if-none-match")
    if asked is not None:
        return asked == validators.get("etag")
    since = call.headers.get("if-modified-since")
    if since is None or "last-modified" not in validators:
        return False
    try:
        return parsedate_to_datetime(since) >= parsedate_to_datetime(validators["last-modified"])
    except ValueError:
        return False


def _login(authorization: str) -> tuple[str, str]:
    """Return the name and the password of a Basic login; two empty texts where there is none."""
    kind, _, coded = authorization.partition(" ")
    if kind.lower() != "basic":
        return "", ""
    try:
        name, _, password = base64.b64decode(coded, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError):
        return "", ""
    return name, password
