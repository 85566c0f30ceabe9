"""The ``hash-password`` command: the bcrypt line of a web configuration, from a password that no list of processes shows."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, Final

import bcrypt

from exporter.errors import BookingSyncError

_COST: Final = 10  # as the exporter toolkit advises: a twentieth of a second for each try
_SIGNIFICANT_BYTES: Final = 72


def hashed(password: bytes) -> str:
    """Return the bcrypt hash of ``password``. Raises :class:`~exporter.errors.BookingSyncError` if bcrypt would cut it."""
    if not password:
        raise BookingSyncError("the password is empty")
    if len(password) > _SIGNIFICANT_BYTES:
        raise BookingSyncError(
            f"the password has {len(password)} bytes, and bcrypt reads {_SIGNIFICANT_BYTES}: anyone who knows those can "
            "sign in. Choose a shorter one"
        )
    if b"\0" in password:
        raise BookingSyncError("the password holds a NUL byte, where bcrypt would cut it off")
    return bcrypt.hashpw(password, bcrypt.gensalt(_COST)).decode()


def read_password(stream: BinaryIO, ask: Callable[[], str]) -> bytes:
    """Return what somebody types twice, or the one line that is piped into the command.

    Raises :class:`~exporter.errors.BookingSyncError` when more than one line is piped in.
    """
    if stream.isatty():
        return ask().encode()
    piped = stream.read(64 * 1024).removesuffix(b"\n").removesuffix(b"\r")
    if b"\n" in piped:
        raise BookingSyncError("more than one line was piped in; a password is one line")
    return piped
