"""What masking thousands of known secrets costs a line of the log: ``python -m tests.benchmarks.known_secrets``."""

from __future__ import annotations

import io
import time
import tracemalloc
from collections.abc import Callable
from random import Random

import structlog

from exporter.support import logs
from exporter.support.known_secrets import KnownSecrets

SECRETS = 5_500
FACTS = {
    "target": "salon-berlin-wix",
    "collector": "bookings",
    "reason": "invalid_response",
    "message": "Wix answered query_bookings with something that is not a page of bookings (text/html, 4711 bytes)",
    "status": 200,
    "request_id": "1790000000.123456789012345678",
    "attempt": 3,
}


def microseconds(work: Callable[[], object], times: int = 2_000) -> float:
    """Return the best of five rounds, for one call."""
    rounds = []
    for _ in range(5):
        began = time.process_time()
        for _ in range(times):
            work()
        rounds.append((time.process_time() - began) / times)
    return min(rounds) * 1e6


def main() -> None:
    random = Random(1)
    letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"
    secrets = ["".join(random.choices(letters, k=40)) for _ in range(SECRETS)]
    logs.configure("info", "logfmt", io.StringIO())
    log = structlog.get_logger("exporter.polling.scheduler")
    before = microseconds(lambda: log.warning("poll_failed", **FACTS))
    known = KnownSecrets()
    began = time.process_time()
    known.hold("configuration", secrets)
    print(f"to learn {SECRETS} secrets: {time.process_time() - began:.2f} s")
    texts = [str(fact) for fact in FACTS.values()]
    masking = microseconds(lambda: [known.mask(text) for text in texts])
    print(f"a line of the log: {before:.0f} us without, {masking:.0f} us more for masking")
    page = str(FACTS["message"]) * 40
    print(f"a text of {len(page)} letters: {microseconds(lambda: known.mask(page), 200):.0f} us")
    began = time.process_time()
    for number in range(1_000):
        known.hold("tokens", [f"{secrets[number]}-renewed"])
    print(f"a renewed token: {(time.process_time() - began) * 1e3:.0f} us")
    tracemalloc.start()
    again = KnownSecrets()
    again.hold("configuration", secrets)
    print(f"memory: {tracemalloc.get_traced_memory()[0] / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
