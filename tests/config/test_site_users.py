"""``site_users``: what may stand there, and what is told of the rest."""

from __future__ import annotations

from pathlib import Path

import pytest

from exporter.config import Config, config_hash, effective_config, load_config, refuse_opening, shard_of
from exporter.errors import ConfigError

TARGETS = """
targets:
- {name: a, platform: wix, site_id: 7f1c2d3e-1111-4222-8333-444455556666, api_key: k, labels: {site: salon-berlin}}
- {name: b, platform: wix, site_id: 7f1c2d3e-1111-4222-8333-444455556667, api_key: k, labels: {site: "Zoë & Co: 1%"}}
- {name: c, platform: wix, site_id: 7f1c2d3e-1111-4222-8333-444455556668, api_key: k}
"""
HASH = "$2y$10$X0h1gDsPszWURQaxFh.zoubFi6DXncSjhoQNJgRrnGs7EsimhC7zG"


def loaded(folder: Path, site_users: str) -> Config:
    file = folder / "exporter.yml"
    file.write_text(TARGETS + site_users)
    return load_config(file, {})


def problems(folder: Path, site_users: str) -> list[str]:
    with pytest.raises(ConfigError) as refused:
        loaded(folder, site_users)
    return [f"{problem.path}: {problem.message}" for problem in refused.value.problems]


def test_a_site_has_users_each_once_and_a_user_may_have_several_sites(tmp_path: Path) -> None:
    config = loaded(tmp_path, 'site_users: {salon-berlin: [anna, bert, anna], "Zoë & Co: 1%": [bert, "Аня Ivanova"]}')
    assert {
        "salon-berlin": frozenset({"anna", "bert"}),
        "Zoë & Co: 1%": frozenset({"bert", "Аня Ivanova"}),
    } == config.site_users


@pytest.mark.parametrize("written", ["", "site_users: {}"])
def test_without_it_nobody_is_kept_from_anything(written: str, tmp_path: Path) -> None:
    assert {} == loaded(tmp_path, written).site_users


def test_each_shard_knows_the_users_of_all_sites(tmp_path: Path) -> None:
    config = loaded(tmp_path, "site_users: {salon-berlin: [anna]}")
    assert [config.site_users] * 3 == [shard_of(config, index, 3).site_users for index in range(3)]


def test_it_is_a_part_of_the_effective_configuration_and_of_its_hash(tmp_path: Path) -> None:
    before, after = loaded(tmp_path, ""), loaded(tmp_path, "site_users: {salon-berlin: [bert, anna]}")
    assert "site_users:\n  salon-berlin:\n    - anna\n    - bert\n" in effective_config(after)
    assert config_hash(before) != config_hash(after)
    assert config_hash(after) == config_hash(loaded(tmp_path, "site_users: {salon-berlin: [anna, bert]}"))


@pytest.mark.parametrize(
    ("site", "fix"),
    [
        ("salon-berln", "did you mean 'salon-berlin'?"),
        ("Salon-Berlin", "did you mean 'salon-berlin'?"),
        (
            "nowhere",
            (
                "give its targets the label site, or remove it here, but first take the passwords of its users out of the web "
                "configuration: a user who is named nowhere sees every site unless there are operators"
            ),
        ),
    ],
)
def test_a_site_that_no_target_has_is_an_error_with_the_nearest_that_one_has(site: str, fix: str, tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, f'site_users:\n  "{site}": [anna]\n')
    (problem,) = refused.value.problems
    assert (f"no target has the label site: {site!r}", fix, 7) == (problem.message, problem.fix, problem.line)


@pytest.mark.parametrize("site", ["a/b", "..", ".", "a\\\\b", " a", "a ", "", "x" * 101, "a\\nb"])
def test_a_site_that_cannot_stand_in_an_address_is_refused(site: str, tmp_path: Path) -> None:
    assert any("is not a site: one line" in told for told in problems(tmp_path, f'site_users: {{"{site}": [anna]}}'))


