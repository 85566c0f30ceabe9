"""Fact sheet bitrix24.md section 15, "Events and determinism"."""

from __future__ import annotations

from urllib.parse import parse_qsl

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.simulator import running
from exporter.simulator.bitrix24.events import EventQueue, Handler
from tests.harness.bench import Bench

Received = list[tuple[str, dict[str, str]]]


def receiver(received: Received, status: int = 200) -> Starlette:
    async def take(request: Request) -> Response:
        received.append((request.headers["content-type"], dict(parse_qsl((await request.body()).decode()))))
        return Response(status_code=status)

    return Starlette(routes=[Route("/handler", take, methods=["POST"])])


async def deliver(bench: Bench, queue: EventQueue, received: Received, handler: Handler, status: int = 200) -> None:
    async with running(receiver(received, status)) as url:
        handler.url = f"{url}/handler"
        queue.handlers.append(handler)
        bench.world.add_booking(1, 2, id=66)
        bench.world.edit_booking(66, name="x")
        bench.world.delete_booking(66)
        await queue.deliver(bench.http, bench.clock.now)


async def test_changes_arrive_as_forms_with_upper_case_names_and_nothing_but_the_id(bench: Bench) -> None:
    received: Received = []
    await deliver(bench, EventQueue(bench.portal, bench.url), received, Handler("", "t0ken"))
    assert ["ONBOOKINGADD", "ONBOOKINGUPDATE", "ONBOOKINGDELETE"] == [form["event"] for _, form in received]
    for content_type, form in received:
        assert "application/x-www-form-urlencoded" == content_type
        assert ["data[ID]"] == [name for name in form if name.startswith("data")]
        assert "66" == form["data[ID]"]
        assert "1790000000" == form["ts"]


async def test_an_outgoing_webhook_sends_its_application_token_and_no_access_token(bench: Bench) -> None:
    received: Received = []
    await deliver(bench, EventQueue(bench.portal, bench.url), received, Handler("", "wrong-or-right"))
    _, form = received[0]
    assert "wrong-or-right" == form["auth[application_token]"]
    assert "auth[access_token]" not in form


async def test_an_application_gets_its_tokens_too(bench: Bench) -> None:
    received: Received = []
    pair = bench.simulator.bitrix24.issue(bench.simulator.bitrix24.add_app(bench.portal))
    await deliver(bench, EventQueue(bench.portal, bench.url), received, Handler("", "t0ken", pair))
    token = pair.access_token
    assert received[0][1]["auth[access_token]"] == token
    assert "3600" == received[0][1]["auth[expires_in]"]


async def test_a_failed_delivery_is_not_repeated(bench: Bench) -> None:
    received: Received = []
    queue, handler = EventQueue(bench.portal, bench.url), Handler("", "t0ken")
    await deliver(bench, queue, received, handler, status=500)
    await queue.deliver(bench.http, bench.clock.now)
    bench.world.add_booking(1, 2)
    await queue.deliver(bench.http, bench.clock.now)  # the receiver is gone by now
    assert (3, [500, 500, 500, None]) == (len(received), handler.statuses)
