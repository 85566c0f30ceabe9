"""HTTP/1.1 with kept-alive connections, as little of it as a JSON API needs, on a plain asyncio protocol."""

from __future__ import annotations

import asyncio
import time
from array import array
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final, cast

_REASONS: Final = {
    200: "OK",
    400: "Bad Request",
    401: "Unauthorized",
    403: "Forbidden",
    404: "Not Found",
    411: "Length Required",
}
_MAX_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Request:
    """One request; header names are in lower case, ``query`` is what follows the question mark."""

    method: str
    path: str
    query: str
    headers: Mapping[str, str]
    body: bytes


@dataclass(frozen=True, slots=True)
class Answer:
    status: int
    body: bytes
    content_type: str = "application/json"

    def encode(self) -> bytes:
        head = f"HTTP/1.1 {self.status} {_REASONS[self.status]}\r\nContent-Type: {self.content_type}\r\n"
        return f"{head}Content-Length: {len(self.body)}\r\n\r\n".encode() + self.body


class Connections:
    """When connections were opened, TLS included, on the monotonic clock, and how many were open at once."""

    def __init__(self) -> None:
        self.opened = array("d")
        self.open = 0
        self.most = 0

    def made(self) -> None:
        self.opened.append(time.monotonic())
        self.open += 1
        self.most = max(self.most, self.open)

    def lost(self) -> None:
        self.open -= 1


class HttpProtocol(asyncio.Protocol):
    """One connection. Each request is judged when it arrives, and answered ``delay`` seconds later."""

    def __init__(self, answer: Callable[[Request], Answer], *, delay: float, connections: Connections) -> None:
        self._answer = answer
        self._delay = delay
        self._connections = connections
        self._loop = asyncio.get_running_loop()
        self._received = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)
        self._connections.made()

    def connection_lost(self, exc: Exception | None) -> None:  # noqa: ARG002  asyncio's signature
        self._connections.lost()

    def data_received(self, data: bytes) -> None:
        self._received += data
        while (request := self._next()) is not None:
            self._loop.call_later(self._delay, self._write, self._answer(request).encode())

    def _next(self) -> Request | None:
        """Take the next whole request out of what was received. What is no request for us ends the connection."""
        head, found, rest = self._received.partition(b"\r\n\r\n")
        if not found:
            if len(head) > _MAX_BYTES:
                self._transport.abort()
            return None
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        length = int(headers.get("content-length", "0"))
        if "transfer-encoding" in headers or length > _MAX_BYTES:
            self._write(Answer(411, b"{}").encode())
            self._transport.close()
            return None
        if len(rest) < length:
            return None
        self._received = rest[length:]
        method, target, _ = first.split(" ")
        path, _, query = target.partition("?")
        return Request(method, path, query, headers, rest[:length])

    def _write(self, answer: bytes) -> None:
        if not self._transport.is_closing():
            self._transport.write(answer)
