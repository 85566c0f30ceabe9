"""Where in an interval something lies that many do: a place of its own for each, the same in every process."""

from __future__ import annotations

import hashlib


def phase(name: str) -> float:
    """Return a number in ``[0, 1)``, by the hash of ``name``: those of many names lie evenly."""
    digest = hashlib.blake2b(name.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64
