"""What ``docs/faq.md`` answers, tried on the simulator; every question has a check here, or one that exists elsewhere."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import pytest
import yaml

from exporter.commands.demo import demo_targets
from exporter.commands.probe_table import left_out
from exporter.config import load_config
from exporter.errors import Reason
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.platforms.http_pool import CONNECT_SECONDS
from exporter.simulator.faults import Fault, FaultKind
from tests.docs.simulated import SITE, world
from tests.monitoring.cases import load

ROOT: Final = Path(__file__).parents[2]
TEXT: Final = (ROOT / "docs" / "faq.md").read_text()
PROSE: Final = " ".join(TEXT.split())
ROUTES: Final = yaml.safe_load((ROOT / "config/alertmanager/alertmanager.yml").read_text())["route"]["routes"][0]
UNCHECKED: Final = {"connections": {}, "bookings": {"platform_conflicts": False}}
CONFLICTS: Final = {"connections": {}, "bookings": {"conflicts": True}}


async def test_why_does_it_say_not_measured(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        windows = there.target(SITE).bookings
        assert windows is not None
        assert {None} == {window.conflicting for window in windows.windows}
        assert "not measured" in there.board
        assert {"next_24h", "next_7d"} == windows.platform_conflicting.keys()
        assert SITE not in {warning.target for warning in there.status.config_warnings}

    async with world(tmp_path, collectors=UNCHECKED) as there:
        assert SITE in {warning.target for warning in there.status.config_warnings if warning.kind == "conflicts_off"}

    async with world(tmp_path, collectors=CONFLICTS) as there:
        windows = there.target(SITE).bookings
        assert windows is not None
        assert None not in {window.conflicting for window in windows.windows}


async def test_why_are_there_no_connections(tmp_path: Path) -> None:
    async with world(tmp_path, schedule_ids=["d4c3f9a5-0000-41ca-9f47-80519c2e3d64"], aliases={}) as there:
        assert {"no_connections", "unknown_schedule"} <= {w.kind for w in there.status.config_warnings if w.target == SITE}


async def test_why_is_everything_at_least_since_the_start_of_the_exporter(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        known = {row.connection: row.since_known for row in there.connections}
        assert {False} == set(known.values())
        there.simulator.incidents.start("token-revoked")
        await there.minutes(2)
        [problem] = there.problems("connection_error")
        assert problem.since_known


async def test_what_does_connected_mean_is_it_an_error(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        rows = [row for row in there.connections if row.status == "connected"]
        assert rows
        await there.minutes(70)
        assert [] == there.problems("connection_stuck")
        assert "booking_sync_connection_sync_enabled{" in await there.app.page()


async def test_why_did_data_vanish(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        assert f'booking_sync_connections{{target="{SITE}"' in await there.app.page()
        there.simulator.faults.add(Fault(FaultKind.STATUS, platform="wix", status=500))
        await there.minutes(2)
        page_ = await there.app.page()
        assert (
            f'booking_sync_collector_failing{{target="{SITE}",platform="wix",collector="connections",reason="server_error"}} 1'
            in page_
        )
        assert f'booking_sync_connections{{target="{SITE}"' in page_
        await there.minutes(4)
        page_ = await there.app.page()
        assert f'booking_sync_collector_data_expired{{target="{SITE}",platform="wix",collector="connections"}} 1' in page_
        assert f'booking_sync_connections{{target="{SITE}"' not in page_
        there.simulator.faults.clear()
        await there.minutes(2)
        assert f'booking_sync_connections{{target="{SITE}"' in await there.app.page()


async def test_why_does_the_number_differ_from_the_platform_s_calendar_page(tmp_path: Path) -> None:
    counts: list[int] = []
    for statuses in (("confirmed", "pending"), ("confirmed", "pending", "canceled", "declined")):
        written = {"statuses": [status.upper() for status in statuses]} if len(statuses) > 2 else {}
        async with world(tmp_path, collectors={"bookings": written}) as there:
            windows = there.target(SITE).bookings
            assert windows is not None
            for window in windows.windows:
                by_status = window.by_status or {}
                assert set(by_status) == set(statuses)
                assert window.bookings == sum(by_status.values())
            counts.append(sum(window.bookings for window in windows.windows))
    assert counts[0] < counts[1]


def test_why_does_probe_say_something_else_than_the_board() -> None:
    assert left_out().startswith("Not judged, since one poll has no history: ")


def test_why_was_nobody_paged_for_a_revoked_token() -> None:
    paging = {alert.name for group in alert_groups(Options()) for alert in group.alerts if alert.severity == "critical"}
    told = re.search(r"All alerts that page \(`severity=\"critical\"`\): (.*?)\.", PROSE)
    assert told
    assert set(told[1].split(", ")) == paging


def test_how_do_i_silence_one_salon() -> None:
    cases = [case for file in sorted((ROOT / "config/prometheus/tests").glob("*.yml")) for case in load(file)["tests"]]
    told = [
        alert["exp_labels"]
        for case in cases
        for rule in case.get("alert_rule_test", ())
        for alert in rule.get("exp_alerts", ())
    ]
    of_one_target = [labels for labels in told if {"connection", "budget"} & labels.keys()]
    assert len(of_one_target) > 20
    assert [] == [labels for labels in of_one_target if "target" not in labels]
    drifting = [labels for labels in told if labels.get("window") and "target" not in labels]
    assert [] == [labels for labels in drifting if "site" not in labels]


def test_why_did_the_same_alert_come_twice() -> None:
    assert "3d" == ROUTES["repeat_interval"]
    assert {"4h"} == {route["repeat_interval"] for route in ROUTES["routes"] if route.get("receiver") == "pager"}


def test_what_does_did_not_answer_within_30_s_mean(tmp_path: Path) -> None:
    config = yaml.safe_dump({"targets": demo_targets("http://127.0.0.1:8099")})
    (tmp_path / "exporter.yml").write_text(config)
    assert {
        "wix": 30.0,
        "bitrix24": 70.0,
    } == {target.platform: target.timeout for target in load_config(tmp_path / "exporter.yml").targets}
    assert 5.0 == CONNECT_SECONDS


async def test_why_rate_limited(tmp_path: Path) -> None:
    async with world(tmp_path) as there:
        there.simulator.incidents.start("api-throttled")
        await there.minutes(8)
        reasons = {problem.reason for problem in there.problems("collector_failing")}
        assert reasons == {Reason.RATE_LIMITED}
        assert 'budget="requests"} 0' in await there.app.page()
        there.simulator.incidents.stop("api-throttled")
        await there.minutes(12)
        assert [] == there.problems("collector_failing")
    [waits] = [a.hold for group in alert_groups(Options()) for a in group.alerts if a.name == "BookingSyncApiLimited"]
    assert "15m" == waits


ELSEWHERE: Final = {
    "Why is `/-/ready` 503?": "tests/e2e/test_web_server.py",
    "Did my page get lost on the way?": "tests/monitoring/test_check_stack.py",
    "Wix: API key or app?": "tests/platforms/wix/test_credentials.py",
    "What if a portal is renamed?": "tests/commands/test_moved_portal.py",
    "I fixed it. Must I wait?": "tests/e2e/test_ask_again.py",
    "Does it change anything on the platforms?": "tests/platforms/wix/test_safety.py",
    "How do I move it to another machine?": "tests/state/test_status_history.py",
    "Which configuration is in force?": "tests/runtime/test_reload.py",
    "Why do sums double with two exporters?": "tests/metrics/test_documented_joins.py",
}


def test_every_question_has_a_check() -> None:
    questions = re.findall(r"^### (.+)$", TEXT, re.MULTILINE)
    here = {name.removeprefix("test_") for name in globals() if name.startswith("test_")}
    unchecked = [
        question
        for question in questions
        if question not in ELSEWHERE and not any(_slug(question).startswith(name) for name in here)
    ]
    assert [] == unchecked
    assert set(ELSEWHERE) <= set(questions)
    assert [] == [path for path in ELSEWHERE.values() if not (ROOT / path).exists()]


def _slug(question: str) -> str:
    return re.sub(r"\W+", "_", question.lower()).strip("_")


@pytest.mark.parametrize(
    "question", re.split(r"^### ", TEXT, flags=re.MULTILINE)[1:], ids=lambda text: str(text).partition("\n")[0]
)
def test_every_answer_has_a_command(question: str) -> None:
    assert re.search(r"^```(sh|yaml)$", question, re.MULTILINE)
