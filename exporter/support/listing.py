"""Names in a sentence, however many there are."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from exporter.model import Message

_NAMED: Final = 5


def first_names(names: Sequence[str]) -> str:
    """Return the first five of ``names`` and how many more there are: ``a, b, c, d, e and 19,995 more``."""
    shown, rest = ", ".join(names[:_NAMED]), len(names) - _NAMED
    return Message("%(names)s and %(number)s more", names=shown, number=f"{rest:,}") if rest > 0 else shown
