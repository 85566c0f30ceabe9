"""Collector ``links``: which bookings of a window are tied to the CRM, and which to a calendar (bitrix24.md 3 and 5).

Only an item of the module ``crm`` makes a booking linked: the portal keeps its copy in the staff's calendar and the booked
service in the same list, and a customer whom sales does not see has those, too.

One question per booking, in batches. Answers are kept: a booking that is new to the window is asked at once, known ones in
rotation, oldest answer first, so that a steady portal costs the configured number of batches per poll. An answer counts for
``max_age``; then its booking is unverified until it has been asked about again. What is published always covers every booking
of the window; a poll that cannot get there keeps what it learnt and fails.
"""

from __future__ import annotations

import heapq
from array import array
from collections import Counter
from collections.abc import Container, Mapping, Sequence
from typing import Final

from exporter.booking_links import LinkAnswers, LinksObservation, UnlinkedBooking, WindowLinks
from exporter.counting import Booking, Rule, in_any_window, is_in_window, joined, reservations, resolve_all, too_many_bookings
from exporter.errors import InvalidResponseError, PollError
from exporter.model import CollectorName, Value, Window
from exporter.platforms.base import PollResult, Services
from exporter.platforms.bitrix24 import answers as decode
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.answers import CALENDAR, Link, Reply
from exporter.platforms.bitrix24.api import LIST_BOOKINGS, LIST_LINKS, Api, Command, CommandOutcome
from exporter.platforms.bitrix24.api_errors import BOOKING_NOT_FOUND
from exporter.platforms.bitrix24.batching import MAX_COMMANDS, Batcher
from exporter.platforms.bitrix24.copies import CopiedBooking, CopyComparison
from exporter.platforms.bitrix24.operating import LINKS_SHARE
from exporter.platforms.bitrix24.paging import NONE_READABLE, Pager, whole_seconds, within
from exporter.platforms.bitrix24.questions import Questions
from exporter.platforms.bitrix24.settings import BitrixBookingsOptions, BitrixLinks, BitrixTarget
from exporter.platforms.decoding import off_the_loop

CRM: Final = "crm"
OTHER: Final = "other"
_WEEK: Final = 7 * 86_400
LISTED_UNLINKED: Final = 5
"""As many bookings are named as a person links at once; the board and the portal have the rest."""

# Labels are bounded: the entity types that occur, by module, and the CRM's further ones (bitrix24.md 3 and 13).
ENTITY_TYPES: Final[Mapping[str, frozenset[str]]] = {
    CRM: frozenset({"deal", "lead", "contact", "company", "quote", "order", "invoice", "smart_invoice"}),
    CALENDAR: frozenset({"event"}),
    "catalog": frozenset({"sku"}),
}
# The kinds that a portal writes by itself: their numbers are there at 0, so that one which breaks falls and does not vanish.
EVENT: Final = Link(CALENDAR, "event")
EXPECTED: Final = (Link(CRM, "deal"), EVENT, Link("catalog", "sku"))
_KINDS: Final = tuple(
    Link(module, entity) for module, entities in {**ENTITY_TYPES, OTHER: ()}.items() for entity in (*sorted(entities), OTHER)
)
# How many links of each of _KINDS a booking has, two bytes each: a portal may tie all kinds to each of 200,000 bookings, and
# as objects that would be 3 KB a booking from poll to poll.
_Kinds = bytes


class _Answer(Value, frozen=True, gc=False):
    """What a booking is tied to, ``None`` when no answer about it could ever be read.

    ``asked_at`` is when the poll began that learnt it, on the clock that nobody sets. ``event`` is the id of the booking's copy
    in the staff's calendar, ``None`` where it has none, 0 where it is not known which event that is.
    """

    asked_at: float
    kinds: _Kinds | None
    event: int | None = None


