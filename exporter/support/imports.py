"""Imports without garbage collection: imported objects stay alive, so that a collection among them costs time for nothing."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Run the block with the cyclic garbage collector off, and exempt what was imported in it from later collections."""
    known, looks = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if looks:
            gc.enable()
