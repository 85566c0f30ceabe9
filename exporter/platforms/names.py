"""Host names to addresses, without a thread for each name that does not answer.

``getaddrinfo`` of the C library blocks a thread for as long as the name server is silent: with hundreds of such names a pool
of threads is full, and the names that do answer queue behind them. c-ares (aiodns) asks any number at once. It reads
``/etc/hosts`` and ``resolv.conf`` with its search list, and notices when a plain file in ``/etc`` changes, but knows no other
source of ``nsswitch.conf`` (LDAP, mDNS, WINS): so what the name servers say does not exist is asked of the system, in threads
that serve nothing else (docs/decisions/0091).
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import pycares.errno
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver

_TRY_SECONDS: Final = 2.0
_TRIES: Final = 2
_THREADS: Final = 4
# No name server knows the name, or there is none: then another source of the system may.
_ASK_THE_SYSTEM: Final = frozenset(
    {
        pycares.errno.ARES_ENODATA,
        pycares.errno.ARES_ENOTFOUND,
        pycares.errno.ARES_ECONNREFUSED,
        pycares.errno.ARES_EREFUSED,
        pycares.errno.ARES_ESERVFAIL,
    }
)

SystemLookup = Callable[[str, int, socket.AddressFamily], Sequence[str]]


def system_lookup(host: str, port: int, family: socket.AddressFamily) -> Sequence[str]:
    """Return the addresses that the C library finds. Blocks; raises :class:`OSError`."""
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(address[0]) for *_, address in found))


class Names(AbstractResolver):
    """Looks names up for the connections of one event loop.

    ``servers`` (``host`` or ``host:port``) replace those of ``resolv.conf``.
    """

    def __init__(self, servers: Sequence[str] | None = None, *, system: SystemLookup = system_lookup) -> None:
        self._servers = servers
        self._system = system
        self._resolver: AsyncResolver | None = None
        self._threads = ThreadPoolExecutor(_THREADS, "names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the addresses of ``host``. Raises :class:`OSError` when there are none."""
        if self._resolver is None:
            self._resolver = AsyncResolver(nameservers=self._servers, timeout=_TRY_SECONDS, tries=_TRIES)
        try:
            return await self._resolver.resolve(host, port, family)
        except OSError as error:
            told = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else None
            if told not in _ASK_THE_SYSTEM:
                raise
        addresses = await asyncio.get_running_loop().run_in_executor(self._threads, self._system, host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in addresses
        ]

    async def close(self) -> None:
        """Give up what is being looked up."""
        if self._resolver is not None:
            await self._resolver.close()
        self._threads.shutdown(wait=False, cancel_futures=True)
