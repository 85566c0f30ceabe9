"""Names that a user gives to things of a platform: what is wrong with them, whatever they name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping

from exporter.fields.kinds import FieldProblem, mapping_of, shown
from exporter.support.yaml_source import Path


def shared_aliases(target: Mapping[str, object], path: Path, key: str, things: str) -> Iterator[FieldProblem]:
    """Yield each alias under ``key`` of a raw target that several ``things`` have, so that nobody could tell them apart."""
    aliases = mapping_of(target.get(key))
    uses = Counter(alias for alias in aliases.values() if isinstance(alias, str))
    for thing, alias in aliases.items():
        if isinstance(alias, str) and uses[alias] > 1:
            yield FieldProblem(
                (*path, key, thing),
                f"{shown(alias)} is the alias of several {things}",
                f"give each of the {things} its own alias",
            )
