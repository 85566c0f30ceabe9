"""The ASGI application: every path of docs/web.md, and the log level."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Mapping
from concurrent.futures import Executor
from typing import Final, NamedTuple

import structlog
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.errors import ConfigError
from exporter.model import WHOLE, Shard
from exporter.support.audit import Refusals, change_requested
from exporter.support.log_sampling import LogSampler
from exporter.texts import DEFAULT, LANGUAGES, texts_in
from exporter.web import status_page as board
from exporter.web.backend import Backend, Reloaded
from exporter.web.callers import caller
from exporter.web.csrf import is_cross_site
from exporter.web.headers import SecurityHeaders
from exporter.web.negotiate import choose_format, choose_language
from exporter.web.page_maker import PageMaker, Recipe
from exporter.web.poll_requests import poll_now
from exporter.web.runbook_pages import FOLDER, Library, RunbookPages
from exporter.web.runbook_pages import content_security_policy as runbook_policy
from exporter.web.sites import STOPPING, SiteGuard, is_bare
from exporter.web.status_api import encode_status, pages_of

_NAMED: Final = 100  # things that an answer in plain text names one by one
_MAX_NUMBER: Final = 7  # digits of a page number

_RELOADED: Final[Mapping[Reloaded, str]] = {
    Reloaded.CHANGED: "Reloaded.\n",
    Reloaded.SAME: "Reloaded. The configuration says the same as before.\n",
    Reloaded.UNTOUCHED: "Reloaded. The file is unchanged since it was last read (inode, size and time), and so are the secrets."
    " If you edited it, this process sees another file: a file that is mounted alone into a container stays the old "
    "one. Mount its folder.\n",
}

_log = structlog.get_logger("exporter.web")

_Handler = Callable[[Request], Awaitable[Response]]


class _Part(NamedTuple):
    """One site, and which targets it has at the moment of a request: pages of another part are other pages."""

    site: str
    targets: frozenset[str]


_PartHandler = Callable[[Request, _Part | None], Awaitable[Response]]


def create_app(
    backend: Backend, threads: Executor | None = None, *, max_requests: int = 0, runbooks: Library = dict
) -> ASGIApp:
    """Return the application over ``backend``. Passwords and TLS are added by :func:`exporter.web.serve`.

    What takes long is done in ``threads``, which no file or name that hangs may hold; without them in those of the loop.
    At most ``max_requests`` pages are made at a time, 0 is without limit; one more is answered 503. ``runbooks`` has the
    Markdown of the runbooks, and is asked when somebody asks for one.
    """
    pages = _Pages(backend, threads, max_requests, RunbookPages(runbooks))
    routes = [
        *(
            Route(root + path, pages.of_targets(page), methods=["GET"])
            for root in ("", "/site/{site}")
            for path, page in (
                ("" if root else "/", pages.board),
                ("/metrics", pages.metrics),
                ("/api/v1/status", pages.status),
            )
        ),
        *(Route(FOLDER + name, pages.runbook, methods=["GET"]) for name in ("", "{name}")),
        Route("/config", pages.once_open(pages.config), methods=["GET"]),
        Route("/-/healthy", pages.healthy, methods=["GET"]),
        Route("/-/ready", pages.ready, methods=["GET"]),
        Route("/-/reload", pages.once_open(pages.reload), methods=["POST", "PUT"]),
        Route("/-/log-level", pages.log_level, methods=["POST", "PUT"]),
        Route("/-/poll", pages.once_open(pages.poll), methods=["POST", "PUT"]),
    ]
    app = Starlette(routes=routes)
    app.router.redirect_slashes = False
    return _LogBugs(SecurityHeaders(SiteGuard(app, backend)))


class _LogBugs:
    """Starlette has already answered 500 when an exception arrives here: log it, and not each time that it is repeated."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._sampler = LogSampler()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        try:
            await self._app(scope, receive, send)
        except Exception as error:  # noqa: BLE001  the border of a request: one bug must not touch another
            if (times := self._sampler.count_if_logged(type(error).__name__)) is not None:
                _log.exception("http_request_failed", path=scope.get("path"), repeated=times if times > 1 else None)


