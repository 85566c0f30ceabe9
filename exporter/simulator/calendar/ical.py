"""Lines of iCalendar (RFC 5545): moments, escaped text, folded lines."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import UTC, datetime
from typing import Final

_OCTETS: Final = 75
PRODUCT: Final = "PRODID:-//booking-sync-exporter//simulator//EN"


def utc(seconds: float) -> str:
    """Return a moment as iCalendar writes one in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%dT%H%M%SZ")


def day(seconds: float) -> str:
    """Return the date of a moment in UTC."""
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y%m%d")


def escaped(text: str) -> str:
    """Return ``text`` as the value of a property."""
    return text.replace("\\", "\\\\").replace(";", "\\;").replace(",", "\\,").replace("\n", "\\n")


def duration(seconds: float) -> str:
    """Return a length in whole seconds, as ``PT1H30M``."""
    days, rest = divmod(round(seconds), 86_400)
    hours, minutes, left = rest // 3600, rest // 60 % 60, rest % 60
    clock = "".join(f"{number}{unit}" for number, unit in ((hours, "H"), (minutes, "M"), (left, "S")) if number)
    return f"P{f'{days}D' if days else ''}{f'T{clock}' if clock else '' if days else 'T0S'}"


def folded(line: str) -> str:
    """Return ``line`` in pieces of at most 75 octets, the later ones behind a space; letters stay whole."""
    pieces, piece, room = [], "", _OCTETS
    for letter in line:
        size = len(letter.encode())
        if size > room:
            pieces.append(piece)
            piece, room = "", _OCTETS - 1
        piece, room = piece + letter, room - size
    return "\r\n ".join([*pieces, piece])


def calendar(lines: Iterable[str], *, newline: str = "\r\n") -> bytes:
    """Return a whole VCALENDAR with ``lines`` in it."""
    whole = ("BEGIN:VCALENDAR", "VERSION:2.0", PRODUCT, *lines, "END:VCALENDAR")
    return "".join(f"{line}\r\n" for line in whole).replace("\r\n", newline).encode()
