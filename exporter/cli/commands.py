"""The daemon and the commands that look, try and rehearse: their flags, spelt as in the Prometheus exporters."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import Callable
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any, Final, NoReturn, TypeVar

import structlog
import typer

from exporter import __version__
from exporter.cli.exits import EXIT_BAD_CONFIG, EXIT_UNKNOWN, exits
from exporter.cli.monitoring import monitoring
from exporter.cli.tree import Command, Commands
from exporter.config import Config, load_config, shard_of
from exporter.model import WHOLE, Shard
from exporter.support import logs
from exporter.support.hardening import keep_memory_private
from exporter.support.redaction import visible

log = structlog.get_logger(__name__)

T = TypeVar("T")

DEFAULT_CONFIG_FILE: Final = Path("exporter.yml")
DEFAULT_ADDRESS: Final = "127.0.0.1:10888"
DEFAULT_MAX_REQUESTS: Final = 40  # as node_exporter
SIMULATOR_ADDRESS: Final = "127.0.0.1:10889"
_WRONG_USAGE: Final = 2  # Typer's own exit code of it; it does not export the error

app = Commands(
    pretty_exceptions_enable=False,  # its frames print locals, and locals hold credentials
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tells you that a booking calendar fell out of sync, before a customer is double-booked. "
    "Without a command it runs the exporter.",
)
app.add_typer(monitoring, name="monitoring")


class _Plugin(Command):
    """A command for monitoring systems: to them exit code 2 means critical, so a wrong flag has to end with 3, unknown."""

    def make_context(self, *args: Any, **kwargs: Any) -> Any:  # noqa: ANN401  the library's signature
        try:
            return super().make_context(*args, **kwargs)
        except Exception as error:
            if getattr(error, "exit_code", None) == _WRONG_USAGE:
                error.exit_code = EXIT_UNKNOWN  # type: ignore[attr-defined]  # every usage error has one
            raise


class LogFormat(StrEnum):
    AUTO = "auto"
    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARN = "warn"
    WARNING = "warning"
    ERROR = "error"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    METRICS = "metrics"


class Listing(StrEnum):
    TABLE = "table"
    YAML = "yaml"
    JSON = "json"


def _part(text: str) -> Shard:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise typer.BadParameter("write I/N with 0 <= I < N, for example 0/3", param_hint="--shard")
    return Shard(int(index), int(count))


ConfigFile = Annotated[Path, typer.Option("--config.file", metavar="FILE", help="Configuration, YAML.")]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Minimum log level.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="auto is readable on a terminal and logfmt elsewhere.")]
Part = Annotated[
    Shard | None,
    typer.Option("--shard", metavar="I/N", parser=_part, help="Watch only part I of N of the targets; I counts from 0."),
]
Listen = Annotated[
    str, typer.Option("--web.listen-address", metavar="HOST:PORT", help="Address of the exporter; :PORT is every interface.")
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--web.allowed-hosts",
        metavar="NAME,...",
        help="Domain names by which scrapers ask at its own port, such as metrics.example; repeatable.",
    ),
]
MaxRequests = Annotated[
    int,
    typer.Option("--web.max-requests", metavar="N", min=0, help="Pages made at a time; more are answered 503, 0 is no limit."),
]
WebConfigFile = Annotated[
    Path | None,
    typer.Option("--web.config.file", metavar="FILE", help="TLS and passwords, in the format of the exporter toolkit."),
]


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"booking-sync-exporter {__version__} (Python {sys.version.split()[0]})")
        raise typer.Exit


@app.callback(invoke_without_command=True)
def daemon(
    context: typer.Context,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    watch: Annotated[bool, typer.Option("--config.watch", help="Reload by itself when the file or a secret changes.")] = False,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
    allowed_hosts: AllowedHosts = None,
    max_requests: MaxRequests = DEFAULT_MAX_REQUESTS,
    lifecycle: Annotated[
        bool, typer.Option("--web.enable-lifecycle", help="Allow POST /-/reload, /-/log-level, /-/poll.")
    ] = False,
    level: Level = LogLevel.INFO,
    log_format: Format = LogFormat.AUTO,
    shard: Part = None,
    standby: Annotated[
        bool, typer.Option("--standby", help="Wait while another exporter has the state_file, and take over when it ends.")
    ] = False,
    _: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version and exit.")] = False,
) -> None:
    """Run the daemon; the sub-commands look, try and rehearse."""
    if context.invoked_subcommand is not None:
        return
    from exporter import web  # noqa: PLC0415  the other commands start without the web stack
    from exporter.commands.daemon import run, with_state_file  # noqa: PLC0415
    from exporter.runtime import shutdown  # noqa: PLC0415  the other commands start without it

    logs.configure(level.value, log_format.value)
    keep_memory_private()
    with exits(interrupted=0):
        load, names = _loader(config_file, shard), web.allowed_hosts(allowed_hosts or ())
        if standby:
            load = with_state_file(load)
        shutdown.run(
            lambda signals: run(
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
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    web_config: WebConfigFile = None,
    online: Annotated[bool, typer.Option("--online", help="Also try each credential with a few cheap reads.")] = False,
) -> None:
    """Check the configuration. Prints every problem with file, path and a fix. Exit code 0 or 2."""
    from exporter.commands.check_config import check  # noqa: PLC0415

    logs.configure("warning", "auto")
    keep_memory_private()
    with exits():
        problems, targets = check(
            config_file, web_config, online, typer.echo, lambda text: typer.echo(visible(f"warning: {text}"), err=True)
        )
        for problem in problems:
            typer.echo(visible(f"error: {problem}"), err=True)
        if problems:
            raise typer.Exit(EXIT_BAD_CONFIG)
        typer.echo(f"{config_file}: valid, {targets} target{'' if targets == 1 else 's'}")


@app.command(cls=_Plugin)
def probe(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="Names of targets; all when none is named.")
    ] = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    output: Annotated[Output, typer.Option("--output", "-o", help="Form of the result.")] = Output.TABLE,
    running: Annotated[
        str | None, typer.Option("--running", metavar="URL", help="Ask a running exporter what it knows, and no platform.")
    ] = None,
) -> None:
    """Poll the named targets once, now. Exit code 0 healthy, 1 warning, 2 critical, 3 unknown."""
    from exporter.commands.probe import probe_now  # noqa: PLC0415
    from exporter.commands.probe_running import ask_running  # noqa: PLC0415

    logs.configure("error", "auto")
    keep_memory_private()
    with exits(bad_config=EXIT_UNKNOWN, otherwise=EXIT_UNKNOWN, interrupted=EXIT_UNKNOWN):
        how = (targets or [], output.value)
        raise typer.Exit(asyncio.run(ask_running(running, *how) if running else probe_now(load_config(config_file), *how)))


@app.command("list")
def list_names(
    targets: Annotated[
        list[str] | None, typer.Argument(metavar="TARGET", help="Names of targets; all when none is named.")
    ] = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    output: Annotated[Listing, typer.Option("--output", "-o", help="Form of the result.")] = Listing.TABLE,
) -> None:
    """List schedules, staff, services and resources, with aliases to paste. Names of people: keep no copy. Exit code 0 to 2."""
    from exporter.commands.list_names import list_names  # noqa: PLC0415

    logs.configure("error", "auto")
    keep_memory_private()
    with exits():
        raise typer.Exit(asyncio.run(list_names(load_config(config_file), targets or [], output.value)))


@app.command()
def demo(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    allowed_hosts: AllowedHosts = None,
    scenario: Annotated[
        str, typer.Option("--scenario", metavar="NAME", help="What goes wrong; see simulate --list.")
    ] = "bad-night",
    lifecycle: Annotated[
        bool, typer.Option("--web.enable-lifecycle", help="Allow POST /-/reload, /-/log-level, /-/poll.")
    ] = False,
    level: Level = LogLevel.WARN,
    log_format: Format = LogFormat.AUTO,
) -> None:
    """Run simulator and exporter together. Needs no credentials; incidents follow a script."""
    from exporter import web  # noqa: PLC0415
    from exporter.commands.demo import run_demo  # noqa: PLC0415
    from exporter.runtime import shutdown  # noqa: PLC0415

    logs.configure(level.value, log_format.value)
    with exits(interrupted=0):
        names = web.allowed_hosts(allowed_hosts or ())
        shutdown.run(lambda signals: run_demo(signals, listen, scenario, typer.echo, allowed_hosts=names, lifecycle=lifecycle))


@app.command()
def simulate(
    *,
    scenario: Annotated[str, typer.Option("--scenario", metavar="NAME", help="What goes wrong; see --list.")] = "calm",
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Address of the simulator. It has no password.")
    ] = SIMULATOR_ADDRESS,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and exit.")] = False,
    last_week: Annotated[
        Path | None,
        typer.Option("--with-last-week", metavar="FILE", help="Also write three busy weeks, as OpenMetrics for promtool."),
    ] = None,
    job: Annotated[
        str, typer.Option("--job", metavar="NAME", help="The Prometheus job of these weeks.")
    ] = "booking-sync-exporter",
    level: Level = LogLevel.WARN,
) -> None:
    """Run the simulator alone. For drills with your own exporter, Prometheus and pager."""
    from exporter.commands.simulate import list_scenarios, run_simulator  # noqa: PLC0415

    logs.configure(level.value, "auto")
    with exits(interrupted=0):
        if show:
            for line in list_scenarios():
                typer.echo(line)
            return
        asyncio.run(run_simulator(listen, scenario, typer.echo, last_week=last_week, job=job))


@app.command()
def drill(
    incidents: Annotated[
        list[str] | None, typer.Argument(metavar="INCIDENT", help="Names of incidents; all when none is named.")
    ] = None,
    *,
    prometheus: Annotated[str, typer.Option("--prometheus-url", metavar="URL", help="A Prometheus with the bundle's rules.")],
    alertmanager: Annotated[str, typer.Option("--alertmanager-url", metavar="URL", help="The Alertmanager behind it.")],
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Where Prometheus scrapes the exporter of the drill.")
    ] = DEFAULT_ADDRESS,
    page: Annotated[bool, typer.Option("--page", help="Also where Alertmanager reaches people: they hear of it.")] = False,
    level: Level = LogLevel.ERROR,
) -> None:
    """Play incidents on a running Prometheus and Alertmanager; say what arrived, or where it was lost. Exit code 0 to 2."""
    from exporter.commands.drill import chosen, run_drill  # noqa: PLC0415
    from exporter.commands.drill_stack import Service, Stack  # noqa: PLC0415
    from exporter.runtime import Signals, shutdown  # noqa: PLC0415
    from exporter.support.net import parse_address  # noqa: PLC0415

    logs.configure(level.value, "auto")
    with exits():
        stack = Stack(
            Service("Prometheus", "--prometheus-url", prometheus),
            Service("Alertmanager", "--alertmanager-url", alertmanager),
        )
        script = chosen(incidents or [])
        parse_address(listen, "--listen")  # before anything is asked

        async def play(signals: Signals) -> None:
            if not await run_drill(signals, script, stack, listen, typer.echo, page=page):
                raise typer.Exit(1)

        shutdown.run(play)


@app.command()
def healthcheck(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
) -> None:
    """Ask a running exporter for /-/healthy. For container probes. Exit code 0 or 1."""
    from exporter.commands.healthcheck import is_healthy  # noqa: PLC0415

    healthy, message = is_healthy(listen, web_config)
    typer.echo(message, err=not healthy)
    raise typer.Exit(0 if healthy else 1)


@app.command("bitrix24-login")
def bitrix24_login(
    *,
    portal: Annotated[str, typer.Option("--portal", metavar="URL", help="For example https://your-portal.bitrix24.com.")],
    client_id: Annotated[str, typer.Option("--client-id", metavar="ID", help="Client id of the local application.")],
    token_file: Annotated[
        Path,
        typer.Option("--token-file", metavar="FILE", help="File to write; oauth.token_file of the configuration names it."),
    ],
    server: Annotated[
        str | None, typer.Option("--oauth-server", metavar="URL", help="Authorisation server, when it is not the usual one.")
    ] = None,
) -> None:
    """Make the token file of a Bitrix24 application. Asks for the client secret unless B24_CLIENT_SECRET holds it."""
    from exporter.commands.bitrix24_login import login  # noqa: PLC0415

    logs.configure("warning", "auto")
    keep_memory_private()
    with exits():
        secret = os.environ.get("B24_CLIENT_SECRET") or typer.prompt("Client secret", hide_input=True)
        asyncio.run(login(portal, client_id, secret, token_file, server))


def main() -> NoReturn:
    """Run the command line; the console script."""
    logs.configure("warning", "auto")  # a command that sets up no log of its own shows no local variables either
    app()
    raise AssertionError("typer exits")


def _loader(config_file: Path, shard: Shard | None) -> Callable[[], Config]:
    if shard is None:
        return lambda: load_config(config_file)
    return lambda: shard_of(load_config(config_file), shard.index, shard.count)
