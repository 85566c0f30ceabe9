"""The `list` command as a user types it, against both simulated platforms."""

from __future__ import annotations

import json
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.simulator import canary
from exporter.simulator.wix.operations import ALL_PERMISSIONS, READ_STAFF
from exporter.simulator.wix.providers import GOOGLE
from tests.harness.business import API_KEY, WEBHOOK_CODE, Business
from tests.harness.process import command
from tests.harness.typed import typed

Scenario = Callable[[Business], Coroutine[Any, Any, None]]


async def listed(business: Business, *words: str, **targets: Any) -> tuple[int, str, str]:  # noqa: ANN401  changes of the Wix target
    config = business.config(business.wix_target(**targets), business.bitrix24_target())
    return await typed("list", *words, f"--config.file={config}")


def contents(folder: Path) -> dict[Path, bytes]:
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def hire(business: Business, name: str) -> str:
    """Hire somebody with a connected calendar; returns the schedule's id."""
    schedule = business.site.add_staff(name).schedule_id
    business.site.connections.finish_sync(business.site.connections.connect(GOOGLE, schedule))
    return schedule


async def test_a_table_shows_whose_calendar_is_whose_and_whole_ids(business: Business) -> None:
    schedule = hire(business, "Anna")
    code, out, err = await listed(business)
    assert (0, "") == (code, err)
    (line,) = (line for line in out.splitlines() if line.split()[:1] == [schedule] and "google" in line)
    assert "Anna" in line
    assert "synced" in line
    assert "Chair 1  Specialists" in out


@pytest.mark.parametrize("columns", ["20", "80"])
async def test_a_narrow_terminal_cuts_no_id(business: Business, columns: str) -> None:
    schedule = hire(business, "Anna " * 20)
    config = business.config()
    _, out, _ = await typed("list", f"--config.file={config}", environ={"COLUMNS": columns})
    assert any(line.split()[:1] == [schedule] for line in out.splitlines())


async def test_what_yaml_prints_is_pasted_accepted_and_is_the_name_in_the_label(business: Business) -> None:
    names = ["Anna", "Anna", "yes", "5", "a: b # c", "- x", "\"quoted' Änne 漢字 😀", "'"]
    schedules = [hire(business, name) for name in names]
    code, out, err = await listed(business, "salon-wix", "--output=yaml")
    assert (0, "") == (code, err)
    (target,) = yaml.safe_load(out)["targets"]
    assert set(schedules) <= target["aliases"].keys()
    pasted = business.config(business.wix_target(aliases=target["aliases"]))
    checked = await typed("check-config", f"--config.file={pasted}")
    assert 0 == checked[0], checked
    _, page, _ = await typed("probe", "--output=metrics", f"--config.file={pasted}")
    assert all(f'connection="{name}"' in page for name in ("Anna", "Anna (2)", "yes", "a: b # c"))


async def test_the_block_of_the_table_is_what_stands_below_a_target(business: Business) -> None:
    hire(business, "Anna")
    _, table, _ = await listed(business, "salon-wix")
    _, text, _ = await listed(business, "salon-wix", "--output=yaml")
    block = text.partition("  - name: salon-wix\n")[2].rstrip()
    assert block.startswith("    aliases:\n")
    assert block in table


async def test_a_name_that_is_configured_is_kept(business: Business) -> None:
    schedule = hire(business, "Anna")
    _, out, _ = await listed(business, "--output=yaml", aliases={schedule: "Chair 1"})
    assert "Chair 1" == yaml.safe_load(out)["targets"][0]["aliases"][schedule]


async def test_json_has_the_same_for_programs(business: Business) -> None:
    schedule = hire(business, "Anna")
    _, out, _ = await listed(business, "--output=json")
    wix, bitrix24 = json.loads(out)["targets"]
    assert ("Anna", []) == (wix["configuration"]["aliases"][schedule], wix["not_complete"])
    assert {"id": "1", "name": "Chair 1", "type": "Specialists"} == bitrix24["resources"][0]


