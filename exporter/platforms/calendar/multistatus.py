"""What a server answers to a ``calendar-query``: a 207 whose XML has a calendar for each entry (RFC 4918 13, RFC 4791 9.6).

It also answers so when it is asked what lies at an address.

The parser of the standard library, with nothing that can grow or lead elsewhere: a document type, and so entities, is refused.
"""

from __future__ import annotations

import io
from typing import Final
from xml.parsers import expat  # no entity can be declared where a document type is refused

import msgspec

from exporter.platforms.calendar.content_lines import UnreadableCalendarError

MAX_DEPTH: Final = 50
_DAV: Final = "DAV:"
_CALDAV: Final = "urn:ietf:params:xml:ns:caldav"
_MULTISTATUS: Final = f"{_DAV} multistatus"
_RESPONSE: Final = f"{_DAV} response"
_RESOURCE_TYPE: Final = f"{_DAV} resourcetype"
_CALENDAR: Final = f"{_CALDAV} calendar"
_CALENDAR_DATA: Final = f"{_CALDAV} calendar-data"


class Multistatus(msgspec.Struct, frozen=True):
    """The ``calendars`` of an answer, none where nothing is in the range, and how many entries came ``without_data``."""

    calendars: tuple[bytes, ...]
    without_data: int = 0


def is_other(body: bytes) -> bool:
    """Return whether ``body``, an answer about the kind of one resource, says that it is something else than a calendar.

    A server that does not say what it is does not say so, whatever else it answers.
    """
    kinds = _Kinds()
    try:
        kinds.parser.Parse(body, True)  # noqa: FBT003  as below
    except (expat.ExpatError, LookupError, ValueError, UnreadableCalendarError):
        return False
    return bool(kinds.found) and _CALENDAR not in kinds.found


def read_multistatus(body: bytes) -> Multistatus:
    """Return what ``body`` holds. Raises :class:`UnreadableCalendarError` for what is no whole multistatus with data."""
    document = _Document()
    try:
        document.parser.Parse(body, True)  # noqa: FBT003  of the standard library: that it is the last piece
    except expat.ExpatError:
        raise UnreadableCalendarError("XML that is cut off or not well-formed") from None
    except (LookupError, ValueError):
        raise UnreadableCalendarError("XML in an encoding that is not known") from None
    if document.responses and not document.calendars:
        raise UnreadableCalendarError("a list of entries without their times")
    return Multistatus(tuple(document.calendars), document.without_data)


class _Document:
    def __init__(self) -> None:
        self.calendars: list[bytes] = []
        self.responses = self.without_data = self._before = 0
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.buffer_text = True
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._depth = 0
        self._data = io.StringIO()

    def _start(self, name: str, _: dict[str, str]) -> None:
        if not self._depth and name != _MULTISTATUS:
            raise UnreadableCalendarError("XML that is no list of entries (multistatus)")
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise UnreadableCalendarError("XML whose parts lie too deep in each other")
        if name == _RESPONSE:
            self.responses += 1
            self._before = len(self.calendars)
        elif name == _CALENDAR_DATA:
            self._data = io.StringIO(newline="")  # not a list: the parser brings a few letters at a time, if it is made to
            self.parser.CharacterDataHandler = self._data.write

    def _end(self, name: str) -> None:
        self._depth -= 1
        if name == _RESPONSE:
            self.without_data += len(self.calendars) == self._before
        if name == _CALENDAR_DATA:
            self.parser.CharacterDataHandler = None
            if text := self._data.getvalue().strip():
                self.calendars.append(text.encode())


class _Kinds:
    """What a resource is: the names of the elements right within its ``resourcetype``."""

    def __init__(self) -> None:
        self.found: set[str] = set()
        self.parser = expat.ParserCreate(namespace_separator=" ")
        self.parser.StartDoctypeDeclHandler = _refuse
        self.parser.StartElementHandler = self._start
        self.parser.EndElementHandler = self._end
        self._around: list[str] = []

    def _start(self, name: str, _: dict[str, str]) -> None:
        if len(self._around) >= MAX_DEPTH:
            raise UnreadableCalendarError("XML whose parts lie too deep in each other")
        if self._around[-1:] == [_RESOURCE_TYPE]:
            self.found.add(name)
        self._around.append(name)

    def _end(self, _: str) -> None:
        self._around.pop()


def _refuse(*_: object) -> None:
    raise UnreadableCalendarError("XML with a document type, which no such list has")
