"""Time zones and windows that are allowed and mean something else than they seem to say."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from exporter.counting import wall_clock_form
from exporter.fields.kinds import FieldProblem, mapping_of
from exporter.fields.zones import misleading
from exporter.support.yaml_source import Path

_BOUNDS: Final = ("from", "to")


def calendar_warnings(written: Mapping[str, object]) -> Iterator[FieldProblem]:
    """Yield what is hardly meant in a valid file; ``written`` is all of it, as it stands there."""
    yield from _zone(written, ())
    yield from _windows(written, ())
    for index, target in enumerate(map(mapping_of, _list(written.get("targets")))):
        path = ("targets", index)
        yield from _zone(target, path)
        for name, collector in mapping_of(target.get("collectors")).items():
            yield from _windows(mapping_of(collector), (*path, "collectors", name))


def _zone(owner: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    name = owner.get("timezone")
    if isinstance(name, str) and (odd := misleading(name)) is not None:
        yield FieldProblem((*path, "timezone"), *odd)


def _windows(owner: Mapping[str, object], path: Path) -> Iterator[FieldProblem]:
    for index, window in enumerate(map(mapping_of, _list(owner.get("windows")))):
        for key in _BOUNDS:
            bound = window.get(key)
            if isinstance(bound, str) and (meant := wall_clock_form(bound)) is not None:
                message = f"{bound} counts elapsed time: on days when the clocks change it is another time of day"
                yield FieldProblem((*path, "windows", index, key), message, f"write {meant}")


def _list(value: object) -> list[object]:
    return value if isinstance(value, list) else []
