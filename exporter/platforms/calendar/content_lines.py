"""The lines of iCalendar (RFC 5545 3.1): unfolded, taken apart, and never trusted."""

from __future__ import annotations

import re
from collections.abc import Iterator
from string import ascii_letters
from typing import Final, NamedTuple

MAX_DEPTH: Final = 20
"""So deep components lie in each other, at most: a calendar, an event, its alarm, and room for what nobody has seen."""

_PIECE_LETTERS: Final = 64 * 1024
_NO_CALENDAR: Final = "something that is not a calendar"
_CUT_OFF: Final = "a calendar that is cut off"
_LAST: Final = "END:VCALENDAR"
_BOM: Final = b"\xef\xbb\xbf"
_NEITHER: Final = frozenset(ascii_letters) - frozenset("BbEe")
"""A line that begins with one of these letters neither begins nor ends a component."""

_PARAMETER: Final = re.compile(r';([A-Za-z0-9-]{1,60})=("[^"]*"|[^";:]*)')
_HTML: Final = re.compile(rb"\s*<(?:!doctype\s+html|html|head|body)\b", re.IGNORECASE)


class UnreadableCalendarError(Exception):
    """What came is no calendar; the message says what it is instead and quotes nothing of it."""


class ContentLine(NamedTuple):
    """A line taken apart: ``name`` and the names of its ``parameters`` in capitals, quotes removed."""

    name: str
    parameters: dict[str, str]
    value: str


def unfolded(body: bytes) -> str:
    """Return the text of ``body`` with one property in each line, the lines ended by LF.

    Folds are joined before letters are, since they may lie inside of one; what is no UTF-8 becomes U+FFFD.
    """
    body = body.removeprefix(_BOM).replace(b"\r\n", b"\n")
    if b"\n " in body or b"\n\t" in body:
        body = body.replace(b"\n ", b"").replace(b"\n\t", b"")
    return body.decode("utf-8", "replace")


def head_of(line: str) -> tuple[str, str]:
    """Return what stands before the colon that begins the value, and the value. Without a colon the value is empty."""
    colon, begin = line.find(":"), 0
    while colon >= 0:
        quote = line.find('"', begin, colon)
        if quote < 0:
            return line[:colon], line[colon + 1 :]
        begin = line.find('"', quote + 1) + 1
        if not begin:
            break
        if begin > colon:
            colon = line.find(":", begin)
    return line, ""


def name_of(head: str) -> str:
    """Return the name of a property, in capitals."""
    return head.partition(";")[0].strip().upper()


def parameters_of(head: str) -> dict[str, str]:
    """Return the parameters of a property, their names in capitals."""
    return {name.upper(): value.strip('"') for name, value in _PARAMETER.findall(head)}


def taken_apart(line: str) -> ContentLine:
    """Return the parts of ``line``."""
    head, value = head_of(line)
    return ContentLine(name_of(head), parameters_of(head), value)


def looks_like_a_page(body: bytes) -> bool:
    """Return whether ``body`` is a web page."""
    return _HTML.match(body.removeprefix(_BOM)) is not None


def properties(text: str) -> Iterator[tuple[tuple[str, ...], str]]:
    """Yield each property of the calendars in ``text``, unfolded, with the components that it lies in, outermost first.

    An ``END:`` comes as a property of the component that ends. Raises :class:`UnreadableCalendarError` for what is not whole
    calendars from end to end.
    """
    within: tuple[str, ...] = ()
    found = False
    for line in _lines(text):
        if within and line[:1] in _NEITHER:  # as most lines are
            yield within, line
            continue
        if not line or line.isspace():
            continue
        if line[:6].upper() == "BEGIN:":
            within, found = _entered(within, line[6:].strip().upper()), True
            continue
        if not within:
            raise UnreadableCalendarError("something behind the end of its calendar" if found else _NO_CALENDAR)
        yield within, line
        if line[:4].upper() == "END:":
            if line[4:].strip().upper() != within[-1]:
                is_whole = text.rstrip()[-len(_LAST) :].upper() == _LAST
                raise UnreadableCalendarError("a calendar whose parts end in the wrong order" if is_whole else _CUT_OFF)
            within = within[:-1]
    if within or not found:
        raise UnreadableCalendarError(_CUT_OFF if within else "an empty body")


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of ``text``, a piece of them at a time: a text of short ones would fill twenty times its own memory."""
    begin = 0
    while begin < len(text):
        end = text.find("\n", begin + _PIECE_LETTERS)
        end = len(text) if end < 0 else end
        yield from text[begin:end].split("\n")
        begin = end + 1


def _entered(within: tuple[str, ...], name: str) -> tuple[str, ...]:
    if not within and name != "VCALENDAR":
        raise UnreadableCalendarError(_NO_CALENDAR)
    if len(within) == MAX_DEPTH:
        raise UnreadableCalendarError("a calendar whose parts lie too deep in each other")
    return (*within, name)
