"""Asks a running exporter for its health once a second, from a thread of its own: how long does it take to answer?"""

from __future__ import annotations

import http.client
import time
from collections.abc import Callable
from dataclasses import dataclass
from threading import Event, Thread
from typing import Final
from urllib.parse import urlsplit

ANSWER_SECONDS: Final = 10.0
"""After so long a probe counts as not answered: infinitely late."""


@dataclass(frozen=True, slots=True)
class Sample:
    """One look, ``at`` seconds after ``began``: the latency of ``/-/healthy`` over a kept and over a new connection."""

    at: float
    kept_seconds: float
    new_seconds: float


class Watch:
    """The thread. ``samples`` grows from :meth:`start` to :meth:`end`; ``began`` is a moment of the monotonic clock."""

    def __init__(self, url: str, began: float) -> None:
        self.samples: list[Sample] = []
        self._address = urlsplit(url)
        self._began = began
        self._ended = Event()
        self._thread = Thread(target=self._run, name="watch", daemon=True)
        self._kept = self._connect()

    def start(self) -> None:
        self._thread.start()

    def end(self) -> None:
        """Wait for the last look to end, which may take as long as the exporter does not answer."""
        self._ended.set()
        self._thread.join(4 * ANSWER_SECONDS)
        self._kept.close()

    def _run(self) -> None:
        self.samples.append(self._look())
        while not self._ended.wait(1.0):
            self.samples.append(self._look())

    def _look(self) -> Sample:
        at = time.monotonic() - self._began
        # Twice, because only a connection in use delays its acknowledgements, for which a server without TCP_NODELAY waits.
        kept = max(_timed(lambda: self._get(self._kept, "/-/healthy")) for _ in range(2))
        if kept == float("inf"):
            self._kept.close()
            self._kept = self._connect()
        new = _timed(lambda: self._get(self._connect(), "/-/healthy", close=True))
        return Sample(at, kept, new)

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
