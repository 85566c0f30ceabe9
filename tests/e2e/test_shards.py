"""Real processes that divide the targets: each says on its first page which part it is, also one that stands by."""

from __future__ import annotations

from pathlib import Path

from exporter.simulator import Fault, FaultKind
from tests.harness.business import Business
from tests.harness.process import Exporter, exporter


async def shards(running: Exporter) -> dict[str, float]:
    await running.listening()
    return {name: value for name, value in (await running.samples()).items() if name.startswith(("shard", "standby"))}


async def test_each_shard_says_on_its_first_page_which_it_is_of_how_many_and_so_does_its_standby(
    business: Business, tmp_path: Path
) -> None:
    business.simulator.faults.add(Fault(FaultKind.STATUS, status=403))
    targets = [business.wix_target(f"salon-{number}") for number in range(6)]
    config = business.config(*targets, state_file=str(tmp_path / "state.json"))
    async with exporter(config, "--shard", "0/2") as first, exporter(config, "--shard", "1/2", "--standby") as second:
        await second.ready()
        async with exporter(config, "--shard", "1/2", "--standby", wait=False) as waiting:
            assert {'shard_info{shard="0"}': 1, "shards": 2, "standby": 0} == await shards(first)
            assert {'shard_info{shard="1"}': 1, "shards": 2, "standby": 0} == await shards(second)
            assert {'shard_info{shard="1"}': 1, "shards": 2, "standby": 1} == await shards(waiting)


async def test_an_exporter_that_watches_everything_is_the_first_of_one_shard(business: Business) -> None:
    async with exporter(business.config()) as running:
        assert {'shard_info{shard="0"}': 1, "shards": 1, "standby": 0} == await shards(running)
