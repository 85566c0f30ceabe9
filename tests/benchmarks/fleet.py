"""The exporter on a core of its own, watching a fleet: ``python -m tests.benchmarks.fleet --sites 20 --portals 3``.

The fake platforms and whoever measures share the other core. Printed is one table in Markdown; its rows are explained in
``docs/benchmarks.md``. It takes minutes by its nature, so ``make bench`` leaves it to ``make bench-fleet``.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import signal
import tempfile
from pathlib import Path

from tests.fleet.run import START_SECONDS, STOP_SECONDS, Plan, run
from tests.fleet.table import table

AROUND_SECONDS = START_SECONDS + STOP_SECONDS + 120


def new_parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks.fleet")
    parser.add_argument("--sites", type=int, default=5000, help="Wix sites with 4 connections each")
    parser.add_argument("--portals", type=int, default=500, help="Bitrix24 portals with 200 to 1,000 bookings each")
    parser.add_argument("--seconds", type=float, default=300, help="how long, from the moment at which the exporter listens")
    parser.add_argument("--tls", action=argparse.BooleanOptionalAction, default=True, help="platforms speak HTTPS")
    parser.add_argument(
        "--scrape-every", type=float, default=0, help="seconds between scrapes of the whole page; 0: only the last"
    )
    return parser


def plan_of(arguments: argparse.Namespace) -> Plan:
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        print("One core only: the fake, the exporter and the measuring share it, so read shares and latencies with care.\n")
    return Plan(
        arguments.sites,
        arguments.portals,
        arguments.seconds,
        tls=arguments.tls,
        scrape_every=arguments.scrape_every,
        cores=(cores[0], cores[1]) if len(cores) > 1 else None,
    )


async def measure(plan: Plan) -> None:
    task = asyncio.current_task()
    assert task is not None
    # Whoever ends us by a signal ends the exporter and the fake, too.
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, task.cancel)
    if plan.cores:
        os.sched_setaffinity(0, {plan.cores[0]})
    with tempfile.TemporaryDirectory() as folder:
        async with asyncio.timeout(plan.seconds + AROUND_SECONDS):
            print(table(await run(plan, Path(folder))))


if __name__ == "__main__":
    asyncio.run(measure(plan_of(new_parser().parse_args())))
