"""gzip in parts: every decoder reads it, and with zlib alone it is the same text."""

from __future__ import annotations

import gzip
import io
import shutil
import subprocess
import zlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.support.deflate import CODEC, ZLIB, Codec

TEXTS = st.lists(st.binary(max_size=300) | st.binary(min_size=1, max_size=8).map(lambda word: word * 9_000), max_size=8)


def file_of(codec: Codec, texts: list[bytes]) -> bytes:
    *first, last = (*texts, b"")
    return b"".join(codec.member((*(codec.deflated((text,)) for text in first), codec.deflated((last,), last=True))))


@pytest.mark.slow
@pytest.mark.parametrize("codec", [CODEC, ZLIB])
@settings(deadline=None, max_examples=50)
@given(texts=TEXTS)
def test_parts_compressed_apart_are_one_member_of_the_whole_text(codec: Codec, texts: list[bytes]) -> None:
    file, text = file_of(codec, texts), b"".join(texts)
    assert text == gzip.decompress(file)
    one = zlib.decompressobj(wbits=31)  # stops behind the first member
    assert (text, b"", True) == (one.decompress(file), one.unused_data, one.eof)


@pytest.mark.slow
@settings(deadline=None, max_examples=50)
@given(texts=TEXTS)
def test_parts_are_joined_without_their_texts(texts: list[bytes]) -> None:
    for codec in (CODEC, ZLIB):
        joined = codec.joined(codec.deflated((text,)) for text in texts)
        assert (zlib.crc32(b"".join(texts)), sum(map(len, texts))) == (joined.crc, joined.size)


def test_a_size_above_four_gigabytes_is_told_modulo() -> None:
    part = CODEC.deflated((b"x",))._replace(size=2**32 + 5)
    assert (5).to_bytes(4, "little") == CODEC.member((part,))[-1][4:]


@pytest.mark.parametrize("codec", [CODEC, ZLIB])
def test_gunzip_reads_it_and_a_reader_that_takes_a_byte_at_a_time(codec: Codec) -> None:
    texts = [b"booking_sync_bookings 5.0\n" * 3_000, b"", b"booking_sync_ready 1.0\n"]
    file, text = file_of(codec, texts), b"".join(texts)
    gunzip = shutil.which("gunzip")
    assert gunzip is not None
    assert text == subprocess.run([gunzip, "-c"], input=file, capture_output=True, check=True).stdout
    one = zlib.decompressobj(wbits=47)  # what looks for the header itself, as browsers and curl do
    assert text == b"".join(one.decompress(file[at : at + 1]) for at in range(len(file)))
    with gzip.open(io.BytesIO(file)) as opened:
        assert text == opened.read()
