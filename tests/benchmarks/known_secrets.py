"""What it costs a line of the log that 5,500 secrets are masked in it: ours, and one regular expression of all of them.

The line has seven facts, as that of a failed poll; beside it stands the whole line, rendered without masking.
"""

from __future__ import annotations

import io
import re
import time
from collections.abc import Callable
from functools import partial
from itertools import cycle
from random import Random
from typing import Final

import structlog

from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets
from tests.benchmarks.figures import Figure, in_turns
from tests.benchmarks.report import main

SECRETS: Final = 5_500
FACTS: Final = {
    "target": "salon-berlin-wix",
    "collector": "bookings",
    "reason": "invalid_response",
    "message": "Wix answered query_bookings with something that is not a page of bookings (text/html, 4711 bytes)",
    "status": 200,
    "request_id": "1790000000.123456789012345678",
    "attempt": 3,
}
_LETTERS: Final = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"


def microseconds(work: Callable[[], object], times: int = 500) -> float:
    """Return the processor time of one call."""
    began = time.process_time()
    for _ in range(times):
        work()
    return (time.process_time() - began) / times * 1e6


def learnt(secrets: list[str]) -> KnownSecrets:
    """Return what knows them."""
    known = KnownSecrets()
    known.hold("configuration", secrets)
    return known


def quiet_log() -> structlog.stdlib.BoundLogger:
    """Return a log as the daemon has it, that nobody reads."""
    logs.configure("info", "logfmt", io.StringIO())
    log: structlog.stdlib.BoundLogger = structlog.get_logger("exporter.polling.scheduler")
    return log


def figures(rounds: int, number: int = SECRETS) -> list[Figure]:
    """Measure learning the secrets, a line, a long text, and a secret that is renewed."""
    random = Random(1)
    secrets = ["".join(random.choices(_LETTERS, k=40)) for _ in range(number)]
    log = quiet_log()
    known, pattern = learnt(secrets), re.compile("|".join(map(re.escape, secrets)))
    texts = [str(fact) for fact in FACTS.values()]
    page = str(FACTS["message"]) * 40
    renewed = (f"{secret}-renewed" for secret in cycle(secrets))

    def expression() -> None:
        re.purge()
        re.compile("|".join(map(re.escape, secrets)))

    def line(mask: Callable[[str], object]) -> float:
        return microseconds(lambda: [mask(text) for text in texts])

    substituted = partial(pattern.sub, "[secret]")
    learning = in_turns(
        rounds,
        {
            "ours": lambda: microseconds(lambda: learnt(secrets), 1) / 1000,
            "re": lambda: microseconds(expression, 1) / 1000,
        },
    )
    masking = in_turns(
        rounds,
        {
            "ours": lambda: line(known.mask),
            "re": lambda: line(substituted),
            "the line itself": lambda: microseconds(lambda: log.warning("poll_failed", **FACTS)),
        },
    )
    reading = in_turns(
        rounds,
        {
            "ours": lambda: microseconds(lambda: known.mask(page), 20),
            "re": lambda: microseconds(lambda: substituted(page), 20),
        },
    )
    renewing = in_turns(rounds, {"ours": lambda: microseconds(lambda: known.hold("tokens", [next(renewed)]))})
    return [
        Figure(f"to learn {number:,} secrets: CPU", "ms", learning.pop("ours"), learning),
        Figure("to mask a line: CPU", "us", masking.pop("ours"), masking),
        Figure(f"to mask a text of {len(page):,} letters: CPU", "us", reading.pop("ours"), reading),
        Figure("to learn a renewed token: CPU", "us", renewing["ours"]),
    ]


if __name__ == "__main__":
    main("known_secrets", __doc__, figures)
