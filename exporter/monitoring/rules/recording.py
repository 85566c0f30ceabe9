"""What a recording rule is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule; ``comment`` says why where the expression does not."""

    record: str
    expr: str
    comment: str = ""


@dataclass(frozen=True, slots=True)
class RecordingGroup:
    """Rules that are evaluated together, in order, every ``interval``."""

    name: str
    interval: str
    rules: Sequence[Recording]
