"""Standard output: its encoding may lack letters, and a pipe may close it early, as ``head -1`` does. Neither is an error."""

from __future__ import annotations

import io
import os
import sys
from typing import Final

_NOWHERE: Final = os.devnull


def write_out_what_the_terminal_lacks() -> None:
    """Let standard output take any text: letters that its encoding lacks (ISO-8859-1, KOI8-R, ASCII) become their numbers.

    Standard error does so by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


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
