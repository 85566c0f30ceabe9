"""Durations as Prometheus writes them: ``30s``, ``5m``, ``1h30m``, ``500ms``; a fraction such as ``0.5s`` works, too."""

from __future__ import annotations

import re
from typing import Final

_UNITS: Final = {"w": 604800.0, "d": 86400.0, "h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART: Final = r"[0-9]{1,9}(?:\.[0-9]{1,6})?"

PATTERN: Final = "^" + "".join(f"({_PART}{unit})?" for unit in _UNITS) + "$"
_WHOLE: Final = re.compile(PATTERN.replace("^", "^(?=.)"), re.ASCII)


def parse_duration(text: str) -> float:
    """Return ``text`` in seconds. Raises :class:`ValueError` when it is not a duration."""
    found = _WHOLE.match(text)
    if found is None or text.endswith("\n"):
        raise ValueError(f"{text!r} is not a duration")
    parts = zip(found.groups(), _UNITS.items(), strict=True)
    return round(sum(float(part.removesuffix(unit)) * seconds for part, (unit, seconds) in parts if part), 6)


def format_duration(seconds: float) -> str:
    """Return ``seconds`` in the form that :func:`parse_duration` reads, for example ``1h30m``."""
    left = round(seconds * 1000)
    parts: list[str] = []
    for unit, size in _UNITS.items():
        count, left = divmod(left, round(size * 1000))
        if count:
            parts.append(f"{count}{unit}")
    return "".join(parts) or "0s"


_WORDS: Final = {
    "ms": r"ms|msecs?|milli(?:second)?s?",
    "s": r"s|secs?|seconds?|sek(?:unden?)?",
    "m": r"m|mins?|minutes?|minuten?",
    "h": r"h|hrs?|hours?|stunden?",
    "d": r"d|days?|tage?",
    "w": r"w|wks?|weeks?|wochen?",
}
_WORDY: Final = re.compile(r"([0-9]{1,9})\s*([a-z]{1,12})[\s,.]*", re.ASCII)


def meant_duration(text: str) -> str | None:
    """Return how to write what people mean by ``5 minutes``, ``30sec`` or ``1h 30m``; ``None`` for what may mean anything."""
    rest, parts = text.strip().lower(), list[str]()
    while found := _WORDY.match(rest):
        unit = next((unit for unit, words in _WORDS.items() if re.fullmatch(words, found[2])), None)
        if unit is None:
            return None
        parts.append(found[1] + unit)
        rest = rest[found.end() :]
    if rest or not parts:
        return None
    try:
        return "".join(parts) if parse_duration("".join(parts)) > 0 else None
    except ValueError:  # in another order, or one of them twice
        return None
