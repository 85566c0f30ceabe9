"""Samples of any moment for a real Prometheus, with the staleness markers that a scrape or a rule would leave."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, TypeAlias

import httpx

from exporter.support.remote_write import HEADERS, PATH, Labels, Samples, one_series, samples, snappy

Found: TypeAlias = dict[Labels, dict[float, float]]
"""Values by moment of several series."""
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
    _send(client, (one_series(labels, samples(run)) for labels, run in series.items()))


def remote_write_runs(client: httpx.Client, runs: Iterable[Run]) -> None:
    """Send many long series that do not change; series that run alike are encoded once."""

    @cache
    def encoded(value: float, last: float, every: float, behind: float) -> bytes:
        return samples([(last - every * step, value) for step in reversed(range(int(behind / every) + 1))])

    _send(client, (one_series(run.labels, encoded(run.value, run.last, run.every, run.behind)) for run in runs))


def _send(client: httpx.Client, series: Iterable[bytes]) -> None:
    """Send about a megabyte at a time: Prometheus 3 takes no request of 32."""
    waiting: list[bytes] = []
    size = 0
    for one in series:
        waiting.append(one)
        size += len(one)
        if size > _REQUEST:
            _post(client, b"".join(waiting))
            waiting, size = [], 0
    if waiting:
        _post(client, b"".join(waiting))


def _post(client: httpx.Client, request: bytes) -> None:
    answer = client.post(PATH, content=snappy(request), headers=HEADERS)
    assert answer.status_code == httpx.codes.NO_CONTENT, answer.text


def with_ends(moments: Iterable[float], found: Mapping[Labels, Mapping[float, float]]) -> dict[Labels, Samples]:
    """Return what the evaluations at ``moments`` left of the series that they found: values, and a marker after the last."""
    steps = list(moments)
    ended: dict[Labels, Samples] = {}
    for labels, values in found.items():
        run: list[tuple[float, float | None]] = []
        for moment in steps:
            if moment in values:
                run.append((moment, values[moment]))
            elif run and run[-1][1] is not None:
                run.append((moment, None))
        ended[labels] = run
    return ended
