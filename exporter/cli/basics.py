"""The commands that ask nobody: what there is, what travels with the program, and what a file or a shell needs."""

from __future__ import annotations

import sys
from enum import StrEnum
from typing import Annotated, Final

import typer

from exporter.cli.exits import exits
from exporter.cli.names import offered_commands
from exporter.cli.tree import Commands
from exporter.commands.example_config import SHIPPED
from exporter.commands.fast_path import PROGRAM, version_text

basics = Commands()


class Shell(StrEnum):
    BASH = "bash"
    ZSH = "zsh"
    FISH = "fish"


EXAMPLE: Final = "exporter.yml"
Shipped = StrEnum("Shipped", {name: name for name in SHIPPED})  # type: ignore[misc]  # the names are data


@basics.command("example-config")
def example_config(
    name: Annotated[
        Shipped | None, typer.Argument(metavar="FILE", help=f"{', '.join(SHIPPED)}. Default: the first one.")
    ] = None,
) -> None:
    """Print a file that comes with the program: an example configuration, its schema for editors, the systemd unit."""
    from exporter.commands.example_config import shipped  # noqa: PLC0415

    typer.echo(shipped(name.value if name else EXAMPLE), nl=False)


@basics.command("hash-password", context_settings={"allow_extra_args": True})
def hash_password(context: typer.Context) -> None:
    """Print the bcrypt hash of a password, for basic_auth_users. Asks twice, or reads a line from a pipe. Exit code 0 or 1."""
    from exporter.commands.hash_password import hashed, read_password  # noqa: PLC0415
    from exporter.support.hardening import keep_memory_private  # noqa: PLC0415

    if context.args:  # not repeated: it stands in enough places already
        raise typer.BadParameter("a password on a command line is seen by every user of the machine; type or pipe it in")
    keep_memory_private()

    def ask() -> str:
        return str(typer.prompt("Password", hide_input=True, confirmation_prompt="Again", err=True))

    with exits():
        typer.echo(hashed(read_password(sys.stdin.buffer, ask)))


@basics.command("completion")
def completion(
    shell: Annotated[Shell, typer.Argument(metavar="SHELL", help="bash, zsh or fish.")],
) -> None:
    """Print a script that lets a shell complete commands, flags and names with the Tab key."""
    from exporter.commands.completion import script  # noqa: PLC0415

    typer.echo(script(shell.value, PROGRAM), nl=False)


@basics.command("help")
def show_help(
    context: typer.Context,
    words: Annotated[
        list[str] | None, typer.Argument(metavar="COMMAND", help="The command to explain.", autocompletion=offered_commands)
    ] = None,
) -> None:
    """Explain a command, or list all."""
    root = context.find_root()
    root.command.main([*(words or []), "--help"], prog_name=root.info_name)


@basics.command("version")
def version() -> None:
    """Print the version."""
    typer.echo(version_text())
