"""The process that reads feeds: what a feed can do to it, and that nothing of that reaches anybody else."""

from __future__ import annotations

import asyncio
import contextlib
import os
import select
import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from exporter.errors import InternalError, InvalidResponseError, PollError, TargetConfigError
from exporter.ics.child import NOT_INSTALLED, OUT_OF_MEMORY
from exporter.ics.values import FeedJob
from exporter.platforms.base import Services
from exporter.platforms.calendar.ics_worker import COMMAND, FeedProcess
from tests.harness.events import RecordedEvents
from tests.harness.feeds import HOUR, MONDAY, WEEK, event, feed

pytestmark = pytest.mark.slow

GOOD = FeedJob(feed(event("DTSTART:20261201T100000Z", "DURATION:PT1H")), MONDAY, MONDAY + WEEK, "UTC")
GOOD_TIMES = ((MONDAY + 34 * HOUR, MONDAY + 35 * HOUR),)


@contextlib.asynccontextmanager
async def feed_process(*command: str, cpu_seconds: int = 10, seconds: float = 60.0) -> AsyncIterator[FeedProcess]:
    process = FeedProcess(command or COMMAND, cpu_seconds=cpu_seconds, seconds=seconds)
    process.join()
    try:
        yield process
    finally:
        await process.leave()


def job(body: bytes) -> FeedJob:
    return FeedJob(body, MONDAY, MONDAY + WEEK, "UTC")


def costly() -> FeedJob:
    """Return a feed of a hundred series that each take their second: nobody waits for that."""
    never = event(
        "UID:%d", "DTSTART:19700101T000000Z", "DURATION:PT1M", "RRULE:FREQ=DAILY;BYMONTH=2;BYMONTHDAY=30;BYHOUR=1,2,3"
    )
    return job(feed(*[never % number for number in range(100)]))


def gone(pid: int) -> bool:
    """Tell whether a process ends within ten seconds."""
    try:
        watched = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([watched], [], [], 10.0)[0])
    finally:
        os.close(watched)


async def started(process: FeedProcess) -> int:
    """Return the process, as soon as there is one."""
    async with asyncio.timeout(10.0):
        while process.pid is None:  # noqa: ASYNC110 - nobody but the loop tells it
            await asyncio.sleep(0)
    return process.pid


async def test_one_process_reads_feed_after_feed(services: Services) -> None:
    async with feed_process() as process:
        assert process.pid is None
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries
        first = process.pid
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries
        assert first == process.pid
    assert process.pid is None


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "dav.example sent nothing where the calendar's feed should be"),
        (b"<html>", "dav.example sent a web page instead of a calendar's feed: often to sign in, or that the feed is gone"),
        (b"{}", "dav.example sent something that is not a calendar's feed"),
        (feed()[:-6], "dav.example sent a calendar's feed that breaks off before its end"),
    ],
)
async def test_what_is_no_feed_says_why(services: Services, body: bytes, message: str) -> None:
    async with feed_process() as process:
        with pytest.raises(InvalidResponseError) as info:
            await process.read(services, "dav.example", job(body))
    assert message == str(info.value)


async def test_a_feed_that_takes_too_much_of_a_processor_costs_the_process_and_not_the_next_feed(
    services: Services,
) -> None:
    async with feed_process(cpu_seconds=1) as process:
        await process.read(services, "dav.example", GOOD)
        first = process.pid
        with pytest.raises(InvalidResponseError, match=r"^the feed of dav.example takes more than 1 s of a processor to read$"):
            await process.read(services, "dav.example", costly())
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries
        assert first != process.pid


async def test_a_feed_that_takes_too_long_is_called_off(services: Services) -> None:
    async with feed_process("/bin/sleep", "1000", seconds=0.2) as process:
        with pytest.raises(InvalidResponseError, match=r"^the feed of dav.example takes longer than 0.2 s to read$"):
            await process.read(services, "dav.example", GOOD)
        assert process.pid is None


async def test_a_feed_that_needs_too_much_memory_costs_the_process_and_not_the_next_feed(services: Services) -> None:
    greedy = job(feed("X" * 200_000_000))
    async with feed_process() as process:
        with pytest.raises(InvalidResponseError, match=r"^the feed of dav.example needs more than 256 MiB of memory to read$"):
            await process.read(services, "dav.example", greedy)
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries


