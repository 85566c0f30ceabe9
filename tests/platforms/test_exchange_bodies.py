"""Bodies in the shared HTTP exchange, over real sockets: how large, of how many values, how compressed, in what pieces."""

from __future__ import annotations

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator, Callable, Iterator
from random import Random

import pytest
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from exporter.errors import InvalidResponseError
from exporter.platforms.answer_kinds import BATCH, CONNECTIONS, COUNT, OTHER, PAGE, AnswerKind
from exporter.platforms.base import Services
from exporter.simulator import running
from tests.harness.events import RecordedEvents
from tests.harness.exchange import PATH, app_with, get

KIB = 1024
MIB = 1024 * KIB
CAPS = [
    (COUNT, 64 * KIB, "more than 64 KiB for a count"),
    (PAGE, 2 * MIB, "more than 2 MiB for a page of rows"),
    (CONNECTIONS, 8 * MIB, "more than 8 MiB for a list of connections"),
    (BATCH, 16 * MIB, "more than 16 MiB for a batch"),
    (OTHER, 256 * KIB, "more than 256 KiB for an answer of this kind"),
]


@pytest.mark.slow
@pytest.mark.parametrize("compress", [False, True])
@pytest.mark.parametrize(("kind", "cap", "said"), CAPS, ids=[kind.what for kind, *_ in CAPS])
async def test_a_body_over_the_cap_of_its_kind_is_refused_even_when_it_was_small_on_the_wire(
    services: Services, events: RecordedEvents, kind: AnswerKind, cap: int, said: str, compress: bool
) -> None:
    sent = [b"x" * cap, b"x" * (cap + 1)]

    async def handler(_: Request) -> Response:
        body = sent.pop(0)
        return Response(gzip.compress(body, 1), headers={"Content-Encoding": "gzip"}) if compress else Response(body)

    async with running(app_with(handler)) as url:
        assert cap == len((await get(services, url + PATH, kind=kind)).body)
        with pytest.raises(InvalidResponseError, match=said):
            await get(services, url + PATH, kind=kind)
    assert ["200", "200"] == events.codes("list")


@pytest.mark.parametrize("status", [302, 400, 403, 500, 503])
@pytest.mark.parametrize("kind", [COUNT, BATCH], ids=["of a count", "of a batch"])
async def test_a_refusal_has_a_cap_of_its_own_whatever_was_asked_for(services: Services, kind: AnswerKind, status: int) -> None:
    sent = [b"x" * 256 * KIB, b"x" * (256 * KIB + 1)]

    async def handler(_: Request) -> Response:
        return Response(sent.pop(0), status_code=status)

    async with running(app_with(handler)) as url:
        assert status == (await get(services, url + PATH, kind=kind)).status
        with pytest.raises(InvalidResponseError, match="more than 256 KiB for a refusal") as caught:
            await get(services, url + PATH, kind=kind)
    assert status == caught.value.status


MANY = [
    (PAGE, 100_000, "more than 100,000 values for a page of rows"),
    (BATCH, 200_000, "more than 200,000 values for a batch"),
    (CONNECTIONS, 500_000, "more than 500,000 values for a list of connections"),
]


