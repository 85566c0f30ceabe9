"""Imports without the garbage collector: what is imported stays, and to look at all of it again and again finds nothing."""

from __future__ import annotations

import contextlib
import gc
import sys
from collections.abc import Iterator


@contextlib.contextmanager
def without_garbage_collection() -> Iterator[None]:
    """Look for no garbage meanwhile, and never at what was imported."""
    known, looks = len(sys.modules), gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if len(sys.modules) > known:
            gc.freeze()
        if looks:
            gc.enable()
