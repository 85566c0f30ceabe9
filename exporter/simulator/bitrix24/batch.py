"""``batch``: up to fifty commands in one request (bitrix24.md section 5)."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from exporter.simulator.bitrix24 import phpquery
from exporter.simulator.bitrix24.errors import ApiError
from exporter.simulator.bitrix24.methods import Result

MAX_COMMANDS: Final = 50

_REFERENCE: Final = re.compile(r"\$result((?:\[[^\[\]]+\])+)")
_STEP: Final = re.compile(r"\[([^\[\]]+)\]")


@dataclass(frozen=True, slots=True)
class Ran:
    """One command that worked: its result and its ``time`` object."""

    result: Result
    time: Mapping[str, object] | None


def run_batch(
    params: Mapping[str, object],
    run: Callable[[str, Mapping[str, object]], Ran],
    describe_error: Callable[[ApiError], Mapping[str, object]],
) -> dict[str, object]:
    """Run the commands one after another and return the five sections.

    ``run`` gets a method name and its parameters, and raises :class:`ApiError`. Items that are not text are skipped; a command
    after the fiftieth fails; with ``halt`` everything after the first failure is in no section.
    """
    given = {name.lower(): value for name, value in params.items()}
    halt = given.get("halt") not in {None, False, "", "0"} if _hashable(given.get("halt")) else True
    sections: dict[str, dict[int | str, object]] = {
        name: {} for name in ("result", "result_error", "result_total", "result_next", "result_time")
    }
    for number, (key, command) in enumerate(_commands(given.get("cmd"))):
        if not isinstance(command, str):
            continue
        try:
            if number >= MAX_COMMANDS:
                raise ApiError("ERROR_BATCH_LENGTH_EXCEEDED", "Max batch length exceeded")  # noqa: TRY301  one place writes errors
            method, _, query = command.partition("?")
            ran = run(method, _substituted(phpquery.parse(query), sections["result"]))
        except ApiError as error:
            sections["result_error"][key] = describe_error(error)
            if halt:
                break
            continue
        sections["result"][key] = ran.result.value
        if ran.result.total is not None:
            sections["result_total"][key] = ran.result.total
        if ran.result.next is not None:
            sections["result_next"][key] = ran.result.next
        if ran.time is not None:
            sections["result_time"][key] = ran.time
    return {name: _section(section) for name, section in sections.items()}


def _commands(cmd: object) -> list[tuple[int | str, object]]:
    if isinstance(cmd, list):
        return list(enumerate(cmd))
    if isinstance(cmd, Mapping):
        return [(phpquery.key(name), command) for name, command in cmd.items()]
    return []


def _section(section: dict[int | str, object]) -> object:
    """Encode as PHP does: nothing is ``[]``, and keys 0..n-1 make a list."""
    if list(section) == list(range(len(section))):
        return list(section.values())
    return {str(key): value for key, value in section.items()}


def _substituted(params: Mapping[str, object], results: Mapping[int | str, object]) -> dict[str, object]:
    return {name: _substitute(value, results) for name, value in params.items()}


def _substitute(value: object, results: Mapping[int | str, object]) -> object:
    if isinstance(value, dict):
        return {key: _substitute(item, results) for key, item in value.items()}
    if isinstance(value, list):
        return [_substitute(item, results) for item in value]
    if not isinstance(value, str):
        return value
    whole = _REFERENCE.fullmatch(value)
    if whole:
        return _find(whole.group(1), results)
    return _REFERENCE.sub(lambda match: _text(_find(match.group(1), results)), value)


def _find(path: str, results: Mapping[int | str, object]) -> object:
    node: object = results
    for step in _STEP.findall(path):
        key = phpquery.key(step)
        if isinstance(node, Mapping):
            node = node.get(key, node.get(step))
        elif isinstance(node, list) and isinstance(key, int) and 0 <= key < len(node):
            node = node[key]
        else:
            return None
    return node


def _text(value: object) -> str:
    return str(value) if isinstance(value, str | int | float) else ""


def _hashable(value: object) -> bool:
    return value is None or isinstance(value, str | int | float)
