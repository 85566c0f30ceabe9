"""The daemon and the commands that look, try and rehearse: their flags, spelt as in the Prometheus exporters."""

from __future__ import annotations

import os
from collections.abc import Callable
from enum import StrEnum
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, NoReturn

import typer
from typer.completion import get_completion_inspect_parameters

from exporter.cli.basics import basics
from exporter.cli.exits import EXIT_BAD_CONFIG, EXIT_UNKNOWN, exits, is_full_disk, print_errors, report_full_disk
from exporter.cli.lazy_imports import configure_logs, lean_imports, run
from exporter.cli.monitoring import monitoring
from exporter.cli.names import offered_targets
from exporter.cli.options import (
    DEFAULT_CONFIG_FILE,
    DEFAULT_MAX_REQUESTS,
    AllowedHosts,
    ConfigDir,
    ConfigFile,
    Format,
    Level,
    Lifecycle,
    Listen,
    LogFormat,
    LogLevel,
    MaxRequests,
    Part,
    PartToCheck,
    Targets,
    WebConfigFile,
    config_of,
)
from exporter.cli.rehearsals import rehearsals
from exporter.cli.tree import Command, Commands, was_typed
from exporter.commands.completion import VARIABLE
from exporter.commands.fast_path import DEFAULT_ADDRESS, PROGRAM, version_text
from exporter.model import WHOLE, Shard
from exporter.support.hardening import keep_memory_private
from exporter.support.heap import share_one_heap
from exporter.support.redaction import visible
from exporter.support.standard_streams import write_output

if TYPE_CHECKING:
    from exporter.config import Config

_WRONG_USAGE: Final = 2  # Typer's own exit code of it; it does not export the error

app = Commands(
    pretty_exceptions_enable=False,  # its frames print locals, and locals hold credentials
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Reports when a booking calendar is out of sync, before a customer is double-booked. "
    "Without a command, it runs the exporter.",
)
app.add_typer(rehearsals)
app.add_typer(monitoring, name="monitoring")
app.add_typer(basics)


