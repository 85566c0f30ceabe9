"""The fast path of command lines that machines repeat all day: run without the library that parses all the others.

A container asks for its health twice a minute for as long as it lives, and the library, with pydantic to read an option, takes
several times what the question takes (docs/decisions/0228). Here is read only what is written plainly; anything else, and what
goes wrong with standard output, is left to the library, so that there is one wording of it.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final, NamedTuple

from exporter import __version__
from exporter.commands.completion import VARIABLE

PROGRAM: Final = "booking-sync-exporter"
DEFAULT_ADDRESS: Final = "127.0.0.1:10888"
_LISTEN: Final = "--web.listen-address"
_WEB_CONFIG: Final = "--web.config.file"


class HealthCheckFlags(NamedTuple):
    """The flags of a ``healthcheck`` command line."""

    listen: str = DEFAULT_ADDRESS
    web_config: Path | None = None


def version_text() -> str:
    """Return what ``version`` and ``--version`` print."""
    return f"{PROGRAM} {__version__} (Python {sys.version.split()[0]})"


def run_fast_path(words: Sequence[str]) -> int | None:
    """Run the command line ``words`` and return its exit code; return ``None``, having done nothing, if the library has to."""
    if VARIABLE in os.environ:
        return None
    if list(words) in (["version"], ["--version"]):
        healthy, said = True, version_text()
    elif (asked := health_check_flags(words)) is not None:
        from exporter.commands.healthcheck import is_healthy  # noqa: PLC0415  the version needs none of it

        try:
            healthy, said = is_healthy(*asked)
        except KeyboardInterrupt:
            return 130  # as every command
    else:
        return None
    try:
        print(said, file=sys.stdout if healthy else sys.stderr, flush=True)
    except OSError:
        return None
    return 0 if healthy else 1


def health_check_flags(words: Sequence[str]) -> HealthCheckFlags | None:
    """Return the flags of a plain ``healthcheck``; ``None`` for another command, and for what the library has to parse."""
    if not words or words[0] != "healthcheck":
        return None
    given, rest = {_LISTEN: DEFAULT_ADDRESS, _WEB_CONFIG: ""}, list(words[1:])
    while rest:
        flag, glued, value = rest.pop(0).partition("=")
        if flag not in given:
            return None
        if not glued:
            if not rest:
                return None
            value = rest.pop(0)
        if not value or value.startswith("-"):
            return None
        given[flag] = value
    return HealthCheckFlags(given[_LISTEN], Path(given[_WEB_CONFIG]) if given[_WEB_CONFIG] else None)
