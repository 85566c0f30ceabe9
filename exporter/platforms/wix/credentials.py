"""Who we are to Wix: an API key, or the token of an app (docs/platforms/wix.md 2)."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from typing import Final

import msgspec
import structlog

from exporter.clock import Clock
from exporter.errors import PollError
from exporter.platforms.credentials import Credential
from exporter.platforms.retry import charge_block
from exporter.support.secret import Secret

log = structlog.get_logger(__name__)

RENEW_AT_SHARE: Final = 0.85
"""A token is renewed after this share of its life, so that it cannot end on the way."""

_MINT_AGAIN_SECONDS: Final = 60.0


Headers = Mapping[str, str]


class KeyCredential(Credential[Headers]):
    """An API key: raw, without ``Bearer``, with the site that it shall read, or else the account; never both (wix.md 2.2)."""

    def __init__(self, api_key: Secret, *, site_id: str = "", account_id: str = "") -> None:
        self._api_key = api_key
        self._whose = {"wix-account-id": account_id} if account_id else {"wix-site-id": site_id}

    async def access(self) -> Headers:
        return {"Authorization": self._api_key.reveal(), **self._whose}

    async def renew(self, spent: Headers) -> bool:
        del spent  # a key is as it is
        return False


class Token(msgspec.Struct, frozen=True):
    """An app token and its life in seconds, counted from the answer that brought it."""

    value: Secret
    lifetime: float


class AppCredential(Credential[Headers]):
    """The token of an app installed on the site, minted when needed; one mint at a time, for all who wait (wix.md 2.3).

    The token knows its site, so no ``wix-site-id`` goes with it: an instance id is not a site id (wix.md traps 3 and 4).
    """

    def __init__(self, target: str, mint: Callable[[], Awaitable[Token]], clock: Clock) -> None:
        self._target = target
        self._mint = mint
        self._clock = clock
        self._minting = asyncio.Lock()
        self._failures = 0
        self._failure: PollError | None = None
        self._token: Secret | None = None
        self._renew_at = 0.0
        self._ends_at = 0.0

    async def access(self) -> Headers:
        async with self._turn():
            if self._token is None or self._clock.monotonic() >= self._renew_at:
                await self._replace()
            return self._headers()

    async def renew(self, spent: Headers) -> bool:
        async with self._turn():
            if spent == self._headers():  # else somebody renewed it while this call was on its way
                self._token = None
                await self._replace()
            return True

    @contextlib.asynccontextmanager
    async def _turn(self) -> AsyncIterator[None]:
        """Wait for a mint that runs, and raise what it failed with: who waited would only wait once more for the same."""
        failures = self._failures
        with charge_block(self._clock):
            await self._minting.acquire()
        try:
            if self._failure is not None and self._failures != failures:
                raise self._failure.again(self._failure.retry_after)
            yield
        finally:
            self._minting.release()

    async def _replace(self) -> None:
        asked_at = self._clock.monotonic()
        try:
            token = await self._mint()
        except PollError as error:
            if self._token is None or self._clock.monotonic() >= self._ends_at:
                self._failures += 1
                self._failure = error.again(error.retry_after)  # without the frames of this poll
                raise
            # The old token is still good; a fault of the token endpoint need not cost a poll.
            self._renew_at = self._clock.monotonic() + _MINT_AGAIN_SECONDS
            log.warning(
                "wix_token_not_renewed",
                target=self._target,
                **error.facts(),
            )
            return
        self._token = token.value
        self._renew_at = asked_at + RENEW_AT_SHARE * token.lifetime
        self._ends_at = asked_at + token.lifetime

    def _headers(self) -> dict[str, str]:
        return {"Authorization": self._token.reveal()} if self._token else {}
