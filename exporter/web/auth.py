"""Basic authentication with bcrypt hashes: quick for who knows the password, slow and even for who does not."""

from __future__ import annotations

import asyncio
import base64
import binascii
import hashlib
import hmac
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Mapping
from typing import Final

import bcrypt
from starlette.datastructures import Headers
from starlette.responses import PlainTextResponse, Response
from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.support.secret import Secret
from exporter.support.threads import UnwaitedThreads
from exporter.web.callers import signed_in
from exporter.web.config import WebConfig

PROBES: Final = frozenset({"/-/healthy", "/-/ready"})

_REMEMBERED: Final = 128  # right passwords; more users than that belong behind a proxy
_AT_ONCE: Final = 2  # threads that compute bcrypt
_WAITING: Final = 32  # sign-ins under way; each costs up to seconds of CPU
_SIGNIFICANT_BYTES: Final = 72  # of a password, for bcrypt; other tools cut it there silently
_CHALLENGE: Final = {"WWW-Authenticate": 'Basic realm="booking-sync-exporter", charset="UTF-8"'}


class TooManySignInsError(Exception):
    """So many passwords are being checked that a further one is not taken."""


class PasswordCheck:
    """Checks passwords in threads and remembers the right ones, as keyed digests only."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(32)
        self._right: OrderedDict[bytes, None] = OrderedDict()
        self._under_way = 0
        self._threads = UnwaitedThreads(_AT_ONCE, "bcrypt")

    async def is_right(self, users: Mapping[str, Secret], name: str, password: bytes) -> bool:
        """Return whether ``password`` opens the account ``name``. Raises :class:`TooManySignInsError`."""
        stored = users.get(name)
        # An unknown name costs as much as a wrong password, so that nobody learns by the clock who exists.
        hashed = stored.reveal().encode() if stored else _nobody(users)
        mark = hmac.digest(self._key, b"\0".join((name.encode(), hashed, password)), hashlib.sha256)
        if mark in self._right:
            self._right.move_to_end(mark)
            return True
        if self._under_way >= _WAITING:
            raise TooManySignInsError
        self._under_way += 1
        try:
            matches = await asyncio.get_running_loop().run_in_executor(self._threads, _matches, password, hashed)
        finally:
            self._under_way -= 1
        if matches and stored is not None:
            self._right[mark] = None
            if len(self._right) > _REMEMBERED:
                self._right.popitem(last=False)
            return True
        return False

    def close(self) -> None:
        """End the threads; checks that have not begun are dropped."""
        self._threads.shutdown(wait=False, cancel_futures=True)


def _matches(password: bytes, hashed: bytes) -> bool:
    try:
        return bcrypt.checkpw(password[:_SIGNIFICANT_BYTES], hashed)
    except ValueError:  # a zero byte
        return False


def _nobody(users: Mapping[str, Secret]) -> bytes:
    """Return a hash that nothing matches, as costly as the costliest of ``users``."""
    cost = max(user.reveal()[4:6] for user in users.values())
    return f"$2b${cost}${'.' * 53}".encode()


class BasicAuth:
    """Lets a request pass when no users are configured, for open probes, and with a right password."""

    def __init__(self, app: ASGIApp, config: Callable[[], Awaitable[WebConfig]], check: PasswordCheck) -> None:
        self._app = app
        self._config = config
        self._check = check

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and (refusal := await self._refusal(scope)) is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    async def _refusal(self, scope: Scope) -> Response | None:
        config = await self._config()
        if not config.users or (scope["path"] in PROBES and not config.probes_require_auth):
            return None
        given = _credentials(Headers(scope=scope))
        if given is None:
            return PlainTextResponse("A user name and a password are needed.\n", 401, _CHALLENGE)
        try:
            right = await self._check.is_right(config.users, *given)
        except TooManySignInsError:
            return PlainTextResponse("Too many sign-ins at once; try again.\n", 503, {"Retry-After": "5"})
        if not right:
            return PlainTextResponse("User name or password is wrong.\n", 401, _CHALLENGE)
        signed_in(scope, given[0])
        return None


def _credentials(headers: Headers) -> tuple[str, bytes] | None:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    try:
        name, colon, password = base64.b64decode(token.strip(), validate=True).partition(b":")
        return (name.decode(), password) if colon else None
    except (binascii.Error, UnicodeDecodeError):
        return None
