"""The cache of the last load of the configuration: what a reload takes over, so that it works out only what changed.

No value here has a text of its own: what stands in a file may be a secret.

A target is taken over if its lines say the same, so do those of all that is filled into targets, and nothing outside of the
files was looked at for it. If something was, such as a file with its credential, the target is built again, and the same object
stays where it comes out the same. So who works something out of a target may remember it for as long as it is that object.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from exporter.platforms.settings import Target
from exporter.support.yaml_incremental import YamlText

T = TypeVar("T")


@dataclass(frozen=True, slots=True, repr=False)
class CachedTarget:
    """A target that came out of the mapping ``raw`` of a file, with the ``secrets`` that stand there.

    It ``is_closed`` when nothing outside of the files was looked at for it.
    """

    raw: object
    target: Target
    secrets: tuple[str, ...]
    is_closed: bool


@dataclass(slots=True, repr=False)
class TargetFacts:
    """Memoised results by target: what was worked out of single targets. They do not count when configurations are compared."""

    _found: dict[str, dict[int, tuple[Target, Any]]] = field(default_factory=dict, compare=False)

    def of(self, target: Target, what: str, work_out: Callable[[Target], T]) -> T:
        """Return ``work_out(target)``, memoised by ``what`` for as long as ``target`` is the same object."""
        found = self._found.setdefault(what, {})
        known = found.get(id(target))
        if known is None:
            # Held, so that no other object has its id.
            known = found[id(target)] = target, work_out(target)
        answer: T = known[1]
        return answer

    def only(self, targets: Sequence[Target]) -> TargetFacts:
        """Return what is known of ``targets``."""
        here = {id(target) for target in targets}
        known = {what: found.copy() for what, found in self._found.copy().items()}  # another thread may add to them
        return TargetFacts({what: {key: row for key, row in found.items() if key in here} for what, found in known.items()})


@dataclass(frozen=True, slots=True, repr=False)
class CachedLoad:
    """A load that found nothing wrong: its files as texts, what was filled into its targets, and what came out."""

    texts: Mapping[Path, YamlText] = field(default_factory=dict)
    around: str = ""
    made: Mapping[int, CachedTarget] = field(default_factory=dict)
    facts: TargetFacts = field(default_factory=TargetFacts)

    def known(self, raws: Iterable[object], around: str) -> dict[int, CachedTarget]:
        """Return how the targets that say the same in ``raws``, within the same ``around``, were made, by their places."""
        if around != self.around:
            return {}
        return {index: made for index, raw in enumerate(raws) if (made := self.made.get(id(raw))) is not None}


@dataclass(slots=True, repr=False)
class LoadCache:
    """The last valid load of a configuration. Loads in two threads do each other no harm: they replace it as a whole."""

    last: CachedLoad = field(default_factory=CachedLoad)
