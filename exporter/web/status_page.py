"""The status board ``/``: what is broken, where, since when and who mends it, on one page without any external asset.

The page is made on the server and complete without JavaScript; the script only fetches the same page again. Its size is
bounded: problems with one cause are one card, targets come in pages, long lists are cut and say so.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Final
from urllib.parse import quote, urlencode

import jinja2
from markupsafe import Markup

from exporter.limits import BOARD_CONNECTIONS
from exporter.state.snapshot import View
from exporter.web import wording
from exporter.web.status_api import on_page, pages_of, status_of
from exporter.web.status_types import BookingsWindow, CalendarConnection, LinksWindow, Problem, Status, Target

CARDS: Final = 20
PLACES: Final = 8
SUBJECTS: Final = 8
LISTED: Final = BOARD_CONNECTIONS.number
_FEW: Final = 3  # targets that are shown unfolded even when nothing is wrong
_FEW_BROKEN: Final = 5  # broken targets that are shown unfolded; of more, a person chooses


@dataclass(frozen=True, slots=True)
class Place:
    """Where a problem is: a target, and what of it broke at one moment in one way."""

    target: str
    subjects: Sequence[str]
    problem: Problem


@dataclass(frozen=True, slots=True)
class Card:
    """Problems with one cause and one fix, ``size`` in all. ``places`` are the first of them, ``more`` counts the rest."""

    cause: Problem
    size: int
    targets: int
    places: Sequence[Place]
    more: int


@dataclass(frozen=True, slots=True)
class WindowRow:
    """One window of a target: what its bookings and what its links say about it."""

    name: str
    bookings: BookingsWindow | None
    links: LinksWindow | None


@dataclass(frozen=True, slots=True)
class Shown:
    """One target on the page; ``connections`` has the broken ones first, ``more_connections`` counts those left out."""

    status: Target
    unfolded: bool
    connections: Sequence[CalendarConnection]
    more_connections: int
    windows: Sequence[WindowRow]
    facts: Sequence[str]

    def absence(self, collector: str) -> str:
        """Say why ``collector`` has nothing to show here; an absent number is never a zero."""
        found = next((row for row in self.status.collectors if row.name == collector), None)
        if found is None or found.data_at is not None:
            return "not measured"
        if found.data_expired:
            return "withdrawn, too old"
        return "not polled yet" if found.condition == "waiting" else "no data"


@dataclass(frozen=True, slots=True)
class Board:
    """Everything that the template shows; ``site`` is whose board it is, ``None`` when it is that of all targets."""

    status: Status
    site: str | None
    query: str
    page: int
    pages: int
    matching: int
    cards: Sequence[Card]
    more_cards: int
    targets: Sequence[Shown]

    @property
    def home(self) -> str:
        """The address of the whole board, relative to itself."""
        return "./" if self.site is None else f"./{quote(self.site, safe='')}"

    @property
    def folder(self) -> str:
        """The address below which JSON and metrics of the same targets are, relative to the board."""
        return "" if self.site is None else f"{self.home}/"

    def link(self, *, page: int = 1, query: str | None = None) -> str:
        """Return the address of another page or filter, relative, so that a proxy may serve the board in a folder."""
        parts = {"q": self.query if query is None else query, "page": str(page) if page > 1 else ""}
        return "?" + urlencode({name: value for name, value in parts.items() if value})


def render(view: View, *, query: str = "", page: int = 1, site: str | None = None) -> bytes:
    """Return the page as UTF-8, as the board of ``site`` if that is all that ``view`` has.

    Takes long for thousands of targets; call it in a thread.
    """
    return _template().render(board=board_of(status_of(view), query=query, page=page, site=site)).encode()


def board_of(status: Status, *, query: str = "", page: int = 1, site: str | None = None) -> Board:
    """Choose what is shown: problems and targets that contain every word of ``query``, broken targets first."""
    words = query.casefold().split()
    of_target: dict[str, list[Problem]] = {}
    for problem in status.problems:
        of_target.setdefault(problem.target, []).append(problem)
    whole = {target.name for target in status.targets if _has(words, _words_of_target(target))}
    problems = [problem for problem in status.problems if problem.target in whole or _has(words, _words_of_problem(problem))]
    found = {problem.target for problem in problems}
    matching = [
        target
        for target in status.targets
        if target.name in whole or target.name in found or any(_has(words, text) for text in _details(target))
    ]
    matching.sort(key=lambda target: _STATES.index(target.state))  # stable: within a state as configured
    pages = pages_of(len(matching))
    page = min(max(1, page), pages)
    few_broken = sum(target.state in {"critical", "warning"} for target in matching) <= _FEW_BROKEN
    cards = _cards(problems)
    shown = on_page(matching, page)
    return Board(
        status=status,
        site=site,
        query=query,
        page=page,
        pages=pages,
        matching=len(matching),
        cards=cards[:CARDS],
        more_cards=max(0, len(cards) - CARDS),
        targets=[
            _shown(
                target,
                words if target.name not in whole else [],
                unfolded=len(matching) <= _FEW or (few_broken and target.state in {"critical", "warning"}),
            )
            for target in shown
        ],
    )


_STATES: Final = ("critical", "warning", "waiting", "healthy")


def _has(words: Iterable[str], text: str) -> bool:
    folded = text.casefold()
    return all(word in folded for word in words)


def _words_of_target(target: Target) -> str:
    return " ".join((target.name, target.platform, target.state, *(f"{name}={value}" for name, value in target.labels.items())))


def _words_of_problem(problem: Problem) -> str:
    conflict = problem.conflict
    ids = (conflict.first, conflict.second) if conflict else ()
    parts = (problem.target, problem.subject, problem.severity, problem.kind, problem.title, problem.reason or "", *ids)
    return " ".join(parts)


def _words_of_connection(target: Target, row: CalendarConnection) -> str:
    words = (row.connection, row.calendar_type, row.provider, row.schedule, row.status, row.error_reason or "")
    return " ".join((_words_of_target(target), *words))


def _details(target: Target) -> Iterable[str]:
    if target.connections:
        yield from (_words_of_connection(target, row) for row in target.connections.connections)
    if target.bookings:
        names = target.bookings.resource_names
        yield " ".join((_words_of_target(target), *names, *names.values()))


def _cards(problems: Iterable[Problem]) -> list[Card]:
    groups: dict[tuple[object, ...], list[Problem]] = {}
    for problem in problems:
        key = (problem.severity, problem.kind, problem.title, problem.reason, problem.meaning, problem.fix)
        groups.setdefault(key, []).append(problem)
    return [_card(group) for group in groups.values()]


def _card(group: Sequence[Problem]) -> Card:
    places: dict[tuple[object, ...], list[Problem]] = {}
    for problem in group:
        # Each double booking and each credential is a place of its own.
        own = id(problem) if problem.conflict or problem.until else None
        places.setdefault((problem.target, problem.since, problem.detail, own), []).append(problem)
    shown = [
        Place(first.target, [problem.subject for problem in (first, *rest)], first)
        for first, *rest in list(places.values())[:PLACES]
    ]
    targets = len({problem.target for problem in group})
    return Card(group[0], len(group), targets, shown, max(0, len(places) - PLACES))


def _shown(target: Target, words: Iterable[str], *, unfolded: bool) -> Shown:
    rows = target.connections.connections if target.connections else ()
    # Words that name a connection narrow the list; words that name something else of the target do not empty it.
    rows = tuple(row for row in rows if _has(words, _words_of_connection(target, row))) or rows
    rows = tuple(sorted(rows, key=lambda row: (not row.broken, wording.STATUS_ORDER.index(row.status))))
    return Shown(
        status=target,
        unfolded=unfolded,
        connections=rows[:LISTED],
        more_connections=max(0, len(rows) - LISTED) + (target.connections.dropped_connections if target.connections else 0),
        windows=_windows(target),
        facts=wording.facts(target),
    )


def _windows(target: Target) -> list[WindowRow]:
    bookings = {row.window: row for row in target.bookings.windows} if target.bookings else {}
    links = {row.window: row for row in target.links.windows} if target.links else {}
    return [WindowRow(name, bookings.get(name), links.get(name)) for name in dict.fromkeys((*bookings, *links))]


def content_security_policy() -> str:
    """Return the policy of the page: its own style and script by their hash, a fetch of itself, nothing else."""
    return _policy()


def _asset(name: str) -> str:
    return (resources.files("exporter.web") / "templates" / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"


@cache
def _policy() -> str:
    return (
        f"default-src 'none'; style-src {_hash(_asset('board.css'))}; script-src {_hash(_asset('board.js'))}; "
        "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@cache
def _template() -> jinja2.Template:
    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("exporter.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(wording.FILTERS)
    environment.globals.update(
        style=Markup(_asset("board.css")),  # noqa: S704  our own file; its hash stands in the policy
        script=Markup(_asset("board.js")),  # noqa: S704  the same
        resources_shown=LISTED,
        subjects_shown=SUBJECTS,
    )
    return environment.get_template("board.html")
