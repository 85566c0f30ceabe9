"""How long a line of the log may be: what is too long in it is cut in its middle, so that the end of a traceback stays."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Final

from structlog.typing import EventDict

from exporter.limits import LOG_LINE

_MAX_BYTES: Final = LOG_LINE.number - 1  # the end of the line counts
_MAX_BYTES_OF_A_LETTER: Final = 4
_MIN_LETTERS: Final = 40  # letters of a fact, below which cutting would tell nothing


def cut_in_the_middle(text: str, max_letters: int = _MAX_BYTES) -> str:
    """Return at most ``max_letters`` letters of ``text``: its begin and its end, and between them how much is missing."""
    if len(text) <= max_letters:
        return text
    sign = f" … {len(text) - max_letters} letters … "
    kept = max(0, max_letters - len(sign))
    return text[: kept // 2] + sign + text[len(text) - (kept - kept // 2) :]


def fitted(render: Callable[[EventDict], str], event: EventDict, first: tuple[str, ...]) -> str:
    """Return the line that ``render`` makes of ``event``, with its longest facts cut until it is no longer than a line may be.

    Should there be too many facts for that, only those named in ``first`` are told.
    """
    line = render(event)
    while _is_too_long(line):
        texts = {key: value if isinstance(value, str) else json.dumps(value) for key, value in event.items()}
        longest = max(texts, key=lambda key: len(texts[key]))
        if len(texts[longest]) <= _MIN_LETTERS:
            return render({key: event[key] for key in first if key in event} | {"cut": True})
        event = {**event, longest: cut_in_the_middle(texts[longest], max(_MIN_LETTERS, len(texts[longest]) * 3 // 4))}
        line = render(event)
    return line


def _is_too_long(line: str) -> bool:
    if len(line) * _MAX_BYTES_OF_A_LETTER <= _MAX_BYTES:
        return False
    return len(line.encode(errors="surrogatepass")) > _MAX_BYTES
