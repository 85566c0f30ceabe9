"""The credentials that ``check-config --online`` tries."""

from __future__ import annotations

import asyncio
import contextlib
import os
import pty
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from exporter.commands.check_config import Checked, _checked, check, check_all, check_online, signs_of_life
from exporter.config import load_config, shard_of
from exporter.metrics import Instruments
from exporter.model import Shard
from exporter.platforms.settings import Target
from exporter.polling import Admission
from exporter.runtime import TargetFactory
from exporter.simulator import Fault, FaultKind
from exporter.simulator.wix.operations import ALL_PERMISSIONS
from exporter.simulator.wix.providers import GOOGLE
from tests.harness.business import Business, running_business
from tests.harness.clock import ManualClock
from tests.harness.pool import pool

FLEET = 300


@pytest.fixture
def fleet(tmp_path: Path) -> tuple[Target, ...]:
    path = tmp_path / "exporter.yml"
    webhook = "https://portal.bitrix24.example/rest/1/secretsecretsecret/"
    path.write_text(
        "targets:\n" + "".join(f"- {{name: p{i}, platform: bitrix24, webhook_url: {webhook}}}\n" for i in range(FLEET))
    )
    return load_config(path).targets


async def test_a_fleet_is_checked_twenty_at_a_time_and_each_told_as_soon_as_it_is_known(fleet: tuple[Target, ...]) -> None:
    asking = most = 0
    said: dict[str, float] = {}
    known: dict[str, float] = {}

    clock = ManualClock()

    async def check(target: Target) -> Checked:
        nonlocal asking, most
        asking, number = asking + 1, int(target.name[1:])
        most = max(most, asking)
        await clock.sleep(90 if number == 1 else 1 + number * 7 % 10)
        asking -= 1
        known[f"{target.name}: the credential works"] = clock.monotonic()
        return Checked(problems=("no",)) if number % 3 == 0 else Checked()

    def say(line: str) -> None:
        said[line] = clock.monotonic()

    checking = asyncio.create_task(check_all(fleet, check, say, print))
    await clock.advance(100)  # one after the other it would be 1,650 s
    assert checking.done()
    assert [f"p{i}: no" for i in range(0, FLEET, 3)] == (await checking), "the errors at the end, in the order of the file"
    assert {f"p{i}: the credential works" for i in range(FLEET) if i % 3} == said.keys()
    assert {} == {line: at for line, at in said.items() if at != known[line]}, "one that hangs holds no line of another"
    assert 90 == max(said.values())
    assert 20 == most


async def test_who_is_still_waited_for_is_told_every_five_seconds(fleet: tuple[Target, ...]) -> None:
    told: list[tuple[float, str]] = []

    clock = ManualClock()
    began = clock.monotonic()

    def tell(text: str) -> None:
        told.append((clock.monotonic() - began, text))

    async with signs_of_life([target.name for target in fleet[:10]], clock, tell) as done:
        await clock.advance(1)
        for target in fleet[:7]:
            done(target.name)
        done("p9")
        await clock.advance(11)
        done("p7")
        await clock.advance(5)
        done("p8")
    await clock.advance(60)
    assert [(5, "still waiting for 2 of 10: p7, p8"), (10, "still waiting for 2 of 10: p7, p8")] == told[:2]
    assert [(15, "still waiting for 1 of 10: p8")] == told[2:]


async def test_of_many_that_are_waited_for_three_are_named(fleet: tuple[Target, ...]) -> None:
    told: list[str] = []

    clock = ManualClock()

    async with signs_of_life([target.name for target in fleet[:7]], clock, told.append):
        await clock.advance(6)
    assert ["still waiting for 7 of 7: p0, p1, p2 and 4 more"] == told


async def test_a_warning_that_many_targets_have_is_told_three_times_and_then_counted(fleet: tuple[Target, ...]) -> None:
    async def check(target: Target) -> Checked:
        return Checked(warnings=("of all", *(["of two"] if target.name in {"p7", "p8"} else [])))

    warned: list[str] = []
    await check_all(fleet, check, lambda _: None, warned.append)
    assert ["p0: of all", "p1: of all", "p2: of all", "297 more targets: of all"] == [one for one in warned if "of all" in one]
    assert ["p7: of two", "p8: of two"] == [one for one in warned if "of two" in one]


async def test_a_bug_in_one_check_leaves_none_of_the_others_behind(fleet: tuple[Target, ...]) -> None:
    clock = ManualClock()

    async def check(target: Target) -> Checked:
        if target.name == "p0":
            raise ZeroDivisionError
        await clock.sleep(1)
        return Checked()

    with pytest.raises(ZeroDivisionError):
        await check_all(fleet, check, print, print)
    assert set() == {task.get_name() for task in asyncio.all_tasks() if task.get_name().startswith("check ")}


