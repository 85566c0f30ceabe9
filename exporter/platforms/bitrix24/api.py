"""One call or one batch: address it, wait for the portal, send it, judge the answer, repeat what may be repeated.

Methods are called by ``POST`` with a JSON body (bitrix24.md 1). Our calls only read, so repeating one is safe.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Final, TypeVar
from urllib.parse import quote

import httpx
import msgspec

from exporter.errors import (
    ClientError,
    InvalidResponseError,
    OperatingLimitError,
    PollError,
    PollTimeoutError,
    TlsError,
)
from exporter.platforms import answer_kinds
from exporter.platforms.answer_kinds import AnswerKind
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24.answers import Body, Reply
from exporter.platforms.bitrix24.api_errors import (
    BOOKING_NOT_FOUND,
    NO_CODE,
    NOT_IN_BATCH,
    Action,
    Refusal,
    refusal,
    refusal_without_json,
)
from exporter.platforms.bitrix24.credential import Access
from exporter.platforms.bitrix24.moves import Moves
from exporter.platforms.bitrix24.operating import BATCH, WHOLE_SHARE, OperatingLedger
from exporter.platforms.bitrix24.portal import Portal, PortalLease
from exporter.platforms.bitrix24.redirects import Redirect, redirected
from exporter.platforms.credentials import Credential
from exporter.platforms.decoding import off_the_loop, rows_in
from exporter.platforms.exchange import Answer, exchange, new_request, retry_after_seconds
from exporter.platforms.retry import RetryPolicy, charge_failure, usable_seconds, wait_within_allowance

T = TypeVar("T")

LIST_BOOKINGS: Final = "booking.v1.booking.list"
GET_BOOKING: Final = "booking.v1.booking.get"
LIST_LINKS: Final = "booking.v1.booking.externalData.list"
LIST_RESOURCES: Final = "booking.v1.resource.list"
LIST_RESOURCE_TYPES: Final = "booking.v1.resourceType.list"
GET_EVENT: Final = "calendar.event.getbyid"
OF_EVERY_PORTAL: Final = (LIST_BOOKINGS, GET_BOOKING, LIST_LINKS, LIST_RESOURCES, BATCH)
METHODS: Final = (*OF_EVERY_PORTAL, GET_EVENT)
"""What a poll may call, events only where bookings have copies in the staff's calendar; the types of resources are asked for
on demand only, by the inventory."""
_KINDS: Final[Mapping[str, AnswerKind]] = {
    LIST_BOOKINGS: answer_kinds.PAGE,
    LIST_RESOURCES: answer_kinds.PAGE,
    LIST_RESOURCE_TYPES: answer_kinds.PAGE,
    BATCH: answer_kinds.BATCH,
}

RETRY: Final = RetryPolicy(retries=3, initial_seconds=1.0, max_seconds=30.0)

_BUSY: Final = frozenset({Action.OPERATING, Action.RETRY, Action.RETRY_ONCE})
"""Besides its own words for it, what a portal answers that is asked too much, or may be."""

Params = Mapping[str, object]
CommandOutcome = Reply | Refusal


class Command(msgspec.Struct, frozen=True):
    """One method call, to be sent alone or inside a batch."""

    method: str
    params: Params

    def query(self) -> str:
        """Return the command as a batch wants it: method, ``?``, PHP's bracket query, encoded once (bitrix24.md 5.1)."""
        pairs = "&".join([f"{name}={_quoted(str(value))}" for name, value in _flat(self.params, "")])
        return f"{self.method}?{pairs}"


def _quoted(text: str) -> str:
    # Numbers and words, which nearly all of them are, are what they are; to find that out is what takes quote() its time.
    return text if text.isascii() and text.isalnum() else quote(text, safe="")


def _flat(params: Params, prefix: str) -> list[tuple[str, object]]:
    pairs: list[tuple[str, object]] = []
    for key, value in params.items():
        name = f"{prefix}[{key}]" if prefix else key
        if isinstance(value, dict):  # asking for a Mapping takes ten times as long
            pairs += _flat(value, name)
        else:
            pairs.append((name, value))
    return pairs


class BatchAnswer(msgspec.Struct, frozen=True):
    """What a batch brought within ``seconds``, by command key. A key in neither mapping was not executed.

    ``limited`` says that some were not because there were too many requests: then the portal is paused, and the next call
    waits for that or ends the poll.
    """

    replies: Mapping[str, Reply]
    refusals: Mapping[str, Refusal]
    seconds: float = 0.0
    limited: bool = False


def rows_of(reply: Reply) -> int:
    """Return how many rows the work on ``reply`` amounts to."""
    return rows_in(reply.result)


