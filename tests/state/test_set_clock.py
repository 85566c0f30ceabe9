"""What is found when somebody sets the clock of the machine: the same as before, and for as long."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from exporter.state.findings import Kind, findings
from exporter.state.snapshot import View
from exporter.state.verdict_row import Verdict, VerdictRow
from tests.harness.verdict_scenes import SCENES

DAY = 86_400.0
FROM_POLLS = ("connection", "collector", "provider", "data")


@pytest.mark.parametrize("step", [-2 * DAY, -3_600.0, 3_600.0, 2 * DAY])
@pytest.mark.parametrize(
    "row",
    # What is accepted ends on a day of the calendar, and bookings lie where it has them.
    [row for row in SCENES if row.kind.startswith(FROM_POLLS) and row.kind is not Kind.CONNECTION_ACCEPTED],
    ids=lambda row: row.kind,
)
def test_when_the_clock_is_set_what_is_found_is_the_same_and_has_been_so_for_as_long(row: VerdictRow, step: float) -> None:
    before = SCENES[row]
    targets = tuple(
        replace(target, collectors=tuple(state.moved(step) for state in target.collectors), stepped=step)
        for target in before.targets
    )
    after = replace(before, at=before.at + step, targets=targets)

    def told(view: View) -> list[tuple[Kind, Verdict, float | None]]:
        return [(one.kind, one.verdict, one.since and one.since - view.at) for one in findings(view)]

    assert row.kind in {kind for kind, *_ in told(after)}
    assert told(before) == told(after)
