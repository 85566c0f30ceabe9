"""What a check found: one line each."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class State(StrEnum):
    """``MISSING`` has to be mended; ``UNKNOWN`` is what this server cannot tell, whoever asks."""

    OK = "ok"
    MISSING = "MISSING"
    UNKNOWN = "UNKNOWN"


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was looked at: what was seen, and how to mend it where it is not well."""

    server: str
    name: str
    state: State
    seen: str
    fix: str = ""


@dataclass(frozen=True, slots=True)
class Seen:
    """The same before it is known who was asked what."""

    state: State
    text: str
    fix: str = ""


def ok(text: str) -> Seen:
    """Return what is well."""
    return Seen(State.OK, text)


def missing(text: str, fix: str) -> Seen:
    """Return what has to be mended."""
    return Seen(State.MISSING, text, fix)


def unknown(text: str, fix: str) -> Seen:
    """Return what cannot be told here; ``fix`` says how a person finds out."""
    return Seen(State.UNKNOWN, text, fix)


_NAMED = 4


def some(names: list[str]) -> str:
    """Return the first of ``names`` and how many more there are."""
    more = len(names) - _NAMED
    return ", ".join(names[:_NAMED]) + (f" and {more} more" if more > 0 else "")
