"""Each alert has a why, short enough for its column: causes come without a reason, and a row without one answers nothing."""

from __future__ import annotations

import calendar

import pytest

from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.dashboards.cause_texts import CAUSE_TEXTS
from exporter.monitoring.options import Options
from tests.monitoring.bundle import BOARDS, load_board, panels
from tests.monitoring.text_widths import PADDING, PADDING_OF_NUMBERS, is_cut, lines_of, width_of

HEARTBEAT = "Watchdog"


def _width_of_the_column(field: str) -> float:
    fleet = load_board(next(path for path in BOARDS if path.stem == "fleet"))
    table = next(panel for panel in panels(fleet) if panel["title"] == "What is broken and who fixes it")
    (found,) = [over["properties"] for over in table["fieldConfig"]["overrides"] if over["matcher"]["options"] == field]
    return next(float(one["value"]) for one in found if one["id"] == "custom.width")


def test_every_alert_has_a_why_and_nothing_else_has() -> None:
    names = {alert.name for group in alert_groups(Options()) for alert in group.alerts}
    assert names - {HEARTBEAT} == set(CAUSE_TEXTS)


@pytest.mark.parametrize(
    "why", sorted({*CAUSE_TEXTS.values(), "120 overlap", "days left: 13", "100 % without", "100 % not read"})
)
def test_a_why_fits_into_its_column(why: str) -> None:
    assert width_of(why) + PADDING <= _width_of_the_column("reason")


def test_every_moment_of_a_year_fits_into_its_column() -> None:
    days = {f"{day} {calendar.month_abbr[month]}" for month in range(1, 13) for day in range(1, 32)}
    times = {f"{hour:02}:{minute:02}" for hour in range(24) for minute in range(60)}
    widest = f"{max(days, key=width_of)} {max(times, key=width_of)}"
    assert width_of(widest) + PADDING_OF_NUMBERS <= _width_of_the_column("Value #B")


@pytest.mark.parametrize(
    ("text", "width", "lines"),
    [("token revoked", 100, 1), ("The booking sync exporter cannot be scraped", 298, 2), ("a b c", 34, 1), ("a b c", 22, 2)],
)
def test_a_text_that_is_wider_than_its_column_has_more_lines(text: str, width: float, lines: int) -> None:
    assert lines == lines_of(text, width)


def test_a_word_that_is_wider_than_its_column_is_cut() -> None:
    assert is_cut("account administrator", 80)
    assert not is_cut("account administrator", 98)
