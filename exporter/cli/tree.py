"""The tree of commands: which command is meant, whose a flag is, and what is said about a word that is neither.

A flag before a command is a flag of that command: ``--config.file X probe`` is ``probe --config.file X``. The command refuses
what it does not know, so no flag is ever dropped (docs/decisions/0201).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from difflib import get_close_matches
from typing import Any, TypeAlias

import typer
import typer.core

from exporter.commands.fast_path import PROGRAM
from exporter.support.redaction import visible

Library: TypeAlias = Any
"""What the library makes and exports no type of: commands, contexts, parameters."""


def walk(command: Library, *path: str) -> Iterator[tuple[tuple[str, ...], Library]]:
    """Yield ``command`` and everything below it, each with the words that are typed for it."""
    yield path, command
    for name, below in getattr(command, "commands", {}).items():
        yield from walk(below, *path, name)


def options_of(command: Library) -> dict[str, bool]:
    """Return the flags of ``command`` as they are typed, each with whether a value follows it."""
    params = [param for param in command.params if param.param_type_name == "option"]
    return {name: not param.is_flag for param in params for name in (*param.opts, *param.secondary_opts)}


def was_typed(context: typer.Context, name: str) -> bool:
    """Whether the parameter was on the command line, and is not just its default."""
    source = context.get_parameter_source(name)
    return source is not None and source.name == "COMMANDLINE"


class Command(typer.core.TyperCommand):
    """A command that says whose a flag is that it does not have."""

    def make_context(self, *args: Library, **kwargs: Library) -> Library:
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            _say_whose(error)
            raise

    def format_options(self, ctx: Library, formatter: Library) -> None:
        """Write arguments without their Python type, which says nothing to who types them."""
        arguments, options = [], []
        for param in self.get_params(ctx):
            record = param.get_help_record(ctx)
            if record is not None and param.param_type_name == "argument":
                arguments.append((param.metavar or record[0], record[1]))
            elif record is not None:
                options.append(record)
        for title, rows in (("Arguments", arguments), ("Options", options)):
            if rows:
                with formatter.section(title):
                    formatter.write_dl(rows)


class Group(typer.core.TyperGroup):
    """A command with commands below it; flags before one of them are taken behind it."""

    def make_context(self, *args: Library, **kwargs: Library) -> Library:
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            _say_whose(error)
            raise

    def parse_args(self, ctx: Library, args: list[str]) -> list[str]:
        return super().parse_args(ctx, self._flags_behind(ctx, list(args)))

    def resolve_command(self, ctx: Library, args: list[str]) -> Library:
        if args[0] not in self.commands and not ctx.resilient_parsing:
            names = [" ".join(path) for path, _ in walk(self) if path]
            near = [name for name in names if name.startswith(args[0]) or args[0] in name.split()]
            near = near or get_close_matches(args[0], names)
            ctx.fail(f"No such command '{visible(args[0])}'." + (f" Did you mean {' or '.join(near)}?" if near else ""))
        return super().resolve_command(ctx, args)

    def _flags_behind(self, ctx: Library, args: list[str]) -> list[str]:
        takes_value = {
            name: value for _, command in walk(ctx.find_root().command) for name, value in options_of(command).items()
        }
        takes_value |= dict.fromkeys(ctx.help_option_names, False)
        flags, words = [], list(args)
        while words and words[0].startswith("-") and words[0] != "-":
            flag = words.pop(0)
            if flag == "--":
                break
            name, glued, _ = flag.partition("=")
            if name not in takes_value and not flag.startswith("--"):
                name, glued = flag[:2], flag[2:]  # -ojson
            if name not in takes_value or (takes_value[name] and not glued and not words):
                return args  # the library says what is wrong
            flags += [flag, words.pop(0)] if takes_value[name] and not glued else [flag]
        if not words or self.resolve_command(ctx, words)[0] is None:
            return args
        return [words[0], *flags, *words[1:]]


def _say_whose(error: Exception) -> None:
    """Make of "no such option" a sentence that names who has it, when somebody has."""
    context, option = getattr(error, "ctx", None), getattr(error, "option_name", None)
    if context is None or option is None or not hasattr(error, "possibilities"):
        return
    owners = [path for path, command in walk(context.find_root().command) if option in options_of(command)]
    here = context.command_path.removeprefix(context.find_root().command_path).strip()
    if not owners:
        return
    whose = ", ".join(" ".join(path) for path in owners if path)
    order = f"write it after {whose}" if owners[0] else f"it is a flag of {PROGRAM} without a command"
    error.message = f"{here or 'The exporter'} has no {option}: {order}."  # type: ignore[attr-defined]
    error.possibilities = None


class Commands(typer.Typer):
    """A :class:`typer.Typer` whose groups and commands are those of this module."""

    def __init__(self, **settings: Library) -> None:
        super().__init__(cls=Group, add_completion=False, rich_markup_mode=None, **settings)

    def command(self, name: str | None = None, *, cls: Library = Command, **settings: Library) -> Callable[[Library], Library]:
        """Register a command."""
        return super().command(name, cls=cls, **settings)
