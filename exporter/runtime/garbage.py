"""The cyclic garbage collector beside a fleet: full collections hold the loop, so they come when they cost little.

A full collection looks at every container that is alive: with 5,500 targets half a second, several times while they are
opened and polled for the first time, and for nothing, since what is built then stays. So none happens until everything has
been polled once; then all of that is exempted for good, and what is left to look at is what the polls of the moment need. The
values that polls bring are not looked at in the first place (``exporter.model.Value``). Targets that a reload replaces are
freed by reference counting, exempted or not (docs/decisions/0093).
"""

from __future__ import annotations

import gc
from enum import Enum
from typing import Final

_YOUNG, _MIDDLE, _OLD = gc.get_threshold()
_NEVER: Final = 1_000_000_000
_MIDDLE_GENERATION: Final = 1
_OLD_GENERATION: Final = 2


def postpone_full_collections() -> None:
    """Let no full collection happen until :func:`collect_and_freeze`; young objects are collected as always."""
    gc.set_threshold(_YOUNG, _MIDDLE, _NEVER)


class CollectionScope(Enum):
    """How much is looked at before it is exempted: the more, the longer the loop stands still."""

    YOUNG = "what has just come"
    NEW = "what came since the last time"
    ALL = "what was exempted before, too"


def collect_and_freeze(look: CollectionScope = CollectionScope.YOUNG) -> None:
    """Exempt all that is alive now, and let full collections happen again.

    What is dropped already and not looked at is kept: what was promoted while full collections were postponed, unless this is
    :attr:`CollectionScope.NEW`, and what was exempted while it was alive, such as a connection that was open then, unless it is
    :attr:`CollectionScope.ALL`.
    """
    if look is CollectionScope.ALL:
        gc.unfreeze()
    gc.collect(_MIDDLE_GENERATION if look is CollectionScope.YOUNG else _OLD_GENERATION)
    gc.freeze()
    gc.set_threshold(_YOUNG, _MIDDLE, _OLD)
