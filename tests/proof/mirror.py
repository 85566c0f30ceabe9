"""What is in a calendar of the simulator, written into one of a real server, or published by the simulator itself.

Radicale sends a whole collection to whoever gets its address, which is a feed; xandikos sends a web page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from exporter.simulator.calendar import Entry as Simulated
from tests.harness.caldav_servers import Entry, Radicale, RadicaleCalendar, Xandikos, XandikosCalendar
from tests.proof.world import Desk

_FEEDS = "https://feeds.example.org"


@dataclass
class Mirror:
    """One desk's calendar on a real server; whoever writes there is in no hurry while it is ``deleted``.

    Without a ``calendar`` there it is the feed of the simulator.
    """

    desk: Desk
    calendar: RadicaleCalendar | XandikosCalendar | None
    user: str
    deleted: bool = False
    _written: dict[str, Simulated] = field(default_factory=dict)

    async def catch_up(self) -> None:
        """Write what has changed since the last time."""
        if self.deleted or self.calendar is None:
            return
        now = {entry.uid: entry for entry in self.desk.calendar}
        if gone := [uid for uid in self._written if uid not in now]:
            await self.calendar.remove(*gone)
        if new := [entry for uid, entry in now.items() if self._written.get(uid) != entry]:
            await self.calendar.put(*(_real(entry) for entry in new))
        self._written = now

    async def delete(self) -> None:
        """Delete the calendar on the server."""
        self.deleted = True
        if self.calendar is None:
            self.desk.calendar.deleted = True
        else:
            await self.calendar.delete()

    async def make_again(self) -> None:
        """Make a calendar at the same place; it is filled at the next turn."""
        if self.calendar is None:
            self.desk.calendar.deleted = False
        elif isinstance(self.calendar, RadicaleCalendar):
            self.calendar.make()
        else:
            await self.calendar.server.calendar(self.calendar.name)
        self.deleted = False
        self._written = {}

    def change_password(self, password: str) -> None:
        """Let the owner have another password. Raises :class:`TypeError` on a server without logins."""
        if not isinstance(self.calendar, RadicaleCalendar):
            raise TypeError("nobody logs in there")
        self.calendar.server.user(self.calendar.user, password)

    @property
    def server(self) -> str:
        """Return the name of the server."""
        return "simulator" if self.calendar is None else type(self.calendar.server).__name__

    def target(self, origin: str) -> dict[str, Any]:
        """Return the target that reads it, with the password of the beginning; the simulator is at ``origin``."""
        target = {"name": f"{self.desk.name}-cal", "platform": "calendar"}
        if self.calendar is None:
            return {**target, "ics_url": _FEEDS + self.desk.calendar.feed_path, "base_url": origin}
        if self.desk.read == "feed":
            return {**target, "ics_url": self.calendar.url}
        user, password = self.calendar.auth or (self.user, "of nobody")
        dav = {"url": self.calendar.url, "username": user, "password": password, "read": self.desk.read}
        return {**target, "caldav": dav}


async def mirrored(desk: Desk, server: Radicale | Xandikos) -> Mirror:
    """Return a new calendar on ``server`` that has what the calendar of ``desk`` has, or its feed where xandikos has none."""
    calendar: RadicaleCalendar | XandikosCalendar | None
    if isinstance(server, Radicale):
        calendar = await (server.published(desk.name) if desk.read == "feed" else server.calendar(desk.name))
    else:
        calendar = None if desk.read == "feed" else await server.calendar(name=desk.name)
    mirror = Mirror(desk, calendar, desk.name)
    await mirror.catch_up()
    return mirror


def _real(entry: Simulated) -> Entry:
    lines = ("TRANSP:TRANSPARENT",) if entry.transparent else ()
    return Entry(entry.uid, entry.start, entry.end, lines, entry.whole_days)