class LinksCollector:
    """Link coverage of one target.

    ``counting`` is how its bookings are counted and how many are read, so that linked and unlinked add up to them.
    """

    def __init__(
        self, api: Api, services: Services, target: BitrixTarget, settings: BitrixLinks, counting: BitrixBookingsOptions
    ) -> None:
        self._api = api
        self._services = services
        self._settings = settings
        self._zone = target.timezone
        self._rule: Rule = counting.count
        self._pager = Pager(
            api,
            Batcher(api, MAX_COMMANDS, share=LINKS_SHARE),
            LIST_BOOKINGS,
            booking_pages.bookings,
            max_rows=counting.max_bookings,
            too_many=lambda: too_many_bookings(CollectorName.LINKS, counting.max_bookings),
            weigh=reservations,
            join=joined,
        )
        self._questions = Questions(api, Batcher(api, settings.batch_size, share=LINKS_SHARE), (LIST_LINKS,))
        self._copies = CopyComparison(api, services, target.name, settings) if settings.calendar else None
        self._answers: dict[str, _Answer] = {}  # by booking id, oldest answer first

    async def poll(self) -> PollResult:
        at, now = self._services.clock.steady(), self._services.clock.time()
        windows = resolve_all(self._settings.windows, now, self._zone)
        read, complete = await self._read(windows)
        rows, self._answers, new, due = await off_the_loop(self._services.admission, len(read), self._chosen, read, windows)
        gone: set[str] = set()
        odd = await self._ask(new, at, gone)
        odd = await self._ask(due, at, gone, only_if_spare=True) or odd
        if odd is not None and all(answer.kinds is None for answer in self._answers.values()):
            raise odd
        failure = await self._compare([booking for booking in rows if booking.id not in gone], at, gone)
        present = [booking for booking in rows if booking.id not in gone]

        def observe() -> LinksObservation:
            rows = tuple(self._window(window, present, at, complete) for window in windows)
            copies = None if self._copies is None else self._copies.observed(windows, self._rule, at, now)
            return LinksObservation(at, rows, self._unlinked(present, at, now), copies)

        seen = await off_the_loop(self._services.admission, len(present), observe)
        if self._copies is not None:
            self._copies.rest()
        return PollResult(seen, self._api.degraded_reason() or failure)

    async def check(self) -> Sequence[LinksObservation]:
        """Ask about one booking, as a poll does; that there is none of this id is as good an answer.

        Where copies are compared it asks about the bookings of a page of the next week, and about one copy if they have any.
        Returns what that showed. Raises :class:`~exporter.errors.PollError`.
        """
        at, now = self._services.clock.steady(), int(self._services.clock.time())
        ids = ["1"]
        if self._copies is not None:
            command = Command(LIST_BOOKINGS, {**within(now, now + _WEEK), "order": {"id": "ASC"}, "start": 0})
            ids = [row.id for row in booking_pages.bookings(await self._api.call(command)).rows] or ids
        odd = await self._ask(ids[: self._questions.per_call], at, set())
        if odd is not None:
            raise odd
        event = next((answer.event for answer in self._answers.values() if answer.event), None)
        if self._copies is None or event is None:
            return ()
        return (LinksObservation(at, (), copies=await self._copies.check(event)),)

    async def _read(self, windows: Sequence[Window]) -> tuple[Sequence[Booking], bool]:
        """Return all bookings near the windows, and whether no row had to be left out: else coverage is a lower bound."""
        low, high = whole_seconds(windows)
        rows, malformed = await self._pager.read_all(within(low, high))
        if malformed:
            self._services.events.malformed_rows(CollectorName.LINKS, malformed)
            if not rows:
                raise InvalidResponseError(NONE_READABLE)
        return rows, not malformed

    def _chosen(
        self, read: Sequence[Booking], windows: Sequence[Window]
    ) -> tuple[list[Booking], dict[str, _Answer], list[str], list[str]]:
        """Return which bookings lie in the windows, the answers that are known of them, and the ids to ask about.

        These are the ones without an answer, soonest first, and the known ones whose turn it is.
        """
        rows = list(in_any_window(read, windows, self._rule))
        wanted = {booking.id for booking in rows}
        answers = {booking_id: answer for booking_id, answer in self._answers.items() if booking_id in wanted}
        new = [booking.id for booking in sorted(rows, key=lambda row: row.start) if booking.id not in answers]
        room = max(0, self._settings.verify_calls * self._questions.per_call - len(new))
        return rows, answers, new, list(answers)[:room]

    async def _ask(self, ids: Sequence[str], at: float, gone: set[str], *, only_if_spare: bool = False) -> PollError | None:
        """Ask about ``ids`` and keep each answer; those that the portal no longer has are added to ``gone``.

        With ``only_if_spare`` it makes one call at a time and ends as soon as no operating time is to spare. Returns the error
        of an answer that cannot be read, after all have been asked for. Raises :class:`~exporter.errors.PollError` when the
        portal refuses.
        """
        odd: PollError | None = None

        def keep(outcomes: Mapping[str, CommandOutcome]) -> None:
            nonlocal odd
            odd = self._keep(outcomes, at, gone) or odd

        await self._questions.ask(ids, _question, keep, only_if_spare=only_if_spare)
        return odd

    async def _compare(self, present: Sequence[Booking], at: float, gone: set[str]) -> PollError | None:
        """Compare bookings with their copies. Returns why that failed; the links are known all the same."""
        if self._copies is None:
            return None
        rows, admission = len(present), self._services.admission
        self._copies.now_of(await off_the_loop(admission, rows, self._copied, present, at))
        try:
            await self._copies.ask(at)
        except PollError as error:
            return self._copies.failed(error)
        if not (suspects := await off_the_loop(admission, rows, self._copies.suspects)):
            return None
        try:
            await self._ask(suspects, at, gone)  # a booking that changed may have another copy by now
        except PollError as error:
            return error
        self._copies.now_of(await off_the_loop(admission, rows, self._copied, present, at))
        try:
            await self._copies.confirm(suspects, at)
        except PollError as error:
            return self._copies.failed(error)
        return None

    def _copied(self, present: Sequence[Booking], at: float) -> dict[str, CopiedBooking]:
        """Return the bookings of which is known that they have a copy, by id."""
        found: dict[str, CopiedBooking] = {}
        for booking in present:
            answer = self._answers.get(booking.id)  # one that is gone by now has none
            if answer is not None and answer.event is not None and at - answer.asked_at <= self._settings.max_age_seconds:
                found[booking.id] = CopiedBooking(booking, answer.event, at - answer.asked_at)
        return found

    def _keep(self, outcomes: Mapping[str, CommandOutcome], at: float, gone: set[str]) -> PollError | None:
        """Keep every answer; returns the error of one that cannot be read. Raises what the portal refuses, after the others."""
        failed = odd = None
        for key, outcome in outcomes.items():
            booking_id = key[1:]
            if isinstance(outcome, Reply):
                before = self._answers.pop(booking_id, None)  # its turn is over, whatever the answer
                try:
                    links = decode.links(outcome)
                    self._answers[booking_id] = _Answer(at, self._known(links), _event_of(links))
                except InvalidResponseError as error:
                    self._services.events.malformed_rows(CollectorName.LINKS, 1)
                    odd = error
                    self._answers[booking_id] = before or _Answer(at, None)
            elif outcome.error.code == BOOKING_NOT_FOUND:  # deleted after the list was read
                self._answers.pop(booking_id, None)
                gone.add(booking_id)
            else:
                failed = outcome.error
        if failed is not None:
            raise failed
        return odd

    def _known(self, links: tuple[Link, ...]) -> _Kinds:
        """Return ``links`` in words that we know; others become ``other`` and are counted."""
        found = Counter(
            Link(
                self._word("module", link.module, ENTITY_TYPES),
                self._word("entity_type", link.entity_type, ENTITY_TYPES.get(link.module, ())),
            )
            for link in links
        )
        return array("H", [found[kind] for kind in _KINDS]).tobytes()

    def _word(self, field: str, word: str, known: Container[str]) -> str:
        if word in known:
            return word
        self._services.events.unrecognized_value(CollectorName.LINKS, field)
        return OTHER

    def _unlinked(self, bookings: Sequence[Booking], at: float, now: float) -> tuple[UnlinkedBooking, ...]:
        """Return the first bookings after ``now`` that are known to be tied to no CRM entity, so that somebody has to link."""
        tied: dict[_Kinds | None, bool] = {None: True}  # whether for each of the few that occur
        ahead: list[tuple[float, str]] = []
        for booking in bookings:
            answer = self._answers[booking.id]
            if booking.start >= now and at - answer.asked_at <= self._settings.max_age_seconds:
                kinds = answer.kinds
                if kinds not in tied:
                    tied[kinds] = kinds is None or _is_tied(kinds)
                if not tied[kinds]:
                    ahead.append((booking.start, booking.id))
        return tuple(UnlinkedBooking(booking, start) for start, booking in heapq.nsmallest(LISTED_UNLINKED, ahead))

    def _window(self, window: Window, bookings: Sequence[Booking], at: float, complete: bool) -> WindowLinks:
        # That of this poll is there although it may be empty: it holds the kinds that are shown with 0.
        by_age: dict[float, list[_Kinds]] = {0.0: []}
        unverified = 0
        for booking in bookings:
            if is_in_window(booking, window, self._rule):
                answer = self._answers[booking.id]
                age = at - answer.asked_at
                if answer.kinds is None:
                    unverified += 1
                    complete = False  # what is odd today is odd in the next poll, too, and hides no other booking
                elif age > self._settings.max_age_seconds:
                    unverified += 1
                else:
                    by_age.setdefault(age, []).append(answer.kinds)
        return WindowLinks(window, tuple(_counted(age, kinds) for age, kinds in by_age.items()), unverified, complete)


