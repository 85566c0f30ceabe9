"""The real process on a machine that gives no threads: at the start, and for a while."""

from __future__ import annotations

import asyncio
import resource
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from exporter.support.threads import NO_THREAD
from tests.harness.business import Business, running_business
from tests.harness.process import AS_SOMEBODY, Exporter, command, exporter, until


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("--web.listen-address=127.0.0.1:0",), 1),
        (("probe",), 3),
        (("check-config", "--online"), 1),
        (("demo", "--web.listen-address=127.0.0.1:0"), 1),
    ],
)
async def test_without_a_single_thread_one_line_says_why_and_nothing_begins(
    business: Business, words: tuple[str, ...], code: int
) -> None:
    config = () if words[0] == "demo" else (f"--config.file={business.config()}",)
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "tests.harness.threadless", sys.executable, "-m", "exporter", *words, *config),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await asyncio.wait_for(process.communicate(), 30)
    told = [line for line in err.decode().splitlines() if not line.startswith("warning: ")]
    # What a monitoring system reads stands on standard output.
    expected = ([], f"UNKNOWN: {NO_THREAD}\n") if words[0] == "probe" else ([f"error: {NO_THREAD}"], "")
    assert (code, *expected) == (process.returncode, told, out.decode())
    assert [] == list(business.simulator.log)


@contextmanager
def no_more_threads(running: Exporter) -> Iterator[None]:
    """Give the process no thread while the block runs."""

    def limit(processes: int | str) -> None:
        # A process of the same user may do that, even where root may not.
        subprocess.run([*AS_SOMEBODY, "prlimit", f"--pid={running.process.pid}", f"--nproc={processes}:"], check=True)

    before, _ = resource.getrlimit(resource.RLIMIT_NPROC)  # it has ours
    limit(1)
    try:
        yield
    finally:
        limit("unlimited" if before == resource.RLIM_INFINITY else before)


@pytest.fixture
def open_folder() -> Iterator[Path]:
    """Give a folder that everybody may look into."""
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        yield Path(folder)


async def test_while_no_thread_is_to_be_had_it_is_not_healthy_says_why_polls_on_and_recovers(open_folder: Path) -> None:
    async with running_business(open_folder) as business:
        config = business.config()
        flags = ("--web.enable-lifecycle", "--config.watch")
        async with exporter(config, *flags, before=AS_SOMEBODY) as running:

            async def health(status: int) -> bool:
                return (await running.get("/-/healthy")).status_code == status

            await running.ready()
            address = f"--web.listen-address={running.url.removeprefix('http://')}"
            with no_more_threads(running):
                await until(lambda: health(503), "the health check to fail")
                assert NO_THREAD in (await running.get("/-/healthy")).text
                told, _, err = await command("healthcheck", address)
                assert (1, True) == (told, NO_THREAD in err)
                before = await running.samples()
                pages = ("/metrics", "/", "/config", "/api/v1/status", "/-/ready")
                answers = await asyncio.gather(*(running.get(path) for path in pages * 20))
                assert {200} == {answer.status_code for answer in answers}
                assert 200 == (await running.http.post(running.url + "/-/reload")).status_code
                name = 'collector_polls_total{collector="bookings",platform="wix",target="salon-wix"}'

                async def polled() -> bool:
                    return (await running.samples())[name] >= before[name] + 3

                await until(polled, "polls without new threads")
                after = await running.samples()
                failed = [name for name, value in after.items() if "collector_failures_total" in name and value]
                assert [] == failed
            await until(lambda: health(200), "the health check to recover")
            assert 0 == (await command("healthcheck", address))[0]
            events = [line["event"] for line in running.log]
            assert (1, 1) == (events.count("no_threads"), events.count("threads_are_back"))
            assert "a bug" not in running.raw
            running.process.terminate()
            assert 0 == await running.ended(10)
