"""From client id and secret to a token file: the logic of ``bitrix24-login`` (bitrix24.md 9.2).

The operator opens a page of the portal, allows the application, and pastes the address that the browser ends on. It holds
a code that lives 30 seconds and is worth a pair of tokens.
"""

from __future__ import annotations

import re
import secrets
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx
import yaml

from exporter.clock import Clock, SystemClock
from exporter.commands.target_factory import known_secrets
from exporter.errors import PollError, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.authserver import INVALID_GRANT, WRONG_CLIENT, Issued, request_tokens
from exporter.platforms.bitrix24.credential import origin_of, portal_in
from exporter.platforms.bitrix24.moves import is_auth_server, server_origin
from exporter.platforms.bitrix24.tokenfile import TokenFile, Tokens, exclusively
from exporter.platforms.http_pool import open_pool
from exporter.platforms.routes import host_route
from exporter.polling import Admission, sanitized_error
from exporter.state.status_history import StatusHistory
from exporter.support.net import is_loopback
from exporter.support.redaction import sanitized
from exporter.support.secret import Secret, is_quoted, pasted

SECRET_VARIABLE: Final = "B24_CLIENT_SECRET"  # noqa: S105  its name
EXCHANGE_SECONDS: Final = 20.0
MAX_TRIES: Final = 3
_AROUND: Final = "\"'`<>()[]«»„“”"
_CODE: Final = re.compile(r"[\w.-]{8,}")


@dataclass(frozen=True, slots=True)
class LoggedIn:
    """What the command tells the operator at the end; nothing secret."""

    portal: str
    token_file: Path
    scopes: tuple[str, ...]


async def login(
    portal: str,
    client_id: str,
    client_secret: str,
    token_file: Path,
    server: str | None = None,
    *,
    show: Callable[[str], object] = sys.stderr.write,
    ask: Callable[[str], str] = input,
    open_page: Callable[[str], object] = webbrowser.open,
    ask_secret: Callable[[], str] | None = None,
    http: httpx.AsyncBaseTransport | None = None,
) -> LoggedIn:
    """Walk an operator to a token file.

    ``portal`` is a host or an address, ``server`` the auth server when it is not the usual one. ``show`` takes text for the
    operator, ``ask`` prompts for a line, ``open_page`` opens a browser if there is one. ``ask_secret`` prompts for the secret
    when the one that was given is wrong. Raises
    :class:`~exporter.errors.PollError`: :class:`TargetConfigError` for input or a file that cannot be used, otherwise what
    the auth server said; :class:`~exporter.errors.ConfigError` for an environment variable that cannot be used.
    """
    known = known_secrets([_secret(client_secret)])
    if http is None:
        host_route()  # what is wrong with the environment shows before the operator has done anything
    origin = origin_of(portal if "://" in portal else f"https://{portal}")
    file = TokenFile(token_file)
    file.try_out()  # a folder that cannot be written shows before the operator has done anything
    clock = SystemClock()

    async def once(secret: str) -> Issued:
        known.hold("secret", [secret])
        state = secrets.token_urlsafe(16)
        page = origin.copy_with(path="/oauth/authorize/").copy_merge_params({"client_id": client_id, "state": state})
        show(_BEFORE.format(page=page))
        open_page(str(page))
        answer = _asked(ask, "Address of the page that the browser opened then (valid for 30 seconds): ")
        code, named_server = _read_answer(answer, state)
        known.hold("code", [code])
        if server is None:
            _refuse_stranger(named_server)
        auth_server = server_origin(server, named_server)
        async with exclusively(file, clock):  # not before: a running exporter renews its pair meanwhile
            former = _former(file)
            descriptor = file.prepare()
            try:
                async with _pool(http, clock) as pool:
                    issued = await request_tokens(
                        Services(pool, clock, Random(), NullEvents(), StatusHistory(), Admission(clock)),  # noqa: S311  unused here
                        auth_server,
                        client_id=client_id,
                        client_secret=Secret(secret),
                        grant={"grant_type": "authorization_code", "code": code},
                        timeout=EXCHANGE_SECONDS,
                        known={
                            "client_endpoint": str(origin.copy_with(path="/rest/")),
                            "server_endpoint": str(auth_server.copy_with(path="/rest/")),
                            "member_id": former.member_id if former else "",
                        },
                    )
                tokens = issued.tokens
                known.hold("pair", [tokens.access.reveal(), tokens.refresh.reveal()])
                _refuse_another_portal(former, tokens, token_file)
            except BaseException as error:
                file.discard(descriptor)
                if isinstance(error, PollError):
                    raise sanitized_error(error, known) from None
                raise
            file.store(descriptor, tokens.content.reveal().encode())
        return issued

    issued = await _repeated(once, _secret(client_secret), show, ask_secret)
    tokens = issued.tokens
    done = LoggedIn(known.sanitized(portal_in(tokens.client_endpoint)), token_file, tokens.scopes)
    strays = [sanitized_error(stray, known).message for stray in issued.refused.values()]
    for text in _ending(done, client_id, origin if is_loopback(origin.host) else None, strays):
        show(f"{text}\n")
    return done


_BEFORE: Final = """\
Open this page in a browser where you are signed in to the portal, and allow the application:

  {page}

The browser then opens the redirect address of the application's card. That page may show an error: only its address
matters, copy all of it. If the portal says that it does not know the application, compare --client-id with the card.

"""


