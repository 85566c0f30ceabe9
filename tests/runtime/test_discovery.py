"""Sites of a Wix account appear and leave while the exporter runs, against the simulated Wix, on a clock of the test's."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
import structlog.testing
import yaml

from exporter.errors import ConfigError, PollTimeoutError
from exporter.platforms.discovery import Finder
from exporter.runtime import discovery
from exporter.runtime.targets import TargetFactory
from exporter.simulator import FaultKind
from exporter.state.findings import problems
from tests.harness.agency import KEY, Agency, called, guid, running_agency
from tests.harness.application import RunningApplication, driven
from tests.harness.clock import ManualClock

MINUTE = 60.0
INTERVAL = 15 * MINUTE


@contextlib.asynccontextmanager
async def watching(
    folder: Path,
    sites: int = 3,
    **rule: Any,  # noqa: ANN401  keys of a rule
) -> AsyncIterator[tuple[Agency, RunningApplication]]:
    """Watch an agency while the block runs, which begins when the first list has been read."""
    async with running_agency(folder, sites) as agency, agency.exporter(agency.config(agency.rule(**rule))) as app:
        await until(app, lambda: len(names(app)) == sites)
        yield agency, app


def names(app: RunningApplication) -> list[str]:
    return [target.name for target in app.app.view().targets]


async def until(app: RunningApplication, condition: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if condition():
            return
        await app.pass_time(0.5)
    raise AssertionError("it did not happen")


async def next_list(agency: Agency, app: RunningApplication, seconds: float = INTERVAL) -> None:
    """Let the time pass up to the next read of the list, and to what comes of it."""
    asked = agency.asked()
    await app.clock.advance(seconds - 5)
    await until(app, lambda: agency.asked() > asked)
    for _ in range(8):
        await app.pass_time(0.5)


def warnings(app: RunningApplication) -> list[str]:
    return [warning.message for warning in app.app.view().config_warnings if warning.kind == "discovery"]


async def numbers(app: RunningApplication) -> tuple[float, float]:
    page = await app.samples()
    return page['discovered_targets{discovery="agency"}'], page['discovery_up{discovery="agency"}']


@pytest.mark.slow
async def test_a_new_site_is_watched_with_the_next_list_and_the_others_keep_what_they_have(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        await app.finished_polls()
        before = {name: live.session for name, live in app.app._live.items()}
        agency.open(4)
        await next_list(agency, app)
        assert called(1, 2, 3, 4) == names(app)
        assert before == {name: app.app._live[name].session for name in called(1, 2, 3)}
        await app.finished_polls()
        assert (4, 1) == await numbers(app)


@pytest.mark.slow
async def test_a_site_leaves_when_it_is_missing_in_three_lists_in_a_row(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        site = agency.site(2)
        agency.close(2)
        for _ in range(2):
            await next_list(agency, app)
            assert called(1, 2, 3) == sorted(names(app))
        agency.simulator.wix.sites[site.id] = site
        await next_list(agency, app)  # not in a row
        agency.close(2)
        for _ in range(2):
            await next_list(agency, app)
            assert called(1, 2, 3) == sorted(names(app))
        with structlog.testing.capture_logs() as logged:
            await next_list(agency, app)
        assert called(1, 3) == names(app)
        assert [called(2)[0]] == [line["target"] for line in logged if line["event"] == "site_left"]
        assert not [line for line in (await app.page()).splitlines() if called(2)[0] in line]


@pytest.mark.slow
@pytest.mark.parametrize("fact", ["trashed_at", "published"])
async def test_a_site_that_the_list_says_is_out_of_use_leaves_at_once(fact: str, tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        if fact == "trashed_at":
            agency.site(2).trashed_at = agency.simulator.now()
        else:  # the filter leaves it out, so it is only missing
            agency.site(2).published = False
            await next_list(agency, app)
            await next_list(agency, app)
        await next_list(agency, app)
        assert called(1, 3) == names(app)


@pytest.mark.slow
async def test_a_site_that_is_renamed_stays_the_same_target_and_the_log_says_so(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        agency.site(2).display_name = "Spa & Nails"
        with structlog.testing.capture_logs() as logged:
            await next_list(agency, app)
            await next_list(agency, app)
        assert called(1, 2, 3) == names(app)
        renamed = [(line["target"], line["to"]) for line in logged if line["event"] == "site_renamed"]
        assert [(called(2)[0], "Spa & Nails")] == renamed


@pytest.mark.slow
@pytest.mark.parametrize("left", [0, 1, 2])
async def test_a_list_that_lacks_more_than_half_removes_none_and_a_restart_takes_it_as_it_is(left: int, tmp_path: Path) -> None:
    top = {"state_file": str(tmp_path / "state.json")}

    async with running_agency(tmp_path, 6) as agency:
        config = agency.config(**top)
        async with agency.exporter(config) as app:
            await until(app, lambda: len(names(app)) == 6)
            agency.close(*range(left + 1, 7))
            for _ in range(5):
                await next_list(agency, app)
            assert called(*range(1, 7)) == sorted(names(app))
            assert [True] == [f"does not list {6 - left} of 6 known sites" in text for text in warnings(app)]
            assert ["discovery"] == [found.reason for found in problems(app.app.view()) if found.reason == "discovery"]
        async with agency.exporter(config) as app:
            assert called(*range(1, 7)) == sorted(names(app)), "they are remembered"
            for _ in range(3):
                await next_list(agency, app)
            assert (called(*range(1, left + 1)), []) == (names(app), warnings(app))


FAULTS: dict[str, tuple[FaultKind, dict[str, Any], str]] = {
    "401": (FaultKind.EMPTY, {"status": 401}, "does not accept the API key"),
    "403": (FaultKind.EMPTY, {"status": 403}, "does not let this API key do query_sites"),
    "429": (FaultKind.RATE_LIMITED, {"retry_after": "90"}, "throttles"),
    "500": (FaultKind.EMPTY, {"status": 500}, "failed to answer query_sites"),
    "HTML": (FaultKind.STATUS, {"status": 200}, "query_sites"),
    "an empty list without an end": (
        FaultKind.BODY,
        {"body": '{"sites": []}', "content_type": "application/json"},
        "something that is not a page of sites",
    ),
    "cut off": (FaultKind.TRUNCATED, {}, "something that is not a page of sites"),
    "the second page": (FaultKind.TRUNCATED, {"after": 1}, "something that is not a page of sites"),
    "hangs": (FaultKind.NEVER, {}, "did not"),
    "dropped": (FaultKind.DROP, {}, ""),
}


@pytest.mark.slow
@pytest.mark.parametrize(("kind", "options", "text"), FAULTS.values(), ids=FAULTS)
async def test_a_list_that_cannot_be_read_changes_nothing_and_is_told(
    kind: FaultKind, options: dict[str, Any], text: str, tmp_path: Path
) -> None:
    sites = 120 if "after" in options else 3

    async with watching(tmp_path, sites, paused=True) as (agency, app):
        agency.close(2)
        agency.open(sites + 1)
        agency.fail(kind, **options)
        await app.clock.advance(INTERVAL - 5)
        await until(app, lambda: bool(warnings(app)))
        assert (sites, 0) == await numbers(app)
        assert text in warnings(app)[0]
        [found] = [found for found in problems(app.app.view()) if found.reason == "discovery"]
        assert found.advice.fix
        assert KEY not in await app.page() + str(found)
        assert sites == len(names(app))
        agency.simulator.faults.clear()
        await app.clock.advance(3 * MINUTE)  # the first pause, or what was asked for
        await until(app, lambda: not warnings(app) and len(names(app)) == sites + 1)
        assert (sites + 1, 1) == await numbers(app)


@pytest.mark.slow
async def test_after_failures_in_a_row_the_list_is_asked_for_ever_more_seldom_up_to_its_interval(tmp_path: Path) -> None:
    async with watching(tmp_path, paused=True) as (agency, app):
        agency.fail(FaultKind.EMPTY, status=403)
        await app.clock.advance(INTERVAL)
        asked = agency.asked()
        for minute in range(180):
            await app.clock.advance(60)
            await app.pass_time(1)
            # 1, 2, 4, 8 and then each 15 minutes, with a jitter
            if minute == 15:
                assert 4 <= agency.asked() - asked <= 6
        assert 12 <= agency.asked() - asked <= 24


async def test_a_list_that_does_not_end_is_given_up_after_five_minutes() -> None:
    clock = ManualClock()
    finder = SimpleNamespace(sites=lambda: clock.sleep(3_600))
    reading = asyncio.create_task(discovery._read(cast("Finder", finder), cast("TargetFactory", SimpleNamespace(clock=clock))))
    await clock.advance(299)
    assert not reading.done()
    await clock.advance(2)
    assert reading.done()
    with pytest.raises(PollTimeoutError, match=r"did not end within 300 s"):
        await reading


async def test_a_key_that_is_changed_is_used_for_the_list_and_for_the_sites_after_a_reload(tmp_path: Path) -> None:
    key = tmp_path / "key"
    key.write_text(KEY)

    async with watching(tmp_path, api_key={"file": str(key)}) as (agency, app):
        await app.finished_polls()
        agency.simulator.wix.credentials.revoke_key(KEY)
        agency.simulator.wix.add_key(agency.site(1), "IST.another-key-of-the-account")
        agency.open(4)
        key.write_text("IST.another-key-of-the-account")
        await driven(app, app.app.reload())
        await until(app, lambda: len(names(app)) == 4)
        await app.finished_polls()
        assert {1.0} == {value for name, value in (await app.samples()).items() if name.startswith("collector_up")}
        assert "another-key" not in app.app.effective_config()


async def test_a_start_without_an_answer_says_what_is_missing_and_is_ready_once_the_list_was_asked_for(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        agency.fail(FaultKind.EMPTY, status=500)
        async with agency.exporter(agency.config()) as app:
            view = app.app.view()
            assert (False, ("agency",), ()) == (view.ready, view.unasked, view.targets)
            await until(app, lambda: app.app.view().ready)
            assert ([], 1) == (names(app), len(warnings(app)))
            agency.simulator.faults.clear()
            await app.clock.advance(3 * MINUTE)
            await until(app, lambda: called(1, 2, 3) == names(app))


async def test_a_restart_without_an_answer_polls_what_is_remembered_under_the_names_that_it_had(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        config = agency.config(state_file=str(tmp_path / "state.json"))
        async with agency.exporter(config) as app:
            await until(app, lambda: len(names(app)) == 3)
            await app.finished_polls()
            await app.written(tmp_path / "state.json.sites")
        agency.site(2).display_name = "Spa"
        agency.fail(FaultKind.DROP)
        async with agency.exporter(config) as app:
            assert called(1, 2, 3) == names(app)
            await app.finished_polls()
            agency.simulator.faults.clear()
            await app.clock.advance(3 * MINUTE)
            await until(app, lambda: not warnings(app))
            assert called(1, 2, 3) == names(app)
        assert KEY not in (tmp_path / "state.json.sites").read_text()
        assert 0o600 == (tmp_path / "state.json.sites").stat().st_mode & 0o777


@pytest.mark.parametrize("left", ["state.json", "state.json.0-of-2", "state.json.shard-0-of-5"])
async def test_a_new_shard_calls_the_sites_as_the_processes_before_did(left: str, tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        config = agency.config(state_file=str(tmp_path / left))
        async with agency.exporter(config) as app:
            await until(app, lambda: len(names(app)) == 3)
        for number in (1, 2, 3):
            agency.site(number).display_name = "Spa"
        again: set[str] = set()
        for index in range(2):
            config = agency.config(name=f"{index}.yml", state_file=str(tmp_path / "state.json"))
            async with agency.exporter(config, shard=(index, 2)) as app:
                again |= set(names(app))
        assert set(called(1, 2, 3)) == again


@pytest.mark.parametrize("content", [b"", b"{", b"[]", b'{"version": 1, "accounts": {"wix": 5}}', b"\xff\xfe"])
async def test_a_file_of_sites_that_cannot_be_read_is_told_and_written_anew(content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "state.json.sites"
    file.write_bytes(content)

    async with running_agency(tmp_path) as agency:
        with structlog.testing.capture_logs() as logged:
            async with agency.exporter(agency.config(state_file=str(tmp_path / "state.json"))) as app:
                await until(app, lambda: len(names(app)) == 3 and file.read_bytes() != content)
        assert ["sites_not_remembered"] == [line["event"] for line in logged if line["event"] == "sites_not_remembered"]


@pytest.mark.slow
async def test_the_file_is_not_read_for_it_and_while_a_changed_one_is_refused_nothing_changes(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        path = tmp_path / "exporter.yml"
        good = path.read_text()
        path.write_text(yaml.safe_dump({"targets": [agency.by_hand("half-way", 1)]}))
        agency.open(4)
        await next_list(agency, app)
        assert called(1, 2, 3, 4) == names(app), "what is being edited is not in force"
        path.write_text("targets: []")
        with pytest.raises(ConfigError):
            await app.app.reload()
        agency.open(5)
        await next_list(agency, app)
        assert (called(1, 2, 3, 4), True) == (names(app), app.app.view().rejected_config is not None)
        path.write_text(good)
        await driven(app, app.app.reload())
        assert called(1, 2, 3, 4, 5) == names(app)


async def test_a_site_that_is_written_by_hand_is_that_one_from_the_reload_on(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        agency.config(targets=[agency.by_hand("chair", 2, paused=True)])
        await driven(app, app.app.reload())
        assert ["chair", *called(1, 3)] == names(app)


async def test_what_only_and_without_leave_out_goes_and_comes_with_a_reload_and_asks_nobody(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        agency.config(agency.rule(without=["*2"]))
        agency.fail(FaultKind.DROP)
        await driven(app, app.app.reload())
        assert called(1, 3) == names(app)


async def test_more_sites_than_max_sites_are_a_warning_and_the_oldest_are_watched(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency, agency.exporter(agency.config(agency.rule(max_sites=2))) as app:
        await until(app, lambda: bool(names(app)))
        assert (called(1, 2), [True]) == (names(app), ["finds 3 sites" in text for text in warnings(app)])


async def test_shards_watch_each_site_once_also_when_they_know_it_by_different_names(tmp_path: Path) -> None:
    async with running_agency(tmp_path, 12) as agency:
        watched: list[str] = []
        for index in range(3):
            config = agency.config(name=f"{index}.yml", targets=[agency.by_hand("by hand", 1)])
            async with agency.exporter(config, shard=(index, 3)) as app:
                await until(app, lambda app=app: app.app.view().ready)  # type: ignore[misc]  # mypy knows no default there
                watched += [str(live.config.account.key) for live in app.app._live.values() if live.config.account]
            for number in range(1, 13):
                agency.site(number).display_name += " again"
        assert sorted(map(guid, range(1, 13))) == sorted(watched)


async def test_a_customer_of_one_site_hears_nothing_of_the_rules(tmp_path: Path) -> None:
    async with watching(tmp_path) as (agency, app):
        agency.fail(FaultKind.EMPTY, status=500)
        await app.clock.advance(INTERVAL - 5)
        await until(app, lambda: bool(warnings(app)))
        view = app.app.view("salon")
        assert ((), ()) == (view.discoveries, view.config_warnings)


async def test_five_hundred_sites_need_less_than_thirty_lines(tmp_path: Path) -> None:
    async with running_agency(tmp_path) as agency:
        for number in range(4, 501):
            agency.open(number)
        config = agency.config(agency.rule(paused=True))
        assert len(config.read_text().splitlines()) < 30
        async with agency.exporter(config) as app:
            await until(app, lambda: len(names(app)) == 500)
            assert (500, 1) == await numbers(app)
        assert 5 == agency.asked(), "100 on a page, and not one call more"
