"""The memory of a process that holds credentials: no core dump of it, and no other process of the same user that reads it."""

from __future__ import annotations

import asyncio
import os
import signal
import stat
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from exporter.simulator.faults import Fault, FaultKind
from tests.harness.business import running_business
from tests.harness.open_folder import open_folder as made_folder
from tests.harness.process import AS_SOMEBODY, exporter, until
from tests.harness.typed import typed

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")

# Root may read everything.
WITHOUT_RIGHTS = ("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups", "--inh-caps=-all") * (os.geteuid() == 0)
UNLIMITED = ("sh", "-c", 'ulimit -c unlimited; exec "$@"', "sh")


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that another user may read; those of pytest are closed."""
    with made_folder() as path:
        yield path


def of_others(path: Path) -> bool:
    """Return whether every user may get to ``path``."""
    return all(above.stat().st_mode & stat.S_IXOTH for above in (path, *path.parents))


def environment_as_seen_by_the_same_user(pid: int) -> bytes:
    return subprocess.run([*AS_SOMEBODY, "cat", f"/proc/{pid}/environ"], capture_output=True, check=False).stdout


def core_limits(pid: int) -> list[str]:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return next(line.split()[-3:-1] for line in lines if line.startswith("Max core file size"))


async def test_a_command_that_holds_credentials_writes_no_core_and_shows_no_process_what_it_remembers(folder: Path) -> None:
    async with running_business(folder) as business:
        business.simulator.faults.add(Fault(FaultKind.NEVER))
        process = await asyncio.create_subprocess_exec(
            *(*AS_SOMEBODY, *UNLIMITED, sys.executable, "-m", "exporter", "probe", f"--config.file={business.config()}"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.DEVNULL,
        )
        try:

            async def is_bound() -> bool:
                assert process.returncode is None
                # Both: a process that has only just been started has the limits of this one.
                return environment_as_seen_by_the_same_user(process.pid) == b"" and core_limits(process.pid) == ["0", "0"]

            await until(is_bound, "memory that nobody reads or dumps", seconds=60)
        finally:
            if process.returncode is None:
                process.kill()
            await process.wait()


@pytest.mark.parametrize(
    "words",
    [
        ("--web.allowed-hosts=*",),
        *(("probe",), ("check-config",), ("check-config", "--online"), ("list",), ("conformance", "salon")),
        (
            "bitrix24-login",
            "--portal=https://salon.bitrix24.example",
            "--client-id=local.1",
            "--token-file=nowhere/tokens.json",
        ),
        ("hash-password",),
    ],
    ids=" ".join,
)
async def test_every_command_that_holds_credentials_keeps_its_memory_private_first(
    words: tuple[str, ...], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # where no configuration is
    done: list[str] = []

    def keep() -> None:
        done.append("kept private")

    for place in ("exporter.cli.commands", "exporter.support.hardening"):
        monkeypatch.setattr(f"{place}.keep_memory_private", keep)
    code, _, told = await typed(*words, environ={"B24_CLIENT_SECRET": "planted-client-secret"})
    assert 0 < code, told
    assert ["kept private"] == done


@pytest.mark.skipif(not of_others(Path(sys.executable).resolve()), reason="another user may not run this Python")
async def test_metrics_of_the_process_are_there_although_its_memory_is_private(folder: Path) -> None:
    async with running_business(folder) as business, exporter(business.config(), before=WITHOUT_RIGHTS) as running:
        text = (await running.get("/metrics")).text
        assert b"" == environment_as_seen_by_the_same_user(running.process.pid)
        for name in ("cpu_seconds_total", "resident_memory_bytes", "start_time_seconds", "open_fds", "max_fds"):
            assert any(line.startswith(f"process_{name} ") for line in text.splitlines()), name


def test_a_crash_leaves_no_core_dump_whatever_the_limit_was(tmp_path: Path) -> None:
    code = "from exporter.support.hardening import keep_memory_private as k; import os, sys; sys.argv[1:] and k(); os.abort()"

    def dumped(*words: str) -> bool:
        process = subprocess.Popen([*UNLIMITED, sys.executable, "-c", code, *words], cwd=tmp_path, stderr=subprocess.DEVNULL)
        _, status = os.waitpid(process.pid, 0)
        process.returncode = os.waitstatus_to_exitcode(status)
        assert -signal.SIGABRT == process.returncode
        return os.WCOREDUMP(status)

    if not dumped():
        pytest.skip("this system dumps no process")
    assert not dumped("privately")
