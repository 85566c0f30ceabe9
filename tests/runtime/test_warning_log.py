"""The log of what polls show to be unwatched: within 15 s, once when it comes and once when it goes."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import cast

from structlog.testing import capture_logs

from exporter.policy import ConfigWarning
from exporter.runtime.application import Application
from exporter.runtime.warning_log import log_warnings
from tests.harness.clock import ManualClock

AT_LOAD = ConfigWarning("conflicts_off", "salon", "double bookings are not checked", "check them")
OF_A_POLL = ConfigWarning("no_connections", "salon", "no calendar is connected", "connect one")


async def test_what_a_poll_shows_is_told_within_15_seconds_and_what_the_configuration_shows_alone_is_not() -> None:
    clock, shown = ManualClock(), [AT_LOAD]
    view = SimpleNamespace(config_warnings=shown)
    app = SimpleNamespace(config=SimpleNamespace(unwatched=(AT_LOAD,)), view=lambda: view)
    with capture_logs() as logged:
        telling = asyncio.create_task(log_warnings(cast("Application", app), clock))
        await clock.advance(60)
        shown.append(OF_A_POLL)
        await clock.advance(15)
        assert [("config_warning", "no_connections")] == [(line["event"], line["kind"]) for line in logged]
        await clock.advance(60)
        shown.remove(OF_A_POLL)
        await clock.advance(15)
        telling.cancel()
    assert ["config_warning", "config_warning_gone"] == [line["event"] for line in logged]