@pytest.mark.parametrize("user", ["a:b", "", " a", "x" * 101, "a\\nb", HASH])
def test_a_user_whom_the_web_configuration_cannot_have_is_refused(user: str, tmp_path: Path) -> None:
    (told,) = problems(tmp_path, f'site_users: {{salon-berlin: [anna, "{user}"]}}')
    assert told.startswith("site_users.salon-berlin[1]: ")
    assert "is not a user name: one line" in told
    assert HASH not in told


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("[anna]", "site_users: must be a mapping, not a list"),
        ("anna", "site_users: must be a mapping, not text"),
        ("{salon-berlin: anna}", "site_users.salon-berlin: must be a list, not text"),
        ("{salon-berlin: {anna: secretsecret}}", "site_users.salon-berlin: must be a list, not a mapping"),
        ("{salon-berlin: []}", "site_users.salon-berlin: is an empty list"),
        ("{salon-berlin: }", "site_users.salon-berlin: is empty"),
        ("{salon-berlin: [5]}", "site_users.salon-berlin[0]: must be text, not a number"),
        ("{salon-berlin: [{anna: secretsecret}]}", "site_users.salon-berlin[0]: must be text, not a mapping"),
    ],
)
def test_another_form_is_refused_without_showing_what_may_be_a_password(written: str, told: str, tmp_path: Path) -> None:
    assert [told] == problems(tmp_path, f"site_users: {written}")


def test_a_site_that_is_a_number_is_refused_and_breaks_nothing(tmp_path: Path) -> None:
    assert problems(tmp_path, "site_users: {5: [anna]}")


@pytest.mark.parametrize(
    ("written", "told"),
    [
        ("", "operators: is empty"),
        ("[]", "operators: is an empty list"),
        ("anna", "operators: must be a list, not text"),
        ("{anna: secretsecret}", "operators: must be a list, not a mapping"),
        ("[5]", "operators[0]: must be text, not a number"),
        (f'["{HASH}"]', "operators[0]: a value of 60 characters is not a user name"),
    ],
)
def test_operators_of_another_form_are_refused_so_that_an_emptied_list_lets_nobody_in(
    written: str, told: str, tmp_path: Path
) -> None:
    (problem,) = problems(tmp_path, f"operators: {written}")
    assert problem.startswith(told)


def test_who_is_both_an_operator_and_a_user_of_a_site_is_refused_at_its_place(tmp_path: Path) -> None:
    with pytest.raises(ConfigError) as refused:
        loaded(tmp_path, "site_users: {salon-berlin: [anna, bert]}\noperators:\n- prometheus\n- bert\n")
    (problem,) = refused.value.problems
    assert ("operators[1]", 9) == (problem.path, problem.line)
    assert "'bert' is also named under site_users.salon-berlin" == problem.message
    assert "keep one of the two: an operator sees every site" == problem.fix


def test_operators_are_a_part_of_the_effective_configuration_and_of_its_hash_and_nothing_without_them(tmp_path: Path) -> None:
    before, after = loaded(tmp_path, ""), loaded(tmp_path, "operators: [bert, anna]")
    assert "operators:\n  - anna\n  - bert\n" in effective_config(after)
    assert "operators" not in effective_config(before)
    assert config_hash(before) != config_hash(after)


SITES = "site_users: {salon-berlin: [anna, bert]}\n"
ONE_LESS = "site_users: {salon-berlin: [bert]}\n"
OPERATORS = "operators: [prometheus]\n"
EVERYBODY = ["anna", "bert", "prometheus"]


@pytest.mark.parametrize(
    ("before", "after", "users", "told"),
    [
        (SITES, ONE_LESS, EVERYBODY, "site_users: users who saw one site would see all sites: anna"),
        (SITES, ONE_LESS, ["bert", "prometheus"], None),  # her password went first
        (SITES, ONE_LESS + "operators: [anna]\n", EVERYBODY, None),
        (SITES, SITES, [*EVERYBODY, "new"], None),
        (SITES, "", EVERYBODY, "site_users: cannot be removed while the exporter runs"),
        (SITES, OPERATORS, EVERYBODY, None),
        (SITES + OPERATORS, ONE_LESS + OPERATORS, EVERYBODY, None),
        (SITES + OPERATORS, SITES, EVERYBODY, "operators: cannot be removed while the exporter runs"),
        (OPERATORS, "", EVERYBODY, "operators: cannot be removed while the exporter runs"),
        ("", SITES, EVERYBODY, None),
        ("", "", EVERYBODY, None),
    ],
)
def test_nobody_comes_to_see_every_site_because_a_name_went(
    before: str, after: str, users: list[str], told: str | None, tmp_path: Path
) -> None:
    earlier, later = loaded(tmp_path, before).known_to(EVERYBODY), loaded(tmp_path, after).known_to(users)
    refuse_opening(None, later)
    if told is None:
        refuse_opening(earlier, later)
    else:
        with pytest.raises(ConfigError, match=told):
            refuse_opening(earlier, later)
