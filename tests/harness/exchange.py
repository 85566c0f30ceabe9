"""The shared HTTP exchange over real sockets, with a server of the test's at its other end."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable
from random import Random

import httpx
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from exporter.clock import SystemClock
from exporter.platforms.answer_kinds import BATCH, AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.exchange import Answer, exchange, new_request
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

CODE = "s3cr3tw3bh00kc0de"
PATH = f"/rest/1/{CODE}/booking.v1.booking.list"


@contextlib.asynccontextmanager
async def services_with(events: RecordedEvents) -> AsyncIterator[Services]:
    """Yield what a session needs, on the machine's clock and with a pool of its own while the block runs."""
    clock = SystemClock()
    async with pool(clock) as http:
        yield Services(http, clock, Random(1), events, StatusHistory(), Admission(clock))


async def get(services: Services, url: str, *, kind: AnswerKind = BATCH, timeout: float = 5.0) -> Answer:
    return await exchange(services, "list", new_request("GET", httpx.URL(url)), kind=kind, timeout=timeout)


def app_with(handler: Callable[[Request], Awaitable[Response]]) -> Starlette:
    return Starlette(routes=[Route("/{path:path}", handler)])
