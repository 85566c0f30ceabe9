"""The authorisation server: codes and refresh tokens in, token pairs out (bitrix24.md 9.2).

Its API is a GET with every secret in the query, so nothing here ever quotes a URL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

import httpx
import msgspec

from exporter.errors import (
    AuthError,
    ClientError,
    InvalidResponseError,
    NotEntitledError,
    NotFoundError,
    PermissionDeniedError,
    RateLimitedError,
    ServerError,
    TargetConfigError,
)
from exporter.platforms.answer_kinds import OTHER
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.api_errors import normalise
from exporter.platforms.bitrix24.moves import stray_portal, stray_server
from exporter.platforms.bitrix24.tokenfile import ANSWER_KEYS, MAX_BYTES, Tokens, parse
from exporter.platforms.error_rules import ErrorRule, sentence
from exporter.platforms.exchange import exchange, new_request, retry_after_seconds
from exporter.support.json_text import decoded, is_whole
from exporter.support.secret import Secret

TOKEN_OPERATION: Final = "oauth.token"  # noqa: S105  the name of an operation
INVALID_GRANT: Final = "invalid_grant"
WRONG_CLIENT: Final = ("invalid_client", "wrong_client")

_AGAIN: Final = "run booking-sync-exporter bitrix24-login again"
_CLIENT: Final = "does not know client_id and client_secret; take both from the application's card"
_RULES: Final[Mapping[str, ErrorRule]] = {
    INVALID_GRANT: ErrorRule(AuthError, sentence(f"no longer accepts the refresh token; {_AGAIN}")),
    **dict.fromkeys(WRONG_CLIENT, ErrorRule(AuthError, sentence(_CLIENT))),
    "insufficient_scope": ErrorRule(PermissionDeniedError, sentence("does not grant the scope booking")),
    "invalid_scope": ErrorRule(PermissionDeniedError, sentence("does not grant the scope booking")),
    "payment_required": ErrorRule(NotEntitledError, sentence("requires payment for the application or the plan")),
    "not_installed": ErrorRule(NotEntitledError, sentence("says that the application is not installed on the portal")),
    "invalid_request": ErrorRule(ClientError, sentence("does not accept the request, which is a fault of the exporter")),
}
_SPENT_CODE: Final = ErrorRule(AuthError, sentence("no longer accepts the code, which is valid once and for 30 seconds"))


class Issued(msgspec.Struct, frozen=True):
    """A new pair as it is to be stored, and which addresses of the answer were ``refused``: then the old one is in it."""

    tokens: Tokens
    refused: Mapping[str, TargetConfigError]


async def request_tokens(
    services: Services,
    server: httpx.URL,
    *,
    client_id: str,
    client_secret: Secret,
    grant: Mapping[str, str],
    timeout: float,
    known: Mapping[str, object],
    approved: httpx.URL | None = None,
) -> Issued:
    """Ask once for a pair. What the answer leaves out of ``known`` (an earlier answer) stays as it was.

    So does an address that no answer may change by itself; ``approved`` is where the operator says that the portal is.

    Raises :class:`~exporter.errors.PollError`; ``code`` is ``invalid_grant`` when only a person can help.
    Raises :class:`~exporter.errors.AuthError` when the server refuses to give tokens, ``RateLimitedError``,
    ``NotFoundError`` and ``ServerError`` by HTTP status, ``InvalidResponseError`` for an answer that holds no pair.
    ``timeout`` is in seconds.
    """
    query = {**grant, "client_id": client_id, "client_secret": client_secret.reveal()}
    request = new_request("GET", server.copy_with(path="/oauth/token/"), params=query, once=True)
    answer = await exchange(services, TOKEN_OPERATION, request, kind=OTHER, timeout=timeout)
    name, status = server.host, answer.status
    # What is null or cut off is left out: a spent refresh token must not be lost for a field that nobody needs.
    body = {key: value for key, value in (decoded(answer.body, dict[str, object]) or {}).items() if _is_told(value)}
    retry_after = retry_after_seconds(answer, services.clock)  # whatever the status
    if "error" in body:
        code = normalise(body["error"])
        rule = _RULES.get(code.lower())
        if code.lower() == INVALID_GRANT and "code" in grant:
            rule = _SPENT_CODE
        if rule is not None:
            raise rule.as_error(status=status, code=code.lower(), who=name, shown=code, retry_after=retry_after)
    if status >= httpx.codes.INTERNAL_SERVER_ERROR:
        raise ServerError(f"{name} has a fault (HTTP {status})", status=status, retry_after=retry_after)
    if status == httpx.codes.TOO_MANY_REQUESTS:
        raise RateLimitedError(f"{name} refuses because of too many requests", status=status, retry_after=retry_after)
    if status == httpx.codes.NOT_FOUND:
        raise NotFoundError(f"{name} does not know the portal (HTTP 404)", status=status, retry_after=retry_after)
    if "error" in body or status >= httpx.codes.BAD_REQUEST:
        raise AuthError(f"{name} refuses to issue tokens (HTTP {status})", status=status, retry_after=retry_after)
    merged, refused = _merged(known, body, server, approved)
    content = _as_stored(merged)
    if len(content) > MAX_BYTES:
        raise InvalidResponseError(f"{name} sent more than 64 KiB instead of a token pair (HTTP {status})", status=status)
    tokens = parse(content)
    if tokens is None or not {"access_token", "refresh_token"} <= body.keys():
        raise InvalidResponseError(f"{name} sent no token pair (HTTP {status})", status=status)
    return Issued(tokens, refused)


def _merged(
    known: Mapping[str, object], body: Mapping[str, object], asked: httpx.URL, approved: httpx.URL | None
) -> tuple[dict[str, object], dict[str, TargetConfigError]]:
    """Return what is to be stored, ``body`` and what it leaves out of ``known``, with the addresses that were refused.

    The old pair is spent. No other field, and no address to which a credential may not be sent, may cost the new one.
    """
    told = {key: value for key, value in body.items() if key not in _TEXTS or (isinstance(value, str) and value)}
    old, new = ({key: str(fields.get(key) or "") for key in _TEXTS} for fields in (known, told))
    is_identified = bool(old["member_id"])
    strays = {
        "client_endpoint": stray_portal(
            new["client_endpoint"], old["client_endpoint"], is_identified=is_identified, approved=approved
        ),
        "server_endpoint": stray_server(new["server_endpoint"], asked),
    }
    refused = {key: stray for key, stray in strays.items() if stray is not None}
    if "client_endpoint" in refused and not is_identified:
        told.pop("member_id", None)  # whose pair this is is not known: another answer may still tell
    merged = {**known, **{key: value for key, value in told.items() if key not in refused}}
    return {key: value for key, value in merged.items() if key in ANSWER_KEYS}, refused


_TEXTS: Final = ("client_endpoint", "server_endpoint", "member_id", "scope")
"""What is read of an answer beside the pair, and stays as it was where an answer has something else."""


def _as_stored(answer: Mapping[str, object]) -> bytes:
    """Return the JSON of ``answer``; nothing when it is nested so deep that it can be read and not be written."""
    try:
        return msgspec.json.format(msgspec.json.encode(answer), indent=2) + b"\n"
    except RecursionError:
        return b""


def _is_told(value: object) -> bool:
    return is_whole(value) if isinstance(value, str) else value is not None


def decode_known(tokens: Tokens) -> dict[str, object]:
    """Return an answer as it was stored. Raises :class:`TargetConfigError` when it is not an object."""
    known = decoded(tokens.content.reveal().encode(), dict[str, object])
    if known is None:
        raise TargetConfigError("the token file is not a JSON object")
    return known
