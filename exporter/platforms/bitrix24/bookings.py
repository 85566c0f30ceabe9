"""Collector ``bookings``: one complete read for all windows of the target, counted here (bitrix24.md 2.2 and 4.5).

The portal's ``within`` selects what overlaps a range. We read one range that covers all windows, a second wider on each
side because the bounds are not documented, and decide ourselves what belongs where. A recurring booking is returned with
its first period only, so its later occurrences are not counted.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import partial
from itertools import chain, islice
from typing import Final

import structlog

from exporter.counting import (
    Booking,
    CompleteRead,
    Conflicts,
    PackedRead,
    Rule,
    Table,
    conflict_reach,
    count_windows,
    find_conflicts,
    in_any_window,
    joined,
    next_start,
    reservations,
    resolve_all,
    too_many_bookings,
)
from exporter.errors import InvalidResponseError, PollError
from exporter.limits import RESOURCE_WINDOWS
from exporter.model import BookingsObservation, CollectorName, Window
from exporter.paired_bookings import paired_range
from exporter.platforms.base import PollResult, Services
from exporter.platforms.bitrix24 import booking_pages, intake
from exporter.platforms.bitrix24.api import GET_BOOKING, LIST_BOOKINGS, Api, Command, CommandOutcome
from exporter.platforms.bitrix24.api_errors import BOOKING_NOT_FOUND, METHOD_NOT_FOUND, Refusal
from exporter.platforms.bitrix24.batching import MAX_COMMANDS, Batcher
from exporter.platforms.bitrix24.operating import OPTIONAL_SHARE
from exporter.platforms.bitrix24.paging import NONE_READABLE, Pager, whole_seconds, within
from exporter.platforms.bitrix24.paired import paired_bookings
from exporter.platforms.bitrix24.resources import ResourceNames
from exporter.platforms.bitrix24.settings import BitrixBookings, BitrixTarget
from exporter.platforms.decoding import off_the_loop

log = structlog.get_logger(__name__)

MARGIN_SECONDS: Final = 3600.0
MAX_MARGIN_SECONDS: Final = 31 * 86400.0
MAX_QUESTIONS: Final = 4 * MAX_COMMANDS


class BookingsCollector:
    """Counts, conflicts, resources, discovered and vanished bookings of one target."""

    def __init__(self, api: Api, services: Services, target: BitrixTarget, settings: BitrixBookings) -> None:
        self._api = api
        self._services = services
        self._settings = settings
        self._zone = target.timezone
        self._rule: Rule = settings.count
        self._too_many = partial(too_many_bookings, CollectorName.BOOKINGS, settings.max_bookings)
        self._batcher = Batcher(api, MAX_COMMANDS)
        self._pager = self._new_pager()
        self._names = ResourceNames(api, services)
        self._margins = (MARGIN_SECONDS, MARGIN_SECONDS) if settings.conflicts else (0.0, 0.0)
        self._seen: PackedRead | None = None
        self._largest_id = 0

    async def poll(self) -> PollResult:
        at, now = self._services.clock.steady(), self._services.clock.time()
        windows = resolve_all(self._settings.windows, now, self._zone)
        paired = self._services.paired()  # a reload may change them while this is read
        rows, seen, complete = await self._read(windows, now, has_pairs=bool(paired))
        await self._follow_ids(seen, now)
        failure = await self._refresh_names() or self._api.degraded_reason()
        admission = self._services.admission
        work = partial(self._observation, complete=complete, resources_of_pairs=paired)
        observation = await off_the_loop(admission, len(rows), work, rows, windows, at, now)
        return PollResult(observation, failure)

    async def _read(self, windows: Sequence[Window], now: float, *, has_pairs: bool) -> tuple[Table, CompleteRead, bool]:
        """Return every booking that overlaps the windows, or that pairs ask for, and every partner of one that may conflict.

        And what was covered, and whether no row had to be left out; else the counts are a lower bound.
        """
        first, last = whole_seconds(windows)
        low, high = max(0, first - math.ceil(self._margins[0])), last + math.ceil(self._margins[1])
        if has_pairs:
            start, end = paired_range(now)
            low, high = max(0, min(low, math.floor(start) - 1)), max(high, math.ceil(end) + 1)
        rows, complete = await self._read_range(self._pager, low, high)
        if not rows and not complete:
            raise InvalidResponseError(NONE_READABLE)
        seen = CompleteRead(low, high, "overlap", rows.times())
        if not self._settings.conflicts:
            return rows, seen, complete
        skipped = self._settings.overlapping_resources
        admission = self._services.admission
        reach = await off_the_loop(admission, len(rows), conflict_reach, rows, windows, self._rule, skipped)
        if reach is None:
            return rows, seen, complete
        # Partners lie as far out as the longest booking of the windows. Mostly the margin covers them; when it does not, the
        # rest is read now, and the next poll reads it in one go.
        lowest = max(0, math.floor(reach[0]), first - int(MAX_MARGIN_SECONDS))
        highest = min(math.ceil(reach[1]), last + int(MAX_MARGIN_SECONDS))
        self._margins = (_margin(first - lowest), _margin(highest - last))
        for begin, end in ((lowest, low), (high, highest)):
            if begin < end:
                further, whole = await self._read_range(self._new_pager(), begin, end)
                rows = await off_the_loop(admission, len(rows) + len(further), joined, [rows, further])
                complete = complete and whole
                if sum(reservations(rows)) > self._settings.max_bookings:
                    raise self._too_many()
        return rows, seen, complete

    def _new_pager(self) -> Pager[Booking]:
        return Pager(
            self._api,
            self._batcher,
            LIST_BOOKINGS,
            booking_pages.bookings,
            max_rows=self._settings.max_bookings,
            too_many=self._too_many,
            weigh=reservations,
            join=joined,
        )

    async def _read_range(self, pager: Pager[Booking], low: int, high: int) -> tuple[Table, bool]:
        rows, malformed = await pager.read_all(within(low, high))
        if malformed:
            self._services.events.malformed_rows(CollectorName.BOOKINGS, malformed)
        return Table.of(rows), not malformed

    async def check(self) -> BookingsObservation:
        """Read what a poll reads besides bookings. Raises :class:`~exporter.errors.PollError` where it would fail the poll.

        The observation has the resources that the portal does not list, and no bookings.
        """
        failure = await self._refresh_names()
        if failure is not None:
            raise failure
        return BookingsObservation(self._services.clock.steady(), (), unknown_resources=self._unknown_resources())

    async def _refresh_names(self) -> PollError | None:
        """Read the names of resources where they are shown or checked; returns an error that fails the poll.

        The counts are right without names, and the names we had stay: only ``per_resource`` needs them.
        """
        if self._settings.per_resource or self._named_resources():
            try:
                await self._names.refresh()
            except PollError as error:
                return error if self._settings.per_resource else None
        return None

    def _observation(
        self,
        rows: Table,
        windows: Sequence[Window],
        at: float,
        now: float,
        *,
        complete: bool,
        resources_of_pairs: Mapping[str, frozenset[str]],
    ) -> BookingsObservation:
        resources, dropped = self._resources(rows, windows)
        accepted = self._services.policy().at(now).bookings.keys()
        found = self._conflicts(rows, windows, now, accepted)
        return BookingsObservation(
            at=at,
            windows=count_windows(
                rows,
                windows,
                self._rule,
                conflicting=found.ids if found else None,
                accepted=found.accepted if found else (),
                resources=resources,
                complete=complete,
            ),
            next_booking=next_start(rows, now, max(window.end for window in windows)),
            measures_next=any(window.end > now for window in windows),
            conflicts=found.first if found else (),
            resource_names={resource: name for resource in resources or () if (name := self._names.names.get(resource))},
            dropped_resources=dropped,
            next_conflict=found.next if found else None,
            unknown_resources=self._unknown_resources(),
            unknown_accepted=tuple(sorted(set(accepted).difference(rows.ids))) if complete and found else (),
            paired=paired_bookings(resources_of_pairs, rows, now, complete=complete),
        )

    def _unknown_resources(self) -> tuple[str, ...]:
        """Return the resources that the configuration names and the portal does not list."""
        gone = self._named_resources() - self._names.names.keys() if self._names.complete else ()
        # Of what is no number the configuration alone tells.
        return tuple(sorted(resource for resource in gone if resource.isdigit()))

    def _named_resources(self) -> AbstractSet[str]:
        paired = frozenset[str]().union(*self._services.paired().values())
        return self._settings.overlapping_resources | self._services.policy().resource_aliases.keys() | paired

    def _conflicts(self, rows: Table, windows: Sequence[Window], now: float, accepted: Collection[str]) -> Conflicts | None:
        if not self._settings.conflicts:
            return None
        skipped = self._settings.overlapping_resources
        return find_conflicts(rows, windows, self._rule, now=now, overlapping_resources=skipped, accepted=accepted)

    def _resources(self, rows: Table, windows: Sequence[Window]) -> tuple[tuple[str, ...] | None, int]:
        """Return the resources that get a number, and how many the cap leaves out: those without bookings go first."""
        if not self._settings.per_resource:
            return None, 0
        busy = set(chain.from_iterable(set(in_any_window(rows, windows, self._rule).resources)))
        everything = sorted(busy | self._names.names.keys(), key=lambda resource: (resource not in busy, int(resource)))
        kept = everything[: min(self._settings.max_resources, RESOURCE_WINDOWS.number // len(windows))]
        return tuple(sorted(kept, key=int)), len(everything) - len(kept)

    async def _follow_ids(self, seen: CompleteRead, now: float) -> None:
        """Count what came and what went since the last complete read; nothing on the first."""
        rows = len(seen.bookings)
        before, largest = self._seen, self._largest_id
        found = await off_the_loop(self._services.admission, rows, intake.compare, before, seen, largest, now)
        gone, unanswered = await self._ask(found.gone)
        packed = await off_the_loop(self._services.admission, rows, intake.remember, seen, unanswered)
        # Nothing waits from here on: a poll that is cancelled has counted all of it or nothing.
        if found.new:
            self._services.events.bookings_discovered(found.new)
        if gone:
            self._services.events.bookings_vanished(gone)
        self._seen = packed
        self._largest_id = found.largest_id

    async def _ask(self, bookings: Sequence[Booking]) -> tuple[int, list[Booking]]:
        """Return how many of ``bookings`` the portal no longer has, and those that it did not answer for.

        What only moved out of the range is neither. The question is a courtesy: it never fails the poll.
        """
        gone = 0
        unanswered = {f"g{booking.id}": booking for booking in bookings}
        commands = {
            key: Command(GET_BOOKING, {"id": int(booking.id)}) for key, booking in islice(unanswered.items(), MAX_QUESTIONS)
        }
        if not commands or not self._api.ledger.allows(GET_BOOKING, OPTIONAL_SHARE):
            return 0, list(unanswered.values())
        outcomes: dict[str, CommandOutcome] = {}
        try:
            await self._batcher.run(commands, outcomes)
        except PollError as error:
            log.info("vanished_bookings_unknown", bookings=len(commands) - len(outcomes), reason=error.reason.value)
        for key, outcome in outcomes.items():
            if not isinstance(outcome, Refusal):
                del unanswered[key]
            # A portal that cannot be asked has only its list to tell, and that no longer has the booking.
            elif (outcome.error.code or "").lower() in (BOOKING_NOT_FOUND, METHOD_NOT_FOUND):
                del unanswered[key]
                gone += 1
        return gone, list(unanswered.values())


def _margin(overhang: float) -> float:
    """Return the margin for the next read: whole hours, so that it does not change with every poll."""
    return max(MARGIN_SECONDS, math.ceil(overhang / 3600) * 3600.0)
