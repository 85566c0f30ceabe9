"""What the event loop reports itself."""

from __future__ import annotations

import asyncio
import errno
import logging

import pytest
import structlog

from exporter.runtime import loop_errors
from tests.harness.clock import ManualClock


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
def test_a_process_that_may_open_no_more_files_says_so_once_a_minute(number: int) -> None:
    clock = ManualClock()

    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_errors.handler(clock))
        for _ in range(120):
            for _ in range(100):
                loop.call_exception_handler(
                    {"message": "socket.accept() out of system resource", "exception": OSError(number, "")}
                )
            await clock.advance(1)

    with structlog.testing.capture_logs() as lines:
        asyncio.run(main())
    assert ["too_many_open_files"] * 2 == [line["event"] for line in lines]
    assert lines[0]["fix"] == "raise LimitNOFILE (systemd) or ulimit -n"


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EIO, "x"), None])
def test_all_else_is_reported_as_ever(caplog: pytest.LogCaptureFixture, error: Exception | None) -> None:
    async def main() -> None:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_errors.handler(ManualClock()))
        for _ in range(3):
            loop.call_exception_handler({"message": "a task broke", "exception": error})

    with caplog.at_level(logging.ERROR, "asyncio"):
        asyncio.run(main())
    assert ["a task broke"] * 3 == [record.message.splitlines()[0] for record in caplog.records]
