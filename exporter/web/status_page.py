"""The status board ``/``: what is broken, where, since when and who mends it, on one page without any external asset.

The page is made on the server and complete without JavaScript; the script only fetches the same page again. Its size is
bounded: problems with one cause are one card, targets come in pages, long lists are folded, and a link leads to what is cut.
"""

from __future__ import annotations

import shlex
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Final, get_args
from urllib.parse import quote, quote_plus, urlencode

import msgspec

from exporter.state.alerts_only import ALERTS_ONLY
from exporter.state.findings import Finding
from exporter.state.snapshot import TargetView, View
from exporter.texts import DEFAULT, LANGUAGES, Texts, texts_in
from exporter.web import wording
from exporter.web.assets import asset, source
from exporter.web.backend import Dashboards
from exporter.web.cards import LISTED_CAUSES, LISTED_PLACES, PLACES, Card, Cause, Causes, Line, cards_of
from exporter.web.history import strip
from exporter.web.moments import Moment, moment_of
from exporter.web.overview import Overview, overview_of
from exporter.web.runbook_links import runbook_of
from exporter.web.search import QUERY_LETTERS, Found, exact, search, without
from exporter.web.shown_target import LISTED, ShownTarget, shown_target, unnamed
from exporter.web.status_api import on_page, pages_of
from exporter.web.status_types import Listed, Status, TargetState

if TYPE_CHECKING:
    import jinja2

SUBJECTS: Final = 8
STATES: Final[Sequence[TargetState]] = get_args(TargetState)
_FEW: Final = 3  # targets that are shown unfolded even when nothing is wrong
_FEW_BROKEN: Final = 5  # broken targets that are shown unfolded; of more, a person chooses
_BROKEN: Final[Sequence[TargetState]] = ("critical", "warning")
_STYLE: Final = ("base.css", "board.css")
_SCRIPT: Final = "board.js"


class Board(msgspec.Struct, frozen=True):
    """Everything that the template shows. ``status`` has no lists; ``counts`` has what the filter leaves, by state.

    ``site`` is whose board it is, ``None`` when it is that of all targets; ``zone`` is that of the page as a whole.
    ``listed`` has what is not judged, as it was found and as it is told, with the zone of its target. ``refused`` is when a
    changed configuration was refused, whatever the filter leaves. ``lang`` is the language that was asked for, "" where the
    browser's wish decides. ``words_searched`` is how many words were looked for where the filter has more, else 0.
    """

    status: Status
    site: str | None
    zone: str
    query: str
    sort: str
    page: int
    pages: int
    matching: int
    counts: Mapping[str, int]
    cards: Sequence[Card]
    lines: Sequence[Line]
    listed: Sequence[tuple[Finding, Listed, str]]
    more_listed: int
    refused: Moment | None
    targets: Sequence[ShownTarget]
    lifecycle: bool
    lang: str = ""
    words_searched: int = 0

    @property
    def home(self) -> str:
        """The address of the whole board, relative to itself."""
        return "./" if self.site is None else f"./{quote(self.site, safe='')}"

    @property
    def folder(self) -> str:
        """The address below which JSON and metrics of the same targets are, relative to the board."""
        return "" if self.site is None else f"{self.home}/"

    @property
    def runbooks(self) -> str:
        """The address of the runbooks, relative to the board; theirs is the same for every site."""
        return "runbooks/" if self.site is None else "../runbooks/"

    def link(self, *, page: int = 1, query: str | None = None) -> str:
        """Return the address of another page or filter, relative, so that a proxy may serve the board in a folder."""
        return "?" + urlencode(self._asked(page, self.query if query is None else query, self.lang))

    def in_language(self, lang: str) -> str:
        """Return the address of this page in another language."""
        return "?" + urlencode(self._asked(self.page, self.query, lang))

    def to_target(self, name: str) -> str:
        """Return the address of a target, which does not depend on what else the board shows."""
        lang = {"lang": self.lang} if self.lang else {}
        return f"?{urlencode({'q': exact('target', name), **lang})}#{anchor(name)}"

    def to_cause(self, cause: Cause) -> str:
        """Return the address of a board with the targets of one cause."""
        return self.link(query=exact("cause", cause.slug))

    def to_state(self, state: str) -> str:
        """Return the address of a board with those targets of this one that are in ``state``."""
        return self.link(query=f"{without(self.query, 'state')} {exact('state', state)}".strip())

    def ask_again(self, target: str) -> str:
        """Return the address that has ``target`` polled now, and leads back to this page."""
        return "-/poll?" + urlencode({"target": target, **self._asked(self.page, self.query, self.lang)})

    def _asked(self, page: int, query: str, lang: str) -> Mapping[str, str]:
        sort = "" if self.sort == DEFAULT_SORT else self.sort
        parts = {"q": query, "sort": sort, "page": str(page) if page > 1 else "", "lang": lang}
        return {name: value for name, value in parts.items() if value}


def anchor(target: str, part: str = "") -> str:
    """Return the stable name of a place on the board: ``TARGET/`` or ``TARGET/CONNECTION``.

    Each is encoded as in a query string, which alert templates can do, too (``urlquery``). The slash keeps a target from
    bearing the name of something else on the page.
    """
    return f"{quote_plus(target)}/{quote_plus(part)}"


