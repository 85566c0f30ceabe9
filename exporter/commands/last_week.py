"""The three weeks before a rehearsal: what Prometheus would have recorded of them, for rules that compare with last week.

A silent intake is judged by the same hours of each of the last three weeks, and by the same day of the last. No rehearsal can
live through them, in divided time neither, so they are written: as text for ``promtool tsdb create-blocks-from openmetrics``,
or by remote write.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

from exporter.errors import BookingSyncError
from exporter.monitoring.rules import NEW_1D, NEW_4H
from exporter.support.remote_write import Labels, Samples

DAY: Final = 86_400.0
WEEK_SECONDS: Final = 7 * DAY
WEEKS: Final = (3, 2, 1)
BUSY: Final[Mapping[str, float]] = {NEW_4H: 12.0, NEW_1D: 40.0}
"""New bookings in four hours and in a day, well above what the rules take for busy."""

_STEP_SECONDS: Final = 60.0
_BEFORE_SECONDS: Final = 600.0


def last_weeks(
    targets: Iterable[Mapping[str, str]], *, now: float, lasts: float, hurry: float = 1
) -> Iterator[tuple[Labels, Samples]]:
    """Return the series of busy weeks for these targets (their labels), for what is judged from ``now`` on.

    A rehearsal lasts so many seconds in life; ``hurry`` divides these, the weeks and the steps.
    """
    steps = int((_BEFORE_SECONDS + lasts) / _STEP_SECONDS)
    begins = [-weeks * WEEK_SECONDS - _BEFORE_SECONDS for weeks in WEEKS]
    ages = sorted({begin + step * _STEP_SECONDS for begin in begins for step in range(steps + 1)})
    past = [now + age / hurry for age in ages if age <= -_BEFORE_SECONDS]
    for labels in targets:
        for record, value in BUSY.items():
            yield frozenset({"__name__": record, **labels}.items()), [(moment, value) for moment in past]


def openmetrics(series: Iterable[tuple[Labels, Samples]]) -> str:
    """Return series as OpenMetrics text."""
    lines = [
        f"{_selector(dict(labels))} {value:g} {moment:.3f}"
        for labels, samples in series
        for moment, value in samples
        if value is not None
    ]
    return "\n".join([*lines, "# EOF", ""])


def write_last_weeks(path: Path, targets: Iterable[Mapping[str, str]], *, job: str, now: float) -> None:
    """Write the weeks of these targets to a file. Raises :class:`~exporter.errors.BookingSyncError` when that cannot be."""
    text = openmetrics(last_weeks(({"job": job, **labels} for labels in targets), now=now, lasts=2 * DAY))
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise BookingSyncError(f"cannot write {path}: {error.strerror}") from None


def _selector(labels: dict[str, str]) -> str:
    name = labels.pop("__name__")
    named = ",".join(f'{label}="{_escaped(value)}"' for label, value in sorted(labels.items()))
    return f"{name}{{{named}}}"


def _escaped(value: str) -> str:
    return value.replace("\\", r"\\").replace('"', r"\"").replace("\n", r"\n")
