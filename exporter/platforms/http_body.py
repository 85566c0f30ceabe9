"""The body of an answer: as it comes or through gzip, never more of it in memory than its limit.

httpx's own decoders open a whole piece at once, and as many layers as ``Content-Encoding`` names: two of them turn 2 KB into
a gigabyte before its size can be looked at. So they are not used.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS
_GZIPPED: Final = frozenset({"gzip", "x-gzip"})
_CODINGS: Final = _GZIPPED | {"", "identity"}

ACCEPTED: Final = "gzip"
"""What ``Accept-Encoding`` has to say."""


_FREE_PIECES: Final = 1024
_PIECE_BYTES: Final = 64


class CrumbledError(Exception):
    """The body comes in crumbs: more than a thousand pieces that bring less than 64 bytes of it on average.

    Each costs the event loop as much as a large one, so that a peer could fill a core with a few kilobytes a second. Servers
    send kilobytes at a time, however slow the line is: they write through a buffer, and TCP joins what waits. The few that
    send each record by itself send records of 64 bytes and more; compressed, those are smaller.
    """


class TooLargeError(Exception):
    """The body is longer than its limit."""


class UnreadableError(Exception):
    """The body is not what ``Content-Encoding`` says, is cut off, or comes in a coding that nobody asked for."""


async def read_body(pieces: AsyncIterator[bytes], coding: str, limit: int) -> bytes:
    """Return the body that ``pieces`` bring in ``coding``.

    Raises :class:`TooLargeError` above ``limit`` bytes, :class:`CrumbledError` and :class:`UnreadableError`.
    """
    name = coding.strip().lower()
    if name not in _CODINGS:
        raise UnreadableError
    unpacker = zlib.decompressobj(_GZIP) if name in _GZIPPED else None
    body = bytearray()
    number = 0
    async for piece in pieces:
        if not piece:  # the end of a chunk, when it came later than the chunk
            continue
        number += 1
        if unpacker is None:
            body += piece
        elif not unpacker.eof:  # what a server sends beyond the end zlib would keep, all of it
            try:
                body += unpacker.decompress(piece, limit + 1 - len(body))
            except zlib.error:
                raise UnreadableError from None
        if len(body) > limit:
            raise TooLargeError
        if number > _FREE_PIECES + len(body) // _PIECE_BYTES:
            raise CrumbledError
    if unpacker is not None and number and not unpacker.eof:
        raise UnreadableError
    return bytes(body)
