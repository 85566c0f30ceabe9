"""Who is behind a request, as far as that was proved: the user who signed in, the client certificate, the address.

Headers such as ``X-Forwarded-For`` are not among it: anybody can write them.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from exporter.support.net import plain_address
from exporter.support.redaction import sanitized

_USER: Final = "exporter.user"
_CERTIFICATE: Final = "exporter.certificate"
_MAX_SUBJECT: Final = 200  # letters of a subject
_SHORT: Final = {"commonName": "CN", "organizationName": "O", "organizationalUnitName": "OU"}


def signed_in(scope: Scope, user: str) -> None:
    """Note that ``user`` proved to be the one behind a request."""
    scope[_USER] = user


def user_of(scope: Scope) -> str | None:
    """Return the user who signed in; ``None`` where no password was asked for."""
    user = scope.get(_USER)
    return user if isinstance(user, str) else None


def noting_certificate(app: ASGIApp, transport: asyncio.BaseTransport) -> ASGIApp:
    """Return ``app`` for the connection ``transport``, whose requests know the client certificate that was verified."""
    certificate = transport.get_extra_info("peercert")
    if not certificate:
        return app
    subject = _named(certificate["subject"])

    async def known(scope: Scope, receive: Receive, send: Send) -> None:
        scope[_CERTIFICATE] = subject
        await app(scope, receive, send)

    return known


def caller(scope: Scope) -> dict[str, str]:
    """Return who is behind a request as facts of a log line: ``by``, ``from`` and, beside a user, ``certificate``."""
    user, certificate, client = scope.get(_USER), scope.get(_CERTIFICATE), scope.get("client")
    facts = {"by": user or certificate or "anybody", "from": plain_address(client[0]) if client else "unknown"}
    return facts | ({"certificate": certificate} if user and certificate else {})


def _named(subject: Iterable[Iterable[tuple[str, str]]]) -> str:
    return sanitized(",".join(f"{_SHORT.get(name, name)}={value}" for part in subject for name, value in part), _MAX_SUBJECT)
