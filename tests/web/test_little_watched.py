"""What is said when little or nothing is watched: paused targets, closed days, and what the configuration accepts."""

from __future__ import annotations

import json
import re

import pytest
from msgspec.structs import replace

from exporter.commands.probe_table import first_line
from exporter.model import CollectorName
from exporter.policy import Known, TargetPolicy
from exporter.state.snapshot import View
from exporter.state.verdict import Verdict
from exporter.web import encode_status, status_of
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.views import NOW


def resting(paused: int, awake: int = 0) -> View:
    """Return an exporter with paused targets and some that work."""
    meant = TargetPolicy(paused=Known("closed for the winter"))
    targets = [views.target_of(f"asleep {number}", "wix", [], policy=meant) for number in range(paused)]
    good = views.succeeded(views.unpolled("awake", "wix", CollectorName.CONNECTIONS), views.wix_connections())
    good = replace(good, observation=views.connections(views.connection("Chair 1")))
    return views.view_of(*targets, *(views.target_of(f"awake {number}", "wix", [good]) for number in range(awake)))


@pytest.mark.parametrize(
    ("view", "headline", "subline"),
    [
        (resting(1), "Nothing is watched", "1 target, 1 paused"),
        (resting(3), "Nothing is watched", "3 targets, 3 paused"),
        (resting(1, 2), "Everything is in order", "3 targets, 1 paused"),
        (resting(0, 2), "Everything is in order", "2 targets"),
    ],
)
def test_the_headline_says_when_nothing_is_watched_and_the_line_below_how_many_are_paused(
    view: View, headline: str, subline: str
) -> None:
    page = board.render(view).decode()
    told = [" ".join(line.split()) for line in re.findall(r'<p class="(?:head|sub)line">(.*?)</p>', page, re.DOTALL)]
    assert [headline, subline] == told
    assert headline.startswith("Nothing") == ("healthy" not in first_line(status_of(view), Verdict.OK))
    counts = json.loads(encode_status(view))["summary"]
    assert subline.startswith(f"{counts['targets']} target")
    assert counts["targets_paused"] == sum(target.policy.paused is not None for target in view.targets)


def test_a_target_that_is_closed_today_is_watched() -> None:
    view = resting(0, 1)
    [target] = view.targets
    closed = replace(view, targets=(replace(target, closed=True, policy=TargetPolicy(closed=((NOW - 60, NOW + 60),))),))
    assert "Everything is in order" in board.render(closed).decode()
