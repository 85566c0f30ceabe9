"""What is in a calendar of the simulator, written into one of a real server."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from exporter.simulator.calendar import Entry as Simulated
from tests.harness.caldav_servers import Entry, Radicale, RadicaleCalendar, Xandikos, XandikosCalendar
from tests.proof.world import Desk


@dataclass
class Mirror:
    """One desk's calendar on a real server; whoever writes there is in no hurry while it is ``deleted``."""

    desk: Desk
    calendar: RadicaleCalendar | XandikosCalendar
    user: str
    deleted: bool = False
    _written: dict[str, Simulated] = field(default_factory=dict)

    async def catch_up(self) -> None:
        """Write what has changed since the last time."""
        if self.deleted:
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
        await self.calendar.delete()

    async def make_again(self) -> None:
        """Make a calendar at the same place; it is filled at the next turn."""
        if isinstance(self.calendar, RadicaleCalendar):
            self.calendar.make()
        else:
            await self.calendar.server.calendar(self.calendar.name)
        self.deleted = False
        self._written = {}

    def change_password(self, password: str) -> None:
        """Let the owner have another password. Raises :class:`TypeError` on a server without logins."""
        if isinstance(self.calendar, XandikosCalendar):
            raise TypeError("xandikos has no login")
        self.calendar.server.user(self.calendar.user, password)

    def target(self) -> dict[str, Any]:
        """Return the target that reads it, with the password of the beginning."""
        user, password = self.calendar.auth or (self.user, "of nobody")
        dav = {"url": self.calendar.url, "username": user, "password": password, "read": self.desk.read}
        return {"name": f"{self.desk.name}-cal", "platform": "calendar", "caldav": dav}


async def mirrored(desk: Desk, server: Radicale | Xandikos) -> Mirror:
    """Return a new calendar on ``server`` that has what the calendar of ``desk`` has."""
    calendar = await server.calendar(desk.name) if isinstance(server, Radicale) else await server.calendar(name=desk.name)
    mirror = Mirror(desk, calendar, desk.name)
    await mirror.catch_up()
    return mirror


def _real(entry: Simulated) -> Entry:
    lines = ("TRANSP:TRANSPARENT",) if entry.transparent else ()
    return Entry(entry.uid, entry.start, entry.end, lines, entry.whole_days)
