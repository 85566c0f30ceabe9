"""Samples of any moment for a real Prometheus, with the staleness markers that a scrape or a rule would leave.

The remote-write protocol 1.0 in its smallest form: protobuf by hand, snappy without compression.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import httpx

Labels: TypeAlias = frozenset[tuple[str, str]]
Samples: TypeAlias = Sequence[tuple[float, float | None]]
"""Moments in Unix seconds, ascending, with values; ``None`` says that the series has ended here."""

Found: TypeAlias = dict[Labels, dict[float, float]]
"""Values by moment of several series."""

_STALE: Final = struct.pack("<Q", 0x7FF0000000000002)
_LITERAL: Final = 1 << 16
_REQUEST: Final = 1_000_000


@dataclass(frozen=True, slots=True)
class Run:
    """A series that was the same number ``every`` so many seconds up to ``last`` (Unix seconds), for ``behind`` seconds."""

    labels: Labels
    value: float
    last: float
    every: float
    behind: float


def remote_write(client: httpx.Client, series: Mapping[Labels, Samples]) -> None:
    """Send samples to a Prometheus that runs with ``--web.enable-remote-write-receiver``."""
    _post(client, b"".join(_field(1, _named(labels) + _run(samples)) for labels, samples in series.items()))


def remote_write_runs(client: httpx.Client, runs: Iterable[Run]) -> None:
    """Send many long series that do not change, about a megabyte at a time; series that run alike are encoded once."""

    @cache
    def encoded(value: float, last: float, every: float, behind: float) -> bytes:
        return _run([(last - every * step, value) for step in reversed(range(int(behind / every) + 1))])

    waiting: list[bytes] = []
    size = 0
    for run in runs:
        one = _field(1, _named(run.labels) + encoded(run.value, run.last, run.every, run.behind))
        waiting.append(one)
        size += len(one)
        if size > _REQUEST:
            _post(client, b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        _post(client, b"".join(waiting))


def _post(client: httpx.Client, request: bytes) -> None:
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


def _named(labels: Labels) -> bytes:
    return b"".join(_field(1, _field(1, name.encode()) + _field(2, value.encode())) for name, value in sorted(labels))


def _run(samples: Samples) -> bytes:
    return b"".join(_field(2, _sample(moment, value)) for moment, value in samples)


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
