"""The remote-write protocol 1.0 in its smallest form: protobuf by hand, snappy without compression."""

from __future__ import annotations

import struct
from collections.abc import Iterable, Sequence
from functools import lru_cache
from typing import Final, TypeAlias

Labels: TypeAlias = frozenset[tuple[str, str]]
Samples: TypeAlias = Sequence[tuple[float, float | None]]
"""Moments in Unix seconds, ascending, with values; ``None`` says that the series has ended here."""

PATH: Final = "/api/v1/write"
HEADERS: Final = {
    "Content-Encoding": "snappy",
    "Content-Type": "application/x-protobuf",
    "X-Prometheus-Remote-Write-Version": "0.1.0",
}

_STALE: Final = struct.pack("<Q", 0x7FF0000000000002)
_SEVEN_BITS: Final = 0x7F
_LITERAL: Final = 1 << 16


def request(series: Iterable[tuple[Labels, Samples]]) -> bytes:
    """Return the body of a request that writes these series."""
    return snappy(b"".join(one_series(labels, samples(run)) for labels, run in series))


def one_series(labels: Labels, encoded_samples: bytes) -> bytes:
    """Return one series, as protobuf; requests may be joined from several."""
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels))
    return _field(1, named + encoded_samples)


def samples(run: Samples) -> bytes:
    """Return the samples of a series, as protobuf."""
    return b"".join(_field(2, _sample(moment, value)) for moment, value in run)


def snappy(content: bytes) -> bytes:
    """Return the content as a snappy block that is nothing but literals."""
    parts = [_varint(len(content))]
    for start in range(0, len(content), _LITERAL):
        part = content[start : start + _LITERAL]
        parts += [b"\xf4", struct.pack("<H", len(part) - 1), part]
    return b"".join(parts)


def _sample(moment: float, value: float | None) -> bytes:
    return b"\x09" + (_STALE if value is None else struct.pack("<d", value)) + b"\x10" + _varint(round(1_000 * moment))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


@lru_cache(maxsize=4_096)  # the series of a page have the same moments
def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > _SEVEN_BITS:
        encoded.append(number & _SEVEN_BITS | 0x80)
        number >>= 7
    return bytes([*encoded, number])
