"""Every query of the cookbook, asked of a real Prometheus that has an hour of the simulator's world."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

import httpx
import pytest
import yaml

from tests.docs.cookbook import BLOCK, PAGE, answer_of, ask, server
from tests.monitoring.servers import run

pytestmark = pytest.mark.servers

TEXT: Final = PAGE.read_text()
QUERIES: Final = [(found["query"], found["answer"]) for found in BLOCK.finditer(TEXT)]
RULES: Final = [part.partition("```")[0] for part in TEXT.split("```yaml\n")[1:]]


@pytest.fixture(scope="module")
def hour(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    with server(tmp_path_factory.mktemp("hour")) as client:
        yield client


@pytest.mark.parametrize(("query", "answer"), QUERIES, ids=[query for query, _ in QUERIES])
def test_a_query_of_the_cookbook_has_the_answer_that_stands_below_it(query: str, answer: str, hour: httpx.Client) -> None:
    assert answer_of(hour, query) == answer


@pytest.mark.parametrize("rules", RULES)
def test_a_rule_of_the_cookbook_is_one_and_finds_something(rules: str, hour: httpx.Client, tmp_path: Path) -> None:
    file = tmp_path / "rules.yml"
    file.write_text(rules)
    checked = run("promtool", "check", "rules", "--lint=all", "--lint-fatal", file)
    assert 0 == checked.returncode, checked.stdout + checked.stderr
    [group] = yaml.safe_load(rules)["groups"]
    [rule] = group["rules"]
    assert ask(hour, rule["expr"])


def test_the_cookbook_answers_at_least_twenty_questions() -> None:
    assert len(QUERIES) >= 20
