"""An HTTP client's guards for commands: where the server is, whether a password may go there, and a cap on its answer."""

from __future__ import annotations

import httpx

from exporter.support.net import is_confidential


class InvalidUrlError(ValueError):
    """The text is no http(s) address."""


class ExposedPasswordError(ValueError):
    """A password would be sent over a network that others can read."""


class AnswerTooLongError(Exception):
    """The answer is longer than allowed."""


def url_and_auth(url: str, password: str = "") -> tuple[httpx.URL, httpx.BasicAuth | None]:
    """Return ``url`` without its userinfo, and that as HTTP basic authentication, ``None`` where there was none.

    ``password`` is used when ``url`` names a user without one. Raises :class:`InvalidUrlError` for what is no http(s) address,
    and
    :class:`ExposedPasswordError` when the password would cross a network in clear text.
    """
    try:
        parsed = httpx.URL(url)
    except httpx.InvalidURL:
        raise InvalidUrlError from None
    if parsed.scheme not in {"http", "https"} or not parsed.host:
        raise InvalidUrlError
    if not parsed.username:
        return parsed, None
    if not is_confidential(parsed.scheme, parsed.host):
        raise ExposedPasswordError
    user = httpx.BasicAuth(parsed.username, parsed.password or password)
    return parsed.copy_with(username=None, password=None), user


async def read_body(answer: httpx.Response, max_bytes: int) -> bytes:
    """Return the body of a streamed answer. Raises :class:`AnswerTooLongError` once it has more than ``max_bytes`` bytes."""
    body = bytearray()
    async for part in answer.aiter_bytes():
        body += part
        if len(body) > max_bytes:
            raise AnswerTooLongError
    return bytes(body)
