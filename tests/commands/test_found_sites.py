"""Commands that ask once find the sites of the rules, too: `check-config --online`, `probe`, `list`."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from exporter.commands.check_config import check, check_online
from exporter.commands.list_names import list_names
from exporter.commands.probe import probe_now
from exporter.config import load_config
from exporter.errors import ConfigError
from exporter.simulator import FaultKind
from tests.harness.agency import KEY, Agency, called, running_agency

Capture = pytest.CaptureFixture[str]


async def checked(agency: Agency, **rule: Any) -> tuple[list[str], list[str], list[str]]:  # noqa: ANN401  keys of a rule
    said: list[str] = []
    warned: list[str] = []
    problems = await check_online(load_config(agency.config(agency.rule(**rule))), said.append, warned.append)
    return problems, said, [text for text in warned if text.startswith("discover")]


async def test_the_check_says_how_many_sites_there_are_and_tries_each(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        problems, said, warned = await checked(agency)
        assert ([], []) == (problems, warned)
        assert "discover[agency]: finds 3 sites to watch" == said[0]
        assert [f"{name}: the credential works" for name in called(1, 2, 3)] == sorted(said[1:])
        _, said, warned = await checked(agency, max_sites=1)
        assert "discover[agency]: finds 1 site to watch" == said[0]
        assert [True] == ["max_sites" in text for text in warned]


async def test_a_list_that_cannot_be_read_is_a_problem_with_its_fix_and_the_other_targets_are_tried(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        agency.fail(FaultKind.EMPTY, status=403)
        config = load_config(agency.config(targets=[agency.by_hand("salon", 1)]))
        said: list[str] = []
        [problem] = await check_online(config, said.append, lambda _: None)
        assert problem.startswith("discover[agency]: the sites of agency cannot be read: Wix does not let this API key")
        assert "(fix: The account's owner opens the API Keys Manager" in problem
        assert ["salon: the credential works"] == said
        assert KEY not in problem


async def test_probe_polls_what_is_found_and_a_target_of_the_file_without_reading_the_list(
    tmp_path: Path, capfd: Capture
) -> None:
    async with running_agency(tmp_path) as agency:
        config = load_config(agency.config(targets=[agency.by_hand("salon", 1)]))
        await probe_now(config, [], "json")
        answer = json.loads(capfd.readouterr().out.splitlines()[-1])  # the log of a test goes there, too
        assert ["salon", *called(2, 3)] == [target["name"] for target in answer["targets"]]
        asked = agency.asked()
        await probe_now(config, ["salon"], "json")
        assert asked == agency.asked()
        await probe_now(config, called(3), "json")
        with pytest.raises(ConfigError, match="no target named stranger; there are salon, salon-2"):
            await probe_now(config, ["stranger"], "json")


async def test_probe_warns_of_a_list_that_fails_and_knows_nothing_where_nothing_is_found(
    tmp_path: Path, capfd: Capture
) -> None:
    async with running_agency(tmp_path) as agency:
        agency.fail(FaultKind.EMPTY, status=401)
        assert 1 == await probe_now(load_config(agency.config(targets=[agency.by_hand("salon", 1)])), [], "table")
        assert "sites of an account may be missing here" in capfd.readouterr().out
        with pytest.raises(ConfigError, match="the sites of agency cannot be read"):
            await probe_now(load_config(agency.config()), [], "table")
        agency.simulator.faults.clear()
        with pytest.raises(ConfigError, match="finds no site to watch"):
            await probe_now(load_config(agency.config(agency.rule(only=["nothing"]))), [], "table")


async def test_list_takes_a_found_target(tmp_path: Path, capfd: Capture) -> None:
    async with running_agency(tmp_path) as agency:
        await list_names(load_config(agency.config()), called(2), "json")
        assert called(2)[0] in capfd.readouterr().out


@pytest.mark.parametrize(
    ("targets", "rules", "watched"),
    [
        (1, 0, "1 target"),
        (2, 0, "2 targets"),
        (0, 1, "1 rule that finds sites"),
        (2, 3, "2 targets and 3 rules that find sites"),
    ],
)
def test_a_check_says_what_the_file_has_to_watch(targets: int, rules: int, watched: str, tmp_path: Path) -> None:
    account = "7f1c0c5e-2f0e-4f9c-9a55-3d8a5b1f6a10"
    hook = "https://{}.bitrix24.example/rest/1/secretsecretsecret/"
    content = {
        "targets": [{"name": f"p{i}", "platform": "bitrix24", "webhook_url": hook.format(i)} for i in range(targets)],
        "discover": [{"name": f"r{i}", "platform": "wix", "account_id": account, "api_key": "IST.key"} for i in range(rules)],
    }
    (tmp_path / "exporter.yml").write_text(json.dumps(content))
    assert ([], watched) == check(tmp_path / "exporter.yml", None, False, print, print)
