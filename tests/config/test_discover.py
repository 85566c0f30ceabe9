"""Rules that find sites: what may be written, what becomes of what they find, and what it is called."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import Config, config_hash, effective_config, load_config, name_of, shard_of, with_sites
from exporter.errors import ConfigError
from exporter.platforms.discovery import FoundSite

KEY = "IST.planted-api-key-5b1c"
ACCOUNT = "15f02319-40ff-4288-b8e6-69c791adae5e"


def guid(number: int) -> str:
    return f"{number:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"


def rule(name: str = "agency", **changes: object) -> dict[str, Any]:
    return {"name": name, "platform": "wix", "account_id": ACCOUNT, "api_key": KEY, **changes}


def wix(name: str, number: int) -> dict[str, Any]:
    return {"name": name, "platform": "wix", "site_id": guid(number), "api_key": KEY}


def load(folder: Path, **top: object) -> Config:
    path = folder / "exporter.yml"
    path.write_text(yaml.safe_dump(top))
    return load_config(path, {})


def found(*numbers: int) -> dict[str, str]:
    return {guid(number): f"site-{number}" for number in numbers}


def names(config: Config) -> list[str]:
    return [target.name for target in config.targets]


def test_rules_alone_are_a_configuration_and_what_they_find_stands_behind_the_targets(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule()], targets=[wix("salon", 1)])
    assert ["salon", "site-2", "site-3"] == names(with_sites(config, {"agency": found(2, 3)}))
    assert [] == names(load(tmp_path, discover=[rule()]))


def test_a_found_site_has_the_key_of_the_rule_and_all_that_its_target_says(tmp_path: Path) -> None:
    said = {
        "labels": {"agency": "north"},
        "timeout": "7s",
        "timezone": "Asia/Tokyo",
        "collectors": {"connections": {"interval": "2m"}},
    }
    config = load(tmp_path, timezone="Europe/Berlin", discover=[rule(target=said)])
    (target,) = with_sites(config, {"agency": found(2)}).targets
    by_hand = load(tmp_path, timezone="Europe/Berlin", targets=[{**wix("site-2", 2), **said}])
    assert by_hand.targets[0] == target


def test_what_a_rule_leaves_out_is_as_in_any_target(tmp_path: Path) -> None:
    top: dict[str, Any] = {"timezone": "Europe/Berlin", "windows": [{"name": "soon", "from": "now", "to": "now+2h"}]}
    (target,) = with_sites(load(tmp_path, discover=[rule()], **top), {"agency": found(2)}).targets
    assert load(tmp_path, targets=[wix("site-2", 2)], **top).targets[0] == target


def test_a_site_that_stands_in_the_file_is_the_one_that_stands_there(tmp_path: Path) -> None:
    by_hand = {**wix("salon", 2), "site_id": guid(2).upper()}
    config = load(tmp_path, discover=[rule()], targets=[by_hand])
    assert ["salon", "site-3"] == names(with_sites(config, {"agency": found(2, 3)}))


def test_a_site_of_two_rules_is_the_first_ones_and_no_name_is_given_twice(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule("a"), rule("b")], targets=[wix("site-4", 1)])
    whole = with_sites(config, {"a": found(2), "b": found(2, 3, 4)})
    assert ["site-4", "site-2", "site-3", f"site-4{guid(4)[8:]}"] == names(whole)


def test_what_was_found_is_replaced_and_not_added_to(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule()], targets=[wix("salon", 1)])
    before = with_sites(config, {"agency": found(2, 3)})
    assert ["salon", "site-3", "site-5"] == names(with_sites(before, {"agency": found(3, 5)}))
    assert config == with_sites(before, {})


@pytest.mark.parametrize("count", [1, 2, 7])
def test_each_site_is_watched_by_one_shard_whatever_its_name_is_there(count: int, tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule()], targets=[wix("salon", 7), wix("physio", 8)])
    watched = []
    for index in range(count):
        ids = {guid(number): f"seen-by-{index}-{number}" for number in range(100)}
        watched += [target.account for target in with_sites(shard_of(config, index, count), {"agency": ids}).targets]
    assert (100, 100) == (len(watched), len(set(watched)))


def test_the_hash_is_that_of_the_file_and_the_effective_configuration_shows_what_was_found(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule()], targets=[wix("salon", 1)])
    whole = with_sites(config, {"agency": found(2)})
    assert config_hash(config) == config_hash(whole)
    shown = yaml.safe_load(effective_config(whole))
    assert (["salon", "site-2"], "agency") == ([target["name"] for target in shown["targets"]], shown["discover"][0]["name"])
    assert KEY not in effective_config(whole)


def test_what_all_sites_of_a_rule_leave_unwatched_is_said_once_of_the_rule_and_known_of_each(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule(target={"collectors": {"bookings": {"platform_conflicts": False}}})])
    assert [("discover[0].target.collectors.bookings.conflicts", "exporter.yml")] == [
        (gap.path, Path(gap.file).name) for gap in config.gaps
    ]
    kinds = [(warning.kind, warning.target) for warning in with_sites(config, {"agency": found(2, 3)}).unwatched]
    assert [("conflicts_off", "site-2"), ("conflicts_off", "site-3")] == kinds


def test_site_users_may_name_a_site_of_a_rule(tmp_path: Path) -> None:
    config = load(tmp_path, discover=[rule(target={"labels": {"site": "agency"}})], site_users={"agency": ["anna"]})
    assert {"agency"} == set(config.site_users)


WRONG = {
    "nothing to watch": ({"discover": [], "targets": []}, "targets"),
    "no list": ({"discover": {}}, "discover"),
    "no rule": ({"discover": ["agency"]}, "discover[0]"),
    "another platform": ({"discover": [rule(platform="bitrix24")]}, "discover[0].platform"),
    "no account": (
        {"discover": [{key: value for key, value in rule().items() if key != "account_id"}]},
        "discover[0].account_id",
    ),
    "no key": ({"discover": [{key: value for key, value in rule().items() if key != "api_key"}]}, "discover[0].api_key"),
    "a key with its scheme": ({"discover": [rule(api_key=f"Bearer {KEY}")]}, "discover[0].api_key"),
    "a name twice": ({"discover": [rule(), rule()]}, "discover[1].name"),
    "too often": ({"discover": [rule(interval="59s")]}, "discover[0].interval"),
    "too seldom": ({"discover": [rule(interval="25h")]}, "discover[0].interval"),
    "no site at most": ({"discover": [rule(max_sites=0)]}, "discover[0].max_sites"),
    "an unknown key": ({"discover": [rule(except_="x")]}, "discover[0].except_"),
    "a pattern that is none": ({"discover": [rule(only=[5])]}, "discover[0].only[0]"),
    "an unknown key of a target": ({"discover": [rule(target={"colour": 1})]}, "discover[0].target.colour"),
    "a target that is none": ({"discover": [rule(target=5)]}, "discover[0].target"),
    "a window that is none": (
        {"discover": [rule(target={"collectors": {"bookings": {"windows": ["soon"]}}})]},
        "discover[0].target.collectors.bookings.windows[0]",
    ),
    **{
        f"{key} in the target": ({"discover": [rule(target={key: "x"})]}, f"discover[0].target.{key}")
        for key in ("name", "platform", "site_id", "api_key", "app_id", "app_secret", "instance_id")
    },
}


@pytest.mark.parametrize(("top", "path"), WRONG.values(), ids=WRONG)
def test_what_is_wrong_is_told_with_its_place_and_a_fix(top: dict[str, object], path: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, **top)
    problems = caught.value.problems
    assert path in [problem.path for problem in problems]
    assert len(problems) <= 2
    assert all(problem.fix for problem in problems)
    assert KEY not in str(caught.value)


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("Salon Berlin", "salon-berlin-0000000a"),
        ("  Café *Zürich* — Nº 5!  ", "café-zürich-no-5-0000000a"),
        ("Салон на Неве", "салон-на-неве-0000000a"),
        ("हिन्दी सैलून", "हिन्दी-सैलून-0000000a"),
        ("サロン 銀座", "サロン-銀座-0000000a"),
        ("", "site-0000000a"),
        ("...", "site-0000000a"),
        ("x\u202ey\u200bz\x1b[31m", "x-y-z-31m-0000000a"),
        ("a/b\\c\"d'e", "a-b-c-d-e-0000000a"),
        ("w" * 500, "w" * 60 + "-0000000a"),
    ],
)
def test_a_target_is_called_by_the_words_of_its_site_and_the_first_digits_of_its_id(name: str, shown: str) -> None:
    assert shown == name_of(FoundSite(guid(10), name))


@pytest.mark.parametrize("text", ["anna@example.org", f"key {KEY}", "https://user:secret77@example.org"])
def test_no_credential_and_no_address_of_a_person_gets_into_a_name(text: str) -> None:
    shown = name_of(FoundSite(guid(10), text))
    assert not any(part in shown for part in ("anna", "planted", "secret77"))


def test_defaults_are_filled_into_what_all_sites_of_a_rule_share_but_no_credential(tmp_path: Path) -> None:
    shared = {
        "timeout": "7s",
        "labels": {"team": "a"},
        "api_key": "IST.key-of-others",
        "collectors": {"bookings": {"conflicts": True}},
    }
    config = load(tmp_path, defaults={"wix": shared}, discover=[rule(target={"labels": {"agency": "north"}})])
    (target,) = with_sites(config, {"agency": found(2)}).targets
    assert (7.0, {"team": "a", "agency": "north"}, True) == (
        target.timeout,
        target.labels,
        target.collectors.bookings.conflicts,
    )
    assert rule()["api_key"] == target.api_key.reveal()  # type: ignore[attr-defined]  # of a Wix target
    assert () == config.warnings


def test_a_mistake_in_defaults_is_told_there_and_once(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as caught:
        load(tmp_path, defaults={"wix": {"timeout": "soon"}}, discover=[rule()])
    assert ["defaults.wix.timeout"] == [problem.path for problem in caught.value.problems]
