"""How much memory an object holds, with all that hangs on it."""

from __future__ import annotations

import asyncio
import gc
import sys
from types import BuiltinFunctionType, CodeType, FunctionType, ModuleType

import msgspec

from tests.harness.clock import ManualClock

# What these hang on is the interpreter's, the program's or the test's: it is there once, whatever is remembered.
_SHARED = (type, ModuleType, FunctionType, BuiltinFunctionType, CodeType, asyncio.AbstractEventLoop, ManualClock)


def weight(*roots: object) -> int:
    """Return the bytes of ``roots`` and of everything that they lead to, each object once."""
    found = {id(root): root for root in roots}
    waiting = list(found.values())
    while waiting:
        for child in _children(waiting.pop()):
            if id(child) not in found and not isinstance(child, _SHARED):
                found[id(child)] = child
                waiting.append(child)
    return sum(map(sys.getsizeof, found.values()))


def _children(parent: object) -> list[object]:
    if isinstance(parent, msgspec.Struct):  # the garbage collector knows nothing of ours
        return [getattr(parent, name) for name in parent.__struct_fields__]
    return gc.get_referents(parent)