async def test_each_connection_is_admitted_as_in_the_daemon(business: Business, monkeypatch: pytest.MonkeyPatch) -> None:
    admitted: list[str] = []
    real = Admission.connection

    @asynccontextmanager
    async def connection(self: Admission, origin: str) -> AsyncIterator[None]:
        admitted.append(origin)
        async with real(self, origin):
            yield

    monkeypatch.setattr(Admission, "connection", connection)

    config = load_config(business.config())
    said: list[str] = []
    assert [] == await check_online(config, said.append, said.append)
    assert {"salon-wix: the credential works", "salon-b24: the credential works"} == set(said)
    assert {business.url.removeprefix("http://")} == set(admitted)


@pytest.mark.parametrize("target", ["salon-wix", "salon-b24"])
async def test_a_platform_that_refuses_slowly_is_given_up_within_half_a_minute(target: str, tmp_path: Path) -> None:
    clock = ManualClock()

    async with running_business(tmp_path, clock) as business:
        business.simulator.faults.add(Fault(FaultKind.STATUS, status=503, delay=25))
        config = load_config(business.config(business.wix_target(timeout="30s"), business.bitrix24_target(timeout="30s")))
        async with pool(clock) as http:
            world = TargetFactory(http, clock, Random(1), Instruments(CollectorRegistry()), Admission(clock))
            checking = asyncio.create_task(_checked(world, next(each for each in config.targets if each.name == target)))
            began = clock.monotonic()
            while not checking.done():
                assert clock.monotonic() - began <= 30
                await clock.advance(0.5)
                await asyncio.sleep(0.001)
        (problem,) = (await checking).problems
        assert "server_error" in problem
        assert "Try again in a few minutes. If it lasts longer than an hour, " in problem


async def checked(business: Business, *targets: dict[str, Any]) -> list[str]:
    told: list[str] = []
    config = load_config(business.config(*targets))
    problems = await check_online(config, told.append, lambda warning: told.append(f"warning: {warning}"))
    return told + [f"error: {problem}" for problem in problems]


async def test_ids_that_the_account_does_not_have_are_warnings_and_no_problem(business: Business) -> None:
    nobody = "deadbeef-0000-4000-8000-000000000000"
    site = business.wix_target(schedule_ids=[nobody], aliases={nobody: "Chair X"})
    wanted = {"bookings": {"overlapping_resources": [4711]}}
    told = await checked(business, site, business.bitrix24_target(collectors=wanted))
    works, *warnings = sorted(told, key=lambda line: "salon-b24" in line)  # each as soon as it is known
    assert "salon-wix: the credential works" == works
    assert ["schedule_ids names 1 schedule", "aliases names 1 schedule", "no connections"] == [
        warning.removeprefix("warning: salon-wix: ").partition(" that ")[0].partition(":")[0] for warning in warnings[:3]
    ]
    assert nobody in warnings[0]
    assert "salon-b24: the credential works" == warnings[3]
    assert "the configuration names 1 resource that the account does not have: 4711" in warnings[4]


async def test_what_is_accepted_is_not_warned_of(business: Business) -> None:
    accepted = [{"warning": "no_connections", "why": "opens in March"}]
    for connection in list(business.site.connections):
        business.site.connections.drop(connection.id)
    assert 2 == len(await checked(business, business.wix_target()))
    assert ["salon-wix: the credential works"] == await checked(business, business.wix_target(accepted=accepted))


async def test_a_site_that_refuses_to_count_and_lets_rows_be_read_is_as_good_as_for_the_daemon(business: Business) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, operation="CountExtendedBookings"))
    assert ["salon-wix: the credential works"] == await checked(business, business.wix_target())
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403, operation="QueryExtendedBookings"))
    (problem,) = await checked(business, business.wix_target())
    assert problem.startswith("error: salon-wix: permission: ")


async def test_all_that_is_refused_of_a_target_is_told_at_once_with_the_permission_that_is_missing(business: Business) -> None:
    business.site.connect_many(1, (GOOGLE,))
    service = business.site.add_service("Haircut")
    rights = {
        "CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS",
        "CALENDAR.READ_OWN_EXTERNAL_CALENDAR_CONNECTIONS",
        "BOOKINGS.STAFF_MEMBER_READ",
        "BOOKINGS.AVAILABILITY_READ_TIME_SLOTS",
    }
    key = business.simulator.wix.add_key(business.site, permissions=ALL_PERMISSIONS - rights).value
    slots = {"services": [{"name": "Haircut", "id": service.id}]}
    wanted = {"connections": {}, "bookings": {}, "events": {}, "slots": slots}
    told = await checked(business, business.wix_target(api_key=key, collectors=wanted))
    assert dict.fromkeys(rights, True) == {right: any(right in line for line in told) for right in rights}, told
    assert 2 == sum(line.startswith("error: ") for line in told)


