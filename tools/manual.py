"""The man page, made from the command tree: what ``--help`` says of each command, on one page and without a terminal."""

from __future__ import annotations

import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import typer.main

from exporter import __version__
from exporter.cli import app
from exporter.cli.tree import Library, walk
from exporter.commands.fast_path import PROGRAM

_WIDTH: Final = 78
_AFTER: Final = (
    (
        "EXIT STATUS",
        (
            ("0", "The exporter was stopped by SIGTERM or SIGINT; the command did what it was asked for."),
            ("1", "The command failed; it prints the reason."),
            ("2", "The configuration or the command line is wrong."),
        ),
    ),
    (
        "SIGNALS",
        (
            (
                "SIGHUP",
                "Reload the configuration; if it is not valid, the log names its problems and the previous one stays in force.",
            ),
            ("SIGUSR1", "Log at level debug; a second signal switches back."),
            (
                "SIGTERM, SIGINT",
                "Finish requests in flight and exit within 8 seconds. A second signal exits at once, with code 1.",
            ),
        ),
    ),
    (
        "FILES",
        (
            (
                "exporter.yml",
                f"The configuration, in the folder where {PROGRAM} is started. {PROGRAM} example-config prints one.",
            ),
        ),
    ),
)


def manual() -> str:
    """Return the page, in the macros of man(7)."""
    return "\n".join(_lines(typer.main.get_command(app))) + "\n"


def _lines(root: Library) -> Iterator[str]:
    context = typer.Context(root, info_name=PROGRAM, **root.context_settings)
    yield '.\\" Made by make generate from the command tree.'  # without a date, so that it changes with the tree alone
    yield f'.TH {PROGRAM.upper()} 1 "" "{PROGRAM} {__version__}" "User Commands"'
    yield ".SH NAME"
    yield f"{_plain(PROGRAM)} \\- find booking calendars that are out of sync"
    yield ".SH SYNOPSIS"
    yield f".B {PROGRAM}"
    yield "[OPTIONS]"
    yield ".br"
    yield f".B {PROGRAM}"
    yield "COMMAND [OPTIONS] [ARGS]"
    yield ".SH DESCRIPTION"
    yield _plain(root.help)
    yield "A flag before a command is a flag of that command."
    yield ".SH OPTIONS"
    yield "Of the exporter itself, which runs when no command is given:"
    yield from _parameters(root, context)
    yield ".SH COMMANDS"
    for path, command in walk(root):
        if path and not hasattr(command, "commands"):
            inside = typer.Context(command, info_name=" ".join(path), parent=context)
            usage = " ".join(command.collect_usage_pieces(inside))
            yield f".SS {_plain(' '.join(path))} {_plain(usage)}"
            yield _plain(command.help or "")
            yield from _parameters(command, inside)
    for title, rows in _AFTER:
        yield f".SH {title}"
        for term, text in rows:
            yield from _term(term, text)


def _parameters(command: Library, context: typer.Context) -> Iterator[str]:
    for param in command.get_params(context):
        record = param.get_help_record(context)
        if record is not None:
            yield from _term(param.metavar if param.param_type_name == "argument" else record[0], record[1])


def _term(term: str, text: str) -> Iterator[str]:
    yield ".TP"
    yield f".B {_plain(term)}"
    yield _plain(text)


def _plain(text: str) -> str:
    """Return ``text`` so that roff prints it as it is: no line is a command, and a hyphen can be copied."""
    flat = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq")
    lines = textwrap.wrap(flat, _WIDTH, break_long_words=False, break_on_hyphens=False)
    return "\n".join("\\&" + line if line.startswith(".") else line for line in lines)


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(manual())
