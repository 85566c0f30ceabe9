"""Time zones and windows that are hardly meant: each is a warning at its place, with what to write instead."""

from __future__ import annotations

import re
from pathlib import Path

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter

from exporter.counting import WindowError, parse
from exporter.fields.kinds import Expression
from tests.config.test_config import load

DOCUMENT = Path(__file__).parents[2] / "docs" / "configuration.md"
TARGETS = "targets:\n  - {name: a, platform: bitrix24, webhook_url: {env: B24_WEBHOOK_URL}}\n"


@pytest.mark.slow
def test_elapsed_hours_from_the_start_of_a_day_are_a_warning_wherever_a_window_stands(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "windows:\n"
        "  - {name: office, from: now/d+9h, to: now/d+17h}\n"
        "  - {name: right, from: now/d@09:00, to: now/d@17:30}\n"
        "targets:\n"
        "  - name: a\n"
        "    platform: bitrix24\n"
        "    webhook_url: {env: B24_WEBHOOK_URL}\n"
        "    collectors:\n"
        "      bookings:\n"
        "        windows: [right, {name: late, from: now/d@18:00, to: now+1d/d+2h}]\n",
    )
    assert [
        (2, "windows[0].from", "write now/d@09:00"),
        (2, "windows[0].to", "write now/d@17:00"),
        (10, "targets[0].collectors.bookings.windows[1].to", "write now+1d/d@02:00"),
    ] == [(warning.line, warning.path, warning.fix) for warning in config.warnings]
    assert ("now/d+9h counts elapsed time: on days when the clocks change it is another time of day") == config.warnings[
        0
    ].message


def test_elapsed_hours_keep_their_meaning(tmp_path: Path) -> None:
    config = load(tmp_path, "windows: [{name: office, from: now/d+9h, to: now/d+17h}]\n" + TARGETS)
    assert ("now/d+9h", "now/d+17h") == (config.windows[0].start, config.windows[0].end)


@pytest.mark.slow
def test_a_time_of_day_may_stand_in_every_form_of_yaml(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "windows:\n"
        "  - {name: a, from: now/d@09:00, to: 'now/d@17:30'}\n"
        "  - name: b\n"
        "    from: now/w@00:00\n"
        '    to: "now+1w/w@12:15"\n' + TARGETS,
    )
    assert [("now/d@09:00", "now/d@17:30"), ("now/w@00:00", "now+1w/w@12:15")] == [(w.start, w.end) for w in config.windows]
    assert () == config.warnings


def test_a_zone_that_misleads_is_a_warning_at_the_top_and_in_a_target(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        "timezone: Etc/GMT+3\n"
        "targets:\n"
        "  - {name: a, platform: bitrix24, webhook_url: {env: B24_WEBHOOK_URL}}\n"
        "  - name: b\n"
        "    platform: bitrix24\n"
        "    timezone: Factory\n"
        "    webhook_url: {env: B24_WEBHOOK_URL}\n",
    )
    assert [(1, "timezone"), (6, "targets[1].timezone")] == [(warning.line, warning.path) for warning in config.warnings]
    assert "Etc/GMT+3 is UTC-3: the sign in its name is reversed" == config.warnings[0].message
    assert config.warnings[0].fix.startswith("write Europe/Moscow for UTC+3")


def test_zones_and_windows_that_mean_what_they_say_bring_no_warning(tmp_path: Path) -> None:
    config = load(tmp_path, "timezone: Etc/UTC\nwindows: [{name: today, from: now/d, to: now+1d/d-1s}]\n" + TARGETS)
    assert () == config.warnings


@pytest.mark.slow
def test_the_windows_of_the_documents_load_and_bring_no_warning(tmp_path: Path) -> None:
    table = DOCUMENT.read_text().partition("| window | `from` | `to` |")[2].partition("\n\n")[0]
    rows = re.findall(r"\| `(now\S*)` \| `(now\S*)` \|", table)
    assert len(rows) >= 5
    windows = "".join(f"  - {{name: w{number}, from: {start}, to: {end}}}\n" for number, (start, end) in enumerate(rows))
    assert () == load(tmp_path, f"timezone: Europe/Berlin\nwindows:\n{windows}{TARGETS}").warnings


VALIDATOR = jsonschema.Draft202012Validator(TypeAdapter(Expression).json_schema())
PIECES = ("now", "+", "-", "/", "@", "d", "w", "M", "h", "m", "10", "09:30", "24:00", "9:00", "@10:00", "/d", "+1d", "Q")


@pytest.mark.slow
@given(
    st.lists(st.sampled_from(PIECES), max_size=7).map("".join)
    | st.lists(st.sampled_from(PIECES)).map(lambda x: "now" + "".join(x))
)
def test_an_editor_takes_the_expressions_that_the_exporter_reads_and_no_others(text: str) -> None:
    try:
        parse(text)
    except WindowError:
        is_read = False
    else:
        is_read = True
    assert is_read == VALIDATOR.is_valid(text)
