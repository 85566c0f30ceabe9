"""``python -m tests.mutation``: tries the small faults that were not tried yet.

What came of each mutant lies in ``build/mutation``, so that a run can be ended and taken up again. ``--again`` tries those once
more that live, after tests were written, and ``--wide`` takes the slower tests as well. ``--every 5`` tries each fifth.
``--report`` tries nothing and writes the figures into ``docs/testing.md``.
"""

from __future__ import annotations

import argparse
import functools
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from tests.mutation.parts import PARTS, Part
from tests.mutation.report import Kept, figures, listed, write
from tests.mutation.trials import ROOT, Outcome, Subject, Wanted, try_all

STATE: Final = ROOT / "build" / "mutation"
DOCUMENT: Final = ROOT / "docs" / "testing.md"


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.mutation")
    parser.add_argument("--only", default="", help="a part, or the end of a module's path")
    parser.add_argument("--minutes", type=float, default=100.0, help="begin no mutant after so long")
    parser.add_argument("--every", type=int, default=1, help="try each N-th mutant")
    parser.add_argument("--again", action="store_true", help="try once more what lives")
    parser.add_argument("--wide", action="store_true", help="take the slower tests as well")
    parser.add_argument("--report", action="store_true", help="write the figures into docs/testing.md")
    options = parser.parse_args()
    ends_at = time.monotonic() + options.minutes * 60
    kept = {path: Kept(STATE, Subject(path)) for part in PARTS for path in part.modules if _is_meant(part, path, options.only)}
    if options.report:
        write(DOCUMENT, kept, datetime.now(UTC).date())
        return 0
    for part in PARTS:
        meant = [its for path, its in kept.items() if path in part.modules]
        tests = part.tests + part.wider if options.wide else part.tests
        wanted = list(_wanted(meant, options.every, ends_at, again=options.again))
        files = [str(ROOT / path) for path in part.modules]
        is_time = wanted and time.monotonic() < ends_at
        if is_time and not try_all(wanted, tests, files, STATE / f"{part.name}.tests.json"):
            print(f"the tests of {part.name} could not be run", file=sys.stderr)
    print("\n".join([*figures(kept), *listed(kept)]))
    return 0


def _is_meant(part: Part, path: str, only: str) -> bool:
    return only in {"", part.name} or path.endswith(only)


def _wanted(meant: list[Kept], every: int, ends_at: float, *, again: bool) -> Iterator[Wanted]:
    def note(its: Kept, outcome: Outcome) -> bool:
        its.add(outcome)
        print(f"{outcome.result:9} {outcome.seconds:6.1f} s  {its.subject.path}: {outcome.name}", flush=True)
        return time.monotonic() < ends_at

    for its in meant:
        for mutant in its.left(every=every, again=again):
            yield Wanted(its.subject, mutant, functools.partial(note, its))


if __name__ == "__main__":
    sys.exit(main())
