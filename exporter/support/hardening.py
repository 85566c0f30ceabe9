"""Process hardening: no core dump and no debugger reads the memory of this process, and with it every credential."""

from __future__ import annotations

import contextlib
import resource
import sys
from typing import Final

_PR_SET_DUMPABLE: Final = 4  # <sys/prctl.h>


def keep_memory_private() -> None:
    """Write no core dump from now on, and on Linux let no process of the same user read memory or environment of this one.

    Both hold until the end of the process; programs that it starts inherit only the first. A system that forbids either is
    left as it is: the exporter works all the same (docs/decisions/0145).
    """
    if sys.platform == "linux":
        with contextlib.suppress(ImportError, OSError, AttributeError):  # a Python without libffi, a libc without the call
            from ctypes import CDLL  # noqa: PLC0415  the one place that needs it

            CDLL(None).prctl(_PR_SET_DUMPABLE, 0, 0, 0, 0)
    with contextlib.suppress(OSError, ValueError):
        resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
