"""Carries a reply to the client over ASGI, with the fault that spoils it on the way."""

from __future__ import annotations

import asyncio
import gzip
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from email.utils import formatdate
from typing import Final

from starlette.types import Receive, Scope, Send

from exporter.clock import Clock
from exporter.simulator.faults import Fault, FaultKind
from exporter.simulator.platform import Call, Reply, html_reply, json_reply

DROP_KEY: Final = "simulator.drop"
"""Where :mod:`exporter.simulator.http` leaves, in the ASGI state, the function that resets the connection."""

_GZIP_FROM_BYTES: Final = 512
_PHRASES: Final = {
    200: "Sign in",
    403: "Forbidden",
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Temporarily Unavailable",
    504: "Gateway Time-out",
}


def instead(fault: Fault) -> Reply:
    """Return the answer that ``fault`` gives in place of the platform's.

    Raises :class:`ValueError` for a fault that puts no answer in place of it.
    """
    wait = () if fault.retry_after is None else (("retry-after", fault.retry_after),)
    match fault.kind:
        case FaultKind.STATUS:
            phrase = _PHRASES.get(fault.status, "Error")
            page = html_reply(fault.status, phrase if fault.status == 200 else f"{fault.status} {phrase}")  # noqa: PLR2004  HTTP OK
            return replace(page, headers=(*page.headers, *wait))
        case FaultKind.BODY:
            return Reply(fault.status, fault.body.encode(), fault.content_type, wait)
        case FaultKind.EMPTY:
            return Reply(fault.status, b"", fault.content_type, wait)
        case FaultKind.REDIRECT:
            return replace(html_reply(302, "302 Found"), headers=(("location", fault.location),))
        case FaultKind.RATE_LIMITED:
            return json_reply({"message": "Too Many Requests"}, 429, wait)
        case _:
            raise ValueError(f"{fault.kind} spoils an answer, it does not replace it")


