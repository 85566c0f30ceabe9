"""One look at a token file at a time, whoever asks, and on whatever disk."""

from __future__ import annotations

import asyncio
import json
import threading
from pathlib import Path

import pytest

from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24 import tokenfile
from exporter.platforms.bitrix24.oauth import TokenChains
from exporter.support import files
from tests.harness.threads import CountingThreads, held_until

PAIR = {"access_token": "a1", "refresh_token": "r1", "client_endpoint": "https://salon.bitrix24.example/rest/"}


async def test_a_disk_that_hangs_holds_one_thread_however_many_polls_give_up_waiting_for_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "tokens.json"
    path.write_text(json.dumps(PAIR))
    disk_works = threading.Event()
    monkeypatch.setattr(tokenfile, "read_file", held_until(disk_works, files.read_file))

    chain = await TokenChains().of(path)
    threads = CountingThreads()
    for _ in range(20):
        poll = asyncio.create_task(chain.current())
        async with asyncio.timeout(10):
            while threads.given < 2:  # noqa: ASYNC110  what a thread does has no event
                await asyncio.sleep(0.001)
        await asyncio.sleep(0)
        poll.cancel()
        with pytest.raises(asyncio.CancelledError):
            await poll
    assert 2 == threads.given, "the mark of the file, and its text"
    later = asyncio.create_task(chain.current())
    await asyncio.sleep(0)
    disk_works.set()
    assert "a1" == (await later).access.reveal()


async def test_a_look_that_failed_is_no_answer_to_who_comes_later(tmp_path: Path) -> None:
    path = tmp_path / "tokens.json"

    chain = await TokenChains().of(path)
    for polls in (1, 3):
        results = await asyncio.gather(*(chain.current() for _ in range(polls)), return_exceptions=True)
        assert [TargetConfigError] * polls == [type(result) for result in results]
    path.write_text(json.dumps(PAIR))
    assert "a1" == (await chain.current()).access.reveal()
