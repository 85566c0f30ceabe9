"""The process that reads feeds: jobs come in at the standard input, answers go out at the standard output.

What strangers publish is worked on here and not in the exporter: with a limit of memory, a limit of CPU seconds for each feed,
and no way to say more than :class:`~exporter.ics.values.FeedAnswer` has room for. It ends with its parent, also with one that
was killed: the pipe ends then, and a thread looks at nothing else.
"""

from __future__ import annotations

import math
import os
import queue
import resource
import sys
import threading
import traceback
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from exporter.ics.framing import framed, next_message
from exporter.ics.values import Fault, FeedAnswer, FeedJob
from exporter.limits import FEED_MEMORY

OUT_OF_MEMORY: Final = 3
NOT_INSTALLED: Final = 4
"""How the process ends when a feed needs more memory than it may have, and when the extra ``ics`` is not installed."""

_encode: Final = msgspec.msgpack.Encoder().encode
_decode: Final = msgspec.msgpack.Decoder(FeedJob).decode


def main() -> None:
    """Answer one job after the other until the standard input ends. Never returns."""
    try:
        # Late, so that a missing library is told apart from a bug, and before the limit, which is for feeds.
        from exporter.ics.expansion import read_feed  # noqa: PLC0415
    except ModuleNotFoundError:
        os._exit(NOT_INSTALLED)
    _limit(resource.RLIMIT_CORE, 1)  # one byte: then the kernel hands nothing to a program for core dumps, which 0 allows
    _limit(resource.RLIMIT_DATA, FEED_MEMORY.number)
    jobs: queue.SimpleQueue[FeedJob] = queue.SimpleQueue()
    threading.Thread(target=_listen, args=(sys.stdin.buffer, jobs), daemon=True).start()
    while True:
        job = jobs.get()
        _limit_cpu(job.cpu_seconds)
        try:
            answer = read_feed(job)
        except MemoryError:
            os._exit(OUT_OF_MEMORY)
        except Exception as error:  # noqa: BLE001 - a bug of ours; its text may quote the feed, so the place has to do
            answer = FeedAnswer(fault=Fault.BUG, detail=_place(error))
        del job
        _say(sys.stdout.buffer, answer)


def _say(stream: BinaryIO, answer: FeedAnswer) -> None:
    try:
        stream.write(framed(_encode(answer)))
        stream.flush()
    except BrokenPipeError:
        os._exit(0)


def _listen(stream: BinaryIO, jobs: queue.SimpleQueue[FeedJob]) -> None:
    """Pass jobs on, and end the process as soon as no more can come, whatever it does at that moment."""
    try:
        while (message := next_message(stream)) is not None:
            job = _decode(message)
            del message
            jobs.put(job)
            del job
    except MemoryError:
        os._exit(OUT_OF_MEMORY)
    finally:
        os._exit(0)


def _limit_cpu(seconds: int) -> None:
    """Have the kernel end this process after ``seconds`` more of CPU time: also one that no signal reaches, inside of C."""
    used = resource.getrusage(resource.RUSAGE_SELF)
    _limit(resource.RLIMIT_CPU, math.ceil(used.ru_utime + used.ru_stime) + seconds)


def _limit(kind: int, number: int) -> None:
    """Set a limit of this process, as far as whoever started the exporter allows it."""
    hard = resource.getrlimit(kind)[1]
    resource.setrlimit(kind, (number if hard == resource.RLIM_INFINITY else min(number, hard), hard))


def _place(error: Exception) -> str:
    frame = traceback.extract_tb(error.__traceback__)[-1]
    return f"{type(error).__name__} at {Path(frame.filename).name}:{frame.lineno}"


if __name__ == "__main__":
    main()
