"""``python -m tests.soak``: prints the rounds as they end, then a table and what is to complain of; exit 1 when there is."""

from __future__ import annotations

import argparse
import asyncio
import sys
import tempfile
from collections import Counter
from dataclasses import fields
from pathlib import Path

from tests.soak.run import Soak, run
from tests.soak.vitals import Vitals


def report(soak: Soak, seconds: float, seed: int) -> str:
    """Return the soak as Markdown."""
    compared, wrong = sum(one.compared for one in soak.rounds), sum(len(one.wrong) for one in soak.rounds)
    lines = [
        f"| {seconds / 3600:.1f} h, seed {seed} | |",
        "|---|---|",
        f"| polls | {soak.polls} |",
        f"| of these failed, by reason | {_counted(soak.failures)} |",
        f"| trouble struck | {_counted(soak.struck)} |",
        f"| rounds; right again after, median and worst, s | {len(soak.rounds)}; {_spread(soak)} |",
        f"| numbers compared with the world; wrong | {compared}; {wrong} |",
        f"| `/-/healthy` asked; slowest, s (a stop of 12 s included) | {soak.health_checks}; {soak.worst_health:.1f} |",
        f"| share of a core | {soak.processor_share:.1%} |",
        f"| exit code after SIGTERM | {soak.exit_code} |",
        f"| complaints | {len(soak.complaints)} |",
        "",
        "| after, min | " + " | ".join(field.name.replace("_", " ") for field in fields(Vitals)) + " |",
        "|---:|" + "---:|" * len(fields(Vitals)),
        *(
            f"| {one.at / 60:.0f} | " + " | ".join(f"{getattr(one.vitals, field.name):.0f}" for field in fields(Vitals)) + " |"
            for one in soak.rounds
        ),
    ]
    return "\n".join(lines)


def _spread(soak: Soak) -> str:
    taken = sorted(one.calm_after for one in soak.rounds)
    return f"{taken[len(taken) // 2]:.0f}, {taken[-1]:.0f}" if taken else "-"


def _counted(counts: Counter[str]) -> str:
    return ", ".join(f"{number} {what}" for what, number in sorted(counts.items())) or "0"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak")
    parser.add_argument("--seconds", type=float, default=7200)
    parser.add_argument("--trouble", type=float, default=240, help="seconds of trouble before each calm")
    parser.add_argument("--seed", type=int, default=1)
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        soak = asyncio.run(run(Path(folder), seconds=arguments.seconds, trouble_seconds=arguments.trouble, seed=arguments.seed))
    print(report(soak, arguments.seconds, arguments.seed))
    print(*soak.complaints[:50], sep="\n")
    return 1 if soak.complaints else 0


if __name__ == "__main__":
    sys.exit(main())