class _Pages:
    """One method per path."""

    def __init__(self, backend: Backend, threads: Executor | None, max_requests: int, runbooks: RunbookPages) -> None:
        self._backend = backend
        self._runbooks = runbooks
        self._refusals = Refusals()
        self._maker = PageMaker(threads, max_requests)

    def once_open(self, handler: _Handler) -> _Handler:
        """Return ``handler`` that waits for the first targets: a page without them would say that there are none."""

        async def answer(request: Request) -> Response:
            if not await self._backend.until_open():
                return PlainTextResponse(STOPPING, 503)
            return await handler(request)

        return answer

    def of_targets(self, handler: _PartHandler) -> _Handler:
        """Return ``handler`` with what of the targets it shows: all (``None``), or those of the site that the path names."""

        async def answer(request: Request) -> Response:
            site = request.path_params.get("site")
            if site is None:
                return await handler(request, None)
            names = frozenset(self._backend.targets(site))
            if not names and not self._backend.standby:
                return _unknown_site(WHOLE if is_bare(request.scope) else self._backend.view().shard)
            return await handler(request, _Part(site, names))

        return self.once_open(answer)

    async def metrics(self, request: Request, part: _Part | None) -> Response:
        targets, site = _asked_targets(request), part and part.site
        if targets is not None and (refusal := _unknown_target(targets, self._backend, site)):
            return refusal
        offer = choose_format(request.headers.getlist("accept"))
        page = Recipe(
            ("metrics", part, offer.format, targets),
            lambda: self._backend.metrics(offer.format, targets, site),
            offer.content_type,
            vary="Accept, Accept-Encoding",
            always=targets is None and part is None,
        )
        return await self._maker.answer(request, page)

    async def board(self, request: Request, part: _Part | None) -> Response:
        site, asked = part and part.site, request.query_params
        query, sort, target = asked.get("q", ""), asked.get("sort", ""), asked.get("target", "")
        page = _number(asked.get("page", "1"))
        lang = asked.get("lang", "")
        lang = lang if lang in LANGUAGES else ""
        language = lang or choose_language(request.headers.getlist("accept-language"), LANGUAGES, DEFAULT)

        async def make() -> bytes:
            view = self._backend.view(site)
            # Building and rendering thousands of targets takes longer than the loop may stand still.
            # Whoever sees one site alone changes nothing.
            lifecycle = self._backend.lifecycle and site is None
            # Dashboards show all targets.
            dashboards = self._backend.dashboards if site is None else None
            return await self._maker.in_thread(
                lambda: board.render(
                    view,
                    query=query,
                    page=page,
                    sort=sort,
                    target=target,
                    lifecycle=lifecycle,
                    site=site,
                    texts=texts_in(language),
                    lang=lang,
                    dashboards=dashboards,
                )
            )

        key = ("board", part, query, page, sort, target, lang, language)
        vary = "Accept-Encoding, Accept-Language"
        answer = await self._maker.answer(request, Recipe(key, make, "text/html; charset=utf-8", vary))
        answer.headers["Content-Language"] = language
        answer.headers["Content-Security-Policy"] = board.content_security_policy()
        # Else its form comes with `Origin: null`, and over plain HTTP from another machine nothing else says that it is ours.
        answer.headers["Referrer-Policy"] = "same-origin"
        return answer

    async def status(self, request: Request, part: _Part | None) -> Response:
        targets, site = _asked_targets(request), part and part.site
        if targets is not None and (refusal := _unknown_target(targets, self._backend, site)):
            return refusal
        page = None
        if (asked := request.query_params.get("page")) is not None:
            page, pages = _number(asked), pages_of(len(self._backend.targets(site) if targets is None else targets))
            if not 1 <= page <= pages:
                return PlainTextResponse(f"No such page: ask for ?page=1 to ?page={pages}.\n", 404)

        async def make() -> bytes:
            view = self._backend.view(site)
            return await self._maker.in_thread(lambda: encode_status(view, targets, page))

        return await self._maker.answer(request, Recipe(("status", part, targets, page), make, "application/json"))

    async def runbook(self, request: Request) -> Response:
        # Who sees one site alone has no board of all targets.
        name, with_board = request.path_params.get("name", ""), not is_bare(request.scope)
        found = await self._maker.in_thread(lambda: self._runbooks.render(name, with_board=with_board))
        if found is None:
            return PlainTextResponse(f"No such runbook: it is the name of an alert. {FOLDER} lists all of them.\n", 404)

        async def make() -> bytes:
            return found

        answer = await self._maker.answer(request, Recipe(("runbook", found), make, "text/html; charset=utf-8"))
        answer.headers["Content-Language"] = "en"
        answer.headers["Content-Security-Policy"] = runbook_policy()
        return answer

    async def config(self, request: Request) -> Response:
        async def make() -> bytes:
            # Half a second for thousands of targets.
            return (await self._maker.in_thread(self._backend.effective_config)).encode()

        return await self._maker.answer(request, Recipe("config", make, "text/plain; charset=utf-8"))

    async def healthy(self, _: Request) -> Response:
        if (trouble := self._backend.trouble()) is not None:
            return PlainTextResponse(f"booking-sync-exporter is not healthy: {trouble}\n", 503)
        return PlainTextResponse("booking-sync-exporter is healthy.\n")

    async def ready(self, request: Request) -> Response:
        if self._backend.opening:
            return PlainTextResponse("Not ready: the targets are being opened.\n", 503)
        view = self._backend.view()
        if view.standby:
            return PlainTextResponse("Not ready: standby; another exporter is active, this one takes over when it ends.\n", 503)
        missing, unasked = view.missing, view.unasked
        if view.ready:
            return PlainTextResponse("booking-sync-exporter is ready.\n")
        if is_bare(request.scope):
            return PlainTextResponse("Not ready: some collectors have not finished their first poll.\n", 503)
        lines = []
        if missing:
            lines.append(
                f"Not ready: {len(missing)} collectors have not finished their first poll."
                if len(missing) > 1
                else "Not ready: 1 collector has not finished its first poll."
            )
        lines += _some(f"{t}/{c}" for t, c in missing)
        lines += [f"Not ready: the sites of discover[{name}] have not been asked for yet." for name in unasked]
        return PlainTextResponse("\n".join(lines) + "\n", 503)

    async def reload(self, request: Request) -> Response:
        return await self._change(request, self._reload)

    async def _reload(self, _: Request) -> Response:
        try:
            found = await self._backend.reload()
        except ConfigError as error:
            lines = ["Not reloaded: the configuration is invalid; the old one stays in force.", *map(str, error.problems)]
            return PlainTextResponse("\n".join(lines) + "\n", 500)
        return PlainTextResponse(_RELOADED[found])

    async def log_level(self, request: Request) -> Response:
        return await self._change(request, self._log_level)

    async def _log_level(self, request: Request) -> Response:
        level = request.query_params.get("level", "")
        try:
            self._backend.set_log_level(level)
        except ValueError:
            return PlainTextResponse("Give ?level=debug, info, warn or error.\n", 400)
        return PlainTextResponse(f"Logging at level {level} and above.\n")

    async def poll(self, request: Request) -> Response:
        return await self._change(request, self._poll)

    async def _poll(self, request: Request) -> Response:
        asked = _asked_targets(request)
        if asked is not None and (refusal := _unknown_target(asked, self._backend)):
            return refusal
        return poll_now(request, self._backend)

    async def _change(self, request: Request, change: Callable[[Request], Awaitable[Response]]) -> Response:
        what, who = request.url.path.removeprefix("/-/"), caller(request.scope)
        if not self._backend.lifecycle:
            self._refusals.tell("lifecycle_off", what, **who)
            return PlainTextResponse("Lifecycle API is not enabled. Start with --web.enable-lifecycle.\n", 403)
        # A browser sends the password along with any form of any web site; a scraper or curl sends no such header.
        if is_cross_site(request.headers):
            self._refusals.tell("cross_site", what, **who)
            return PlainTextResponse("Requests from other web sites are refused.\n", 403)
        change_requested(what, **who)
        return await change(request)


