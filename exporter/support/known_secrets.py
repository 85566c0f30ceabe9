"""The credentials that this process holds, masked wherever they turn up in a text that is about to be shown.

As CI systems mask what a job was given: as it is and as others write it down, encoded for an address, a page, JSON, or as hex
or base64, without regard to case, since names and values of headers come in small letters. Redaction by shape
(:mod:`exporter.support.redaction`) is for all that is not known.
"""

from __future__ import annotations

import base64
import html
import json
import re
from collections import Counter
from collections.abc import Hashable, Iterable, Iterator
from threading import Lock
from typing import Final, NamedTuple
from urllib.parse import quote, unquote

from exporter.limits import TEXT
from exporter.support.invisible import replace_invisible
from exporter.support.redaction import sanitized
from exporter.support.secret import MASK

MIN_LETTERS: Final = 8
"""Letters of a secret that is looked for; a shorter one stands in too many texts by chance."""

# Each form is found by its last letters, since many begin alike (``IST.eyJ``). A text is looked at in steps, so as many
# pieces of the form's end are kept as a step has letters: one of them lies on it. Together they are as long as MIN_LETTERS.
_STEP: Final = 3
_PIECE: Final = MIN_LETTERS - _STEP + 1
_END: Final = 16  # letters: of many secrets some have any piece, so more of the form's end is compared before it is looked for

_WORDS: Final = re.compile("(?=.{1,15}$)(?:[A-Z]?[a-z]+|[A-Z]+)(?:[ ._-]?(?:[A-Z]?[a-z]+|[A-Z]+))*")
_ADDRESS: Final = re.compile("(?i:https?|socks5h?)://")
_PLAIN: Final = re.compile("[A-Za-z0-9_.~-]+")  # means nothing in an address, a page or JSON: it stands there as it is
_NUMBER: Final = re.compile("[0-9]{1,11}")  # as moments and ids are
_OURS: Final = frozenset({"booking-sync-exporter"})
_MAX_SEARCHED: Final = 4096  # letters of a text of the other side


class _End(NamedTuple):
    """The last letters of a form, and whose they are."""

    text: str
    secret: str


class KnownSecrets:
    """What is known, by who holds it. May be asked by any thread, while another one changes what is known.

    Words are left alone, so that a credential like ``password`` does not make all texts unreadable, and so are numbers up to
    eleven digits: who can be guessed gains nothing by being masked (docs/decisions/0141).
    """

    def __init__(self) -> None:
        self._held: dict[Hashable, tuple[frozenset[str], frozenset[str]]] = {}
        self._holders: Counter[str] = Counter()
        self._by_piece: dict[str, tuple[_End, ...]] = {}
        self._changing = Lock()

    def hold(self, holder: Hashable, secrets: Iterable[str], names: Iterable[str] = ()) -> None:
        """Let ``holder`` have ``secrets`` now. What it had before stays known until the next change: answers are on their way.

        Of an address its parts are secrets, too: a webhook's code, a proxy's password; but none of ``names``, which are shown
        everywhere.
        """
        spared = _OURS | set(map(_folded, names))
        parts = (part for secret in secrets for part in _parts(secret))
        self._let_have(holder, frozenset(part for part in parts if _can_be_told_apart(part) and _folded(part) not in spared))

    def drop(self, holder: Hashable) -> None:
        """Forget what ``holder`` had, unless others have it."""
        with self._changing:
            for secrets in self._held.pop(holder, ()):
                self._count(secrets, -1)

    def hand_over(self, holder: Hashable, to: Hashable) -> None:
        """Let ``to`` have what ``holder`` has now."""
        current, _ = self._held.get(holder, (frozenset(), frozenset()))
        self._let_have(to, current)

    def mask(self, text: str) -> str:
        """Return ``text`` without the secrets in it, and where letters that nobody sees stand in one, without those letters."""
        masked = self._masked(text)
        seen = replace_invisible(masked, lambda _: "")  # at once for what most texts are: printable ASCII
        return masked if seen == masked or (found := self._masked(seen)) == seen else found

    def _masked(self, text: str) -> str:
        folded = _folded(text)
        places = range(0, len(folded) - _PIECE + 1, _STEP)
        pieces = [folded[at : at + _PIECE] for at in places]
        if self._by_piece.keys().isdisjoint(pieces):
            return text
        found: set[str] = set()
        for at, piece in zip(places, pieces, strict=True):
            if ends := self._by_piece.get(piece):
                around = folded[max(0, at + _PIECE - _END) : at + _PIECE + _STEP - 1]
                found.update(end.secret for end in ends if end.text in around)
        # The longest first: what is left of an address would show where the secret in it begins.
        for form in sorted({form for secret in found for form in _forms(secret)}, key=len, reverse=True):
            text = _without(form, text)
        return text

    def sanitized(self, text: str, max_letters: int = TEXT.number) -> str:
        """Return a text of somebody else as ours may hold it, see :func:`exporter.support.redaction.sanitized`."""
        return sanitized(self.mask(text[:_MAX_SEARCHED]), max_letters)

    def _let_have(self, holder: Hashable, new: frozenset[str]) -> None:
        with self._changing:
            current, before = self._held.get(holder, (frozenset(), frozenset()))
            if new == current:
                return
            self._held[holder] = new, current
            self._count(new, 1)
            self._count(before, -1)

    def _count(self, secrets: Iterable[str], by: int) -> None:
        for secret in secrets:
            self._holders[secret] += by
            if self._holders[secret] == by == 1:
                for piece, end in _pieces(secret):
                    self._by_piece[piece] = (*self._by_piece.get(piece, ()), end)
            elif not self._holders[secret]:
                del self._holders[secret]
                for piece, _ in _pieces(secret):
                    others = tuple(other for other in self._by_piece.get(piece, ()) if other.secret != secret)
                    if others:
                        self._by_piece[piece] = others
                    else:
                        self._by_piece.pop(piece, None)


