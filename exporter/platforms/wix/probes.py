"""Live probes of the connections: whether Wix can read the calendars of the account behind each (docs/platforms/wix.md 4.1).

The status of a connection is a word that Wix remembers; to list the account's calendars it has to use the access that it was
given. Each connection is asked about once in ``check_interval`` or somewhat more, a few in each poll, and never so that a poll
has to wait for it: what is due and finds no room is asked about by the next poll. One whose probe failed is asked about sooner
again, since somebody may have mended it, where there is room beside those whose turn it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from math import ceil
from typing import Final

import structlog
from msgspec.structs import replace

from exporter.connection_checks import CalendarProbe, ImportCalendars, ProbesAsked
from exporter.errors import ClientError, GoneError, NotEntitledError, NotFoundError, PermissionDeniedError, PollError
from exporter.model import WORKING, ConnectionStatus, Value
from exporter.platforms.base import Services
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.connection_rows import ConnectionRow, calendars
from exporter.platforms.wix.endpoints import Endpoint
from exporter.support.phases import phase

log = structlog.get_logger(__name__)

SPREAD: Final = 1 / 6
"""The first probes after a start lie this part of an interval apart, and each connection's own is longer by its share of it."""

AGAIN_SECONDS: Final = 600.0
"""A probe that failed is tried again so much later, unless its turn comes before."""

MAX_AGE_INTERVALS: Final = 3.0
UNSUPPORTED_SECONDS: Final = 24 * 3600.0
"""A provider whose calendars cannot be listed is not asked again for so long."""

A_POLL: Final = 5
TIMEOUT_SECONDS: Final = 10.0
"""How long the probes of one poll may take: no further one begins then, and each has no more time than that."""

SPARE_CALLS: Final = 4
"""So many calls are left to those who count bookings meanwhile."""

NOT_CONNECTED: Final = "CONNECTION_NOT_CONNECTED"
UNSUPPORTED: Final = "NOT_SUPPORTED_BY_PROVIDER"

NOT_OPEN: Final = (PermissionDeniedError, NotFoundError, NotEntitledError, ClientError)
"""A check is refused: it alone, whatever becomes of other calls."""


class _Probed(Value, frozen=True, gc=False):
    """What is known of one connection. ``due`` is a moment of the monotonic clock; ``refused`` why it may not be asked about.

    ``again`` is another: from then on it is asked about sooner, where there is room.

    ``calendars`` are those of its account, and ``chosen`` those that it was told to import when they were listed. ``works``
    says whether its status said then that it works. Until it ``was_asked`` nothing of this is known. ``unsupported`` says that
    its provider has no list of calendars.
    """

    due: float
    answer: CalendarProbe | None = None
    calendars: frozenset[bytes] | None = None
    chosen: frozenset[bytes] | None = None
    refused: str = ""
    works: bool = True
    again: float = float("inf")
    was_asked: bool = True
    unsupported: bool = False


