"""Benchmarks run: all of them although one fails, and each as small as it can be."""

from __future__ import annotations

import asyncio
import importlib
import os
import re
import sys
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Final

import pytest

from exporter.metrics import Format
from tests.benchmarks import (
    bitrix24_links,
    bitrix24_reading,
    board,
    clients,
    configuration,
    cut_texts,
    every_check,
    held_loop,
    known_secrets,
    memory,
    page_server,
    portal_of_bytes,
    scrapers,
    start,
    state_file,
)
from tests.benchmarks.__main__ import LONG, benchmarks, main
from tests.harness.good_clients import Seen, Waits
from tests.harness.log_settings import logging_as_before

ROOT: Final = Path(__file__).parents[2]
PEERS: Final = re.findall(r"^([\w-]+)==", (ROOT / "requirements-bench.in").read_text(), re.MULTILINE)


@pytest.mark.parametrize("name", benchmarks())
def test_every_benchmark_begins_without_the_peers_that_only_make_bench_installs(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert PEERS
    for missing in PEERS:
        monkeypatch.setitem(sys.modules, missing.replace("-", "_"), None)
    monkeypatch.delitem(sys.modules, f"tests.benchmarks.{name}", raising=False)
    importlib.import_module(f"tests.benchmarks.{name}")


def test_all_run_but_the_long_ones_although_one_fails_and_few_rounds_are_not_kept(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[tuple[str, int]] = []

    def run(name: str, rounds: int, results: Path) -> bool:
        asked.append((name, rounds))
        assert not results.is_relative_to(ROOT)
        return name != "http_pool"

    assert 1 == main(["--rounds", "4"], run=run)
    assert asked == [(name, 4) for name in benchmarks() if name not in LONG]
    assert "Failed: http_pool.\n" == capsys.readouterr().err


def test_what_is_asked_for_runs_alone_and_an_unknown_one_is_named(capsys: pytest.CaptureFixture[str]) -> None:
    asked: list[str] = []

    def run(name: str, _rounds: int, _results: Path) -> bool:
        asked.append(name)
        return True

    assert 0 == main(["--rounds", "1", "series"], run=run)
    assert ["series"] == asked
    with pytest.raises(SystemExit):
        main(["--rounds", "1", "searies"], run=run)
    assert "no such benchmark: searies" in capsys.readouterr().err


def test_cut_texts_are_read_by_ours_and_json_and_not_by_msgspec() -> None:
    whole, cut, hostile = cut_texts.figures(1)
    assert ({"json", "msgspec"}, {"json"}, True) == (set(whole.peers), set(cut.peers), hostile.goal is not None)


def test_secrets_are_masked_by_both() -> None:
    with logging_as_before():
        found = known_secrets.figures(1, number=20)
    assert [set(figure.peers) for figure in found] == [{"re"}, {"re", "the line itself"}, {"re"}, set()]


async def test_a_small_state_is_saved_by_both(tmp_path: Path) -> None:
    one, each = await state_file.usual(tmp_path, 1, targets=3)
    assert one.peers == each.peers
    assert (tmp_path / "plain.json").read_bytes() != b""


def test_a_small_board_is_rendered_beside_its_documents() -> None:
    assert [figure.name for figure in board.rendering(board.troubled(4), 1)] == [
        f"4 targets, {search}: CPU" for search in board.QUERIES
    ]


def test_of_bad_clients_only_the_plain_way_has_a_peer_and_nobody_answered_is_never() -> None:
    answered, nobody = Waits([0.1, 0.2]), Waits([], ["ReadTimeout"])
    found = {name: (clients.Noticed(Seen(answered, nobody, 99)),) for name in ("plain", "TLS", clients.ASGI)}
    plain, tls, _ = (clients.figures_of(way, found) if way.name in found else [] for way in clients.WAYS)
    assert [figure.ours for figure in plain] == [(100.0,), (float("inf"),), (1.0,), (99,), (0,)]
    assert [set(figure.peers) for figure in plain] == [{clients.ASGI}] * 4 + [set()]
    assert {name for figure in tls for name in figure.peers} == set()


async def test_a_loop_is_held_by_what_works_between_two_turns() -> None:
    async def work() -> int:
        return sum(range(200_000))

    found, held = await held_loop.longest_hold(work)
    assert 19_999_900_000 == found
    assert held > 0


async def test_memory_that_is_given_back_counts_at_its_peak() -> None:
    async def work() -> int:
        return len(bytearray(b"x") * (64 << 20))

    found, mib = await memory.peak_of(work)
    assert found == 64 << 20
    assert mib > 60


def test_a_few_links_are_asked_about_in_the_time_that_the_budget_allows_and_no_less() -> None:
    for figure in bitrix24_links.timed(400):
        [seconds], [least] = figure.ours, figure.peers[bitrix24_links.BOUND]
        assert seconds > least


async def test_a_small_portal_is_read_by_ours_and_by_the_least_that_reading_takes() -> None:
    asked = [0]
    server, url = await portal_of_bytes.opened(120, asked)
    async with AsyncExitStack() as stack:
        poll = await bitrix24_reading.ours(url, stack)
        read = await bitrix24_reading.lean(url, stack, pages=3)
        assert (120, 2) == (await poll(), asked[0])
        assert (120, 4) == (await poll(), asked[0])
        assert (120, 5) == (await read(), asked[0])
    server.close()


async def test_the_fleet_that_is_scraped_shows_what_was_polled_and_keeps_the_rest() -> None:
    fleet = page_server.Fleet(8)
    pages = [bytes(await fleet.metrics(Format.TEXT, None)).splitlines() for _ in range(2)]
    fleet.poll(0.25)
    pages.append(bytes(await fleet.metrics(Format.TEXT, None)).splitlines())
    first, same, later = ({line for line in page if b"target=" in line} for page in pages)
    assert same == first
    assert 2 == len({re.findall(b'target="([^"]+)', line)[0] for line in later - first})


async def test_businesses_with_every_check_are_asked_within_the_limits_of_both_platforms() -> None:
    seen = await every_check.measure(2, 0.0)
    assert (2, 4, 2, 2, 2) == tuple(map(seen.up, ("connections", "bookings", "events", "slots", "links")))
    assert (0, 0) == (seen.failed, seen.asked.refused + seen.asked.statuses[429])
    assert 2 == len({site for site, _ in seen.asked.of_site})


def test_a_percentile_is_a_wait() -> None:
    assert [100, 198, 200] == [scrapers.percentile(range(1, 201), share) for share in (0.5, 0.99, 1.0)]


def test_a_small_configuration_is_healthy_built_and_changed(tmp_path: Path) -> None:
    file = configuration.written(tmp_path, sites=20, portals=3)
    start = asyncio.run(configuration.started(file))
    assert start.healthy > 0
    assert start.built > 0
    with logging_as_before():
        cost = configuration.read(file)
    assert cost.reload > 0


def test_a_start_is_measured_beside_a_small_exporter() -> None:
    cost = start.theirs(os.environ, 0)
    assert 0 < cost.cpu < cost.memory
    assert start.cpu_of(("--version",), os.environ) > 0
