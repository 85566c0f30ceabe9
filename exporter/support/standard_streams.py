"""Standard output: it may be closed, lack letters, or be closed early by a pipe, as ``head -1`` does. None of it is an error.

A full disk is: :func:`discard_output` keeps the interpreter from trying again when it ends.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Final

_NOWHERE: Final = os.devnull


def open_closed_streams() -> None:
    """Open each of the three standard streams that the caller closed (``>&-``), on nothing.

    Otherwise Python has none, and the first socket gets its number: what is meant for people would go to a platform.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(_NOWHERE, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  as long as the process


def discard_output() -> None:
    """Let what is still to be written on standard output go nowhere, also what the interpreter flushes when it ends."""
    os.dup2(os.open(_NOWHERE, os.O_WRONLY), sys.stdout.fileno())


def escape_unencodable_output() -> None:
    """Let standard output take any text: letters that its encoding lacks (ISO-8859-1, KOI8-R, ASCII) become their numbers.

    Standard error does so by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write_output(text: str | bytes) -> None:
    """Write ``text`` on standard output at once, bytes as they are. After the reader has gone, everything goes nowhere."""
    try:
        if isinstance(text, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
