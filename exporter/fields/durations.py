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
