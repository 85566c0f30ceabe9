"""The calendars and pairs of a demo or a drill, and what is remembered of them from the start."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.commands.demo import demo_targets, with_collectors
from exporter.commands.demo_pairs import calendar_targets, known_pairs, pairs
from exporter.config import load_config
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from exporter.state.pair_text import pair_of
from tests.harness.clock import ManualClock

ORIGIN = "http://127.0.0.1:8099"
COLLECTORS: dict[str, dict[str, dict[str, Any]]] = {
    "wix": {"connections": {}, "bookings": {"conflicts": True}},
    "bitrix24": {"bookings": {}},
    "calendar": {"busy": {}},
}


def written(folder: Path, *, feeds: bool) -> Path:
    file = folder / "exporter.yml"
    targets = [with_collectors(one, COLLECTORS) for one in (*demo_targets(ORIGIN), *calendar_targets(ORIGIN, feeds=feeds))]
    file.write_text(yaml.safe_dump({"targets": targets, "pairs": pairs("30m")}))
    return file


def test_a_calendar_is_read_as_a_feed_only_where_feeds_can_be_read() -> None:
    assert [("caldav", "ics_url"), ("caldav", "caldav")] == [
        tuple(next(key for key in ("caldav", "ics_url") if key in one) for one in calendar_targets(ORIGIN, feeds=feeds))
        for feeds in (True, False)
    ]


@pytest.mark.parametrize("feeds", [True, False])
def test_the_calendars_and_pairs_of_the_demo_are_a_configuration_without_a_warning_about_them(
    feeds: bool, tmp_path: Path
) -> None:
    config = load_config(written(tmp_path, feeds=feeds))
    assert ["anna", "mila"] == [spec.name for spec in config.pair_specs]
    assert all(spec.exports and not spec.imports for spec in config.pair_specs)
    assert [] == [warning for warning in config.warnings if "pairs" in str(warning)]


def test_each_pair_is_remembered_as_proved_with_every_booking_that_has_a_copy(tmp_path: Path) -> None:
    clock = ManualClock()
    simulator = Simulator(clock, build=demo_world.build)
    known, calendars = known_pairs(written(tmp_path, feeds=False), simulator)
    assert ["anna", "mila"] == list(known)
    assert [one["name"] for one in calendar_targets(ORIGIN, feeds=False)] == list(calendars)
    for text, partner in zip(known.values(), simulator.partners, strict=True):
        memory = pair_of(text)
        assert memory is not None
        assert memory.proved
        assert clock.now - memory.since > 7 * 86_400
        bookings = [one for one in partner.source.bookings() if one.live and one.made < clock.now - 60]
        soon = [one for one in bookings if clock.now <= one.start < clock.now + 7 * 86_400]
        remembered = {(row.start, row.end) for row in memory.bookings.values() if row.arrived is not None}
        assert {(one.start, one.end) for one in soon} <= remembered
        assert len(soon) > 10


def test_of_a_world_without_calendars_no_pair_is_remembered(tmp_path: Path) -> None:
    assert ({}, {}) == known_pairs(written(tmp_path, feeds=False), Simulator(ManualClock()))
