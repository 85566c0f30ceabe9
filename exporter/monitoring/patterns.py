"""Regular expressions of Prometheus and Alertmanager (RE2), as far as Python reads them alike and soon."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Final

_OTHERWISE: Final = re.compile(r"\[\[|--|&&|~~|\\[pPzQEC]|\(\?(?!:|P<)")
_REPEATED_GROUP: Final = re.compile(r"\)[*+{]")
_MAX_REPEATS: Final = 6
"""Python tries out what RE2 does not have to; a label is short enough for as many."""


@lru_cache(maxsize=4096)
def anchored(pattern: str) -> re.Pattern[str] | None:
    """Return a pattern for :meth:`~re.Pattern.fullmatch`; ``None`` where Python would read it otherwise, or for ever."""
    repeats = sum(pattern.count(sign) for sign in "*+{")
    if _OTHERWISE.search(pattern) or _REPEATED_GROUP.search(pattern) or repeats > _MAX_REPEATS:
        return None
    try:
        return re.compile(pattern, re.ASCII)
    except (re.error, OverflowError, RecursionError):
        return None
