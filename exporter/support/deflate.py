"""gzip (RFC 1952) in parts that are compressed apart: one that did not change is not compressed again.

A part ends at the border of a byte, as deflate's sync flush leaves it (RFC 1951, 3.2.4), so parts are put together as they are:
one member, which every decoder reads. Several members in a row would be as good a file, but zlib alone stops after the first.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable, Iterable
from functools import lru_cache, partial
from typing import Final, NamedTuple, Protocol

_RAW: Final = -15  # a window of 32 KiB, without a header
_HEADER: Final = bytes((0x1F, 0x8B, 8, 0, 0, 0, 0, 0, 0, 0xFF))  # deflate, no name, no time, no operating system


class DeflatedPart(NamedTuple):
    """A part of a text: its ``blocks`` of deflate, its CRC-32, and its ``size`` uncompressed."""

    blocks: tuple[bytes, ...]
    crc: int
    size: int


class _Compressor(Protocol):
    def compress(self, data: bytes, /) -> bytes: ...

    def flush(self, mode: int, /) -> bytes: ...


class Codec(NamedTuple):
    """Who compresses and computes CRCs. ``combine`` takes the CRCs of two texts in a row and the size of the second."""

    compressor: Callable[[], _Compressor]
    crc32: Callable[[bytes], int]
    combine: Callable[[int, int, int], int]

    def deflated(self, text: Iterable[bytes], *, last: bool = False) -> DeflatedPart:
        """Return ``text`` compressed by itself. The ``last`` part of a member ends it."""
        data, compressor = b"".join(text), self.compressor()
        block = compressor.compress(data) + compressor.flush(zlib.Z_FINISH if last else zlib.Z_SYNC_FLUSH)
        return DeflatedPart((block,), self.crc32(data), len(data))

    def joined(self, parts: Iterable[DeflatedPart]) -> DeflatedPart:
        """Return the parts as one, without a look at their texts."""
        blocks: list[bytes] = []
        crc = size = 0
        for part in parts:
            blocks += part.blocks
            crc = self.combine(crc, part.crc, part.size)
            size += part.size
        return DeflatedPart(tuple(blocks), crc, size)

    def member(self, parts: Iterable[DeflatedPart]) -> tuple[bytes, ...]:
        """Return the pieces of a gzip file of ``parts``, of which only the last was made as the last."""
        whole = self.joined(parts)
        return _HEADER, *whole.blocks, whole.crc.to_bytes(4, "little") + (whole.size % 2**32).to_bytes(4, "little")


def _combined(first: int, second: int, size: int) -> int:
    return _times(first, _shift(size)) ^ second


# The CRC of a text is its remainder by this polynomial over two elements, the highest coefficient in the lowest bit. That of
# two texts in a row is the first one's times x to the power of the second's bits, plus the second one's.
_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31


def _times(left: int, right: int) -> int:
    product = 0
    while left:
        if left & _ONE:
            product ^= right
        left = left << 1 & 0xFFFFFFFF
        right = right >> 1 ^ (_POLYNOMIAL if right & 1 else 0)
    return product


@lru_cache(maxsize=8_192)  # texts change more often than their sizes
def _shift(size: int) -> int:
    """Return the remainder of x to the power of the bits of ``size`` bytes."""
    power, square = _ONE, _ONE >> 8
    while size:
        if size & 1:
            power = _times(power, square)
        square = _times(square, square)
        size >>= 1
    return power


ZLIB: Final = Codec(partial(zlib.compressobj, 5, wbits=_RAW), zlib.crc32, _combined)
"""Level 5 is within some percent of the best size for half of the time."""


def _best() -> Codec:
    try:
        from isal import isal_zlib  # noqa: PLC0415  there is no wheel for some platforms
    except ImportError:
        return ZLIB
    return Codec(partial(isal_zlib.compressobj, 1, wbits=_RAW), isal_zlib.crc32, isal_zlib.crc32_combine)


CODEC: Final = _best()
"""ISA-L where it is installed: a tenth of zlib's time for some percent more bytes. Else zlib."""
