"""The end of the real process: orderly, and in time whatever hangs."""

from __future__ import annotations

import asyncio
import contextlib
import errno
import os
import signal
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from tests.harness.business import Business
from tests.harness.process import Exporter, exporter, hanging, until

PROMISED = 8.0


async def stops_in_time(running: Exporter) -> None:
    began = asyncio.get_running_loop().time()
    running.send(signal.SIGTERM)
    assert 0 == await running.ended()
    assert asyncio.get_running_loop().time() - began < PROMISED
    assert "stopped" in [line["event"] for line in running.log]
    assert "Traceback" not in running.raw


def hourly(business: Business, name: str = "wix", **changes: object) -> dict[str, Any]:
    return business.wix_target(name, collectors={"connections": {"interval": "1h"}}, **changes)


def lost(business: Business) -> dict[str, Any]:
    return hourly(business, "lost", base_url="https://nowhere.invalid")


@contextlib.asynccontextmanager
async def silent_server() -> AsyncIterator[tuple[str, asyncio.Event]]:
    """Give the address of a server that takes connections and never answers, and when it was asked."""
    asked, end = asyncio.Event(), asyncio.Event()

    async def never(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        asked.set()
        await end.wait()
        writer.close()

    server = await asyncio.start_server(never, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
    finally:
        end.set()
        server.close()
        await server.wait_closed()


async def ask_and_do_not_read(running: Exporter) -> socket.socket:
    """Ask for pages until the exporter takes no more: what it has written is not read."""
    client = socket.create_connection(("127.0.0.1", int(running.url.rpartition(":")[2])))
    client.setblocking(False)
    loop = asyncio.get_running_loop()
    asked = b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n" * 100
    with contextlib.suppress(TimeoutError):
        while True:
            await asyncio.wait_for(loop.sock_sendall(client, asked), 1)
    return client


@contextlib.asynccontextmanager
async def held_by_a_reader(pipe: Path) -> AsyncIterator[None]:
    """Wait until somebody reads ``pipe``, then hold its other end open and write nothing."""

    async def opened() -> int | None:
        try:
            return os.open(pipe, os.O_WRONLY | os.O_NONBLOCK)
        except OSError as error:
            assert errno.ENXIO == error.errno  # noqa: PT017  anything else ends the test
            return None

    descriptor = await until(opened, "the configuration to be read")
    try:
        yield
    finally:
        os.close(descriptor)


async def test_a_name_that_is_looked_up_for_ever_does_not_hold_the_stop(business: Business) -> None:
    async with hanging(business.config(lost(business)), "look-up") as running:
        await running.logged("hangs", what="look-up")
        await stops_in_time(running)


async def test_a_state_file_that_is_written_for_ever_does_not_hold_the_stop(business: Business, tmp_path: Path) -> None:
    config = business.config(hourly(business), state_file=str(tmp_path / "state.json"))
    async with hanging(config, "fsync") as running:
        await running.logged("hangs", what="fsync")
        await stops_in_time(running)


async def test_a_token_file_that_is_written_for_ever_does_not_hold_the_stop(business: Business) -> None:
    async with hanging(business.config(business.expired_oauth_target()), "fsync") as running:
        await running.logged("hangs", what="fsync")
        await stops_in_time(running)


async def test_a_loop_that_stands_still_in_the_kernel_does_not_hold_the_stop(business: Business) -> None:
    async with hanging(business.config(business.expired_oauth_target()), "loop") as running:
        await running.logged("hangs", what="loop")
        await stops_in_time(running)


async def test_an_auth_server_that_never_answers_does_not_hold_the_stop(business: Business) -> None:
    async with (
        silent_server() as (url, asked),
        exporter(business.config(business.expired_oauth_target(server=url))) as running,
    ):
        await asyncio.wait_for(asked.wait(), 30)
        await stops_in_time(running)


async def test_a_client_that_does_not_read_its_page_does_not_hold_the_stop(business: Business) -> None:
    async with exporter(business.config(hourly(business))) as running:
        with await ask_and_do_not_read(running):
            await stops_in_time(running)


async def test_a_page_that_is_rendered_for_ever_does_not_hold_the_stop(business: Business) -> None:
    async with hanging(business.config(hourly(business)), "page") as running:
        scrape = asyncio.create_task(running.get("/metrics"))
        await running.logged("hangs", what="page")
        await stops_in_time(running)
        await asyncio.gather(scrape, return_exceptions=True)


@pytest.mark.usefixtures("business")
async def test_a_configuration_that_is_read_for_ever_at_the_start_does_not_hold_the_stop(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe.yml"
    os.mkfifo(pipe)
    async with exporter(pipe, wait=False) as running, held_by_a_reader(pipe):
        await stops_in_time(running)


async def test_a_configuration_that_is_read_for_ever_in_a_reload_does_not_hold_the_stop(business: Business) -> None:
    config = business.config(hourly(business))
    async with exporter(config, "--web.enable-lifecycle", "--config.watch") as running:
        await running.ready()
        config.unlink()
        os.mkfifo(config)
        # Whichever comes first reads for ever; the other two, and the watch of the file, wait for it.
        running.send(signal.SIGHUP)
        async with held_by_a_reader(config):
            answer = asyncio.create_task(running.http.post(running.url + "/-/reload"))

            async def both_are_asked_for() -> bool:
                return [line["event"] for line in running.log].count("change_requested") == 2

            await until(both_are_asked_for, "two requests for a reload")
            await stops_in_time(running)
        assert 500 == (await answer).status_code
        assert "stopping" in (await answer).text


async def test_everything_that_hangs_at_once_does_not_hold_the_stop(business: Business, tmp_path: Path) -> None:
    async with silent_server() as (url, asked):
        targets = (lost(business), hourly(business), business.expired_oauth_target(server=url))
        config = business.config(*targets, state_file=str(tmp_path / "state.json"))
        async with hanging(config, "look-up", "fsync", "page") as running:
            await running.logged("hangs", what="look-up")
            await running.logged("hangs", what="fsync")
            await asyncio.wait_for(asked.wait(), 30)
            scrape = asyncio.create_task(running.get("/metrics"))
            await running.logged("hangs", what="page")
            with await ask_and_do_not_read(running):
                config.unlink()
                os.mkfifo(config)
                running.send(signal.SIGHUP)
                async with held_by_a_reader(config):
                    await stops_in_time(running)
            await asyncio.gather(scrape, return_exceptions=True)


async def test_a_log_that_nobody_reads_does_not_hold_the_stop(business: Business) -> None:
    async def is_polled() -> bool:
        return bool(list(business.simulator.log))

    reading, writing = os.pipe()
    # Opened once more, since that it does not block would hold for the exporter, too.
    filling = os.open(f"/proc/self/fd/{writing}", os.O_WRONLY | os.O_NONBLOCK)
    words = (
        "-m",
        "exporter",
        f"--config.file={business.config()}",
        "--web.listen-address=127.0.0.1:0",
        "--log.level=debug",
    )
    process = await asyncio.create_subprocess_exec(sys.executable, *words, stderr=writing)
    os.close(writing)
    try:
        await until(is_polled, "the first poll")
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(filling, b"\n")
        process.send_signal(signal.SIGTERM)
        assert 0 == await asyncio.wait_for(process.wait(), PROMISED)
    finally:
        os.close(reading)
        os.close(filling)
        with contextlib.suppress(ProcessLookupError):
            process.kill()


async def test_a_web_server_that_dies_ends_the_process_in_order_with_one_so_that_it_is_started_again(
    business: Business, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    async with hanging(business.config(), "web-server", environ={"GATE": str(gate)}) as running:
        await running.ready()
        gate.touch()
        assert 1 == await running.ended(10)
        assert "ZeroDivisionError" in (await running.logged("web_server_died"))["exception"]
        assert "error: the web server on 127.0.0.1:0 ended by itself" == running.raw.splitlines()[-1]
        assert "crashed" not in running.raw


async def test_a_web_server_that_dies_while_a_thread_hangs_ends_the_process_all_the_same(
    business: Business, tmp_path: Path
) -> None:
    gate = tmp_path / "gate"
    async with hanging(business.config(), "web-server", "page", environ={"GATE": str(gate)}) as running:
        await running.ready()
        scrape = asyncio.create_task(running.get("/metrics"))
        await running.logged("hangs", what="page")
        gate.touch()
        assert 1 == await running.ended(12)
        await asyncio.gather(scrape, return_exceptions=True)


async def test_a_second_signal_ends_at_once_whatever_hangs(business: Business) -> None:
    async with hanging(business.config(business.expired_oauth_target()), "loop") as running:
        await running.logged("hangs", what="loop")
        running.send(signal.SIGTERM)
        await running.logged("stopping")  # two at once may arrive as one
        running.send(signal.SIGINT)
        assert 1 == await running.ended(2)


async def test_threads_that_end_are_waited_for_and_nothing_is_left_behind(business: Business) -> None:
    async with exporter(business.config()) as running:
        await running.ready()
        await running.get("/")
        await stops_in_time(running)
        assert "threads_left_behind" not in running.raw
