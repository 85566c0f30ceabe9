"""Commands and flags; no logic of its own. Flags are spelt as in the Prometheus exporters."""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from collections.abc import Callable, Iterator
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final, NoReturn

import structlog
import typer

from exporter import __version__, logs
from exporter.config import Config, load_config, shard_of
from exporter.errors import BookingSyncError, ConfigError
from exporter.monitoring.options import Options

log = structlog.get_logger(__name__)

DEFAULT_CONFIG_FILE: Final = Path("exporter.yml")
DEFAULT_ADDRESS: Final = "127.0.0.1:10888"
SIMULATOR_ADDRESS: Final = "127.0.0.1:10889"
EXIT_BAD_CONFIG: Final = 2
EXIT_UNKNOWN: Final = 3
EXIT_INTERRUPTED: Final = 130
_BUNDLE: Final = Options()

app = typer.Typer(
    add_completion=False,
    pretty_exceptions_enable=False,  # its frames print locals, and locals hold credentials
    context_settings={"help_option_names": ["-h", "--help"]},
    help="Tells you that a booking calendar fell out of sync, before a customer is double-booked.",
)
monitoring = typer.Typer(help="The bundle of dashboards, rules and routes.", no_args_is_help=True)
app.add_typer(monitoring, name="monitoring")


class LogFormat(StrEnum):
    AUTO = "auto"
    LOGFMT = "logfmt"
    JSON = "json"


class LogLevel(StrEnum):
    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Output(StrEnum):
    TABLE = "table"
    JSON = "json"
    METRICS = "metrics"


ConfigFile = Annotated[Path, typer.Option("--config.file", help="The configuration, YAML.", show_default=True)]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Log from this level on.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="auto: readable on a terminal, logfmt elsewhere.")]
Shard = Annotated[
    str | None, typer.Option("--shard", metavar="I/N", help="Take only every N-th target, the I-th part, from 0.")
]
Listen = Annotated[str, typer.Option("--web.listen-address", help="HOST:PORT, or :PORT for all interfaces.")]
WebConfigFile = Annotated[
    Path | None, typer.Option("--web.config.file", help="TLS and passwords, in the format of the exporter toolkit.")
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
    watch: Annotated[bool, typer.Option("--config.watch", help="Reload when the file or a secret changes.")] = False,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
    lifecycle: Annotated[bool, typer.Option("--web.enable-lifecycle", help="Allow reload and log level over HTTP.")] = False,
    level: Level = LogLevel.INFO,
    log_format: Format = LogFormat.AUTO,
    shard: Shard = None,
    _: Annotated[bool, typer.Option("--version", is_eager=True, callback=_version, help="Print the version.")] = False,
) -> None:
    """Run the daemon; the sub-commands look, try and rehearse."""
    if context.invoked_subcommand is not None:
        return
    from exporter.daemon import run  # noqa: PLC0415  the other commands start without the web stack

    logs.configure(level.value, log_format.value)
    with _exits(interrupted=0):
        load = _loader(config_file, shard)
        asyncio.run(run(load, listen_address=listen, web_config=web_config, lifecycle=lifecycle, watch=watch))


@app.command("check-config")
def check_config(
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    web_config: WebConfigFile = None,
    online: Annotated[bool, typer.Option("--online", help="Also try each credential with one cheap read.")] = False,
) -> None:
    """Validate; print every problem with file, path and a fix. Exit code 0 or 2."""
    from exporter.checking import check_online  # noqa: PLC0415
    from exporter.web.config import WebConfig  # noqa: PLC0415

    logs.configure("warning", "auto")
    with _exits():
        problems: list[str] = []
        config: Config | None = None
        try:
            config = load_config(config_file)
        except ConfigError as error:
            problems += [str(problem) for problem in error.problems]
        try:
            WebConfig.load(web_config)
        except ConfigError as error:
            problems += [str(problem) for problem in error.problems]
        if config is not None:
            for warning in config.warnings:
                typer.echo(f"warning: {warning}", err=True)
            if online:
                problems += asyncio.run(check_online(config, typer.echo))
        for problem in problems:
            typer.echo(f"error: {problem}", err=True)
        if problems:
            raise typer.Exit(EXIT_BAD_CONFIG)
        typer.echo(f"{config_file}: valid, {len(config.targets) if config else 0} targets")


@app.command()
def probe(
    targets: Annotated[list[str] | None, typer.Argument(metavar="[TARGET]...", help="All when none is named.")] = None,
    *,
    config_file: ConfigFile = DEFAULT_CONFIG_FILE,
    output: Annotated[Output, typer.Option("--output", help="How to print the result.")] = Output.TABLE,
) -> None:
    """Poll the named targets once, now. Exit code 0 healthy, 1 warning, 2 critical, 3 unknown."""
    from exporter.probe_command import probe_now  # noqa: PLC0415

    logs.configure("error", "auto")
    with _exits(bad_config=EXIT_UNKNOWN, otherwise=EXIT_UNKNOWN, interrupted=EXIT_UNKNOWN):
        raise typer.Exit(asyncio.run(probe_now(load_config(config_file), targets or [], output.value)))


