"""OAuth 2.0 with rotating refresh tokens: a pair is renewed when the portal says so, by single-flight (bitrix24.md 9.2).

Every renewal spends the refresh token and brings another. So there is one chain per token file in the process, at most one
renewal at a time, and it runs in a task of its own: a poll that is cancelled cannot lose the answer.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

import httpx
import structlog

from exporter.clock import detached
from exporter.errors import (
    AuthError,
    InternalError,
    PollError,
    PollTimeoutError,
    ServerError,
    TargetConfigError,
    UnreachableError,
)
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.authserver import (
    INVALID_GRANT,
    TOKEN_OPERATION,
    Issued,
    decode_known,
    request_tokens,
)
from exporter.platforms.bitrix24.credential import (
    Access,
    PortalAddress,
    access_at,
    checked_origin,
    origin_of,
    portal_in,
    portal_of,
)
from exporter.platforms.bitrix24.moves import server_origin
from exporter.platforms.bitrix24.settings import OAuth
from exporter.platforms.bitrix24.tokenfile import NoLockError, TokenFile, Tokens, exclusively
from exporter.platforms.credentials import Credential
from exporter.platforms.limiter import LeakyBucket
from exporter.platforms.retry import RetryPolicy, send_with_retries, wait_allowance
from exporter.support.files import Stamp
from exporter.support.secret import Secret

__all__ = ["TOKEN_OPERATION", "OAuthCredential", "TokenChains"]

log = structlog.get_logger(__name__)

EXCHANGE_SECONDS: Final = 20.0
RETRY: Final = RetryPolicy(retries=2, initial_seconds=0.5, max_seconds=1.0, max_asked_seconds=1.0)

# All of it is less than others wait for the lock, and than a code lives that a login pastes meanwhile. An exchange that was
# begun gets its whole time, since the pair is lost with its answer: what is left out when time runs short is the repetition.
RENEWAL_SECONDS: Final = 23.0
_REPEAT_WITHIN_SECONDS: Final = 2.0
_TURN_SECONDS: Final = 4.0


class _Chain:
    """The tokens of one file and their renewal, shared by everybody in the process who names that file."""

    def __init__(self, file: TokenFile) -> None:
        self.file = file
        self.unsaved: Tokens | None = None
        self.trouble: TargetConfigError | None = None
        self.refused: Mapping[str, TargetConfigError] = {}
        self._tokens: Tokens | None = None
        self._stamp: Stamp | None = None
        self._dead: Stamp | None = None
        self._look: asyncio.Task[Tokens] | None = None
        self._renewal: asyncio.Task[None] | None = None
        self._asks = False
        self._pause: LeakyBucket | None = None
        self._users: set[object] = set()

    def join(self, user: object) -> None:
        """Make ``user`` one of those for whom tokens are renewed."""
        self._users.add(user)

    async def leave(self, user: object) -> None:
        """Let ``user`` go. The last one waits for a renewal that runs, so that its answer reaches the disk.

        One that has sent nothing yet is called off: who stops has no time for it, and is killed with a token in flight.
        """
        self._users.discard(user)
        renewal = self._renewal
        if self._users or renewal is None:
            return
        if not self._asks:
            self._renewal = None  # who joins now begins another one
            renewal.cancel()
        await asyncio.wait([renewal])

    async def current(self) -> Tokens:
        """Return the newest pair. Re-reads the file when somebody changed it; a disk that hangs holds nobody else up.

        Who comes while somebody looks waits for the same look, which goes on when its caller is cancelled: on a disk that
        hangs each would hold a thread else, until there are none.
        """
        if self._look is None:
            self._look = asyncio.create_task(self._newest(), name="bitrix24 token file")
            self._look.add_done_callback(self._looked)
        tokens = await asyncio.shield(self._look)
        if self._dead is not None:
            raise AuthError(
                "the refresh token is no longer accepted; run booking-sync-exporter bitrix24-login again", code=INVALID_GRANT
            )
        return tokens

    async def _newest(self) -> Tokens:
        stamp = await asyncio.to_thread(self.file.stamp)
        unsaved = self.unsaved if stamp in {None, self._stamp} else None  # what somebody put there since then is newer
        if unsaved is not None:
            self.trouble = await asyncio.to_thread(self._save_again, unsaved)
            self.unsaved = unsaved if self.trouble is not None else None
            self._stamp = await asyncio.to_thread(self.file.stamp)
        if self._tokens is None or (unsaved is None and stamp != self._stamp):
            self._tokens, self._stamp, self._dead = *(await asyncio.to_thread(self._load)), None
            self.unsaved = self.trouble = None
            self.refused = {}
        return self._tokens

    def _looked(self, look: asyncio.Task[Tokens]) -> None:
        self._look = None
        if not look.cancelled():
            look.exception()  # whoever waited has it

    def ask_anew(self) -> None:
        """Let the refresh token be tried once more although it was refused: to somebody else, perhaps."""
        self._dead = None

    def _load(self) -> tuple[Tokens, Stamp | None]:
        """Return the pair and what the file was before: one that is replaced meanwhile is read again."""
        stamp = self.file.stamp()
        return self.file.load(), stamp

    async def renew(self, spent: Secret, oauth: OAuth, services: Services, approved: httpx.URL | None = None) -> None:
        """Replace the pair unless somebody did so since ``spent`` was current. ``approved`` is the portal's set address.

        While the auth server asks to wait a poll waits as long as it may, then the server's refusal is raised again.
        """
        if not self._users:
            raise InternalError("a token expired in a session that is closed")
        if self._pause is not None and self._pause.paused_for() > 0:
            if (await self.current()).access != spent:
                return
            await self._pause.wait_for_pause(services.events)
        if self._renewal is None:
            self._renewal = asyncio.create_task(self._renew(spent, oauth, services, approved), name="bitrix24 token renewal")
            self._renewal.add_done_callback(self._renewed)
        await asyncio.shield(self._renewal)

    def _renewed(self, renewal: asyncio.Task[None]) -> None:
        if self._renewal is renewal:
            self._renewal = None
        if not renewal.cancelled():
            renewal.exception()  # whoever waited has it; nobody waits any more when a poll was cancelled

    async def _renew(self, spent: Secret, oauth: OAuth, services: Services, approved: httpx.URL | None) -> None:
        with detached(), wait_allowance(RENEWAL_SECONDS):  # nothing here hangs on what is left to the poll that began it
            try:
                async with exclusively(self.file, services.clock):
                    await self._renew_alone(spent, oauth, services, approved)
            except NoLockError:
                if (await self.current()).access == spent:
                    raise

    async def _renew_alone(self, spent: Secret, oauth: OAuth, services: Services, approved: httpx.URL | None) -> None:
        if self._look is not None:
            await asyncio.wait([self._look])  # it began before the file was ours
        tokens = await self.current()
        if tokens.access != spent:
            return  # another process was quicker
        if self.trouble is not None:
            raise self.trouble  # a pair that exists in memory only is not spent for another one
        self._asks = True
        try:
            await self._replace(tokens, oauth, services, approved)
        finally:
            self._asks = False

    async def _replace(self, tokens: Tokens, oauth: OAuth, services: Services, approved: httpx.URL | None) -> None:
        descriptor = await asyncio.to_thread(self.file.prepare)
        try:
            issued = _checked(await self._ask(tokens, oauth, services, approved), tokens)
        except BaseException as error:
            await asyncio.to_thread(self.file.discard, descriptor)
            if isinstance(error, PollError) and error.code == INVALID_GRANT:
                if await asyncio.to_thread(self._somebody_else_renewed, tokens):
                    return
                self._dead = self._stamp
            raise
        await self._save(descriptor, issued.tokens)
        self.refused = issued.refused
        log.info("tokens_renewed", portal=portal_in(issued.tokens.client_endpoint))

    async def _ask(self, tokens: Tokens, oauth: OAuth, services: Services, approved: httpx.URL | None) -> Issued:
        """Ask for a new pair; again after a fault of the server, or when nothing was sent.

        A lost answer is not asked for again at once: the token may be spent, and what is wrong lasts longer than a poll.
        """
        server = server_origin(oauth.server, tokens.server_endpoint)
        clock = services.clock
        repeats_until = clock.monotonic() + _REPEAT_WITHIN_SECONDS
        try:
            async with clock.timeout(RENEWAL_SECONDS, slack=_TURN_SECONDS):
                issued = await send_with_retries(
                    lambda: request_tokens(
                        services,
                        server,
                        client_id=oauth.client_id,
                        client_secret=oauth.client_secret,
                        grant={"grant_type": "refresh_token", "refresh_token": tokens.refresh.reveal()},
                        timeout=EXCHANGE_SECONDS,
                        known=decode_known(tokens),
                        approved=approved,
                    ),
                    RETRY,
                    may_repeat=lambda error: (
                        isinstance(error, ServerError | UnreachableError) and clock.monotonic() <= repeats_until
                    ),
                    note=lambda error: services.events.retry(TOKEN_OPERATION, error.reason.value),
                    clock=clock,
                    random=services.random,
                )
        except TimeoutError:
            raise PollTimeoutError(f"{server.host} did not answer within {RENEWAL_SECONDS:g} s") from None
        except PollError as error:
            if error.retry_after:
                self._paused(server.host, services).pause(error.retry_after, error, all_ask_the_same=True)
            elif error.status is not None:
                self._paused(server.host, services).answered()
            raise
        self._paused(server.host, services).answered()
        return issued

    def _paused(self, server: str, services: Services) -> LeakyBucket:
        """Return what holds every renewal while the auth server asks to wait."""
        if self._pause is None:
            self._pause = LeakyBucket(server, 1.0, 1.0, clock=services.clock, events=services.events)
        return self._pause

    def _somebody_else_renewed(self, tokens: Tokens) -> bool:
        """Re-read the file once; tell whether it now holds another pair than the one that was refused."""
        self._tokens, self._stamp = self._load()
        return self._tokens.refresh != tokens.refresh

    async def _save(self, descriptor: int, fresh: Tokens) -> None:
        """Make the pair durable, then let others use it. What cannot be written is kept in memory and tried again."""
        try:
            await asyncio.to_thread(self.file.store, descriptor, fresh.content.reveal().encode())
        except TargetConfigError as error:
            self.unsaved, self.trouble = fresh, error
            log.error("token_file_not_written", message=error.message)  # noqa: TRY400  the message says all
        self._tokens = fresh
        self._stamp = await asyncio.to_thread(self.file.stamp)

    def _save_again(self, tokens: Tokens) -> TargetConfigError | None:
        """Return why the pair cannot be written. Changes nothing itself, since it runs in a thread."""
        try:
            with self.file.locked() as ours:
                if not ours:
                    return TargetConfigError(f"another process is renewing the tokens in {self.file.path}")
                self.file.store(self.file.prepare(), tokens.content.reveal().encode())
        except TargetConfigError as error:
            return error
        return None


def _checked(issued: Issued, tokens: Tokens) -> Issued:
    if tokens.member_id and issued.tokens.member_id != tokens.member_id:
        raise AuthError("the auth server sent tokens of another portal (member_id differs); they were dropped")
    return issued


class TokenChains:
    """The chains of this process, by token file."""

    def __init__(self) -> None:
        self._chains: dict[Path, _Chain] = {}

    async def of(self, path: Path) -> _Chain:
        """Return the chain of the token file ``path``: however it is spelt, it is one file and one chain."""
        file = await asyncio.to_thread(TokenFile, path)
        return self._chains.setdefault(file.path, _Chain(file))


class OAuthCredential(Credential[Access]):
    """Implements :class:`exporter.platforms.bitrix24.credential.Credential` with a token file."""

    def __init__(self, oauth: OAuth, base_url: str | None, services: Services, chains: TokenChains) -> None:
        self._oauth = oauth
        self._services = services
        self._origin = origin_of(base_url) if base_url else None
        self.unnamed = PortalAddress("", f"token file {oauth.token_file}")
        self._chains = chains
        self._chain: _Chain | None = None

    async def access(self) -> Access:
        """Return place and token of the next request. Raises :class:`~exporter.errors.TargetConfigError` for a bad address."""
        if self._chain is None:
            self._chain = await self._chains.of(self._oauth.token_file)
            self._chain.join(self)
            self._chain.ask_anew()
        tokens = await self._chain.current()
        self._services.known.hold(self, (tokens.access.reveal(), tokens.refresh.reveal()))
        try:
            url = httpx.URL(tokens.client_endpoint)
            origin, portal = self._origin or checked_origin(url), portal_of(url)
        except (httpx.InvalidURL, TargetConfigError):
            raise TargetConfigError(
                "client_endpoint in the token file is no address that may get a credential; run booking-sync-exporter "
                "bitrix24-login again"
            ) from None
        return access_at(origin, portal, url.path if url.path.endswith("/") else f"{url.path}/", tokens.access)

    async def renew(self, spent: Access) -> bool:
        if spent.token is None or self._chain is None:
            return False
        await self._chain.renew(spent.token, self._oauth, self._services, self._origin)
        return True

    def degraded_reason(self) -> PollError | None:
        if self._chain is None:
            return None
        refused = self._chain.refused  # what the operator has set is asked whatever an answer says
        portal = None if self._origin else refused.get("client_endpoint")
        server = None if self._oauth.server else refused.get("server_endpoint")
        return self._chain.trouble or portal or server

    async def aclose(self) -> None:
        self._services.known.drop(self)
        if self._chain is not None:
            await self._chain.leave(self)
