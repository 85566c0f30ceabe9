"""The reason why a collector fails, against what else the page says of its polls."""

from __future__ import annotations

import asyncio
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from exporter import errors
from exporter.errors import PollError, Reason
from exporter.metrics import Format, Instruments, MetricsPage
from exporter.model import BookingsObservation, CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.poll import Job, poll
from exporter.state.snapshot import Snapshot
from tests.harness import views
from tests.harness.clock import ManualClock
from tests.harness.exposition import counters_of, select, value

ERRORS = {
    kind.reason: kind
    for kind in vars(errors).values()
    if isinstance(kind, type) and issubclass(kind, PollError) and kind is not PollError
}
BUG = "bug"
# A poll that succeeds, one that fails for a reason, with data or without, and one in which we have a bug.
Outcome = tuple[Reason, bool] | str | None
OUTCOMES = st.none() | st.just(BUG) | st.tuples(st.sampled_from(Reason), st.booleans())


class Exporter:
    """One collector that is polled for real, and its page."""

    def __init__(self) -> None:
        self.clock = ManualClock()
        self.outcome: Outcome = None
        instruments = Instruments(CollectorRegistry())
        counters = counters_of(instruments, "salon", "wix")
        self._page, self._snapshot = MetricsPage(instruments), Snapshot()
        self._job = Job("salon", "wix", CollectorName.BOOKINGS, 60.0, 300.0, self, counters)
        self._state = self._job.initial_state()
        self._snapshot.put_target(*views.target_of("salon", "wix", [self._state]))

    async def poll(self) -> PollResult:
        seen = BookingsObservation(self.clock.steady(), ())
        match self.outcome:
            case None:
                return PollResult(seen)
            case (reason, True):
                return PollResult(seen, ERRORS[reason]("in part"))
            case (reason, False):
                raise ERRORS[reason]("not at all")
            case _:
                raise RuntimeError(BUG)

    def polled(self, outcome: Outcome, later: float) -> bytes:
        """Return the page ``later`` seconds after a poll that ended with ``outcome``."""
        self.outcome = outcome

        async def run() -> None:
            self._state = (await poll(self._job, self._state, self.clock)).state
            self._snapshot.put(self._state)
            await self.clock.advance(later)

        asyncio.run(run())
        return self.page()

    def page(self) -> bytes:
        return self._page.render(self._snapshot.view(self.clock.steady()), Format.TEXT)


def test_every_reason_has_an_error() -> None:
    assert set(Reason) == ERRORS.keys()


@pytest.mark.slow
@settings(deadline=None, max_examples=60)
@given(polls=st.lists(st.tuples(OUTCOMES, st.sampled_from([0.0, 60.0, 10_000.0])), max_size=12))
def test_a_collector_has_one_reason_to_fail_while_it_is_not_up_after_a_poll_and_none_else(
    polls: list[tuple[Outcome, float]],
) -> None:
    exporter = Exporter()
    page, counted, failures = exporter.page(), 0, Counter[str]()
    assert {} == select(page, "collector_failing")
    for outcome, later in polls:
        page, counted = exporter.polled(outcome, later), counted + 1
        reason = None if outcome is None else Reason.INTERNAL if isinstance(outcome, str) else outcome[0]
        failing = {dict(labels)["reason"]: number for (_, labels), number in select(page, "collector_failing").items()}
        assert ({} if reason is None else {str(reason): 1.0}) == failing
        assert (counted, 1.0 - len(failing)) == (value(page, "collector_polls_total"), value(page, "collector_up"))
        failures.update(failing.keys())
        found = {dict(labels)["reason"]: number for (_, labels), number in select(page, "collector_failures_total").items()}
        assert failures == {name: number for name, number in found.items() if number}
