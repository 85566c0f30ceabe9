"""One incident, one message: what arrives of storms at one target and at five; ``make storms`` plays more."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import pytest

from tests.monitoring.bundle import SCRAPE_LABELS
from tests.monitoring.message_counts import Counts
from tests.monitoring.paging import Notice, counted, told
from tests.monitoring.promql import family_of, labels_of
from tests.monitoring.storm_table import DOCUMENT, MEASURED, table
from tests.monitoring.storms import Cause, Storm, published, spells

NONE = Counts()
ONCE = Counts(begun=1, over=1)


@pytest.mark.servers
def test_a_storm_is_one_message_at_the_start_none_at_the_recovery_and_one_all_clear(tmp_path: Path) -> None:
    storms = [Storm(cause, number, 0.5) for cause in Cause for number in (1, 5)]
    notices = told(spells(storms, tmp_path), tmp_path, 120)
    assert {storm.name: (ONCE, NONE) if storm.cause.pages else (NONE, ONCE) for storm in storms} == {
        # What joins a page that was sent rings nobody.
        name: (replace(counted(found, "pager"), more=0), counted(found, "tickets"))
        for name, found in notices.items()
    }


@pytest.mark.parametrize("cause", Cause)
def test_what_a_storm_publishes_is_what_the_exporter_declares(cause: Cause) -> None:
    for series in published(Storm(cause, 2, 2.5)):
        name, labels = series.rstrip("}").split("{")
        if name != "up":
            assert family_of(name)
            assert set(re.findall(r"(\w+)=\"", labels)) <= labels_of(name) | SCRAPE_LABELS, series


def _notice(minute: int, *alerts: str, group: str = "a") -> Notice:
    return Notice(minute, "pager", group, alerts)


def test_what_begins_after_the_repair_is_counted_as_told_again() -> None:
    notices = [_notice(10, "One"), _notice(30), _notice(50, "One"), _notice(60)]
    assert Counts(begun=1, again=1, over=2) == counted(notices, "pager")


def test_what_joins_an_incident_is_no_new_one() -> None:
    notices = [_notice(10, "One"), _notice(15, "One", "Two"), _notice(15, "One", group="b"), _notice(60)]
    assert Counts(begun=2, more=1, over=1) == counted(notices, "pager")
    assert NONE == counted(notices, "tickets")


def test_the_document_shows_what_was_measured() -> None:
    assert table(json.loads(MEASURED.read_text())) in DOCUMENT.read_text()
