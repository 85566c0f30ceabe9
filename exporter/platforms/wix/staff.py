"""The staff of a site, read about once in ``check_interval`` (docs/platforms/wix.md 7.1)."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from typing import Final

import structlog

from exporter.errors import PollError, PollTimeoutError
from exporter.limits import STAFF
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.decoding import report
from exporter.platforms.wix.all_rows import all_rows
from exporter.platforms.wix.api import WixApi
from exporter.platforms.wix.endpoints import Endpoint
from exporter.platforms.wix.inventory_rows import PAGE_ROWS
from exporter.platforms.wix.probes import MAX_AGE_INTERVALS, NOT_OPEN, SPARE_CALLS, SPREAD, TIMEOUT_SECONDS
from exporter.platforms.wix.staff_rows import StaffRow, staff_rows
from exporter.support.phases import phase

log = structlog.get_logger(__name__)

AGAIN_SECONDS: Final = 600.0
"""After no answer it is asked again so much later, or after an interval that is shorter."""

_INTERVAL_SECONDS: Final = 3600.0
"""So often the staff is read for a collector that has no interval of checks."""

_FIELDS: Final = ("RESOURCE_DETAILS", "ASSOCIATED_IDENTITY_STATUS")
Staff = tuple[Sequence[StaffRow], int]
"""Members, and how many rows could not be read: those are members, too, of whom nothing is known."""


class StaffDirectory:
    """The staff of one site, as last read. What cannot be read is not known: that is no failure of anything."""

    def __init__(
        self,
        api: WixApi,
        services: Services,
        target: str,
        collector: CollectorName = CollectorName.CONNECTIONS,
        *,
        interval: float = _INTERVAL_SECONDS,
    ) -> None:
        """Odd rows count as those of the ``collector``, which asks."""
        self._collector = collector
        self._api = api
        self._services = services
        self._target = target
        self._interval = interval  # in seconds
        self._phase = phase(f"{target} staff") * SPREAD * interval
        self._staff: Staff = (), 0
        self._read_at = float("-inf")
        self._due = services.clock.monotonic() + (0 if services.asks_once else self._phase)
        self.is_awaited = True
        """Whether it was not asked for yet."""
        self.refused = ""
        """Why Wix does not tell the staff, empty while it does."""
        self.failure: PollError | None = None
        """Why the last read brought nothing, unless that was a refusal."""

    async def refresh(self, *, first: bool = False) -> None:
        """Read the staff when it is time to, and other calls do not have to wait for that.

        With ``first`` it is time if it was never asked for.
        """
        clock = self._services.clock
        is_first = first and self.is_awaited and not self._api.paused_for()
        overdue = clock.monotonic() - self._due
        if not is_first and (overdue < 0 or (self._api.spare_calls() <= SPARE_CALLS and not self._must(overdue))):
            return
        self.is_awaited = False
        deadline = clock.timeout(TIMEOUT_SECONDS)
        try:
            async with deadline:
                self._staff = await self._read()
        except NOT_OPEN as refusal:
            if not self.refused:
                log.warning("wix_staff_refused", target=self._target, **refusal.facts())
            self.refused = refusal.message
            self._read_at = float("-inf")
        except (PollError, TimeoutError) as error:
            if isinstance(error, TimeoutError) and not deadline.expired:
                raise
            late = PollTimeoutError(f"Wix did not list the staff within {TIMEOUT_SECONDS:g} s")
            self.failure = failure = error if isinstance(error, PollError) else late
            log.info("wix_staff_unanswered", target=self._target, message=failure.message)
            self._due = clock.monotonic() + max(min(AGAIN_SECONDS, self._interval), failure.retry_after or 0.0)
            return
        else:
            self.failure = None
            self.refused = ""
            self._read_at = clock.monotonic()
        self._due = clock.monotonic() + self._interval + self._phase

    def _must(self, overdue: float) -> bool:
        """Tell whether it is asked although others wait: a command does not come back, and it may not be put off for ever."""
        return (self._services.asks_once or overdue > self._interval) and not self._api.paused_for()

    def known(self) -> Staff | None:
        """Return the staff as last read, and how many of it could not be; ``None`` where that is too long ago, or never was."""
        age = self._services.clock.monotonic() - self._read_at
        return self._staff if age <= MAX_AGE_INTERVALS * self._interval else None

    async def _read(self) -> Staff:
        unrecognized: Counter[str] = Counter()
        rows, odd = await all_rows(
            self._api,
            self._services.admission,
            Endpoint.QUERY_STAFF,
            {"cursorPaging": {"limit": PAGE_ROWS}},
            lambda answer, _: staff_rows(answer, unrecognized),
            cap=STAFF,
            timeout=TIMEOUT_SECONDS,
            fields=_FIELDS,
        )
        report(self._services.events, self._collector, malformed=odd, unrecognized=unrecognized)
        return rows, odd
