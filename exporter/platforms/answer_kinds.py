"""How large an answer may be, by what was asked for: looked at before anything is built of it.

Bytes alone do not bound what decoding costs: two of them, ``0,``, become an object of fifty, and 16 KB that were compressed
become eight million. So the values of the larger answers are counted as well.
"""

from __future__ import annotations

from typing import Final

import msgspec

from exporter import limits
from exporter.limits import Cap

_BEGIN_A_VALUE: Final = b",[{"
_PIECE_BYTES: Final = 64 * 1024


class AnswerKind(msgspec.Struct, frozen=True):
    """``what`` was asked for, the most bytes of its body, and the most values; ``None`` where the bytes are few enough."""

    what: str
    body: Cap
    values: Cap | None = None

    def excess(self, body: bytes) -> Cap | None:
        """Return the cap on values that ``body``, JSON, is above; ``None`` when it keeps to it."""
        if self.values is None or len(body) <= self.values.number:
            return None
        # Every value but the first of a text comes after one of these. Those inside of texts count, too: that costs a
        # hundredth of what it takes to tell them apart, and the cap has room for them.
        found = 0
        for start in range(0, len(body), _PIECE_BYTES):
            piece = body[start : start + _PIECE_BYTES]
            found += len(piece) - len(piece.translate(None, _BEGIN_A_VALUE))
        return self.values if found > self.values.number else None


COUNT: Final = AnswerKind("a count", limits.COUNT_BODY)
PAGE: Final = AnswerKind("a page of rows", limits.PAGE_BODY, limits.PAGE_VALUES)
CONNECTIONS: Final = AnswerKind("a list of connections", limits.CONNECTIONS_BODY, limits.CONNECTIONS_VALUES)
BATCH: Final = AnswerKind("a batch", limits.BATCH_BODY, limits.BATCH_VALUES)
CALENDAR: Final = AnswerKind("a calendar", limits.CALENDAR_BODY)
OTHER: Final = AnswerKind("an answer of this kind", limits.OTHER_BODY)
REFUSAL: Final = AnswerKind("a refusal", limits.OTHER_BODY)
