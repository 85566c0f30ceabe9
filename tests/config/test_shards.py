"""Which process of several watches a target: what may not be divided stays together, the rest is spread evenly and stays."""

from __future__ import annotations

from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.config import Config, config_hash, load_config, shard_of, with_sites
from exporter.platforms.wix.settings import WixTarget

KEY = "IST.planted-api-key-5b1c"
CODE = "planted0123456789"
ACCOUNT = "15f02319-40ff-4288-b8e6-69c791adae5e"
MANY = 5_000


def guid(number: int) -> str:
    return f"{number:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"


def wix(number: int, **said: object) -> dict[str, Any]:
    return {"name": f"salon-{number}", "platform": "wix", "site_id": guid(number), "api_key": KEY, **said}


def portal(name: str, host: str, **said: object) -> dict[str, Any]:
    return {"name": name, "platform": "bitrix24", "webhook_url": f"https://{host}/rest/1/{CODE}/", **said}


def oauth(name: str, token_file: str, **said: object) -> dict[str, Any]:
    application = {"client_id": "local.1", "client_secret": "planted-secret", "token_file": token_file}
    return {"name": name, "platform": "bitrix24", "oauth": application, **said}


def load(folder: Path, *targets: dict[str, Any], **top: object) -> Config:
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": list(targets), **top}))
    return load_config(path, {})


def named(config: Config) -> frozenset[str]:
    return frozenset(target.name for target in config.targets)


def shards(config: Config, count: int) -> list[frozenset[str]]:
    return [named(shard_of(config, index, count)) for index in range(count)]


TOGETHER = {
    "one webhook host": lambda n: [portal("a", f"p{n}.bitrix24.de"), portal("b", f"p{n}.bitrix24.de")],
    "one host, written in two ways": lambda n: [portal("a", f"P{n}.Bitrix24.de"), portal("b", f"p{n}.bitrix24.de:443")],
    "one international host": lambda n: [portal("a", f"bücher{n}.de"), portal("b", f"BÜCHER{n}.de")],
    "one host, asked in two ways": lambda n: [
        portal("a", f"p{n}.bitrix24.de"),
        portal("b", f"p{n}.bitrix24.de", base_url="https://proxy.example"),
    ],
    "one token file": lambda n: [oauth("a", f"tokens-{n}.json"), oauth("b", f"./tokens-{n}.json")],
    "one token file, by a way round": lambda n: [oauth("a", f"tokens/{n}.json"), oauth("b", f"tokens/../tokens/{n}.json")],
    "a portal that an application names": lambda n: [
        portal("a", f"p{n}.bitrix24.de"),
        oauth("b", f"t{n}.json", base_url=f"https://p{n}.bitrix24.de"),
    ],
    "one by way of another": lambda n: [
        portal("a", f"p{n}.bitrix24.de"),
        oauth("b", f"t{n}.json", base_url=f"https://p{n}.bitrix24.de"),
        oauth("c", f"t{n}.json", base_url=f"https://q{n}.bitrix24.de"),
        portal("d", f"q{n}.bitrix24.de"),
    ],
    "one Wix site": lambda n: [wix(n, name="a"), wix(n, name="b", site_id=guid(n).upper())],
}


@pytest.mark.slow
@pytest.mark.parametrize("why", TOGETHER)
def test_targets_that_share_a_limit_or_a_token_file_stay_in_one_process(why: str, tmp_path: Path) -> None:
    for number, turned in product(range(10), (False, True)):
        targets = TOGETHER[why](number)
        config = load(tmp_path, *(reversed(targets) if turned else targets))
        for count in (2, 3, 7):
            assert {frozenset(), named(config)} == set(shards(config, count))


@pytest.mark.slow
def test_each_target_is_watched_by_one_process_and_no_process_by_none(tmp_path: Path) -> None:
    config = load(tmp_path, *map(wix, range(300)), *(portal(f"portal-{n}", f"p{n}.bitrix24.de") for n in range(300)))
    for count in (1, 2, 7):
        parts = shards(config, count)
        assert (600, 600) == (sum(map(len, parts)), len(frozenset().union(*parts)))


