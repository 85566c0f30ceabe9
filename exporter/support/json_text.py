"""Reading JSON that may be broken or hostile without falling over it."""

from __future__ import annotations

from typing import Final, TypeVar

import msgspec

UNREADABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
"""What reading a hostile or broken JSON text may raise: no JSON, no UTF-8, nested without end."""

T = TypeVar("T")


def decoded(content: bytes | msgspec.Raw, kind: type[T]) -> T | None:
    """Return ``content``, JSON, as ``kind``; ``None`` when it is something else or cannot be read.

    The decoder's own message may quote the content, which holds people and credentials, so it goes no further.
    """
    try:
        return msgspec.json.decode(content, type=kind)
    except UNREADABLE:
        return None
