"""The real process when it may open no more files."""

from __future__ import annotations

import contextlib
import resource
import socket
from pathlib import Path

from tests.support.business import Business, with_business
from tests.support.process import exporter, until


def test_scrapes_that_cannot_be_accepted_are_told_once_and_answered_when_there_is_room_again(tmp_path: Path) -> None:
    async def scenario(business: Business) -> None:
        async with exporter(business.config()) as running:
            await running.ready()
            most = 40
            resource.prlimit(running.process.pid, resource.RLIMIT_NOFILE, (most, most))
            host, _, port = running.url.removeprefix("http://").rpartition(":")
            with contextlib.ExitStack() as clients:
                for _ in range(2 * most):
                    clients.enter_context(socket.create_connection((host, int(port))))
                line = await running.logged("too_many_open_files")
                assert line["fix"] == "raise LimitNOFILE (systemd) or ulimit -n"

            async def healthy() -> bool:
                return (await running.get("/-/healthy")).status_code == 200

            await until(healthy, "a scrape to be accepted again")
            assert 1 == sum(line["event"] == "too_many_open_files" for line in running.log)
            assert "out of system resource" not in running.raw

    with_business(tmp_path, scenario)