async def test_each_collector_that_is_refused_is_told_with_what_it_needs(business: Business) -> None:
    key = business.simulator.wix.add_key(business.site, permissions=frozenset()).value
    wanted: dict[str, object] = {"connections": {}, "bookings": {}, "events": {}}
    told = await checked(business, business.wix_target(api_key=key, collectors=wanted))
    assert [
        "the collector connections needs Manage External Calendars",
        "the collector bookings needs Read Bookings",
        "the collector events needs CALENDAR.READ_EXTERNAL_CALENDAR_EVENTS and BOOKINGS.BOOKING_READ",
    ] == [line.partition("(fix: ")[2].partition(". ")[0] for line in told if "permission:" in line], told


async def test_a_paused_target_is_not_asked(business: Business) -> None:
    assert ["salon-wix: paused, not polled"] == await checked(business, business.wix_target(paused=True))
    assert {} == business.simulator.log.counts()


def test_a_terminal_sees_how_many_are_checked_while_one_hangs(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    webhook = "https://127.0.0.1:1/rest/1/secretsecretsecret/"
    path.write_text(f"targets:\n- {{name: portal, platform: bitrix24, webhook_url: '{webhook}'}}\n")
    ours, theirs = pty.openpty()
    command = [sys.executable, "-m", "exporter", "check-config", "--online", "--config.file", str(path)]
    with subprocess.Popen(command, stdout=theirs, stderr=theirs, env={**os.environ, "TERM": "xterm"}) as process:
        os.close(theirs)
        seen = b""
        with contextlib.suppress(OSError):  # how a terminal ends
            while piece := os.read(ours, 4096):
                seen += piece
        os.close(ours)
    assert 2 == process.returncode
    assert b"checking" in seen
    assert b"0/1" in seen
    assert b"error: portal: network" in seen


@pytest.mark.parametrize("count", [1, 3])
def test_each_target_is_said_to_be_watched_by_one_shard_that_of_the_exporter_itself(tmp_path: Path, count: int) -> None:
    path = tmp_path / "exporter.yml"
    hooks = [f"https://p{number % 7}.bitrix24.example/rest/1/secretsecretsecret/" for number in range(20)]
    rows = "".join(f"- {{name: t{number}, platform: bitrix24, webhook_url: {hook}}}\n" for number, hook in enumerate(hooks))
    path.write_text(f"targets:\n{rows}")
    for index in range(count):
        said: list[str] = []
        problems, watched = check(path, None, False, said.append, lambda _: None, shard=Shard(index, count))
        mine = [target.name for target in shard_of(load_config(path), index, count).targets]
        assert [f"{name}: watched by shard {index}/{count}" for name in mine] == said
        assert (problems, watched) == ([], f"{len(mine)} targets")


@pytest.mark.parametrize(("pairs", "watched"), [(1, "2 targets and 1 pair"), (2, "2 targets and 2 pairs")])
def test_a_check_says_how_many_pairs_there_are(pairs: int, watched: str, tmp_path: Path) -> None:
    dav = "{url: https://dav.example.org/anna/main/, username: anna, password: secretsecret}"
    rows = [f"- {{name: p{i}, bookings: {{target: portal, resource: {i + 1}}}, calendar: anna-cal}}" for i in range(pairs)]
    (tmp_path / "exporter.yml").write_text(
        "targets:\n"
        "- {name: portal, platform: bitrix24, webhook_url: https://portal.bitrix24.example/rest/1/secretsecretsecret/}\n"
        f"- {{name: anna-cal, platform: calendar, caldav: {dav}}}\n"
        "pairs:\n" + "\n".join(rows) + "\n"
    )
    assert ([], watched) == check(tmp_path / "exporter.yml", None, False, print, print)


def test_a_shard_to_which_nothing_falls_is_valid_and_watches_no_target(tmp_path: Path) -> None:
    path = tmp_path / "exporter.yml"
    path.write_text(
        "targets: [{name: t, platform: bitrix24, webhook_url: https://p.bitrix24.example/rest/1/secretsecretsecret/}]\n"
    )
    found = {check(path, None, False, lambda _: None, lambda _: None, shard=Shard(index, 2))[1] for index in range(2)}
    assert {"1 target", "no target"} == found
