"""The commands in this process, with the words that a user would type: no interpreter is started for each of them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping

from typer.testing import CliRunner

from exporter.cli import app
from exporter.support import logs
from tests.harness.log_settings import logging_as_before
from tests.harness.process import PATIENCE_SECONDS


async def typed(
    *words: str, environ: Mapping[str, str] | None = None, stdin: str = "", encoding: str = "utf-8"
) -> tuple[int, str, str]:
    """Run a command to its end in a thread, so that simulators of this loop can answer; return exit code, output, errors.

    As :func:`tests.harness.process.command`, without what ``exporter.__main__`` does before the command line is read.
    """
    runner = CliRunner(charset=encoding, env={"COLUMNS": "200", **(environ or {})})
    with logging_as_before():
        try:
            done = await asyncio.wait_for(asyncio.to_thread(runner.invoke, app, list(words), input=stdin), PATIENCE_SECONDS)
        finally:
            logs.mask_with(str)
    if done.exception is not None and not isinstance(done.exception, SystemExit):
        raise done.exception
    return done.exit_code, done.stdout, done.stderr
