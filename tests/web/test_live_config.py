"""The web configuration in force, where no server has to listen to show it."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest
import structlog.testing

from exporter.web.config import WebConfig
from exporter.web.live_config import ReloadingWebConfig


def test_without_a_file_no_thread_is_started_to_look_at_it(monkeypatch: pytest.MonkeyPatch) -> None:
    live, started = ReloadingWebConfig(WebConfig()), []
    monkeypatch.setattr(threading.Thread, "start", lambda thread: started.append(thread.name))
    assert WebConfig() == live.config()
    assert [] == started


def test_a_bug_while_the_file_is_read_again_is_logged_and_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "web.yml"
    file.write_text("")
    live = ReloadingWebConfig(before := WebConfig.load(file))

    def bug(_: Path) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(WebConfig, "load", bug)
    file.write_text("probes_require_auth: true\n")
    with structlog.testing.capture_logs() as logged:
        assert [before, before] == [live.config(), live.config()]
    assert ["web_config_reload_crashed"] == [line["event"] for line in logged]
