"""YAML error recovery: what can still be read of a file with syntax errors, so that one slip does not hide all others.

The part with the slip is left out and the rest is read as if nothing had happened: an element of a list at the top of the
file, such as one target, or all that belongs to a key at the top. What is read so says no more than it would with the slip
mended, as long as who judges it says nothing of :data:`~exporter.support.yaml_source.UNREADABLE`, which stands in its place.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from typing import Final, NamedTuple

from msgspec.structs import replace

from exporter.errors import ConfigProblem
from exporter.support.yaml_source import NO_ANCHOR, UNREADABLE, Path, YamlSource, read_yaml

# Each costs a reading of the whole file by the slow parser, and people mend the first ones first.
_MAX_SLIPS: Final = 4
_TOP: Final = re.compile(r"[^\s#%\-\]}]")
_KEY: Final = re.compile(r"([A-Za-z_][A-Za-z0-9_-]*)[ ]*:(?:\s|$)")
_ELEMENT: Final = re.compile(r"( *)-(?:\s|$)")


class _Part(NamedTuple):
    """Lines from ``first`` to before ``end``, counted from 0, that belong to ``path``; ``instead`` keeps their place."""

    first: int
    end: int
    path: Path
    instead: str


def read_yaml_with_recovery(text: str) -> YamlSource:
    """Return what ``text`` says, and around a syntax error what the rest of it says; ``unread`` tells what was left out.

    Where that cannot be told apart soundly, the error is all: ``value`` is ``None``, and ``unread`` names the whole file.
    """
    source = read_yaml(text)
    if source.broken is None:
        return source
    lines, problems, gone = text.splitlines(), list[ConfigProblem](), dict[Path, _Part]()
    while source.broken is not None:
        problems += (problem for problem in source.problems if not gone or NO_ANCHOR not in problem.message)
        part = next((part for part in _around(lines, source.broken - 1) if part.path not in gone), None)
        if part is None or len(problems) >= _MAX_SLIPS:
            break
        gone[part.path] = part
        lines[part.first : part.end] = [part.instead, *[""] * (part.end - part.first - 1)]
        source = read_yaml("\n".join(lines))
    if source.value is None or not all(_leave_out(source, part) for part in gone.values()):
        return YamlSource(None, {}, tuple(problems), source.broken, ((),))
    return replace(source, problems=(*problems, *source.problems), unread=tuple(gone))


def _around(lines: Sequence[str], line: int) -> Iterator[_Part]:
    """Yield the parts of the file that hold ``line``, the smallest first."""
    tops = [number for number, text in enumerate(lines) if _TOP.match(text)]
    first = max((number for number in tops if number <= line), default=None)
    key = None if first is None else _KEY.match(lines[first])
    is_another_document = "".join(lines[line : line + 1]).startswith("---")  # which of them is meant, nobody knows
    if first is None or key is None or is_another_document:
        return
    end = min((number for number in tops if number > line), default=len(lines))
    elements = [(number, found[1]) for number in range(first + 1, end) if (found := _ELEMENT.match(lines[number]))]
    starts = [number for number, indent in elements if indent == elements[0][1]]
    before = [number for number in starts if number <= line]
    if before:
        behind = min((number for number in starts if number > line), default=end)
        yield _Part(before[-1], behind, (key[1], len(before) - 1), f"{elements[0][1]}- ~")
    yield _Part(first, end, (key[1],), f"{key[1]}: ~")


def _leave_out(source: YamlSource, part: _Part) -> bool:
    """Put :data:`UNREADABLE` in the place of ``part``; return whether it is where it was looked for."""
    holder, place = source.value, part.path[-1]
    if len(part.path) > 1 and isinstance(holder, dict):
        holder = holder.get(part.path[0])
        if holder is UNREADABLE or holder is None:  # its whole block was left out later
            return True
    is_there = isinstance(holder, dict) or (isinstance(holder, list) and isinstance(place, int) and place < len(holder))
    if not is_there or source.lines.get(part.path) != part.first + 1:
        return False
    holder[place] = UNREADABLE  # type: ignore[index]  # looked at just before
    return True