def render(
    view: View,
    *,
    query: str = "",
    page: int = 1,
    sort: str = "",
    target: str = "",
    lifecycle: bool = False,
    site: str | None = None,
    texts: Texts | None = None,
    lang: str = "",
    dashboards: Dashboards | None = None,
) -> bytes:
    """Return the page as UTF-8. Takes long for thousands of targets; call it in a thread.

    ``target`` asks for that one instead of what ``query`` finds. With ``lifecycle`` a button asks a target again.
    It is the board of ``site`` if that is all that ``view`` has. It speaks the language of ``texts``, by default English;
    its links keep ``lang``. With ``dashboards`` it links there.
    """
    asked = exact("target", target) if target else query
    board = board_of(view, query=asked, page=page, sort=sort, lifecycle=lifecycle, site=site, lang=lang)
    return _template(texts or texts_in(DEFAULT)).render(board=board, dashboards=dashboards).encode()


def board_of(
    view: View,
    *,
    query: str = "",
    page: int = 1,
    sort: str = "",
    lifecycle: bool = False,
    site: str | None = None,
    lang: str = "",
) -> Board:
    """Choose what is shown: problems and targets that ``query`` finds, by default the broken targets first."""
    query = query[:QUERY_LETTERS]
    sort = sort if sort in SORTS else DEFAULT_SORT
    overview = overview_of(view)
    causes = Causes(overview.targets)
    found = search(overview, query, lambda problem: causes.of(problem).slug)
    counts = Counter(overview.states[name] for name in found.targets)
    names = sorted(found.targets, key=lambda name: SORTS[sort](overview.targets[name], overview.states[name]))
    pages = pages_of(len(names))
    page = min(max(1, page), pages)
    cards, lines = cards_of(found.problems, causes, overview.problem)
    of_these = set(found.targets)
    listed = [finding for finding in overview.listed if finding.target in of_these]
    few_broken = sum(counts[state] for state in _BROKEN) <= _FEW_BROKEN
    return Board(
        status=overview.head,
        site=site,
        zone=_zone(overview.targets.values()),
        query=query,
        sort=sort,
        page=page,
        pages=pages,
        matching=len(names),
        counts={state: counts[state] for state in STATES if counts[state]},
        cards=cards,
        lines=lines[:LISTED_CAUSES],
        listed=[
            (finding, overview.listing(finding), overview.targets[finding.target].policy.zone)
            for finding in listed[:LISTED_PLACES]
        ],
        more_listed=max(0, len(listed) - LISTED_PLACES),
        refused=None if view.rejected_config is None else moment_of(view.rejected_config.at),
        targets=[
            _shown(
                overview,
                found,
                name,
                unfolded=len(names) <= _FEW or (few_broken and overview.states[name] in _BROKEN),
                alone=len(names) == 1,
            )
            for name in on_page(names, page)
        ],
        lifecycle=lifecycle,
        lang=lang,
        words_searched=found.words_searched,
    )


def _zone(targets: Iterable[TargetView]) -> str:
    """Return the zone that all targets share, else UTC."""
    zones = {target.policy.zone for target in targets}
    return zones.pop() if len(zones) == 1 else "UTC"


def _shown(overview: Overview, found: Found, name: str, *, unfolded: bool, alone: bool) -> ShownTarget:
    target = overview.target(name)
    named = found.connections(overview.targets[name])
    rows = target.connections.connections if target.connections else ()
    return shown_target(target, [row for row in rows if row.connection in named], unfolded=unfolded, alone=alone)


def _by_state(target: TargetView, state: TargetState) -> tuple[object, ...]:
    return STATES.index(state), wording.natural(target.name)


def _by_name(target: TargetView, _: TargetState) -> tuple[object, ...]:
    return (wording.natural(target.name),)


def _by_age(target: TargetView, _: TargetState) -> tuple[object, ...]:
    # No data is older than any.
    oldest = min((collector.observation.at if collector.observation else 0.0 for collector in target.collectors), default=0.0)
    return oldest, wording.natural(target.name)


def _by_site(target: TargetView, state: TargetState) -> tuple[object, ...]:
    site = target.labels.get("site", "")
    return not site, wording.natural(site), *_by_state(target, state)


DEFAULT_SORT: Final = "state"
#: The orders of the targets by the value of ``?sort=``.
SORTS: Final[Mapping[str, Callable[[TargetView, TargetState], tuple[object, ...]]]] = {
    "state": _by_state,
    "name": _by_name,
    "age": _by_age,
    "site": _by_site,
}


def content_security_policy() -> str:
    """Return the policy of the page: its own style and script by their hash, a fetch of itself, nothing else."""
    return _policy()


@cache
def _policy() -> str:
    return (
        f"default-src 'none'; style-src {source(asset(*_STYLE))}; script-src {source(asset(_SCRIPT))}; "
        "connect-src 'self'; img-src data:; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    )


@lru_cache(maxsize=len(LANGUAGES))
def _template(texts: Texts) -> jinja2.Template:
    import jinja2  # noqa: PLC0415  most exporters are asked for no page, and the others in a thread for pages

    environment = jinja2.Environment(
        loader=jinja2.PackageLoader("exporter.web"),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        extensions=["jinja2.ext.i18n"],
    )
    environment.install_gettext_translations(texts.catalog, newstyle=True)  # type: ignore[attr-defined]  # of the extension
    words = wording.wording_in(texts)
    environment.tests.update(quoted=wording.is_quoted, id=wording.is_id, long=wording.is_long)
    environment.filters.update({**words.filters(), "strip": strip, "quoted": shlex.quote})
    environment.globals.update(
        style=asset(*_STYLE),
        script=asset(_SCRIPT),
        alerts_only=[part.what for part in ALERTS_ONLY],
        language=texts.language,
        languages=LANGUAGES,
        facts=words.facts,
        resources_shown=LISTED,
        subjects_shown=SUBJECTS,
        places_shown=PLACES,
        query_letters=QUERY_LETTERS,
        sorts=tuple(SORTS),
        anchor=anchor,
        runbook_of=runbook_of,
        resource=wording.resource,
        unnamed=unnamed,
    )
    return environment.get_template("board.html")
