"""The filter of the status board: what a person types, and what of a view it finds.

Words find whole words first and beginnings of words only where nothing has the whole ones, so that ``wix14`` is not ``wix14b``
and ``chair 3`` not the first chair of ``salon-033``. ``field:value`` compares a field from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from exporter.model import BookingsObservation, Connection, ConnectionsObservation, Observation
from exporter.state.findings import Finding
from exporter.state.snapshot import TargetView
from exporter.web.overview import Overview
from exporter.web.wording import subject

QUERY_LETTERS: Final = 400
FIELDS: Final = ("target", "site", "platform", "state", "severity", "reason", "kind", "connection", "cause")

_TERM: Final = re.compile(r'(?:([a-z]+):)?(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+))')
_WORD: Final = re.compile(r"[^\W_]+")
_STARTS: Final = r"(?<![^\W_])"
_ENDS: Final = r"(?![^\W_])"
_BETWEEN: Final = r"(?:(?!\n)[\W_])+"

#: One thing that can be found: its fields, which are compared from end to end, and its texts, a line each.
Entry = tuple[Mapping[str, str], str]
CauseOf = Callable[[Finding], str]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One way to understand the words: ``fields`` must be equal, each of ``patterns`` must be found."""

    fields: Sequence[tuple[str, str]]
    patterns: Sequence[re.Pattern[str]]

    def has(self, entry: Entry) -> bool:
        fields, text = entry
        return all(fields.get(name) == value for name, value in self.fields) and all(
            pattern.search(text) for pattern in self.patterns
        )


@dataclass(frozen=True, slots=True)
class Found:
    """What a filter leaves. ``whole`` are the targets that it found by themselves, not by a part of them."""

    problems: Sequence[Finding]
    targets: Sequence[str]
    _whole: Collection[str]
    _entries: Mapping[str, Entry]
    _reading: _Reading

    def connections(self, target: TargetView) -> Collection[str]:
        """Return those connections of ``target`` that the filter names, or all where it names something else of it."""
        rows = [row for collector in target.collectors for row in _connections(collector.observation)]
        named = [row.key for row in rows if target.name not in self._whole and self._names(target, row)]
        return set(named or (row.key for row in rows))

    def _names(self, target: TargetView, row: Connection) -> bool:
        return self._reading.has(_with_connection(self._entries[target.name], row))


def exact(field: str, value: str) -> str:
    """Return the filter that finds what has exactly ``value`` in ``field``."""
    if re.fullmatch(r'[^\s"\\]+', value):
        return f"{field}:{value}"
    quoted = value.replace("\\", r"\\").replace('"', r"\"")
    return f'{field}:"{quoted}"'


def without(query: str, field: str) -> str:
    """Return ``query`` without what it says of ``field``."""
    return " ".join(match.group() for match in _TERM.finditer(query) if match.group(1) != field)


def search(overview: Overview, query: str, cause_of: CauseOf) -> Found:
    """Return what ``query`` leaves of ``overview``: all that has each of its words and fields."""
    readings = list(_readings(query))
    if readings == [_NOTHING_ASKED]:
        return Found(overview.problems, list(overview.targets), overview.targets, {}, _NOTHING_ASKED)
    asks_cause = any(name == "cause" for name, _ in readings[0].fields)
    of_targets = {name: _of_target(target, overview.states[name]) for name, target in overview.targets.items()}
    of_problems = [
        _with_problem(of_targets.get(one.target, _NO_TARGET), one, cause_of(one) if asks_cause else "")
        for one in overview.problems
    ]
    for reading in readings:
        found = _found(overview, reading, of_targets, of_problems)
        if found.targets or found.problems:
            break
    return found


def _found(overview: Overview, reading: _Reading, of_targets: Mapping[str, Entry], of_problems: Sequence[Entry]) -> Found:
    whole = {name for name, entry in of_targets.items() if reading.has(entry)}
    shown = [
        one for one, entry in zip(overview.problems, of_problems, strict=True) if one.target in whole or reading.has(entry)
    ]
    broken = {one.target for one in shown}
    targets = [
        name
        for name, target in overview.targets.items()
        if name in whole or name in broken or any(map(reading.has, _details(of_targets[name], target)))
    ]
    return Found(shown, targets, whole, of_targets, reading)


_NOTHING_ASKED: Final = _Reading((), ())
_NO_TARGET: Final[Entry] = ({}, "")  # of the exporter as a whole


def _readings(query: str) -> Iterator[_Reading]:
    """Yield how ``query`` may be meant: its words as they stand in one text, whole words anywhere, beginnings of words."""
    fields, words = [], []
    for name, quoted, bare in _TERM.findall(query):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        if name in FIELDS:
            fields.append((name, value.casefold()))
        else:
            words.append(f"{name}:{value}" if name else value)
    if len(words) > 1:
        yield _Reading(fields, [_pattern(" ".join(words), _ENDS)])
    # Each pattern once: a word that is repeated in a long filter would be looked for in all texts as often.
    yield _Reading(fields, list(dict.fromkeys(_pattern(word, _ENDS) for word in words)))
    if words:
        yield _Reading(fields, list(dict.fromkeys(_pattern(word, "") for word in words)))


def _pattern(text: str, ends: str) -> re.Pattern[str]:
    parts = _WORD.findall(text.casefold())
    # Signs alone, such as "%", are found as they are.
    return re.compile(_STARTS + _BETWEEN.join(parts) + ends if parts else re.escape(text))


def _entry(fields: Mapping[str, str], texts: Iterable[str], more: str = "") -> Entry:
    text = "\n".join(texts).casefold()
    return fields, f"{more}\n{text}" if more else text


def _of_target(target: TargetView, state: str) -> Entry:
    fields = {
        "target": target.name.casefold(),
        "site": target.labels.get("site", "").casefold(),
        "platform": target.platform,
        "state": state,
    }
    return _entry(fields, (target.name, target.platform, state, *(f"{key}={value}" for key, value in target.labels.items())))


def _with_problem(target: Entry, problem: Finding, cause: str) -> Entry:
    fields = {
        **target[0],
        "severity": problem.severity,
        "reason": problem.reason,
        "kind": problem.kind,
        "connection": problem.subject.casefold(),
        "cause": cause,
    }
    ids = (problem.conflict.first, problem.conflict.second) if problem.conflict else ()
    texts = (subject(problem), problem.severity, problem.kind, problem.headline, problem.reason, *ids)
    return _entry(fields, texts, target[1])


def _with_connection(target: Entry, row: Connection) -> Entry:
    reason = row.error_reason or ""
    fields = {**target[0], "connection": row.key.casefold(), "reason": reason}
    return _entry(fields, (row.key, row.calendar_type, row.provider, row.schedule, row.status, reason), target[1])


def _details(own: Entry, target: TargetView) -> Iterator[Entry]:
    for collector in target.collectors:
        match collector.observation:
            case ConnectionsObservation(connections=rows):
                for row in rows:
                    yield _with_connection(own, row)
            case BookingsObservation(resource_names=names):
                yield _entry(own[0], (*names, *names.values(), *target.policy.resource_aliases.values()), own[1])


def _connections(observation: Observation | None) -> Sequence[Connection]:
    return observation.connections if isinstance(observation, ConnectionsObservation) else ()
