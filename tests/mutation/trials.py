"""Tries mutants in forks: tests are collected once, and each mutant is a child that changes the code and runs them.

A mutant inside a function takes the place of that function's code. One that is run by the import (a constant, a default, a row
of a table) needs a child of a process that has imported nothing of ours yet. Of the tests those are run that reached the
mutant's statement when nothing was changed, the quickest first, up to the first that fails.
"""

from __future__ import annotations

import ast
import functools
import gc
import hashlib
import importlib
import io
import json
import os
import resource
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from importlib.machinery import ModuleSpec, SourceFileLoader
from importlib.util import spec_from_file_location
from itertools import pairwise
from pathlib import Path
from types import CodeType, FunctionType, ModuleType
from typing import Final

import coverage
import pytest

from tests.mutation.operators import Mutant, mutants

ROOT: Final = Path(__file__).resolve().parents[2]
EXAMPLES: Final = 25
"""Of a generated test that does not say how many it needs."""
SLOW_SECONDS: Final = 1.5
"""Processor time from which on a test is left out."""
TOGETHER_SECONDS: Final = 4.0
"""Processor time of all tests that a mutant gets."""
MEMORY: Final = 4 << 30
_NO_FUNCTION: Final = "no such function"
_PRELOADED: Final = (
    "aiohttp",
    "babel",
    "httpx",
    "hypothesis",
    "jinja2",
    "msgspec",
    "pydantic",
    "starlette",
    "structlog",
    "uvicorn",
)
_ARGUMENTS: Final = ("-p", "no:cacheprovider", "-p", "no:xdist", "-q", "-s", "--no-header", "--no-summary")


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a mutant: ``killed``, ``survived``, ``timed out``; ``unreached`` when no test comes to its statement."""

    name: str
    result: str
    killer: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Reach:
    """What a test does when nothing is changed: its processor time, and which lines of which files it reaches."""

    seconds: float
    lines: Mapping[str, frozenset[int]]


class Subject:
    """A module with its faults; ``path`` is relative to the repository."""

    def __init__(self, path: str) -> None:
        self.path = path
        self.file = str(ROOT / path)
        self.source = (ROOT / path).read_text(encoding="utf-8")
        self.dotted = path.removesuffix(".py").removesuffix("/__init__").replace("/", ".")
        self.tree = ast.parse(self.source)
        self.mutants = mutants(self.tree)

    def compiled(self, mutant: Mutant) -> CodeType:
        """Return the code of the module with ``mutant`` in it, which stays there."""
        mutant.put_in()
        return compile(ast.fix_missing_locations(self.tree), self.file, "exec")


@dataclass(frozen=True, slots=True)
class Wanted:
    """A mutant that is to be tried, its module, and whom to tell what became of it; who is told says whether to go on."""

    subject: Subject
    mutant: Mutant
    note: Callable[[Outcome], bool]

    def tell(self, outcome: Outcome) -> bool:
        """Tell what became of it; returns whether to go on."""
        return self.note(outcome)


def in_a_fork(work: Callable[[], str], *, processor: float, wall: float, is_heard: bool = False) -> tuple[int, str]:
    """Run ``work`` in a child. Returns how it ended (0 well, minus a signal, else a crash) and what it returned.

    It may take so many seconds of processor time, and of time; what it prints is thrown away unless it ``is_heard``.
    """
    reading, writing = os.pipe()
    child = os.fork()
    if not child:
        os.close(reading)
        _in_the_child(work, writing, processor, wall, is_heard=is_heard)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8") as told:
        text = told.read()
    _, status = os.waitpid(child, 0)
    return os.waitstatus_to_exitcode(status), text


def _in_the_child(work: Callable[[], str], writing: int, processor: float, wall: float, *, is_heard: bool) -> None:
    ended = 70
    try:
        if not is_heard:
            nowhere = os.open(os.devnull, os.O_WRONLY)
            os.dup2(nowhere, 1)
            os.dup2(nowhere, 2)
            sys.stdout = sys.stderr = io.StringIO()
        signal.alarm(int(wall) + 1)
        most = int(time.process_time() + processor) + 1
        resource.setrlimit(resource.RLIMIT_CPU, (most, most + 1))
        resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
        said = work()
        with os.fdopen(writing, "w", encoding="utf-8") as told:
            told.write(said)
        ended = 0
    except BaseException:  # noqa: BLE001  a fork must not go on in what its parent was about to do
        traceback.print_exc()
    finally:
        os._exit(ended)


def swap(subject: Subject, mutant: Mutant, functions: Mapping[tuple[str, str, int], Sequence[FunctionType]]) -> bool:
    """Put ``mutant`` into the functions that exist; returns whether that was possible."""
    swapped = False
    for code in _all_codes(subject.compiled(mutant)):
        if code.co_qualname == mutant.function:
            for function in functions.get((subject.file, code.co_qualname, code.co_firstlineno), ()):
                with suppress(ValueError):  # another number of free variables
                    function.__code__ = code
                    swapped = True
    return swapped


def _all_codes(code: CodeType) -> Iterator[CodeType]:
    for inner in code.co_consts:
        if isinstance(inner, CodeType):
            yield inner
            yield from _all_codes(inner)


def functions_of(files: Iterable[str]) -> dict[tuple[str, str, int], list[FunctionType]]:
    """Return the functions that were made from ``files``, by file, name and first line."""
    found: dict[tuple[str, str, int], list[FunctionType]] = {}
    wanted = set(files)
    for one in _objects():
        if type(one) is FunctionType and one.__code__.co_filename in wanted:
            code = one.__code__
            found.setdefault((code.co_filename, code.co_qualname, code.co_firstlineno), []).append(one)
    return found


def _objects() -> list[object]:
    """Return all objects, also those that an application in this process froze."""
    gc.unfreeze()
    return gc.get_objects()


def _caches() -> list[functools._lru_cache_wrapper[object]]:
    kind = type(functools.lru_cache(lambda: None))
    return [one for one in _objects() if type(one) is kind and str(one.__module__).startswith("exporter")]


class _MutatedLoader(SourceFileLoader):
    def __init__(self, name: str, file: str, code: CodeType) -> None:
        super().__init__(name, file)
        self._code = code

    def get_code(self, fullname: str) -> CodeType:
        del fullname
        return self._code


class _Finder:
    """Gives one module another code."""

    def __init__(self, subject: Subject, mutant: Mutant) -> None:
        self._name = subject.dotted
        self._file = subject.file
        self._code = subject.compiled(mutant)

    def find_spec(self, name: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        del path, target
        if name != self._name:
            return None
        return spec_from_file_location(name, self._file, loader=_MutatedLoader(name, self._file, self._code))


def chosen(wanted: Wanted, reach: Mapping[str, Reach]) -> list[str]:
    """Return the tests that reach the statement of a mutant, or all for one that the import runs, quickest first.

    Who reads a constant reaches no line of its module.
    """
    mutant, file = wanted.mutant, wanted.subject.file
    lines = set(range(mutant.first, mutant.last + 1))
    found: list[str] = []
    left = TOGETHER_SECONDS
    for name in sorted(reach, key=lambda name: reach[name].seconds):
        its = reach[name].lines.get(file, frozenset())
        if reach[name].seconds < min(left, SLOW_SECONDS) and (its & lines or not mutant.function):
            left -= reach[name].seconds
            found.append(name)
    return found


def _tried(wanted: Wanted, run: Callable[[], str], seconds: float) -> Outcome:
    name = wanted.mutant.name
    began = time.monotonic()
    ended, killer = in_a_fork(run, processor=2 + 4 * seconds, wall=60 + 30 * seconds)
    took = round(time.monotonic() - began, 2)
    if ended in {-signal.SIGALRM, -signal.SIGXCPU, -signal.SIGKILL}:
        return Outcome(name, "timed out", "", took)
    if ended:
        return Outcome(name, "killed", f"a crash ({ended})", took)
    if killer == _NO_FUNCTION:
        return Outcome(name, "unreached", killer, took)
    return Outcome(name, "killed" if killer else "survived", killer, took)


class _TooSlowError(BaseException):
    """Ends a test; what catches exceptions must not take it for its own."""


def _too_slow(number: int, frame: object) -> None:
    del number, frame
    raise _TooSlowError


class Session:
    """A plugin of pytest that, instead of running the tests, tries mutants with them, each in a fork."""

    def __init__(self, wanted: Sequence[Wanted], files: Sequence[str], reach_file: Path, *, imports: bool) -> None:
        self._wanted = [one for one in wanted if bool(one.mutant.function) != imports]
        self._imports = imports
        self._files = files
        self._reach_file = reach_file
        self._items: dict[str, pytest.Item] = {}
        self._has_failed = False

    def pytest_configure(self) -> None:
        from hypothesis import HealthCheck, Phase, settings  # noqa: PLC0415  pytest warns of what is imported before it

        settings.register_profile(
            "mutation",
            max_examples=EXAMPLES,
            phases=(Phase.explicit, Phase.generate),  # nobody wants to see the smallest example
            derandomize=True,
            database=None,
            deadline=None,
            suppress_health_check=tuple(HealthCheck),
        )
        settings.load_profile("mutation")

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        self._has_failed = self._has_failed or report.failed

    @pytest.hookimpl(tryfirst=True)
    def pytest_collection(self, session: pytest.Session) -> bool | None:
        if not self._imports:
            return None
        for name in _PRELOADED:
            importlib.import_module(name)
        if ours := sorted(name for name in sys.modules if name.partition(".")[0] == "exporter"):
            raise RuntimeError(f"mutants of what an import runs would not be in what is imported already: {', '.join(ours)}")
        self._try(reaches(self._reach_file), functools.partial(self._imported_anew, session))
        return True

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        if not self._imports:
            self._items = {item.nodeid: item for item in session.items}
            reach = {name: its for name, its in self._reach().items() if name in self._items}
            self._try(reach, functools.partial(self._swapped, functions_of(self._files), _caches()))
        return True

    def _try(self, reach: Mapping[str, Reach], run: Callable[[Wanted, Sequence[str]], str]) -> None:
        gc.collect()
        gc.freeze()  # what the collector does not touch the children share
        for one in self._wanted:
            names = chosen(one, reach)
            outcome = Outcome(one.mutant.name, "unreached")
            if names:
                outcome = _tried(
                    one, functools.partial(run, one, names), sum(reach[name].seconds for name in names) + 5 * self._imports
                )
            if not one.tell(outcome):
                break

    def _imported_anew(self, session: pytest.Session, wanted: Wanted, names: Sequence[str]) -> str:
        sys.meta_path.insert(0, _Finder(wanted.subject, wanted.mutant))
        session.perform_collect(list(dict.fromkeys(name.partition("::")[0] for name in names)))
        self._items = {item.nodeid: item for item in session.items}
        return self._first_failure(names) if self._items.keys() >= set(names) else "the import"

    def _swapped(
        self,
        functions: Mapping[tuple[str, str, int], Sequence[FunctionType]],
        caches: Iterable[functools._lru_cache_wrapper[object]],
        wanted: Wanted,
        names: Sequence[str],
    ) -> str:
        for cache in caches:
            cache.cache_clear()
        return self._first_failure(names) if swap(wanted.subject, wanted.mutant, functions) else _NO_FUNCTION

    def _first_failure(self, names: Sequence[str]) -> str:
        return next((name for name, following in pairwise([*names, ""]) if self._fails(name, following)), "")

    def _fails(self, name: str, following: str) -> bool:
        self._has_failed = False
        item = self._items[name]
        item.ihook.pytest_runtest_protocol(item=item, nextitem=self._items.get(following))
        return self._has_failed

    def _reach(self) -> dict[str, Reach]:
        """Return what each test reaches, as a child measures it; what was measured before is kept in a file."""
        kept = reaches(self._reach_file)
        missing = [name for name in self._items if name not in kept]
        if missing:
            ended, said = in_a_fork(lambda: json.dumps(self._measured(missing)), processor=3600, wall=7200)
            if ended:
                raise RuntimeError(f"the tests do not run: {ended}")
            all_of_them = json.loads(self._reach_file.read_text(encoding="utf-8")) if kept else {}
            self._reach_file.write_text(json.dumps(all_of_them | json.loads(said)), encoding="utf-8")
        return reaches(self._reach_file)

    def _measured(self, names: Sequence[str]) -> dict[str, object]:
        """Run tests and tell of each what it takes and reaches; one that fails or is slow counts as too slow."""
        seconds: dict[str, float] = {}
        lines: dict[str, dict[str, list[int]]] = {name: {} for name in names}
        watch = coverage.Coverage(data_file=None, include=self._files, config_file=False)
        watch.start()
        signal.signal(signal.SIGPROF, _too_slow)
        for name, following in pairwise([*names, ""]):
            watch.switch_context(name)
            began = time.process_time()
            signal.setitimer(signal.ITIMER_PROF, SLOW_SECONDS)
            failed = self._fails(name, following)
            signal.setitimer(signal.ITIMER_PROF, 0)
            seconds[name] = 2 * SLOW_SECONDS if failed else round(time.process_time() - began, 4)
        watch.stop()
        for file in self._files:
            for line, contexts in watch.get_data().contexts_by_lineno(file).items():
                for name in filter(None, contexts):
                    lines[name].setdefault(file, []).append(line)
        return {name: {"of": _mark(name), "seconds": seconds[name], "lines": lines[name]} for name in names}


@functools.cache
def _mark_of_file(path: str) -> str:
    return hashlib.sha256((ROOT / path).read_bytes()).hexdigest()[:12] if (ROOT / path).exists() else ""


def _mark(name: str) -> str:
    """Return what tells whether the file of a test was changed."""
    return _mark_of_file(name.partition("::")[0])


def reaches(file: Path) -> dict[str, Reach]:
    """Return what was measured of tests that are as they were."""
    kept = json.loads(file.read_text(encoding="utf-8")) if file.exists() else {}
    return {
        name: Reach(its["seconds"], {path: frozenset(lines) for path, lines in its["lines"].items()})
        for name, its in kept.items()
        if its["of"] == _mark(name)
    }


def try_all(wanted: Sequence[Wanted], tests: Sequence[str], files: Sequence[str], reach_file: Path) -> bool:
    """Try the ``wanted`` faults with the tests in the files ``tests``. Returns whether these could be run.

    ``files`` are all modules of the part: what tests reach in them is measured once, and kept in ``reach_file``.
    """

    def session(*, imports: bool) -> str:
        plugin = Session(wanted, files, reach_file, imports=imports)
        # With the paths of tests pytest would import their conftest.py, and so the modules, before any mutant is there.
        paths = ["exporter"] if imports else tests
        return str(int(pytest.main([*_ARGUMENTS, "-m", "not servers and not browser", *paths], plugins=[plugin])))

    for imports in (False, True):
        work = functools.partial(session, imports=imports)
        ended, said = in_a_fork(work, processor=36_000, wall=36_000, is_heard=True)
        if ended or said not in {"0", "5"}:
            return False
    return True
