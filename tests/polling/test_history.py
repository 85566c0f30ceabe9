"""What is remembered of how the polls of a collector went, and how often that is written."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

import pytest

from exporter.errors import AuthError, NetworkError, PollError, Reason
from exporter.model import BookingsObservation, Change, CollectorName
from exporter.platforms.base import PollResult
from exporter.polling.admission import Admission
from exporter.polling.poll import Job, poll
from exporter.polling.scheduler import Scheduler
from exporter.state import status_history as module
from exporter.state.snapshot import CollectorState, Snapshot, TargetEntry
from exporter.state.status_history import FileStatusHistory, StatusHistory
from exporter.support.files import replace_durably
from tests.harness.clock import ManualClock

NOW = 1_790_000_000.0
BAD, GONE = AuthError("refused"), NetworkError("gone")


@dataclass
class Portal:
    """A collector that fails with the next of ``errors``, and a link that is another state with every poll."""

    clock: ManualClock
    errors: list[PollError | None]
    history: StatusHistory = field(default_factory=StatusHistory)
    polls: int = 0

    async def poll(self) -> PollResult:
        self.polls += 1
        now = self.clock.time()
        self.history.seen("salon", "abc", Change(now, f"state{self.polls % 2}"), now)
        error = self.errors.pop(0) if self.errors else None
        if error:
            raise error
        return PollResult(BookingsObservation(self.clock.time(), ()))

    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        """Count nothing."""

    @property
    def job(self) -> Job:
        return Job("salon", "wix", CollectorName.BOOKINGS, 60.0, 300.0, self, self, history=self.history)


async def polled(portal: Portal, before: CollectorState | None = None, *, every: float = 60.0) -> CollectorState:
    """Poll until the portal has no error more to raise."""
    state = before or portal.job.initial_state()
    while portal.errors:
        state = (await poll(portal.job, state, portal.clock)).state
        portal.clock.now += every
    return state


def told(state: CollectorState) -> Sequence[tuple[float, str, bool]]:
    return [(row.at - NOW, row.state, row.known) for row in state.changes]


async def test_a_collector_remembers_when_it_failed_for_which_reason_and_when_it_was_well_again() -> None:
    portal = Portal(ManualClock(NOW), [None, None, BAD, BAD, GONE, None])
    assert [(0, "ok", False), (120, "failing auth", True), (240, "failing network", True), (300, "ok", True)] == told(
        await polled(portal)
    )


async def test_a_collector_that_fails_from_the_start_fails_at_least_since_then() -> None:
    assert [(0, "failing auth", False)] == told(await polled(Portal(ManualClock(NOW), [BAD, BAD])))


async def test_data_is_withdrawn_at_the_moment_it_was_and_not_at_the_next_poll() -> None:
    portal = Portal(ManualClock(NOW), [None, BAD, BAD, BAD])
    expected = [(0, "ok", False), (200, "failing auth", True), (300, "expired", True)]
    state = await polled(portal, every=200.0)
    assert expected == told(state)
    portal.errors.append(None)
    assert [*expected, (800, "ok", True)] == told(await polled(portal, state))


async def test_the_board_is_told_of_withdrawn_data_before_the_next_poll() -> None:
    portal = Portal(ManualClock(NOW), [None, BAD])
    state = await polled(portal)
    snapshot = Snapshot()
    snapshot.put_target(TargetEntry("salon", "wix", {}, lambda: None), {state.collector: state})  # type: ignore[arg-type,return-value]  # not asked
    shown = [snapshot.view(NOW + after).targets[0].collectors[0].changes[-1] for after in (300.0, 301.0, 9_000.0)]
    assert [(60, "failing auth"), (300, "expired"), (300, "expired")] == [(row.at - NOW, row.state) for row in shown]


async def test_a_collector_that_is_made_anew_by_a_reload_goes_on_where_the_old_one_was() -> None:
    portal = Portal(ManualClock(NOW), [None, BAD])
    await polled(portal)
    portal.errors.append(BAD)
    assert [(0, "ok", False), (60, "failing auth", True)] == told(await polled(portal))


@pytest.mark.parametrize("step", [-3_600.0, 3_600.0])
async def test_changes_are_shown_by_the_clock_that_was_set(step: float) -> None:
    state = await polled(Portal(ManualClock(NOW), [None, BAD]))
    snapshot = Snapshot()
    snapshot.put_target(TargetEntry("salon", "wix", {}, lambda: None), {state.collector: state})  # type: ignore[arg-type,return-value]  # not asked
    target = snapshot.view(NOW + 100, step).targets[0]
    assert [step, step + 60] == [row.at + target.stepped - NOW for row in target.collectors[0].changes]


async def test_a_poll_that_learns_of_a_link_and_of_itself_writes_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[float] = []

    clock = ManualClock(NOW)
    history = FileStatusHistory(tmp_path / "state.json", clock)
    portal = Portal(clock, [None, BAD, None, GONE, None], history)

    def counted(path: Path, content: bytes) -> None:
        writes.append(clock.now)
        replace_durably(path, content)

    monkeypatch.setattr(module, "replace_durably", counted)
    published: list[tuple[int, int]] = []
    scheduler = Scheduler(
        clock=clock,
        random=Random(1),
        admission=Admission(clock),
        publish=lambda state: published.append((state.finished_polls, len(writes))),
        observe_lateness=lambda *_: None,
    )
    await scheduler.start([portal.job])
    while portal.polls < 6:
        await clock.advance(10)
        if history._writer is not None:
            await history._writer
    await scheduler.stop(grace=1.0)
    await history.aclose()
    assert portal.polls == len(writes)
    assert [(number, max(0, number - 1)) for number in range(portal.polls + 1)] == published, "shown before it is written"
