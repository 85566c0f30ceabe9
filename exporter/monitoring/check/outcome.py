"""What a check found: one line each."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from exporter.support.redaction import sanitized


class CheckState(StrEnum):
    """``MISSING`` has to be mended; ``UNKNOWN`` is what this server cannot tell, whoever asks."""

    OK = "ok"
    MISSING = "MISSING"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was seen, and how to mend it where it is not well."""

    server: str
    name: str
    state: CheckState
    seen: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class CheckResult:
    """The same before it is known who was asked what."""

    state: CheckState
    text: str
    fix: str = ""


def ok(text: str) -> CheckResult:
    """Return what is well."""
    return CheckResult(CheckState.OK, text)


def missing(text: str, fix: str) -> CheckResult:
    """Return what has to be mended."""
    return CheckResult(CheckState.MISSING, text, fix)


def unknown(text: str, fix: str) -> CheckResult:
    """Return what cannot be told here; ``fix`` says how a person finds out."""
    return CheckResult(CheckState.UNKNOWN, text, fix)


def again(seconds: float) -> str:
    """Return what to do about an answer that comes too soon."""
    return f"ask again in {seconds:g} second{'' if seconds == 1 else 's'}"


_NAMED = 4


def some(names: list[str]) -> str:
    """Return the first of ``names`` and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")


_REASONS = 3


def reasons(found: Mapping[str, Sequence[str]]) -> str:
    """Return reasons with the names of what they concern, the one that concerns most of them first."""
    ranked = sorted(found.items(), key=lambda one: -len(one[1]))
    more = f"; and {len(ranked) - _REASONS} more reasons" if len(ranked) > _REASONS else ""
    return sanitized(
        "; ".join(f"{reason} ({some(list(dict.fromkeys(names)))})" for reason, names in ranked[:_REASONS]) + more, 500
    )
