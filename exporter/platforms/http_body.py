"""The body of an answer: as it comes or through gzip, never more of it in memory than its limit.

httpx's own decoders open a whole piece at once, and as many layers as ``Content-Encoding`` names: two of them turn 2 KB into
a gigabyte before its size can be looked at. So they are not used.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator
from typing import Final

_GZIP: Final = 16 + zlib.MAX_WBITS
_AS_IT_COMES: Final = frozenset({"", "identity"})

ACCEPTED: Final = "gzip"
"""What ``Accept-Encoding`` has to say."""


_FREE_PIECES: Final = 1024
_PIECE_BYTES: Final = 64


class CrumbledError(Exception):
    """The body comes in crumbs: more than a thousand pieces of less than 64 bytes on average.

    Each costs the event loop as much as a large one, so that a peer could fill a core with a few kilobytes a second. Servers
    send kilobytes at a time, however slow the line is: they write through a buffer, and TCP joins what waits.
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
    if name in _AS_IT_COMES:
        return await _plain(_counted(pieces), limit)
    if name in {"gzip", "x-gzip"}:
        return await _gunzipped(_counted(pieces), limit)
    raise UnreadableError


async def _counted(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    number = size = 0
    async for piece in pieces:
        number += 1
        size += len(piece)
        if number > _FREE_PIECES + size // _PIECE_BYTES:
            raise CrumbledError
        yield piece


async def _plain(pieces: AsyncIterator[bytes], limit: int) -> bytes:
    body = bytearray()
    async for piece in pieces:
        body += piece
        if len(body) > limit:
            raise TooLargeError
    return bytes(body)


async def _gunzipped(pieces: AsyncIterator[bytes], limit: int) -> bytes:
    unpacker = zlib.decompressobj(_GZIP)
    body = bytearray()
    anything = False
    async for piece in pieces:
        anything = True
        try:
            body += unpacker.decompress(piece, limit + 1 - len(body))
        except zlib.error:
            raise UnreadableError from None
        if len(body) > limit:
            raise TooLargeError
    if anything and not unpacker.eof:
        raise UnreadableError
    return bytes(body)