def spoil(reply: Reply, fault: Fault) -> Reply:
    """Return ``reply`` changed by a fault of its content; faults of the connection leave it alone."""
    body, content_type, headers = reply.body, reply.content_type, reply.headers
    match fault.kind:
        case FaultKind.TRUNCATED:
            body = body[: len(body) // 2]
        case FaultKind.CONTENT_TYPE:
            content_type = fault.content_type
        case FaultKind.BOM:
            body = b"\xef\xbb\xbf" + body
        case FaultKind.HALF_SURROGATE:
            body = json.dumps(_with_member(json.loads(body), "cut \ud83d")).encode()
        case FaultKind.BAD_UTF8:
            spoilt = json.dumps(_with_member(json.loads(body), "cut \udcc3"), ensure_ascii=False)
            body = spoilt.encode("utf-8", "surrogateescape")
        case FaultKind.HUGE:
            body = body.ljust(fault.size)
        case FaultKind.BAD_GZIP:
            headers = (*headers, ("content-encoding", "gzip"))
        case FaultKind.BROTLI:
            body, headers = _brotli(body), (*headers, ("content-encoding", "br"))
        case _:
            pass
    return replace(reply, body=body, content_type=content_type, headers=headers)


@dataclass(frozen=True, slots=True)
class Wire:
    """The client's end of one exchange."""

    scope: Scope
    receive: Receive
    send: Send

    async def deliver(self, reply: Reply, fault: Fault | None, call: Call, clock: Clock) -> int | None:
        """Send ``reply`` and return its status, or ``None`` when the client got no status line."""
        if not await self._start(fault, clock):
            return None
        reply = _compressed(reply, call)
        headers = [
            ("date", formatdate(clock.time(), usegmt=True)),
            ("content-type", reply.content_type),
            ("content-length", str(len(reply.body))),
            *reply.headers,
        ]
        await self.send(
            {
                "type": "http.response.start",
                "status": reply.status,
                "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers if value],
            }
        )
        rest = await self._first_half(reply.body, fault, clock)
        if rest is not None:
            await self.send({"type": "http.response.body", "body": rest})
        return reply.status

    async def _start(self, fault: Fault | None, clock: Clock) -> bool:
        """Do what a fault does before the status line; ``False`` when there will be none."""
        if fault and fault.delay > 0 and not await self._wait(clock, fault.delay):
            return False
        if fault and fault.kind is FaultKind.DROP:
            await self._drop()
            return False
        if fault and fault.kind is FaultKind.NEVER:
            await self._gone()
            return False
        return not (fault and fault.kind is FaultKind.SLOW_HEADERS) or await self._wait(clock, fault.seconds)

    async def _first_half(self, body: bytes, fault: Fault | None, clock: Clock) -> bytes | None:
        """Do what a fault does inside the body and return what is left to send; ``None`` when nobody listens any more."""
        if not fault or fault.kind not in {FaultKind.SLOW_BODY, FaultKind.DROP_BODY}:
            return body
        half = len(body) // 2
        await self.send({"type": "http.response.body", "body": body[:half], "more_body": True})
        if fault.kind is FaultKind.DROP_BODY:
            await self._drop()
            return None
        return body[half:] if await self._wait(clock, fault.seconds) else None

    async def _drop(self) -> None:
        drop: Callable[[], None] | None = self.scope.get("state", {}).get(DROP_KEY)
        if drop is None:
            # Another server than ours, say httpx's ASGI transport: an exception is the nearest thing to a reset.
            raise ConnectionResetError("the simulator dropped this connection on purpose")
        drop()
        await self._gone()

    async def _gone(self) -> None:
        """Wait until the client has left, or the server stops."""
        while (await self.receive())["type"] != "http.disconnect":
            pass

    async def _wait(self, clock: Clock, seconds: float) -> bool:
        """Wait on the simulator's clock; ``False`` when the client left first."""
        asleep = asyncio.ensure_future(clock.sleep(seconds))
        left = asyncio.ensure_future(self._gone())
        try:
            await asyncio.wait({asleep, left}, return_when=asyncio.FIRST_COMPLETED)
            return asleep.done()
        finally:
            asleep.cancel()
            left.cancel()


def _compressed(reply: Reply, call: Call) -> Reply:
    encoded = any(name == "content-encoding" for name, _ in reply.headers)
    if encoded or len(reply.body) < _GZIP_FROM_BYTES or "gzip" not in call.headers.get("accept-encoding", ""):
        return reply
    packed = gzip.compress(reply.body, compresslevel=1, mtime=0)
    return replace(reply, body=packed, headers=(*reply.headers, ("content-encoding", "gzip")))


def _with_member(value: object, text: str) -> object:
    """Return a JSON ``value`` with a member that nobody asked for in each of its objects: ``text`` is its name and value."""
    if isinstance(value, dict):
        return {text: text} | {key: _with_member(item, text) for key, item in value.items()}
    return [_with_member(item, text) for item in value] if isinstance(value, list) else value


def _brotli(body: bytes) -> bytes:
    """Wrap ``body`` as a valid brotli stream of stored blocks (RFC 7932, 9.2): no compressor is needed for that."""

    def blocks() -> Iterator[bytes]:
        bits, used = 0, 1  # WBITS: one zero bit is a window of 64 KiB
        for at in range(0, len(body), 65_536):
            block = body[at : at + 65_536]
            # ISLAST 0, MNIBBLES 0 (four nibbles), MLEN - 1 in sixteen bits, ISUNCOMPRESSED 1, then pad to a byte.
            bits |= (len(block) - 1) << (used + 3) | 1 << (used + 19)
            yield bits.to_bytes(3, "little") + block
            bits, used = 0, 0
        yield (bits | 0b11 << used).to_bytes(1, "little")  # ISLAST, ISLASTEMPTY

    return b"".join(blocks())
