"""How a command ends: its exit code, and what it says about what went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Final

import structlog
import typer

from exporter.errors import BookingSyncError, ConfigError
from exporter.support.redaction import redact, visible
from exporter.support.threads import NO_THREAD, is_no_thread

log = structlog.get_logger(__name__)

EXIT_BAD_CONFIG: Final = 2
EXIT_UNKNOWN: Final = 3
EXIT_INTERRUPTED: Final = 130


@contextlib.contextmanager
def exits(*, bad_config: int = EXIT_BAD_CONFIG, otherwise: int = 1, interrupted: int = EXIT_INTERRUPTED) -> Iterator[None]:
    """Turn what can go wrong into an exit code; no traceback without a bug."""
    try:
        yield
    except ConfigError as error:
        _shout(error)
        raise typer.Exit(bad_config) from None
    except BookingSyncError as error:
        typer.echo(visible(redact(f"error: {error}")), err=True)
        raise typer.Exit(otherwise) from None
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise typer.Exit(otherwise) from None  # who read us went away
    except Exception as bug:
        if is_no_thread(bug):
            typer.echo(f"error: {NO_THREAD}", err=True)
        else:
            log.exception("crashed")
        raise typer.Exit(otherwise) from None


def _shout(error: ConfigError) -> None:
    for problem in error.problems:
        typer.echo(visible(f"error: {problem}"), err=True)
