"""How a command ends: its exit code (docs/contract.md, "Exit codes"), and what it says about what went wrong."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeGuard

import typer

from exporter.cli.lazy_imports import logger
from exporter.errors import BookingSyncError, ConfigError
from exporter.support.redaction import redact, visible
from exporter.support.standard_streams import discard_output
from exporter.support.threads import NO_THREAD, is_no_thread

EXIT_BAD_CONFIG: Final = 2
EXIT_UNKNOWN: Final = 3
EXIT_INTERRUPTED: Final = 130


def print_errors(problems: Sequence[str]) -> None:
    """Print each of ``problems`` on standard error."""
    for problem in problems:
        typer.echo(visible(f"error: {problem}"), err=True)


_FULL_DISK: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a file says that takes no more of what is printed. Commands turn that of other files into an error of their own."""


def is_full_disk(error: BaseException) -> TypeGuard[OSError]:
    """Tell whether ``error`` is that of a full disk under standard output."""
    return isinstance(error, OSError) and error.errno in _FULL_DISK


def report_full_disk(error: OSError) -> None:
    """Say on standard error that standard output takes no more; what is left of it goes nowhere."""
    discard_output()
    print_errors([f"standard output: what was to be printed could not be written: {error.strerror}"])


def _print_unless_disk_is_full(tell: Callable[[Sequence[str]], object], problems: Sequence[str]) -> None:
    try:
        tell(problems)
    except OSError as error:
        if not is_full_disk(error):
            raise
        report_full_disk(error)


@contextlib.contextmanager
def exits(
    *,
    bad_config: int = EXIT_BAD_CONFIG,
    otherwise: int = 1,
    interrupted: int = EXIT_INTERRUPTED,
    tell: Callable[[Sequence[str]], object] = print_errors,
) -> Iterator[None]:
    """Turn what can go wrong into an exit code; no traceback without a bug. ``tell`` says what was wrong.

    Raises :class:`typer.Exit` with the exit code.
    """
    log = logger(__name__)
    try:
        yield
    except ConfigError as error:
        _print_unless_disk_is_full(tell, [str(problem) for problem in error.problems])
        raise typer.Exit(bad_config) from None
    except BookingSyncError as error:
        _print_unless_disk_is_full(tell, [redact(str(error))])
        raise typer.Exit(otherwise) from None
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise typer.Exit(otherwise) from None  # who read us went away
    except Exception as bug:
        if is_full_disk(bug):
            report_full_disk(bug)
        elif is_no_thread(bug):
            _print_unless_disk_is_full(tell, [NO_THREAD])
        else:
            log.exception("crashed")
            _print_unless_disk_is_full(
                tell, [f"a bug in the exporter ({type(bug).__name__}); please report it with what standard error has"]
            )
        raise typer.Exit(otherwise) from None
