from __future__ import annotations

import re
from pathlib import Path

import pytest

from exporter.monitoring import Options
from exporter.monitoring.alerts import Choice, alert_groups
from tests.monitoring.bundle import ALERT_NAMES, BOARDS, RUNBOOKS, load_board, panels
from tests.monitoring.promql import selectors

PAGES = sorted(path for path in RUNBOOKS.glob("*.md") if path.name != "README.md")
SECTIONS = ["Meaning", "Impact", "Diagnosis", "Mitigation", "Silencing"]
TITLES = {panel["title"] for path in BOARDS for panel in panels(load_board(path))}
ALERTS = [alert for group in alert_groups(Options()) for alert in group.alerts]

each_page = pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)


def _section(text: str, name: str) -> str:
    return text.split(f"## {name}\n")[1].split("\n## ", maxsplit=1)[0].strip()


def test_every_alert_has_its_page_and_every_page_its_alert() -> None:
    assert {name.lower() for name in ALERT_NAMES} == {page.stem for page in PAGES}


def test_the_index_leads_to_every_page() -> None:
    linked = re.findall(r"\((\w+\.md)\)", (RUNBOOKS / "README.md").read_text())
    assert sorted(page.name for page in PAGES) == sorted(linked)


@each_page
def test_a_page_has_all_sections_in_order_and_none_is_empty(page: Path) -> None:
    text = page.read_text()
    assert SECTIONS == re.findall(r"^## (.+)$", text, re.MULTILINE)
    assert all(len(_section(text, name)) > 40 for name in SECTIONS)


@each_page
def test_diagnosis_has_three_to_six_steps(page: Path) -> None:
    steps = re.findall(r"^\d\. ", _section(page.read_text(), "Diagnosis"), re.MULTILINE)
    assert 3 <= len(steps) <= 6


@each_page
def test_every_panel_that_a_page_names_exists(page: Path) -> None:
    named = set(re.findall(r"\*\*([^*]+)\*\*", _section(page.read_text(), "Diagnosis")))
    assert named <= TITLES


@each_page
def test_every_query_that_a_page_offers_asks_for_metrics_that_exist(page: Path) -> None:
    quoted = re.findall(r"`([^`]*booking_sync_[^`]*)`", _section(page.read_text(), "Diagnosis"))
    assert all(selectors(expression) for expression in quoted)


@pytest.mark.parametrize("alert", ALERTS, ids=lambda alert: f"{alert.name}-{alert.severity}")
def test_a_page_quotes_every_fix_of_its_alert(alert: object) -> None:
    found = next(one for one in ALERTS if one is alert)
    text = (RUNBOOKS / f"{found.name.lower()}.md").read_text()
    fixes = found.fix.cases().values() if isinstance(found.fix, Choice) else [found.fix]
    for fix in fixes:
        assert fix.replace("{{ $labels.target }}", "TARGET") in _section(text, "Mitigation")
