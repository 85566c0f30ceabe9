"""The agent of ``docs/scale.md`` in front of shards: what arrives at the far end, and the queries that join the parts."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from functools import partial
from pathlib import Path
from typing import Any, Final

import httpx
import pytest

from tests.docs.blocks import blocks_of
from tests.monitoring.libyaml import safe_dump, safe_load
from tests.monitoring.pages import pages
from tests.monitoring.servers import free_port, prometheus, run, running, wait_for

PAGE: Final = "docs/scale.md"
(AGENT,) = (text for text in blocks_of(PAGE, "yaml") if text.startswith("# agent.yml"))
ONCE, SHARD, COUNTED, MISSING = blocks_of(PAGE, "promql")


def page_of(shard: int, targets: list[str]) -> bytes:
    lines = [f'booking_sync_shard_info{{shard="{shard}"}} 1', "booking_sync_shards 3", "booking_sync_standby 0"]
    for target in targets:
        of = f'target="{target}",platform="wix"'
        lines += [f'booking_sync_collector_up{{{of},collector="bookings"}} 1', f'booking_sync_target_info{{{of},site="a"}} 1']
    return "".join(f"{line}\n" for line in lines).encode()


@contextmanager
def agent(folder: Path, exporters: list[str], remote: httpx.Client) -> Iterator[None]:
    """Run the document's agent, faster, on ``exporters`` in place of its own and with its data for ``remote``."""
    config = safe_load(AGENT)
    config["global"] |= {"scrape_interval": "1s", "scrape_timeout": "1s"}
    config["scrape_configs"][0]["static_configs"] = [{"targets": exporters}]
    config["remote_write"][0] |= {"url": f"{remote.base_url}/api/v1/write", "queue_config": {"batch_send_deadline": "500ms"}}
    (folder / "agent.yml").write_text(safe_dump(config))
    said = run("prometheus", "--version")
    mode = "--enable-feature=agent" if "version 2." in said.stdout + said.stderr else "--agent"
    flags = [f"--config.file={folder / 'agent.yml'}", f"--storage.agent.path={folder / 'agent'}"]
    with running("prometheus", folder, mode, *flags, f"--web.listen-address=127.0.0.1:{free_port()}"):
        yield


def asked(client: httpx.Client, query: str, *labels: str) -> Mapping[tuple[str, ...], float]:
    answer: Any = client.get("/api/v1/query", params={"query": query}).json()
    assert "success" == answer["status"], answer
    rows = answer["data"]["result"]
    found = {tuple(row["metric"].get(label, "") for label in labels): float(row["value"][1]) for row in rows}
    assert len(rows) == len(found), "each once"
    return found


@pytest.mark.servers
def test_the_agents_configuration_is_one(tmp_path: Path) -> None:
    (tmp_path / "agent.yml").write_text(AGENT)
    checked = run("promtool", "check", "config", "--agent", tmp_path / "agent.yml")
    assert 0 == checked.returncode, checked.stdout + checked.stderr


@pytest.mark.servers
def test_shards_that_an_agent_sends_on_are_one_fleet_also_while_targets_move_and_a_shard_ends(tmp_path: Path) -> None:
    watched = {0: ["salon", "spa"], 1: ["physio"], 2: ["dentist"]}

    def everything(expected: Mapping[int, list[str]]) -> bool:
        wanted = {(target, str(shard)): 1.0 for shard, targets in expected.items() for target in targets}
        return (
            dict.fromkeys(sorted((target,) for target, _ in wanted), 1.0) == dict(sorted(asked(far, ONCE, "target").items()))
            and wanted == asked(far, SHARD, "target", "shard")
            and {(str(shard),): float(len(targets)) for shard, targets in expected.items()} == asked(far, COUNTED, "shard")
            and {("north",): 3.0 - len(expected)} == asked(far, MISSING, "cluster")
        )

    with ExitStack() as stack:
        (tmp_path / "far").mkdir()
        far = stack.enter_context(prometheus(tmp_path / "far", "{}", "--web.enable-remote-write-receiver"))
        first, second = (stack.enter_context(pages(lambda _, one=one: page_of(one, watched[one]))) for one in (0, 2))  # type: ignore[misc]
        with ExitStack() as ending:
            third = ending.enter_context(pages(lambda _: page_of(1, watched[1])))
            stack.enter_context(agent(tmp_path, [first, second, third], far))
            wait_for("all three shards", partial(everything, watched))
            # For a scrape or two both show it: the queries that fold `instance` see it once all the same.
            watched[2] = ["dentist", "spa"]
            wait_for("the target at both", lambda: len(asked(far, 'booking_sync_target_info{target="spa"}', "instance")) == 2)
            assert {(name,): 1.0 for name in itertools.chain(*watched.values())} == asked(far, ONCE, "target")
            watched[0] = ["salon"]
            wait_for("the move", partial(everything, watched), 20)
        del watched[1]
        wait_for("the end of a shard", partial(everything, watched), 20)  # long before five minutes without a sample
