"""What a user writes about a calendar: what is kept of it, and what is shown nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import config_hash, effective_config, load_config
from exporter.platforms.calendar.settings import CalendarTarget

URL = "https://dav.example.org/anna.canary/main/"
CONFIG = """
targets:
  - name: anna-cal
    platform: calendar
    caldav: {{url: {url}, username: {user}, password: {{file: word}}, read: {read}}}
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "word").write_text("  p4ss w\u00f6rd of anna\n")
    (tmp_path / "word").chmod(0o600)
    return tmp_path


def written(folder: Path, url: str = URL, user: str = "anna.canary", read: str = "free_busy", more: str = "") -> Path:
    path = folder / "exporter.yml"
    path.write_text(CONFIG.format(url=url, user=user, read=read) + more)
    path.chmod(0o600)
    return path


def target_in(path: Path) -> CalendarTarget:
    (target,) = load_config(path).targets
    assert isinstance(target, CalendarTarget)
    return target


def test_a_calendar_needs_an_address_a_user_and_a_password(folder: Path) -> None:
    caldav = target_in(written(folder)).caldav
    assert caldav is not None
    found = (caldav.url.reveal(), caldav.username.reveal(), caldav.read)
    assert (URL, "anna.canary", "free_busy") == found


def test_a_password_keeps_its_blanks_and_letters_and_loses_the_end_of_its_line(folder: Path) -> None:
    caldav = target_in(written(folder)).caldav
    assert caldav is not None
    assert "p4ss w\u00f6rd of anna" == caldav.password.reveal()


def test_the_collector_runs_every_five_minutes_in_the_windows_of_pairs(folder: Path) -> None:
    busy = target_in(written(folder)).collectors.busy
    assert busy is not None
    assert (300, 900) == (busy.interval, busy.max_age_seconds)
    assert ["next_24h", "next_7d"] == [window.name for window in busy.windows]


def test_where_no_window_has_the_name_of_a_pairs_window_all_are_told(folder: Path) -> None:
    windows = "windows: [{name: month, from: now, to: now+30d}]\n"
    busy = target_in(written(folder, more=windows)).collectors.busy
    assert busy is not None
    assert ["month"] == [window.name for window in busy.windows]


def test_of_the_address_the_host_alone_is_shown_and_of_the_user_nothing(folder: Path) -> None:
    shown = effective_config(load_config(written(folder)))
    assert "canary" not in shown
    assert "https://dav.example.org/********" in shown
    assert "file: word" in shown


def test_another_host_is_another_configuration_and_another_path_is_told_by_nothing(folder: Path) -> None:
    first = config_hash(load_config(written(folder)))
    assert first != config_hash(load_config(written(folder, url="https://other.example.org/anna.canary/main/")))
    assert first == config_hash(load_config(written(folder, url="https://dav.example.org/ben/main/")))
    assert first != config_hash(load_config(written(folder, read="entries")))


def test_the_same_calendar_twice_is_one_account_that_is_named_by_its_host(folder: Path) -> None:
    target = target_in(written(folder))
    assert target.account is not None
    assert "the calendar on dav.example.org" == target.account.shown
    other = target_in(written(folder, url="https://dav.example.org/ben/main/"))
    assert other.account is not None
    assert other.account.key != target.account.key


def test_a_calendar_that_is_watched_twice_is_warned_of(folder: Path) -> None:
    again = CONFIG.format(url=URL, user="ben", read="entries").replace("targets:\n", "").replace("anna-cal", "again")
    config = load_config(written(folder, more=again))
    what = "its data counts twice, or its credential was copied by mistake"
    assert [f"the calendar on dav.example.org is also watched as anna-cal: {what}"] == [
        warning.message for warning in config.gaps
    ]


def test_a_calendar_that_is_asked_every_few_seconds_is_warned_of(folder: Path) -> None:
    often = "    collectors: {busy: {interval: 30s}}\n"
    (warning,) = load_config(written(folder, more=often)).warnings
    assert "targets[0].collectors.busy.interval" == warning.path


def test_the_source_of_the_credential_is_told(folder: Path) -> None:
    assert "word" == target_in(written(folder)).credential_source
