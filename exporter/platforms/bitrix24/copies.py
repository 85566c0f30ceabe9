"""Compares bookings with their copies in the staff's calendar (bitrix24.md 16 and 17.2), a part of the collector ``links``.

Nothing is asked before a booking was seen that has a copy. Answers are kept and asked for again as those about links are: what
is new at once, the rest in rotation, and an answer counts for ``max_age``. A copy that differs is looked at once more, together
with its booking and the booking's links, before anybody is told: between the list of bookings and the event a booking may have
moved, and a booking that changes may get another copy.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Final

import structlog

from exporter.calendar_copies import CalendarCopies, CopyAnswers, MismatchedBooking, MismatchKind, WindowCopies
from exporter.counting import Booking, Rule, is_in_window
from exporter.errors import InvalidResponseError, NotEntitledError, NotFoundError, PermissionDeniedError, PollError
from exporter.model import CollectorName, Value, Window
from exporter.platforms.base import Services
from exporter.platforms.bitrix24 import booking_pages
from exporter.platforms.bitrix24.answers import Reply
from exporter.platforms.bitrix24.api import GET_BOOKING, GET_EVENT, Api, Command, CommandOutcome
from exporter.platforms.bitrix24.api_errors import METHOD_NOT_FOUND, NO_CODE
from exporter.platforms.bitrix24.batching import Batcher
from exporter.platforms.bitrix24.calendar_events import EventCopy, event_copy
from exporter.platforms.bitrix24.operating import LINKS_SHARE
from exporter.platforms.bitrix24.questions import Questions
from exporter.platforms.bitrix24.settings import BitrixLinks
from exporter.platforms.decoding import off_the_loop

log = structlog.get_logger(__name__)

ASK_AGAIN_SECONDS: Final = 3600.0
"""After the portal refused to show events, it is not asked to for so long."""

NONE_SHOWN: Final = "it shows none of them to the credential's user"

LISTED_MISMATCHES: Final = 10

TOLERANCE_SECONDS: Final = 60.0
"""Calendars count in minutes."""


class _State(Enum):
    SAME = "same"
    MISSING = "missing"
    MOVED = "moved"
    DECLINED = "declined"
    NOT_COMPARABLE = "not comparable"
    NULL = "null"
    DENIED = "denied"
    ODD = "odd"


_MISMATCHES: Final[Mapping[_State, MismatchKind]] = {
    _State.MISSING: MismatchKind.MISSING,
    _State.MOVED: MismatchKind.MOVED,
    _State.DECLINED: MismatchKind.DECLINED,
}
_SHOWN: Final = frozenset({_State.SAME, _State.NOT_COMPARABLE, *_MISMATCHES})
_HIDDEN: Final = frozenset({_State.NULL, _State.DENIED})


class CopiedBooking(Value, frozen=True, gc=False):
    """A booking that has a copy: the id of the event, 0 where it is not known which; ``age`` is that of this answer."""

    booking: Booking
    event: int
    age: float


class _Copy(Value, frozen=True, gc=False):
    """What the portal last answered about a copy, in a poll that began at ``asked_at`` on the clock that nobody sets.

    It was compared with a booking from ``start`` to ``end``. ``confirmed`` says that this was read again in the same request.
    ``was_shown`` says that the portal has shown this event before.
    """

    asked_at: float
    event: int
    start: float
    end: float
    state: _State
    confirmed: bool = False
    was_shown: bool = False

    def is_of(self, copied: CopiedBooking) -> bool:
        """Tell whether the booking is as it was, and so is the id of its copy."""
        booking = copied.booking
        return (self.event, self.start, self.end) == (copied.event, booking.start, booking.end)


class CopyComparison:
    """The copies of one target's bookings, from poll to poll."""

    def __init__(self, api: Api, services: Services, target: str, settings: BitrixLinks) -> None:
        batcher = Batcher(api, settings.batch_size, share=LINKS_SHARE)
        self._services = services
        self._target = target
        self._settings = settings
        self._events = Questions(api, batcher, (GET_EVENT,))
        self._pairs = Questions(api, batcher, (GET_BOOKING, GET_EVENT))
        self._known: dict[str, _Copy] = {}  # by booking id, oldest answer first
        self._copied: Mapping[str, CopiedBooking] = {}
        self._exist = False
        self._refused = ""
        self._refused_until = float("-inf")

    def now_of(self, copied: Mapping[str, CopiedBooking]) -> None:
        """Note which bookings have copies by now, by booking id; what is known of others is forgotten."""
        self._copied = copied
        self._exist = self._exist or bool(copied)
        self._known = {booking_id: copy for booking_id, copy in self._known.items() if booking_id in copied}

    async def ask(self, at: float) -> None:
        """Ask about the copies that are new, the soonest first, and about known ones whose turn it is.

        Raises :class:`~exporter.errors.PollError`.
        """
        if self._services.clock.monotonic() < self._refused_until:
            return
        new, due = await off_the_loop(self._services.admission, len(self._copied), self._chosen)

        def keep(outcomes: Mapping[str, CommandOutcome]) -> None:
            self._keep(outcomes, at)

        await self._events.ask(new, self._event_of, keep)
        await self._events.ask(due, self._event_of, keep, only_if_spare=True)
        self._refused = ""

    def suspects(self) -> list[str]:
        """Return bookings whose copies differ, as far as a poll may look at them again.

        Those come first that nobody confirmed, the soonest first; then the others, the oldest answer first.
        """
        shown = self._shown_resources()
        found = [each for each in self._known if self._state_of(each, shown) in _MISMATCHES]
        confirmed = [each for each in found if self._known[each].confirmed]
        new = (each for each in found if not self._known[each].confirmed)
        found = [*sorted(new, key=lambda each: self._copied[each].booking.start), *confirmed]
        return found[: self._settings.verify_calls * self._events.per_call]

    async def confirm(self, suspects: Iterable[str], at: float) -> None:
        """Read each of ``suspects`` and its copy in one request, and keep what they say then.

        Raises :class:`~exporter.errors.PollError`.
        """
        ids = [each for each in suspects if each in self._copied and self._copied[each].event]
        found: dict[str, CommandOutcome] = {}

        def pair(booking_id: str) -> Mapping[str, Command]:
            return {f"b{booking_id}": Command(GET_BOOKING, {"id": int(booking_id)}), **self._event_of(booking_id)}

        try:
            await self._pairs.ask(ids, pair, found.update)
        finally:
            shown = self._shown_resources()
            for each in ids:
                booking, event = found.get(f"b{each}"), found.get(f"v{each}")
                if isinstance(booking, Reply) and isinstance(event, Reply):
                    self._confirm(each, booking, event, at, shown)

    def failed(self, error: PollError) -> PollError | None:
        """Return ``error`` if it is one of the poll; that the portal shows no events costs the comparison alone.

        After any other error what is known stays, up to ``max_age``, and the next poll asks again.
        """
        if not _is_refusal(error):
            return error
        if not self._refused:
            log.warning("calendar_events_refused", target=self._target, **error.facts())
        self._refused = error.message
        self._refused_until = self._services.clock.monotonic() + ASK_AGAIN_SECONDS
        self._known.clear()
        return None

    async def check(self, event: int) -> CalendarCopies:
        """Ask about one event, as a poll does; that there is none of this id is as good an answer.

        Raises :class:`~exporter.errors.PollError`.
        """

        def keep(outcomes: Mapping[str, CommandOutcome]) -> None:
            for outcome in outcomes.values():
                if not isinstance(outcome, Reply) and outcome.error.code != NO_CODE:
                    raise outcome.error

        try:
            await self._events.ask(["1"], lambda _: {"v1": Command(GET_EVENT, {"id": event})}, keep)
        except PollError as error:
            if (failure := self.failed(error)) is not None:
                raise failure from None
        return CalendarCopies(refused=self._refused)

    def observed(self, windows: Sequence[Window], rule: Rule, at: float, now: float) -> CalendarCopies | None:
        """Return what is known of the copies at ``now`` (Unix seconds); ``None`` as long as none was ever seen."""
        if not self._exist:
            return None
        if self._refused:
            return CalendarCopies(refused=self._refused)
        shown = self._shown_resources()
        states = {each: self._state_of(each, shown) for each in self._known}
        if states and all(state in _HIDDEN for state in states.values()):
            return CalendarCopies(refused=NONE_SHOWN)
        told = {each: row for each, state in states.items() if (row := self._told(each, state, at)) is not None}
        ahead = [
            MismatchedBooking(each, kind, self._copied[each].booking.start, age, self._copied[each].booking.resources)
            for each, (age, kind) in told.items()
            if kind is not None and self._copied[each].booking.start >= now
        ]
        return CalendarCopies(
            tuple(self._window(window, rule, told) for window in windows),
            tuple(heapq.nsmallest(LISTED_MISMATCHES, ahead, key=lambda row: (row.start, int(row.booking)))),
        )

    def rest(self) -> None:
        """Let go of the bookings until the next poll."""
        self._copied = {}

    def _chosen(self) -> tuple[list[str], list[str]]:
        """Return the bookings whose copies are new, or not asked about since they changed, and those whose turn it is."""
        current = {booking_id for booking_id, copy in self._known.items() if copy.is_of(self._copied[booking_id])}
        rows = sorted(self._copied.values(), key=lambda row: row.booking.start)
        new = [row.booking.id for row in rows if row.event and row.booking.id not in current]
        room = max(0, self._settings.verify_calls * self._events.per_call - len(new))
        return new, [each for each, copy in self._known.items() if each in current and copy.state not in _MISMATCHES][:room]

    def _event_of(self, booking_id: str) -> Mapping[str, Command]:
        return {f"v{booking_id}": Command(GET_EVENT, {"id": self._copied[booking_id].event})}

    def _keep(self, outcomes: Mapping[str, CommandOutcome], at: float) -> None:
        """Keep every answer. Raises what the portal refuses, after the others."""
        failed: PollError | None = None
        for key, outcome in outcomes.items():
            booking_id = key[1:]
            if isinstance(outcome, Reply):
                booking = self._copied[booking_id].booking
                self._note(booking_id, at, booking, self._judged(outcome, booking))
            elif outcome.error.code == NO_CODE:
                self._note(booking_id, at, self._copied[booking_id].booking, _State.DENIED)
            else:
                failed = outcome.error
        if failed is not None:
            raise failed

    def _judged(self, reply: Reply, booking: Booking) -> _State:
        try:
            return _compared(event_copy(reply), booking)
        except InvalidResponseError:
            self._services.events.malformed_rows(CollectorName.LINKS, 1)
            return _State.ODD

    def _note(self, booking_id: str, at: float, booking: Booking, state: _State, *, confirmed: bool = False) -> None:
        event, before = self._copied[booking_id].event, self._known.pop(booking_id, None)
        was_shown = before is not None and before.event == event and (before.was_shown or before.state in _SHOWN)
        self._known[booking_id] = _Copy(at, event, booking.start, booking.end, state, confirmed, was_shown)

    def _confirm(self, booking_id: str, booking: Reply, event: Reply, at: float, shown: frozenset[str]) -> None:
        try:
            present = booking_pages.booking(booking)
        except InvalidResponseError:
            self._services.events.malformed_rows(CollectorName.LINKS, 1)
            return
        self._note(booking_id, at, present, self._judged(event, present), confirmed=True)
        if self._state_of(booking_id, shown) is _State.MISSING:  # also when those that show it have left the windows
            self._note(booking_id, at, present, _State.MISSING, confirmed=True)

    def _shown_resources(self) -> frozenset[str]:
        """Return the resources of which the portal shows a copy; of a booking of several the event stands with one of them."""
        return frozenset(
            resource
            for each, copy in self._known.items()
            if copy.state in _SHOWN and len(self._copied[each].booking.resources) == 1
            for resource in self._copied[each].booking.resources
        )

    def _state_of(self, booking_id: str, shown: frozenset[str]) -> _State:
        """Return the state of a copy. ``null`` is also what a user gets who may not look into a calendar.

        So it means that the copy is missing only where this very event, or others of its resources, were shown.
        """
        copy, resources = self._known[booking_id], self._copied[booking_id].booking.resources
        if copy.state is not _State.NULL:
            return copy.state
        return _State.MISSING if copy.was_shown or (resources and shown.issuperset(resources)) else _State.NULL

    def _told(self, booking_id: str, state: _State, at: float) -> tuple[float, MismatchKind | None] | None:
        """Return the age of what is known of a booking, and how its copy differs; ``None`` where that is not known."""
        copy, copied = self._known[booking_id], self._copied[booking_id]
        kind = _MISMATCHES.get(state)
        if (kind is None and state is not _State.SAME) or (kind is not None and not copy.confirmed):
            return None
        age = max(copied.age, at - copy.asked_at)
        # A copy that was confirmed may have been compared with a booking that moved since the list was read.
        is_present = copy.is_of(copied) or (copy.confirmed and copy.asked_at == at and copy.event == copied.event)
        return (age, kind) if is_present and age <= self._settings.max_age_seconds else None

    def _window(self, window: Window, rule: Rule, told: Mapping[str, tuple[float, MismatchKind | None]]) -> WindowCopies:
        by_age: dict[float, list[MismatchKind | None]] = {}
        unverified = 0
        for booking_id, copied in self._copied.items():
            if is_in_window(copied.booking, window, rule):
                if (found := told.get(booking_id)) is None:
                    unverified += 1
                else:
                    by_age.setdefault(found[0], []).append(found[1])
        return WindowCopies(window.name, tuple(_counted(age, kinds) for age, kinds in by_age.items()), unverified)


def _is_refusal(error: PollError) -> bool:
    """Return whether ``error`` says that a right or the method is missing: asking again soon will not help."""
    if isinstance(error, NotFoundError):
        return (error.code or "").lower() == METHOD_NOT_FOUND
    return isinstance(error, PermissionDeniedError | NotEntitledError)


def _compared(event: EventCopy | None, booking: Booking) -> _State:
    if event is None:
        return _State.NULL
    if not event.is_comparable:
        return _State.NOT_COMPARABLE
    if event.is_deleted:
        return _State.MISSING
    if max(abs(event.start - booking.start), abs(event.end - booking.end)) >= TOLERANCE_SECONDS:
        return _State.MOVED
    return _State.DECLINED if event.is_declined else _State.SAME


def _counted(age: float, kinds: Sequence[MismatchKind | None]) -> CopyAnswers:
    return CopyAnswers(age, len(kinds), dict(Counter(kind for kind in kinds if kind is not None)))
