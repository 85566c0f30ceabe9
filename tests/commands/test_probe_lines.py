"""What a probe says of one collector, and of what it found."""

from __future__ import annotations

import pytest

from exporter.commands.probe_lines import summary
from exporter.model import CollectorName, LinksObservation, WindowLinks
from tests.harness import views
from tests.harness.views import NEXT_24H, NOW


@pytest.mark.parametrize(
    ("seconds", "expected"), [(0, "next_24h 9 linked, 3 not, 1 unverified"), (1, "next_24h 4 linked, 1 not, 8 unverified")]
)
def test_the_line_about_links_names_those_that_nobody_knows_about(seconds: float, expected: str) -> None:
    [target] = views.with_old_link_answers(NOW + seconds).targets
    assert expected == summary(target.collectors[1])


def test_the_line_about_links_is_short_when_all_are_known() -> None:
    observation = LinksObservation(NOW, (WindowLinks(NEXT_24H, ()),))
    state = views.succeeded(views.unpolled(views.BITRIX24, "bitrix24", CollectorName.LINKS), observation)
    assert "next_24h 0 linked, 0 not" == summary(state)
