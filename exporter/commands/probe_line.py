"""The first line of ``probe``: all that a monitoring system's lists, mails and pagers show, with numbers for its graphs.

It is the status text and the performance data of the monitoring plugins' guidelines. Names come from elsewhere: none can end
the line or begin the numbers, whose labels are ours.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from exporter.model import CollectorName, ConnectionStatus
from exporter.state.verdict_row import Verdict
from exporter.support.local_time import day_and_time, in_zone
from exporter.support.redaction import visible
from exporter.web import status_types as api

MAX_LETTERS: Final = 240  # what lists and pagers show
MAX_BYTES: Final = 640  # with the numbers it fits the 1,024 bytes of an old NRPE packet, in every script
_MAX_NAME: Final = 60
_MAX_TITLE: Final = 80
_CUT: Final = "..."
_UNKNOWN: Final = "U"


def first_line(status: api.Status, verdict: Verdict, encoding: str = "utf-8") -> str:
    """Return the status text: the verdict, how many targets are how, and what is wrong, the worst first.

    What has one cause stands together. What does not fit is counted. ``encoding`` is that of the output: letters that it
    lacks are longer there.
    """
    counts = status.summary
    rows = (
        (counts.targets_critical, "critical"),
        (counts.targets_warning, "warning"),
        (counts.targets_waiting, "waiting"),
        (counts.targets_healthy - counts.targets_paused, "healthy"),
        (counts.targets_paused, "paused"),
    )
    told = ", ".join(f"{number} {word}" for number, word in rows if number) or "none"
    line = f"{verdict.name}: {counts.targets} target{'' if counts.targets == 1 else 's'} ({told})"
    left = counts.problems_critical + counts.problems_warning
    cause = ""
    for problem in status.problems:
        title = _printed(title_of(problem), encoding, _MAX_TITLE)
        place = _printed(f"{problem.target or 'exporter'} {problem.subject}", encoding, _MAX_NAME)
        place += _when(problem, status.generated_at)
        longer = f"{line}, {place}" if title == cause else f"{line} - {title}: {place}"
        if not _fits(longer + _more(left - 1), encoding):
            break
        line, cause, left = longer, title, left - 1
    return line + _more(left)


def numbers(status: api.Status, seconds: float) -> str:
    """Return the performance data: ``label=value[unit];warn;crit;min;max``, a threshold where passing it is the verdict.

    They are the same few however many targets there are. ``U`` is what nobody knows now; what is not looked for is left out.
    """
    counts = status.summary
    of_targets = f"0;{counts.targets}"
    values = {
        "targets_critical": f"{counts.targets_critical};;0;{of_targets}",
        "targets_warning": f"{counts.targets_warning};0;;{of_targets}",
        "targets_unknown": f"{counts.targets_waiting};;;{of_targets}",
        **dict(_of_collectors(status)),
        "time": f"{seconds:.3f}s;;;0",
    }
    return " ".join(f"{label}={value}" for label, value in values.items())


def unknown(problems: Sequence[str], encoding: str = "utf-8") -> str:
    """Return the output of a probe that could judge nothing, for ``problems``: the first line has the first of them.

    All stand below, whole, unless that one says it all.
    """
    lines = [in_one_line(problem).replace("|", "/") for problem in problems]
    more = _more(len(lines) - 1)
    first = _printed(f"{Verdict.UNKNOWN.name}: {lines[0]}", encoding, MAX_LETTERS - len(more)) + more
    whole = lines[1:] or first.endswith(_CUT)
    return "\n".join((first, *(f"- {line}" for line in lines if whole))) + "\n"


def title_of(problem: api.Problem) -> str:
    """Return what is wrong, with its reason."""
    return f"{problem.title} ({problem.reason})" if problem.reason else problem.title


def in_one_line(text: str) -> str:
    """Return ``text`` without line breaks and unseen letters."""
    return visible(" ".join(text.split()))


def _printed(text: str, encoding: str, limit: int) -> str:
    """Return ``text`` as ``encoding`` shows it. What stands behind a ``|`` would be numbers to a monitoring system."""
    text = in_one_line(text).replace("|", "/").encode(encoding, "backslashreplace").decode(encoding)
    return text if len(text) <= limit else text[: limit - len(_CUT)] + _CUT


def _when(problem: api.Problem, now: datetime) -> str:
    starts = [pair.start] if (pair := problem.conflict) is not None else [row.start for row in problem.overlapped]
    return f" {day_and_time(in_zone(starts[0], problem.zone), now)}" if starts else ""


def _more(problems: int) -> str:
    return f", and {problems} more" if problems > 0 else ""


def _fits(line: str, encoding: str) -> bool:
    return len(line) <= MAX_LETTERS and len(line.encode(encoding)) <= MAX_BYTES


def _of_collectors(status: api.Status) -> Iterator[tuple[str, str]]:
    """Yield what the targets' data say. An answer that left targets out, for its length, is no sum of all."""
    collectors = [collector for target in status.targets for collector in target.collectors]
    failed = str(sum(collector.failure is not None for collector in collectors))
    yield "collectors_failed", _UNKNOWN if status.truncated else f"{failed};;;0;{len(collectors)}"
    for label, name, number in _SUMS:
        asked = [target for target in status.targets if any(collector.name == name for collector in target.collectors)]
        known = [target for target in asked if _DATA[name](target) is not None]
        found = [one for target in known if (one := number(target)) is not None]
        if asked and (status.truncated or not known):
            yield label, _UNKNOWN
        elif found:
            yield label, f"{sum(found)};;;0"


def _errors(target: api.Target) -> int | None:
    rows = target.connections.connections if target.connections else ()
    return sum(row.status == ConnectionStatus.ERROR for row in rows)


def _overlaps(target: api.Target) -> int | None:
    windows = target.bookings.windows if target.bookings else ()
    measured = (row.conflicting - (row.accepted_conflicting or 0) for row in windows if row.conflicting is not None)
    return max(measured, default=None)


def _not_blocked(target: api.Target) -> int | None:
    windows = target.events.windows if target.events else ()
    return max((sum(row.conflicts.values()) for row in windows), default=None)


def _over_busy(target: api.Target) -> int | None:
    return sum(row.over_busy for row in target.slots.schedules) if target.slots and target.slots.schedules else None


def _unlinked(target: api.Target) -> int | None:
    return max((row.unlinked for row in target.links.windows), default=None) if target.links else None


_DATA: Final[Mapping[CollectorName, Callable[[api.Target], object]]] = {
    CollectorName.CONNECTIONS: lambda target: target.connections,
    CollectorName.BOOKINGS: lambda target: target.bookings,
    CollectorName.LINKS: lambda target: target.links,
    CollectorName.EVENTS: lambda target: target.events,
    CollectorName.SLOTS: lambda target: target.slots,
}
_SUMS: Final[tuple[tuple[str, CollectorName, Callable[[api.Target], int | None]], ...]] = (
    ("connections_error", CollectorName.CONNECTIONS, _errors),
    ("overlaps", CollectorName.BOOKINGS, _overlaps),
    ("unlinked", CollectorName.LINKS, _unlinked),
    ("private_overlaps", CollectorName.EVENTS, _not_blocked),
    ("slots_over_busy", CollectorName.SLOTS, _over_busy),
)