@pytest.mark.parametrize("output", ["table", "yaml", "json"])
async def test_what_cannot_be_read_is_exit_code_1_with_the_missing_right_and_the_rest(business: Business, output: str) -> None:
    hire(business, "Anna")
    key = business.simulator.wix.add_key(business.site, permissions=ALL_PERMISSIONS - READ_STAFF).value
    code, out, _ = await listed(business, f"--output={output}", api_key=key)
    assert 1 == code
    assert "BOOKINGS.STAFF_MEMBER_READ" in out
    assert "Chair 1" in out
    assert "Anna" in out, "the schedule has a name, too"


async def test_one_target_that_is_down_costs_the_others_nothing(business: Business) -> None:
    code, out, _ = await listed(business, base_url="http://127.0.0.1:1")
    assert 1 == code
    assert "not complete: connections, schedules, staff, services: " in out
    assert "Chair 1" in out


async def test_an_unknown_target_is_exit_code_2_and_the_known_ones_are_named(business: Business) -> None:
    code, out, err = await listed(business, "salon-wicks")
    assert (2, "") == (code, out)
    assert "salon-wicks" in err
    assert "salon-wix" in err


async def test_a_bad_configuration_is_exit_code_2(business: Business) -> None:
    path = business.config(business.wix_target(api_key=None))
    code, out, err = await typed("list", f"--config.file={path}")
    assert (2, "") == (code, out)
    assert "api_key" in err


@pytest.mark.parametrize("output", ["table", "yaml", "json"])
async def test_names_that_steer_a_terminal_or_hold_a_secret_are_shown_harmless(business: Business, output: str) -> None:
    for name in ("\x1b[2JAnna\r\nTARGET", f"{API_KEY} key", f"{WEBHOOK_CODE}", "a@b.example", "\u202eanna", "x" * 5_000):
        hire(business, name)
    code, out, err = await listed(business, f"--output={output}")
    assert 0 == code
    assert not [word for word in (API_KEY, WEBHOOK_CODE, "a@b.example", "\x1b", "\r", "\u202e", "x" * 101) if word in out + err]
    assert "TARGET" in out


async def test_nothing_is_said_of_customers_and_nothing_is_kept(business: Business, tmp_path: Path) -> None:
    hire(business, "Anna")
    config = business.config()
    before = contents(tmp_path)
    _, out, err = await command("list", f"--config.file={config}", environ={"TMPDIR": str(tmp_path)})
    assert before == contents(tmp_path)
    assert not [word for word in (canary.EMAIL, canary.PHONE, canary.TITLE) if word in out + err]
    assert {} == business.simulator.log.writes()


async def test_an_app_and_a_token_file_are_read_as_a_key_and_a_webhook_are(business: Business) -> None:
    hire(business, "Anna")
    app = business.simulator.wix.credentials.install(business.site.id)
    target = business.wix_target(app_id=app.app_id, app_secret=app.app_secret, instance_id=app.instance_id)
    del target["site_id"], target["api_key"]
    path = business.config(target, business.expired_oauth_target())
    business.simulator.bitrix24.oauth.access_seconds = 3600  # the next one lasts
    code, out, err = await typed("list", f"--config.file={path}")
    assert (0, "") == (code, err), out
    for part in (app.instance_id, "Anna", "Chair 1"):
        assert part in out
    assert app.app_secret not in out


async def test_a_terminal_that_speaks_ascii_only_is_no_crash(business: Business) -> None:
    hire(business, "Änne 😀")
    path = business.config()
    code, out, _ = await command("list", f"--config.file={path}", environ={"PYTHONIOENCODING": "ascii"})
    assert 0 == code
    assert "nne" in out


async def test_a_target_without_names_is_said_to_have_none(tmp_path: Path) -> None:
    dav = "{url: https://dav.example.org/anna/main/, username: anna, password: secretsecret}"
    config = tmp_path / "exporter.yml"
    config.write_text(f"targets: [{{name: anna-cal, platform: calendar, caldav: {dav}}}]\n")
    assert (0, "anna-cal (calendar)\n  has nothing with a name\n\n") == (await typed("list", f"--config.file={config}"))[:2]
