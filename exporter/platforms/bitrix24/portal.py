"""Rate limits of one portal: the bucket, slots and pauses that all collectors asking it share (bitrix24.md 6.1, 6.3).

Bitrix24 counts requests per portal and source address, whoever sends them. So the limiter belongs to the portal and the
place where it is asked, not to a target. Four calls may be underway at once, but one until the portal has answered, and for
ten minutes after it refused: so a bucket that is kept full costs one refused call per back-off step. A call that hangs holds
the others up for a few seconds only.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from random import Random
from typing import Final

from exporter.clock import Clock
from exporter.errors import PollError
from exporter.platforms.base import Events, Services
from exporter.platforms.bitrix24.concurrent_calls import announce_slot
from exporter.platforms.bitrix24.credential import PortalAddress
from exporter.platforms.bitrix24.settings import Budget
from exporter.platforms.limiter import LeakyBucket
from exporter.support.backoff import exponential

# At least a second after a refusal, even with the most favourable jitter (bitrix24.md 6.1).
INITIAL_PAUSE_SECONDS: Final = 2.0
MAX_PAUSE_SECONDS: Final = 60.0
OVERLOAD_SECONDS: Final = 15 * 60.0
MAX_SLOT_SECONDS: Final = 5.0
MAX_AT_ONCE: Final = 4
CAREFUL_SECONDS: Final = 10 * 60.0
"""How long after a refusal one call at a time is made."""


class Portal:
    """One portal's limits. Lives as long as a session that joined it."""

    def __init__(self, place: PortalAddress, clock: Clock, random: Random, events: Events, budget: Budget) -> None:
        self.place = place
        self.members: dict[object, Budget] = {}
        self.bucket = LeakyBucket(place.portal, budget.requests_per_second, budget.burst, clock=clock, events=events)
        self._clock = clock
        self._random = random
        self._queue = asyncio.Lock()
        self._underway: list[object] = []  # oldest first, without those that hang
        self._answered = asyncio.Event()
        self._refusals = 0
        self._known = False
        self._careful_until = float("-inf")

    def adjust(self) -> None:
        """Take the most modest budget of the targets that share the portal."""
        self.bucket.rate = min(budget.requests_per_second for budget in self.members.values())
        self.bucket.burst = min(budget.burst for budget in self.members.values())

    def calls_at_once(self) -> int:
        """Return how many calls may be underway at once."""
        return 1 if self._is_careful() or not self._known else MAX_AT_ONCE

    def careful(self) -> None:
        """Make one call at a time for ten minutes: the portal refused one, or one came to nothing."""
        self._careful_until = self._clock.monotonic() + CAREFUL_SECONDS

    @contextlib.asynccontextmanager
    async def slot(self, events: Events) -> AsyncIterator[None]:
        """Wait, first come first served, for the portal to take one more request.

        Raises the error of the refusal when a pause lasts longer than the poll may wait; while the portal is blocked by hand
        that is an :class:`~exporter.errors.OverloadError`.
        """
        while True:
            await self.bucket.wait_for_pause(events)  # before the queue: who waits in it waits for our own pace only
            async with self._queue:
                await self._fewer_underway()
                if await self.bucket.acquire(events):
                    call = object()
                    self._underway.append(call)
                    break
        announce_slot()
        try:
            yield
        finally:
            if call in self._underway:
                self._underway.remove(call)
            self._answered.set()

    async def _fewer_underway(self) -> None:
        """Wait until fewer calls are underway than may be, so that the next one knows what they brought.

        A call that hangs is no reason for others to fail: it is waited for no longer than some seconds, and by one of them.
        """
        try:
            async with self._clock.timeout(MAX_SLOT_SECONDS):
                while len(self._underway) >= self.calls_at_once():
                    self._answered.clear()
                    await self._answered.wait()
        except TimeoutError:
            del self._underway[:1]

    def refused(self, refusal: PollError) -> None:
        """Note a refusal for too many requests: everybody waits, longer with each refusal in a row."""
        self.careful()
        wait = refusal.retry_after or 0.0
        if self.bucket.paused_for() <= 0:  # what was on its way when the pause began is no further refusal
            ours = exponential(
                self._refusals, initial_seconds=INITIAL_PAUSE_SECONDS, max_seconds=MAX_PAUSE_SECONDS, random=self._random
            )
            wait = max(wait, ours)
            self._refusals += 1
        self.bucket.pause(wait, refusal)

    def accepted(self) -> None:
        """Note an answer that was not a refusal."""
        if self.bucket.paused_for() <= 0:  # what was on its way when the pause began does not say that it may end
            self._refusals = 0
            self._known = True
            self.bucket.answered()

    def overloaded(self, refusal: PollError) -> PollError:
        """Note that support has blocked the portal: nobody asks for 15 minutes. Returns the error to end the poll with."""
        self.careful()
        self.bucket.pause(OVERLOAD_SECONDS, refusal)
        return refusal.again(self.bucket.paused_for())

    def is_as_new(self) -> bool:
        """Return whether nothing would be lost if the portal, which everybody has left, were forgotten."""
        return self.bucket.remaining() >= self.bucket.burst and not self._is_careful()

    def _is_careful(self) -> bool:
        return self._clock.monotonic() < self._careful_until


class PortalRegistry:
    """The portals that this process asks, by place: what is limited is exactly what leaves through its one pool.

    A portal that everybody left is kept until its pause is over and its bucket empty, and for ten minutes after a refusal:
    who comes back finds all that.
    """

    def __init__(self) -> None:
        self._portals: dict[PortalAddress, Portal] = {}
        self._left: set[PortalAddress] = set()

    def lease(self, services: Services, budget: Budget, place: PortalAddress) -> PortalLease:
        """Return a session's place at the portal."""
        return PortalLease(self, services, budget, place)

    def join(self, member: object, services: Services, budget: Budget, place: PortalAddress) -> Portal:
        """Make ``member`` one of those who share the portal."""
        self._forget()
        portal = self._portals.get(place)
        if portal is None:
            portal = self._portals[place] = Portal(place, services.clock, services.random, services.events, budget)
        self._left.discard(place)
        portal.members[member] = budget
        portal.adjust()
        return portal

    def release(self, member: object, portal: Portal) -> None:
        """Let ``member`` go."""
        portal.members.pop(member, None)
        if portal.members:
            portal.adjust()
        elif self._portals.get(portal.place) is portal:
            self._left.add(portal.place)
            self._forget()

    def _forget(self) -> None:
        for place in [place for place in self._left if self._portals[place].is_as_new()]:
            self._left.discard(place)
            del self._portals[place]


class PortalLease:
    """A session's place at a portal, which a token file may name later, and a redirect may move."""

    def __init__(self, registry: PortalRegistry, services: Services, budget: Budget, place: PortalAddress) -> None:
        self._registry = registry
        self._services = services
        self._budget = budget
        self.portal = registry.join(self, services, budget, place)

    def at(self, place: PortalAddress) -> Portal:
        """Return the portal at ``place``, after moving there if this session was elsewhere."""
        if place != self.portal.place:
            self.release()
            self.portal = self._registry.join(self, self._services, self._budget, place)
        return self.portal

    def release(self) -> None:
        """Give up the place."""
        self._registry.release(self, self.portal)
