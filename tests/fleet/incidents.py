"""What happens to the exporter in the middle of a run: a reload with one changed target, a minute without processor time."""

from __future__ import annotations

import asyncio
import os
import signal
import time
from pathlib import Path
from typing import Final

import httpx

from tests.fleet import wix

RELOAD_SECONDS: Final = 120.0


def change_one_target(config: Path) -> None:
    """Write another timeout for one target of the file."""
    before = config.read_text()
    name = f"name: {wix.site_name(0)}, "
    assert 1 == before.count(name)
    config.write_text(before.replace(name, f"{name}timeout: 29s, "))


async def reload(url: str) -> float:
    """Have the configuration read again; return the seconds until that had happened."""
    began = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=RELOAD_SECONDS) as http:
        answer = await http.post(f"{url}/-/reload")
    assert answer.status_code == httpx.codes.OK, answer.text
    return time.monotonic() - began


async def stop_for(pid: int, seconds: float) -> None:
    """Give the process no processor time for so long."""
    os.kill(pid, signal.SIGSTOP)
    try:
        await asyncio.sleep(seconds)
    finally:
        os.kill(pid, signal.SIGCONT)
