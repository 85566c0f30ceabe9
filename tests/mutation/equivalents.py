"""Mutants that change nothing that matters, each with the reason: the same in other words, or never seen."""

from __future__ import annotations

import re
from typing import Final

_NO_FAULT: Final[tuple[tuple[str, str, str], ...]] = ()
NO_FAULT: Final = tuple((module, re.compile(pattern), text) for module, pattern, text in _NO_FAULT)
"""The end of a module's path, a pattern of the mutant's name, and why it changes nothing that matters."""


def why(path: str, name: str) -> str:
    """Return why a mutant changes nothing that matters, ``""`` when nobody knows."""
    return next((text for module, pattern, text in NO_FAULT if path.endswith(module) and pattern.search(name)), "")
