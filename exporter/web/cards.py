"""The cards of the status board: problems with one cause and one fix, whatever each of them did to the data.

A credential that many targets share and a platform that fails are one cause, so they are one card with a place for each target.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Final

import msgspec

from exporter.errors import Reason
from exporter.state.findings import Finding, Severity
from exporter.state.snapshot import TargetView
from exporter.state.verdict_row import Kind
from exporter.web.status_types import Problem
from exporter.web.wording import natural

CARDS: Final = 20  # shown whole; of further causes one line each
PLACES: Final = 8  # shown unfolded
LISTED_PLACES: Final = 100  # shown unfolded or folded; of more, the filter shows them page by page
LISTED_CAUSES: Final = 200
SLUG_LETTERS: Final = 12

_POLLS: Final = frozenset({Kind.COLLECTOR_FAILING, Kind.DATA_EXPIRED})
_OF_A_CREDENTIAL: Final = frozenset({Reason.AUTH, Reason.PERMISSION})


class Cause(msgspec.Struct, frozen=True):
    """What problems have in common. ``credential`` is set when several targets use it and it may be the cause."""

    title: str
    reason: str
    platform: str
    credential: str
    meaning: str
    fix: str

    @property
    def slug(self) -> str:
        """The cause in one short word, for a filter and for an address; the same in each process and on each day."""
        # A hash, since a title may be longer than a filter, and two may differ in signs alone.
        parts = (self.title, self.platform, self.reason, self.credential)
        return hashlib.sha256("\n".join(parts).encode(errors="surrogatepass")).hexdigest()[:SLUG_LETTERS]


class Place(msgspec.Struct, frozen=True):
    """Where a problem is: a target, and what of it broke in one way. ``effect`` is that of the findings.

    ``problem`` is the document of the earliest of ``subjects``.
    """

    target: str
    subjects: Sequence[Finding]
    effect: str
    problem: Problem


class Card(msgspec.Struct, frozen=True):
    """Problems with one cause, ``size`` in all at ``targets`` targets, the worst first.

    ``first`` and ``folded`` are their places, ``more`` counts those that are not listed. ``effect`` and ``detail`` say what is
    the same at all of them, and then the places do not say it again.
    """

    cause: Cause
    effect: str
    severity: Severity
    kind: Kind
    size: int
    targets: int
    detail: str
    first: Sequence[Place]
    folded: Sequence[Place]
    more: int

    @property
    def mixed(self) -> bool:
        """Whether the places differ in severity."""
        return any(place.problem.severity != self.severity for place in (*self.first, *self.folded))


class Line(msgspec.Struct, frozen=True):
    """A cause beyond the cards: that there is one, and how often."""

    cause: Cause
    severity: Severity
    size: int


class Causes:
    """Tells the cause of each problem of a view; what is a credential's fault depends on which targets share one."""

    def __init__(self, targets: Mapping[str, TargetView]) -> None:
        self._targets = targets
        self._users = Counter((target.platform, target.policy.credential) for target in targets.values())

    def of(self, problem: Finding) -> Cause:
        """Return the cause of ``problem``."""
        target = self._targets.get(problem.target)
        platform, credential = (target.platform, target.policy.credential) if target else ("", "")
        shared = bool(credential) and problem.reason in _OF_A_CREDENTIAL and self._users[platform, credential] > 1
        return Cause(
            problem.title,
            problem.reason,
            platform if problem.reason else "",
            credential if shared and problem.kind in _POLLS else "",
            problem.advice.meaning,
            problem.advice.fix,
        )


def cards_of(
    problems: Iterable[Finding], causes: Causes, document: Callable[[Finding], Problem]
) -> tuple[list[Card], list[Line]]:
    """Return a card for each cause of ``problems``, which are sorted, and a line for each beyond :data:`CARDS`."""
    groups: dict[Cause, list[Finding]] = {}
    for problem in problems:
        groups.setdefault(causes.of(problem), []).append(problem)
    found = list(groups.items())
    lines = [Line(cause, group[0].severity, len(group)) for cause, group in found[CARDS:]]
    return [_card(cause, group, document) for cause, group in found[:CARDS]], lines


def _card(cause: Cause, group: Sequence[Finding], document: Callable[[Finding], Problem]) -> Card:
    places: dict[tuple[object, ...], list[Finding]] = {}
    for problem in group:
        # Each double booking, each credential and each schedule with a first slot is a place of its own.
        own = id(problem) if problem.begins is not None or problem.until or problem.first else None
        key = (problem.severity, problem.target, problem.effect, problem.detail, own)
        places.setdefault(key, []).append(problem)
    ordered = sorted(places.values(), key=lambda same: _order(same[0]))
    details = {problem.detail for problem in group}
    effects = {problem.effect for problem in group}
    listed = [_place(same, document, tells_effect=len(effects) > 1) for same in ordered[:LISTED_PLACES]]
    return Card(
        cause,
        effects.pop() if len(effects) == 1 else "",
        group[0].severity,
        group[0].kind,
        len(group),
        len({problem.target for problem in group}),
        details.pop() if len(details) == 1 and len(places) > 1 else "",
        listed[:PLACES],
        listed[PLACES:],
        max(0, len(ordered) - LISTED_PLACES),
    )


def _place(same: Sequence[Finding], document: Callable[[Finding], Problem], *, tells_effect: bool) -> Place:
    # What broke together broke when the first of it did; where nobody knows that, nobody knows.
    earliest = min(same, key=lambda problem: problem.since or 0.0)
    return Place(earliest.target, same, earliest.effect if tells_effect else "", document(earliest))


def _order(problem: Finding) -> tuple[object, ...]:
    moment = problem.until or problem.first or 0.0 if problem.begins is None else problem.begins
    return list(Severity).index(problem.severity), not problem.none_works, moment, natural(problem.target)
