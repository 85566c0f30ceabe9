"""Two exporters with one token file whose token has expired, each held or killed before any file operation of its renewal.

Whatever happens, the folder holds a pair that works, also for a process that starts at that moment; who lives goes on, or says
that another process is at it.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import shutil
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from msgspec.structs import replace

from exporter.errors import TargetConfigError
from exporter.platforms.bitrix24 import open_session, tokenfile
from exporter.platforms.bitrix24.session import BitrixSession, Shared
from exporter.platforms.bitrix24.tokenfile import TokenFile
from exporter.support.files import stamp
from tests.harness.bitrix24_target import Bench, poll_bookings
from tests.harness.file_operations import Killed, seen_files
from tests.harness.killable import Killable

TURNING_POINTS = frozenset({"flock", "open", "write", "fsync", "replace"})


@dataclass(frozen=True, slots=True)
class Fate:
    """What happens to a process before its file operation number ``before``."""

    before: int | None = None
    held: bool = False


class Folder:
    """A folder with the token file of an application of its own, and the processes that use it."""

    def __init__(self, bench: Bench, path: Path) -> None:
        self.bench = bench
        self.path = path
        self._seen: object = None
        path.mkdir()
        _, pair = bench.app()
        content = bench.simulator.bitrix24.oauth.token_file(pair, bench.url, bench.now)
        (path / "tokens.json").write_text(json.dumps(content))
        bench.clock.now += 3601

    def session(self) -> BitrixSession:
        """Return the target as a process that has just started opens it."""
        target = self.bench.target(webhook_url=None, oauth=self.bench.oauth(f"{self.path.name}/tokens.json"))
        return open_session(target, replace(self.bench.services(), shared=Shared()))

    def refresh_token_after_recovery(self) -> str:
        """Return what a process that starts now would renew with; the folder stays as it is."""
        copy = self.path.with_name(f"{self.path.name}-copy")
        shutil.copytree(self.path, copy)
        try:
            return TokenFile(copy / "tokens.json").load().refresh.reveal()
        finally:
            shutil.rmtree(copy)

    def changed(self) -> bool:
        """Return whether a pair on the disk, or at the auth server, is another one than when this was asked last."""
        before = self._seen
        names = (self.path / "tokens.json", self.path / "tokens.json.new")
        self._seen = *map(stamp, names), self.bench.simulator.bitrix24.oauth.refreshes
        return before != self._seen

    def works(self) -> bool:
        """Return whether the auth server takes what a process that starts now would renew with."""
        pair = self.bench.simulator.bitrix24.oauth._by_refresh.get(self.refresh_token_after_recovery())
        return pair is not None and not pair.spent


@pytest.fixture
def folder(bench: Bench, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[], Folder]]:
    """A maker of folders, all on one portal."""
    numbers = itertools.count()
    monkeypatch.setattr(tokenfile, "LOCK_SECONDS", 1.0)  # in which one looks ten times, not 280 times
    with seen_files():
        yield lambda: Folder(bench, tmp_path / str(next(numbers)))


async def outcome(task: asyncio.Task[object]) -> str:
    """Return how a poll ended: in data, in death, or because another process is renewing."""
    (result,) = await asyncio.gather(task, return_exceptions=True)
    if isinstance(result, Killed):
        return "killed"
    if isinstance(result, TargetConfigError) and "another process" in result.message:
        return "another process"
    if isinstance(result, BaseException):
        raise result
    return "data"


async def play(folder: Folder, first: Fate, second: Fate) -> tuple[Killable, Killable]:
    """Let one process poll until its fate strikes, then another one until its own does; then who was held goes on."""
    oauth = folder.bench.simulator.bitrix24.oauth
    # An answer that arrived and that no system call has written yet dies with its process, whoever the client is: between
    # these two moments only a server that takes the old token again can help, which is not known of Bitrix24.
    at_write: set[str] = set()

    def watch(process: str) -> Callable[[str], None]:
        def before(operation: str) -> None:
            (at_write.add if operation == "write" else at_write.discard)(process)
            assert at_write or not folder.changed() or folder.works(), (
                f"{process} before {operation}: no pair is left that works"
            )

        return before

    a = Killable(before=first.before, held=first.held, watch=watch("a"))
    b = Killable(before=second.before, held=second.held, watch=watch("b"))
    sessions = folder.session(), folder.session()
    tasks = [a.start(lambda: poll_bookings(sessions[0]))]
    await a.done_or_held(tasks[0])
    oauth.tolerates_spent = a.dead and a.operations[-1] == "write"
    if a.dead:
        at_write.discard("a")
        at_write |= {"the dead one"} if oauth.tolerates_spent else set()
    tasks.append(b.start(lambda: poll_bookings(sessions[1])))
    await b.done_or_held(tasks[1])
    oauth.tolerates_spent |= b.dead and b.operations[-1] == "write"
    for process, task in zip((a, b), tasks, strict=True):
        process.go_on.set()
        await process.done_or_held(task)
    for process, task in zip((a, b), tasks, strict=True):
        assert await outcome(task) in ({"killed"} if process.dead else {"data", "another process"})
    # Whoever lives works on when the next token has expired, and so does a process that starts now.
    folder.bench.clock.now += 3601
    for process, session in zip((a, b, Killable()), (*sessions, folder.session()), strict=True):
        if not process.dead:
            assert "data" == await outcome(Killable().start(partial(poll_bookings, session)))
            oauth.tolerates_spent = False
    assert folder.works()
    assert ["tokens.json"] == [entry.name for entry in folder.path.iterdir() if entry.suffix != ".lock"]
    return a, b


async def operations_of_a_renewal(folder: Folder) -> list[str]:
    """Return the names of all file operations of a poll that renews."""
    process, session = Killable(), folder.session()
    await process.start(lambda: poll_bookings(session))
    return process.operations


def turning_points(operations: Iterable[str]) -> list[int]:
    return [number for number, name in enumerate(operations) if name in TURNING_POINTS]


@pytest.mark.slow
@pytest.mark.parametrize("held", [True, False], ids=["held", "killed"])
async def test_before_whatever_operation_the_first_is_stopped_a_pair_works_and_the_second_goes_on_or_says_why_not(
    held: bool, folder: Callable[[], Folder]
) -> None:
    operations = await operations_of_a_renewal(folder())
    assert {"flock", "open", "fchmod", "write", "fsync", "replace", "close", "stat", "read"} <= set(operations)
    for before in range(len(operations)):
        first, _ = await play(folder(), Fate(before, held), Fate())
        assert first.dead != held
        assert operations[: before + 1] == first.operations[: before + 1]


@pytest.mark.slow
@pytest.mark.parametrize("first", [True, False], ids=["first held", "first killed"])
@pytest.mark.parametrize("second", [True, False], ids=["second held", "second killed"])
async def test_before_whatever_turning_points_both_are_stopped_a_pair_works_and_who_lives_goes_on_or_says_why_not(
    first: bool, second: bool, folder: Callable[[], Folder]
) -> None:
    places = turning_points(await operations_of_a_renewal(folder()))
    for one, other in itertools.product(places, places):
        await play(folder(), Fate(one, first), Fate(other, second))
