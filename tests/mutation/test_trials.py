"""A mutant in a fork: what changes there, what is told of it, and what stays as it was."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import time
from datetime import date
from pathlib import Path

import pytest

from exporter.counting.windows import hull
from exporter.model import Window
from tests.mutation.equivalents import NO_FAULT
from tests.mutation.operators import Mutant
from tests.mutation.parts import PARTS
from tests.mutation.report import Kept, figures, listed, write
from tests.mutation.trials import ROOT, Outcome, Reach, Subject, Wanted, chosen, functions_of, in_a_fork, swap

WINDOWS = (Window("one", 1.0, 2.0), Window("two", 3.0, 4.0))


@pytest.fixture(scope="module")
def subject() -> Subject:
    return Subject("exporter/counting/windows.py")


def named(subject: Subject, part: str) -> Mutant:
    return next(one for one in subject.mutants if part in one.name)


def endless() -> str:
    while True:
        time.process_time()


def killed() -> str:
    os.kill(os.getpid(), signal.SIGKILL)
    return "never"


def broken() -> str:
    raise ValueError


def test_a_child_tells_what_it_found_and_how_it_ended() -> None:
    assert (0, "found") == in_a_fork(lambda: "found", processor=10, wall=10)
    assert (-signal.SIGKILL, "") == in_a_fork(killed, processor=10, wall=10)
    assert (70, "") == in_a_fork(broken, processor=10, wall=10)
    assert (-signal.SIGXCPU, "") == in_a_fork(endless, processor=0, wall=60)


def test_a_mutant_is_in_the_functions_of_its_child_and_nowhere_else(subject: Subject) -> None:
    def mutated() -> str:
        mutant = named(subject, "hull: ")
        return f"{swap(subject, mutant, functions_of([subject.file]))} {hull(WINDOWS)}"

    ended, said = in_a_fork(mutated, processor=60, wall=120)
    assert (0, True) == (ended, said.startswith("True"))
    assert str(hull(WINDOWS)) not in said
    assert (1.0, 4.0) == hull(WINDOWS)


def test_functions_that_an_application_froze_are_found(subject: Subject) -> None:
    found = functions_of([subject.file])
    gc.freeze()
    assert found.keys() == functions_of([subject.file]).keys()
    assert 0 == gc.get_freeze_count()


CONSTANT = """
import sys
from pathlib import Path
from tests.mutation.trials import Subject, Wanted, try_all

subject = Subject("exporter/platforms/bitrix24/portal.py")
mutant = next(one for one in subject.mutants if one.name.endswith("MAX_SLOT_SECONDS: Final = 6.0"))
outcomes = []
tests = ["tests/platforms/bitrix24/test_portal_edges.py"]
# The first session measures what the tests reach, and only a mutant of a function has one.
inside = next(one for one in subject.mutants if one.function == "Portal.slot")
note = lambda outcome: print("OUTCOME", outcome.name, outcome.result) is None
wanted = [Wanted(subject, one, note) for one in (inside, mutant)]
assert try_all(wanted, tests, [subject.file], Path(sys.argv[1]))
"""


@pytest.mark.slow
def test_a_constant_is_mutated_before_a_conftest_imports_its_module(tmp_path: Path) -> None:
    ran = subprocess.run(
        [sys.executable, "-c", CONSTANT, str(tmp_path / "reach.json")], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert "OUTCOME module: MAX_SLOT_SECONDS: Final = 5.0 -> MAX_SLOT_SECONDS: Final = 6.0 killed" in ran.stdout, ran.stderr


def test_a_mutant_gets_the_tests_that_reach_its_statement_quickest_first_and_none_that_is_slow(subject: Subject) -> None:
    mutant = named(subject, "hull: ")
    there, elsewhere = {subject.file: frozenset({mutant.first})}, {subject.file: frozenset({mutant.last + 1})}
    reach = {
        "second": Reach(0.2, there),
        "first": Reach(0.1, there),
        "slow": Reach(30.0, there),
        "beside": Reach(0.1, elsewhere),
    }
    assert ["first", "second"] == chosen(Wanted(subject, mutant, bool), reach)
    constant = next(one for one in subject.mutants if not one.function)
    assert ["first", "beside", "second"] == chosen(Wanted(subject, constant, bool), reach)


@pytest.fixture
def kept(tmp_path: Path, subject: Subject) -> Kept:
    its = Kept(tmp_path, subject)
    first, second, third = (one.name for one in subject.mutants[:3])
    for outcome in (Outcome(first, "survived"), Outcome(first, "killed", "a test"), Outcome(second, "unreached")):
        its.add(outcome)
    its.add(Outcome(third, "timed out"))
    its.add(Outcome("of a mutant that is no more", "survived"))
    return its


def test_a_run_goes_on_where_it_ended_and_what_lives_can_be_tried_again(kept: Kept, tmp_path: Path) -> None:
    mutants = kept.subject.mutants
    assert mutants[3:] == kept.left()
    assert mutants[5::5] == kept.left(every=5)
    assert [mutants[1]] == kept.left(again=True)
    assert mutants[3:] == Kept(tmp_path, kept.subject).left()


def test_the_document_gets_the_figures_and_what_lives_and_keeps_the_rest(kept: Kept, tmp_path: Path) -> None:
    document = tmp_path / "testing.md"
    document.write_text("# Testing\n\n## Mutation\n\nWhat it is.\n\n## Other\n\nText.\n")
    kept_by = {"exporter/counting/windows.py": kept}
    for _ in range(2):
        write(document, kept_by, date(2026, 12, 3))
    text = document.read_text()
    assert text.startswith("# Testing\n\n## Mutation\n\nWhat it is.\n\n### Last figures\n\nOf 3 December 2026.\n")
    assert text.endswith("\n## Other\n\nText.\n")
    number = len(kept.subject.mutants)
    assert f"| `exporter/counting/windows.py` | {number} | 3 | 1 | 1 | 0 | 1 |" in list(figures(kept_by))
    assert 1 == len(list(listed(kept_by)))
    assert 1 == text.count("### What lives")


def test_modules_exist_and_each_reason_belongs_to_a_mutant() -> None:
    modules = {path: Subject(path) for part in PARTS for path in part.modules}
    assert all((ROOT / test).exists() for part in PARTS for test in (*part.tests, *part.wider))
    for path, pattern, _ in NO_FAULT:
        found = [
            one for module, its in modules.items() if module.endswith(path) for one in its.mutants if pattern.search(one.name)
        ]
        assert found, (path, pattern)
