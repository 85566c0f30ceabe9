"""What is found in bookable slots."""

from __future__ import annotations

import pytest

from exporter.model import CollectorName
from exporter.open_slots import ScheduleSlots, ServiceSlots, SlotsObservation
from exporter.policy import AcceptedReason, TargetPolicy
from exporter.state.findings import findings
from exporter.state.snapshot import View
from exporter.state.verdict_events import NO_OPEN_SLOTS, SLOTS_OVER_BUSY
from exporter.state.verdict_row import Verdict
from tests.harness import views
from tests.harness.views import NOW

SLOTS = views.unpolled("salon", "wix", CollectorName.SLOTS)


def shown(*rows: ServiceSlots | ScheduleSlots, policy: TargetPolicy | None = None) -> View:
    services = tuple(row for row in rows if isinstance(row, ServiceSlots))
    schedules = tuple(row for row in rows if isinstance(row, ScheduleSlots))
    state = views.succeeded(SLOTS, SlotsObservation(NOW - 30, services, schedules))
    return views.view_of(views.target_of("salon", "wix", [state], policy=policy))


def test_each_schedule_with_slots_over_private_events_is_critical_and_says_how_many() -> None:
    rows = (ScheduleSlots("Chair 1", 3, NOW), ScheduleSlots("Chair 2", 0), ScheduleSlots("Chair 3", 1, NOW))
    assert [
        (SLOTS_OVER_BUSY, Verdict.CRITICAL, "Chair 1", "3 slots of the next 48 hours"),
        (SLOTS_OVER_BUSY, Verdict.CRITICAL, "Chair 3", "1 slot of the next 48 hours"),
    ] == [(one.row, one.verdict, one.subject, one.effect) for one in findings(shown(*rows))]


@pytest.mark.parametrize(("until", "found"), [(None, 0), (NOW + 60, 0), (NOW, 1)])
def test_a_schedule_is_accepted_for_as_long_as_the_configuration_says(until: float | None, found: int) -> None:
    policy = TargetPolicy(connections={"Chair 1": AcceptedReason("a shared calendar", until)})
    assert found == len(findings(shown(ScheduleSlots("Chair 1", 3, NOW), policy=policy)))


@pytest.mark.parametrize(("number", "found"), [(None, []), (1, []), (0, [(NO_OPEN_SLOTS, "Haircut")])])
def test_a_service_without_slots_is_found_and_one_of_which_nothing_is_known_is_not(
    number: int | None, found: list[tuple[object, str]]
) -> None:
    assert found == [(one.row, one.subject) for one in findings(shown(ServiceSlots("Haircut", number)))]


def test_a_service_without_slots_before_the_end_of_the_week_is_not_found() -> None:
    assert not findings(shown(ServiceSlots("Haircut", 0, NOW + 3 * 86_400)))
