"""The group `monitoring`: what it writes for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Final

import typer

from exporter.cli.exits import exits
from exporter.monitoring import Options

_BUNDLE: Final = Options()

monitoring = typer.Typer(help="Write the dashboards, rules, routes and runbooks.", no_args_is_help=True, rich_markup_mode=None)


@monitoring.command("render")
def render_bundle(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder to write to; existing files are replaced.")],
    job: Annotated[str, typer.Option("--job", metavar="NAME", help="Prometheus job that scrapes the exporter.")] = _BUNDLE.job,
    slo: Annotated[
        float, typer.Option("--slo", metavar="SHARE", help="Share of live connections that must be free of errors.")
    ] = _BUNDLE.slo,
    grafana_url: Annotated[
        str, typer.Option("--grafana-url", metavar="URL", help="Where Grafana is, for links in alerts.")
    ] = _BUNDLE.grafana_url,
    runbook_url: Annotated[
        str, typer.Option("--runbook-url", metavar="URL", help="Where the runbooks are, if not on the board.")
    ] = _BUNDLE.runbook_url,
    targets: Annotated[
        int,
        typer.Option("--targets", metavar="N", help="Most targets of one exporter; limits the size of a scrape. 0: no limit."),
    ] = _BUNDLE.targets,
    board_url: Annotated[
        str, typer.Option("--board-url", metavar="URL", help="Where people reach the status board and its runbooks, for links.")
    ] = _BUNDLE.board_url,
    config_file: Annotated[
        Path | None,
        typer.Option(
            "--config.file",
            metavar="FILE",
            help="Configuration of the exporter; only its block verdicts is read, and no secret.",
        ),
    ] = None,
) -> None:
    """Write the bundle for your names and addresses. Nobody has to edit JSON or YAML."""
    from exporter.config import load_thresholds  # noqa: PLC0415
    from exporter.monitoring import render  # noqa: PLC0415

    with exits():
        thresholds = load_thresholds(config_file) if config_file else _BUNDLE.thresholds
        options = Options(job, slo, grafana_url, runbook_url, targets, board_url, thresholds=thresholds)
        for path in render(options, out):
            typer.echo(path)


@monitoring.command("password")
def make_password(
    *,
    out: Annotated[Path, typer.Option("--out", metavar="DIR", help="Folder for the files password and web.yml.")],
) -> None:
    """Make a password for the pages of Prometheus and Alertmanager, unless DIR has one. For --web.config.file."""
    from exporter.monitoring import make_password  # noqa: PLC0415

    with exits():
        for path in make_password(out):
            typer.echo(path)
