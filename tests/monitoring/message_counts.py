"""How many messages a storm brought, and the columns of the tables that show it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol, TypeAlias, TypeVar

Summary: TypeAlias = dict[str, int | None]
"""What is kept of a storm: the messages to pager and tickets, and the minute of the first."""

COLUMNS: Final = (
    "before: pages",
    "again after the repair",
    "tickets",
    "now: pages",
    "again",
    "tickets",
    "all-clears",
    "first message, min",
)


class Message(Protocol):
    """A message about a group of alerts: ``alerts`` are those that fire, none in an all-clear."""

    @property
    def group(self) -> str: ...

    @property
    def alerts(self) -> Collection[Any]: ...


M = TypeVar("M", bound=Message)


@dataclass(frozen=True, slots=True)
class Counts:
    """Messages to a receiver: incidents ``begun`` before the repair and ``again`` after it, ``more`` about one, all-clears."""

    begun: int = 0
    more: int = 0
    again: int = 0
    over: int = 0


def counted(messages: Iterable[M], is_late: Callable[[M], bool]) -> Counts:
    """Count what reached a receiver; a message about a group that is not open begins an incident.

    ``is_late`` tells what came after the repair.
    """
    begun = more = again = over = 0
    known: set[str] = set()
    for message in messages:
        if not message.alerts:
            over += message.group in known  # else it is the end of something that was before
            known.discard(message.group)
        elif message.group in known:
            more += 1
        else:
            known.add(message.group)
            begun, again = (begun, again + 1) if is_late(message) else (begun + 1, again)
    return Counts(begun, more, again, over)


def summary(pager: Counts, tickets: Counts, first: int | None) -> Summary:
    """Return what is kept of a storm. What is added to a page that was sent is no page; each mail is a ticket."""
    return {
        "pages": pager.begun,
        "pages_after": pager.again,
        "tickets": tickets.begun + tickets.more,
        "tickets_after": tickets.again,
        "all_clears": pager.over + tickets.over,
        "first": first,
    }


def table(what: Sequence[str], rows: Iterable[tuple[Sequence[str], Sequence[Summary], Sequence[Summary]]], empty: str) -> str:
    """Return a table as Markdown: of each row the cells under ``what``, and the worst of what was counted before and now.

    ``empty`` stands where nothing was counted.
    """
    lines = [(*what, *COLUMNS), ("---",) * (len(what) + len(COLUMNS))]
    lines += [(*cells, *_counts(before, now, empty)) for cells, before, now in rows]
    return "".join(f"| {' | '.join(line)} |\n" for line in lines)


def _counts(before: Sequence[Summary], now: Sequence[Summary], empty: str) -> tuple[str, ...]:
    shown = [("pages",), ("pages_after",), ("tickets", "tickets_after")]
    counts = [_worst(found, names) for found in (before, now) for names in shown]
    return tuple(cell or empty for cell in (*counts, _worst(now, ("all_clears",)), _range(now)))


def _worst(found: Sequence[Summary], names: Sequence[str]) -> str:
    return f"{max(sum(one[name] or 0 for name in names) for one in found):,}" if found else ""


def _range(found: Sequence[Summary]) -> str:
    minutes = sorted({minute for one in found if (minute := one["first"]) is not None})
    return "-".join(str(minute) for minute in dict.fromkeys((minutes[0], minutes[-1]))) if minutes else ""
