"""How a command ends: its exit code, and what it says about what went wrong."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator, Sequence
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


def shout(problems: Sequence[str]) -> None:
    """Print each of ``problems`` on standard error."""
    for problem in problems:
        typer.echo(visible(f"error: {problem}"), err=True)


@contextlib.contextmanager
def exits(
    *,
    bad_config: int = EXIT_BAD_CONFIG,
    otherwise: int = 1,
    interrupted: int = EXIT_INTERRUPTED,
    tell: Callable[[Sequence[str]], object] = shout,
) -> Iterator[None]:
    """Turn what can go wrong into an exit code; no traceback without a bug. ``tell`` says what was wrong."""
    try:
        yield
    except ConfigError as error:
        tell([str(problem) for problem in error.problems])
        raise typer.Exit(bad_config) from None
    except BookingSyncError as error:
        tell([redact(str(error))])
        raise typer.Exit(otherwise) from None
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise typer.Exit(otherwise) from None  # who read us went away
    except Exception as bug:
        if is_no_thread(bug):
            tell([NO_THREAD])
        else:
            log.exception("crashed")
            tell([f"a bug in the exporter ({type(bug).__name__}); please report it with what standard error has"])
        raise typer.Exit(otherwise) from None
