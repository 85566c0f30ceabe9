"""What a word that is not known was probably meant to be: "did you mean …?"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from typing import Final

_ALIKE: Final = 0.7
_NUMBER: Final = re.compile(r"\d+")


def same_word(written: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``written`` is in another spelling, as ``siteId`` and ``site-id``, or number."""
    words = list(known)
    for form in (_plain, _singular):
        found = next((word for word in words if form(word) == form(written)), None)
        if found is not None:
            return found
    return None


def near_word(written: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``written`` is in another spelling, or a slip of the pen for."""
    words = list(known)
    if (same := same_word(written, words)) is not None:
        return same
    # Who writes next_48h does not mean next_24h.
    numbers = _NUMBER.findall(written)
    by_form = {_plain(word): word for word in words if numbers in ([], _NUMBER.findall(word))}
    near = get_close_matches(_plain(written), by_form, n=1, cutoff=_ALIKE)
    return by_form[near[0]] if near else None


def _plain(word: str) -> str:
    return re.sub(r"[\s_.-]", "", word).lower()


def _singular(word: str) -> str:
    return _plain(word).removesuffix("s")