def _number(text: str) -> int:
    """Return the number of a page, and 0 for what is none."""
    return int(text) if text.isdecimal() and len(text) < _MAX_NUMBER else 0


def _asked_targets(request: Request) -> frozenset[str] | None:
    return frozenset(names) if (names := request.query_params.getlist("target")) else None


def _unknown_site(shard: Shard) -> Response:
    elsewhere = "" if shard == WHOLE else f"This is shard {shard}: a target of another shard may have it.\n"
    return PlainTextResponse(f"No such site: it is a value of the label site that a target has.\n{elsewhere}", 404)


def _unknown_target(asked: frozenset[str], backend: Backend, site: str | None = None) -> Response | None:
    unknown = sorted(asked.difference(backend.targets(site)))
    if not unknown or backend.standby:  # it has none, and that is no mistake of who asks
        return None
    shard = backend.view(site).shard  # the view of a site tells of none
    listed = (
        "The status board lists all targets."
        if shard == WHOLE
        else f"The status board lists the targets of shard {shard}; another shard may watch what it does not list."
    )
    return PlainTextResponse("\n".join(["No such target:", *_some(map(repr, unknown)), listed]) + "\n", 404)


def _some(lines: Iterable[str]) -> list[str]:
    """Return the first ``lines`` and how many more there are."""
    shown = list(lines)
    rest = len(shown) - _NAMED
    return [*shown[:_NAMED], f"and {rest} more"] if rest > 0 else shown