@pytest.fixture(scope="module")
def many(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Five thousand sites."""
    config = load(tmp_path_factory.mktemp("many"), wix(0))
    (site,) = config.targets
    assert isinstance(site, WixTarget)
    sites = (site.model_copy(update={"name": f"salon-{n}", "site_id": guid(n)}) for n in range(MANY))
    return config.model_copy(update={"targets": tuple(sites)})


@pytest.mark.slow
@pytest.mark.parametrize(("count", "within"), [(2, 0.03), (5, 0.06), (10, 0.10)])
def test_five_thousand_sites_are_spread_evenly(many: Config, count: int, within: float) -> None:
    fair = MANY / count
    off = [abs(len(part) - fair) / fair for part in shards(many, count)]
    assert max(off) <= within


@pytest.mark.slow
@pytest.mark.parametrize("count", [1, 2, 4, 7])
def test_a_new_process_takes_its_share_from_all_others_and_nothing_else_moves(many: Config, count: int) -> None:
    before = shards(many, count)
    *old, new = shards(many, count + 1)
    share = 1 / (count + 1)
    assert all(now <= then for then, now in zip(before, old, strict=True))  # nothing came: nothing moved between old ones
    assert abs(len(new) / MANY - share) <= 0.06 * share
    assert all(abs(len(then - now) / len(then) - share) <= 0.15 * share for then, now in zip(before, old, strict=True))


@pytest.fixture(scope="module")
def portals(tmp_path_factory: pytest.TempPathFactory) -> Config:
    """Six portals."""
    return load(tmp_path_factory.mktemp("portals"), *(portal(f"p{n}", f"p{n}.bitrix24.de") for n in range(6)))


@pytest.mark.slow
@settings(max_examples=50, deadline=None)
@given(hosts=st.lists(st.integers(0, 5), min_size=1, max_size=12), count=st.integers(1, 5))
def test_a_target_stays_where_it_is_when_others_that_share_nothing_with_it_come(
    portals: Config, hosts: list[int], count: int
) -> None:
    targets = tuple(portals.targets[host].model_copy(update={"name": f"t{place}"}) for place, host in enumerate(hosts))
    for index in range(count):
        here = named(shard_of(portals.model_copy(update={"targets": targets}), index, count))
        alone = (shard_of(portals.model_copy(update={"targets": (target,)}), index, count) for target in targets)
        assert here == frozenset().union(*map(named, alone))


@pytest.mark.slow
def test_processes_agree_whatever_folder_their_files_lie_in(tmp_path: Path) -> None:
    for number in range(20):
        (tmp_path / f"{number}").mkdir()
        (tmp_path / f"elsewhere-{number}").mkdir()
        here, there = (load(tmp_path / folder, oauth("a", "tokens/a.json")) for folder in (f"{number}", f"elsewhere-{number}"))
        assert shards(here, 5) == shards(there, 5)


def test_a_site_that_a_rule_found_falls_to_the_process_that_would_have_it_by_the_file(tmp_path: Path) -> None:
    rule = {"name": "agency", "platform": "wix", "account_id": ACCOUNT, "api_key": KEY}
    ids = range(60)
    found = {"agency": {guid(number): f"salon-{number}" for number in ids}}
    by_rule = load(tmp_path, discover=[rule])
    by_hand = load(tmp_path, *map(wix, ids))
    for index in range(4):
        assert named(shard_of(by_hand, index, 4)) == named(with_sites(shard_of(by_rule, index, 4), found))


def test_where_a_target_falls_is_the_same_in_every_version(tmp_path: Path) -> None:
    config = load(
        tmp_path,
        *map(wix, range(4)),
        portal("b24", "salon.bitrix24.de"),
        oauth("app", "tokens.json"),
        oauth("far", "/x/t.json"),
    )
    assert [{"salon-0", "salon-3"}, {"salon-1", "app"}, {"salon-2", "b24", "far"}] == shards(config, 3)


def test_shards_of_one_file_agree_on_its_hash_and_those_of_another_do_not(tmp_path: Path) -> None:
    config = load(tmp_path, *map(wix, range(8)), state_file="state.json")
    hashes = {config_hash(shard_of(config, index, count)) for count in (1, 2, 5) for index in range(count)}
    assert {config_hash(config)} == hashes
    other = load(tmp_path, *map(wix, range(8)), wix(8), state_file="state.json")
    assert hashes.isdisjoint(config_hash(shard_of(other, index, 2)) for index in range(2))


def test_a_shard_knows_what_its_own_targets_leave_unwatched(tmp_path: Path) -> None:
    not_checked = {"bookings": {"platform_conflicts": False}}
    config = load(tmp_path, *(wix(number, collectors=not_checked) for number in range(8)))
    for index in range(2):
        shard = shard_of(config, index, 2)
        assert named(shard) == {row.target for row in shard.unwatched} < named(config)


@pytest.mark.parametrize("index", [-1, 3])
def test_a_shard_that_is_none_of_them_is_refused(tmp_path: Path, index: int) -> None:
    with pytest.raises(ValueError, match="count from 0"):
        shard_of(load(tmp_path, wix(0)), index, 3)


def test_shards_keep_state_files_of_their_own_because_each_drops_the_targets_of_the_others(tmp_path: Path) -> None:
    config = load(tmp_path, wix(0), state_file="state.json")
    assert [tmp_path / f"state.json.shard-{index}-of-2" for index in range(2)] == [
        shard_of(config, index, 2).state_file for index in range(2)
    ]
