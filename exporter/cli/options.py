"""The flags that several commands have, spelt as in the Prometheus exporters."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from exporter.cli.names import offered_targets
from exporter.cli.tree import was_typed
from exporter.model import Shard

DEFAULT_CONFIG_FILE: Final = Path("exporter.yml")
DEFAULT_MAX_REQUESTS: Final = 40  # as node_exporter
SIMULATOR_ADDRESS: Final = "127.0.0.1:10889"


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


def _part(text: str) -> Shard:
    index, slash, count = text.partition("/")
    if not (slash and index.isdecimal() and count.isdecimal() and int(index) < int(count)):
        is_count = count.isdecimal() and int(count) > 0
        fix = f"they count from 0: write 0/{count} to {int(count) - 1}/{count}" if is_count else "write I/N, for example 0/3"
        raise typer.BadParameter(f"{text!r} names no part (fix: {fix})", param_hint="--shard")
    return Shard(int(index), int(count))


ConfigFile = Annotated[Path, typer.Option("--config.file", metavar="FILE", help="Configuration file, YAML.")]
ConfigDir = Annotated[
    Path | None,
    typer.Option(
        "--config.dir", metavar="DIR", help="Also read each *.yml and *.yaml in DIR; without --config.file, read only those."
    ),
]
Level = Annotated[LogLevel, typer.Option("--log.level", help="Minimum log level.")]
Format = Annotated[LogFormat, typer.Option("--log.format", help="auto: readable text on a terminal, logfmt elsewhere.")]
Part = Annotated[
    Shard | None,
    typer.Option("--shard", metavar="I/N", parser=_part, help="Watch only part I of N of the targets; I counts from 0."),
]
PartToCheck = Annotated[
    Shard | None,
    typer.Option(
        "--shard", metavar="I/N", parser=_part, help="Show which targets part I of N watches; --online tests only those."
    ),
]
Listen = Annotated[
    str, typer.Option("--web.listen-address", metavar="HOST:PORT", help="Address of the exporter; :PORT means all interfaces.")
]
AllowedHosts = Annotated[
    list[str] | None,
    typer.Option(
        "--web.allowed-hosts",
        metavar="NAME,...",
        help="Host names that requests to this port may use, such as metrics.example; repeatable.",
    ),
]
MaxRequests = Annotated[
    int,
    typer.Option(
        "--web.max-requests",
        metavar="N",
        min=0,
        help="Maximum number of pages made at once; further requests get 503. 0: no limit.",
    ),
]
WebConfigFile = Annotated[
    Path | None,
    typer.Option(
        "--web.config.file", metavar="FILE", help="File with TLS and passwords, in the format of Prometheus' exporter-toolkit."
    ),
]


Lifecycle = Annotated[bool, typer.Option("--web.enable-lifecycle", help="Allow POST /-/reload, /-/log-level, /-/poll.")]
Targets = Annotated[
    list[str] | None,
    typer.Argument(metavar="TARGET", help="Names of targets. Default: all.", autocompletion=offered_targets),
]


def config_of(context: typer.Context, file: Path, folder: Path | None) -> tuple[Path | None, Path | None]:
    """Return the file and the folder of the configuration: beside a folder the file counts only if somebody typed it."""
    return (None if folder is not None and not was_typed(context, "config_file") else file), folder
