"""Reads the body of an answer, safe from decompression bombs: plain or gzip, never more of it in memory than its limit.

httpx's own decoders open a whole piece at once, and as many layers as ``Content-Encoding`` names: two of them turn 2 KB into
a gigabyte before its size can be looked at. So they are not used.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from io import BytesIO
from typing import Final

from exporter.limits import PIECES

_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIPPED: Final = frozenset({"gzip", "x-gzip"})
_CODINGS: Final = _GZIPPED | {"", "identity"}

ACCEPTED: Final = "gzip"
"""What ``Accept-Encoding`` has to say."""


_PIECE_BYTES: Final = 64
_OPENED_BYTES: Final = 64 * 1024  # at a time, so that no body stands in memory three times


class FragmentedError(Exception):
    """The body comes in too small pieces: more than a thousand of them bring less than 64 bytes of it each, on average.

    Each costs the event loop as much as a large one, so that a peer could fill a core with a few kilobytes a second. Servers
    send kilobytes at a time, however slow the line is: they write through a buffer, and TCP joins what waits. The few that
    send each record by itself send records of 64 bytes and more; compressed, those are smaller. The members of a gzip body
    count as pieces.
    """


class TooLargeError(Exception):
    """The body is longer than its limit, as it came or opened."""


class UnreadableError(Exception):
    """The body is not what ``Content-Encoding`` says, is cut off, or comes in a coding that nobody asked for; says which."""


async def read_body(pieces: AsyncIterator[bytes], coding: str, limit: int) -> bytes:
    """Return the body that ``pieces`` bring in ``coding``, opened piece by piece, so that no decompression bomb fills memory.

    Raises :class:`TooLargeError` once the body has more than ``limit`` bytes, as it came or opened; :class:`FragmentedError`
    when it comes in too many small pieces; :class:`UnreadableError` when it is cut off, or is not what ``coding`` says.
    """
    name = coding.strip().lower()
    if name not in _CODINGS:
        raise UnreadableError("it has a content encoding that was not requested")
    members = _Members() if name in _GZIPPED else None
    body = BytesIO()  # it gives its content away without a copy
    number = came = 0
    async for piece in pieces:
        if not piece:  # the end of a chunk, when it came later than the chunk
            continue
        number += 1
        came += len(piece)
        if members is None:
            body.write(piece)
        else:
            # One by one, so that thousands in one piece are stopped, too.
            for opened in members.open(piece, limit + 1 - body.tell()):
                body.write(opened)
                _check(body.tell(), number + members.further, limit)
        if came > limit:  # headers and empty blocks bring nothing however long they are
            raise TooLargeError
        _check(body.tell(), number, limit)
    if members is not None and number and not members.whole:
        raise UnreadableError("it is cut off")
    return body.getvalue()


def _check(size: int, number: int, limit: int) -> None:
    if size > limit:
        raise TooLargeError
    if number > PIECES.number + size // _PIECE_BYTES:
        raise FragmentedError


class _Members:
    """The members of a gzip body: there may be several, each as a file of its own, and zeros behind them (RFC 1952, 2.2).

    ``further`` counts those after the first.
    """

    def __init__(self) -> None:
        self.further = 0
        self._member = zlib.decompressobj(_GZIP)

    @property
    def whole(self) -> bool:
        """Whether the last member has come to its end."""
        return self._member.eof

    def open(self, piece: bytes, room: int) -> Iterator[bytes]:
        """Yield what the members make of ``piece``, bit by bit: at most ``room`` bytes of all, then the rest is lost."""
        more = False
        while (piece or more) and room > 0:
            if self._member.eof:
                piece = piece.lstrip(b"\0")
                if not piece:
                    return
                self._member = zlib.decompressobj(_GZIP)
                self.further += 1
            size = min(room, _OPENED_BYTES)
            try:
                opened = self._member.decompress(piece, size)
            except zlib.error:
                what = "there is other data behind its end" if self.further else "it is no gzip, or damaged"
                raise UnreadableError(what) from None
            piece = self._member.unused_data if self._member.eof else self._member.unconsumed_tail
            more = len(opened) == size and not self._member.eof
            room -= len(opened)
            yield opened
