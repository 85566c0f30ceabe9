"""How jobs and answers travel through a pipe: eight bytes that say how long they are, then they."""

from __future__ import annotations

from typing import BinaryIO, Final

HEADER_BYTES: Final = 8
MAX_ANSWER_BYTES: Final = 4 * 1024 * 1024
"""Far more than the times of all the entries that a feed may have."""


def framed(message: bytes) -> bytes:
    """Return ``message`` with its length before it."""
    return len(message).to_bytes(HEADER_BYTES, "big") + message


def length_in(header: bytes) -> int:
    """Return how long the message is that follows ``header``."""
    return int.from_bytes(header, "big")


def next_message(stream: BinaryIO) -> bytes | None:
    """Return the next whole message of ``stream``; ``None`` when it ended."""
    header = stream.read(HEADER_BYTES)
    if len(header) < HEADER_BYTES:
        return None
    message = stream.read(length_in(header))
    return message if len(message) == length_in(header) else None
