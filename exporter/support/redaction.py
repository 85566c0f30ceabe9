"""Redaction, the last line of defence: masks what looks like a credential or an e-mail address in text about to be shown.

Nothing is built on it: secrets are a type, and errors are written without URLs. It is here for the text of others
(libraries, tracebacks) and for the bug that is not found yet.
"""

from __future__ import annotations

import hashlib
import re
from functools import lru_cache
from typing import Final

from exporter.limits import PLACE, TEXT
from exporter.support.invisible import replace_invisible
from exporter.support.secret import MASK

_NAME: Final = r"(?<![a-z])(?:access_?token|refresh_?token|client_?secret|app_?secret|api_?key|webhook_?url|password)"
_QUOTE: Final = r"(?:b?\\?[\"'])?"

# Written so that a quoted or an escaped form (JSON in a repr, a URL in a query) is found, too.
_PATTERNS: Final = (
    # Webhook credentials live in paths: /rest/<user id>/<code>/ (bitrix24.md 9.1), also /rest/api/<user id>/<code>/.
    (re.compile(r"(/rest/(?:api/)?)\d+/[^/\s\"'<>?#]+", re.IGNORECASE), rf"\1{MASK}"),
    # A webhook without its user id; method names have a dot or stand last, codes do not.
    (re.compile(r"(/rest/)(?=[a-z0-9]*\d)[a-z0-9]{8,}(?=/|$|[\s\"'])", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"(\b\w{1,20}://)[^/\s@\"'<>]+@"), rf"\1{MASK}@"),
    # Header forms, then key=value, key: value and "key": "value" forms; names first, whatever stands around them.
    (
        re.compile(
            r"((?:proxy-)?authorization\\?[\"']?\]?\s*[:=,]\s*(?:b?\\?[\"'])?)(?:(?:bearer|basic|digest)\s+)?[^\s\"'\\,;&)}]+",
            re.IGNORECASE,
        ),
        rf"\1{MASK}",
    ),
    (re.compile(rf"({_NAME}\s*=\s*{_QUOTE})[^\s\"'\\,;&)}}]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(rf"({_NAME}\\?[\"']\s*[:,]\s*{_QUOTE})[^\s\"'\\,;&)}}]+", re.IGNORECASE), rf"\1{MASK}"),
    # Without quotes only what cannot be a word: "api_key: is empty" stays readable.
    (re.compile(rf"({_NAME}:\s*)(?=\S*\d)[^\s\"'\\,;&)}}]{{8,}}", re.IGNORECASE), rf"\1{MASK}"),
    # Names that are words elsewhere are credentials in the query of an address.
    (re.compile(r"([?&](?:auth|token|secret|key|signature)=)[^\s\"'\\,;&)}]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"([\"']auth\\?[\"']\s*:\s*\\?[\"'])[^\s\"'\\,;&)}]+", re.IGNORECASE), rf"\1{MASK}"),
    (re.compile(r"\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE), rf"\1 {MASK}"),
    (re.compile(r"\bIST\.[A-Za-z0-9._-]{8,}"), MASK),  # Wix API keys (wix.md 2.2)
    (re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]+)+"), MASK),  # JSON web tokens
    (re.compile(r"[A-Za-z0-9._%+'-]{1,64}(?:@|%40)[A-Za-z0-9-]{1,63}(?:\.[A-Za-z0-9-]{1,63}){0,8}\.[A-Za-z]{2,}"), MASK),
)


def redact(text: str) -> str:
    """Return ``text`` with credentials and e-mail addresses masked."""
    for pattern, replacement in _PATTERNS:
        text = pattern.sub(replacement, text)
    return text


_SENSITIVE: Final = frozenset(
    {
        "authorization",
        "proxy_authorization",
        "auth",
        "access_token",
        "refresh_token",
        "client_secret",
        "app_secret",
        "api_key",
        "webhook_url",
        "password",
        "secret",
        "token",
        "cookie",
        "set_cookie",
    }
)


def is_sensitive(key: str) -> bool:
    """Return whether a value under this name is a credential, whatever it looks like."""
    return key.lower().replace("-", "_") in _SENSITIVE


def visible(text: str) -> str:
    r"""Return ``text`` for a terminal: what steers it, or is not seen, is written out, ``\x1b``; line ends and tabs stay."""
    return replace_invisible(text, lambda letter: letter if letter in "\n\t" else _written_out(letter))


def _written_out(letter: str) -> str:
    return letter.encode("unicode_escape").decode()


# A word, a word in capitals, a number with a unit or without, a short word with a number.
_PIECE: Final = re.compile(r"[A-Z]?[^\W\dA-Z_]{0,11}|[A-Z]{1,12}|[0-9]{1,4}[A-Za-z]{0,2}|[A-Za-z]{1,4}[0-9]{1,4}")
_BETWEEN: Final = re.compile(r"[ _./@:+-]+")
_SHORT: Final = 7
_MAX_MEANT: Final = 40
_DIGEST_DIGITS: Final = 12


def is_plain_text(text: str) -> bool:
    """Return whether ``text`` looks like words that somebody wrote, and not like a credential pasted into the wrong place."""
    return len(text) <= _SHORT or (len(text) <= _MAX_MEANT and all(map(_PIECE.fullmatch, _BETWEEN.split(text))))


# So far behind its end a text is looked at: the longest address of an e-mail, so that none is cut into something else.
_BEYOND: Final = 320


def sanitized(text: str, max_letters: int = TEXT.number) -> str:
    """Return a text of the other side as it may be shown: redacted, on one line, control and invisible characters escaped.

    The result has at most ``max_letters`` letters; a longer text ends with ``…``.
    """
    text = text[: max_letters + _BEYOND]
    seen = replace_invisible(text, lambda _: "")
    # What nobody sees, between the letters of an address, must not keep it from being found.
    hidden = seen != text and (found := redact(seen)) != seen
    return cut(found if hidden else replace_invisible(redact(text), _written_out), max_letters)


# A fleet is read again with each reload, and its places stay the same.
@lru_cache(maxsize=16_384)
def sanitized_place(place: str) -> str:
    """Return the path or variable that a credential comes from, sanitized for a label; different places stay different.

    It is somebody else's text all the same: a file can be named after an account, which is an e-mail address, or after the
    credential. What cannot be told as it is ends with 12 hexadecimal digits of the SHA-256 of the whole (of the place, not of
    the credential).
    """
    shown = sanitized(place, PLACE.number)
    if shown == place:
        return place
    digest = hashlib.sha256(place.encode(errors="replace")).hexdigest()[:_DIGEST_DIGITS]
    return f"{sanitized(place, PLACE.number - _DIGEST_DIGITS - 1)} {digest}"


def cut(text: str, max_letters: int) -> str:
    """Return ``text`` truncated to ``max_letters`` letters; a truncated text ends with ``…``."""
    return text if len(text) <= max_letters else text[: max_letters - 1] + "…"
