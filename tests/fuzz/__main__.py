"""``python -m tests.fuzz SECONDS [--seed N]``: reads spoilt inputs until the time is over and tells what went wrong.

An input goes wrong when reading it raises what is not documented, shows a secret in the error, takes more than half a second
of processor time or more than 64 MiB of memory, looked at every fiftieth time and whenever there is much of something. Exit
code 1 when one did; the same seed gives each reader the same inputs, as far as the time goes.
"""

from __future__ import annotations

import argparse
import gc
import logging
import os
import resource
import sys
import time
import traceback
import tracemalloc
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from tempfile import TemporaryDirectory
from typing import Final

import structlog

from tests.fuzz.surfaces import Surface, surfaces

MAX_SECONDS: Final = 0.5
MAX_MEMORY: Final = 64 * 1024 * 1024
MUCH: Final = 512 * 1024
"""Bytes of an input whose memory is always looked at."""

SHOWN: Final = 10


@dataclass
class Figures:
    """What came of the inputs of one reader."""

    inputs: int = 0
    refused: int = 0
    spent: float = 0.0
    slowest: float = 0.0
    memory: int = 0
    findings: Counter[str] = field(default_factory=Counter)


def wrong(surface: Surface, given: bytes, figures: Figures, clock: Callable[[], float] = time.process_time) -> str | None:
    """Read ``given`` and return what is wrong with how that went; ``clock`` counts processor time in seconds."""
    error: Exception | None = None
    began = clock()
    try:
        surface.read(given)
    except Exception as raised:  # noqa: BLE001  that is the question
        error = raised
    took = clock() - began
    figures.inputs += 1
    figures.slowest = max(figures.slowest, took)
    try:
        return _said(surface, error, figures) or (f"took {took:.1f} s" if took > MAX_SECONDS else None)
    finally:
        del error  # its traceback holds this frame: in a cycle, inputs of megabytes would wait for the garbage collector


def _said(surface: Surface, error: Exception | None, figures: Figures) -> str | None:
    """Return what is wrong with ``error``."""
    if error is not None and not isinstance(error, surface.errors):
        where = traceback.extract_tb(error.__traceback__)[-1]
        return f"{type(error).__name__} at {Path(where.filename).name}:{where.lineno}: {str(error)[:200]!r}"
    if error is not None:
        figures.refused += 1
        shown = f"{error} {error!r}"
        if any(secret in shown for secret in surface.secrets):
            return f"shows a secret: {shown[:300]!r}"
    return None


def held() -> int:
    """Return the bytes that the process holds, without what only waits for the garbage collector."""
    gc.collect()
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()


def heavy(surface: Surface, given: bytes, figures: Figures) -> str | None:
    """Read ``given`` once more, and count the memory that takes."""
    tracemalloc.start()
    try:
        surface.read(given)
    except surface.errors:
        pass
    except Exception as error:  # noqa: BLE001  told already
        return type(error).__name__
    finally:
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        figures.memory = max(figures.memory, peak)
    return f"took {peak // 1024 // 1024} MiB" if peak > MAX_MEMORY else None


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.fuzz")
    parser.add_argument("seconds", type=float, nargs="?", default=60.0)
    parser.add_argument("--seed", type=int, default=int.from_bytes(os.urandom(4)))
    parser.add_argument("--only", default="", help="a part of the reader's name")
    options = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    print(f"seed {options.seed}")
    with TemporaryDirectory(prefix="fuzz") as folder:
        readers = [reader for reader in surfaces(Path(folder)) if options.only in reader.name]
        figures = {reader.name: Figures() for reader in readers}
        random = {
            reader.name: Random(f"{options.seed} {reader.name}") for reader in readers
        }  # whose turn it is depends on time
        for reader in readers:
            wrong(reader, reader.corpus[0], Figures())  # what is made once, such as the templates of the board, is no stall
        ends_at = time.monotonic() + options.seconds
        settled: int | None = None
        while time.monotonic() < ends_at:
            reader = min(readers, key=lambda one: figures[one.name].spent)  # each gets as much of the time
            if settled is None and time.monotonic() >= ends_at - options.seconds * 0.8:
                settled = held()
            its, began = figures[reader.name], time.monotonic()
            given = reader.next_input(random[reader.name])
            found = wrong(reader, given, its)
            if found is None and (its.inputs % 50 == 0 or len(given) > MUCH):
                found = heavy(reader, given, its)
            its.spent += time.monotonic() - began
            if found is not None:
                its.findings[found] += 1
                if its.findings[found] == 1 and len(its.findings) <= SHOWN:
                    print(f"{reader.name}: {found}\n  {given[:1500]!r}", flush=True)
    print(f"{'reader':42} {'inputs':>9} {'refused':>9} {'slowest':>9} {'memory':>8} {'findings':>8}")
    for name, its in figures.items():
        print(
            f"{name:42} {its.inputs:9,} {its.refused:9,} {its.slowest * 1000:6.0f} ms {its.memory / 2**20:4.1f} MiB "
            f"{len(its.findings):8}"
        )
    grown = (held() - (settled or 0)) / 2**20
    total = sum(its.inputs for its in figures.values())
    print(f"{total:,} inputs in {options.seconds:.0f} s; the process holds {grown:+.0f} MiB since the first fifth of that")
    return int(any(its.findings for its in figures.values()))


if __name__ == "__main__":
    sys.exit(main())
