"""One question to a CalDAV server: credential, request, errors (docs/platforms/calendar.md 2)."""

from __future__ import annotations

import base64
from datetime import UTC, datetime
from functools import partial
from math import ceil
from typing import Final

import httpx

from exporter.errors import PollError
from exporter.model import ApiUsage
from exporter.platforms import answer_kinds
from exporter.platforms.base import Services
from exporter.platforms.calendar.api_errors import ENTRIES, FREE_BUSY, RESOURCE_TYPE, failure
from exporter.platforms.calendar.guest import Guest
from exporter.platforms.calendar.settings import CalDav
from exporter.platforms.exchange import Answer, new_request

_HEAD: Final = '<?xml version="1.0" encoding="utf-8"?>'
_NAMES: Final = 'xmlns:d="DAV:" xmlns:c="urn:ietf:params:xml:ns:caldav"'
_FREE_BUSY: Final = f'{_HEAD}<c:free-busy-query {_NAMES}><c:time-range start="{{start}}" end="{{end}}"/></c:free-busy-query>'
# Which properties are wanted could be said, too: xandikos then leaves out each entry that lacks one (calendar.md 2.2).
_ENTRIES: Final = (
    f"{_HEAD}<c:calendar-query {_NAMES}><d:prop><c:calendar-data>"
    '<c:expand start="{start}" end="{end}"/>'
    '</c:calendar-data></d:prop><c:filter><c:comp-filter name="VCALENDAR"><c:comp-filter name="VEVENT">'
    '<c:time-range start="{start}" end="{end}"/></c:comp-filter></c:comp-filter></c:filter></c:calendar-query>'
)
_WHAT_IT_IS: Final = f"{_HEAD}<d:propfind {_NAMES}><d:prop><d:resourcetype/></d:prop></d:propfind>".encode()
_BODIES: Final = {FREE_BUSY: _FREE_BUSY, ENTRIES: _ENTRIES}
_STATUSES: Final = {
    FREE_BUSY: httpx.codes.OK,
    ENTRIES: httpx.codes.MULTI_STATUS,
    RESOURCE_TYPE: httpx.codes.MULTI_STATUS,
}


class CalDavApi:
    """All questions about one calendar."""

    def __init__(self, name: str, caldav: CalDav, services: Services, *, base_url: str | None, timeout: float) -> None:
        """``name`` is that of the target; ``base_url`` stands for the origin of the calendar's address."""
        self._services = services
        self._guest = Guest(name, services, timeout=timeout)
        user, password = caldav.username.reveal(), caldav.password.reveal()
        self._credential = base64.b64encode(f"{user}:{password}".encode()).decode("ascii")
        services.known.hold(self, [password, self._credential])
        address = httpx.URL(caldav.url.reveal())
        self.url = address if base_url is None else httpx.URL(base_url).copy_with(raw_path=address.raw_path)

    def close(self) -> None:
        """Let its password be forgotten."""
        self._services.known.drop(self)

    def usage(self) -> ApiUsage:
        """Return how many questions may be asked right now, and until when the server asked us to wait."""
        return self._guest.usage()

    async def ask(self, operation: str, start: float, end: float) -> Answer:
        """Return the answer about ``[start, end)`` that ``operation`` promises, still unread.

        Repeats 5xx answers and lost connections. Raises the :class:`~exporter.errors.PollError` that any other answer is.
        """
        body = _BODIES[operation].format(start=_written(start), end=_written(ceil(end))).encode()
        return await self._answer(operation, "REPORT", body, depth="1")

    async def what_it_is(self) -> Answer:
        """Return what the server says of the kind of what lies at the address, still unread. Raises as :meth:`ask` does."""
        return await self._answer(RESOURCE_TYPE, "PROPFIND", _WHAT_IT_IS, depth="0")

    async def _answer(self, operation: str, method: str, body: bytes, *, depth: str) -> Answer:
        headers = {
            "Authorization": f"Basic {self._credential}",
            "Depth": depth,
            "Content-Type": "application/xml; charset=utf-8",
            "Accept": "text/calendar, application/xml, text/xml",
        }
        return await self._guest.ask(
            operation,
            lambda: new_request(method, self.url, content=body, headers=headers),
            kind=answer_kinds.CALENDAR,
            refused=partial(self._refused, operation),
        )

    def _refused(self, operation: str, answer: Answer) -> PollError | None:
        if answer.status == _STATUSES[operation]:
            return None
        return failure(answer, self.url, operation, self._services.clock)


def _written(moment: float) -> str:
    return f"{datetime.fromtimestamp(moment, UTC):%Y%m%dT%H%M%SZ}"
