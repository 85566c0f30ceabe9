"""The group `monitoring`: what it writes for Prometheus, Alertmanager and Grafana."""

from __future__ import annotations

from dataclasses import replace
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias

import typer

from exporter.cli.exits import exits
from exporter.cli.lazy_imports import configure_logs, run
from exporter.cli.tree import Commands

if TYPE_CHECKING:  # the other commands, and a shell that completes, start without the bundle
    from exporter.monitoring import Options, Settings

monitoring = Commands(help="Write the dashboards, rules, routes and runbooks.", no_args_is_help=True)


# A flag that is not given leaves what the file says, so none has a default of its own.
_Jobs: TypeAlias = Annotated[
    list[str] | None,
    typer.Option("--job", metavar="NAME", help="Prometheus job that scrapes exporters; once for each."),
]
_Slo: TypeAlias = Annotated[
    float | None, typer.Option("--slo", metavar="SHARE", help="Share of live connections that must be free of errors.")
]
_File: TypeAlias = Annotated[
    Path | None,
    typer.Option("--monitoring.file", metavar="FILE", help="What only the bundle needs; flags win over it."),
]
_Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config.file", metavar="FILE", help="Configuration of the exporter; only its block verdicts is read, and no secret."
    ),
]
_ConfigDir: TypeAlias = Annotated[
    Path | None, typer.Option("--config.dir", metavar="DIR", help="A folder of such files, with or without the one above.")
]
_Hurry: TypeAlias = Annotated[
    int | None,
    typer.Option("--hurry", metavar="N", help="Divide every wait by N, for a rehearsal: 60 makes a minute a second."),
]
_Files: TypeAlias = tuple[Path | None, Path | None]


def _settings(file: Path | None) -> Settings:
    from exporter.monitoring import Settings, load_settings  # noqa: PLC0415

    return load_settings(file) if file is not None else Settings()


def _options(settings: Settings, job: list[str] | None, config: _Files, **flags: object) -> Options:
    """Return what the files say, with the flags that were given in place of it."""
    from exporter.config import load_thresholds  # noqa: PLC0415

    flags |= {"jobs": job and tuple(job), "thresholds": load_thresholds(*config) if any(config) else None}
    given: dict[str, Any] = {name: value for name, value in flags.items() if value is not None}
    return replace(settings.options(), **given)


@monitoring.command("render")
def render_bundle(
    *,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder to write to; rendered files are replaced.")],
    monitoring_file: _File = None,
    job: _Jobs = None,
    slo: _Slo = None,
    grafana_url: Annotated[
        str | None, typer.Option("--grafana-url", metavar="URL", help="Where Grafana is, for links in alerts.")
    ] = None,
    runbook_url: Annotated[
        str | None, typer.Option("--runbook-url", metavar="URL", help="Where the runbooks are, if not on the board.")
    ] = None,
    targets: Annotated[
        int | None,
        typer.Option("--targets", metavar="N", help="Most targets of one exporter; limits the size of a scrape. 0: no limit."),
    ] = None,
    board_url: Annotated[
        str | None,
        typer.Option("--board-url", metavar="URL", help="Where people reach the status board and its runbooks, for links."),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Language of what alerts and messages say: en, de, ru.")
    ] = None,
    hurry: _Hurry = None,
    config_file: _Config = None,
    config_dir: _ConfigDir = None,
    force: Annotated[bool, typer.Option("--force", help="Replace files that were edited since, too.")] = False,
) -> None:
    """Write the bundle for your names and addresses. Nobody has to edit JSON or YAML."""
    from exporter.monitoring import folder_of, render  # noqa: PLC0415

    with exits():
        folder = folder_of(out)
        options = _options(
            _settings(monitoring_file),
            job,
            (config_file, config_dir),
            slo=slo,
            grafana_url=grafana_url,
            runbook_url=runbook_url,
            targets=targets,
            board_url=board_url,
            language=language,
            hurry=hurry,
        )
        rendered = render(options, folder, force=force)
        for path in rendered.written:
            typer.echo(path)
        for note in rendered.notes:
            typer.echo(note, err=True)


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
    monitoring_file: _File = None,
    config_file: _Config = None,
    config_dir: _ConfigDir = None,
    job: _Jobs = None,
    slo: _Slo = None,
    hurry: _Hurry = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="Form of the result.")] = Report.TEXT,
) -> None:
    """Ask running servers whether they carry the bundle. Exit code 0 all there, 1 something is missing, 2 bad usage."""
    from exporter.commands.check_bundle import ServerAccess, check_running  # noqa: PLC0415

    configure_logs("error")
    with exits():
        settings = _settings(monitoring_file)
        options = _options(settings, job, (config_file, config_dir), slo=slo, hurry=hurry)
        where = settings.addresses.given()
        given = {
            "Prometheus": prometheus_url or where.get("prometheus", ""),
            "Alertmanager": alertmanager_url or where.get("alertmanager", ""),
            "Grafana": grafana_url or where.get("grafana", ""),
        }
        addresses = {kind: url for kind, url in given.items() if url}
        access = ServerAccess(addresses, user, password_file, grafana_token_file, ca_file)
        raise typer.Exit(run(check_running(options, access, output.value, typer.echo)))


@monitoring.command("password")
def make_password(
    *,
    out: Annotated[str, typer.Option("--out", metavar="DIR", help="Folder for the files password and web.yml.")],
) -> None:
    """Make a password for the pages of Prometheus and Alertmanager, unless DIR has one. For --web.config.file."""
    from exporter.monitoring import folder_of, make_password  # noqa: PLC0415

    with exits():
        for path in make_password(folder_of(out)):
            typer.echo(path)
