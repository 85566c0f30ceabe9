"""Which format, coding and language a client gets, by ``Accept``, ``Accept-Encoding``, ``Accept-Language`` (RFC 9110, 12.5).

Nothing a client sends is an error here: what cannot be read is skipped, and who asks for nothing that we have gets text
0.0.4 without compression. prometheus-client's own choice ignores weights, so it is not used.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from typing import Final

import msgspec

from exporter.metrics import Format

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]+"
_RANGE: Final = re.compile(rf"(?:{_WORD})(?:/(?:{_WORD}))?")
_PARAMETER: Final = re.compile(rf'\s*({_WORD})\s*=\s*(?:({_WORD})|"((?:[^"\\]|\\.)*)")\s*')
_WEIGHT: Final = re.compile(r"0?\.\d+|0\.?|1(?:\.0*)?")
_ELEMENT: Final = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*")+')
_MAX_CHARACTERS: Final = 4096  # characters; Prometheus sends some 250, and quotes nested on purpose cost quadratic time
_PART: Final = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*")+')


class Offer(msgspec.Struct, frozen=True):
    """One way in which we can write the page."""

    media_type: str
    version: str
    format: Format

    @property
    def content_type(self) -> str:
        """The value of the header ``Content-Type``."""
        return f"{self.media_type}; version={self.version}; charset=utf-8"


TEXT: Final = Offer("text/plain", "0.0.4", Format.TEXT)
# The first that a wildcard admits wins a tie, so a browser or a bare curl reads plain text. 0.0.1 is what Prometheus
# before 2.35 asks for; the two versions of OpenMetrics differ in name only for what we write.
OFFERS: Final = (
    TEXT,
    Offer("application/openmetrics-text", "1.0.0", Format.OPENMETRICS),
    Offer("application/openmetrics-text", "0.0.1", Format.OPENMETRICS),
)


class _Wish(msgspec.Struct, frozen=True):
    """One element of a header: ``name`` is a media range or a coding in lower case, ``position`` its place."""

    name: str
    version: str | None
    weight: float
    position: int

    def closeness(self, offer: Offer) -> int:
        """Return how exactly this range names ``offer``: 0 not at all, 1 ``*/*``, 2 ``type/*``, 3 the type, 4 its version."""
        if self.version is not None:
            return 4 if (self.name, self.version) == (offer.media_type, offer.version) else 0
        ranges = ("*/*", offer.media_type.split("/")[0] + "/*", offer.media_type)
        return ranges.index(self.name) + 1 if self.name in ranges else 0


def choose_format(accept: Sequence[str]) -> Offer:
    """Return the best offer for the ``Accept`` headers; text 0.0.4 when there is none, or none that we can serve."""
    wishes = tuple(_wishes(accept))
    best, best_rank = TEXT, (0.0, 0, 0)
    for offer in OFFERS:
        matching = [(wish.closeness(offer), -wish.position, wish) for wish in wishes if wish.closeness(offer)]
        if not matching:
            continue
        # The most exact range decides about an offer, whatever a wider one says.
        closeness, position, wish = max(matching, key=lambda match: match[:2])
        rank = (wish.weight, min(closeness, 3), position)
        if wish.weight > 0 and rank > best_rank:
            best, best_rank = offer, rank
    return best


def accepts_gzip(accept_encoding: Sequence[str]) -> bool:
    """Return whether the client takes gzip at least as gladly as no coding at all."""
    weights = {wish.name: wish.weight for wish in _wishes(accept_encoding)}
    gzip = max((weights[name] for name in ("gzip", "x-gzip") if name in weights), default=weights.get("*", 0.0))
    return gzip > 0 and gzip >= weights.get("identity", 0.0)


def choose_language(accept_language: Sequence[str], offered: Collection[str], default: str) -> str:
    """Return the language of ``offered`` with the greatest weight; ``de-AT`` takes ``de``, and a wildcard the default.

    The default where none is wished for that there is.
    """
    best, best_rank = default, (0.0, 0)
    for wish in _wishes(accept_language):
        name = default if wish.name == "*" else wish.name.partition("-")[0]
        rank = (wish.weight, -wish.position)
        if name in offered and wish.weight > 0 and rank > best_rank:
            best, best_rank = name, rank
    return best


def _wishes(headers: Sequence[str]) -> Iterator[_Wish]:
    if sum(map(len, headers)) > _MAX_CHARACTERS:
        return
    elements = (element.strip() for header in headers for element in _ELEMENT.findall(header))
    for position, element in enumerate(elements):
        name, *parameters = [part.strip() for part in _PART.findall(element)] or [""]
        if not _RANGE.fullmatch(name):
            continue
        version, weight = None, "1"
        for parameter in parameters:
            if not (match := _PARAMETER.fullmatch(parameter)):
                break
            key, value = match[1].lower(), match[2] if match[2] is not None else re.sub(r"\\(.)", r"\1", match[3])
            if key == "version":
                version = value
            elif key == "q":
                weight = value
        else:
            if _WEIGHT.fullmatch(weight):
                yield _Wish(name.lower(), version, float(weight), position)
