"""What the frozen values that pass between layers are made of."""

from __future__ import annotations

import msgspec


class Value(msgspec.Struct, frozen=True, gc=False):
    """A frozen value that the garbage collector passes over.

    A fleet holds a million of them, and to look at each takes seconds in which the loop stands still. What is built once from
    other values can be in no cycle, so there is nothing to find (docs/decisions/0093).
    """


class Window(Value, frozen=True, gc=False):
    """A named half-open interval ``[start, end)`` in Unix seconds, resolved against one frozen now."""

    name: str
    start: float
    end: float
