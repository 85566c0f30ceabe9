"""What is found in copies of bookings in the staff's calendar."""

from __future__ import annotations

import pytest

from exporter.calendar_copies import MismatchKind
from exporter.model import CollectorName
from exporter.state.findings import Kind, findings, problems
from exporter.state.thresholds import Thresholds
from exporter.state.verdict_row import Verdict
from tests.harness import views
from tests.harness.verdict_scenes import view
from tests.harness.views import NOW

HOUR = 3_600.0
DAY = 24 * HOUR
LINKS = views.unpolled("salon", "bitrix24", CollectorName.LINKS)
MOVED, MISSING = MismatchKind.MOVED, MismatchKind.MISSING


def verdicts(*bookings: tuple[float, MismatchKind]) -> list[tuple[Kind, Verdict]]:
    shown = view(views.succeeded(LINKS, views.mismatched(*bookings)))
    return [(finding.kind, finding.verdict) for finding in findings(shown)]


@pytest.mark.parametrize(
    ("start", "expected"),
    [
        (1, [Verdict.WARNING]),
        (DAY - 1, [Verdict.WARNING]),
        (DAY, [Verdict.OK]),
        (5 * DAY, [Verdict.OK]),
        (0, []),
        (-1, []),
    ],
)
def test_a_booking_of_the_next_24_hours_that_differs_is_a_warning_and_a_later_one_is_listed(
    start: float, expected: list[Verdict]
) -> None:
    assert [(Kind.CALENDAR_MISMATCH, verdict) for verdict in expected] == verdicts((start, MOVED))


def test_nothing_is_found_where_nothing_differs() -> None:
    assert [] == verdicts()


def test_a_target_has_one_finding_whichever_bookings_differ() -> None:
    assert [(Kind.CALENDAR_MISMATCH, Verdict.WARNING)] == verdicts((HOUR, MOVED), (2 * HOUR, MISSING), (2 * DAY, MISSING))


def test_the_bookings_that_are_ahead_are_named_with_how_they_differ_and_the_windows_with_how_many() -> None:
    (finding,) = problems(view(views.succeeded(LINKS, views.mismatched((-60, MISSING), (HOUR, MOVED), (2 * DAY, MISSING)))))
    assert [("813", MOVED, NOW + HOUR), ("814", MISSING, NOW + 2 * DAY)] == [
        (row.booking, row.kind, row.start) for row in finding.mismatched
    ]
    assert "the staff's calendar differs from the bookings, next_7d (3)" == finding.headline


@pytest.mark.parametrize(("chosen", "expected"), [("critical", Verdict.CRITICAL), ("ok", Verdict.OK)])
def test_its_severity_may_be_chosen_and_a_later_one_stays_listed(chosen: str, expected: Verdict) -> None:
    thresholds = Thresholds(severities={"calendar_mismatch": chosen})
    (soon,) = findings(view(views.succeeded(LINKS, views.mismatched((HOUR, MOVED)))))
    (later,) = findings(view(views.succeeded(LINKS, views.mismatched((2 * DAY, MOVED)))))
    assert (expected, Verdict.OK) == (soon.judged_by(thresholds).verdict, later.judged_by(thresholds).verdict)