@app.command()
def demo(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    scenario: Annotated[str, typer.Option("--scenario", help="What goes wrong, see simulate --list.")] = "bad-night",
    level: Level = LogLevel.WARNING,
    log_format: Format = LogFormat.AUTO,
) -> None:
    """Run simulator and exporter in one process: no credentials, scripted incidents, live gauges."""
    from exporter.demo import run_demo  # noqa: PLC0415

    logs.configure(level.value, log_format.value)
    with _exits(interrupted=0):
        asyncio.run(run_demo(listen, scenario, typer.echo))


@app.command()
def simulate(
    *,
    scenario: Annotated[str, typer.Option("--scenario", help="What goes wrong.")] = "calm",
    listen: Annotated[str, typer.Option("--listen", metavar="HOST:PORT")] = SIMULATOR_ADDRESS,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and leave.")] = False,
    level: Level = LogLevel.WARNING,
) -> None:
    """Run only the simulated platforms, for drills against your own exporter, Prometheus and pager."""
    from exporter.demo import list_scenarios, run_simulator  # noqa: PLC0415

    logs.configure(level.value, "auto")
    with _exits(interrupted=0):
        if show:
            for line in list_scenarios():
                typer.echo(line)
            return
        asyncio.run(run_simulator(listen, scenario, typer.echo))


@app.command()
def healthcheck(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    web_config: WebConfigFile = None,
) -> None:
    """Ask a running exporter for /-/healthy. Exit code 0 or 1; for container probes."""
    from exporter.checking import is_healthy  # noqa: PLC0415

    healthy, message = is_healthy(listen, web_config)
    typer.echo(message, err=not healthy)
    raise typer.Exit(0 if healthy else 1)


@app.command("bitrix24-login")
def bitrix24_login(
    *,
    portal: Annotated[str, typer.Option("--portal", help="https://your-portal.bitrix24.com")],
    client_id: Annotated[str, typer.Option("--client-id", help="Of the local application.")],
    token_file: Annotated[Path, typer.Option("--token-file", help="Where the token pair is kept (0600).")],
    server: Annotated[str | None, typer.Option("--oauth-server", help="Authorisation server, when not the usual one.")] = None,
) -> None:
    """Walk from an application's id and secret to a token file for oauth: {token_file}."""
    from exporter.platforms.bitrix24.login import login  # noqa: PLC0415

    logs.configure("warning", "auto")
    with _exits():
        secret = os.environ.get("B24_CLIENT_SECRET") or typer.prompt("Client secret", hide_input=True)
        asyncio.run(login(portal, client_id, secret, token_file, server))


@monitoring.command("render")
def render_bundle(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Where to write; existing files are replaced.")],
    job: Annotated[str, typer.Option("--job", help="The Prometheus job under which the exporter is scraped.")] = _BUNDLE.job,
    slo: Annotated[float, typer.Option("--slo", help="Share of connections that have to be free of errors.")] = _BUNDLE.slo,
    grafana_url: Annotated[str, typer.Option("--grafana-url", help="Base of dashboard links.")] = _BUNDLE.grafana_url,
    runbook_url: Annotated[str, typer.Option("--runbook-url", help="Base of runbook links.")] = _BUNDLE.runbook_url,
) -> None:
    """Write dashboards, rules and routes for your names and thresholds, so that nobody edits JSON or YAML."""
    from exporter.monitoring.render import render  # noqa: PLC0415

    with _exits():
        for path in render(Options(job, slo, grafana_url, runbook_url), out):
            typer.echo(path)


def main() -> NoReturn:
    """Run the command line; the console script."""
    app()
    raise AssertionError("typer exits")


def _loader(config_file: Path, shard: str | None) -> Callable[[], Config]:
    if shard is None:
        return lambda: load_config(config_file)
    index, slash, count = shard.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        raise typer.BadParameter("write I/N with 0 <= I < N, for example 0/3", param_hint="--shard")
    return lambda: shard_of(load_config(config_file), int(index), int(count))


def _shout(error: ConfigError) -> None:
    for problem in error.problems:
        typer.echo(f"error: {problem}", err=True)


@contextlib.contextmanager
def _exits(*, bad_config: int = EXIT_BAD_CONFIG, otherwise: int = 1, interrupted: int = EXIT_INTERRUPTED) -> Iterator[None]:
    """Turn what can go wrong into an exit code; no traceback without a bug."""
    try:
        yield
    except ConfigError as error:
        _shout(error)
        raise typer.Exit(bad_config) from None
    except BookingSyncError as error:
        typer.echo(f"error: {error}", err=True)
        raise typer.Exit(otherwise) from None
    except KeyboardInterrupt:
        raise typer.Exit(interrupted) from None
    except (typer.Exit, typer.Abort, typer.BadParameter):
        raise
    except BrokenPipeError:
        raise typer.Exit(otherwise) from None  # who read us went away
    except Exception:
        log.exception("crashed")
        raise typer.Exit(otherwise) from None
