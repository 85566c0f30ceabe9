"""Batches of method calls: blocks of commands that shrink when the portal chokes on them, with an answer for every command.

A command that the portal did not execute is asked again; one that failed for a reason of the batch is called alone; one
whose method no batch may run is left to the caller (bitrix24.md 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from exporter.errors import ClientError, InvalidResponseError, NetworkError, PollError, PollTimeoutError, ServerError
from exporter.platforms.bitrix24.answers import Reply
from exporter.platforms.bitrix24.api import Api, Command, CommandOutcome
from exporter.platforms.bitrix24.api_errors import BATCH_TOO_LONG, Action, Refusal
from exporter.platforms.bitrix24.blocksize import BlockSize
from exporter.platforms.bitrix24.operating import WHOLE_SHARE
from exporter.platforms.retry import charge_failure

MAX_COMMANDS: Final = 50
MAX_FRUITLESS_ROUNDS: Final = 4


class Batcher:
    """Sends blocks of at most ``max_commands`` commands. It remembers across polls how large a block the portal can stand."""

    def __init__(self, api: Api, max_commands: int, *, share: float = WHOLE_SHARE) -> None:
        self._api = api
        self._block = BlockSize(min(max_commands, MAX_COMMANDS), api.clock)
        self.share = share

    @property
    def max_commands(self) -> int:
        """Return how many commands a block may hold at most."""
        return self._block.limit

    @property
    def size(self) -> int:
        """Return how many commands the next block may hold."""
        return self._block.next()

    async def run(
        self, commands: Mapping[str, Command], outcomes: dict[str, CommandOutcome] | None = None
    ) -> dict[str, CommandOutcome]:
        """Return an outcome for each command; only those that no batch may run are missing.

        Raises :class:`~exporter.errors.PollError` when the portal fails as a whole, or again and again; what came before that
        is in ``outcomes``, where the caller gave them.
        """
        pending = dict(commands)
        outcomes = {} if outcomes is None else outcomes
        fruitless = 0
        while pending := self._batchable(pending):
            block = dict(islice(pending.items(), self.size))
            try:
                answer = await self._api.batch(block, share=self.share)
            except (ServerError, PollTimeoutError, InvalidResponseError, NetworkError) as error:
                # A block that takes the portal too long ends as 504, HTML or a timeout; a smaller one may pass
                # (bitrix24.md 5.4).
                self._block.choked(len(block))
                if isinstance(error, PollTimeoutError):
                    raise  # a call that timed out is not repeated in its poll: the next one asks for less
                fruitless += 1
                await self._back_off(fruitless, error)
                continue
            except ClientError as error:
                if (error.code or "").lower() != BATCH_TOO_LONG or len(block) == 1:
                    raise
                self._block.too_long(len(block))
                continue
            before = len(pending)
            outcomes.update(answer.replies)  # at once: a command that has to be called alone may fail
            for key, command in block.items():
                outcome = await self._outcome(command, answer.replies.get(key), answer.refusals.get(key))
                if outcome is not None:
                    outcomes[key] = outcome
                    del pending[key]
            if len(self._batchable(pending)) < before:
                fruitless = 0
                self._block.passed(len(block), answer.seconds)
                continue
            charge_failure(answer.seconds, self._api.clock)
            if not answer.limited:  # else the portal is paused: the next call waits for that, or ends the poll with it
                fruitless += 1
                error_text = "the portal answers batches without executing their commands"
                await self._back_off(fruitless, InvalidResponseError(error_text))
        return outcomes

    async def _back_off(self, fruitless: int, error: PollError) -> None:
        if fruitless == MAX_FRUITLESS_ROUNDS:
            raise error
        await self._api.back_off(fruitless - 1, error)

    async def _outcome(self, command: Command, reply: Reply | None, refusal: Refusal | None) -> CommandOutcome | None:
        """Return what came of ``command``; ``None`` when it was not executed."""
        if refusal is None:
            return reply
        if refusal.action in (Action.RETRY, Action.RETRY_ONCE):
            # Seen live: a method that fails inside a batch works alone.
            return await self._api.ask(command, share=self.share)
        return None if refusal.action is Action.DIRECT else refusal

    def _batchable(self, commands: Mapping[str, Command]) -> dict[str, Command]:
        refused = self._api.not_batchable
        return {key: command for key, command in commands.items() if command.method not in refused}
