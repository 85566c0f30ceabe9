"""Where an answer leads that says that its portal moved (bitrix24.md 1)."""

from __future__ import annotations

import httpx
import msgspec

from exporter.errors import InvalidResponseError, PollError, TargetConfigError
from exporter.platforms.bitrix24.api_errors import Action, Refusal
from exporter.platforms.bitrix24.credential import checked_origin
from exporter.platforms.bitrix24.moves import may_move
from exporter.platforms.exchange import Answer
from exporter.support.net import ascii_host, join_address
from exporter.support.redaction import sanitized


class Redirect(msgspec.Struct, frozen=True):
    """An answer that says where the portal is by now, which the credential may follow."""

    origin: httpx.URL
    status: int


def redirected(answer: Answer, endpoint: httpx.URL, operation: str) -> Redirect | Refusal:
    """Return where a redirect of a call of ``operation`` at ``endpoint`` leads, if the credential may go there."""
    try:
        location = endpoint.join(answer.headers.get("location", ""))
        ascii_host(location.raw_host.decode("ascii"))
    except (httpx.InvalidURL, ValueError):
        location = endpoint
    error: PollError
    place = sanitized(join_address(location.host, location.port))
    if location.path.rstrip("/") != endpoint.path + operation:
        where = "" if location.host == endpoint.host else f" at {place}"
        error = InvalidResponseError(f"{endpoint.host} redirects to something{where} that is not its API", status=answer.status)
    elif not may_move(endpoint, location):
        text = (
            f"{endpoint.host} says that the portal moved to {place}; if that is right, change the address in the configuration"
        )
        error = TargetConfigError(text, status=answer.status)
    else:
        return Redirect(checked_origin(location), answer.status)
    return Refusal(error, Action.GIVE_UP)
