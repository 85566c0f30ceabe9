"""Many method calls in few requests: blocks of commands that shrink when the portal chokes, and every command answered.

A command that the portal did not execute is asked again; one that failed for a reason of the batch is called alone; one
whose method no batch may run is left to the caller (bitrix24.md 5).
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import islice
from typing import Final

from exporter.errors import ClientError, InvalidResponseError, NetworkError, PollTimeoutError, ServerError
from exporter.platforms.bitrix24.answers import Reply
from exporter.platforms.bitrix24.api import Api, Command, Outcome
from exporter.platforms.bitrix24.api_errors import BATCH_TOO_LONG, Action, Refusal
from exporter.platforms.bitrix24.operating import WHOLE_SHARE

MAX_COMMANDS: Final = 50
FRUITLESS_ROUNDS: Final = 4


class Batcher:
    """Sends blocks of at most ``max_commands`` commands. It remembers across polls how large a block the portal can stand."""

    def __init__(self, api: Api, max_commands: int, *, share: float = WHOLE_SHARE) -> None:
        self._api = api
        self.max_commands = min(max_commands, MAX_COMMANDS)
        self._size = self.max_commands
        self.share = share

    @property
    def size(self) -> int:
        """Return how many commands the next block may hold."""
        return self._size

    async def run(self, commands: Mapping[str, Command]) -> dict[str, Outcome]:
        """Return an outcome for each command; only those that no batch may run are missing.

        Raises :class:`~exporter.errors.PollError` when the portal fails as a whole, or again and again.
        """
        pending = dict(commands)
        outcomes: dict[str, Outcome] = {}
        fruitless = 0
        while pending := self._batchable(pending):
            block = dict(islice(pending.items(), self._size))
            try:
                answer = await self._api.batch(block, share=self.share)
            except (ServerError, PollTimeoutError, InvalidResponseError, NetworkError) as error:
                # A block that takes the portal too long ends as 504, HTML or a timeout; a smaller one may pass (5.4).
                self._size = max(1, self._size // 2)
                fruitless += 1
                if fruitless == FRUITLESS_ROUNDS or isinstance(error, PollTimeoutError):
                    raise  # a call that timed out is not repeated in its poll: the next one asks for less
                await self._api.back_off(fruitless - 1, error)
                continue
            except ClientError as error:
                if (error.code or "").lower() != BATCH_TOO_LONG or len(block) == 1:
                    raise
                self.max_commands = len(block) - 1  # a number that does not change with the load, so it is not tried again
                self._size = max(1, len(block) // 2)
                continue
            before = len(pending)
            for key, command in block.items():
                outcome = await self._outcome(command, answer.replies.get(key), answer.refusals.get(key))
                if outcome is not None:
                    outcomes[key] = outcome
                    del pending[key]
            if len(self._batchable(pending)) < before:
                fruitless = 0
                self._size = min(self.max_commands, self._size + max(1, self._size // 4))
            else:
                fruitless += 1
                error_text = "the portal answers batches without executing their commands"
                if fruitless == FRUITLESS_ROUNDS:
                    raise InvalidResponseError(error_text)
                await self._api.back_off(fruitless - 1, InvalidResponseError(error_text))
        return outcomes

    async def _outcome(self, command: Command, reply: Reply | None, refusal: Refusal | None) -> Outcome | None:
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
