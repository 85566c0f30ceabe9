"""How the C library hands out memory: from one heap, because Python lets one thread at a time take any."""

from __future__ import annotations

import contextlib
import sys
from typing import Final

_M_ARENA_MAX: Final = -8  # <malloc.h> of glibc


def share_one_heap() -> None:
    """Let all threads that begin from now on take memory from the same heap.

    glibc gives each thread a heap of its own, eight for each core, and what one of them freed is of no use to the others: an
    eighth of the memory of a large fleet (docs/decisions/0240). Another C library is left as it is.
    """
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):  # a Python without libffi, a libc without the call
            from ctypes import CDLL  # noqa: PLC0415  nothing else of a start needs it

            CDLL(None).mallopt(_M_ARENA_MAX, 1)
