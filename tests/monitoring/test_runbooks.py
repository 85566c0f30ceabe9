"""The runbooks: their shape, what they name, and the first three steps that messages carry."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from exporter.monitoring import Options, runbook_texts
from exporter.monitoring.alerts import Alert, Choice, alert_groups
from exporter.monitoring.runbook_text import first_steps, sections
from tests.monitoring.bundle import ALERT_NAMES, BOARDS, ROOT, RUNBOOKS, load_board, panels
from tests.monitoring.cases import CASES, load
from tests.monitoring.promql import labels_of_expression, selectors

PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
WRITTEN = sorted((ROOT / "exporter" / "monitoring" / "runbooks").glob("*.md"))
BY_HAND = ["What it means", "First three steps", "How to find out", "Mitigation", "May I go back to bed?", "Silence"]
PARTS = {"connection", "provider", "service", "schedule", "resource", "budget"}
"""Labels of what a target has several of, each with alerts of its own."""
TITLES = {panel["title"] for path in BOARDS for panel in panels(load_board(path))}
ALERTS = [alert for group in alert_groups(Options()) for alert in group.alerts]
SILENCE = re.compile(
    r"```sh\namtool silence add alertname=(\w+) cluster=CLUSTER job=([\w-]+)((?: \w+=\w+)*)"
    r' --duration=(\d)h --comment="WHY"\n```'
)

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
each_written = pytest.mark.parametrize("written", WRITTEN, ids=lambda path: path.stem)


def section(text: str, name: str) -> str:
    return text.split(f"## {name}\n")[1].split("\n## ", maxsplit=1)[0].strip()


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {name.lower() for name in ALERT_NAMES} == {page.stem for page in PAGES}


def test_what_was_written_about_an_alert_has_its_alert() -> None:
    assert {name.lower() for name in ALERT_NAMES} == {path.stem for path in WRITTEN}


def test_the_index_leads_to_every_page() -> None:
    linked = re.findall(r"\((\w+\.md)\)", (RUNBOOKS / "README.md").read_text())
    assert sorted(page.name for page in PAGES) == sorted(linked)


@each_page
def test_a_page_has_what_was_written_then_the_panels_the_commands_and_the_rule(page: Path) -> None:
    text = page.read_text()
    headings = re.findall(r"^## (.+)$", text, re.MULTILINE)
    by_hand = text.partition("## What it means")[2].partition("## Where the panel is")[0]
    named = re.search(r"`(booking-sync-exporter |(systemctl|journalctl) [^`]*booking-sync-exporter)", by_hand)
    commands = ["The commands as they are typed"] if named else []
    assert [*BY_HAND, "Where the panel is", *commands, "The rule"] == headings
    assert all(len(section(text, name)) > 40 for name in headings)
    assert text.endswith("\nLast reviewed 2026-11.\n")


@each_written
def test_what_was_written_says_in_a_word_whether_it_can_wait(written: Path) -> None:
    answer = section(written.read_text(), "May I go back to bed?")
    assert re.match(r"(Yes|No|Only if|Only when|If it is|The critical one|For a critical alert)\b", answer)


@each_written
def test_a_runbook_has_exactly_three_first_steps_of_plain_sentences(written: Path) -> None:
    steps = first_steps(written.stem)
    assert 3 == len(steps)
    for step in steps:
        assert 10 <= len(step) <= 160
        assert step[0].isupper()
        assert step.endswith((".", "?"))
        assert not set("`*[]{}|") & set(step)


def test_the_first_steps_of_a_page_are_those_that_a_message_carries() -> None:
    for page in PAGES:
        steps = section(page.read_text(), "First three steps").replace("`", "")
        assert "\n".join(f"{number}. {step}" for number, step in enumerate(first_steps(page.stem), 1)) == steps


def test_the_first_steps_of_an_exporter_that_is_down_need_nothing_of_it() -> None:
    assert (
        "Run systemctl status booking-sync-exporter: is the process running?",
        "Read the last lines of its log, journalctl -u booking-sync-exporter -n 50: they name the reason.",
        (
            "Start it again with systemctl restart booking-sync-exporter; "
            "if the configuration is refused, put the last good one back."
        ),
    ) == first_steps("BookingSyncExporterDown")


@each_written
def test_finding_out_has_three_to_six_steps(written: Path) -> None:
    steps = re.findall(r"^\d\. ", section(written.read_text(), "How to find out"), re.MULTILINE)
    assert 3 <= len(steps) <= 6


@each_written
def test_every_panel_that_is_named_exists(written: Path) -> None:
    assert set(re.findall(r"\*\*([^*]+)\*\*", section(written.read_text(), "How to find out"))) <= TITLES


@each_page
def test_a_page_leads_to_every_panel_that_it_names(page: Path) -> None:
    text = page.read_text()
    rows = section(text, "Where the panel is")
    named = re.findall(r"\*\*([^*]+)\*\*", section(text, "How to find out"))
    assert [] == [title for title in named if title not in rows]
    linked = runbook_texts(Options(grafana_url="https://grafana.example"))[page.name]
    links = dict(re.findall(r"\[([^]]+)\]\(https://grafana\.example/d/([\w-]+\?viewPanel=\d+)\)", linked))
    assert set(named) == set(links)
    for title, address in links.items():
        uid, _, number = address.partition("?viewPanel=")
        board = next(board for board in map(load_board, BOARDS) if board["uid"] == uid)
        assert title in {panel["title"] for panel in panels(board) if panel["id"] == int(number)}


@each_page
def test_the_board_of_the_alert_goes_first_and_has_every_panel_that_stands_on_it(page: Path) -> None:
    text = page.read_text()
    uid = next(alert.board.value for alert in ALERTS if page.stem == alert.name.lower())
    _, _, first, *_ = section(text, "Where the panel is").splitlines()
    _, _, place, titles, _ = (cell.strip() for cell in first.split("|"))
    assert f"`{uid}`" == place
    there = {panel["title"] for path in BOARDS for panel in panels(load_board(path)) if uid == load_board(path)["uid"]}
    named = set(re.findall(r"\*\*([^*]+)\*\*", section(text, "How to find out"))) & there
    assert [] == [title for title in sorted(named) if title not in titles]


@each_written
def test_a_page_that_asks_for_a_metric_names_a_panel_that_shows_it_where_there_is_one(written: Path) -> None:
    text = section(written.read_text(), "How to find out")
    asked = {metric for quoted in re.findall(r"`([^`]*booking_sync_[^`]*)`", text) for metric, _, _ in selectors(quoted)}
    shown = {title for title, metrics in _shown().items() if asked & metrics}
    assert not shown or shown & set(re.findall(r"\*\*([^*]+)\*\*", text)), shown


@cache
def _shown() -> dict[str, set[str]]:
    """Return the metrics of each panel that has a title, by that."""
    return {
        panel["title"]: {metric for query in panel.get("targets", ()) for metric, _, _ in selectors(query["expr"])}
        for path in BOARDS
        for panel in panels(load_board(path))
        if "rawSql" not in panel
    }


@each_written
def test_every_query_that_is_offered_asks_for_metrics_that_exist(written: Path) -> None:
    quoted = re.findall(r"`([^`]*booking_sync_[^`]*)`", section(written.read_text(), "How to find out"))
    assert all(selectors(expression) for expression in quoted)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_a_page_quotes_every_fix_of_its_alert(alert: Alert) -> None:
    text = (RUNBOOKS / f"{alert.name.lower()}.md").read_text()
    fixes = alert.fix.cases().values() if isinstance(alert.fix, Choice) else [alert.fix]
    for fix in fixes:
        assert re.sub(r"\{\{ \$labels\.(\w+)[^}]*\}\}", lambda label: label[1].upper(), fix) in section(text, "Mitigation")


@pytest.mark.parametrize("alert", sorted(set(ALERT_NAMES) - {"Watchdog"}))
def test_a_page_has_a_silence_of_labels_with_which_its_alert_fires(alert: str) -> None:
    silence = section((RUNBOOKS / f"{alert.lower()}.md").read_text(), "Silence")
    matched = SILENCE.search(silence)
    assert matched is not None
    assert "Leave `cluster` out where your alerts have no such label; add `namespace` where they have one." in silence
    assert (alert, "booking-sync-exporter") == matched.groups()[:2]
    values = dict(word.split("=") for word in matched[3].split())
    assert all(value in {label.upper(), "warning"} for label, value in values.items())
    assert set(values) <= fired_with(alert), "the silence would hold nothing back"
    hours = 1 if re.search(r"\ban hour\b", silence) else 8
    assert hours == int(matched[4]), "the command is for as long as the sentence says"


@pytest.mark.parametrize("alert", sorted(set(ALERT_NAMES) - {"Watchdog"}))
def test_a_silence_holds_back_no_other_part_of_the_target_than_the_one_that_fires(alert: str) -> None:
    command = section((RUNBOOKS / f"{alert.lower()}.md").read_text(), "Silence")
    kept = set.intersection(*(labels_of_expression(one.expr) for one in ALERTS if alert == one.name))
    assert kept & PARTS == {label for label in PARTS if f" {label}={label.upper()} " in command}


def fired_with(alert: str) -> set[str]:
    """Return the labels with which the alert fires in the cases that are shipped."""
    cases = [case for case in _alert_cases() if case["alertname"] == alert]
    return {label for case in cases for expected in case.get("exp_alerts") or () for label in expected["exp_labels"]}


@cache
def _alert_cases() -> list[dict[str, Any]]:
    return [case for path in CASES for test in load(path)["tests"] for case in test.get("alert_rule_test", ())]


def test_the_heartbeat_is_never_silenced() -> None:
    assert "amtool" not in (RUNBOOKS / "watchdog.md").read_text()


def test_another_job_stands_in_the_silences() -> None:
    texts = runbook_texts(Options(jobs=("bookings",)))
    assert "alertname=BookingSyncDataExpired cluster=CLUSTER job=bookings target=TARGET " in texts["bookingsyncdataexpired.md"]
    assert "job=booking-sync-exporter " not in "".join(texts.values())


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("## What it means\n\nA.\n", "has the sections What it means instead of What it means, First three steps"),
        (None, "write exporter/monitoring/runbooks/bookingsyncnew.md"),
    ],
)
def test_a_runbook_that_is_missing_or_lacks_a_section_is_named(
    text: str | None, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "runbooks").mkdir()
    if text is not None:
        (tmp_path / "runbooks" / "bookingsyncnew.md").write_text(text)
    monkeypatch.setattr("exporter.monitoring.runbook_text.package_files", lambda _: tmp_path)
    with pytest.raises((FileNotFoundError, ValueError), match=re.escape(said)):
        sections.__wrapped__("BookingSyncNew")


def test_a_runbook_says_for_how_long_its_cause_has_to_be_there() -> None:
    assert {"watchdog.md"} == {name for name, text in runbook_texts(Options()).items() if "| no time |" in text}
    assert "| critical | 8m | account administrator |" in runbook_texts(Options())["bookingsynccredentialrefused.md"]
    assert "| critical | 10m | exporter operator |" in runbook_texts(Options())["bookingsyncmanytargetsfailing.md"]
