"""The start of the real process: the address first, then the targets, then the first poll."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.harness.business import Business
from tests.harness.process import Exporter, exporter, hanging, until
from tests.harness.typed import typed


@contextmanager
def taken_port() -> Iterator[str]:
    """Give the flag with the address of a port that somebody else listens on."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        yield f"--web.listen-address=127.0.0.1:{taken.getsockname()[1]}"


async def test_a_busy_port_ends_with_one_before_a_target_is_opened_or_polled(business: Business) -> None:
    with taken_port() as address:
        async with exporter(business.config(), address, wait=False) as running:
            assert 1 == await running.ended()
            assert f"error: cannot listen on {address.partition('=')[2]}: Address already in use\n" == running.raw
            assert [] == list(business.simulator.log)


async def test_a_scraper_is_served_by_the_names_that_the_flags_allow_and_a_refused_name_is_told_with_the_flag(
    business: Business,
) -> None:
    flags = ("--web.allowed-hosts=host.docker.internal,metrics.example", "--web.allowed-hosts=b.example")
    async with exporter(business.config(business.wix_target()), *flags) as running:
        port = running.url.rpartition(":")[2]

        async def status(name: str) -> int:
            return (await running.http.get(f"{running.url}/metrics", headers={"host": f"{name}:{port}"})).status_code

        for name in ("host.docker.internal", "metrics.example", "b.example", "localhost.localdomain", "localhost"):
            assert (name, 200) == (name, await status(name))
        assert 421 == await status("evil.example")
        assert "--web.allowed-hosts" in (await running.logged("host_refused", host="evil.example"))["fix"]
    for bad in ("host:10888", "*.internal", ""):
        code, _, told = await typed(f"--web.allowed-hosts={bad}")
        assert 2 == code
        assert f"error: --web.allowed-hosts: {bad!r} is not the name of a host (fix: " in told


@pytest.mark.parametrize(("content", "code"), [({}, 0), ({"nonsense": 1}, 2)], ids=["good", "bad"])
async def test_while_the_configuration_is_read_it_is_healthy_and_waits_with_all_pages(
    business: Business, tmp_path: Path, content: dict[str, Any], code: int
) -> None:
    with taken_port() as address:
        pass  # free by now
    gate = tmp_path / "gate"
    config = business.config(**content)
    environ = {"HANGS": "reading", "GATE": str(gate)}
    async with exporter(config, address, environ=environ, wait=False, module="tests.e2e.hanging_exporter") as running:
        await running.logged("hangs", what="reading")
        running.url = f"http://{address.partition('=')[2]}"
        await until(lambda: answers(running), "the address to be open")
        assert 503 == (await running.get("/-/ready")).status_code
        scrape = asyncio.create_task(running.get("/metrics"))
        await asyncio.wait([scrape], timeout=0.3)
        assert not scrape.done()
        gate.touch()
        if code:
            assert code == await running.ended()
            assert "nonsense" in running.raw
            assert "listening" not in running.raw
            assert 503 == (await scrape).status_code
        else:
            assert "salon-wix" in (await scrape).text
            await running.logged("listening")


async def answers(running: Exporter) -> bool:
    try:
        return 200 == (await running.get("/-/healthy")).status_code
    except httpx.ConnectError:
        return False


async def test_while_the_targets_are_opened_it_is_healthy_not_ready_and_shows_no_page_without_them(
    business: Business, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    async with hanging(business.config(), "opening", environ={"GATE": str(gate)}) as running:
        await running.logged("hangs", what="opening")
        assert 200 == (await running.get("/-/healthy")).status_code
        ready = await running.get("/-/ready")
        assert (503, "Not ready: the targets are being opened.\n") == (ready.status_code, ready.text)
        paths = ("/metrics", "/", "/api/v1/status", "/config")
        asked = [asyncio.create_task(running.get(path)) for path in paths]
        await asyncio.wait(asked, timeout=0.5)
        assert [False, False, False, False] == [task.done() for task in asked]
        assert [] == list(business.simulator.log)
        gate.touch()
        for page in await asyncio.gather(*asked):
            assert 200 == page.status_code
            for name in ("salon-wix", "salon-b24"):
                assert name in page.text
        await running.ready()


async def test_a_stop_while_the_targets_are_opened_is_an_orderly_one_and_tells_those_who_wait(
    business: Business, tmp_path: Path
) -> None:
    async with hanging(business.config(), "opening", environ={"GATE": str(tmp_path / "gate")}) as running:
        await running.logged("hangs", what="opening")
        scrape = asyncio.create_task(running.get("/metrics"))
        await running.get("/-/healthy")  # so that the scrape has arrived, too
        running.process.terminate()
        answer = await scrape
        assert (503, "booking-sync-exporter is stopping.\n") == (answer.status_code, answer.text)
        assert 0 == await running.ended(4)
        assert ["stopping", "stopped"] == [line["event"] for line in running.log][-2:]


async def all_hang(running: Exporter) -> bool:
    return [line["event"] for line in running.log].count("hangs") == 64


async def test_pages_are_served_while_every_thread_for_files_hangs(business: Business) -> None:
    portals = [business.simulator.bitrix24.add_portal(f"portal-{number}") for number in range(70)]
    targets = [business.expired_oauth_target(portal.name, portal) for portal in portals]
    async with hanging(business.config(*targets), "fsync") as running:
        await until(lambda: all_hang(running), "64 threads to hang")
        for path in ("/metrics", "/", "/api/v1/status", "/config"):
            answer = await asyncio.wait_for(running.get(path), 5)
            assert (200, "gzip") == (answer.status_code, answer.headers["content-encoding"])
            assert "portal-0" in answer.text
        running.process.terminate()
        assert 0 == await running.ended(8)
