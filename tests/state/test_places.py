"""What people call what is shown."""

from __future__ import annotations

from exporter.model import Conflict
from exporter.policy import TargetPolicy
from exporter.state.places import conflict_text
from tests.harness import views
from tests.harness.views import NOW


def test_a_double_booking_is_one_line_with_day_time_minutes_resource_and_both_ids() -> None:
    _, portal = views.in_berlin().targets
    assert "today 17:13 to 17:33 (20 min; 15:13 UTC), Window seat: bookings 812 and 815" == conflict_text(
        portal, Conflict("7", "812", "815", NOW + 3_600, NOW + 4_800), NOW
    )


def test_a_resource_without_an_alias_has_its_name_and_one_without_a_name_its_id() -> None:
    _, portal = views.in_berlin().targets
    told = [conflict_text(portal, Conflict(resource, "1", "2", NOW, NOW + 60), NOW) for resource in ("8", "9")]
    assert ["Chair 2", "9"] == [text.split("), ")[1].partition(":")[0] for text in told]


def test_a_zone_is_that_of_the_target_and_not_of_this_machine() -> None:
    [tokyo] = views.view_of(views.target_of("t", "wix", [], policy=TargetPolicy(zone="Asia/Tokyo"))).targets
    assert conflict_text(tokyo, Conflict("7", "1", "2", NOW, NOW + 60), NOW).startswith("today 23:13 to 23:14")