@pytest.mark.parametrize("element", [b"0,", b"{},", b"[],", b'"":0,', b"[{},{}],", b"[" * 40 + b"]" * 40 + b","])
@pytest.mark.parametrize(("kind", "cap", "said"), MANY, ids=[kind.what for kind, *_ in MANY])
async def test_values_are_counted_before_anything_is_built_of_them(
    services: Services, kind: AnswerKind, cap: int, said: str, element: bytes
) -> None:
    each = sum(element.count(sign) for sign in (b",", b"[", b"{"))
    sent = [element * (cap // each), element * (cap // each + 1)]

    async def handler(_: Request) -> Response:
        return Response(sent.pop(0).ljust(600_000))

    async with running(app_with(handler)) as url:
        await get(services, url + PATH, kind=kind)
        with pytest.raises(InvalidResponseError, match=said):
            await get(services, url + PATH, kind=kind)


async def test_a_body_that_cannot_be_decompressed_is_an_invalid_response(services: Services) -> None:
    async def handler(_: Request) -> Response:
        return Response(b"not gzip", headers={"Content-Encoding": "gzip"})

    async with running(app_with(handler)) as url:
        with pytest.raises(InvalidResponseError, match="decompressed"):
            await get(services, url + PATH)


@pytest.mark.parametrize("layers", [2, 5])
async def test_gzip_inside_gzip_is_not_opened_at_all(services: Services, layers: int) -> None:
    # Two layers of httpx's decoders make 2 GB of these 2 KB before anybody can look at the size.
    body = bytes(1024 * 1024)
    for _ in range(layers):
        body = gzip.compress(body)

    async def handler(_: Request) -> Response:
        return Response(body, headers={"Content-Encoding": ", ".join(["gzip"] * layers)})

    async with running(app_with(handler)) as url:
        with pytest.raises(InvalidResponseError, match="decompressed"):
            await get(services, url + PATH)


async def test_a_compressed_body_that_was_cut_off_is_an_invalid_response(services: Services) -> None:
    whole = gzip.compress(b"[1, 2, 3]" * 1000)

    async def handler(_: Request) -> Response:
        return Response(whole[: len(whole) // 2], headers={"Content-Encoding": "gzip"})

    async with running(app_with(handler)) as url:
        with pytest.raises(InvalidResponseError, match="decompressed"):
            await get(services, url + PATH)


async def test_a_compressed_body_of_several_members_is_read_whole_and_one_with_something_else_behind_it_is_told(
    services: Services,
) -> None:
    members = gzip.compress(b"[1,") + gzip.compress(b" 2]")

    async def handler(request: Request) -> Response:
        behind = b"<br>" if request.url.path == "/odd" else b""
        return Response(members + behind, headers={"Content-Encoding": "gzip"})

    async with running(app_with(handler)) as url:
        assert b"[1, 2]" == (await get(services, url + PATH)).body
        with pytest.raises(InvalidResponseError, match="sent a body that cannot be decompressed: there is other data behind"):
            await get(services, url + "/odd")


@pytest.mark.parametrize("coding", ["gzip", "x-gzip", "GZIP"])
async def test_gzip_is_asked_for_and_opened(services: Services, coding: str) -> None:
    asked: list[str | None] = []

    async def handler(request: Request) -> Response:
        asked.append(request.headers.get("accept-encoding"))
        return Response(gzip.compress(b"{}"), headers={"Content-Encoding": coding})

    async with running(app_with(handler)) as url:
        assert b"{}" == (await get(services, url + PATH)).body
    assert ["gzip"] == asked


@pytest.mark.slow
@pytest.mark.parametrize("coding", ["identity", "gzip"])
async def test_a_body_in_thousands_of_crumbs_is_an_invalid_response(services: Services, coding: str) -> None:
    async def handler(_: Request) -> Response:
        async def crumbs() -> AsyncIterator[bytes]:
            body = gzip.compress(random_text(100_000)) if coding == "gzip" else b"x" * 100_000
            for number in range(len(body)):
                yield body[number : number + 1]

        return StreamingResponse(crumbs(), headers={"content-encoding": coding})

    async with running(app_with(handler)) as url:
        with pytest.raises(InvalidResponseError, match="pieces of a few bytes"):
            await get(services, url + PATH)


@pytest.mark.slow
@pytest.mark.parametrize("size", [64, 512])
async def test_small_pieces_that_a_server_may_honestly_send_are_read(services: Services, size: int) -> None:
    async def handler(_: Request) -> Response:
        async def pieces() -> AsyncIterator[bytes]:
            for _ in range(5_000):
                yield b"x" * size

        return StreamingResponse(pieces())

    async with running(app_with(handler)) as url:
        assert b"x" * size * 5_000 == (await get(services, url + PATH)).body


RECORDS = [
    b'{"id":%05d,"start":"2026-11-27T10:00:00Z","end":"2026-11-27T11:00:00Z","status":"CONFIRMED"},' % n for n in range(5_000)
]


def chunk(data: bytes) -> bytes:
    return b"%x\r\n%s\r\n" % (len(data), data) if data else b""


def one_by_one() -> Iterator[bytes]:
    """Write each record as a chunk."""
    return map(chunk, RECORDS)


def in_three_writes() -> Iterator[bytes]:
    """Write the length of each record, the record, and the end of its line by themselves."""
    for record in RECORDS:
        yield from (b"%x\r\n" % len(record), record, b"\r\n")


def compressed() -> Iterator[bytes]:
    """Compress each record as it comes, and flush what that gives."""
    packer = zlib.compressobj(wbits=31)
    for record in RECORDS:
        yield chunk(packer.compress(record) + packer.flush(zlib.Z_SYNC_FLUSH))
    yield chunk(packer.flush())


@pytest.mark.slow
@pytest.mark.parametrize(
    ("writes", "coding"),
    [
        pytest.param(one_by_one, "identity", id="each as a chunk"),
        pytest.param(in_three_writes, "identity", id="each in three writes"),
        pytest.param(compressed, "gzip", id="each compressed"),
    ],
)
async def test_records_that_a_server_flushes_one_by_one_are_read(
    services: Services, writes: Callable[[], Iterator[bytes]], coding: str
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nContent-Encoding: %s\r\n\r\n" % coding.encode())
        for piece in writes():
            writer.write(piece)
            await asyncio.sleep(0)  # it arrives by itself
            await asyncio.sleep(0)
        writer.write(b"0\r\n\r\n")
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        answer = await get(services, f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", timeout=30.0)
    assert b"".join(RECORDS) == answer.body


def random_text(size: int) -> bytes:
    return Random(1).randbytes(size).hex().encode()


@pytest.mark.parametrize("status", [200, 204, 304, 503])
async def test_answers_without_a_body_come_as_often_as_they_like(services: Services, status: int) -> None:
    """The library has one empty body for all of them, which ends once."""

    async def handler(_: Request) -> Response:
        return Response(status_code=status)

    async with running(app_with(handler)) as url:
        answers = [await get(services, url + PATH) for _ in range(3)]
    assert [(status, b"")] * 3 == [(answer.status, answer.body) for answer in answers]
