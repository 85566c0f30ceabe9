"""Two rules that look into one account: each counts what its own lists lack."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
import yaml

from exporter.config import Config, load_config, shard_of
from exporter.platforms.discovery import FoundSite, FoundSites
from exporter.platforms.wix.settings import WixTarget
from exporter.runtime.known_sites import KnownSites

ACCOUNT = "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10"


def config_of(folder: Path, *rules: str, **top: str) -> Config:
    rows = [{"name": name, "platform": "wix", "account_id": ACCOUNT, "api_key": f"IST.key-of-{name}"} for name in rules]
    (folder / "exporter.yml").write_text(yaml.safe_dump({"discover": rows, **top}))
    return load_config(folder / "exporter.yml", {})


def listed(*numbers: int) -> FoundSites:
    return FoundSites(tuple(FoundSite(f"{number:08d}-0000-4000-8000-000000000000", f"Salon {number}") for number in numbers))


def by_key(known: KnownSites, config: Config) -> dict[str, str]:
    """Return with whose key each site is watched."""
    return {
        target.name.split("-")[1]: target.api_key.reveal().removeprefix("IST.key-of-")
        for target in known.put_into(config).targets
        if isinstance(target, WixTarget) and target.api_key is not None
    }


def watched(known: KnownSites, config: Config) -> list[str]:
    return sorted(target.name.split("-")[1] for target in known.put_into(config).targets)


@pytest.mark.parametrize("rules", [("a",), ("a", "b"), ("a", "b", "c")], ids=len)
def test_a_site_leaves_after_three_lists_of_each_rule_however_many_rules_read_its_account(
    rules: tuple[str, ...], tmp_path: Path
) -> None:
    config, known = config_of(tmp_path, *rules), KnownSites()
    for rule in config.discover:
        known.take(rule, listed(1, 2, 3), 0)
    for times in range(1, 4):
        for rule in config.discover:
            assert ["1", "2", "3"] == watched(known, config), f"at the {times}. list of {rule.name}"
            known.take(rule, listed(1, 2), 0)
    assert ["1", "2"] == watched(known, config)


def test_keys_that_see_different_sites_of_an_account_take_none_from_each_other(tmp_path: Path) -> None:
    config, known = config_of(tmp_path, "a", "b"), KnownSites()
    first, second = config.discover
    for _ in range(5):
        known.take(first, listed(1, 2, 3), 0)
        known.take(second, listed(3, 4), 0)
        assert ["1", "2", "3", "4"] == watched(known, config)
        assert [] == [text for rule in config.discover for text, _ in known.trouble(rule)]
    assert {"1": "a", "2": "a", "3": "a", "4": "b"} == by_key(known, config)


def test_a_rule_that_gets_another_name_goes_on_with_what_the_old_one_found(tmp_path: Path) -> None:
    known = KnownSites()
    known.take(config_of(tmp_path, "a").discover[0], listed(1, 2), 0)
    renamed = config_of(tmp_path, "b")
    assert ["1", "2"] == watched(known, renamed)
    known.keep_rules(["b"])
    for _ in range(3):
        assert ["1", "2"] == watched(known, renamed)
        known.take(renamed.discover[0], listed(1), 0)
    assert ["1"] == watched(known, renamed)


def test_a_site_that_one_rule_lost_is_watched_by_the_other(tmp_path: Path) -> None:
    config, known = config_of(tmp_path, "a", "b"), KnownSites()
    first, second = config.discover
    for rule in config.discover:
        known.take(rule, listed(1, 2, 3), 0)
    for _ in range(4):
        known.take(first, listed(1, 2), 0)
        known.take(second, listed(1, 2, 3), 0)
    assert ["1", "2", "3"] == watched(known, config)


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_after_a_restart_each_site_is_watched_with_a_key_that_lists_it(order: tuple[int, int], tmp_path: Path) -> None:
    config = config_of(tmp_path, "a", "b", state_file="state.json")
    first = KnownSites()
    for rule, found in zip(config.discover, (listed(1, 2), listed(3)), strict=True):
        first.take(rule, found, 0)
    first.save(config)
    second = KnownSites()
    second.remember(config)
    assert {"1", "2", "3"} == by_key(second, config).keys()
    for number in order:
        second.take(config.discover[number], (listed(1, 2), listed(3))[number], 0)
    assert {"1": "a", "2": "a", "3": "b"} == by_key(second, config)


def sharded(folder: Path, shard: str) -> Config:
    """Return the configuration of a process that keeps its sites in the part ``shard``."""
    index, count = map(int, shard.split("-of-"))
    return shard_of(config_of(folder, "a", state_file="state.json"), index, count)


def lived(folder: Path, shard: str, at: float, *sites: FoundSite) -> list[str]:
    """Let a process find ``sites``. Returns what it knew before it asked."""
    config, known = sharded(folder, shard), KnownSites()
    known.remember(config)
    (rule,) = config.discover
    before = [target.name for target in known.put_into(config_of(folder, "a")).targets]
    known.take(rule, FoundSites(sites), 0)
    written = folder / f"state.json.shard-{shard}.sites"
    last = written.stat().st_mtime_ns if written.exists() else None
    if known.version != known.in_force:
        known.save(config)
    if written.exists() and written.stat().st_mtime_ns != last:
        os.utime(written, (at, at))
    return before


def site(number: int, name: str) -> FoundSite:
    return FoundSite(f"{number:08d}-0000-4000-8000-000000000000", name)


def test_a_shard_that_is_back_knows_what_others_found_meanwhile_and_calls_its_sites_as_it_did(tmp_path: Path) -> None:
    lived(tmp_path, "0-of-2", 1e9, site(1, "Berlin"))
    lived(tmp_path, "0-of-3", 2e9, site(1, "Berlin"), site(2, "Leipzig"))
    assert ["berlin-00000001", "leipzig-00000002"] == lived(tmp_path, "0-of-2", 3e9, site(1, "Berlin"), site(2, "Halle"))
    (tmp_path / "state.json.shard-0-of-3.sites").unlink()
    assert ["berlin-00000001", "leipzig-00000002"] == lived(tmp_path, "0-of-2", 4e9, site(1, "Berlin"), site(2, "Halle"))


def test_a_site_that_left_does_not_come_back_from_a_part_that_is_older(tmp_path: Path) -> None:
    lived(tmp_path, "0-of-3", 1e9, site(1, "Berlin"), site(2, "Leipzig"))
    lived(tmp_path, "0-of-2", 2e9, site(1, "Berlin"), site(2, "Leipzig"))
    for _ in range(3):
        lived(tmp_path, "0-of-2", 3e9, site(1, "Berlin"))
    config, known = sharded(tmp_path, "0-of-2"), KnownSites()
    known.remember(config)
    (rule,) = config.discover
    for _ in range(3):
        known.take(rule, FoundSites((site(1, "Berlin"),)), 0)
    known.save(config)
    os.utime(tmp_path / "state.json.shard-0-of-2.sites", (4e9, 4e9))
    assert ["berlin-00000001"] == lived(tmp_path, "0-of-2", 5e9, site(1, "Berlin"))
