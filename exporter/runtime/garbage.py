"""The cyclic garbage collector beside a fleet: full collections hold the loop, so they come when they cost little.

A full collection looks at every container that is alive: with 5,500 targets half a second, several times while they are
opened and polled for the first time, and for nothing, since what is built then stays. So none happens until everything has
been polled once; then all of that is exempted for good, and what is left to look at is what the polls of the moment need. The
values that polls bring are not looked at in the first place (``exporter.model.Value``). Targets that a reload replaces are
freed by reference counting, exempted or not (docs/decisions/0093).
"""

from __future__ import annotations

import gc
from typing import Final

_YOUNG, _MIDDLE, _OLD = gc.get_threshold()
_NEVER: Final = 1_000_000_000
_MIDDLE_GENERATION: Final = 1


def postpone() -> None:
    """Let no full collection happen until :func:`settle`; young objects are collected as always."""
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)


def settle(*, thoroughly: bool = False) -> None:
    """Exempt all that is alive now, and let full collections happen again.

    ``thoroughly`` looks at everything first, what is exempted already as well: what was promoted while full collections were
    postponed, and dropped since, would else be kept for good.
    """
    if thoroughly:
        gc.unfreeze()
        gc.collect()
    else:
        gc.collect(_MIDDLE_GENERATION)
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
