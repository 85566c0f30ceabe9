"""`simulate --with-last-week`: what it writes is what Prometheus would have recorded, and promtool takes it."""

from __future__ import annotations

import asyncio
import sys
import time
from pathlib import Path

import pytest

from exporter.commands.demo import demo_targets
from exporter.monitoring.rules import NEW_1D, NEW_4H
from tests.harness.process import command
from tests.monitoring.servers import prometheus, run

WEEK_SECONDS = 604_800
JOB = "our-exporters"


async def written(file: Path) -> str:
    """Run the simulator until it serves, and return what it said of the file."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-u", "-m", "exporter", "simulate", "--listen=127.0.0.1:0"),
        *("--with-last-week", str(file), "--job", JOB),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stderr is not None
        return (await asyncio.wait_for(process.stderr.readline(), 30)).decode()
    finally:
        process.terminate()
        await process.wait()


@pytest.mark.servers
async def test_a_prometheus_that_is_given_the_weeks_knows_that_they_were_busy(tmp_path: Path) -> None:
    file = tmp_path / "weeks.om"
    assert f"promtool tsdb create-blocks-from openmetrics {file} DIR" in await written(file)
    made = run("promtool", "tsdb", "create-blocks-from", "openmetrics", file, tmp_path / "data")
    assert 0 == made.returncode, made.stdout + made.stderr
    targets = {target["name"] for target in demo_targets("http://127.0.0.1")}
    with prometheus(tmp_path, "{}", "--storage.tsdb.retention.time=40d") as server:
        for record, least, weeks in ((NEW_4H, 8, (1, 2, 3)), (NEW_1D, 10, (1,))):
            for ago in weeks:
                for moment in (time.time(), time.time() + 5 * 3_600, time.time() + 26 * 3_600):
                    asked = {"query": f'{record}{{job="{JOB}"}} >= {least}', "time": str(moment - ago * WEEK_SECONDS)}
                    found = server.get("/api/v1/query", params=asked).json()["data"]["result"]
                    assert {row["metric"]["target"] for row in found} == targets


async def test_a_file_that_cannot_be_written_is_one_line(tmp_path: Path) -> None:
    code, _, err = await command("simulate", "--listen=127.0.0.1:0", f"--with-last-week={tmp_path}/none/weeks.om")
    assert (code, err) == (1, f"error: cannot write {tmp_path}/none/weeks.om: No such file or directory\n")