def _asked(ask: Callable[[str], str], prompt: str) -> str:
    """Return the operator's line. Raises :class:`TargetConfigError` where nobody can answer."""
    try:
        return ask(prompt)
    except (EOFError, UnicodeDecodeError):
        raise TargetConfigError("no input: run bitrix24-login on a terminal, or pipe the address to it as one line") from None


def _ending(done: LoggedIn, client_id: str, base_url: httpx.URL | None, strays: Sequence[str]) -> Iterator[str]:
    """Yield what came of it and what to do now, with the block of the target to paste; what is amiss stands last."""
    oauth = {"client_id": client_id, "client_secret": {"env": SECRET_VARIABLE}, "token_file": str(done.token_file.absolute())}
    target: dict[str, object] = {"name": done.portal.partition(".")[0], "platform": "bitrix24", "oauth": oauth}
    if base_url is not None:
        target["base_url"] = str(base_url).rstrip("/")
    block = yaml.safe_dump({"targets": [target]}, sort_keys=False, allow_unicode=True)
    yield f"{done.token_file} now holds the tokens of {done.portal}."
    yield f"\nNext: put this target into the configuration; the exporter reads the secret from {SECRET_VARIABLE}:\n\n{block}"
    yield "Then: booking-sync-exporter check-config --online --config.file exporter.yml"
    yield from (f"But {stray}." for stray in strays)
    if "booking" not in done.scopes:
        yield "The application lacks the scope booking; add it on the application's card and log in again."


class _PasteError(TargetConfigError):
    """What was pasted is not the answer of this login; the operator may look again."""


def _secret(text: str) -> str:
    if is_quoted(text):
        raise TargetConfigError("the client secret has quotes inside its value; remove them where the secret is set")
    return pasted(text)


async def _repeated(
    once: Callable[[str], Awaitable[Issued]], secret: str, show: Callable[[str], object], ask_secret: Callable[[], str] | None
) -> Issued:
    """Return what ``once`` brings; after a wrong paste, a code that came too late or a wrong ``secret`` it is tried again."""
    for _ in range(MAX_TRIES - 1):
        try:
            return await once(secret)
        except PollError as error:
            is_wrong_secret = error.code in WRONG_CLIENT and ask_secret is not None
            if not (is_wrong_secret or isinstance(error, _PasteError) or error.code == INVALID_GRANT):
                raise
            show(f"{error.message}\n\n")
            if is_wrong_secret and ask_secret is not None:
                secret = _secret(ask_secret())
    return await once(secret)


@asynccontextmanager
async def _pool(given: httpx.AsyncBaseTransport | None, clock: Clock) -> AsyncIterator[httpx.AsyncBaseTransport]:
    if given is not None:
        yield given
        return
    async with open_pool(clock) as pool:
        yield pool


class NullEvents:
    """Nobody counts what a command at a terminal does. Implements :class:`exporter.platforms.base.Events`."""

    def request(self, operation: str, code: str, seconds: float) -> None: ...
    def retry(self, operation: str, reason: str) -> None: ...
    def throttle_wait(self, seconds: float) -> None: ...
    def malformed_rows(self, collector: CollectorName, rows: int) -> None: ...
    def unrecognized_value(self, collector: CollectorName, field: str, times: int = 1) -> None: ...
    def bookings_discovered(self, bookings: int) -> None: ...
    def bookings_vanished(self, bookings: int) -> None: ...


def _former(file: TokenFile) -> Tokens | None:
    try:
        return file.load()
    except TargetConfigError:  # there is none, or none that can be used
        return None


def _refuse_another_portal(former: Tokens | None, tokens: Tokens, token_file: Path) -> None:
    """Keep what renews another target's tokens: its only pair would be lost."""
    if former and former.member_id not in {"", tokens.member_id}:
        raise TargetConfigError(
            f"{token_file} holds the tokens of another portal, {portal_in(former.client_endpoint)}; give each portal a file of "
            "its own, or remove that one first"
        )


def _refuse_stranger(named_server: str) -> None:
    """Refuse an auth server that only the pasted address names: the portal wrote it, and the secret is not for portals."""
    origin = server_origin(None, named_server)
    host = origin.host
    if not is_auth_server(origin) and not is_loopback(host):
        shown = sanitized(host)
        raise TargetConfigError(
            f"the address names the authorisation server {shown}, which is not a server of Bitrix24; if it is right, log in "
            f"again with --oauth-server https://{shown}"
        )


def _read_answer(pasted: str, state: str) -> tuple[str, str]:
    """Return the code and the auth server's name from what was pasted: an address, its query, or the bare code.

    A terminal or a mail breaks long addresses, a chat puts them into quotes or brackets, and HTML writes ``&amp;``.
    """
    pasted = "".join(pasted.split()).strip(_AROUND).replace("&amp;", "&")
    if _CODE.fullmatch(pasted):
        return pasted, ""
    query = parse_qs(urlsplit(pasted).query or pasted)
    if "error" in query:
        raise TargetConfigError("the portal did not allow the application; an administrator of the portal must allow it")
    code = query.get("code", [""])[0]
    if not code:
        raise _PasteError("the address has no code; paste the whole address of the page that the browser opened")
    if query.get("state", [""])[0] != state:
        raise _PasteError("the address belongs to another login (state differs); open the page that is printed now")
    return code, query.get("server_domain", [""])[0]
