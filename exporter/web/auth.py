"""HTTP basic authentication (RFC 7617): which requests pass without a password, and which need a right one."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.web.callers import signed_in
from exporter.web.client_connections import ClientConnection, client_connection_of
from exporter.web.config import WebConfig
from exporter.web.passwords import PasswordCheck, TooManySignInsError

PROBES: Final = frozenset({"/-/healthy", "/-/ready"})

_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="booking-sync-exporter", charset="UTF-8"'}


class BasicAuth:
    """Lets a request pass when no users are configured, for open probes, and with a right password."""

    def __init__(self, app: ASGIApp, config: Callable[[], Awaitable[WebConfig]], check: PasswordCheck) -> None:
        self._app = app
        self._config = config
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            client = client_connection_of(scope)
            refusal, is_let_in = await self._judged(scope, client)
            if refusal is not None:
                await refusal(scope, receive, send)
                return
            if client is not None and is_let_in:
                client.admitted = True
        await self._app(scope, receive, send)

    async def _judged(self, scope: Scope, client: ClientConnection | None) -> tuple[Response | None, bool]:
        """Return what refuses the request, if anything does, and whether its sender has shown that it may ask for all pages."""
        config = await self._config()
        if not config.users:
            return None, True
        if scope["path"] in PROBES and not config.probes_require_auth:
            return None, False
        given = _credentials(Headers(scope=scope))
        if given is None:
            return PlainTextResponse("A user name and a password are needed.\n", 401, _CHALLENGE), False
        try:
            right = await self._check.is_right(config.users, *given, client)
        except TooManySignInsError:
            return PlainTextResponse("Too many sign-ins at once; try again.\n", 503, {"Retry-After": "5"}), False
        if not right:
            return PlainTextResponse("User name or password is wrong.\n", 401, _CHALLENGE), False
        signed_in(scope, given[0])
        return None, True


def _credentials(headers: Headers) -> tuple[str, bytes] | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
