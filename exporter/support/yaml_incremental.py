"""Incremental YAML parsing: of a file that is read again and again, only the changed elements of its long list are parsed.

The list is a block sequence under one key at the top. Where the lines of such an element begin, a parser of YAML has nothing
open but that list, so elements can be parsed one by one as if nothing else stood in the list, and in the same way whatever
stands before and behind them. That holds without anchors alone: an alias means what stands elsewhere. Where anything else is
in the way, such as brackets around the list, another end of line, or an error, all of the file is parsed.

Elements whose lines are the same as before are the same objects as before, so that who works something out of them need not do
it again.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from io import StringIO
from itertools import pairwise
from typing import Any, Final

from exporter.support.yaml_source import MAX_VALUES, Path, YamlSource, read_yaml

_ANCHOR: Final = re.compile(r"(?:^|[\s,\[{}\]:?])&")
_OTHER_END_OF_LINE: Final = re.compile("[\x85\u2028\u2029]|\r(?!\n)")
_DOCUMENT: Final = re.compile(r"---|\.\.\.|%")
_ELEMENT: Final = re.compile(" *- ")


@dataclass(frozen=True, slots=True, repr=False)
class YamlText:
    """A file as it was read: its ``text``, the ``value`` of it, and what tells its elements apart.

    ``tops`` are the lines, from 1, of all that is no element of the list under ``key``; ``starts`` are the lines, from 0, on
    which each element begins, and ``end`` is the one behind the last. ``size`` is how many values there are.
    """

    text: str
    key: str
    value: Mapping[str, Any]
    tops: Mapping[Path, int]
    starts: Sequence[int]
    end: int
    size: int

    @property
    def elements(self) -> list[object]:
        """The elements of the list."""
        found: list[object] = self.value[self.key]
        return found

    def source(self, lines: Sequence[str]) -> YamlSource:
        """Return what the file says; ``lines`` are those of its text."""
        return YamlSource(self.value, _Lines(self, lines), (), size=self.size)


@dataclass(slots=True, repr=False)
class _Lines(Mapping[Path, int]):
    """On which line each value stands. Those of an element are found when they are asked for: few ever are."""

    of: YamlText
    lines: Sequence[str]
    found: dict[int, Mapping[Path, int]] = field(default_factory=dict)

    def __getitem__(self, path: Path) -> int:
        if len(path) == 1 or path[:1] != (self.of.key,):
            return self.of.tops[path]
        position = path[1]
        if not isinstance(position, int) or not 0 <= position < len(self.of.starts):
            raise KeyError(path)
        return self._of_element(position)[self.of.key, 0, *path[2:]] + self.of.starts[position] - 1

    def __iter__(self) -> Iterator[Path]:
        yield from self.of.tops
        for position in range(len(self.of.starts)):
            yield from ((self.of.key, position, *path[2:]) for path in self._of_element(position) if len(path) > 1)

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def _of_element(self, position: int) -> Mapping[Path, int]:
        if position not in self.found:
            first, end = self.of.starts[position], [*self.of.starts, self.of.end][position + 1]
            self.found[position] = read_yaml("".join((f"{self.of.key}:\n", *self.lines[first:end]))).lines
        return self.found[position]


def read_incrementally(
    text: str, key: str, before: YamlText | None, read: Callable[[str], YamlSource] = read_yaml
) -> tuple[YamlSource, YamlText | None]:
    """Return what ``text`` says, as ``read`` does, and what the next reading of the same file takes as ``before``.

    That is ``None`` where the list under ``key`` cannot be taken apart.
    """
    lines = _lines(text)
    if before is None:
        source = read(text)
        return source, _apart(lines, text, key, source)
    old = _lines(before.text)
    if (changed := _changed(lines, text, before, old)) is not None:
        return changed.source(lines), changed
    source = read(text)
    apart = _apart(lines, text, key, source)
    if apart is not None:
        _take_over(apart, lines, _blocks(before, old))
    return source, apart


def _apart(lines: Sequence[str], text: str, key: str, source: YamlSource) -> YamlText | None:
    """Return ``source`` taken apart; ``None`` where that cannot be."""
    value, top = source.value, source.lines.get((key,))
    elements = value.get(key) if isinstance(value, dict) else None
    if source.problems or source.unread or top is None or not isinstance(elements, list) or not elements or _is_odd(text):
        return None
    starts = [source.lines[key, position] - 1 for position in range(len(elements))]
    tops = {path: line for path, line in source.lines.items() if path[:1] != (key,) or len(path) == 1}
    end = min((line - 1 for path, line in tops.items() if len(path) == 1 and line > top), default=len(lines))
    dash = _dash(lines[starts[0]])
    is_plain = dash and lines[top - 1].startswith(f"{key}:") and all(lines[start].startswith(dash) for start in starts)
    # The dash on the line of a list may be its own. An element of a list in brackets may begin anywhere, several on one line.
    if (
        not is_plain
        or any(isinstance(element, list) for element in elements)
        or any(start >= other for start, other in pairwise([top - 1, *starts, end]))
    ):
        return None
    return YamlText(text, key, source.value, tops, starts, end, source.size)  # type: ignore[arg-type]  # looked at above


def _changed(lines: Sequence[str], text: str, before: YamlText, old: Sequence[str]) -> YamlText | None:
    """Return what ``text`` says when it differs from ``before`` in elements of the list alone; ``None`` if that is not sure."""
    least = min(len(old), len(lines))
    head = next((number for number in range(least) if old[number] != lines[number]), least)
    if head == len(old) == len(lines):
        return before
    tail = next((number for number in range(least - head) if old[-1 - number] != lines[-1 - number]), least - head)
    more, behind = len(lines) - len(old), len(old) - tail
    if head < before.starts[0] or behind > before.end:
        return None
    # From an element that begins on the same line in both, to one that does, too.
    first = max(0, bisect_left(before.starts, head) - 1)
    last = bisect_left(before.starts, behind)
    bounds = [*before.starts, before.end]
    if bounds[last] + more <= bounds[first] and bounds[last] < before.end:  # nothing is left there
        last += 1
    begin, end = bounds[first], bounds[last]
    piece = [f"{before.key}:\n", *lines[begin : end + more]]
    if any(map(_DOCUMENT.match, piece)) or not "".join(piece[1:2]).startswith(_dash(old[begin])):
        return None
    part = "".join(piece)
    new = _apart(piece, part, before.key, read_yaml(part))
    if new is None or len(new.value) > 1:
        return None
    _take_over(new, piece, _blocks(before, old, first, last))
    elements = [*before.elements[:first], *new.elements, *before.elements[last:]]
    size = before.size + sum(map(_size, new.elements)) - sum(map(_size, before.elements[first:last]))
    if size > MAX_VALUES:
        return None
    return YamlText(
        text,
        before.key,
        {**before.value, before.key: elements},
        {path: line + more if line > before.end else line for path, line in before.tops.items()},
        [
            *before.starts[:first],
            *(start + begin - 1 for start in new.starts),
            *(start + more for start in before.starts[last:]),
        ],
        before.end + more,
        size,
    )


def _blocks(of: YamlText, lines: Sequence[str], first: int = 0, last: int | None = None) -> dict[str, object]:
    """Return the elements of ``of`` from ``first`` to before ``last``, by their lines."""
    ends = [*of.starts[1:], of.end]
    rows = zip(of.starts[first:last], ends[first:last], of.elements[first:last], strict=True)
    return {"".join(lines[start:end]): element for start, end, element in rows}


def _take_over(new: YamlText, lines: Sequence[str], known: Mapping[str, object]) -> None:
    """Put elements that are ``known`` by their lines in the places of those of ``new`` that say the same."""
    for position, (start, end) in enumerate(pairwise([*new.starts, new.end])):
        new.elements[position] = known.get("".join(lines[start:end]), new.elements[position])


def _size(value: object) -> int:
    """Return how many values ``value`` is, itself included."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return 1 + sum(map(_size, inner))


def _lines(text: str) -> list[str]:
    """Return the lines of ``text`` with their ends: a text that is the last thing in a file may have none."""
    return list(StringIO(text))


def _dash(line: str) -> str:
    """Return how an element begins that begins on ``line``; empty if that is no element in lines of its own."""
    found = _ELEMENT.match(line)
    return found[0] if found else ""


def _is_odd(text: str) -> bool:
    return ("&" in text and _ANCHOR.search(text) is not None) or _OTHER_END_OF_LINE.search(text) is not None
