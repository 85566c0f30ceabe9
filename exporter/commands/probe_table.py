"""What ``probe`` prints for people and for monitoring systems: the verdict in the first line, a table, and each fix once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exporter.state.verdict import Verdict
from exporter.support.redaction import visible
from exporter.web import status_types as api

_HEAD: Final = ("target", "collector", "state", "seconds", "found")
_STYLES: Final = {"ok": "green", "partial": "yellow", "waiting": "magenta"}
_BROKEN: Final = "bold red"


def print_report(status: api.Status, verdict: Verdict) -> None:
    """Print ``status`` on standard output; in a pipe no line is wrapped, whatever ``COLUMNS`` says."""
    console = Console(highlight=False)
    console.print(escape(first_line(status, verdict)), soft_wrap=True)
    rows = rows_of(status)
    if console.is_terminal:
        table = Table(*_HEAD, box=None, pad_edge=False)
        for row in rows:
            table.add_row(*(f"[{_STYLES.get(row[2], _BROKEN)}]{cell}" if cell == row[2] else escape(cell) for cell in row))
        console.print(table)
    else:
        for line in _aligned([_HEAD, *rows]):
            console.print(escape(line), soft_wrap=True)
    for line in fixes(status.problems):
        console.print(escape(line), soft_wrap=True)


def rows_of(status: api.Status) -> list[tuple[str, ...]]:
    """Return the cells of the table, a row for each collector."""
    return [_row(target, collector) for target in status.targets for collector in target.collectors]


def first_line(status: api.Status, verdict: Verdict) -> str:
    """Return what a monitoring system shows: the verdict, how many targets are how, and the worst that is wrong.

    What follows a ``|`` would be numbers to it, so there is none.
    """
    counts = status.summary
    rows = (
        (counts.targets_critical, "critical"),
        (counts.targets_warning, "warning"),
        (counts.targets_waiting, "waiting"),
        (counts.targets_healthy, "healthy"),
    )
    told = ", ".join(f"{number} {word}" for number, word in rows if number) or "none"
    line = f"{verdict.name}: {counts.targets} target{'' if counts.targets == 1 else 's'} ({told})"
    if status.problems:
        worst, more = status.problems[0], counts.problems_critical + counts.problems_warning - 1
        line += f"; {_place(worst)}: {_what(worst)}" + (f", and {more} more" if more else "")
    return _in_one_line(line).replace("|", "/")


def fixes(problems: Iterable[api.Problem]) -> Iterator[str]:
    """Yield the lines of what is wrong: each kind with its fix once, then where it is."""
    groups: dict[tuple[str, ...], list[api.Problem]] = {}
    for problem in problems:
        groups.setdefault((problem.severity, _what(problem), problem.meaning, problem.fix), []).append(problem)
    for (severity, what, meaning, fix), found in groups.items():
        yield visible(f"- {severity}: {what}. {meaning}" + (f" Fix: {fix}" if fix else ""))
        for problem in found:
            yield visible(f"    {_place(problem)}" + (f": {detail}" if (detail := _detail(problem)) else ""))


def _in_one_line(text: str) -> str:
    return visible(" ".join(text.split()))


def _what(problem: api.Problem) -> str:
    return f"{problem.title} ({problem.reason})" if problem.reason else problem.title


def _place(problem: api.Problem) -> str:
    return f"{problem.target} {problem.subject}"


def _detail(problem: api.Problem) -> str:
    if (pair := problem.conflict) is not None:
        return f"bookings {pair.first} and {pair.second} overlap from {pair.start:%Y-%m-%d %H:%M} to {pair.end:%H:%M} UTC"
    if problem.until is not None:
        return f"ends {problem.until:%Y-%m-%d %H:%M} UTC"
    return problem.detail or ""


def _row(target: api.Target, collector: api.Collector) -> tuple[str, ...]:
    seconds = collector.last_poll_duration_seconds
    found = _found(target, collector)
    if collector.failure is not None:
        failed = f"{collector.failure.reason}: {collector.failure.message}"
        found = f"{found}; {failed}" if found else failed
    shown = "" if seconds is None else f"{seconds:.1f}"
    return _in_one_line(target.name), collector.name, collector.condition, shown, _in_one_line(found or "nothing")


def _found(target: api.Target, collector: api.Collector) -> str:
    if collector.data_at is None:
        return ""
    match collector.name:
        case "connections" if target.connections is not None:
            statuses = [row.status for row in target.connections.connections]
            return ", ".join(f"{statuses.count(word)} {word}" for word in dict.fromkeys(statuses)) or "no connections"
        case "bookings" if target.bookings is not None:
            text = ", ".join(f"{row.window} {row.bookings}" for row in target.bookings.windows)
            conflicting = max((row.conflicting or 0 for row in target.bookings.windows), default=0)
            return text + (f", {conflicting} overlapping" if conflicting else "")
        case "links" if target.links is not None:
            return ", ".join(
                f"{row.window} {row.linked} linked, {row.unlinked} not"
                + (f", {row.unverified} unverified" if row.unverified else "")
                for row in target.links.windows
            )
        case _:
            return ""


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
