"""Operating time: seconds of the portal's work that Bitrix24 sums per credential and method over ten minutes (bitrix24.md 6.2).

Every answer tells the sum and when it begins to fall. A method that is over the limit is refused until then; we stop before,
at the configured budget: optional work at half of it, links at four fifths, everything at the whole.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final

import structlog

from exporter.clock import Clock
from exporter.errors import OperatingLimitError
from exporter.model import Budget, OperatingTime

log = structlog.get_logger(__name__)

BATCH: Final = "batch"

OPTIONAL_SHARE: Final = 0.5
LINKS_SHARE: Final = 0.8
WHOLE_SHARE: Final = 1.0

SUMMED_OVER_SECONDS: Final = 600.0
CALL_SECONDS: Final = 60.0
"""No call takes longer: the portal ends it."""
INITIAL_PAUSE_SECONDS: Final = 60.0
PAUSE_SECONDS: Final = 300.0  # the ban of the newest source, when no answer named a reset
LONG_PAUSE_SECONDS: Final = 600.0


@dataclass(slots=True)
class _Account:
    """Moments are monotonic. ``reset`` is when the sum begins to fall, if an answer told.

    ``dearest`` is the most by which one call raised the sum, as far as the answers tell, ``None`` before two of them;
    ``underway`` are the calls whose answers are still to tell what they cost.

    ``held_at`` is how many seconds were too many when the log said that the method rests, ``None`` while it goes on.
    """

    seconds: float = 0.0
    reported_at: float = float("-inf")
    reset: float | None = None
    paused_until: float = float("-inf")
    was_refused: bool = False
    dearest: float | None = None
    dearest_at: float = 0.0
    underway: int = 0
    held_at: float | None = None
    held_since: float = 0.0

    def weigh(self, seconds: float | None, now: float, beside: int) -> None:
        """Note by how much a call raised the sum to ``seconds``; nothing where none is told, so that costs nothing.

        Of what the sum rose while others were ``beside`` it, each has its share: answers overtake one another, and the sum of
        the first to come is what all of them spent.
        """
        if seconds is None:
            rise = 0.0
        elif now < self.reported_at + CALL_SECONDS:
            rise = max(0.0, seconds - self.seconds) / (1 + beside)
        else:
            return  # others may have spent it since
        old = now >= self.dearest_at + SUMMED_OVER_SECONDS and not beside  # a share may be less than what a call costs
        if self.dearest is None or rise >= self.dearest or old:
            self.dearest, self.dearest_at = rise, now


class OperatingLedger:
    """What one credential has spent, per operation.

    ``owner`` is whose it is, for the log: a line when a method begins to rest and one when it goes on.
    """

    def __init__(self, owner: str, budget_seconds: float, clock: Clock) -> None:
        self._owner = owner
        self._budget = budget_seconds
        self._clock = clock
        self._accounts: dict[str, _Account] = {}

    def observe(self, operation: str, seconds: float | None, reset_in: float | None, *, same_answer: bool = False) -> None:
        """Note what an answer told: the sum, and in how many seconds it falls. ``None`` where it told nothing.

        ``same_answer`` says that it told the sum before this one, too, so that a single call lies between them.
        """
        account = self._account(operation)
        now = self._clock.monotonic()
        if account.paused_until <= now:  # else it was on its way when the portal refused another
            account.was_refused = False
            self._go_on(operation, account, seconds or 0.0)
        account.weigh(seconds, now, 0 if same_answer else account.underway)
        if seconds is None:
            return
        account.seconds, account.reported_at = seconds, now
        account.reset = None if reset_in is None else now + reset_in

    @contextlib.contextmanager
    def underway(self, calls: Mapping[str, int]) -> Iterator[None]:
        """Expect the cost of so many calls of each operation while the block lasts."""
        for operation, times in calls.items():
            self._account(operation).underway += times
        try:
            yield
        finally:
            for operation, times in calls.items():
                self._account(operation).underway -= times

    def leaves_room(self, operation: str, share: float) -> bool:
        """Tell whether what is underway will leave something of ``share``, should each call be as dear as the dearest was.

        Not while it is unknown what a call costs.
        """
        account = self._account(operation)
        if account.dearest is None:
            return False
        spent = self._spent(account, self._clock.monotonic())
        return spent + account.underway * account.dearest < share * self._budget

    def refused(self, operations: Iterable[str]) -> OperatingLimitError:
        """Pause ``operations`` until the reset that their last good answer named. Returns the error to end the poll with.

        Nobody waits less than a minute; without a known reset it is five minutes, then ten.
        """
        now = self._clock.monotonic()
        longest = 0.0
        names = tuple(operations)
        for name in names:
            account = self._account(name)
            if account.paused_until > now:  # this one was on its way when the pause began
                longest = max(longest, account.paused_until - now)
                continue
            if account.reset is not None and account.reset > now:
                wait = max(account.reset - now, INITIAL_PAUSE_SECONDS)
            else:
                wait = LONG_PAUSE_SECONDS if account.was_refused else PAUSE_SECONDS
            account.was_refused = True
            account.paused_until = max(account.paused_until, now + wait)
            self._hold(name, account, self._error(name, account.paused_until - now), math.inf)
            longest = max(longest, account.paused_until - now)
        return self._error(names[0], longest)

    def check(self, operation: str, share: float = WHOLE_SHARE) -> None:
        """Raise :class:`OperatingLimitError` while ``operation`` is paused or has spent ``share`` of the budget."""
        if (error := self._refusal(operation, share)) is not None:
            self._hold(operation, self._account(operation), error, share * self._budget)
            raise error

    def allows(self, operation: str, share: float) -> bool:
        """Tell whether ``operation`` may run as far as ``share`` of the budget goes."""
        return self._refusal(operation, share) is None

    def usage(self) -> tuple[Budget, tuple[OperatingTime, ...]]:
        """Return the budget, and each operation that the portal has told a sum for; resets on our own wall clock."""
        now, stepped = self._clock.monotonic(), self._clock.stepped()
        told = {name: account for name, account in self._accounts.items() if account.reported_at > float("-inf")}
        spent = max((self._spent(account, now) for account in told.values()), default=0.0)
        return Budget("operating", self._budget, max(0.0, self._budget - spent)), tuple(
            OperatingTime(
                name,
                account.seconds if now < account.reported_at + SUMMED_OVER_SECONDS else 0.0,
                None if account.reset is None else self._clock.steady_at(account.reset) + stepped,
            )
            for name, account in sorted(told.items())
        )

    def _refusal(self, operation: str, share: float) -> OperatingLimitError | None:
        now = self._clock.monotonic()
        account = self._account(operation)
        if account.paused_until > now:
            return self._error(operation, account.paused_until - now)
        if self._spent(account, now) >= share * self._budget:
            return self._error(operation, self._end(account) - now, ours=True)
        return None

    def _hold(self, operation: str, account: _Account, error: OperatingLimitError, seconds: float) -> None:
        if account.held_at is None:
            account.held_at, account.held_since = seconds, self._clock.monotonic()
            log.warning("method_paused", of=self._owner, operation=operation, **error.facts())

    def _go_on(self, operation: str, account: _Account, seconds: float) -> None:
        """Say that a method goes on, once an answer tells of fewer seconds than were too many."""
        if account.held_at is not None and seconds < account.held_at:
            rested = self._clock.monotonic() - account.held_since
            log.info("method_goes_on", of=self._owner, operation=operation, seconds=round(rested, 1))
            account.held_at = None

    def _account(self, operation: str) -> _Account:
        return self._accounts.setdefault(operation, _Account())

    def _spent(self, account: _Account, now: float) -> float:
        # At the reset the sum falls by an amount that only the next answer tells, so the next call may go.
        return account.seconds if now < self._end(account) else 0.0

    @staticmethod
    def _end(account: _Account) -> float:
        return account.reported_at + SUMMED_OVER_SECONDS if account.reset is None else account.reset

    def _error(self, operation: str, wait: float, *, ours: bool = False) -> OperatingLimitError:
        whose = "our budget for" if ours else "what Bitrix24 allows for"
        return OperatingLimitError(
            f"the operating time of {operation} is used up ({whose} ten minutes); next try in {wait:.0f} s",
            code=None if ours else "OPERATION_TIME_LIMIT",
            retry_after=wait,
        )