def _question(booking_id: str) -> Mapping[str, Command]:
    return {f"e{booking_id}": Command(LIST_LINKS, {"bookingId": int(booking_id)})}


def _event_of(links: Sequence[Link]) -> int | None:
    """Return the id of the one event that ``links`` name; 0 for several, of which nobody knows which is the copy."""
    events = [link.event for link in links if (link.module, link.entity_type) == (EVENT.module, EVENT.entity_type)]
    return None if not events else events[0] if len(events) == 1 else 0


def _is_tied(kinds: _Kinds) -> bool:
    return any(number and link.module == CRM for link, number in zip(_KINDS, array("H", kinds), strict=True))


def _counted(age: float, bookings: Sequence[_Kinds]) -> LinkAnswers:
    linked = calendar_linked = 0
    by_entity = Counter({(link.module, link.entity_type): 0 for link in EXPECTED})
    for kinds, times in Counter(bookings).items():  # most bookings of a portal are tied to the same few things
        numbers = {link: number for link, number in zip(_KINDS, array("H", kinds), strict=True) if number}
        linked += times * any(link.module == CRM for link in numbers)
        calendar_linked += times * (EVENT in numbers)
        for link, number in numbers.items():
            by_entity[link.module, link.entity_type] += times * number
    return LinkAnswers(age, linked, len(bookings) - linked, calendar_linked, dict(by_entity))
