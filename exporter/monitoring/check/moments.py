"""Moments as servers written in Go tell them."""

from __future__ import annotations

from datetime import datetime
from typing import Final

_NEVER: Final = "0001-01-01T00:00:00Z"


def moment(text: str) -> float | None:
    """Return the Unix time of an RFC 3339 moment; ``None`` for the one that means never, and for anything else."""
    if text == _NEVER:
        return None
    whole, _, _ = text.partition(".")
    try:
        return datetime.fromisoformat(whole.removesuffix("Z") + "+00:00" if text.endswith("Z") else text).timestamp()
    except (ValueError, OverflowError):
        return None