class CalendarProbes:
    """The probes of one site. What they may not ask, they know nothing of: that is no failure of anything."""

    def __init__(
        self, api: WixApi, services: Services, target: str, timeout: float, *, interval: float, polls_every: float
    ) -> None:
        """Ask about each connection once in ``interval``, in polls that come ``polls_every`` so many seconds."""
        self._api = api
        self._services = services
        self._target = target
        self._interval = interval  # in seconds
        self._polls_every = polls_every
        self._timeout = min(timeout, TIMEOUT_SECONDS)
        self._probed: Mapping[str, _Probed] = {}
        self._was_refused = False
        self._held_until = float("-inf")  # by the wish of Wix, on the monotonic clock

    async def ask(self, rows: Iterable[ConnectionRow], most: int | None = None) -> None:
        """Probe those of ``rows``, all that are watched, that are due, at most ``most``; the others are forgotten.

        Unless it is given, a poll makes :data:`A_POLL` probes, and a command that polls once as many as there is time for.
        """
        if most is None and not self._services.asks_once:
            most = A_POLL
        clock = self._services.clock
        began = clock.monotonic()
        asked = {row.key: row for row in rows if row.status is not ConnectionStatus.DISCONNECTED}
        probed = {key: self._known(row, began) for key, row in asked.items()}
        self._probed = probed
        for key in _whose_turn(probed, began)[:most]:
            if began < self._held_until or clock.monotonic() - began >= self._timeout or not self._has_turn(probed[key], began):
                break
            try:
                probed[key] = await self._probe(asked[key], probed[key])
            except PollError as error:  # nothing is known of the connection by that, and the others wait for their turn
                self._held_until = clock.monotonic() + (error.retry_after or 0.0)
                log.info("wix_probe_unanswered", target=self._target, connection=key, **error.facts())
                probed[key] = replace(
                    probed[key],
                    due=clock.monotonic() + self._next(key),
                    works=asked[key].status in WORKING,
                    again=_again(probed[key].answer, clock.monotonic()),
                    was_asked=True,
                )
                break
        self._note_refusal()

    @property
    def refused(self) -> str:
        """Why Wix refuses probes; empty while it lets any connection be probed, or none was tried."""
        reasons = [known.refused for known in self._probed.values() if known.refused]
        return reasons[0] if reasons and not any(known.answer for known in self._probed.values()) else ""

    @property
    def asked(self) -> ProbesAsked:
        """How many of the connections that are to be probed were asked about, and how many of those cannot be."""
        known = self._probed.values()
        barred = sum(one.unsupported or bool(one.refused) for one in known)
        return ProbesAsked(sum(one.was_asked for one in known), len(known), barred)

    def is_awaited(self, row: ConnectionRow) -> bool:
        """Tell whether the first probe of ``row`` is still to come."""
        known = self._probed.get(row.key)
        return known is not None and not known.was_asked

    def answer(self, row: ConnectionRow, now: float) -> CalendarProbe | None:
        """Return what the newest probe of ``row`` showed; ``None`` when it is too old at ``now`` (steady), or there is none."""
        known = self._probed.get(row.key)
        answer = known.answer if known else None
        return answer if answer and now - answer.at <= self._max_age else None

    @property
    def _max_age(self) -> float:
        """How long an answer counts, in seconds: with many connections it takes polls enough until each has had its turn."""
        round_takes = ceil(len(self._probed) / A_POLL) * self._polls_every
        return MAX_AGE_INTERVALS * max(self._interval, round_takes)

    def import_calendars(self, row: ConnectionRow, now: float) -> ImportCalendars | None:
        """Return how many of the calendars that are chosen for the import of ``row`` there are at ``now`` (steady)."""
        if not row.import_enabled or row.chosen is None:
            return None
        if not row.chosen:
            return ImportCalendars(0, 0)
        known = self._probed.get(row.key)
        if known is None or known.calendars is None or known.chosen != row.chosen or self.answer(row, now) is None:
            return None
        return ImportCalendars(len(row.chosen & known.calendars), len(row.chosen - known.calendars))

    def imports_nothing(self, row: ConnectionRow, now: float) -> bool:
        """Tell whether it is known at ``now`` (steady) that no calendar of ``row`` can be imported."""
        probe, calendars_there = self.answer(row, now), self.import_calendars(row, now)
        return (probe is not None and not probe.succeeded) or (calendars_there is not None and not calendars_there.present)

    def _has_turn(self, known: _Probed, now: float) -> bool:
        """Tell whether calls are to spare, or must be: a command does not come back, and no connection may wait for ever."""
        if self._api.spare_calls() > SPARE_CALLS:
            return True
        waited = self._services.asks_once or now - known.due > self._interval
        return waited and not self._api.paused_for()

    def _known(self, row: ConnectionRow, now: float) -> _Probed:
        known = self._probed.get(row.key)
        if known is None:
            due = now if self._services.asks_once else now + phase(row.key) * SPREAD * self._interval
            return _Probed(due, was_asked=False)
        if row.status in WORKING and not known.works:
            # It was connected anew: what a probe showed before that is over.
            return _Probed(now, was_asked=False)
        if known.answer is None or known.chosen == row.chosen:
            return known
        # A calendar that was chosen since may be newer than the list.
        return replace(known, calendars=None, chosen=row.chosen, due=now)

    async def _probe(self, row: ConnectionRow, before: _Probed) -> _Probed:
        """Ask about one connection. Raises :class:`~exporter.errors.PollError` when that brings no answer."""
        due, works = self._services.clock.monotonic() + self._next(row.key), row.status in WORKING
        try:
            http = await self._api.call(Endpoint.LIST_CALENDARS, connection=row.id, repeat=False, timeout=self._timeout)
        except GoneError:
            return _Probed(due, works=works)
        except NOT_OPEN as refusal:
            if refusal.code == NOT_CONNECTED:
                failed = self._answer(before, succeeded=False)
                return _Probed(
                    due, failed, chosen=row.chosen, works=works, again=_again(failed, self._services.clock.monotonic())
                )
            if refusal.code == UNSUPPORTED:
                later = due - self._interval + max(UNSUPPORTED_SECONDS, self._interval)
                return _Probed(later, works=works, unsupported=True)
            return _Probed(due, refused=refusal.message, works=works)
        listed = calendars(http)  # read in any case: what is no list is no answer
        kept = listed if row.chosen else None
        return _Probed(due, self._answer(before, succeeded=True), kept, row.chosen, works=works)

    def _answer(self, before: _Probed, *, succeeded: bool) -> CalendarProbe:
        now, last = self._services.clock.steady(), before.answer
        if last is not None and last.succeeded == succeeded:
            return replace(last, at=now)
        return CalendarProbe(succeeded, now, now, since_known=last is not None)

    def _note_refusal(self) -> None:
        if self.refused and not self._was_refused:
            log.warning("wix_probes_refused", target=self._target, message=self.refused)
        self._was_refused = bool(self.refused)

    def _next(self, key: str) -> float:
        """Return after how many seconds a connection is probed again."""
        return self._interval * (1 + phase(key) * SPREAD)


def _whose_turn(probed: Mapping[str, _Probed], now: float) -> list[str]:
    """Return who is to be asked about at ``now``: those that are due, and then those that failed, each the longest first."""
    due = sorted((key for key, known in probed.items() if known.due <= now), key=lambda key: probed[key].due)
    again = (key for key, known in probed.items() if known.due > now >= known.again)
    return [*due, *sorted(again, key=lambda key: probed[key].again)]


def _again(answer: CalendarProbe | None, now: float) -> float:
    return float("inf") if answer is None or answer.succeeded else now + AGAIN_SECONDS
