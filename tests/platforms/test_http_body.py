"""What a body may be made of, and what it may cost in memory and time, whatever its pieces hold (RFC 1952)."""

from __future__ import annotations

import gzip
import time
import tracemalloc
import zlib
from collections.abc import AsyncIterator, Callable, Iterator

import pytest

from exporter.platforms.http_body import FragmentedError, TooLargeError, UnreadableError, read_body

KIB = 1024
MIB = 1024 * 1024
EMPTY = gzip.compress(b"", mtime=0)
HALVES = (gzip.compress(b'{"first": 1,', mtime=0), gzip.compress(b'"second": 2}', mtime=0))


async def read(content: bytes | Iterator[bytes], *, piece: int = 64 * KIB, limit: int = 16 * MIB) -> bytes:
    """Return the body of ``content``, gzip, as it comes in pieces of ``piece`` bytes."""

    async def pieces() -> AsyncIterator[bytes]:
        if isinstance(content, bytes):
            for start in range(0, len(content), piece):
                yield content[start : start + piece]
        else:
            for part in content:
                yield part

    return await read_body(pieces(), "gzip", limit)


@pytest.mark.parametrize("piece", [1, 2, 7, 18, 40, 64 * KIB])
@pytest.mark.parametrize("padding", [b"", b"\0" * 5])
async def test_a_body_of_several_members_is_all_of_them(piece: int, padding: bytes) -> None:
    assert b'{"first": 1,"second": 2}' == await read(padding.join(HALVES), piece=piece)
    assert b'{"first": 1,"second": 2}' == await read(EMPTY + padding.join([*HALVES, EMPTY]) + padding, piece=piece)


@pytest.mark.parametrize("piece", [1, 64 * KIB])
async def test_the_limit_counts_all_members_together(piece: int) -> None:
    members = [gzip.compress(b"x" * 300)] * 4
    assert b"x" * 1200 == await read(b"".join(members), piece=piece, limit=1200)
    with pytest.raises(TooLargeError):
        await read(b"".join(members), piece=piece, limit=1199)


@pytest.mark.parametrize("piece", [1, 64 * KIB])
@pytest.mark.parametrize(
    "behind", [b"{}", b"\n", b"\0\0x", b"\x1f", b"\x1f\x8b", HALVES[1][:-1], HALVES[1][:12], b"<br />\n<b>Notice</b>"]
)
async def test_what_comes_behind_a_compressed_body_and_is_no_whole_member_is_not_dropped_without_a_word(
    behind: bytes, piece: int
) -> None:
    with pytest.raises(UnreadableError, match=r"cut off|behind its end"):
        await read(HALVES[0] + behind, piece=piece)


@pytest.mark.parametrize("damaged", [b"{}", b"\x1f\x8b\x07" + bytes(20), HALVES[0][:-8] + bytes(8)])
async def test_what_is_no_gzip_is_told_from_what_comes_behind_one(damaged: bytes) -> None:
    with pytest.raises(UnreadableError, match="no gzip"):
        await read(damaged)


def endless(piece: bytes, first: bytes = b"") -> Iterator[bytes]:
    """A server that never stops; the test would, at a gigabyte."""
    yield first + piece
    for _ in range(1024 * MIB // len(piece)):
        yield piece


def zeros_in_a_gzip() -> Iterator[bytes]:
    packer = zlib.compressobj(wbits=31)
    zeros = bytes(MIB)
    for _ in range(1024):
        yield packer.compress(zeros) + packer.flush(zlib.Z_SYNC_FLUSH)


BOMBS: dict[str, Callable[[], Iterator[bytes]]] = {
    "a gigabyte of zeros": zeros_in_a_gzip,
    "a thousand megabytes in members": lambda: endless(gzip.compress(bytes(MIB))),
    "members without anything": lambda: endless(EMPTY * 3000),
    "a name without an end": lambda: endless(b"x" * 64 * KIB, b"\x1f\x8b\x08\x08" + bytes(6)),
    "blocks without anything": lambda: endless(b"\0\0\0\xff\xff" * 13_000, EMPTY[:10]),
    "padding without an end": lambda: endless(bytes(64 * KIB), HALVES[0]),
    "members without anything, and padding": lambda: endless((EMPTY + bytes(44)) * 1000),
}


@pytest.mark.slow
@pytest.mark.parametrize("bomb", BOMBS)
async def test_a_bomb_is_refused_before_it_costs_more_than_its_limit_allows(bomb: str) -> None:
    limit = 4 * MIB
    began = time.process_time()
    with pytest.raises((TooLargeError, FragmentedError)):
        await read(BOMBS[bomb](), limit=limit)
    assert time.process_time() - began < 2.0  # some hundredths of a second; a gigabyte would take some twenty
    tracemalloc.start()
    try:
        with pytest.raises((TooLargeError, FragmentedError)):
            await read(BOMBS[bomb](), limit=limit)
        assert tracemalloc.get_traced_memory()[1] < 5 * limit
    finally:
        tracemalloc.stop()


async def test_padding_behind_a_compressed_body_is_not_kept() -> None:
    surplus = bytes(MIB)

    def pieces() -> Iterator[bytes]:
        yield gzip.compress(b"{}")
        for _ in range(15):
            yield surplus

    tracemalloc.start()
    try:
        assert b"{}" == await read(pieces())
        assert tracemalloc.get_traced_memory()[1] < 3 * MIB
    finally:
        tracemalloc.stop()
