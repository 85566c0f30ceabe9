"""Look-ups of host names against a real DNS server on loopback."""

from __future__ import annotations

import asyncio
import socket
import threading
from collections.abc import Awaitable, Callable, Sequence

import pytest

from exporter.platforms.names import Names
from tests.support.name_server import NameServer, name_server


def nowhere(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    raise socket.gaierror(socket.EAI_NONAME, f"{host}:{port} {family}")


def on_names(script: Callable[[Names, NameServer], Awaitable[None]], system: Callable[..., Sequence[str]] = nowhere) -> None:
    async def main() -> None:
        async with name_server() as server:
            names = Names([server.address], system=system)
            try:
                await script(names, server)
            finally:
                await names.close()

    asyncio.run(main())


def test_a_name_becomes_the_addresses_that_the_name_server_gives() -> None:
    async def script(names: Names, _: NameServer) -> None:
        found = await names.resolve("portal.good.test", 443)
        assert [("127.0.0.1", 443)] == [(address["host"], address["port"]) for address in found]

    on_names(script)


def test_a_name_that_does_not_exist_is_an_error() -> None:
    async def script(names: Names, _: NameServer) -> None:
        with pytest.raises(OSError, match="none"):
            await names.resolve("portal.none.test", 443)

    on_names(script)


def test_a_name_that_no_name_server_knows_is_asked_of_the_system() -> None:
    asked: list[tuple[str, bool]] = []

    def system(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
        asked.append((f"{host}:{port} {family.value}", threading.current_thread() is threading.main_thread()))
        return ["10.0.0.7", "fe80::7"]

    async def script(names: Names, _: NameServer) -> None:
        found = await names.resolve("printer.none.test", 443)
        assert ["10.0.0.7", "fe80::7"] == [address["host"] for address in found]
        assert [("printer.none.test:443 0", False)] == asked

    on_names(script, system)


def test_the_hosts_file_is_read() -> None:
    async def script(names: Names, server: NameServer) -> None:
        found = await names.resolve("localhost", 80, socket.AF_INET)
        assert ["127.0.0.1"] == [address["host"] for address in found]
        assert server.asked == []

    on_names(script)


def test_a_thousand_names_that_hang_hold_no_other_name_up_and_no_thread() -> None:
    async def script(names: Names, server: NameServer) -> None:
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

    on_names(script)
