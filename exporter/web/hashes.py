"""What stands where a bcrypt hash should, and how it becomes one. No message shows the value: it may be a password."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

MAKE_ONE: Final = "make one with: booking-sync-exporter hash-password"
_ITSELF: Final = "write the hash itself: it is no password, and only who can read this file sees it"
_KINDS: Final = (
    (r"\$\$2[aby]\$\$.*", "has its dollars doubled, as Compose wants them in its own file", "write each of them once"),
    (r"[^$:]+:\$2[aby]\$.*", "has the user's name in front of the hash", "write what stands behind the colon"),
    (r"\$\{?[A-Za-z_]\w*\}?|\{\{.*\}\}|%\w+%", "names a variable; variables are not expanded in this file", _ITSELF),
    (r"\$(?:apr1|1|5|6|y|argon2\w+)\$.*|\{SHA\}.*", "is a hash of another kind, not of bcrypt", MAKE_ONE),
    (r"\$2[aby]\$.*", "is a bcrypt hash that was cut or changed", f"copy all 60 characters of it, or {MAKE_ONE}"),
)


def hash_problem(stored: object) -> tuple[str, str]:
    """Return what is wrong with ``stored``, which is no bcrypt hash, and what to do."""
    if stored is None:
        return "has no hash", MAKE_ONE
    if isinstance(stored, Mapping):
        return "must be a bcrypt hash, not a mapping", _ITSELF
    text = str(stored).strip()
    return next(
        ((what, fix) for pattern, what, fix in _KINDS if re.fullmatch(pattern, text)), ("is not a bcrypt hash", MAKE_ONE)
    )
