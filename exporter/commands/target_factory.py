"""What a command that asks the platforms once needs to open targets: the daemon's pool, pace and admission."""

from __future__ import annotations

import contextlib
import os
from collections.abc import AsyncIterator, Iterable
from random import Random
from typing import Final

from exporter.clock import LoopLag, SystemClock
from exporter.metrics import Instruments
from exporter.platforms.http_pool import open_pool
from exporter.platforms.registry import PLATFORMS
from exporter.polling import Admission
from exporter.runtime import TargetFactory
from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets

_PROXIES: Final = ("https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY")


def known_secrets(configured: Iterable[str] = (), names: Iterable[str] = ()) -> KnownSecrets:
    """Return what masks the secrets of this process, those of the proxy included; the log masks them from now on.

    None of ``names`` is taken for one.
    """
    known = KnownSecrets()
    names = {*PLATFORMS, *names}
    known.hold("environment", [os.environ[name] for name in _PROXIES if name in os.environ], names)
    known.hold("configuration", configured, names)
    logs.mask_with(known.mask)
    return known


@contextlib.asynccontextmanager
async def opened_target_factory(instruments: Instruments, known: KnownSecrets) -> AsyncIterator[TargetFactory]:
    """Open the world of the targets while the block runs; ``instruments`` count what is asked, ``known`` masks."""
    lag = LoopLag()
    lag.start()
    clock = SystemClock(lag)
    admission = Admission(clock, lag)
    async with open_pool(clock, admit=admission.connection) as http:
        yield TargetFactory(http, clock, Random(), instruments, admission, known=known, asks_once=True)  # noqa: S311  jitter, not cryptography
