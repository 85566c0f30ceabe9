"""What tells accounts apart in the state file: another calendar on a host is another one, and the file has no address."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import load_config
from exporter.runtime import account_hash

DAV = "https://dav.example.org/anna/main/"
FEED = "https://feeds.example.org/private-4e1f/basic.ics"


def account(folder: Path, known: str = "", **where: Any) -> str:  # noqa: ANN401  fields of a target
    file = folder / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "anna-cal", "platform": "calendar", **where}]}))
    (target,) = load_config(file).targets
    return account_hash(target, known)


def by_dav(folder: Path, known: str = "", **other: str) -> str:
    return account(folder, known, caldav={"url": DAV, "username": "anna", "password": "first", **other})


def by_feed(folder: Path, known: str = "", url: str = FEED) -> str:
    return account(folder, known, ics_url=url)


def test_the_same_calendar_is_known_again_by_what_the_file_has_of_it(tmp_path: Path) -> None:
    dav, feed = by_dav(tmp_path), by_feed(tmp_path)
    assert [dav, feed] == [by_dav(tmp_path, dav), by_feed(tmp_path, feed)]


def test_another_address_on_the_same_host_is_another_calendar(tmp_path: Path) -> None:
    dav, feed = by_dav(tmp_path), by_feed(tmp_path)
    assert dav != by_dav(tmp_path, dav, url="https://dav.example.org/anna/private/")
    assert feed != by_feed(tmp_path, feed, url=FEED.replace("4e1f", "4e1e"))


def test_another_password_is_the_same_calendar(tmp_path: Path) -> None:
    known = by_dav(tmp_path)
    assert known == by_dav(tmp_path, known, password="second")


def test_each_file_has_a_key_of_its_own_for_a_calendar(tmp_path: Path) -> None:
    assert by_dav(tmp_path) != by_dav(tmp_path)


@pytest.mark.parametrize("known", ["9f8e7d6c5b4a", "x" * 32, "0" * 31, "0" * 33])
def test_what_is_no_hash_of_a_calendar_is_not_taken_for_one(known: str, tmp_path: Path) -> None:
    made = by_dav(tmp_path, known)
    assert known != made
    assert made == by_dav(tmp_path, made)


def test_a_hash_fits_into_the_state_file_and_tells_nothing(tmp_path: Path) -> None:
    made = by_dav(tmp_path)
    assert 40 >= len(made)
    assert "anna" not in made


def test_the_hash_of_a_site_is_what_it_was(tmp_path: Path) -> None:
    site = "0a1b2c3d-0000-4000-8000-000000000001"
    file = tmp_path / "exporter.yml"
    file.write_text(yaml.safe_dump({"targets": [{"name": "s", "platform": "wix", "site_id": site, "api_key": "IST.planted"}]}))
    (target,) = load_config(file).targets
    assert account_hash(target, "0" * 32) == account_hash(target)
    assert 12 == len(account_hash(target))
