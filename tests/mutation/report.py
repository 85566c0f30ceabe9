"""What is kept of a run, and the section about it in ``docs/testing.md``."""

from __future__ import annotations

import hashlib
import json
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from datetime import date
from pathlib import Path
from typing import Final

from tests.mutation.equivalents import why
from tests.mutation.operators import Mutant
from tests.mutation.trials import Outcome, Subject

LIVES: Final = frozenset({"survived", "unreached"})


class Kept:
    """The outcomes of a module's mutants, a line of JSON each; a module that was changed begins anew."""

    def __init__(self, folder: Path, subject: Subject) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        self.subject = subject
        source = hashlib.sha256(subject.source.encode()).hexdigest()[:12]
        self._file = folder / f"{subject.dotted}.{source}.jsonl"

    def add(self, outcome: Outcome) -> None:
        """Keep what became of a mutant."""
        with self._file.open("a", encoding="utf-8") as file:
            file.write(json.dumps(asdict(outcome)) + "\n")

    def read(self) -> dict[str, Outcome]:
        """Return the newest outcome of each mutant, by name, in the order of the code."""
        lines = self._file.read_text(encoding="utf-8").splitlines() if self._file.exists() else []
        found = {one.name: one for one in (Outcome(**json.loads(line)) for line in lines)}
        return {one.name: found[one.name] for one in self.subject.mutants if one.name in found}

    def left(self, *, every: int = 1, again: bool = False) -> list[Mutant]:
        """Return each ``every``-th mutant that has no outcome yet, or with ``again`` those that live."""
        done = self.read()
        if again:
            return [one for one in self.subject.mutants if one.name in done and done[one.name].result in LIVES]
        return [one for one in self.subject.mutants[::every] if one.name not in done]


def figures(kept: Mapping[str, Kept]) -> Iterator[str]:
    """Yield the table of figures by module."""
    yield "| module | mutants | tried | killed | timed out | equivalent | survived |"
    yield "|---|---:|---:|---:|---:|---:|---:|"
    total: Counter[str] = Counter()
    for module, its in kept.items():
        count = _counted(module, its)
        total += count
        yield _row(f"`{module}`", count)
    yield _row("all", total)


def _counted(module: str, kept: Kept) -> Counter[str]:
    found = kept.read()
    results = Counter(
        "equivalent" if one.result in LIVES and why(module, one.name) else "survived" if one.result in LIVES else one.result
        for one in found.values()
    )
    return results + Counter({"mutants": len(kept.subject.mutants), "tried": len(found)})


def _row(name: str, count: Counter[str]) -> str:
    columns = ("mutants", "tried", "killed", "timed out", "equivalent", "survived")
    return f"| {name} | {' | '.join(str(count[column]) for column in columns)} |"


def listed(kept: Mapping[str, Kept], *, known: bool = False) -> Iterator[str]:
    """Yield rows of the mutants that live: those of which nobody has said why, or the ``known`` ones with the reason."""
    for module, its in kept.items():
        for one in its.read().values():
            reason = why(module, one.name)
            if one.result in LIVES and bool(reason) == known:
                yield f"| `{module.removeprefix('exporter/')}` | {_code(one.name)} | {reason or one.result} |"


def _code(name: str) -> str:
    return f"`{name.replace('|', '&#124;')}`"


_HEADING: Final = "## Mutation"


def write(document: Path, kept: Mapping[str, Kept], day: date) -> None:
    """Write the last figures and the mutants that live into the section of ``document``."""
    text = document.read_text(encoding="utf-8")
    table = "\n".join([*figures(kept)])
    rows = "\n".join([*listed(kept), *listed(kept, known=True)])
    lives = f"| module | change | why it changes nothing that matters |\n|---|---|---|\n{rows}"
    before, _, rest = text.partition(f"{_HEADING}\n")
    section, *following = re.split(r"(?m)^(?=## )", rest, maxsplit=1)
    introduction = section.partition("### Last figures")[0].strip()
    new = f"{introduction}\n\n### Last figures\n\nOf {day:%-d %B %Y}.\n\n{table}\n\n### What lives\n\n{lives}\n"
    document.write_text("\n".join([f"{before}{_HEADING}\n\n{new}", *following]), encoding="utf-8")
