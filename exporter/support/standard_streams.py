"""The standard streams: closed by the caller, of an encoding that lacks letters, or closed by the reader (``head -1``, EPIPE).

None of these is an error. A full disk is one: :func:`discard_output` keeps the interpreter from flushing again at its end.
"""

from __future__ import annotations

import io
import os
import sys
from typing import Final

_NOWHERE: Final = os.devnull


def open_closed_streams() -> None:
    """Open each standard stream that the caller closed (``>&-``) on the null device.

    If it stayed closed, the first socket would get its descriptor, and what is meant for people would go to a platform.
    """
    for number, name, mode in ((0, "stdin", "r"), (1, "stdout", "w"), (2, "stderr", "w")):
        try:
            os.fstat(number)
        except OSError:
            os.dup2(os.open(_NOWHERE, os.O_RDWR), number)
        if getattr(sys, name) is None:
            setattr(sys, name, open(number, mode, encoding="utf-8", closefd=False))  # noqa: SIM115  as long as the process


def discard_output() -> None:
    """Discard what standard output still holds, also what the interpreter flushes when it ends."""
    os.dup2(os.open(_NOWHERE, os.O_WRONLY), sys.stdout.fileno())


def escape_unencodable_output() -> None:
    """Let standard output write letters that its encoding lacks (ISO-8859-1, KOI8-R, ASCII) as their numbers.

    Standard error does so by itself.
    """
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="backslashreplace")


def write_output(text: str | bytes) -> None:
    """Write and flush ``text`` on standard output, bytes as they are; once the reader has closed it, output is discarded."""
    try:
        if isinstance(text, bytes):
            sys.stdout.flush()
            sys.stdout.buffer.write(text)
        else:
            sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        discard_output()