class _Plugin(Command):
    """A command for monitoring systems: to them exit code 2 means critical, so a wrong flag has to end with 3, unknown."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  the library's signature
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            if getattr(error, "exit_code", None) == _WRONG_USAGE:
                error.exit_code = EXIT_UNKNOWN  # type: ignore[attr-defined]  # every usage error has one
                with exits(otherwise=EXIT_UNKNOWN):  # they read no other stream
                    typer.echo(f"UNKNOWN: {visible(error.format_message())}")  # type: ignore[attr-defined]
            raise


class ProbeFormat(StrEnum):
    TABLE = "table"
    JSON = "json"
    METRICS = "metrics"


class ListFormat(StrEnum):
    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(version_text())
        raise typer.Exit


@app.callback(invoke_without_command=True)
def daemon(
    context: typer.Context,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    config_dir: ConfigDir = None,
    watch: Annotated[
        bool,
        typer.Option("--config.watch", help="Reload automatically when the configuration or a file with a secret changes."),
    ] = False,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
    allowed_hosts: AllowedHosts = None,
    max_requests: MaxRequests = DEFAULT_MAX_REQUESTS,
    lifecycle: Lifecycle = False,
    level: Level = LogLevel.INFO,
    log_format: Format = LogFormat.AUTO,
    shard: Part = None,
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait while another exporter holds the state_file; take over when that one ends.")
    ] = False,
    _: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")] = False,
) -> None:
    """Run the daemon; the sub-commands look, try and rehearse."""
    if context.invoked_subcommand is not None:
        return
    with lean_imports():
        from exporter import web  # noqa: PLC0415  the other commands start without the web stack
        from exporter.commands.daemon import run as run_daemon  # noqa: PLC0415
        from exporter.commands.daemon import with_state_file  # noqa: PLC0415
        from exporter.runtime import shutdown  # noqa: PLC0415  the other commands start without it

    configure_logs(level.value, log_format.value)
    keep_memory_private()
    share_one_heap()
    with exits(interrupted=0):
        load, names = _loader(*config_of(context, config_file, config_dir), shard), web.allowed_hosts(allowed_hosts or ())
        if standby:
            load = with_state_file(load)
        shutdown.run(
            lambda signals: run_daemon(
                load,
                signals=signals,
                listen_address=listen,
                web_config=web_config,
                allowed_hosts=names,
                max_requests=max_requests,
                lifecycle=lifecycle,
                watch=watch,
                standby=standby,
                shard=WHOLE if shard is None else shard,
            )
        )


@app.command("check-config")
def check_config(
    context: typer.Context,
    file: Annotated[Path | None, typer.Argument(metavar="FILE", help="The same as --config.file.")] = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    config_dir: ConfigDir = None,
    web_config: WebConfigFile = None,
    online: Annotated[bool, typer.Option("--online", help="Also test each credential with a few small read requests.")] = False,
    no_secrets: Annotated[
        bool, typer.Option("--no-secrets", help="Do not read secrets from files and variables, for a machine that lacks them.")
    ] = False,
    shard: PartToCheck = None,
) -> None:
    """Check the configuration. Prints every problem with file, line, key and fix. Exit code 0: valid, 2: not valid."""
    from exporter.commands.check_config import check  # noqa: PLC0415

    if file is not None and was_typed(context, "config_file") and file != config_file:
        raise typer.BadParameter(f"two files are named, {config_file} and {file}; name one", param_hint="FILE")
    if online and no_secrets:
        raise typer.BadParameter("--online signs in with the secrets that --no-secrets leaves out; write one of them")
    path, folder = config_of(context, config_file, config_dir)
    path = file or path
    configure_logs("warning")
    keep_memory_private()
    with exits():
        problems, watched = check(
            path,
            web_config,
            online,
            lambda text: write_output(f"{text}\n"),
            lambda text: typer.echo(visible(f"warning: {text}"), err=True),
            folder=folder,
            secrets=not no_secrets,
            shard=shard,
        )
        for problem in problems:
            typer.echo(visible(f"error: {problem}"), err=True)
        if problems:
            raise typer.Exit(EXIT_BAD_CONFIG)
        files = " and ".join(str(each) for each in (path, folder) if each is not None)
        write_output(f"{files}: valid, {watched}\n")


@app.command(cls=_Plugin)
def probe(
    context: typer.Context,
    targets: Targets = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    config_dir: ConfigDir = None,
    output: Annotated[ProbeFormat, typer.Option("--output", "-o", help="Output format.")] = ProbeFormat.TABLE,
    running: Annotated[
        str | None,
        typer.Option(
            "--running", metavar="URL", help="Ask a running exporter for its last results instead of polling the platforms."
        ),
    ] = None,
) -> None:
    """Poll the named targets once, now. Exit code 0 healthy, 1 warning, 2 critical, 3 unknown."""
    from exporter.commands.probe import probe_now  # noqa: PLC0415
    from exporter.commands.probe_running import ask_running  # noqa: PLC0415
    from exporter.commands.probe_table import print_unknown  # noqa: PLC0415

    configure_logs("error")
    keep_memory_private()
    tell = print_unknown if output is ProbeFormat.TABLE else print_errors
    with exits(bad_config=EXIT_UNKNOWN, otherwise=EXIT_UNKNOWN, interrupted=EXIT_UNKNOWN, tell=tell):
        how = (targets or [], output.value)
        raise typer.Exit(
            run(
                ask_running(running, *how)
                if running
                else probe_now(load_config(*config_of(context, config_file, config_dir)), *how)
            )
        )


@app.command("list")
def list_names(
    context: typer.Context,
    targets: Targets = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    config_dir: ConfigDir = None,
    output: Annotated[ListFormat, typer.Option("--output", "-o", help="Output format.")] = ListFormat.TABLE,
) -> None:
    """List schedules, staff, services and resources, with aliases to paste. It names people: keep no copy. Exit code 0 to 2."""
    from exporter.commands.list_names import list_names  # noqa: PLC0415

    configure_logs("error")
    keep_memory_private()
    with exits():
        raise typer.Exit(
            run(list_names(load_config(*config_of(context, config_file, config_dir)), targets or [], output.value))
        )


@app.command()
def conformance(
    context: typer.Context,
    target: Annotated[
        str,
        typer.Argument(metavar="TARGET", help="Name of the target whose account is checked.", autocompletion=offered_targets),
    ],
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    config_dir: ConfigDir = None,
) -> None:
    """Check with a real account which documented facts about its API hold. The report has no names or ids. Exit code 0 to 2."""
    from exporter.commands.conformance import conformance  # noqa: PLC0415

    configure_logs("error")
    keep_memory_private()
    with exits():
        raise typer.Exit(run(conformance(load_config(*config_of(context, config_file, config_dir)), target)))


@app.command()
def healthcheck(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
) -> None:
    """Ask a running exporter whether it is healthy (/-/healthy), for container probes. Exit code 0 or 1."""
    from exporter.commands.healthcheck import is_healthy  # noqa: PLC0415

    healthy, message = is_healthy(listen, web_config)
    typer.echo(message, err=not healthy)
    raise typer.Exit(0 if healthy else 1)


@app.command("bitrix24-login")
def bitrix24_login(
    *,
    portal: Annotated[
        str,
        typer.Option("--portal", metavar="URL", help="Address of the portal, for example https://your-portal.bitrix24.com."),
    ],
    client_id: Annotated[
        str, typer.Option("--client-id", metavar="ID", help="Client id, from the card of the local application.")
    ],
    token_file: Annotated[
        Path,
        typer.Option(
            "--token-file",
            metavar="FILE",
            help="Token file to write; give the same path as oauth.token_file in the configuration.",
        ),
    ],
    server: Annotated[
        str | None,
        typer.Option("--oauth-server", metavar="URL", help="Authorisation server, if it is not Bitrix24's default one."),
    ] = None,
) -> None:
    """Log in a Bitrix24 application and write its token file. Asks for the client secret unless B24_CLIENT_SECRET is set."""
    from exporter.commands.bitrix24_login import SECRET_VARIABLE, login  # noqa: PLC0415

    configure_logs("warning")
    keep_memory_private()
    with exits():
        given = os.environ.get(SECRET_VARIABLE)

        def ask_secret() -> str:
            return str(typer.prompt("Client secret", hide_input=True))

        again = None if given else ask_secret
        run(login(portal, client_id, given or ask_secret(), token_file, server, ask_secret=again))


def main() -> NoReturn:
    """Run the command line; the console script."""
    if VARIABLE in os.environ:  # a shell asks what may come next, by the name that it was given the script for
        get_completion_inspect_parameters()  # makes the library's shells known
        app(prog_name=PROGRAM)
    try:
        app()
    except OSError as error:  # the library prints help and version without our exits()
        if not is_full_disk(error):
            raise
        report_full_disk(error)
        raise SystemExit(1) from None
    raise AssertionError("typer exits")


def load_config(file: Path | None, folder: Path | None) -> Config:
    """Read the configuration. Imported when it is needed: help, healthcheck and a shell that completes start twice as fast."""
    from exporter.config import load_config  # noqa: PLC0415

    return load_config(file, folder=folder)


def _loader(file: Path | None, folder: Path | None, shard: Shard | None) -> Callable[[], Config]:
    from exporter.config import LoadCache, load_config, shard_of  # noqa: PLC0415

    remembered = LoadCache()
    load = partial(load_config, file, folder=folder, remembered=remembered)
    return load if shard is None else lambda: shard_of(load(), shard.index, shard.count)
