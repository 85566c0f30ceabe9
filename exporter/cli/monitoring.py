"""The group `monitoring`: what it writes for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

import asyncio
from enum import StrEnum
from pathlib import Path
from typing import Annotated, Final

import typer

from exporter.cli.exits import exits
from exporter.monitoring import Options
from exporter.support import logs

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
    language: Annotated[
        str, typer.Option("--language", metavar="CODE", help="Language of what alerts and messages say: en, de, ru.")
    ] = _BUNDLE.language,
    hurry: Annotated[
        int, typer.Option("--hurry", metavar="N", help="Divide every wait by N, for a rehearsal: 60 makes a minute a second.")
    ] = _BUNDLE.hurry,
) -> None:
    """Write the bundle for your names and addresses. Nobody has to edit JSON or YAML."""
    from exporter.monitoring import render  # noqa: PLC0415

    with exits():
        for path in render(Options(job, slo, grafana_url, runbook_url, targets, board_url, language, hurry), out):
            typer.echo(path)


class Report(StrEnum):
    TEXT = "text"
    JSON = "json"


@monitoring.command("check")
def check_bundle(
    *,
    prometheus_url: Annotated[
        str, typer.Option("--prometheus-url", metavar="URL", help="Prometheus that has the rules and scrapes the exporter.")
    ] = "",
    alertmanager_url: Annotated[
        str, typer.Option("--alertmanager-url", metavar="URL", help="Alertmanager that has the routes.")
    ] = "",
    grafana_url: Annotated[str, typer.Option("--grafana-url", metavar="URL", help="Grafana that has the boards.")] = "",
    user: Annotated[str, typer.Option("--user", metavar="NAME", help="Who asks Prometheus and Alertmanager.")] = "monitoring",
    password_file: Annotated[
        Path | None, typer.Option("--password-file", metavar="FILE", help="Password of that user, in both.")
    ] = None,
    grafana_token_file: Annotated[
        Path | None, typer.Option("--grafana-token-file", metavar="FILE", help="Token of a service account of Grafana.")
    ] = None,
    ca_file: Annotated[
        Path | None, typer.Option("--ca-file", metavar="FILE", help="Certificates of CAs to trust besides those of the host.")
    ] = None,
    job: Annotated[str, typer.Option("--job", metavar="NAME", help="The job that was rendered.")] = _BUNDLE.job,
    slo: Annotated[float, typer.Option("--slo", metavar="SHARE", help="The objective that was rendered.")] = _BUNDLE.slo,
    output: Annotated[Report, typer.Option("--output", help="Form of the result.")] = Report.TEXT,
) -> None:
    """Ask running servers whether they carry the bundle. Exit code 0 all there, 1 something is missing, 2 bad usage."""
    from exporter.commands.check_bundle import Access, check_running  # noqa: PLC0415

    logs.configure("error", "auto")
    with exits():
        given = {"Prometheus": prometheus_url, "Alertmanager": alertmanager_url, "Grafana": grafana_url}
        addresses = {kind: url for kind, url in given.items() if url}
        access = Access(addresses, user, password_file, grafana_token_file, ca_file)
        raise typer.Exit(asyncio.run(check_running(Options(job, slo), access, output.value, typer.echo)))


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
