"""What a demo or a drill knows of the week before."""

from __future__ import annotations

import json
from pathlib import Path

from exporter.commands.demo import demo_targets
from exporter.commands.known_week import write_known_week
from exporter.counting import Busy
from exporter.platforms.wix.event_memory import key_of
from exporter.simulator import Simulator
from exporter.simulator.drills import demo_world
from tests.harness.clock import ManualClock

DAY = 86_400.0


def test_private_events_of_the_next_days_were_seen_before_the_start_and_looked_for_by_no_poll_before(tmp_path: Path) -> None:
    clock = ManualClock()
    write_known_week(tmp_path / "state.json", Simulator(clock, build=demo_world.build), demo_targets("http://127.0.0.1"))
    noon = (clock.now // DAY + 1) * DAY + 11.25 * 3600
    key = key_of(Busy(demo_world.PHYSIO_SCHEDULES[1], noon, noon + 1800.0))
    seen = json.loads((tmp_path / "state.json").read_text())["events"]["physio-hamburg-wix"]["seen"]
    assert [clock.now - 60, 0] == seen[key]
