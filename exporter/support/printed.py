"""Standard output that a pipe may close early, as ``head -1`` does: that is no error, and costs no exit code."""

from __future__ import annotations

import os
import sys
from typing import Final

_NOWHERE: Final = os.devnull


def put(text: str | bytes) -> None:
    """Write ``text`` on standard output at once, bytes as they are. After the reader has gone, everything goes nowhere."""
    try:
        if isinstance(text, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # The interpreter flushes once more when it ends, and would complain.
        os.dup2(os.open(_NOWHERE, os.O_WRONLY), sys.stdout.fileno())
