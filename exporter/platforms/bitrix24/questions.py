"""Asks the portal one by one about many bookings, in batches, as fast as it and its operating time allow (bitrix24.md 5)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial

from exporter.errors import PollError
from exporter.platforms.bitrix24.api import Api, Command, CommandOutcome
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.concurrent_calls import Call, call_concurrently
from exporter.platforms.bitrix24.operating import BATCH, OPTIONAL_SHARE

Keep = Callable[[Mapping[str, CommandOutcome]], None]


class Questions:
    """Questions about single bookings, each a command of each of ``methods``. ``batcher`` knows how large a block may be."""

    def __init__(self, api: Api, batcher: Batcher, methods: Sequence[str]) -> None:
        self._api = api
        self._batcher = batcher
        self._methods = methods

    @property
    def per_call(self) -> int:
        """About how many bookings one call may ask, as far as it was configured."""
        return self._bookings_in(self._batcher.max_commands)

    async def ask(
        self, ids: Sequence[str], commands: Callable[[str], Mapping[str, Command]], keep: Keep, *, only_if_spare: bool = False
    ) -> None:
        """Ask about ``ids``: ``commands`` are those of one of them, by keys of their own, and ``keep`` gets what came of them.

        With ``only_if_spare`` it makes one call at a time and ends as soon as no operating time is to spare. What came before
        the portal refused is kept as well. Raises what ``keep`` raises, and :class:`~exporter.errors.PollError`.
        """
        position = 0

        def next_call() -> Call | None:
            nonlocal position
            if position >= len(ids) or (only_if_spare and not self._spare()):
                return None
            # Blocks are made when their turn is near, so that each is as large as the portal takes by now.
            block = ids[position : position + self._bookings_in(self._batcher.size)]
            position += len(block)
            return partial(ask, block)

        async def ask(block: Sequence[str]) -> None:
            asked = {key: command for booking_id in block for key, command in commands(booking_id).items()}
            outcomes: dict[str, CommandOutcome] = {}
            try:
                await self._batcher.run(asked, outcomes)
            except PollError:
                keep(outcomes)  # what a batch brought before another failed
                raise
            keep(outcomes)
            for key in asked.keys() - outcomes.keys():  # no batch may run this method
                keep({key: await self._api.ask(asked[key], share=self._batcher.share)})

        await call_concurrently(next_call, self._alone if only_if_spare else self._may_begin)

    def _bookings_in(self, commands: int) -> int:
        direct = any(method in self._api.not_batchable for method in self._methods)
        return 1 if direct else max(1, commands // len(self._methods))

    def _spare(self) -> bool:
        """Tell whether there is operating time for what is known already: the second half is for new bookings alone."""
        return all(self._api.ledger.allows(operation, OPTIONAL_SHARE) for operation in (*self._methods, BATCH))

    def _may_begin(self, underway: int) -> bool:
        """Tell whether one more call may be made beside those underway: not near the end of what may be spent."""
        room = all(self._api.ledger.leaves_room(operation, self._batcher.share) for operation in (*self._methods, BATCH))
        return room and underway < self._api.calls_at_once()

    @staticmethod
    def _alone(underway: int) -> bool:
        """Make one call at a time: nobody waits for what is known already, and the next one should know what is spent."""
        return not underway