class Api:
    """The REST API of one portal through one credential; shared by the target's collectors."""

    def __init__(
        self,
        services: Services,
        credential: Credential[Access],
        lease: PortalLease,
        ledger: OperatingLedger,
        *,
        timeout: float,
        retry: RetryPolicy = RETRY,
    ) -> None:
        self.ledger = ledger
        self.clock = services.clock
        self.admission = services.admission
        self.not_batchable: set[str] = set()
        self._services = services
        self._credential = credential
        self._lease = lease
        self._timeout = timeout
        self._retry = retry
        self._moves = Moves()

    def moved_to(self) -> str | None:
        """Return the host at which the portal answers by now, if it redirected us there."""
        return self._moves.moved_to()

    def calls_at_once(self) -> int:
        """Return how many calls the portal may be asked at once."""
        return self._lease.portal.calls_at_once()

    async def decode(self, replies: Sequence[Reply], read: Callable[[Reply], T]) -> list[T]:
        """Return what ``read`` makes of each of ``replies``, all in one go."""
        return await off_the_loop(self.admission, sum(map(rows_of, replies)), lambda: [read(reply) for reply in replies])

    def degraded_reason(self) -> PollError | None:
        """Return what is wrong with the credential although requests still work."""
        return self._credential.degraded_reason()

    async def call(self, command: Command, *, share: float = WHOLE_SHARE) -> Reply:
        """Call one method. ``share`` is how much of the operating budget this work may use up.

        Raises :class:`~exporter.errors.InvalidResponseError` for an answer without a result.
        """
        self.ledger.check(command.method, share)
        body, _ = await self._repeat(command.method, command.params, retries=self._retry.retries)
        self.ledger.observe(command.method, body.times.operating, body.times.reset_in)
        if body.reply is None:
            raise InvalidResponseError("an answer without a result")  # _repeat returns replies only
        return body.reply

    async def ask(self, command: Command, *, share: float = WHOLE_SHARE) -> CommandOutcome:
        """Call one method about one booking or event; that it is gone, or hidden from us, is an outcome and not an error."""
        try:
            return await self.call(command, share=share)
        except PollError as error:
            if error.code in (BOOKING_NOT_FOUND, NO_CODE):
                return Refusal(error, Action.GIVE_UP)
            raise

    async def batch(self, commands: Mapping[str, Command], *, share: float = WHOLE_SHARE) -> BatchAnswer:
        """Run up to 50 commands in one request. Keys are not numeric, so that sections come as objects (bitrix24.md 5.2).

        A fault of the whole batch is raised at once: the caller repeats it with fewer commands. When a token expired in the
        middle it has been renewed, and the commands that it hit count as not executed.
        Raises :class:`~exporter.errors.InvalidResponseError` for an answer without a result.
        """
        for method in {command.method for command in commands.values()} | {BATCH}:
            self.ledger.check(method, share)
        access = await self._credential.access()
        payload = {"halt": 0, "cmd": {key: command.query() for key, command in commands.items()}}
        try:
            with self.ledger.underway({**Counter(command.method for command in commands.values()), BATCH: 1}):
                body, seconds = await self._repeat(BATCH, payload, retries=0)
        except ClientError as error:
            if (error.code or "").lower() != NOT_IN_BATCH:
                raise
            # The system table lists the code for a whole request, too (bitrix24.md 8.2).
            self.not_batchable |= {command.method for command in commands.values()}
            return BatchAnswer({}, {})
        if body.reply is None:
            raise InvalidResponseError("a batch answer without a result")  # ditto
        self.ledger.observe(BATCH, body.times.operating, body.times.reset_in)
        sections = decode.batch(body.reply, tuple(commands), self.clock.time())
        observed: set[str] = set()
        for key, times in sections.times.items():
            if key in commands:
                method = commands[key].method
                self.ledger.observe(method, times.operating, times.reset_in, same_answer=method in observed)
                observed.add(method)
        refusals = {
            key: refusal(access.portal, commands[key].method, problem.error, problem.description, status=None)
            for key, problem in sections.problems.items()
            if key in commands
        }
        # Under HTTP 200 all commands may have been refused, so only here is known whether the portal goes on.
        limit = next((item.error for item in refusals.values() if item.action is Action.PAUSE), None)
        if limit is None:
            self._lease.portal.accepted()
        else:
            self._lease.portal.refused(limit)
        return BatchAnswer(sections.replies, await self._settle(commands, refusals, access), seconds, limit is not None)

    async def _settle(
        self, commands: Mapping[str, Command], refusals: Mapping[str, Refusal], access: Access
    ) -> dict[str, Refusal]:
        """Do what refusals inside a batch ask for; those that only mean "again" are left out."""
        kept: dict[str, Refusal] = {}
        actions = {item.action for item in refusals.values()}
        renewed = Action.RENEW in actions and await self._credential.renew(access)
        blocked: dict[str, OperatingLimitError] = {}  # by method: however many commands it hits, it is one refusal
        for key, item in refusals.items():
            match item.action:
                case Action.PAUSE | Action.SPLIT:
                    continue
                case Action.RENEW if renewed:
                    continue
                case Action.OPERATING:
                    method = commands[key].method
                    if method not in blocked:
                        self._lease.portal.careful()
                        blocked[method] = self.ledger.refused((method, BATCH))
                    kept[key] = Refusal(blocked[method], item.action)
                case Action.OVERLOAD:
                    raise self._lease.portal.overloaded(item.error)
                case Action.DIRECT:
                    self.not_batchable.add(commands[key].method)
                    kept[key] = item
                case _:
                    kept[key] = item
        return kept

    async def _repeat(self, operation: str, params: Params, *, retries: int) -> tuple[Body, float]:
        """Send until there is a reply, as far as each refusal allows it. Returns it with the seconds that it took."""
        try:
            return await self._repeated(operation, params, retries=retries)
        except PollError:
            self._moves.failed()
            raise

    async def _repeated(self, operation: str, params: Params, *, retries: int) -> tuple[Body, float]:
        failures = 0
        renewed = followed = False
        while True:
            access = await self._credential.access()
            now = self._moves.followed(access)
            portal = self._lease.at(now.place)
            outcome, seconds = await self._send(operation, params, now, portal)
            if isinstance(outcome, Body):
                self._moves.answered(access)
                return outcome, seconds
            if isinstance(outcome, Redirect):
                # The portal's address changed. Following it automatically would make a GET without a body of our POST.
                if followed:
                    raise InvalidResponseError(f"{now.portal} redirects again and again", status=outcome.status)
                followed = True
                self._moves.moved(access, outcome.origin)
                continue
            followed = False
            charge_failure(seconds, self.clock)
            error = outcome.error
            match outcome.action:
                case Action.PAUSE:
                    await portal.bucket.wait_for_pause(self._services.events)
                case Action.RENEW if not renewed and await self._credential.renew(access):
                    renewed = True
                case Action.RETRY | Action.RETRY_ONCE if failures < (
                    retries if outcome.action is Action.RETRY else min(retries, 1)
                ):
                    await self.back_off(failures, error)
                    failures += 1
                case _:
                    raise error
            self._services.events.retry(operation, error.reason.value)

    async def back_off(self, failures: int, error: PollError) -> None:
        """Wait before a repetition, at least what the portal asked for; raises ``error`` when that is too long for a poll."""
        wait = self._retry.pause(failures, error, self._services.random)
        if wait is None:
            raise error
        await wait_within_allowance(wait, error, self.clock)

    async def _send(
        self, operation: str, params: Params, access: Access, portal: Portal
    ) -> tuple[Body | Refusal | Redirect, float]:
        """Make one exchange in the portal's turn, so that the next in line knows what it learnt. Returns the seconds, too."""
        async with portal.slot(self._services.events):
            began = usable_seconds(self.clock)
            outcome = await self._outcome(operation, params, access)
            seconds = usable_seconds(self.clock) - began
            if isinstance(outcome, Refusal):
                self._note(outcome, operation, portal)
            elif operation != BATCH:
                portal.accepted()
            return outcome, seconds

    async def _outcome(self, operation: str, params: Params, access: Access) -> Body | Refusal | Redirect:
        try:
            answer = await self._post(operation, params, access)
        except InvalidResponseError as error:
            return Refusal(error, Action.RETRY_ONCE)
        except (PollTimeoutError, TlsError) as error:
            # Four times in a row a timeout would hide for minutes that the portal hangs.
            return Refusal(error, Action.GIVE_UP)
        except PollError as error:
            return Refusal(error, Action.RETRY)
        if httpx.codes.is_redirect(answer.status):
            return redirected(answer, httpx.URL(access.endpoint.reveal()), operation)
        return self._judge(answer, access, operation)

    def _note(self, refusal: Refusal, operation: str, portal: Portal) -> None:
        """Hold back whom a refusal concerns. Raises the error of one that goes on for so long that the poll ends with it."""
        error = refusal.error
        if error.retry_after or refusal.action in _BUSY or isinstance(error, PollTimeoutError):
            portal.careful()
        match refusal.action:
            case Action.PAUSE:
                portal.refused(error)
            case Action.OVERLOAD:
                raise portal.overloaded(error)
            case _ if error.retry_after:
                portal.bucket.pause(error.retry_after, error)  # whatever the status: it is meant for all
            case _ if error.status is not None or error.code is not None:  # else there was no answer
                portal.accepted()
        if refusal.action is Action.OPERATING:
            raise self.ledger.refused((operation,))

    def _judge(self, answer: Answer, access: Access, operation: str) -> Body | Refusal:
        """JSON with ``error`` goes by its code, then the HTTP status counts, then whether there is a result at all."""
        retry_after = retry_after_seconds(answer, self.clock)
        body = decode.body(answer.body, self.clock.time())
        if body is not None and body.problem is not None:
            error, description = body.problem.error, body.problem.description
            return refusal(access.portal, operation, error, description, status=answer.status, retry_after=retry_after)
        if body is None or answer.status != httpx.codes.OK:
            return refusal_without_json(access.portal, answer.status, retry_after)
        return body

    async def _post(self, operation: str, params: Params, access: Access) -> Answer:
        endpoint = httpx.URL(access.endpoint.reveal())
        body = dict(params)
        if access.token is not None:
            body["auth"] = access.token.reveal()
        request = new_request(
            "POST",
            endpoint.copy_with(path=endpoint.path + operation),
            content=msgspec.json.encode(body),
            headers={"Content-Type": "application/json", "Accept": "application/json"},
        )
        kind = _KINDS.get(operation, answer_kinds.OTHER)
        return await exchange(self._services, operation, request, kind=kind, timeout=self._timeout)
