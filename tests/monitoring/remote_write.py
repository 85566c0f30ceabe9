"""Samples of any moment for a real Prometheus, with the staleness markers that a scrape or a rule would leave.

The remote-write protocol 1.0 in its smallest form: protobuf by hand, snappy without compression.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import Final, TypeAlias

import httpx

Labels: TypeAlias = frozenset[tuple[str, str]]
Samples: TypeAlias = Sequence[tuple[float, float | None]]
"""Moments in Unix seconds, ascending, with values; ``None`` says that the series has ended here."""

_STALE: Final = struct.pack("<Q", 0x7FF0000000000002)
_LITERAL: Final = 1 << 16


def remote_write(client: httpx.Client, series: Mapping[Labels, Samples]) -> None:
    """Send samples to a Prometheus that runs with ``--web.enable-remote-write-receiver``."""
    request = b"".join(_field(1, _series(labels, samples)) for labels, samples in series.items())
    answer = client.post(
        "/api/v1/write",
        content=_snappy(request),
        headers={
            "Content-Encoding": "snappy",
            "Content-Type": "application/x-protobuf",
            "X-Prometheus-Remote-Write-Version": "0.1.0",
        },
    )
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text


def with_ends(moments: Iterable[float], found: Mapping[Labels, Mapping[float, float]]) -> dict[Labels, Samples]:
    """Return what the evaluations at ``moments`` left of the series that they found: values, and a marker after the last."""
    steps = list(moments)
    ended: dict[Labels, Samples] = {}
    for labels, values in found.items():
        samples: list[tuple[float, float | None]] = []
        for moment in steps:
            if moment in values:
                samples.append((moment, values[moment]))
            elif samples and samples[-1][1] is not None:
                samples.append((moment, None))
        ended[labels] = samples
    return ended


def _series(labels: Labels, samples: Samples) -> bytes:
    named = b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels))
    return named + b"".join(_field(2, _sample(moment, value)) for moment, value in samples)


def _sample(moment: float, value: float | None) -> bytes:
    return b"\x09" + (_STALE if value is None else struct.pack("<d", value)) + b"\x10" + _varint(round(1_000 * moment))


def _field(number: int, content: bytes) -> bytes:
    return _varint(number << 3 | 2) + _varint(len(content)) + content


def _varint(number: int) -> bytes:
    encoded = bytearray()
    while number > 0x7F:
        encoded.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*encoded, number])


def _snappy(content: bytes) -> bytes:
    parts = [_varint(len(content))]
    for start in range(0, len(content), _LITERAL):
        part = content[start : start + _LITERAL]
        parts += [b"\xf4", struct.pack("<H", len(part) - 1), part]
    return b"".join(parts)
