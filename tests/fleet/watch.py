"""Looks at a running exporter once a second, from a thread of its own: latency, readiness, processor time, memory."""

from __future__ import annotations

import contextlib
import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

from tests.fleet.processes import cpu_seconds, memory_mib

ANSWER_SECONDS: Final = 10.0
"""After so long a probe counts as not answered: infinitely late."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look. ``at`` is a moment of the monotonic clock, processor times are totals, latencies are of ``/-/healthy``."""

    at: float
    exporter_cpu_seconds: float
    fake_cpu_seconds: float
    memory_mib: float
    kept_seconds: float
    new_seconds: float
    ready: bool


class Watch:
    """The thread. ``samples`` grows from :meth:`start` to :meth:`end`."""

    def __init__(self, url: str, *, exporter: int, fake: int) -> None:
        self.samples: list[Sample] = []
        self._address = urlsplit(url)
        self._exporter, self._fake = exporter, fake
        self._ended = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)
        self._kept = self._connect()
        self._ready = False

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Wait for the last look to end, which may take as long as the exporter does not answer."""
        self._ended.set()
        self._thread.join(4 * ANSWER_SECONDS)
        self._kept.close()

    def _run(self) -> None:
        # A process that has died leaves less and less in /proc, and nothing to see.
        with contextlib.suppress(FileNotFoundError, ProcessLookupError, KeyError):
            self.samples.append(self._look())
            while not self._ended.wait(1.0):
                self.samples.append(self._look())

    def _look(self) -> Sample:
        at = time.monotonic()
        # Twice, because only a connection in use delays its acknowledgements, for which a server without TCP_NODELAY waits.
        kept = max(_timed(lambda: self._get(self._kept, "/-/healthy")) for _ in range(2))
        if kept == float("inf"):
            self._kept.close()
            self._kept = self._connect()
        new = _timed(lambda: self._get(self._connect(), "/-/healthy", close=True))
        self._ready = self._ready or _timed(lambda: self._get(self._connect(), "/-/ready", close=True)) < float("inf")
        rss, _ = memory_mib(self._exporter)
        return Sample(at, cpu_seconds(self._exporter), cpu_seconds(self._fake), rss, kept, new, self._ready)

    def _connect(self) -> http.client.HTTPConnection:
        assert self._address.hostname is not None
        return http.client.HTTPConnection(self._address.hostname, self._address.port, timeout=ANSWER_SECONDS)

    def _get(self, connection: http.client.HTTPConnection, path: str, *, close: bool = False) -> bool:
        try:
            connection.request("GET", path)
            response = connection.getresponse()
            response.read()
            return response.status == http.client.OK
        finally:
            if close:
                connection.close()


def _timed(get: Callable[[], bool]) -> float:
    """Return the seconds until a good answer; infinity without one."""
    began = time.perf_counter()
    try:
        good = get()
    except (OSError, http.client.HTTPException):
        return float("inf")
    return time.perf_counter() - began if good else float("inf")
