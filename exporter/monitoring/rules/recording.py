"""What a recording rule is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Self

from exporter.monitoring.hurry import MIN_RANGE_SECONDS, divided, divided_expression


@dataclass(frozen=True, slots=True)
class Recording:
    """One recording rule; ``comment`` says why where the expression does not.

    ``seconds`` is a number in the expression, as it stands there, that is a wait in seconds: a rehearsal divides it.
    """

    record: str
    expr: str
    comment: str = ""
    seconds: str = ""

    def hurried(self, by: int) -> Self:
        """Return the same in divided time."""
        return replace(self, expr=divided_expression(self.expr, by, seconds=self.seconds, min_seconds=MIN_RANGE_SECONDS))


@dataclass(frozen=True, slots=True)
class RecordingGroup:
    """Rules that are evaluated together, in order, every ``interval``."""

    name: str
    interval: str
    rules: Sequence[Recording]

    def hurried(self, by: int) -> Self:
        """Return the same in divided time."""
        return replace(self, interval=divided(self.interval, by), rules=tuple(rule.hurried(by) for rule in self.rules))
