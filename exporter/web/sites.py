"""Who sees what: users that ``site_users`` names get the pages of their sites and the runbooks, operators get all pages.

Where ``operators`` names them nobody else is one, and who is named nowhere gets no page at all; else all others are.

What is not allowed is refused: a page that is added later is closed to these users until a line here opens it. A site that
there is not and one that is not theirs get the same answer, before anything of either is looked at.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final
from urllib.parse import quote

from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.limits import TEXT
from exporter.support.audit import Refusals
from exporter.support.redaction import sanitized
from exporter.web.auth import PROBES
from exporter.web.backend import Backend
from exporter.web.callers import caller, user_of
from exporter.web.runbook_pages import FOLDER

_ROOT: Final = "/site/"
_BARE: Final = "exporter.bare"


def sites_of(
    user: str | None, site_users: Mapping[str, frozenset[str]], operators: frozenset[str] | None
) -> frozenset[str] | None:
    """Return the sites that ``user`` may see, ``None`` for all.

    Where sites have users, or operators are named, who has not signed in sees none: that is a probe.
    """
    if operators is not None:
        is_operator = user in operators
    else:
        is_operator = not site_users or (user is not None and not any(user in users for users in site_users.values()))
    return None if is_operator else frozenset(site for site, users in site_users.items() if user in users)


def address_of(site: str) -> str:
    """Return the path of a site's board."""
    return _ROOT + quote(site, safe="")


def is_bare(scope: Scope) -> bool:
    """Return whether a probe's answer may name no target, since who asks may not see all of them."""
    return bool(scope.get(_BARE))


_NOTHING_IS_YOURS: Final = (
    "You are signed in, but there is no page for you: the configuration names this user neither under "
    "site_users nor under operators.\n"
)
STOPPING: Final = "booking-sync-exporter is stopping.\n"


class SiteGuard:
    """Lets the users of sites have the pages of their sites, and the probes. Stands behind the passwords."""

    def __init__(self, app: ASGIApp, backend: Backend) -> None:
        self._app = app
        self._backend = backend
        self._refusals = Refusals(refused="page")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            is_probe = scope["path"] in PROBES
            if self._backend.site_users is None and not is_probe and not await self._backend.until_open():
                await PlainTextResponse(STOPPING, 503)(scope, receive, send)
                return
            site_users = self._backend.site_users
            user, operators = user_of(scope), self._backend.operators
            sites = frozenset[str]() if site_users is None else sites_of(user, site_users, operators)
            if sites is not None and not is_probe and not _is_open(scope["path"], sites):
                await self._refusal(scope, sites)(scope, receive, send)
                return
            scope[_BARE] = sites is not None
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, sites: frozenset[str]) -> Response:
        self._refusals.tell("site_users", sanitized(scope["path"], TEXT.number), **caller(scope))
        if not sites and user_of(scope) is not None:
            return PlainTextResponse(_NOTHING_IS_YOURS, 403)
        lines = ["There is no such page for you.", *(f"Yours is {address_of(site)}" for site in sorted(sites))]
        return PlainTextResponse("\n".join(lines) + "\n", 404)


def _is_open(path: str, sites: frozenset[str]) -> bool:
    """Return whether who may see ``sites`` may see ``path``. The runbooks are the same everywhere and tell of nobody."""
    return _site_in(path) in sites or (bool(sites) and path.startswith(FOLDER))


def _site_in(path: str) -> str | None:
    """Return the site whose page ``path`` is, or one below it, decoded as the router decodes it: once, by the server."""
    return path.removeprefix(_ROOT).partition("/")[0] if path.startswith(_ROOT) else None
