"""A target that falls to another process is known there since when it was, whatever the process before was called."""

from __future__ import annotations

from pathlib import Path

from exporter.model import WHOLE, Shard
from tests.harness.application import RunningApplication, application
from tests.harness.business import Business
from tests.harness.clock import ManualClock
from tests.harness.own_calendar import Owner, an_owner, proofs, until

SINCE = "connection_status_since_timestamp_seconds"


async def since(app: RunningApplication) -> set[float]:
    await app.finished_polls()
    await app.pass_time(1.0)
    return {value for name, value in (await app.samples()).items() if name.startswith(SINCE)}


async def test_ages_go_on_when_one_process_becomes_two_and_two_become_three(business: Business, tmp_path: Path) -> None:
    clock = ManualClock(1_790_000_000.0)
    file = tmp_path / "state.json"
    config = business.config(business.wix_target(), state_file=str(file))
    async with application(config, clock) as app:
        known = await since(app)
        await app.written(file)
    assert known
    for count in (2, 3):
        await clock.advance(600.0)
        found: list[float] = []
        for index in range(count):
            async with application(config, clock, shard=(index, count)) as app:
                if app.app.config.targets:
                    found += await since(app)
                    await app.written(tmp_path / f"{file.name}.shard-{index}-of-{count}")
        assert known == set(found)


async def test_what_is_shown_says_which_shard_it_is_but_not_to_who_sees_one_site(business: Business) -> None:
    clock = ManualClock(1_790_000_000.0)
    config = business.config(business.wix_target(labels={"site": "a"}))
    for index in (0, 1):
        async with application(config, clock, shard=(index, 2)) as app:
            assert (Shard(index, 2), WHOLE) == (app.app.view().shard, app.app.view("a").shard)
    async with application(config, clock) as app:
        assert WHOLE == app.app.view().shard


async def judged(owner: Owner, config: Path, *shard: int) -> list[tuple[bool, int]]:
    """Return of each pair of a ``shard``, or of all, whether it has proved itself, and how many bookings it saw arrive."""
    async with application(config, owner.clock, shard=(shard[0], shard[1]) if shard else None) as app:
        if not app.app.config.targets:
            return []
        assert {"salon", "anna-cal"} == {target.name for target in app.app.config.targets}
        await until(app, lambda: bool(proofs(app)))
        return [(proof.judges, proof.arrived_in_all) for proof in proofs(app)]


async def test_a_pair_goes_on_whole_when_one_process_becomes_two_three_and_one_again(tmp_path: Path) -> None:
    async with an_owner(tmp_path) as owner:
        config = owner.config(state_file=str(tmp_path / "state.json"))
        assert [(True, 5)] == await judged(owner, config)
        owner.calendar.busy.clear()  # what proved the pair is not there to prove it again
        for count in (2, 3):
            await owner.clock.advance(60.0)
            assert [(True, 5)] == [row for index in range(count) for row in await judged(owner, config, index, count)]
        assert [(True, 5)] == await judged(owner, config)
