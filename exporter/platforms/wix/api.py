"""One call to Wix: credential, limit, retries, error classes (docs/platforms/wix.md 2, 9, 10).

Each collector asks one thing after another, so a site never sees more calls of ours at once than it has collectors.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import lru_cache, partial
from typing import Any, Final
from urllib.parse import quote
from weakref import proxy

import httpx
import msgspec
import structlog

from exporter.errors import AuthError, InvalidResponseError, PollError, RateLimitedError
from exporter.model import ApiUsage, Budget
from exporter.platforms.base import Services
from exporter.platforms.credentials import Credential
from exporter.platforms.exchange import Answer, exchange, new_request
from exporter.platforms.limiter import LeakyBucket
from exporter.platforms.retry import RetryPolicy, send_with_retries
from exporter.platforms.wix.answers import decode
from exporter.platforms.wix.api_errors import THROTTLED_SECONDS, failure, invalid, may_pass
from exporter.platforms.wix.credentials import AppCredential, Headers, KeyCredential, Token
from exporter.platforms.wix.endpoints import OF_CHECKS, ORIGIN, Endpoint
from exporter.platforms.wix.settings import WixTarget
from exporter.support.secret import Secret

log = structlog.get_logger(__name__)

# 10 at once and 3 a second stay below 200 in any minute (10 + 60 x 3), the documented limit of a site (wix.md 10).
REQUESTS_PER_SECOND: Final = 3.0
BURST: Final = 10.0

RETRY: Final = RetryPolicy(retries=2, initial_seconds=1.0, max_seconds=10.0, max_asked_seconds=10.0)

TOKEN_LIFETIME_SECONDS: Final = 14_400.0
"""Documented as constant; used when the answer does not tell (wix.md 2.3)."""

_CONNECTION: Final = "{connection}"

MAX_TOKEN_SECONDS: Final = 366 * 86_400.0


class _TokenAnswer(msgspec.Struct):
    access_token: str
    expires_in: Any = None


class _Call(msgspec.Struct, frozen=True):
    endpoint: Endpoint
    query: Mapping[str, str] | None = None
    body: object = None
    connection: str = ""
    timeout: float = 0.0  # seconds


class WixApi:
    """All calls of one site, through one leaky bucket. Only what :class:`Endpoint` lists can be called.

    With an ``account_id`` those of the account that the target's key belongs to.
    """

    def __init__(self, target: WixTarget, services: Services, *, reader_prefix: str = "", account_id: str = "") -> None:
        self._target = target
        self._services = services
        self._urls = _urls(target.base_url or ORIGIN, "/" + reader_prefix.strip("/"))
        self._limiter = LeakyBucket(target.name, REQUESTS_PER_SECOND, BURST, clock=services.clock, events=services.events)
        self._credential = self._new_credential(account_id)
        self._tokens = object()  # who holds them, as long as this lives

    @property
    def app_mode(self) -> bool:
        """Whether tokens are minted, instead of a key sent."""
        return self._target.api_key is None

    def close(self) -> None:
        """Let its tokens be forgotten."""
        self._services.known.drop(self._tokens)

    def usage(self) -> ApiUsage:
        """Return how many calls may be made right now, and until when Wix asked us to wait."""
        # A key has no known end and a token is renewed by us, so there is no credential expiry to watch.
        requests = Budget("requests", self._limiter.burst, self._limiter.remaining())
        return ApiUsage(budgets=(requests,), paused_until=self._limiter.paused_until())

    def spare_calls(self) -> int:
        """Return how many calls could be made at once right now without making others wait."""
        return 0 if self._limiter.paused_for() else int(self._limiter.remaining())

    def paused_for(self) -> float:
        """Return for how many seconds the site asked that nothing is sent, or 0."""
        return self._limiter.paused_for()

    async def call(
        self,
        endpoint: Endpoint,
        *,
        query: Mapping[str, str] | None = None,
        body: object = None,
        connection: str = "",
        repeat: bool = True,
        timeout: float | None = None,
    ) -> Answer:
        """Call ``endpoint`` and return its 2xx answer. ``timeout`` (seconds) is the target's unless given.

        ``connection`` is the id of the one that is asked about, where the endpoint's path has one.

        Repeats 5xx answers and lost connections unless ``repeat`` is false, and a 401 once with a fresh token. Raises the
        :class:`~exporter.errors.PollError` of docs/platforms/wix.md 9.
        """
        asked = _Call(endpoint, query, body, connection, self._target.timeout if timeout is None else timeout)
        headers = await self._credential.access()
        try:
            return await self._send_with_retries(asked, headers, repeat=repeat)
        except AuthError as error:
            if not await self._credential.renew(headers):
                raise
            self._note_retry(endpoint, error)
        headers = await self._credential.access()
        return await self._send_with_retries(asked, headers, repeat=repeat)

    async def _mint(self) -> Token:
        secret = self._target.app_secret
        body = {
            "grant_type": "client_credentials",
            "client_id": self._target.app_id,
            "client_secret": secret.reveal() if secret else "",
            "instance_id": self._target.instance_id,
        }
        answer = await self._send_with_retries(_Call(Endpoint.MINT_TOKEN, body=body, timeout=self._target.timeout), {})
        token = decode(answer, Endpoint.MINT_TOKEN, _TokenAnswer, "something that is not a token")
        if not token.access_token.isascii() or token.access_token.split() != [token.access_token]:
            raise invalid(answer, Endpoint.MINT_TOKEN, "a token that cannot be used")
        told = token.expires_in
        self._services.known.hold(self._tokens, [token.access_token])
        good = isinstance(told, int | float) and not isinstance(told, bool) and 0 < told < MAX_TOKEN_SECONDS
        return Token(Secret(token.access_token), float(told) if good else TOKEN_LIFETIME_SECONDS)

    async def _send_with_retries(self, asked: _Call, headers: Mapping[str, str], *, repeat: bool = True) -> Answer:
        return await send_with_retries(
            lambda: self._once(asked, headers),
            RETRY,
            may_repeat=may_pass if repeat else _never,
            note=partial(self._note_retry, asked.endpoint),
            clock=self._services.clock,
            random=self._services.random,
            turn=self._limiter.take,
        )

    async def _once(self, asked: _Call, headers: Mapping[str, str]) -> Answer:
        endpoint, body = asked.endpoint, asked.body
        request = new_request(
            endpoint.method,
            _about(self._urls[endpoint], endpoint, asked.connection),
            params=asked.query,
            content=None if body is None else msgspec.json.encode(body),
            headers={**headers, **({} if body is None else {"Content-Type": "application/json"})},
        )
        try:
            answer = await exchange(self._services, endpoint.operation, request, kind=endpoint.kind, timeout=asked.timeout)
        except InvalidResponseError:
            self._limiter.answered()
            raise
        if 200 <= answer.status < 300:  # noqa: PLR2004  HTTP: success
            self._limiter.answered()
            return answer
        raise self._refused(failure(answer, endpoint, app_mode=self.app_mode, clock=self._services.clock), endpoint)

    def _refused(self, error: PollError, endpoint: Endpoint) -> PollError:
        """Note what a refusal means for all that we ask of the site, whatever its status. Returns the error of the call.

        A check that has to come back later does so alone, unless the site throttles us.
        """
        if not error.retry_after or (endpoint in OF_CHECKS and not isinstance(error, RateLimitedError)):
            self._limiter.answered()
            return error
        if not isinstance(error, RateLimitedError):
            self._limiter.pause(error.retry_after, error)
            return error
        # A site that says "one second" each time is asked no more often than one that names no time at all.
        self._limiter.pause(error.retry_after, error, each=THROTTLED_SECONDS)
        return error.again(self._limiter.paused_for())

    def _note_retry(self, endpoint: Endpoint, error: PollError) -> None:
        self._services.events.retry(endpoint.operation, error.reason.value)
        log.debug(
            "wix_request_repeated",
            target=self._target.name,
            operation=endpoint.operation,
            **error.facts(),
        )

    def _new_credential(self, account_id: str) -> Credential[Headers]:
        if self._target.api_key is None:
            # Weakly, since the credential belongs to this object: a cycle would outlive a target that a reload drops.
            me = proxy(self)
            return AppCredential(self._target.name, lambda: me._mint(), self._services.clock)  # noqa: PLW0108, SLF001  bound, it would be one
        return KeyCredential(self._target.api_key, site_id=self._target.site_id or "", account_id=account_id)


def _never(_: PollError) -> bool:
    return False


@lru_cache(maxsize=64)
def _urls(origin: str, reader: str) -> Mapping[Endpoint, httpx.URL]:
    """Return the URL of each endpoint, once for all sites: to parse one takes a good part of the time that a call takes."""
    base = httpx.URL(origin)
    path = base.path.rstrip("/")
    return {
        endpoint: base.copy_with(path=path + endpoint.path.partition(_CONNECTION)[0].format(reader=reader))
        for endpoint in Endpoint
    }


def _about(url: httpx.URL, endpoint: Endpoint, connection: str) -> httpx.URL:
    """Return ``url``, which ends where the id of a connection goes, with that id: it is opaque and may hold any sign."""
    _, found, rest = endpoint.path.partition(_CONNECTION)
    if not found:
        return url
    return url.copy_with(raw_path=url.raw_path + f"{quote(connection, safe='')}{rest}".encode("ascii"))
