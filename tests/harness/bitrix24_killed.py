"""Runs in a process of its own: polls through OAuth and kills itself before the given system call of the token file."""

from __future__ import annotations

import os
import signal
from pathlib import Path
from random import Random
from typing import Any
from zoneinfo import ZoneInfo

from exporter.clock import SystemClock
from exporter.counting.windows import WindowSpec
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import open_session, tokenfile
from exporter.platforms.bitrix24.session import Shared
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixCollectors, BitrixTarget, OAuth
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from exporter.support import files
from exporter.support.secret import Secret
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool


class _DeadlyOs:
    """The module ``os`` as the token file sees it: tells each call on stdout and dies before number ``before``."""

    CALLS = frozenset({"open", "fchmod", "pwrite", "write", "ftruncate", "fsync", "close", "replace"})

    def __init__(self, before: int) -> None:
        self._left = before

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401  a module's attributes
        found = getattr(os, name)
        return found if name not in self.CALLS else lambda *arguments: self._call(name, found, *arguments)

    def _call(self, name: str, function: Any, *arguments: Any) -> Any:  # noqa: ANN401  any system call
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)
        self._left -= 1
        os.write(1, f"{name}\n".encode())
        return function(*arguments)


async def refresh_and_die(url: str, folder: str, before: int) -> None:
    """Poll once with the expired token in ``folder``."""
    vars(tokenfile)["os"] = vars(files)["os"] = _DeadlyOs(before)
    oauth = OAuth(client_id="local.app", client_secret=Secret("appsecret-planted-1"), token_file=Path(folder, "tokens.json"))
    windows = (WindowSpec("next_7d", "now", "now+7d"),)
    target = BitrixTarget(
        name="salon",
        platform="bitrix24",
        timeout=65.0,
        base_url=url,
        timezone=ZoneInfo("Europe/Berlin"),
        oauth=oauth,
        collectors=BitrixCollectors(bookings=BitrixBookings(interval=300.0, max_age=900.0, windows=windows)),
    )
    clock = SystemClock()
    async with pool(clock) as http:
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), Shared())
        await open_session(target, services).collectors[CollectorName.BOOKINGS].poll()
