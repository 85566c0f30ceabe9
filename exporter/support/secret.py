"""A secret is a type, not a string: it prints as stars everywhere and is revealed at one place, the request."""

from __future__ import annotations

import hmac
from typing import Final

MASK: Final = "********"
_QUOTES: Final = ("'", '"')


def pasted(text: str) -> str:
    """Return a credential that a person wrote, without white space.

    Pasted keys pick it up at their ends, and as line breaks inside, and it makes illegal headers (docs/platforms/wix.md 2.2).
    """
    return "".join(text.split())


def is_quoted(text: str) -> bool:
    """Return whether a value brings quotes of its own: ``docker run --env-file`` and files that were echoed keep them."""
    bare = text.strip()
    return bare[:1] in _QUOTES or bare[-1:] in _QUOTES


class Secret:
    """A credential whose text, as it is, leaves only through :meth:`reveal`.

    ``identity`` is what may be told of it and is not secret: where it was read from, and the host that it belongs to.
    """

    __slots__ = ("_value", "identity")

    def __init__(self, value: str, identity: str = "") -> None:
        self._value = value
        self.identity = identity

    def reveal(self) -> str:
        """Return the credential itself."""
        return self._value

    def __bool__(self) -> bool:
        return bool(self._value)

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Secret):
            return NotImplemented
        return hmac.compare_digest(self._value.encode(), other._value.encode())

    def __hash__(self) -> int:
        return hash((Secret, self._value))

    def __repr__(self) -> str:
        return f"Secret({MASK})"

    def __str__(self) -> str:
        return MASK

    def __reduce__(self) -> str:
        raise TypeError("a Secret cannot be pickled")
