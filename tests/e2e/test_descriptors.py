"""The real process when it may open no more files."""

from __future__ import annotations

import contextlib
import resource
import socket

import pytest

from tests.harness.business import Business
from tests.harness.process import exporter, until


async def test_scrapes_that_cannot_be_accepted_are_told_once_and_answered_when_there_is_room_again(business: Business) -> None:
    async with exporter(business.config()) as running:
        await running.ready()
        most = 40
        resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (most, most))
        host, _, port = running.url.removeprefix("http://").rpartition(":")
        with contextlib.ExitStack() as clients:
            for _ in range(2 * most):
                clients.enter_context(socket.create_connection((host, int(port))))
            line = await running.logged("too_many_open_files")
            assert "raise LimitNOFILE (systemd) or ulimit -n" == line["fix"]

        async def healthy() -> bool:
            return (await running.get("/-/healthy")).status_code == 200

        await until(healthy, "a scrape to be accepted again")
        assert 1 == sum(line["event"] == "too_many_open_files" for line in running.log)
        assert "out of system resource" not in running.raw


@pytest.mark.parametrize(("open_files", "warned"), [(66, True), (67, False)])
async def test_a_limit_that_leaves_no_connection_to_each_target_beside_64_is_told_at_the_start(
    business: Business, open_files: int, *, warned: bool
) -> None:
    hourly = {"connections": {"interval": "1h"}}
    config = business.config(*(business.wix_target(f"site-{number}", collectors=hourly) for number in range(3)))
    async with exporter(config, open_files=open_files) as running:
        await running.ready()
        told = [(line["limit"], line["targets"], line["fix"]) for line in running.log if line["event"] == "few_open_files"]
        assert [(66, 3, "raise LimitNOFILE (systemd) or ulimit -n")] * warned == told
