"""What an answer costs: each is read by the whole client, over a real connection, in a process of its own.

``python -m tests.harness.heavy`` is the stem that such processes branch off from, with everything imported. It reads a job a
line, and tells a cost a line.
"""

from __future__ import annotations

import asyncio
import contextlib
import gzip
import io
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from random import Random
from typing import Final

import structlog

from exporter.config import Config, load_config
from exporter.errors import PollError, Reason
from exporter.model import CollectorName
from exporter.platforms.base import Services
from exporter.platforms.registry import PLATFORMS
from exporter.polling import Job
from exporter.polling.admission import Admission
from exporter.polling.poll import poll
from exporter.state.status_history import StatusHistory
from exporter.support import logs
from tests.harness.clock import ManualClock
from tests.harness.events import RecordedEvents
from tests.harness.pool import pool

Answers = Callable[[str, bytes], tuple[int, bytes]]
"""Path and body of a request to the status and the body of its answer, compressed."""

ROOT: Final = Path(__file__).parents[2]


@dataclass(frozen=True)
class Cost:
    """What one poll came to: ``stall`` seconds of processor time in which the loop had no turn, ``grown`` MiB at the peak."""

    reason: str
    message: str
    stall: float
    grown: float
    longest_line: int


def packed(*parts: bytes) -> bytes:
    """Return what ``parts`` make, compressed."""
    return gzip.compress(b"".join(parts), 1, mtime=0)


@contextlib.contextmanager
def served(answers: Answers) -> Iterator[str]:
    """Yield the origin of a server that answers every request with ``answers``, from this process."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_POST(self) -> None:
            status, content = answers(self.path, self.rfile.read(int(self.headers.get("content-length") or 0)))
            self.send_response(status)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Encoding", "gzip")
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

        do_GET = do_POST  # noqa: N815  http.server's name

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # who has read enough hangs up
                super().handle()

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class Stem:
    """Where the processes branch off."""

    def __init__(self) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.harness.heavy"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            # What it costs to be measured by coverage is not what is asked.
            env={name: value for name, value in os.environ.items() if not name.startswith("COVERAGE_")},
        )

    def cost(self, config: Path, collector: CollectorName) -> Cost:
        """Poll ``collector`` of the one target in ``config`` once."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps([str(config), collector.value]), file=self._process.stdin, flush=True)
        return Cost(**json.loads(self._process.stdout.readline()))

    def close(self) -> None:
        self._process.communicate(timeout=30)


def _memory(name: str) -> float:
    status = Path("/proc/self/status").read_text()
    return int(status.partition(f"{name}:")[2].split()[0]) / 1024


class _Recorder:
    def poll_finished(self, collector: CollectorName, seconds: float, reason: Reason | None) -> None:
        pass


async def _turns(worst: list[float]) -> None:
    """Keep the most processor time that passed between two turns of the loop: whoever spent it, the loop had none."""
    before = time.process_time()
    while True:
        await asyncio.sleep(0.001)
        now = time.process_time()
        worst[0] = max(worst[0], now - before)
        before = now


async def _measured(config: Config, collector: CollectorName) -> Cost:
    clock, worst, lines = ManualClock(auto=True), [0.0], io.StringIO()
    logs.configure(stream=lines)
    target = config.targets[0]
    platform = PLATFORMS[target.platform]
    async with pool(clock) as http:
        services = Services(http, clock, Random(1), RecordedEvents(), StatusHistory(), Admission(clock), platform.new_shared())
        session = platform.open_session(target, services)
        job = Job(target.name, target.platform, collector, 300.0, 900.0, session.collectors[collector], _Recorder())
        ticker = asyncio.create_task(_turns(worst))
        await asyncio.sleep(0.01)
        worst[0], before = 0.0, _memory("VmHWM")
        outcome = await poll(job, job.initial_state(), clock)
        await asyncio.sleep(0.005)
        ticker.cancel()
        error = outcome.error or PollError("")
        structlog.get_logger("tests").warning("poll_failed", target=target.name, **error.facts())
        longest = max(len(line.encode()) for line in lines.getvalue().splitlines())
        reason = outcome.error.reason.value if outcome.error else ""
        return Cost(reason, error.message, worst[0], _memory("VmHWM") - before, longest)


def _branch(job: str) -> None:
    """Do ``job`` in a child, which tells the cost itself."""
    child = os.fork()
    if child:
        os.waitpid(child, 0)
        return
    try:
        config, collector = json.loads(job)
        loaded = load_config(Path(config), {})
        assert isinstance(loaded, Config)
        print(json.dumps(asdict(asyncio.run(_measured(loaded, CollectorName(collector))))), flush=True)
    except BaseException as error:  # noqa: BLE001  told, and this process must not go on as if it were the stem
        print(json.dumps(asdict(Cost("bug", repr(error)[:2000], 0.0, 0.0, 0))), flush=True)
    finally:
        os._exit(0)


if __name__ == "__main__":
    for line in sys.stdin:
        _branch(line)
