"""The real exporter as a child process, driven with signals and sockets."""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, TypeVar

import httpx
from prometheus_client.parser import text_string_to_metric_families

T = TypeVar("T")
PATIENCE_SECONDS = 30.0


async def until(check: Callable[[], Awaitable[T | None]], what: str, *, seconds: float = PATIENCE_SECONDS) -> T:
    """Ask ``check`` until it answers something true; fail after ``seconds`` naming ``what``."""
    deadline = asyncio.get_running_loop().time() + seconds
    while True:
        answer = await check()
        if answer:
            return answer
        assert asyncio.get_running_loop().time() < deadline, f"waited {seconds:g} s in vain for {what}"
        await asyncio.sleep(0.05)


AS_SOMEBODY: Final = (
    *("setpriv", "--reuid=65532", "--regid=65532", "--clear-groups"),
    *("--inh-caps=+dac_override,+dac_read_search", "--ambient-caps=+dac_override,+dac_read_search"),
) * (os.geteuid() == 0)
"""Before a command: it runs as another user than root, to whom the files of the test and root's Python stay readable."""


class Exporter:
    """A running exporter: its page, its log, its end."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.process = process
        self.log: list[dict[str, Any]] = []
        self.raw = ""
        self.url = ""
        self.http = httpx.AsyncClient(timeout=10, trust_env=False)
        self._reader = asyncio.create_task(self._read())

    async def _read(self) -> None:
        assert self.process.stderr is not None
        async for line in self.process.stderr:
            text = line.decode()
            self.raw += text
            with contextlib.suppress(ValueError):
                event = json.loads(text)
                self.log.append(event)
                if event.get("event") == "listening":
                    self.url = event["address"]

    async def listening(self, seconds: float = PATIENCE_SECONDS) -> None:
        async def known() -> str | None:
            assert self.process.returncode is None, f"the exporter ended with {self.process.returncode}:\n{self.raw}"
            return self.url or None

        await until(known, "the exporter to listen", seconds=seconds)

    async def get(self, path: str) -> httpx.Response:
        return await self.http.get(self.url + path)

    async def samples(self, path: str = "/metrics") -> dict[str, float]:
        """Return the page's samples by ``name{label="value",…}``, labels sorted, without the prefix."""
        response = await self.get(path)
        assert 200 == response.status_code, response.text
        found = {}
        for family in text_string_to_metric_families(response.text):
            for sample in family.samples:
                labels = ",".join(f'{name}="{value}"' for name, value in sorted(sample.labels.items()))
                found[sample.name.removeprefix("booking_sync_") + (f"{{{labels}}}" if labels else "")] = sample.value
        return found

    async def ready(self, seconds: float = PATIENCE_SECONDS) -> None:
        async def is_ready() -> bool:
            try:
                return (await self.get("/-/ready")).status_code == 200
            except httpx.RemoteProtocolError:  # it ended while it was asked
                await asyncio.wait_for(self.process.wait(), PATIENCE_SECONDS)
                raise AssertionError(f"the exporter ended with {self.process.returncode}:\n{self.raw[-2000:]}") from None

        await until(is_ready, "every collector to finish a poll", seconds=seconds)

    async def logged(self, event: str, **facts: object) -> dict[str, Any]:
        async def found() -> dict[str, Any] | None:
            return next(
                (line for line in self.log if line["event"] == event and all(line.get(k) == v for k, v in facts.items())), None
            )

        return await until(found, f"the log line {event} {facts}")

    def send(self, number: signal.Signals) -> None:
        self.process.send_signal(number)

    async def ended(self, seconds: float = PATIENCE_SECONDS) -> int:
        """Wait for the end; return the exit code."""
        code = await asyncio.wait_for(self.process.wait(), seconds)
        await self._reader
        return code


@contextlib.asynccontextmanager
async def exporter(
    config: Path,
    *flags: str,
    environ: Mapping[str, str] | None = None,
    wait: bool = True,
    module: str = "exporter",
    open_files: int | None = None,
    before: Sequence[str] = (),
) -> AsyncIterator[Exporter]:
    """Run the daemon on a free port while the block runs; SIGKILL at the end if it still lives.

    ``module`` is a command line of the tests' own; ``open_files`` is the limit of open files; ``before`` is a program that runs
    the exporter.
    """
    limited = () if open_files is None else ("sh", "-c", f'ulimit -n {open_files}; exec "$@"', "sh")
    process = await asyncio.create_subprocess_exec(
        *before,
        *limited,
        sys.executable,
        "-m",
        module,
        f"--config.file={config}",
        "--web.listen-address=127.0.0.1:0",
        "--log.format=json",
        *flags,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, **(environ or {})},
    )
    running = Exporter(process)
    try:
        if wait:
            await running.listening()
        yield running
    finally:
        if process.returncode is None:
            process.terminate()
            try:
                await running.ended(15)
            except TimeoutError:
                process.kill()
                await process.wait()
        await running.http.aclose()
        await running._reader


@contextlib.asynccontextmanager
async def hanging(
    config: Path, *hangs: str, environ: Mapping[str, str] | None = None, wait: bool = True
) -> AsyncIterator[Exporter]:
    """Run the daemon with the ``hangs`` of :mod:`tests.e2e.hanging_exporter`."""
    environ = {"HANGS": " ".join(hangs), **(environ or {})}
    async with exporter(config, environ=environ, wait=wait, module="tests.e2e.hanging_exporter") as running:
        yield running


async def command(
    *words: str, environ: Mapping[str, str] | None = None, stdin: str = "", encoding: str = "utf-8"
) -> tuple[int, str, str]:
    """Run a command of the exporter to its end; return exit code, standard output, standard error.

    ``encoding`` is that of its terminal; JSON and metrics are UTF-8 in each, so what does not fit is replaced.
    """
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "exporter",
        *words,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "COLUMNS": "200", **(environ or {})},
    )
    out, err = await asyncio.wait_for(process.communicate(stdin.encode()), PATIENCE_SECONDS)
    assert process.returncode is not None
    return process.returncode, out.decode(encoding, "replace"), err.decode(encoding, "replace")


async def commands_in_turn(
    folder: Path, *commands: Sequence[str], environ: Mapping[str, str] | None = None
) -> tuple[list[object], str]:
    """Run ``commands`` one after the other in one process; return their exit codes and all that they printed."""
    words, codes = folder / "commands.json", folder / "codes.json"
    words.write_text(json.dumps(commands), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.harness.each_command", str(codes), str(words)),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        env={**os.environ, **(environ or {})},
    )
    printed, _ = await asyncio.wait_for(process.communicate(), PATIENCE_SECONDS)
    assert 0 == process.returncode, printed.decode(errors="replace")
    return json.loads(codes.read_text()), printed.decode(errors="replace")
