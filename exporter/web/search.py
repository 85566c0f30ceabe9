"""The filter of the status board: what a person types, and what of a view it finds.

Words find whole words first and beginnings of words only where nothing has the whole ones, so that ``wix14`` is not ``wix14b``
and ``chair 3`` not the first chair of ``salon-033``. ``field:value`` compares a field from end to end.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from typing import Final

import msgspec

from exporter.model import BookingsObservation, Connection, ConnectionsObservation, Observation
from exporter.state.findings import Finding
from exporter.state.snapshot import TargetView
from exporter.web.overview import Overview
from exporter.web.wording import subject

QUERY_LETTERS: Final = 400
FIELDS: Final = ("target", "site", "platform", "state", "severity", "reason", "kind", "connection", "cause")
WORDS: Final = 20
"""So many different words are looked for."""

_OF_CONNECTIONS: Final = frozenset({"connection", "reason"})
_TERM: Final = re.compile(r'(?:([a-z]+):)?(?:"((?:[^"\\]|\\.)*)"(?=\s|$)|(\S+))')
_WORD: Final = re.compile(r"[^\W_]+")
_STARTS: Final = r"(?<![^\W_])"
_ENDS: Final = r"(?![^\W_])"
_BETWEEN: Final = r"(?:(?!\n)[\W_])+"

#: One thing that can be found: its fields, which are compared from end to end, and its texts, a line each.
Entry = tuple[Mapping[str, str], str]
CauseOf = Callable[[Finding], str]


class _Reading(msgspec.Struct, frozen=True):
    """One way to understand the words: ``fields`` must be equal, each of ``patterns`` must be found."""

    fields: Sequence[tuple[str, str]]
    patterns: Sequence[re.Pattern[str]]

    def has(self, entry: Entry) -> bool:
        fields, text = entry
        return all(fields.get(name) == value for name, value in self.fields) and all(
            pattern.search(text) for pattern in self.patterns
        )

    @property
    def may_be_in_parts(self) -> bool:
        """Whether no field is left that only a target has, or only a problem."""
        return all(name in _OF_CONNECTIONS for name, _ in self.fields)

    def beyond(self, entry: Entry) -> _Reading:
        """Return what of the reading ``entry`` does not have, so that its parts are asked for nothing else."""
        fields, text = entry
        return _Reading(
            [(name, value) for name, value in self.fields if fields.get(name) != value],
            [pattern for pattern in self.patterns if not pattern.search(text)],
        )


class Found(msgspec.Struct, frozen=True):
    """What a filter leaves; ``words_searched`` is how many of its words were looked for where it has more, else 0."""

    problems: Sequence[Finding]
    targets: Sequence[str]
    words_searched: int
    _beyond: Mapping[str, _Reading]  # what each target does not have by itself

    def connections(self, target: TargetView) -> Collection[str]:
        """Return those connections of ``target`` that the filter names, or all where it names something else of it."""
        rows = [row for collector in target.collectors for row in _connections(collector.observation)]
        beyond = self._beyond.get(target.name, _NOTHING_ASKED)
        named = [row.key for row in rows if beyond != _NOTHING_ASKED and beyond.has(_of_connection(row))]
        return set(named or (row.key for row in rows))


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
    """Return what ``query`` leaves of ``overview``: all that has each of its fields and of its first :data:`WORDS` words."""
    fields, words = _asked(query)
    readings = list(_readings(fields, words[:WORDS]))
    words_searched = WORDS if len(words) > WORDS else 0
    if readings == [_NOTHING_ASKED]:
        return Found(overview.problems, list(overview.targets), 0, {})
    asks_cause = any(name == "cause" for name, _ in fields)
    of_targets = {name: _of_target(target, overview.states[name]) for name, target in overview.targets.items()}
    of_problems = [_of_problem(one, cause_of(one) if asks_cause else "") for one in overview.problems]
    for reading in readings:
        found = _found(overview, reading, of_targets, of_problems, words_searched)
        if found.targets or found.problems:
            break
    return found


def _found(
    overview: Overview, reading: _Reading, of_targets: Mapping[str, Entry], of_problems: Sequence[Entry], words_searched: int
) -> Found:
    beyond = {name: reading.beyond(entry) for name, entry in of_targets.items()}
    whole = {name for name, left in beyond.items() if left == _NOTHING_ASKED}
    shown = [
        one
        for one, entry in zip(overview.problems, of_problems, strict=True)
        if one.target in whole or beyond.get(one.target, reading).has(entry)
    ]
    broken = {one.target for one in shown}
    targets = [
        name
        for name, target in overview.targets.items()
        if name in whole or name in broken or (beyond[name].may_be_in_parts and any(map(beyond[name].has, _details(target))))
    ]
    return Found(shown, targets, words_searched, beyond)


_NOTHING_ASKED: Final = _Reading([], [])


def _asked(query: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the fields and the words of ``query``, each once."""
    fields, words = [], []
    for name, quoted, bare in _TERM.findall(query):
        value = re.sub(r"\\(.)", r"\1", quoted) if quoted else bare
        if name in FIELDS:
            fields.append((name, value.casefold()))
        else:
            words.append(f"{name}:{value}" if name else value)
    return fields, list(dict.fromkeys(words))


def _readings(fields: Sequence[tuple[str, str]], words: Sequence[str]) -> Iterator[_Reading]:
    """Yield how ``words`` may be meant: as they stand in one text, as whole words anywhere, as beginnings of words."""
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


def _text(texts: Iterable[str]) -> str:
    return "\n".join(texts).casefold()


def _of_target(target: TargetView, state: str) -> Entry:
    fields = {
        "target": target.name.casefold(),
        "site": target.labels.get("site", "").casefold(),
        "platform": target.platform,
        "state": state,
    }
    return fields, _text((target.name, target.platform, state, *(f"{key}={value}" for key, value in target.labels.items())))


def _of_problem(problem: Finding, cause: str) -> Entry:
    fields = {
        "severity": problem.severity,
        "reason": problem.reason,
        "kind": problem.kind,
        "connection": problem.subject.casefold(),
        "cause": cause,
    }
    ids = [problem.conflict.first, problem.conflict.second] if problem.conflict else []
    ids += [row.booking for row in problem.external]
    return fields, _text((subject(problem), problem.severity, problem.kind, problem.headline, problem.reason, *ids))


def _of_connection(row: Connection) -> Entry:
    reason = row.error_reason or ""
    texts = (row.key, row.calendar_type, row.provider, row.schedule, row.status, reason)
    return {"connection": row.key.casefold(), "reason": reason}, _text(texts)


def _details(target: TargetView) -> Iterator[Entry]:
    for collector in target.collectors:
        match collector.observation:
            case ConnectionsObservation(connections=rows):
                yield from map(_of_connection, rows)
            case BookingsObservation(resource_names=names):
                yield {}, _text((*names, *names.values(), *target.policy.resource_aliases.values()))


def _connections(observation: Observation | None) -> Sequence[Connection]:
    return observation.connections if isinstance(observation, ConnectionsObservation) else ()
