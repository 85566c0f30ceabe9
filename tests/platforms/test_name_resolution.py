"""Look-ups of host names against a real DNS server on loopback."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from pathlib import Path

import pytest

from exporter.clock import SystemClock
from exporter.platforms.name_resolution import HostResolver
from tests.harness.clock import ManualClock
from tests.harness.name_server import NameServer, name_server


def nowhere(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")


@contextlib.asynccontextmanager
async def served_names(system: Callable[..., Sequence[str]] = nowhere) -> AsyncIterator[tuple[HostResolver, NameServer]]:
    async with name_server() as server:
        names = HostResolver(SystemClock(), lambda: [server.address], system=system)
        try:
            yield names, server
        finally:
            await names.close()


async def test_a_name_becomes_the_addresses_that_the_name_server_gives() -> None:
    async with served_names() as (names, _):
        found = await names.resolve("portal.good.test", 443)
        assert [("127.0.0.1", 443)] == [(address["host"], address["port"]) for address in found]


async def test_a_name_that_does_not_exist_is_an_error() -> None:
    async with served_names() as (names, _):
        with pytest.raises(OSError, match="none"):
            await names.resolve("portal.none.test", 443)


async def test_a_name_that_no_name_server_knows_is_asked_of_the_system() -> None:
    asked: list[tuple[str, bool]] = []

    def system(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        asked.append((f"{host}:{port} {family.value}", threading.current_thread() is threading.main_thread()))
        return ["10.0.0.7", "fe80::7"]

    async with served_names(system) as (names, _):
        found = await names.resolve("printer.none.test", 443)
        assert ["10.0.0.7", "fe80::7"] == [address["host"] for address in found]
        assert [("printer.none.test:443 0", False)] == asked


async def test_the_hosts_file_is_read() -> None:
    async with served_names() as (names, server):
        found = await names.resolve("localhost", 80, socket.AF_INET)
        assert ["127.0.0.1"] == [address["host"] for address in found]
        assert [] == server.asked


@pytest.mark.slow
async def test_a_thousand_names_that_hang_hold_no_other_name_up_and_no_thread() -> None:
    async with served_names() as (names, server):
        before = threading.active_count()
        hanging = [asyncio.create_task(names.resolve(f"portal-{number}.silent.test", 443)) for number in range(1_000)]
        while len(set(server.asked)) < 1_000:  # noqa: ASYNC110  the server has no event to wait for
            await asyncio.sleep(0.001)
        async with asyncio.timeout(2):
            await asyncio.gather(*(names.resolve(f"portal-{number}.good.test", 443) for number in range(100)))
        assert not any(task.done() for task in hanging)
        assert threading.active_count() <= before + 2, "c-ares has one, whatever is asked"
        for task in hanging:
            task.cancel()
        await asyncio.gather(*hanging, return_exceptions=True)


def write_resolv_conf(path: Path, server: str) -> None:
    """Write the file as a container's runtime does: beside, then in its place."""
    beside = path.with_name("beside")
    beside.write_text(server)
    beside.replace(path)


@pytest.mark.parametrize("linked", [False, True], ids=["a file", "a link"])
async def test_new_name_servers_are_asked_without_a_restart(tmp_path: Path, *, linked: bool) -> None:
    async with name_server() as old, name_server() as new:
        real = tmp_path / "stub-resolv.conf"
        write_resolv_conf(real, old.address)
        path = tmp_path / "resolv.conf" if linked else real
        if linked:
            path.symlink_to(real)
        # c-ares reads only the system's own file, which a test leaves alone.
        names = HostResolver(SystemClock(), lambda: [path.read_text()], system=nowhere, resolv_conf=path)
        await names.resolve("one.good.test", 443)
        silent = asyncio.create_task(names.resolve("hangs.test", 443))
        await until(lambda: "hangs.test" in old.asked)
        write_resolv_conf(real, new.address)
        await names.resolve("two.good.test", 443)
        assert "two.good.test" in new.asked
        assert "two.good.test" not in old.asked
        assert not silent.done(), "who asked the old one still waits for it"
        await names.close()
        with pytest.raises((OSError, asyncio.CancelledError)):
            await silent


@pytest.mark.slow
async def test_a_dead_first_name_server_leaves_time_for_the_second_within_a_connection() -> None:
    async with name_server() as second:
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as dead:
            dead.bind(("127.0.0.1", 0))
            names = HostResolver(SystemClock(), lambda: [f"127.0.0.1:{dead.getsockname()[1]}", second.address], system=nowhere)
            async with asyncio.timeout(1.9):
                await names.resolve("portal.good.test", 443)
            async with asyncio.timeout(0.5):
                await names.resolve("shop.good.test", 443)  # it has learnt which one answers
            await names.close()


@pytest.mark.slow
async def test_a_name_that_takes_its_server_seconds_is_found_however_quick_others_are() -> None:
    async with served_names() as (names, _):
        for number in range(20):
            await names.resolve(f"portal-{number}.good.test", 443)
        async with asyncio.timeout(5):
            found = await names.resolve("portal.late.test", 443)
        assert ["127.0.0.1"] == [address["host"] for address in found]


async def test_the_system_is_asked_where_no_name_server_listens() -> None:
    def system(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        del host, port, family
        return ["10.0.0.7"]

    names = HostResolver(SystemClock(), lambda: ["127.0.0.1:1"], system=system)
    assert ["10.0.0.7"] == [address["host"] for address in await names.resolve("printer.test", 443)]
    await names.close()


async def test_names_that_were_left_waiting_for_the_system_are_asked_of_the_name_servers_again() -> None:
    """The name servers fail, the C library hangs: then they work again, while its threads still hang."""
    hanging = threading.Event()
    taken: list[str] = []

    def hang(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        taken.append(host)
        hanging.wait(30)
        return nowhere(host, port, family)

    try:
        clock = ManualClock()
        async with name_server() as server:
            names = HostResolver(clock, lambda: [server.address], system=hang)
            hosts = [f"portal-{number}.fail.test" for number in range(20)]
            asking = [asyncio.create_task(names.resolve(host, 443)) for host in hosts]
            await until(lambda: set(hosts) <= set(server.asked))
            await until(lambda: len(taken) == 4)  # all threads
            await clock.advance(5.1)
            async with asyncio.timeout(5):
                assert {TimeoutError} == {type(outcome) for outcome in await asyncio.gather(*asking, return_exceptions=True)}
                server.failing = False
                await asyncio.gather(*(names.resolve(host, 443) for host in hosts))
            await names.close()
    finally:
        hanging.set()


async def until(check: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not check():  # noqa: ASYNC110  what is waited for is another's
            await asyncio.sleep(0.01)
