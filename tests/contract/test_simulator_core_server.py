"""The simulator's server, log, faults and control, over real HTTP with a bare client."""

from __future__ import annotations

import asyncio

import httpx

from exporter.simulator import Simulator, running
from tests.support.clock import ManualClock


def test_an_unknown_path_is_an_html_404() -> None:
    async def run() -> httpx.Response:
        async with running(Simulator(ManualClock()).app) as url, httpx.AsyncClient() as http:
            return await http.get(f"{url}/nothing")

    answer = asyncio.run(run())
    assert answer.status_code == 404
    assert answer.headers["content-type"].startswith("text/html")


def test_the_overview_is_json_with_the_clocks_time() -> None:
    async def run() -> httpx.Response:
        async with running(Simulator(ManualClock(1_790_000_000.0)).app) as url, httpx.AsyncClient() as http:
            return await http.get(f"{url}/_sim/")

    assert asyncio.run(run()).json()["now"] == 1_790_000_000.0
