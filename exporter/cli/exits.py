"""How a command ends: its exit code (docs/contract.md, "Exit codes"), and what it says about what went wrong."""

from __future__ import annotations

import contextlib
import errno
from collections.abc import Callable, Iterator, Sequence
from typing import Final, TypeGuard

import typer

from exporter.cli.late import logger
from exporter.errors import BookingSyncError, ConfigError
from exporter.support.printed import no_more_output
from exporter.support.redaction import redact, visible
from exporter.support.threads import NO_THREAD, is_no_thread

EXIT_BAD_CONFIG: Final = 2
EXIT_UNKNOWN: Final = 3
EXIT_INTERRUPTED: Final = 130


def shout(problems: Sequence[str]) -> None:
    """Print each of ``problems`` on standard error."""
    for problem in problems:
        typer.echo(visible(f"error: {problem}"), err=True)


_NO_ROOM: Final = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EIO})
"""What a file says that takes no more of what is printed. Commands turn that of other files into an error of their own."""


def is_no_room(error: BaseException) -> TypeGuard[OSError]:
    """Tell whether ``error`` is that of a full disk under standard output."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def shout_of_no_room(error: OSError) -> None:
    """Say on standard error that standard output takes no more; what is left of it goes nowhere."""
    no_more_output()
    shout([f"standard output: what was to be printed could not be written: {error.strerror}"])


def _tell_if_there_is_room(tell: Callable[[Sequence[str]], object], problems: Sequence[str]) -> None:
    try:
        tell(problems)
    except OSError as error:
        if not is_no_room(error):
            raise
        shout_of_no_room(error)


@contextlib.contextmanager
def exits(
    *,
    bad_config: int = EXIT_BAD_CONFIG,
    otherwise: int = 1,
    interrupted: int = EXIT_INTERRUPTED,
    tell: Callable[[Sequence[str]], object] = shout,
) -> Iterator[None]:
    """Turn what can go wrong into an exit code; no traceback without a bug. ``tell`` says what was wrong."""
    log = logger(__name__)
    try:
        yield
    except ConfigError as error:
        _tell_if_there_is_room(tell, [str(problem) for problem in error.problems])
        raise typer.Exit(bad_config) from None
    except BookingSyncError as error:
        _tell_if_there_is_room(tell, [redact(str(error))])
        raise typer.Exit(otherwise) from None
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise typer.Exit(otherwise) from None  # who read us went away
    except Exception as bug:
        if is_no_room(bug):
            shout_of_no_room(bug)
        elif is_no_thread(bug):
            _tell_if_there_is_room(tell, [NO_THREAD])
        else:
            log.exception("crashed")
            _tell_if_there_is_room(
                tell, [f"a bug in the exporter ({type(bug).__name__}); please report it with what standard error has"]
            )
        raise typer.Exit(otherwise) from None
