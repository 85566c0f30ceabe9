"""Close matches for an unknown word, as difflib finds them: "did you mean …?"."""

from __future__ import annotations

import re
from collections.abc import Iterable
from difflib import get_close_matches
from functools import lru_cache
from typing import Final

_ALIKE: Final = 0.7
_NUMBER: Final = re.compile(r"\d+")
# A fleet has the same slip in thousands of targets.
_cached = lru_cache(maxsize=1024)


def respelled(written: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``written`` is in another spelling (``siteId``, ``site-id``) or grammatical number."""
    return _same(written, tuple(known))


def close_match(written: str, known: Iterable[str]) -> str | None:
    """Return the one of ``known`` that ``written`` respells or mistypes; words with other digits in them never match."""
    return _near(written, tuple(known))


@_cached
def _same(written: str, known: tuple[str, ...]) -> str | None:
    for form in (_plain, _singular):
        found = next((word for word in known if form(word) == form(written)), None)
        if found is not None:
            return found
    return None


@_cached
def _near(written: str, known: tuple[str, ...]) -> str | None:
    if (same := _same(written, known)) is not None:
        return same
    # Who writes next_48h does not mean next_24h.
    numbers = _NUMBER.findall(written)
    by_form = {_plain(word): word for word in known if numbers in ([], _NUMBER.findall(word))}
    near = get_close_matches(_plain(written), by_form, n=1, cutoff=_ALIKE)
    return by_form[near[0]] if near else None


def _plain(word: str) -> str:
    return re.sub(r"[\s_.-]", "", word).lower()


def _singular(word: str) -> str:
    return _plain(word).removesuffix("s")
