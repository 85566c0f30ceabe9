"""From client id and secret to a token file: the logic of ``bitrix24-login`` (bitrix24.md 9.2).

The operator opens a page of the portal, allows the application, and pastes the address that the browser ends on. It holds
a code that lives 30 seconds and is worth a pair of tokens.
"""

from __future__ import annotations

import re
import secrets
import sys
import webbrowser
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Final
from urllib.parse import parse_qs, urlsplit

import httpx

from exporter.clock import Clock, SystemClock
from exporter.commands.world import known_secrets
from exporter.errors import PollError, TargetConfigError
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.authserver import INVALID_GRANT, Issued, request_tokens
from exporter.platforms.bitrix24.credential import origin_of, portal_in
from exporter.platforms.bitrix24.moves import is_auth_server, server_origin
from exporter.platforms.bitrix24.tokenfile import TokenFile, Tokens, exclusively
from exporter.platforms.http_pool import open_pool
from exporter.platforms.routes import host_route
from exporter.polling import Admission, told_error
from exporter.state.status_history import StatusHistory
from exporter.support.net import is_loopback
from exporter.support.redaction import told
from exporter.support.secret import Secret, is_quoted, pasted

EXCHANGE_SECONDS: Final = 20.0
MAX_TRIES: Final = 3
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
    http: httpx.AsyncBaseTransport | None = None,
) -> LoggedIn:
    """Walk an operator to a token file.

    ``portal`` is a host or an address, ``server`` the auth server when it is not the usual one. ``show`` takes text for the
    operator, ``ask`` prompts for a line, ``open_page`` opens a browser if there is one. Raises
    :class:`~exporter.errors.PollError`: :class:`TargetConfigError` for input or a file that cannot be used, otherwise what
    the auth server said; :class:`~exporter.errors.ConfigError` for an environment variable that cannot be used.
    """
    if is_quoted(client_secret):
        raise TargetConfigError("the client secret has quotes inside its value; remove them where it is set")
    known = known_secrets([pasted(client_secret)])
    if http is None:
        host_route()  # what is wrong with the environment shows before the operator has done anything
    origin = origin_of(portal if "://" in portal else f"https://{portal}")
    file = TokenFile(token_file)
    file.try_out()  # a folder that cannot be written shows before the operator has done anything
    clock = SystemClock()

    async def once() -> Issued:
        state = secrets.token_urlsafe(16)
        page = origin.copy_with(path="/oauth/authorize/").copy_merge_params({"client_id": client_id, "state": state})
        show(f"Open this page in a browser where you are signed in to the portal, and allow the application:\n\n  {page}\n\n")
        open_page(str(page))
        answer = ask("Address that the browser ended on (valid for 30 seconds): ")
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
                        client_secret=Secret(pasted(client_secret)),
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
                    raise told_error(error, known) from None
                raise
            file.store(descriptor, tokens.content.reveal().encode())
        return issued

    issued = await _repeated(once, show)
    tokens = issued.tokens
    done = LoggedIn(known.told(portal_in(tokens.client_endpoint)), token_file, tokens.scopes)
    show(f"{done.token_file} now holds the tokens of {done.portal}.\n")
    show("Next: name it as oauth.token_file of the target, and run booking-sync-exporter check-config --online.\n")
    for stray in issued.refused.values():
        show(f"But {told_error(stray, known).message}.\n")
    if "booking" not in done.scopes:
        show("The application lacks the scope booking; add it on the application's card and log in again.\n")
    return done


class _PasteError(TargetConfigError):
    """What was pasted is not the answer of this login; the operator may look again."""


async def _repeated(once: Callable[[], Awaitable[Issued]], show: Callable[[str], object]) -> Issued:
    """Return what ``once`` brings; after a wrong paste or a code that came too late it is tried again, with the same secret."""
    for _ in range(MAX_TRIES - 1):
        try:
            return await once()
        except PollError as error:
            if not isinstance(error, _PasteError) and error.code != INVALID_GRANT:
                raise
            show(f"{error.message}\n\n")
    return await once()


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
        shown = told(host)
        raise TargetConfigError(
            f"the address names the authorisation server {shown}, which is none of Bitrix24's; if it is right, log in again "
            f"with --oauth-server https://{shown}"
        )


def _read_answer(pasted: str, state: str) -> tuple[str, str]:
    """Return the code and the auth server's name from what was pasted: an address, or the bare code."""
    pasted = pasted.strip()
    if _CODE.fullmatch(pasted) and "=" not in pasted:
        return pasted, ""
    query = parse_qs(urlsplit(pasted).query or pasted)
    if "error" in query:
        raise TargetConfigError("the portal did not allow the application; a person with the right to do so must accept it")
    code = query.get("code", [""])[0]
    if not code:
        raise _PasteError("the address holds no code; paste the whole address that the browser ended on")
    if query.get("state", [""])[0] != state:
        raise _PasteError("the address belongs to another login (state differs); open the page that is printed now")
    return code, query.get("server_domain", [""])[0]
