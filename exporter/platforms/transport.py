"""The HTTP exchange shared by all platforms.

One request, one answer, inside one deadline; the body has a size cap; redirects are returned, never followed; no cookie is
kept; every exchange is counted. What goes wrong below HTTP becomes one of our errors, with a message that names the host
and never the path, because webhook credentials live in paths (bitrix24.md 9.1).
"""

from __future__ import annotations

import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Final

import httpx

from exporter import __version__
from exporter.clock import Clock
from exporter.errors import InvalidResponseError, NetworkError, PollError, PollTimeoutError, TlsError
from exporter.platforms.base import Services
from exporter.platforms.gunzip import ACCEPTED, TooLargeError, UnreadableError, read_body

USER_AGENT: Final = f"booking-sync-exporter/{__version__}"
MAX_BODY_BYTES: Final = 16 * 1024 * 1024
CONNECT_SECONDS: Final = 5.0
# Enough for every collector of some thousand targets to hang at once, or those that hang would keep the others waiting.
MAX_CONNECTIONS: Final = 8192
LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0
_LOOPBACK: Final = ("all://localhost", "all://127.0.0.1", "all://[::1]")


def new_http_client(transport: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """Return the client that all targets share: pooled, without cookies, without redirects. The caller closes it.

    A proxy of the environment (``HTTPS_PROXY``) is used, except for this machine: there the simulator answers.
    """
    return httpx.AsyncClient(
        transport=transport,
        mounts=None if transport else dict.fromkeys(_LOOPBACK),
        follow_redirects=False,
        cookies=CookieJar(policy=DefaultCookiePolicy(allowed_domains=[])),
        headers={"User-Agent": USER_AGENT, "Accept": "application/json", "Accept-Encoding": ACCEPTED},
        limits=httpx.Limits(max_connections=MAX_CONNECTIONS, max_keepalive_connections=100, keepalive_expiry=90),
    )


@dataclass(frozen=True, slots=True)
class Answer:
    """An HTTP answer, whole. ``headers`` has lower-case names."""

    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def content_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()


async def exchange(
    services: Services,
    operation: str,
    request: httpx.Request,
    *,
    timeout: float,
) -> Answer:
    """Send ``request`` and return the whole answer, whatever its status.

    ``timeout`` (seconds) bounds the whole exchange, connecting included. Raises :class:`PollTimeoutError`,
    :class:`NetworkError`, :class:`TlsError`, or :class:`InvalidResponseError` for a body that is too large or undecodable.
    """
    clock = services.clock
    began = clock.monotonic()
    code = "none"
    host = request.url.host
    request.extensions["timeout"] = httpx.Timeout(timeout, connect=min(CONNECT_SECONDS, timeout)).as_dict()
    try:
        async with clock.timeout(timeout):
            response = await services.http.send(request, stream=True, follow_redirects=False)
            try:
                body = await _read(response, host)
            except InvalidResponseError:
                code = str(response.status_code)
                raise
            else:
                code = str(response.status_code)
            finally:
                await response.aclose()
    except PollError:
        raise
    except (TimeoutError, httpx.TimeoutException):
        # "from None": the chained exception's request would carry the URL, credential included.
        raise PollTimeoutError(f"{host} did not answer within {timeout:g} s") from None
    except httpx.TransportError as error:
        raise _lost(error, host) from None
    finally:
        services.events.request(operation, code, clock.monotonic() - began)
    headers = {name.lower(): value for name, value in response.headers.items()}
    return Answer(response.status_code, headers, body)


async def _read(response: httpx.Response, host: str) -> bytes:
    try:
        return await read_body(response.aiter_raw(), response.headers.get("content-encoding", ""), MAX_BODY_BYTES)
    except TooLargeError:
        what = f"{host} sent more than {MAX_BODY_BYTES // 1024 // 1024} MiB"
    except UnreadableError:
        what = f"{host} sent a body that cannot be decompressed"
    raise InvalidResponseError(what, status=response.status_code)


def _lost(error: httpx.TransportError, host: str) -> PollError:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLError):
            what = cause.verify_message if isinstance(cause, ssl.SSLCertVerificationError) else cause.reason
            return TlsError(f"TLS with {host} failed: {what or 'handshake'}")
        cause = cause.__cause__ or cause.__context__
    kind = type(error).__name__
    if isinstance(error, httpx.ConnectError):
        return NetworkError(f"cannot connect to {host}: name not found, refused or unreachable")
    return NetworkError(f"connection to {host} was lost ({kind})")


def retry_after_seconds(answer: Answer, clock: Clock) -> float | None:
    """Return the wait that ``Retry-After`` asks for, in seconds; both forms (a number, an HTTP date); ``None`` without it.

    More than an hour is taken for an hour: asking that seldom burdens nobody, and a slip must not silence a target for good.
    """
    value = answer.headers.get("retry-after", "").strip()
    if not value:
        return None
    if value.isascii() and value.isdigit():
        return min(float(value), LONGEST_RETRY_AFTER_SECONDS)
    try:
        return min(max(0.0, parsedate_to_datetime(value).timestamp() - clock.time()), LONGEST_RETRY_AFTER_SECONDS)
    except (ValueError, OverflowError):
        return None
