"""How much memory an open TLS connection of asyncio holds, whoever opened it."""

from __future__ import annotations

from asyncio.sslproto import SSLProtocol
from typing import Final

TLS_BUFFER_BYTES: Final = 32 * 1024
"""Room for the largest TLS record, and the beginning of the next."""


def shrink_tls_buffers() -> None:
    """Let each TLS connection that this process opens or accepts from now on hold 32 KiB to read into.

    asyncio gives it 256 KiB, filled with zeros, thus resident: a fleet that starts has 600 connections open, and what the C
    library had for them it keeps between other blocks of its heap. There is no option for it; a test counts the bytes.
    """
    SSLProtocol.max_size = TLS_BUFFER_BYTES
