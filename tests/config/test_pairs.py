"""Pairs of bookings and calendars: what is filled in, what is warned of, and what becomes of them in shards and reloads."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.config import Config, LoadCache, config_hash, effective_config, load_config, paired_resources, shard_of
from exporter.config.pair_checks import pair_problems
from exporter.errors import ConfigError
from exporter.proof import PairSpec
from exporter.state.pair_ends import ends_hash

ANNA = "1f1c2d3e-1111-4222-8333-444455556666"
IDS = frozenset({ANNA})
CHAIR = "2F1C2D3E-1111-4222-8333-444455556666"
SALON: dict[str, Any] = {
    "name": "salon",
    "platform": "wix",
    "site_id": "7f1c2d3e-1111-4222-8333-444455556666",
    "api_key": "planted-key-0123456789",
    "aliases": {ANNA: "Anna"},
    "resource_aliases": {CHAIR: "Chair 1"},
}
PORTAL: dict[str, Any] = {
    "name": "portal",
    "platform": "bitrix24",
    "webhook_url": "https://portal.example/rest/1/planted0123456789/",
    "resource_aliases": {"7": "Chair 7"},
}
PAIR: dict[str, Any] = {"name": "anna", "bookings": {"target": "salon", "resource": "Anna"}, "calendar": "anna-cal"}


def calendar(name: str = "anna-cal", **said: object) -> dict[str, Any]:
    dav = {"url": f"https://dav.example.org/{name}/main/", "username": "anna", "password": "planted-password"}
    return {"name": name, "platform": "calendar", "caldav": dav, **said}


def load(folder: Path, *pairs: dict[str, Any], targets: list[dict[str, Any]] | None = None, **top: object) -> Config:
    path = folder / "exporter.yml"
    rows = targets or [SALON, PORTAL, calendar()]
    path.write_text(yaml.safe_dump({"targets": rows, "pairs": list(pairs), **top}))
    return load_config(path, {})


def told(config: Config) -> list[str]:
    return [str(warning).partition(": ")[2] for warning in config.warnings if "pairs[" in str(warning)]


def test_a_pair_leaves_out_what_its_targets_tell(tmp_path: Path) -> None:
    config = load(tmp_path, PAIR)
    assert (PairSpec("anna", "salon", "Anna", "anna-cal", 1800.0, imports=False, ids=IDS),) == config.pair_specs
    (pair,) = config.pairs
    assert (1800.0, ("export",)) == (pair.grace, pair.directions)
    assert [] == told(config)


@pytest.mark.parametrize("paused", [False, True], ids=["both are read", "one is paused"])
def test_two_targets_of_one_address_are_one_calendar(tmp_path: Path, *, paused: bool) -> None:
    same = calendar() | {"name": "same-cal", "paused": paused}
    ben = PAIR | {"name": "ben", "bookings": {"target": "salon", "resource": "Chair 1"}, "calendar": "same-cal"}
    mila = {"name": "mila", "bookings": {"target": "portal", "resource": "Chair 7"}, "calendar": "mila-cal"}
    config = load(tmp_path, PAIR, ben, mila, targets=[SALON, PORTAL, calendar(), same, calendar("mila-cal")])
    read = {spec.name: (spec.read_as or spec.calendar, spec.others_unread) for spec in config.pair_specs}
    assert {"anna": ("anna-cal", paused), "mila": ("mila-cal", False)}.items() <= read.items()
    assert (None if paused else ("anna-cal", False)) == read.get("ben")
    [warning] = told(config)
    assert "pairs[1].calendar: is also the calendar of pairs[0]" in warning


def test_where_the_platform_tells_private_events_the_way_back_is_judged_as_well(tmp_path: Path) -> None:
    events = SALON | {"collectors": {"connections": None, "bookings": None, "events": None}}
    config = load(tmp_path, PAIR, targets=[events, calendar()])
    assert (PairSpec("anna", "salon", "Anna", "anna-cal", 1800.0, ids=IDS),) == config.pair_specs
    alone = load(tmp_path, PAIR | {"directions": ["import"]}, targets=[events, calendar()])
    assert (PairSpec("anna", "salon", "Anna", "anna-cal", 1800.0, exports=False, ids=IDS),) == alone.pair_specs


def test_what_a_pair_says_itself_counts(tmp_path: Path) -> None:
    config = load(tmp_path, PAIR | {"grace": "2h", "directions": ["export"]})
    assert 7200.0 == config.pair_specs[0].grace


@pytest.mark.parametrize("end", ["salon", "anna-cal"])
def test_a_pair_of_which_an_end_is_paused_is_not_judged(tmp_path: Path, end: str) -> None:
    targets = [row | {"paused": row["name"] == end} for row in (SALON, calendar())]
    config = load(tmp_path, PAIR, targets=targets)
    assert ((), 1) == (config.pair_specs, len(config.pairs))


@pytest.mark.parametrize("odd", [[], ["anna-cal"], {}, {"name": "anna-cal"}, 1, True])
@pytest.mark.parametrize("where", ["pair", "resource", "target", "calendar", "grace", "directions", "platform", "collectors"])
def test_what_is_of_another_kind_than_it_has_to_be_is_told_as_such(tmp_path: Path, where: str, odd: object) -> None:
    bookings = PAIR["bookings"]
    if where in {"platform", "collectors"}:
        targets, pair = [SALON | {where: odd}, calendar()], PAIR
    else:
        targets, pair = (
            [SALON, calendar()],
            PAIR
            | (
                {"bookings": bookings | {where: odd}}
                if where in {"target", "resource"}
                else {"bookings" if where == "pair" else where: odd}
            ),
        )
    with pytest.raises(ConfigError):
        load(tmp_path, pair, pair, targets=targets)


@pytest.mark.parametrize("paused", [False, True])
def test_a_calendar_of_two_resources_says_whether_the_bookings_of_both_are_read(tmp_path: Path, *, paused: bool) -> None:
    other = {"name": "chair", "bookings": {"target": "portal", "resource": 7}, "calendar": "anna-cal"}
    config = load(tmp_path, PAIR, other, targets=[SALON, PORTAL | {"paused": paused}, calendar()])
    assert {"anna": paused} == {spec.name: spec.others_unread for spec in config.pair_specs if spec.name == "anna"}


def test_an_alias_that_becomes_that_of_another_resource_is_another_end_of_the_pair(tmp_path: Path) -> None:
    before, after = (
        load(tmp_path, PAIR, targets=[SALON | {"aliases": {schedule: "Anna"}}, calendar()]).pair_specs[0]
        for schedule in (ANNA, CHAIR)
    )
    assert ends_hash(before, {}) != ends_hash(after, {})


@pytest.mark.parametrize(
    ("resource", "ids"),
    [
        ("Anna", {ANNA}),
        (ANNA.upper(), {ANNA}),
        ("Chair 1", {CHAIR.lower()}),
        (CHAIR, {CHAIR.lower()}),
    ],
)
def test_a_resource_of_a_wix_site_is_a_schedule_or_a_resource_by_alias_or_id(
    tmp_path: Path, resource: str, ids: set[str]
) -> None:
    config = load(tmp_path, PAIR | {"bookings": {"target": "salon", "resource": resource}})
    assert {"salon": {resource: ids}} == paired_resources(config.pair_specs, config.targets)


@pytest.mark.parametrize(("resource", "ids"), [("Chair 7", {"7"}), (7, {"7"}), ("12", {"12"})])
def test_a_resource_of_a_portal_is_an_alias_or_an_id_with_or_without_quotes(
    tmp_path: Path, resource: object, ids: set[str]
) -> None:
    config = load(tmp_path, PAIR | {"bookings": {"target": "portal", "resource": resource}})
    assert {"portal": {str(resource): ids}} == paired_resources(config.pair_specs, config.targets)


def test_the_effective_configuration_says_what_was_filled_in(tmp_path: Path) -> None:
    shown = yaml.safe_load(effective_config(load(tmp_path, PAIR)))
    assert [PAIR | {"grace": "30m", "directions": ["export"]}] == shown["pairs"]


def test_the_hash_is_another_one_when_a_pair_is(tmp_path: Path) -> None:
    without, one = config_hash(load(tmp_path)), config_hash(load(tmp_path, PAIR))
    assert 3 == len({without, one, config_hash(load(tmp_path, PAIR | {"grace": "1h"}))})


def test_a_calendar_of_two_resources_is_allowed_and_warned_of(tmp_path: Path) -> None:
    other = PAIR | {"name": "chair", "bookings": {"target": "portal", "resource": 7}}
    (warning,) = told(load(tmp_path, PAIR, other))
    assert "is also the calendar of pairs[0]" in warning
    assert [] == told(
        load(tmp_path, PAIR, other | {"calendar": "ben-cal"}, targets=[SALON, PORTAL, calendar(), calendar("ben-cal")])
    )


def test_a_grace_that_is_over_before_the_next_poll_is_warned_of(tmp_path: Path) -> None:
    slow = calendar(collectors={"busy": {"interval": "1h"}})
    (warning,) = told(load(tmp_path, PAIR, targets=[SALON, slow]))
    assert "30m is over before the next poll: the interval is 1h" in warning
    assert [] == told(load(tmp_path, PAIR | {"grace": "1h"}, targets=[SALON, slow]))


def test_keys_for_anchors_may_hold_what_pairs_share(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    top = yaml.safe_dump({"targets": [SALON, calendar()]})
    path.write_text(
        f"x-salon: &salon {{target: salon, resource: Anna}}\n{top}"
        "pairs: [{name: anna, bookings: *salon, calendar: anna-cal}]\n"
    )
    assert "Anna" == load_config(path, {}).pair_specs[0].resource


def test_a_file_without_pairs_has_none(tmp_path: Path) -> None:
    assert () == load(tmp_path).pairs
    path = tmp_path / "exporter.yml"
    path.write_text(yaml.safe_dump({"targets": [SALON]}))
    assert () == load_config(path, {}).pair_specs


@pytest.mark.parametrize("count", [2, 3, 7])
def test_both_ends_of_a_pair_fall_to_one_shard_with_all_that_shares_either(tmp_path: Path, count: int) -> None:
    salons = [SALON | {"name": f"salon-{n}", "site_id": f"{n:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"} for n in range(20)]
    calendars = [calendar(f"cal-{n}") for n in range(20)]
    pairs = [
        PAIR | {"name": f"pair-{n}", "bookings": {"target": f"salon-{n}", "resource": "Anna"}, "calendar": f"cal-{n}"}
        for n in range(20)
    ]
    shared = PAIR | {"name": "shared", "bookings": {"target": "salon-0", "resource": "Chair 1"}, "calendar": "cal-1"}
    config = load(tmp_path, *pairs, shared, targets=[*salons, *calendars])
    parts = [shard_of(config, index, count) for index in range(count)]
    assert sorted(pair.name for pair in config.pairs) == sorted(spec.name for part in parts for spec in part.pair_specs)
    assert all(len(part.pairs) == len(part.pair_specs) for part in parts)
    assert 1 < len([part for part in parts if part.targets])
    (together,) = [part.watched for part in parts if "salon-0" in part.watched]
    assert {"salon-0", "cal-0", "salon-1", "cal-1"} <= together


@pytest.mark.parametrize("count", [2, 3, 7])
def test_two_targets_of_one_address_fall_to_one_shard(tmp_path: Path, count: int) -> None:
    salons = [SALON | {"name": f"salon-{n}", "site_id": f"{n:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"} for n in range(20)]
    calendars = [calendar("anna-cal") | {"name": f"cal-{n}"} for n in range(20)]
    pairs = [
        PAIR | {"name": f"pair-{n}", "bookings": {"target": f"salon-{n}", "resource": "Anna"}, "calendar": f"cal-{n}"}
        for n in range(20)
    ]
    config = load(tmp_path, *pairs, targets=[*salons, *calendars])
    assert [0] * (count - 1) + [40] == sorted(len(shard_of(config, index, count).targets) for index in range(count))
    assert "anna-cal" not in "".join(one for target in config.targets for one in target.undivided)


def test_a_pair_moves_no_target_that_is_not_of_it(tmp_path: Path) -> None:
    salons = [SALON | {"name": f"salon-{n}", "site_id": f"{n:08x}-2f0e-4f9c-9a55-3d8a5b1f6a10"} for n in range(20)]
    targets = [*salons, calendar()]
    of_one = PAIR | {"bookings": {"target": "salon-7", "resource": "Anna"}}
    without = [shard_of(load(tmp_path, targets=targets), index, 4).watched for index in range(4)]
    paired = [shard_of(load(tmp_path, of_one, targets=targets), index, 4).watched for index in range(4)]
    assert all(before ^ after <= {"salon-7", "anna-cal"} for before, after in zip(without, paired, strict=True))


def test_a_load_after_another_pair_was_added_builds_no_target_anew(tmp_path: Path) -> None:
    path, cache = tmp_path / "exporter.yml", LoadCache()
    text = yaml.safe_dump({"targets": [SALON, calendar()]})
    path.write_text(text)
    before = load_config(path, {}, remembered=cache)
    path.write_text(text + yaml.safe_dump({"pairs": [PAIR]}))
    after = load_config(path, {}, remembered=cache)
    assert before.targets[0] is after.targets[0]
    assert ("anna",) == tuple(spec.name for spec in after.pair_specs)


def test_pairs_stand_in_one_file_of_a_folder_and_name_targets_of_all(tmp_path: Path) -> None:
    for name, content in {
        "1.yml": {"targets": [SALON]},
        "2.yml": {"targets": [calendar()]},
        "3.yml": {"pairs": [PAIR]},
    }.items():
        (tmp_path / name).write_text(yaml.safe_dump(content))
    assert ("anna",) == tuple(spec.name for spec in load_config(None, {}, folder=tmp_path).pair_specs)


def test_a_target_that_is_there_is_named_whatever_its_name_looks_like(tmp_path: Path) -> None:
    portal = PORTAL | {"name": "portal-00000"}
    pair = PAIR | {"bookings": {"target": "portal-00000", "resource": "Chair 9"}}
    with pytest.raises(ConfigError, match="'portal-00000' has no resource 'Chair 9'"):
        load(tmp_path, pair, targets=[portal, calendar()])


class CountedRow(dict[str, object]):
    """A target as it is written, which counts how often somebody looks at it."""

    looks = 0

    def get(self, key: str, default: object = None) -> object:
        CountedRow.looks += 1
        return super().get(key, default)


@pytest.mark.parametrize("asked", ["salon-{}", "salom-{}"], ids=["that are there", "that are misspelt"])
def test_hundreds_of_pairs_look_at_each_of_hundreds_of_targets_a_few_times_and_not_once_a_pair(asked: str) -> None:
    number = 200
    rows = [CountedRow(SALON | {"name": f"salon-{at}"}) for at in range(number)]
    rows += [CountedRow(calendar(f"cal-{at}")) for at in range(number)]
    pairs = [
        {"name": f"p{at}", "bookings": {"target": asked.format(at), "resource": "Anna"}, "calendar": f"cal-{at}"}
        for at in range(number)
    ]
    CountedRow.looks = 0
    found = list(pair_problems({"pairs": pairs, "targets": rows}, lambda _, where: str(where)))
    assert (0 if asked == "salon-{}" else number) == len(found)
    assert 0 < CountedRow.looks <= 20 * len(rows)


def test_of_thousands_of_misspelt_names_the_first_hundred_are_told_what_is_near() -> None:
    rows = [PORTAL, *(calendar(f"calendar-{at}") for at in range(300))]
    bookings = {"target": "portal", "resource": "Chair 7"}
    pairs = [{"name": f"p{at}", "bookings": bookings, "calendar": f"calender-{at}"} for at in range(300)]
    fixes = [problem.fix for problem in pair_problems({"pairs": pairs, "targets": rows}, lambda _, where: str(where))]
    assert [f"did you mean calendar-{at}?" for at in range(100)] == fixes[:100]
    assert ["name a target that stands under targets"] * 200 == fixes[100:]


def test_one_resource_in_two_calendars_is_warned_of_by_whatever_name_it_is_called(tmp_path: Path) -> None:
    bookings = {"target": "portal", "resource": "Chair 7"}
    pairs = [PAIR, PAIR | {"name": "a", "bookings": bookings, "calendar": "a-cal"}]
    pairs += [PAIR | {"name": "b", "bookings": bookings | {"resource": 7}, "calendar": "b-cal"}]
    config = load(tmp_path, *pairs, targets=[SALON, PORTAL, calendar(), calendar("a-cal"), calendar("b-cal")])
    what = "has the bookings of pairs[1], in another calendar (fix: name another resource, unless they go into both calendars)"
    assert [f"pairs[2].bookings: {what}"] == told(config)
