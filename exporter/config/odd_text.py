"""Text that is allowed and hardly meant, wherever it stands in the file: quotes that are none to YAML."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.fields.kinds import FieldProblem
from exporter.support.yaml_source import Path

_OPENING: Final = "\u201c\u201d\u201e\u2018\u2019\u201a\u00ab\u00bb\u2033"
_MESSAGE: Final = "begins and ends with typographic quotes, which are a part of it"
_FIX: Final = "remove them, or write \" or '"


def odd_text(value: object, path: Path = ()) -> Iterator[FieldProblem]:
    """Yield each text of ``value``, the file as it is written, that a word processor put into quotes of its own."""
    if isinstance(value, str):
        if len(value) > 1 and value[0] in _OPENING and value[-1] in _OPENING:
            yield FieldProblem(path, _MESSAGE, _FIX)
    elif isinstance(value, Mapping):
        for key, inner in value.items():
            yield from odd_text(inner, (*path, key))
    elif isinstance(value, list):
        for index, inner in enumerate(value):
            yield from odd_text(inner, (*path, index))
