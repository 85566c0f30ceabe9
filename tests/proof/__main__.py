"""``python -m tests.proof``: rehearses all faults on real servers, lets the healthy twin live; exit 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from tests.proof.faults import BITRIX24, PLANTED, READS, WIX
from tests.proof.run import Rehearsed, rehearsed
from tests.proof.table import DOCUMENT, document, row
from tests.proof.twin import Lived, lived


def _quietly() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))


def _rehearse(hours: float) -> Rehearsed:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(rehearsed(Path(folder), PLANTED, WIX, BITRIX24, hours, READS))


def _live(days: int) -> Lived:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(lived(Path(folder), days))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.proof")
    parser.add_argument("--hours", type=float, default=24, help="so long the rehearsal lasts")
    parser.add_argument(
        "--days", type=int, default=14, help="so long the healthy twin lives; 0 leaves it out and keeps nothing"
    )
    arguments = parser.parse_args()
    _quietly()
    with ProcessPoolExecutor(1, initializer=_quietly) as pool:
        twin = pool.submit(_live, arguments.days) if arguments.days else None
        seen = _rehearse(arguments.hours)  # here, since faults have functions without a name
        print(*map(row, seen.outcomes), sep="", end="", flush=True)
        wrong = [*seen.complaints, *(complaint for outcome in seen.outcomes for complaint in outcome.complaints)]
        if twin is not None:
            alive = twin.result()
            wrong += alive.complaints
            DOCUMENT.write_text(document(seen, alive, arguments.days))
    print(*wrong, sep="\n")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
