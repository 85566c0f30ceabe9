"""What is said when little or nothing is watched: paused targets, closed days, and what the configuration accepts."""

from __future__ import annotations

import json
import re

import pytest
from msgspec.structs import replace

from exporter.commands.probe_line import first_line
from exporter.commands.probe_table import print_report
from exporter.errors import Reason
from exporter.model import CollectorName, Conflict, ConnectionStatus
from exporter.policy import AcceptedReason, ConfigWarning, TargetPolicy
from exporter.state.config_warnings import with_warnings
from exporter.state.snapshot import View
from exporter.state.verdict_row import Verdict
from exporter.web import encode_status, status_of
from exporter.web import status_page as board
from tests.harness import views
from tests.harness.views import NOW


def resting(paused: int, awake: int = 0) -> View:
    """Return an exporter with paused targets and some that work."""
    meant = TargetPolicy(paused=AcceptedReason("closed for the winter"))
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
    assert (headline == "Nothing is watched") == ('class="verdict healthy" data-idle' in page), "no green"
    assert headline.startswith("Nothing") == ("healthy" not in first_line(status_of(view), Verdict.OK))
    counts = json.loads(encode_status(view))["summary"]
    assert subline.startswith(f"{counts['targets']} target")
    assert counts["targets_paused"] == sum(target.policy.paused is not None for target in view.targets)


def test_a_target_that_is_closed_today_is_watched() -> None:
    view = resting(0, 1)
    [target] = view.targets
    closed = replace(view, targets=(replace(target, closed=True, policy=TargetPolicy(closed=((NOW - 60, NOW + 60),))),))
    assert "Everything is in order" in board.render(closed).decode()


KNOWN = AcceptedReason("as agreed with Anna", NOW + 86_400)
MEANT = TargetPolicy(
    connections={"Chair 2": KNOWN, "Chair 9": KNOWN},
    bookings={"341": KNOWN},
    warnings={"conflicts_off": KNOWN, "missing_right": KNOWN},
    closed=((NOW - 60, NOW + 60),),
)


def accepting() -> View:
    """Return a site that accepts one thing of each sort that there is."""
    rows = views.connections(views.connection("Chair 1"), views.connection("Chair 2", ConnectionStatus.ERROR))
    rows = replace(rows, others=(views.connection("Chair 9", ConnectionStatus.ERROR),))
    conflict = Conflict("7", "341", "352", NOW + 60, NOW + 1_860)
    bookings = replace(views.wix_bookings(), conflicts=(conflict,))
    states = [
        views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), rows),
        views.succeeded(views.unpolled("salon", "wix", CollectorName.BOOKINGS), bookings),
    ]
    off = ConfigWarning("conflicts_off", "salon", "double bookings are not checked", "switch it on")
    view = views.view_of(views.target_of("salon", "wix", states, policy=MEANT))
    return with_warnings(replace(view, targets=tuple(replace(row, closed=True) for row in view.targets)), [off])


def test_all_that_is_accepted_is_listed_with_why_and_until_on_the_board_in_the_json_and_by_probe(
    capsys: pytest.CaptureFixture[str],
) -> None:
    view = accepting()
    status = status_of(view)
    assert "healthy" == status.verdict
    found = {str(row.kind): (row.why, row.until and row.until.timestamp()) for row in status.listed}
    reason = ("as agreed with Anna", NOW + 86_400)
    closed = {"target_closed": (None, NOW + 60)}
    assert closed | dict.fromkeys(("connection_accepted", "conflict_accepted", "warning_accepted"), reason) == found
    assert ["Chair 2", "1 connection that is not listed"] == [
        row.subject for row in status.listed if row.kind == "connection_accepted"
    ]
    listed = board.render(view).decode().partition('id="listed"')[2]
    of_card = listed.partition('data-key="salon"')[2]
    assert (6, 2) == (listed.count("as agreed with Anna"), of_card.count("accepted: as agreed with Anna, until"))
    assert "double bookings are not checked" in listed
    print_report(status, Verdict.OK, 0.5)
    said = [line for line in capsys.readouterr().out.splitlines() if line.startswith("- listed, not judged")]
    assert 5 == len(said)
    assert 4 == sum(", known: as agreed with Anna, until 2026-09-22 14:13 UTC" in line for line in said)


def test_a_right_that_is_missing_stays_judged_when_only_its_warning_is_accepted() -> None:
    refused = views.failed(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), Reason.PERMISSION, "no right")
    view = with_warnings(views.view_of(views.target_of("salon", "wix", [refused], policy=MEANT)))
    status = status_of(view)
    assert ((), "critical") == (status.config_warnings, status.verdict)
    assert "warning_accepted" not in {row.kind for row in status.listed}


def test_what_stands_in_back_quotes_in_a_detail_of_ours_is_code_and_what_a_platform_says_is_left_as_it_is() -> None:
    rows = replace(views.connections(), others=(views.connection("Chair 9", ConnectionStatus.ERROR),))
    ours = views.succeeded(views.unpolled("salon", "wix", CollectorName.CONNECTIONS), rows)
    theirs = views.failed(views.unpolled("salon", "wix", CollectorName.BOOKINGS), Reason.TIMEOUT, "no `answer` <here>")
    page = board.render(views.view_of(views.target_of("salon", "wix", [ours, theirs]))).decode()
    assert '<span class="detail">raise <code>max_connections</code> to see which</span>' in page
    assert '<span class="detail" lang="en">no `answer` &lt;here&gt;</span>' in page
