"""JSON of which there is much: as many elements, keys, letters or brackets as fit into a number of bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from functools import partial
from typing import Final

PERIOD: Final = b'"datePeriod":{"from":{"timestamp":1790007200},"to":{"timestamp":1790009000}}'
_BOOKED: Final = b'"startDate":"2026-09-22T09:00:00Z","endDate":"2026-09-22T10:00:00Z","status":"CONFIRMED"'


def _numbered(element: bytes, size: int, brackets: bytes = b"[]") -> bytes:
    """Return a list or an object of ``element``, each with a number of its own for ``#``."""
    found = bytearray(brackets[:1])  # joining millions of parts takes a hundred bytes for each
    for number in itertools.count(1):
        part = element.replace(b"#", b"%d" % number)
        if len(found) + len(part) + 2 > size:
            break
        found += part
        found += b","
    return bytes(found[: max(1, len(found) - 1)] + brackets[1:])


def _repeated(element: bytes, size: int) -> bytes:
    number = (size - 2) // (len(element) + 1)
    return b"[" + (b"%s," % element * number)[:-1] + b"]"


def _text(letters: bytes, size: int) -> bytes:
    return b'"' + letters * ((size - 2) // len(letters)) + b'"'


MANY: Final[Mapping[str, Callable[[int], bytes]]] = {
    "zeros": partial(_repeated, b"0"),
    "objects": partial(_repeated, b"{}"),
    "lists": partial(_repeated, b"[[],[]]"),
    "keys": lambda size: _numbered(b'"#":0', size, b"{}"),
    "objects by key": lambda size: _numbered(b'"#":{}', size, b"{}"),
    "ids": partial(_numbered, b"#"),
    "texts": partial(_numbered, b'"p#"'),
    "rows": partial(_numbered, b'{"id":#,%s}' % PERIOD),
    "named": partial(_numbered, b'{"id":"#","name":"Chair"}'),
    "connected": partial(_numbered, b'{"id":"#","status":"SYNCED","providerId":"p"}'),
    "booked": partial(_numbered, b'{"booking":{"id":"#",%s}}' % _BOOKED),
    "tied": partial(_numbered, b'{"moduleId":"crm","entityTypeId":"DEAL","value":"#"}'),
    "brackets": lambda size: b"[" * (size // 2) + b"]" * (size // 2),
    "halves": partial(_text, rb"\ud83d"),
    "no letters": partial(_text, b"\xff"),
    "letters": partial(_text, b"x"),
    "digits": lambda size: b"9" * size,
}
"""By name, what makes them of a number of bytes; that is never exceeded."""
