"""What ``probe`` prints for people and for monitoring systems: the verdict in the first line, a table, and each fix once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from exporter.commands.probe_line import first_line, in_one_line, numbers, title_of, unknown
from exporter.model import CollectorName
from exporter.policy import WarningKind
from exporter.state.advice import asked_once, plain
from exporter.state.verdict import TABLE
from exporter.state.verdict_row import Verdict
from exporter.support.local_time import day_and_time, from_to, in_utc, in_zone
from exporter.support.redaction import visible
from exporter.support.standard_streams import write_output
from exporter.web import slots_types, status_copies
from exporter.web import status_types as api

_HEAD: Final = ("target", "collector", "state", "seconds", "found")
# A warning of the configuration is of no collector, and stands beside what came of it.
_FEEDS: Final[Mapping[str, str]] = {
    WarningKind.NO_CONNECTIONS: CollectorName.CONNECTIONS,
    WarningKind.UNKNOWN_SCHEDULE: CollectorName.CONNECTIONS,
    WarningKind.UNKNOWN_ALIAS: CollectorName.CONNECTIONS,
    WarningKind.CONFLICTS_OFF: CollectorName.BOOKINGS,
    WarningKind.UNKNOWN_RESOURCE: CollectorName.BOOKINGS,
    WarningKind.UNKNOWN_SERVICE: CollectorName.SLOTS,
}
_HOUR: Final = 3_600.0
_STYLES: Final = {"OK": "green", "WARNING": "yellow", "CRITICAL": "bold red", "UNKNOWN": "magenta"}


def print_report(status: api.Status, verdict: Verdict, seconds: float, *more: str, once: bool = False) -> None:
    """Print ``status`` on standard output, then ``more`` lines; ``seconds`` is how long it took to learn it.

    On a terminal there is a table in colours. Elsewhere a monitoring plugin's output: the numbers stand behind a ``|`` in the
    first line, no line is wrapped, and none of the others has a ``|``. ``once`` says that nobody polls again.
    """
    console = Console(highlight=False)
    first = first_line(status, verdict, console.encoding)
    rows = rows_of(status)
    rest = (*fixes(status, once=once), *_listings(status.listed), *more)
    if not console.is_terminal:
        lines = (line.replace("|", "/") for line in (*_aligned([_HEAD, *rows]), *rest))
        write_output("\n".join((f"{first} | {numbers(status, seconds)}", *lines)) + "\n")
        return
    console.print(escape(first), soft_wrap=True)
    table = Table(*_HEAD, box=None, pad_edge=False)
    for target, collector, judged, *cells in rows:
        table.add_row(escape(target), collector, f"[{_STYLES[judged]}]{judged}", *map(escape, cells))
    console.print(table)
    for line in rest:
        console.print(escape(line), soft_wrap=True)


def print_unknown(problems: Sequence[str]) -> None:
    """Print on standard output, the only one that a monitoring system reads, why nothing could be judged."""
    write_output(unknown(problems, Console().encoding))


def left_out() -> str:
    """Return the line about the rows of the table of verdicts that need a history."""
    kinds = dict.fromkeys(row.kind.replace("_", " ") for row in TABLE if row.history)
    return (
        f"Not judged, since one poll has no history: {', '.join(kinds)}. A pair needs polls of hours before it says anything."
    )


def rows_of(status: api.Status) -> list[tuple[str, ...]]:
    """Return the cells of the table, a row for each collector, with the verdict on it.

    What is wrong with an account, and with no collector, has a row of its own, and so has a target that is paused.
    """
    polled = {(target.name, collector.name) for target in status.targets for collector in target.collectors}
    worst: dict[tuple[str, str | None], str] = {}
    apart: dict[str, list[str]] = {}
    for problem in status.problems:  # critical first
        collector: str | None = problem.collector or _FEEDS.get(problem.reason or "")
        if (problem.target, collector) not in polled:
            collector = None
        worst.setdefault((problem.target, collector), problem.severity.upper())
        if collector is None:
            apart.setdefault(problem.target, []).append(problem.title)

    def without_collector(target: str) -> Iterator[tuple[str, ...]]:
        if target in apart:
            found = in_one_line("; ".join(dict.fromkeys(apart[target])))
            yield in_one_line(target) or "exporter", "-", worst[target, None], "", found

    rows: list[tuple[str, ...]] = [*without_collector("")]
    for target in status.targets:
        if target.paused:
            rows.append((in_one_line(target.name), "-", "OK", "", "paused"))
            continue
        rows += without_collector(target.name)
        rows += (_row(target, collector, worst.get((target.name, collector.name), "OK")) for collector in target.collectors)
    return rows


def fixes(status: api.Status, *, once: bool = False) -> Iterator[str]:
    """Yield the lines of what is wrong: each kind with its fix once, then where it is. ``once`` is as above."""
    groups: dict[tuple[str, ...], list[api.Problem]] = {}
    for problem in status.problems:
        fix = asked_once(problem.fix) if once else problem.fix
        groups.setdefault((problem.severity, title_of(problem), problem.meaning, fix), []).append(problem)
    for (severity, what, meaning, fix), found in groups.items():
        yield visible(plain(f"- {severity}: {what}. {meaning}" + (f" Fix: {fix}" if fix else "")))
        for problem in found:
            detail = plain(_detail(problem, status.generated_at))
            yield visible(f"    {_place(problem)}" + (f": {detail}" if detail else ""))


def _place(problem: api.Problem | api.Listed) -> str:
    if isinstance(problem, api.Listed) or not problem.site:
        where = problem.target or "exporter"
    else:
        where = f"{problem.target} (site: {problem.site})"
    if isinstance(problem, api.Problem) and problem.calendar_type:
        return f"{where} connection {problem.subject} ({problem.calendar_type} calendar)"
    return f"{where} {problem.subject}"


def _detail(problem: api.Problem, now: datetime) -> str:
    if (pair := problem.conflict) is not None:
        return _overlap(pair, problem.zone, now)
    if problem.unlinked:
        return "the next ones: " + _bookings(problem.unlinked, problem.zone, now)
    if problem.overlapped:
        more = f", and {problem.more} more of this target" if problem.more else ""
        return _bookings(problem.overlapped, problem.zone, now) + more
    if problem.mismatched:
        return _first_mismatched(problem, now)
    if (moment := problem.first or problem.until) is not None:
        at = in_zone(moment, problem.zone)
        return f"{'the first:' if problem.first else 'ends'} {day_and_time(at, now)} ({in_utc(at)})"
    return problem.detail or ""


def _overlap(pair: api.BookingConflict, zone: str, now: datetime) -> str:
    start, end = (in_zone(moment, zone) for moment in (pair.start, pair.end))
    return f"{from_to(start, end, now)} ({pair.overlap_minutes} min; {in_utc(start)}): bookings {pair.first} and {pair.second}"


def _bookings(rows: Iterable[api.UnlinkedBooking | api.OverlappedBooking], zone: str, now: datetime) -> str:
    found = ((in_zone(row.start, zone), row.booking) for row in rows)
    return ", ".join(f"{day_and_time(at, now)} ({in_utc(at)}) booking {booking}" for at, booking in found)


def _first_mismatched(problem: api.Problem, now: datetime) -> str:
    rows = ((in_zone(row.start, problem.zone), row) for row in problem.mismatched)
    return "the next ones: " + ", ".join(
        f"{day_and_time(at, now)} ({in_utc(at)}) booking {row.booking} ({', '.join((row.kind, *row.resources))})"
        for at, row in rows
    )


def _listings(listed: Iterable[api.Listed]) -> Iterator[str]:
    """Yield a line for each thing that is not judged, with the reason that the configuration gives and how long it counts."""
    for one in listed:
        why = f", known: {one.why}" if one.why else ""
        until = f", until {one.until:%Y-%m-%d %H:%M} UTC" if one.until else ""
        what = f": {one.message.rstrip('.')}" if one.message else ""
        fix = f". Fix: {one.fix}" if one.message and one.fix else ""
        yield visible(plain(f"- listed, not judged: {_place(one)}: {one.title}{what}{why}{until}{fix}"))


def _row(target: api.Target, collector: api.Collector, judged: str) -> tuple[str, ...]:
    seconds = collector.last_poll_duration_seconds
    found = _found(target, collector)
    if collector.failure is not None:
        failed = f"{collector.failure.reason}: {collector.failure.message}"
        found = f"{found}; {failed}" if found else failed
    shown = "" if seconds is None else f"{seconds:.1f}"
    judged = judged if collector.finished_polls else "UNKNOWN"
    return in_one_line(target.name), collector.name, judged, shown, in_one_line(found or "nothing")


def _found(target: api.Target, collector: api.Collector) -> str:
    if collector.data_at is None:
        return ""
    match collector.name:
        case "connections" if target.connections is not None:
            statuses = [row.status for row in target.connections.connections]
            text = ", ".join(f"{statuses.count(word)} {word}" for word in dict.fromkeys(statuses)) or "no connections"
            dropped = target.connections.dropped_connections
            return text + (f", {dropped} not listed" if dropped else "")
        case "bookings" if target.bookings is not None:
            text = ", ".join(f"{row.window} {row.bookings}" for row in target.bookings.windows)
            conflicting = max((row.conflicting or 0 for row in target.bookings.windows), default=0)
            accepted = max((row.accepted_conflicting or 0 for row in target.bookings.windows), default=0)
            meant = f" ({accepted} accepted)" if accepted else ""
            return text + (f", {conflicting} overlapping{meant}" if conflicting else "")
        case "links" if target.links is not None:
            return ", ".join(
                f"{row.window} {row.linked} linked, {row.unlinked} not"
                + (f", {row.unverified} unverified" if row.unverified else "")
                for row in target.links.windows
            ) + "".join(f", {row.window} {_differing(row)}" for row in target.links.copies or () if _differing(row))
        case "events" if target.events is not None:
            return ", ".join(f"{row.window} {sum(row.conflicts.values())} overlapped" for row in target.events.windows)
        case _:
            return ", ".join(_of_times(target, collector.name))


def _of_times(target: api.Target, collector: str) -> Iterator[str]:
    if collector == "slots" and target.slots is not None:
        yield from _slots(target.slots)
    if collector == "busy" and target.busy is not None:
        yield from (f"{row.window} {row.busy_seconds / _HOUR:.1f} h busy" for row in target.busy.windows)


def _slots(seen: slots_types.Slots) -> Iterator[str]:
    for row in seen.services:
        yield f"{row.service} {'unknown' if row.open is None else row.open}"
    if over := sum(row.over_busy for row in seen.schedules):
        several = sum(row.over_busy > 0 for row in seen.schedules) > 1
        yield f"{over} over private events" + (" (each once for every person whom it names)" if several else "")


def _differing(row: status_copies.CopiesWindow) -> str:
    return ", ".join(f"{number} {kind} in the staff's calendar" for kind, number in (row.mismatches or {}).items() if number)


def _aligned(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    for row in rows:
        yield "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
