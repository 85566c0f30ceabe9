"""The one process that reads the feeds of all targets, as the exporter sees it: started when needed, replaced when it ends.

Feeds take turns, first come first served, and who waits for a turn waits for us and not for the publisher: no deadline of a
poll counts it. A feed that takes too long, or too much memory, costs its own poll and a new process, and nothing else.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
import zlib
from asyncio.subprocess import DEVNULL, PIPE, Process
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Final

import msgspec

from exporter.clock import paused
from exporter.errors import InternalError, InvalidResponseError, PollError, TargetConfigError
from exporter.ics.child import NOT_INSTALLED, OUT_OF_MEMORY
from exporter.ics.framing import HEADER_BYTES, MAX_ANSWER_BYTES, framed, length_in
from exporter.ics.values import Fault, FeedAnswer, FeedJob, FeedTimes
from exporter.limits import FEED_ENTRIES, FEED_MEMORY
from exporter.platforms.base import Services
from exporter.platforms.calendar.ics_address import EXTRA
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.support.fair_semaphore import FairSemaphore

CPU_SECONDS: Final = 10
"""What a feed may take of a processor."""

WALL_SECONDS: Final = 60.0
"""How long a feed may take, whoever else keeps the machine busy."""

COMMAND: Final = (sys.executable, "-P", "-m", "exporter.ics.child")
# What else the environment holds (credentials, maybe) is none of a process's business that reads what strangers write.
_PASSED_ON: Final = ("PATH", "PYTHONPATH", "PYTHONHOME", "PYTHONTZPATH", "PYTHONDONTWRITEBYTECODE", "LD_LIBRARY_PATH", "LC_ALL")
_SEEN_BY_COVERAGE: Final = "COVERAGE_"

_QUICKLY: Final = 1  # a level of zlib

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(FeedAnswer).decode

_FAULTS: Final[Mapping[Fault, str]] = {
    Fault.EMPTY: "{host} sent nothing where the calendar's feed should be",
    Fault.HTML: "{host} sent a web page instead of a calendar's feed: often to sign in, or that the feed is gone",
    Fault.NOT_A_CALENDAR: "{host} sent something that is not a calendar's feed",
    Fault.TRUNCATED: "{host} sent a calendar's feed that breaks off before its end",
    Fault.TOO_MANY: f"{{host}} sent a calendar's feed with more than {FEED_ENTRIES} within 11 days",
}


class FeedProcess:
    """Reads feeds in a process of its own, one after the other. Lives in one event loop at a time."""

    def __init__(self, command: Sequence[str] = COMMAND, cpu_seconds: int = CPU_SECONDS, seconds: float = WALL_SECONDS) -> None:
        self._command = tuple(command)
        self._cpu_seconds = cpu_seconds
        self._seconds = seconds
        self._process: Process | None = None
        self._turns: FairSemaphore | None = None
        self._users = 0

    @property
    def pid(self) -> int | None:
        """The process that is there, if one is."""
        return self._process.pid if self._process else None

    def join(self) -> None:
        """Say that one more reader may need the process."""
        self._users += 1

    async def leave(self) -> None:
        """Say that a reader needs it no longer; with the last one it ends."""
        self._users -= 1
        if not self._users:
            self._turns = None
            await self._end()

    async def read(self, services: Services, host: str, job: FeedJob) -> FeedTimes:
        """Return when the entries of the feed of ``host`` are.

        Raises :class:`~exporter.errors.InvalidResponseError` for a feed that cannot be read, and
        :class:`~exporter.errors.InternalError` for what went wrong here.
        """
        turns = self._turns = self._turns or FairSemaphore(services.clock, 1)
        began = services.clock.monotonic()
        is_packed = turns.places == 0  # of hundreds that wait after a start, each is megabytes of text
        if is_packed:
            job = await _with_body(job, services, partial(zlib.compress, level=_QUICKLY))
        with paused() as max_seconds:
            admitted = await turns.acquire(max_seconds)
        services.events.throttle_wait(services.clock.monotonic() - began)
        if not admitted:
            raise InternalError(f"the feed of {host} was not read: other feeds kept the process that reads them busy")
        try:
            if is_packed:
                job = await _with_body(job, services, zlib.decompress)
            message = framed(_encode(msgspec.structs.replace(job, cpu_seconds=self._cpu_seconds)))
            del job
            answer = await self._within_time(services, message, host)
        finally:
            turns.release(1)
        if answer.fault is None:
            return answer.times
        if answer.fault is Fault.BUG:
            raise InternalError(f"the feed of {host} was not read: {answer.detail}")
        raise InvalidResponseError(_FAULTS[answer.fault].format(host=host))

    async def _within_time(self, services: Services, message: bytes, host: str) -> FeedAnswer:
        try:
            async with services.clock.timeout(self._seconds):
                return await self._ask(message, host)
        except TimeoutError:
            await self._end()
            raise InvalidResponseError(f"the feed of {host} takes longer than {self._seconds:g} s to read") from None
        except BaseException:
            # Also a poll that is called off: what the process is busy with is nobody's any more.
            await self._end()
            raise

    async def _ask(self, message: bytes, host: str) -> FeedAnswer:
        process, to, from_ = await self._running()
        try:
            to.write(message)
            del message
            await to.drain()
            length = length_in(await from_.readexactly(HEADER_BYTES))
            if length > MAX_ANSWER_BYTES:
                raise InternalError("the process that reads feeds said more than it has to say")
            return _decode(await from_.readexactly(length))
        except (asyncio.IncompleteReadError, ConnectionError):
            raise self._ended(await process.wait(), host) from None
        except msgspec.MsgspecError:
            raise InternalError("the process that reads feeds said something that is no answer") from None

    async def _running(self) -> tuple[Process, asyncio.StreamWriter, asyncio.StreamReader]:
        if self._process is not None and self._process.returncode is not None:
            await self._end()
        if self._process is None:
            passed_on = {
                name: value for name, value in os.environ.items() if name in _PASSED_ON or name.startswith(_SEEN_BY_COVERAGE)
            }
            try:
                # In a session of its own, so that Ctrl-C is for the exporter alone. Nothing that it writes is shown: a line of
                # Python about an error quotes what it is about.
                self._process = await asyncio.create_subprocess_exec(
                    *self._command, stdin=PIPE, stdout=PIPE, stderr=DEVNULL, env=passed_on, start_new_session=True
                )
            except OSError as error:
                raise InternalError(f"the process that reads feeds could not be started: {error.strerror}") from None
        process = self._process
        if process.stdin is None or process.stdout is None:
            raise InternalError("the process that reads feeds has no pipes")
        return process, process.stdin, process.stdout

    def _ended(self, code: int, host: str) -> PollError:
        if code == OUT_OF_MEMORY:
            return InvalidResponseError(f"the feed of {host} needs more than {FEED_MEMORY} of memory to read")
        if code == -signal.SIGXCPU:
            return InvalidResponseError(f"the feed of {host} takes more than {self._cpu_seconds} s of a processor to read")
        if code == NOT_INSTALLED:
            return TargetConfigError(f"what reads calendar feeds is not installed: run {EXTRA}")
        how = f"by signal {-code}" if code < 0 else f"with code {code}"
        return InternalError(f"the process that reads feeds ended {how}")

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            process.kill()
        if process.stdin is not None:
            process.stdin.close()
        await process.wait()
        if process.stdout is not None:
            await process.stdout.read()  # to its end, so that the loop lets go of the pipe


async def _with_body(job: FeedJob, services: Services, made: Callable[[bytes], bytes]) -> FeedJob:
    """Return ``job`` with what is ``made`` of its feed."""
    body = job.body
    return msgspec.structs.replace(job, body=await off_the_loop(services.admission, rows_in(body), made, body))
