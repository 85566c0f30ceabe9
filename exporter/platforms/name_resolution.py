"""Asynchronous name resolution by c-ares: host names to addresses without a thread for each name that does not answer.

``getaddrinfo`` of the C library blocks a thread for as long as the name server is silent: with hundreds of such names a pool
of threads is full, and the names that do answer queue behind them. c-ares (aiodns) asks any number at once. It reads
``/etc/hosts`` and ``resolv.conf`` with its search list, but knows no other source of ``nsswitch.conf`` (LDAP, mDNS, WINS): so
what the name servers say does not exist is asked of the system, in threads that serve nothing else (docs/decisions/0091).
"""

from __future__ import annotations

import asyncio
import socket
from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import pycares.errno
from aiohttp.abc import AbstractResolver, ResolveResult
from aiohttp.resolver import AsyncResolver

from exporter.clock import Clock
from exporter.support.files import Stamps, stamps
from exporter.support.threads import DaemonThreadPool

# Each try waits up to twice as long as the one before it, so that six take 8 to 16 s: a name has the whole 5 s of a connection,
# and a dead first name server leaves most of them to the second. c-ares itself begins with 0.25 s once it has seen that a name
# server is quick: with fewer tries it gives up after 1.2 s what a quick server has to ask others for.
_TRY_SECONDS: Final = 0.25
_TRIES: Final = 6
# As long as a connection waits: who comes later asks anew, and not behind what hung or queued for a thread before.
_LOOKUP_SECONDS: Final = 5.0
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


class HostResolver(AbstractResolver):
    """Looks names up for the connections of one event loop.

    ``servers`` (each ``host`` or ``host:port``) replace those of ``resolv.conf``. A change of that file is noticed.
    """

    def __init__(
        self,
        clock: Clock,
        servers: Callable[[], Sequence[str] | None] = lambda: None,
        *,
        system: SystemLookup = system_lookup,
        resolv_conf: Path = Path("/etc/resolv.conf"),
    ) -> None:
        self._clock = clock
        self._servers = servers
        self._system = system
        self._resolv_conf = resolv_conf
        self._seen: Stamps | None = None
        self._resolver: AsyncResolver | None = None
        self._asking: Counter[AsyncResolver] = Counter()
        self._threads = DaemonThreadPool(_THREADS, "names")

    async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC) -> list[ResolveResult]:
        """Return the addresses of ``host``. Raises :class:`OSError` when there are none, or none came in 5 s."""
        async with self._clock.timeout(_LOOKUP_SECONDS):
            return await self._resolve(host, port, family)

    async def _resolve(self, host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
        resolver = await self._current()
        self._asking[resolver] += 1
        try:
            return await resolver.resolve(host, port, family)
        except OSError as error:
            told = error.__cause__.args[0] if error.__cause__ is not None and error.__cause__.args else None
            if told not in _ASK_THE_SYSTEM:
                raise
        finally:
            self._asking[resolver] -= 1
            if not self._asking[resolver]:
                del self._asking[resolver]
                if resolver is not self._resolver:
                    await resolver.close()
        addresses = await asyncio.get_running_loop().run_in_executor(self._threads, self._system, host, port, family)
        return [
            ResolveResult(hostname=host, host=address, port=port, family=family, proto=0, flags=socket.AI_NUMERICHOST)
            for address in addresses
        ]

    async def close(self) -> None:
        """Give up what is being looked up."""
        resolvers, self._resolver = {*self._asking, self._resolver}, None
        for resolver in resolvers:
            if resolver is not None:
                await resolver.close()
        self._threads.shutdown(wait=False, cancel_futures=True)

    async def _current(self) -> AsyncResolver:
        """Return the resolver that knows the present name servers.

        c-ares notices a change only of a plain file in ``/etc``; in containers, and with systemd-resolved, it is a link or
        mounted. The resolver before goes on with what it has been asked.
        """
        seen = stamps([self._resolv_conf])
        before = self._resolver
        if before is None or seen != self._seen:
            self._seen = seen
            self._resolver = AsyncResolver(nameservers=self._servers(), timeout=_TRY_SECONDS, tries=_TRIES)
            if before is not None and before not in self._asking:
                await before.close()
            return self._resolver
        return before
