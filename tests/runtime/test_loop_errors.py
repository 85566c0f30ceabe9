"""What the event loop reports itself."""

from __future__ import annotations

import asyncio
import errno
import logging
import traceback

import pytest
import structlog

from exporter.runtime import loop_errors
from tests.harness.clock import ManualClock


@pytest.mark.parametrize("number", [errno.EMFILE, errno.ENFILE])
async def test_a_process_that_may_open_no_more_files_says_so_once_a_minute(number: int) -> None:
    clock = ManualClock()

    with structlog.testing.capture_logs() as lines:
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_errors.handler(clock))
        for _ in range(120):
            for _ in range(100):
                loop.call_exception_handler(
                    {"message": "socket.accept() out of system resource", "exception": OSError(number, "")}
                )
            await clock.advance(1)
    assert ["too_many_open_files"] * 2 == [line["event"] for line in lines]
    assert "raise LimitNOFILE (systemd) or ulimit -n" == lines[0]["fix"]


@pytest.mark.parametrize("error", [ValueError("x"), OSError(errno.EIO, "x"), None])
async def test_all_else_is_reported_as_ever_at_the_1st_2nd_4th_time(
    caplog: pytest.LogCaptureFixture, error: Exception | None
) -> None:
    with caplog.at_level(logging.ERROR, "asyncio"):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_errors.handler(ManualClock()))
        for _ in range(7):
            loop.call_exception_handler({"message": "a task broke", "exception": error})
    assert ["a task broke"] * 3 == [record.message.splitlines()[0] for record in caplog.records]
    assert "repeated: 4" in caplog.text


async def test_another_place_is_another_error_whatever_is_in_the_message(caplog: pytest.LogCaptureFixture) -> None:
    def here(number: int) -> None:
        raise ValueError(number)

    def there(number: int) -> None:
        raise ValueError(number)

    with caplog.at_level(logging.ERROR, "asyncio"):
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(loop_errors.handler(ManualClock()))
        for number in range(100):
            loop.call_soon(here, number)
        loop.call_soon(there, 100)
        await asyncio.sleep(0)
    assert [*["here"] * 7, "there"] == [raised_in(record) for record in caplog.records]


def raised_in(record: logging.LogRecord) -> str:
    assert record.exc_info is not None
    return traceback.extract_tb(record.exc_info[2])[-1].name
