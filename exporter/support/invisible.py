"""Invisible characters (Trojan Source): controls, formats, fillers, private use. A text with them reads as another one.

What languages need of them stays, where they need it (docs/decisions/0169): joiners inside words of scripts that join and
after a virama, between the parts of an emoji; variation selectors behind what has variants.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable
from functools import cache
from typing import Final

# Written out as ranges, so that it is the same with each Python's Unicode: the categories Cc, Cf, Cs, Co, Zl, Zp without the
# few formats that show (Arabic number signs and the like), and what is a letter, a mark or a symbol and shows nothing.
_NOTHING: Final = (
    "\x00-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800"
    "\u3164\ud800-\uf8ff\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffc"
    "\U00013430-\U0001343f\U0001bca0-\U0001bca3\U0001d173-\U0001d17a\U000e0000-\U000e0fff\U000f0000-\U0010ffff"
)
# Arabic to Myanmar, Khmer to Mongolian, and the later blocks of such scripts.
_JOINING: Final = (
    "\u0600-\u0605\u0610-\u061a\u061d-\u109f\u1780-\u17b3\u17b6-\u180a\u1810-\u18af\ua800-\uabff\ufb50-\ufdff\ufe70-\ufefc"
    "\U00010d00-\U00010fff\U00011000-\U00011fff\U0001e900-\U0001e95f"
)
_VIRAMA: Final = "\u094d\u09cd\u0a4d\u0acd\u0b4d\u0bcd\u0c4d\u0ccd\u0d4d\u0dca"
_EMOJI: Final = "\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u27ff\u2900-\u2bff\u3030\u303d\u3297\u3299\U0001f000-\U0001faff"
_IDEOGRAPH: Final = "\u2e80-\u2fff\u3400-\u9fff\uf900-\ufaff\U00020000-\U000323af"

# Of two characters the second, when the first is what needs it.
_NEEDED: Final = (
    rf"[{_JOINING}][\u200c\u200d](?=[{_JOINING}])"
    rf"|[{_VIRAMA}][\u200c\u200d]"
    rf"|[{_EMOJI}\ufe0f]\u200d(?=[{_EMOJI}])"
    rf"|[{_EMOJI}][\ufe0e\ufe0f]"
    r"|[0-9#*]\ufe0f(?=\u20e3)"
    rf"|[{_JOINING}{_IDEOGRAPH}][\u180b-\u180d\u180f\ufe00-\ufe0f\U000e0100-\U000e01ef]"
)


@cache
def _invisible() -> re.Pattern[str]:
    """Return the pattern, made when the first text needs it: most are ASCII, and a health check would wait for it."""
    return re.compile(rf"[{_NOTHING}](?<!{_NEEDED})")


def find_invisible(text: str) -> re.Match[str] | None:
    """Return the match of the first invisible character of ``text`` that no script needs there, ``None`` if there is none."""
    return None if text.isascii() and text.isprintable() else _invisible().search(text)


def first_invisible(text: str) -> str:
    """Return the first invisible character of ``text`` that no script needs there, an empty text if there is none."""
    found = find_invisible(text)
    return found[0] if found else ""


def replace_invisible(text: str, written_out: Callable[[str], str]) -> str:
    """Return ``text`` with ``written_out(c)`` for each invisible character ``c`` that no script needs there."""
    return text if text.isascii() and text.isprintable() else _invisible().sub(lambda found: written_out(found[0]), text)


def code_point(letter: str) -> str:
    """Return the code point and Unicode name of ``letter``, which people can look up: ``U+202E RIGHT-TO-LEFT OVERRIDE``."""
    return f"U+{ord(letter):04X} {unicodedata.name(letter, '')}".rstrip()
