"""``python -m tests.planted``: plants all faults, lets the healthy twin live, writes the table; exit 1 if anything is wrong."""

from __future__ import annotations

import argparse
import asyncio
import logging
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import structlog

from tests.planted.faults import FAULTS
from tests.planted.run import Outcome, healthy, planted
from tests.planted.table import DOCUMENT, document, row
from tests.planted.world import DAY


def _quietly() -> None:
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))


def _plant(words: str) -> Outcome:
    return asyncio.run(planted(next(fault for fault in FAULTS if fault.planted == words)))


def _live(seconds: float) -> tuple[int, tuple[str, ...]]:
    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(healthy(Path(folder), seconds))


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.planted")
    parser.add_argument("--only", default="", help="plant only what has this in its words, and keep nothing")
    parser.add_argument("--days", type=float, default=14, help="so long the healthy twin lives")
    arguments = parser.parse_args()
    chosen = [fault.planted for fault in FAULTS if arguments.only in fault.planted]
    outcomes: list[Outcome] = []
    with ProcessPoolExecutor(2, initializer=_quietly) as pool:
        twin = None if arguments.only else pool.submit(_live, arguments.days * DAY)
        for outcome in pool.map(_plant, chosen):
            outcomes.append(outcome)
            print(row(outcome), end="", flush=True)
        wrong = [complaint for outcome in outcomes for complaint in outcome.complaints]
        if twin is not None:
            polls, found = twin.result()
            print(f"the healthy twin: {polls} polls", *found, sep="\n")
            DOCUMENT.write_text(document(outcomes, arguments.days, polls, found))
            wrong += found
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