def _parts(secret: str) -> Iterator[str]:
    """Yield what is secret in a credential: all of it, but of an address not its host, and nothing when only that is there."""
    secret = "".join(secret.split())
    scheme = _ADDRESS.match(secret)
    user, at, rest = secret[scheme.end() if scheme else 0 :].rpartition("@")
    if not scheme:
        yield secret
    if not scheme and not at:
        return
    parts = [*user.split(":"), *re.split(r"[/?&=#]", rest.partition("/")[2])]
    parts += [unquote(part) for part in parts]
    if any(map(_can_be_told_apart, parts)):
        yield from (secret.rstrip("/"), *parts)


def _can_be_told_apart(text: str) -> bool:
    return len(text) >= MIN_LETTERS and not _WORDS.fullmatch(text) and not _NUMBER.fullmatch(text)


def _forms(secret: str) -> Iterator[str]:
    """Yield how ``secret`` may be written, in small letters."""
    encoded = {secret.encode().hex(), *_base64(secret.encode())}
    written = {secret} if _PLAIN.fullmatch(secret) else _escaped(secret)
    yield from {_folded(form) for form in written | encoded if len(form) >= MIN_LETTERS}


def _escaped(secret: str) -> set[str]:
    """Return how ``secret`` is written where some of its letters mean something."""
    once = quote(secret, safe="")
    page, quoted = html.escape(secret), json.dumps(secret)[1:-1]
    return {
        secret,
        once,
        quote(secret, safe="/:@"),
        quote(once, safe=""),
        page,
        page.replace("&#x27;", "&#39;").replace("&quot;", "&#34;"),
        page.replace("&#x27;", "&#039;"),  # PHP
        quoted,
        quoted.replace("/", "\\/"),  # PHP
        quoted.translate(_IN_A_PAGE),  # Go
        quoted.translate(_IN_A_PAGE).replace('\\"', "\\u0022").replace("/", "\\/"),  # Bitrix
        repr(secret)[1:-1],
    }


# As JSON stands in a page: nothing that means something there is left as it is.
_IN_A_PAGE: Final = {ord(letter): f"\\u{ord(letter):04x}" for letter in "<>&'"}


def _base64(secret: bytes) -> Iterator[str]:
    """Yield what is the same whatever stands before and after the secret, at each of three offsets."""
    for offset, begin in enumerate((0, 2, 3)):
        whole = (offset + len(secret)) * 8 // 6
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            yield encode(bytes(offset) + secret).decode()[begin:whole]


def _pieces(secret: str) -> Iterator[tuple[str, _End]]:
    """Yield each piece that a form of ``secret`` is found by, with the end of that form."""
    for text in {form[-_END:] for form in _forms(secret)}:
        end = _End(text, secret)
        yield from {(text[len(text) - _PIECE - step :][:_PIECE], end) for step in range(_STEP)}


_SMALL: Final = {letter: letter + 32 for letter in range(ord("A"), ord("Z") + 1)}


def _folded(text: str) -> str:
    """Return ``text`` in small letters, each where it stood: outside of ASCII some are two."""
    return text.lower() if text.isascii() else text.translate(_SMALL)


def _without(form: str, text: str) -> str:
    folded, kept, end = _folded(text), [], 0
    while (at := folded.find(form, end)) >= 0:
        kept += [text[end:at], MASK]
        end = at + len(form)
    return "".join([*kept, text[end:]])
