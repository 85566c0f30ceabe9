"""Mutants that change nothing that matters, each with the reason: the same in other words, or never seen."""

from __future__ import annotations

import re
from typing import Final

_NO_FAULT: Final = (
    ("", r"strict=True\)*.* -> .*strict=False", "a guard against our own slip: what is joined has one length"),
    (
        "counting/bookings.py",
        r"count: None if inside is None or .* -> None if",
        "who asks for statuses has the rows of the window",
    ),
    (
        "counting/conflicts.py",
        r"lane\[turn \+ 1\]\[0\] < end.*lane\[turn \+ 0\]",
        "the second of a tangle begins before the first ends",
    ),
    (
        "counting/windows.py",
        r"range\(366\) -> range\(36[57]\)",
        "the last day of a year is tried in the night before the first as well",
    ),
    ("bitrix24/paging.py", r"^_is_much:", "how many pages are decoded between two turns of the event loop"),
)
NO_FAULT: Final = tuple((module, re.compile(pattern), text) for module, pattern, text in _NO_FAULT)
"""The end of a module's path, a pattern of the mutant's name, and why it changes nothing that matters."""


def why(path: str, name: str) -> str:
    """Return why a mutant changes nothing that matters, ``""`` when nobody knows."""
    return next((text for module, pattern, text in NO_FAULT if path.endswith(module) and pattern.search(name)), "")
