"""The HTTP exchange shared by all platforms.

One request, one answer, inside one deadline; the bytes and values of a body have a cap by what was asked for; redirects are
returned, never followed; no cookie is kept; every exchange is counted. What goes wrong below HTTP becomes one of our errors,
with a message that names the host and never the path, because webhook credentials live in paths (bitrix24.md 9.1).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from typing import Final

import httpx
import msgspec

from exporter import __version__
from exporter.clock import Clock
from exporter.errors import (
    InternalError,
    InvalidResponseError,
    NetworkError,
    PollError,
    PollTimeoutError,
    TlsError,
    UnreachableError,
)
from exporter.platforms.answer_kinds import REFUSAL, AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.http_body import ACCEPTED, FragmentedError, TooLargeError, UnreadableError, read_body
from exporter.platforms.http_pool import CONNECT_SECONDS, ONCE, NameLookupError, NoDescriptorError

USER_AGENT: Final = f"booking-sync-exporter/{__version__}"
MAX_RETRY_AFTER_SECONDS: Final = 3600.0
_HEADERS: Final = {"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ACCEPTED}


def new_request(
    method: str,
    url: httpx.URL,
    *,
    params: Mapping[str, str] | None = None,
    content: bytes | None = None,
    headers: Mapping[str, str] | None = None,
    once: bool = False,
) -> httpx.Request:
    """Return a request with the headers that all of ours have. ``once`` forbids to send it again, even if unanswered."""
    extensions = {ONCE: True} if once else {}
    return httpx.Request(
        method, url, params=params, content=content, headers={**_HEADERS, **(headers or {})}, extensions=extensions
    )


class Answer(msgspec.Struct, frozen=True):
    """An HTTP answer, whole. ``headers`` are asked for by lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        """The media type of the body, without parameters."""
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def exchange(
    services: Services,
    operation: str,
    request: httpx.Request,
    *,
    kind: AnswerKind,
    timeout: float,
) -> Answer:
    """Send ``request`` and return the whole answer, whatever its status.

    ``kind`` says how large it may be; ``timeout`` (seconds) bounds the whole exchange, connecting included. Raises
    :class:`UnreachableError` when nothing was sent, :class:`PollTimeoutError`, :class:`NetworkError`, :class:`TlsError`,
    :class:`InvalidResponseError` for what is not HTTP or a body that is too large or cannot be read, or
    :class:`InternalError` when no more files may be opened.
    """
    clock = services.clock
    began = clock.monotonic()
    code = "none"
    host = request.url.host
    try:
        async with clock.timeout(timeout):
            response = await services.http.handle_async_request(request)
            try:
                body = await _read(response, host, kind)
            except InvalidResponseError:
                code = str(response.status_code)
                raise
            else:
                code = str(response.status_code)
            finally:
                await response.aclose()
    except PollError:
        raise
    except httpx.ConnectTimeout:
        # "from None": what was chained would carry the URL, credential included.
        raise UnreachableError(f"cannot connect to {host} within {CONNECT_SECONDS:g} s") from None
    except (TimeoutError, httpx.TimeoutException):
        raise PollTimeoutError(f"{host} did not answer within {timeout:g} s") from None
    except (httpx.TransportError, httpx.StreamError) as error:
        raise _lost(error, host) from None
    finally:
        services.events.request(operation, code, clock.monotonic() - began)
    services.on_exchange(operation, response.status_code, response.headers, body)
    return Answer(response.status_code, response.headers, body)


async def _read(response: httpx.Response, host: str, kind: AnswerKind) -> bytes:
    if not isinstance(response.stream, httpx.AsyncByteStream):
        raise InvalidResponseError(f"{host} was asked through a transport that is not asynchronous")
    asked = kind if response.is_success else REFUSAL
    try:
        body = await read_body(aiter(response.stream), response.headers.get("content-encoding", ""), asked.body.number)
    except TooLargeError:
        what = f"{host} sent more than {asked.body} for {asked.what}"
    except FragmentedError:
        what = f"{host} sends its answer in pieces of a few bytes"
    except UnreadableError as error:
        what = f"{host} sent a body that cannot be decompressed: {error}"
    else:
        excess = asked.excess(body)
        if excess is None:
            return body
        what = f"{host} sent more than {excess} for {asked.what}"
        del body  # the error holds this frame until it is dealt with
    raise InvalidResponseError(what, status=response.status_code)


_NO_TLS: Final = "no TLS is spoken at this port"
_REASONS_WITHOUT_TLS: Final = frozenset({"WRONG_VERSION_NUMBER", "HTTP_REQUEST"})  # as OpenSSL says it


def _lost(error: httpx.TransportError | httpx.StreamError, host: str) -> PollError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            what = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
            what = _NO_TLS if what in _REASONS_WITHOUT_TLS else what
            whom = error if isinstance(error, httpx.ProxyError) else host  # its text names the proxy
            return TlsError(f"TLS with {whom} failed: {what or 'handshake'}")
        cause = cause.__cause__ or cause.__context__
    kind = type(error).__name__
    if isinstance(error, NoDescriptorError):
        return InternalError("this machine lets the exporter open no more files: raise LimitNOFILE (systemd) or ulimit -n")
    if isinstance(error, httpx.RemoteProtocolError):
        return InvalidResponseError(f"{host} sent something that is not HTTP")
    if isinstance(error, httpx.ConnectError):
        what = str(error) if isinstance(error, NameLookupError) else "refused or unreachable"
        return UnreachableError(f"cannot connect to {host}: {what}")
    if isinstance(error, httpx.ProxyError):
        return UnreachableError(f"cannot reach {host}: {error}")
    return NetworkError(f"connection to {host} was lost ({kind})")


def retry_after_seconds(answer: Answer, clock: Clock) -> float | None:
    """Return the wait that ``Retry-After`` asks for, in seconds; both forms (a number, an HTTP date); ``None`` without it.

    More than an hour is taken for an hour: asking that seldom burdens nobody, and a slip must not silence a target for good.
    """
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), MAX_RETRY_AFTER_SECONDS)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - clock.time()), MAX_RETRY_AFTER_SECONDS)
    except (ValueError, OverflowError):
        return None
