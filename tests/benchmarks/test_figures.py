"""The frame of the benchmarks: a ratio is of medians, everybody is measured in turns, and a verdict follows from the values."""

from __future__ import annotations

import json
import os
import time
from functools import partial
from pathlib import Path

import pytest

from tests.benchmarks.figures import Figure, Goal, NotRun, in_turns, in_turns_async, peer, process_cpu
from tests.benchmarks.report import compared, decoded, in_words, main, measured, number, ratio, table
from tests.harness.log_settings import logging_as_before

HALF = Goal("half of it", "some", 0.5, of="other")


@pytest.mark.parametrize(
    ("ours", "other", "goal", "held", "verdict"),
    [
        # The median of ours is 2, of the other 4; the means would be 35 and 4.
        ((1.0, 2.0, 102.0), (3.0, 4.0, 5.0), HALF, 0.5, "met"),
        ((1.0, 2.1, 2.2), (3.0, 4.0, 5.0), HALF, 0.525, "missed"),
        ((1.0, 2.0, 3.0), (), HALF, None, "not run"),
        ((), (3.0,), HALF, None, "not run"),
        ((1.0, 2.0, 9.0), (), Goal("two", "some", 2, "ms"), 2.0, "met"),
        ((1.0, 2.0, 9.0), (), Goal("two at worst", "some", 2, "ms", worst=True), 9.0, "missed"),
        ((1.0, 2.0, 8.0), (4.0, 4.0, 40.0), Goal("worst of both", "some", 1, of="other", worst=True), 2.0, "missed"),
        ((float("nan"),), (), Goal("two", "some", 2, "ms"), None, "not run"),
        ((float("inf"),), (), Goal("two", "some", 2, "ms"), float("inf"), "missed"),
        ((0.0,), (), Goal("none", "some", 0, "ms"), 0.0, "met"),
        ((1.0,), (), None, None, ""),
    ],
)
def test_a_verdict_follows_from_the_values(
    ours: tuple[float, ...], other: tuple[float, ...], goal: Goal | None, held: float | None, verdict: str
) -> None:
    figure = Figure("a scrape", "ms", ours, {"other": other} if other else {}, goal)
    assert figure.verdict == verdict
    assert held is None or figure.held == pytest.approx(held)


def test_everybody_is_measured_once_a_round_and_everybody_is_first_in_some() -> None:
    asked: list[str] = []

    def ask(name: str) -> int:
        asked.append(name)
        return len(asked)

    found = in_turns(3, {name: partial(ask, name) for name in "abc"})
    assert "abcbcacab" == "".join(asked)
    assert {"a": (1, 6, 8), "b": (2, 4, 9), "c": (3, 5, 7)} == found


async def test_what_is_awaited_takes_the_same_turns() -> None:
    asked: list[str] = []

    async def ask(name: str) -> int:
        asked.append(name)
        return len(asked)

    found = await in_turns_async(2, {"a": lambda: ask("a"), "b": lambda: ask("b")})
    assert {"a": (1, 4), "b": (2, 3)} == found


def test_a_report_says_what_was_measured_and_comes_back_as_it_was() -> None:
    figure = Figure("a scrape", "ms", (1.0, 3.0), {"other": (10.0, 10.0)}, HALF, limit="other", limited_by="the lines")
    report = measured("some", "What it is.", lambda rounds: [figure] * rounds, rounds=1, beside=("msgspec", "no-such-program"))
    assert decoded(report.encoded()) == report
    document = json.loads(report.encoded())
    assert (0.2, "met") == (document["figures"][0]["held"], document["figures"][0]["verdict"])
    assert document["machine"]["cores"] == os.cpu_count()
    assert "-" == document["versions"]["no-such-program"]
    assert document["versions"]["msgspec"][0].isdigit()
    assert (
        "| a scrape, ms | 2 (1 to 3) | 10 | 20 % of other | at most 50 % of other: 20 % | met |"
        == table(report).splitlines()[2]
    )


def test_a_wait_that_never_ended_comes_back_as_it_was() -> None:
    figure = Figure("a scrape", "ms", (float("inf"), 1.0, float("inf")), goal=Goal("two", "some", 2, "ms"))
    report = measured("some", None, lambda _: [figure])
    assert decoded(report.encoded()) == report
    assert ["inf", 1.0, "inf"] == json.loads(report.encoded())["figures"][0]["ours"]
    assert "| a scrape, ms | never (1 to never) | at most 2 ms | missed |" == table(report).splitlines()[2]


def test_what_cannot_run_here_says_why_and_is_no_error(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def figures(_rounds: int) -> list[Figure]:
        peer("a_library_that_nobody_has")
        raise AssertionError

    with logging_as_before():
        main("some", None, figures, arguments=["--json", str(tmp_path / "some.json")])
    assert "Not run: a_library_that_nobody_has is not installed; `make bench` installs it.\n" == capsys.readouterr().out
    assert decoded((tmp_path / "some.json").read_bytes()).not_run.startswith("a_library_that_nobody_has")


def test_a_peer_that_is_there_is_imported() -> None:
    assert peer("json") is json
    with pytest.raises(NotRun):
        peer("json.no_such_part")


def test_the_clock_of_a_process_is_its_processor_time() -> None:
    before = time.process_time()
    found = process_cpu(os.getpid())
    assert before <= found <= time.process_time()


@pytest.mark.parametrize(
    ("value", "text"),
    [(0, "0"), (0.00234, "0.00234"), (12.345, "12.3"), (123.4, "123"), (99_900, "99,900"), (99.96, "100"), (1.3, "1.3")],
)
def test_a_number_has_three_digits_that_count(value: float, text: str) -> None:
    assert number(value) == text


def test_a_share_is_in_per_cent_and_a_multiple_is_not() -> None:
    assert ("0.2 %", "33.3 %", "1.3 times") == (ratio(0.002), ratio(1 / 3), ratio(1.3))


def test_a_figure_is_measured_in_the_unit_of_its_goal() -> None:
    with pytest.raises(ValueError, match="a scrape is measured in s, its goal is in ms"):
        Figure("a scrape", "s", (1.0,), goal=Goal("two", "some", 2, "ms"))


@pytest.mark.parametrize(
    ("goal", "words"),
    [
        (Goal("", "", 0.05, of="asgi"), "at most 5 % of asgi"),
        (Goal("", "", 1.3, of="the bound"), "at most 1.3 times the bound"),
        (Goal("", "", 1, of="the bound", worst=True), "at most the bound, each round"),
        (Goal("", "", 0, "calls", worst=True), "no calls"),
        (Goal("", "", 250, "ms"), "at most 250 ms"),
    ],
)
def test_a_goal_is_said_in_words(goal: Goal, words: str) -> None:
    assert in_words(goal) == words


def test_ours_is_said_of_each_peer_that_ran_and_is_not_nothing() -> None:
    figure = Figure("a scrape", "ms", (3.0,), {"asgi": (12.0,), "nginx": (2.0,), "none": (0.0,), "absent": ()})
    assert "25 % of asgi, 1.5 times nginx" == compared(figure)
    assert "" == compared(Figure("a scrape", "ms", (), {"asgi": (12.0,)}))