@pytest.mark.parametrize(
    ("script", "error", "message"),
    [
        (f"exit {OUT_OF_MEMORY}", InvalidResponseError, "the feed of dav.example needs more than 256 MiB of memory to read"),
        (
            f"exit {NOT_INSTALLED}",
            TargetConfigError,
            f"what reads calendar feeds is not installed: run {sys.executable} -m pip install 'booking-sync-exporter[ics]'",
        ),
        ("exit 7", InternalError, "the process that reads feeds ended with code 7"),
        ("kill -9 $$", InternalError, "the process that reads feeds ended by signal 9"),
        (
            "printf '\\377\\377\\377\\377\\377\\377\\377\\377'",
            InternalError,
            "the process that reads feeds said more than it has to say",
        ),
        (
            "printf '\\0\\0\\0\\0\\0\\0\\0\\1a'",
            InternalError,
            "the process that reads feeds said something that is no answer",
        ),
    ],
)
async def test_the_end_of_the_process_says_why(services: Services, script: str, error: type[PollError], message: str) -> None:
    async with feed_process("/bin/sh", "-c", f"head -c 20 >/dev/null; {script}") as process:
        with pytest.raises(error) as info:
            await process.read(services, "dav.example", GOOD)
    assert message == str(info.value)


async def test_a_program_that_cannot_be_started_says_so(services: Services) -> None:
    async with feed_process("/nowhere/python") as process:
        with pytest.raises(InternalError, match=r"^the process that reads feeds could not be started: No such file"):
            await process.read(services, "dav.example", GOOD)


async def test_a_process_that_somebody_killed_between_two_feeds_is_replaced(services: Services) -> None:
    async with feed_process() as process:
        await process.read(services, "dav.example", GOOD)
        assert process.pid is not None
        os.kill(process.pid, signal.SIGKILL)
        gone(process.pid)
        with contextlib.suppress(InternalError):  # the loop may not have heard of it yet
            await process.read(services, "dav.example", GOOD)
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries


async def test_a_poll_that_is_called_off_leaves_no_answer_for_the_next_one(services: Services) -> None:
    async with feed_process() as process:
        polling = asyncio.create_task(process.read(services, "dav.example", costly()))
        busy = await started(process)
        polling.cancel()
        with pytest.raises(asyncio.CancelledError):
            await polling
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries
        assert gone(busy)


async def test_feeds_take_turns_and_who_waits_for_one_waits_for_us(services: Services, events: RecordedEvents) -> None:
    ended: list[int] = []

    async def read(number: int) -> None:
        async with services.clock.timeout(5.0):
            await process.read(services, "dav.example", GOOD)
        ended.append(number)

    async with feed_process() as process:
        await asyncio.gather(*(read(number) for number in range(20)))
    assert [*range(20)] == ended
    assert 20 == len(events.waited)


async def test_the_process_stays_until_the_last_reader_leaves(services: Services) -> None:
    async with feed_process() as process:
        process.join()
        await process.read(services, "dav.example", GOOD)
        await process.leave()
        assert process.pid is not None


async def test_no_credential_of_the_environment_is_handed_on(services: Services, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("B24_CLIENT_SECRET", "planted-secret")
    async with feed_process() as process:
        await process.read(services, "dav.example", GOOD)
        assert "planted-secret" not in Path(f"/proc/{process.pid}/environ").read_text()


PARENT = """
import asyncio, sys
from tests.harness.events import RecordedEvents
from tests.harness.exchange import services_with
from tests.platforms.calendar.test_ics_worker import FeedProcess, costly, started
async def main():
    async with services_with(RecordedEvents()) as services:
        process = FeedProcess(cpu_seconds=600, seconds=600)
        process.join()
        reading = asyncio.create_task(process.read(services, "dav.example", costly()))
        print(await started(process), flush=True)
        await reading
asyncio.run(main())
"""


def test_it_ends_with_an_exporter_that_is_killed_even_while_it_works() -> None:
    with subprocess.Popen([sys.executable, "-c", PARENT], stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        assert Path(f"/proc/{child}").exists()
        parent.kill()
        parent.wait()
    assert gone(child)


async def test_a_bug_of_ours_is_told_by_its_place_and_quotes_nothing(services: Services) -> None:
    """No feed is known that finds one, so the job is one that nobody gives: in a zone that there is not."""
    async with feed_process() as process:
        with pytest.raises(InternalError, match=r"^the feed of dav.example was not read: ZoneInfoNotFoundError at \S+:\d+$"):
            await process.read(services, "dav.example", FeedJob(GOOD.body, MONDAY, MONDAY + WEEK, "canary/canary"))
        assert GOOD_TIMES == (await process.read(services, "dav.example", GOOD)).entries


def test_it_starts_without_the_rest_of_the_exporter() -> None:
    script = "import sys, exporter.ics.child, exporter.ics.expansion; print(*sorted(sys.modules))"
    loaded = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True).stdout.split()

    assert {"exporter", "exporter.calendar_busy", "exporter.limits", "exporter.value"} == {
        name for name in loaded if name.startswith("exporter") and not name.startswith("exporter.ics")
    }
