"""How many are many: enough for one message instead of one for each."""

from __future__ import annotations

from typing import Final

FEW: Final = 5
"""Fewer than so many are told one by one, unless they are most of all."""

MANY: Final = 10
"""So many are told together, however small a part of all they are.

A share alone would page 90 times for 90 of a thousand. So many that fail within an hour are no coincidence also where 5,000 are
watched; below that, a person who is called for each of them is still called fewer than ten times.
"""


def many(affected: str, large: str) -> str:
    """Return a condition on ``affected``, a number: it is not small and ``large`` holds, or it is many whatever its share."""
    return f"{affected} >= {FEW} and {large} or {affected} >= {MANY}"


def a_part_or_most(affected: str, of: str) -> str:
    """Return a condition on ``affected``, a number of targets of ``of``: not few and more than a tenth, or two and most."""
    return f"{affected} >= {FEW} and {affected} > 0.1 * {of}\n  or {affected} >= 2 and {affected} > 0.5 * {of}"
