"""An exporter, one whose disk is full, and a login on one token file, in any order of their file operations, killed at any.

Whatever happens, the token file is whole, and a pair that works is on disk or in the memory of who has just got it.
"""

from __future__ import annotations

import itertools
import json
import shutil
import tempfile
from collections.abc import Callable, Coroutine
from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any, Final

import httpx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from exporter.commands.bitrix24_login import login
from exporter.errors import PollError
from exporter.platforms.base import Services
from exporter.platforms.bitrix24.oauth import TokenChains
from exporter.platforms.bitrix24.settings import OAuth
from exporter.platforms.bitrix24.tokenfile import TokenFile, parse
from exporter.polling.admission import Admission
from exporter.state.status_history import StatusHistory
from exporter.support.secret import Secret
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.file_operations import Killed, seen_files
from tests.harness.stepwise import SteppedProcess

KINDS: Final = ("exporter", "exporter on a full disk", "login")


class AuthServer:
    """Takes each refresh token once. ``held`` are the pairs that are in somebody's memory only, by process."""

    def __init__(self) -> None:
        self.unspent = {"r0"}
        self.held: dict[int, str] = {}
        self._issued = 0

    def issue(self) -> dict[str, str]:
        self._issued += 1
        self.unspent.add(f"r{self._issued}")
        return pair(self._issued)

    def refresh(self, process: int, token: str) -> httpx.Response:
        if token not in self.unspent:
            return httpx.Response(400, json={"error": "invalid_grant"})
        self.unspent.remove(token)
        fresh = self.issue()
        self.held[process] = fresh["refresh_token"]
        return httpx.Response(200, json=fresh)


def pair(number: int) -> dict[str, str]:
    return {
        "access_token": f"a{number}",
        "refresh_token": f"r{number}",
        "client_endpoint": "https://salon.bitrix24.example/rest/",
        "scope": "booking",
    }


class Folder:
    """A folder with a token file whose access token has expired, and the processes that use it."""

    def __init__(self, name: str) -> None:
        self.path = Path(name, "tokens.json")
        self.path.write_text(json.dumps(pair(0)))
        self.server = AuthServer()
        self.processes: list[SteppedProcess] = []

    def start(self, kind: str, dies_before: int | None = None) -> SteppedProcess:
        number = len(self.processes)
        work: Callable[[], Coroutine[Any, Any, None]] = self._login if kind == "login" else lambda: self._exporter(number)
        process = SteppedProcess(
            work,
            dies_before=dies_before,
            failing_writes=kind == "exporter on a full disk",
            wrote=lambda: self.server.held.pop(number, None),
        )
        self.processes.append(process)
        return process

    async def _exporter(self, number: int) -> None:
        """Meet an expired token, then poll on until what could not be written is."""
        clock = ManualClock(auto=True)
        transport = httpx.MockTransport(lambda request: self.server.refresh(number, request.url.params["refresh_token"]))
        services = Services(transport, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock))
        oauth = OAuth(client_id="local.app", client_secret=Secret("planted"), token_file=self.path)
        chain = await TokenChains().of(self.path)
        chain.join(self)
        tokens = await chain.current()
        with suppress(PollError):
            await chain.renew(tokens.access, oauth, services)
        with suppress(PollError):  # what somebody else spent is over until somebody logs in
            await chain.current()
            while chain.unsaved is not None:
                await chain.current()
        await chain.leave(self)

    async def _login(self) -> None:
        await login(
            "salon.bitrix24.example",
            "local.app",
            "planted",
            self.path,
            show=lambda _: None,
            ask=lambda _: "0123456789abcdef",
            open_page=lambda _: None,
            http=httpx.MockTransport(lambda _: httpx.Response(200, json=self.server.issue())),
        )

    def step(self, process: SteppedProcess) -> None:
        process.step()
        assert self.holds_a_pair_that_works(), f"after {process.operations[-3:]}"

    def holds_a_pair_that_works(self) -> bool:
        written = parse(self.path.read_bytes())
        assert written is not None, "the token file is not whole"
        beside = self.path.with_name("tokens.json.new")
        left = parse(beside.read_bytes()) if beside.exists() else None
        return bool(self.server.held) or bool(
            {tokens.refresh.reveal() for tokens in (written, left) if tokens is not None} & self.server.unspent
        )

    def finish(self) -> None:
        """Let everybody come to an end, and a new process read what is there then."""
        while running := [process for process in self.processes if process.runs]:
            for process in running:
                self.step(process)
        for process in self.processes:
            assert process.failure is None or isinstance(process.failure, Killed if process.dead else PollError)
        lost_with_its_process = {number for number in self.server.held if self.processes[number].dead}
        newest = TokenFile(self.path).load().refresh.reveal()
        assert newest in self.server.unspent or lost_with_its_process
        if not any(process.dead for process in self.processes):
            assert ["tokens.json"] == [entry.name for entry in self.path.parent.iterdir() if entry.suffix != ".lock"]


@pytest.fixture(autouse=True)
def _stepwise() -> Any:  # noqa: ANN401  a generator
    with seen_files() as patch:
        patch.setattr("exporter.commands.bitrix24_login.SystemClock", lambda: ManualClock(auto=True))
        yield


@pytest.mark.slow
@given(
    kinds=st.tuples(st.sampled_from(KINDS), st.sampled_from(KINDS)),
    deaths=st.tuples(*[st.none() | st.integers(0, 60)] * 2),
    turns=st.lists(st.tuples(st.integers(0, 1), st.integers(1, 15)), max_size=12),
)
@settings(max_examples=100, deadline=None)
def test_in_whatever_order_two_processes_do_their_file_operations_no_pair_is_lost(
    kinds: tuple[str, str], deaths: tuple[int | None, int | None], turns: list[tuple[int, int]]
) -> None:
    with tempfile.TemporaryDirectory() as name:
        folder = Folder(name)
        for kind, death in zip(kinds, deaths, strict=True):
            folder.start(kind, death)
        for number, steps in turns:
            for _ in range(steps):
                folder.step(folder.processes[number])
        folder.finish()


@pytest.mark.slow
@pytest.mark.parametrize("first", KINDS)
@pytest.mark.parametrize("second", KINDS)
def test_before_whatever_operation_a_process_is_killed_the_next_one_finds_a_pair(
    first: str, second: str, tmp_path: Path
) -> None:
    died = True
    before = 0
    while died:
        place = tmp_path / str(before)
        place.mkdir()
        folder = Folder(str(place))
        process = folder.start(first, before)
        while process.runs:
            folder.step(process)
        folder.start(second)
        folder.finish()
        died = process.dead
        before += 1
        shutil.rmtree(place)
    assert before > 20


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["exporter", "exporter on a full disk"])
def test_at_whatever_operation_of_a_renewal_a_login_stands_at_whatever_of_its_first_ones_no_pair_is_lost(
    kind: str, tmp_path: Path
) -> None:
    """From there on they alternate: a login that touched what the other one has prepared would be caught at each step of it."""
    number = itertools.count()
    for of_login in range(10):
        for of_renewal in range(12, 30):
            place = tmp_path / str(next(number))
            place.mkdir()
            folder = Folder(str(place))
            renewal, logging_in = folder.start(kind), folder.start("login")
            for process, steps in ((renewal, of_renewal), (logging_in, of_login)):
                for _ in range(steps):
                    folder.step(process)
            folder.finish()
            shutil.rmtree(place)
