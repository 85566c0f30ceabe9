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
    typer.Option("--job", metavar="NAME", help="Prometheus job that scrapes exporters; repeatable."),
]
_Slo: TypeAlias = Annotated[
    float | None,
    typer.Option("--slo", metavar="SHARE", help="Objective: share of live connections that must be free of errors."),
]
_File: TypeAlias = Annotated[
    Path | None,
    typer.Option("--monitoring.file", metavar="FILE", help="Settings of the bundle, YAML; flags take precedence over it."),
]
_Config: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        "--config.file", metavar="FILE", help="Configuration of the exporter; only its block verdicts is read, no secrets."
    ),
]
_ConfigDir: TypeAlias = Annotated[
    Path | None, typer.Option("--config.dir", metavar="DIR", help="Folder of such files, with or without --config.file.")
]
_Hurry: TypeAlias = Annotated[
    int | None,
    typer.Option(
        "--hurry", metavar="N", help="Divide every waiting time by N, for a rehearsal: with 60, a minute lasts a second."
    ),
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
    out: Annotated[
        str, typer.Option("--out", metavar="DIR", help="Folder to write to; files of an earlier render are replaced.")
    ],
    monitoring_file: _File = None,
    job: _Jobs = None,
    slo: _Slo = None,
    grafana_url: Annotated[
        str | None, typer.Option("--grafana-url", metavar="URL", help="Address of Grafana, for links in alerts.")
    ] = None,
    runbook_url: Annotated[
        str | None,
        typer.Option("--runbook-url", metavar="URL", help="Address of the runbooks, if the status board does not serve them."),
    ] = None,
    targets: Annotated[
        int | None,
        typer.Option(
            "--targets",
            metavar="N",
            help="Maximum number of targets of one exporter; limits the size of a scrape. 0: no limit.",
        ),
    ] = None,
    board_url: Annotated[
        str | None,
        typer.Option(
            "--board-url", metavar="URL", help="Address at which people open the status board and its runbooks, for links."
        ),
    ] = None,
    language: Annotated[
        str | None, typer.Option("--language", metavar="CODE", help="Language of alerts and messages: en, de or ru.")
    ] = None,
    hurry: _Hurry = None,
    config_file: _Config = None,
    config_dir: _ConfigDir = None,
    force: Annotated[bool, typer.Option("--force", help="Also replace files that were edited since the last render.")] = False,
) -> None:
    """Write the monitoring bundle with your names and addresses, so that nobody has to edit JSON or YAML."""
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
        str,
        typer.Option(
            "--prometheus-url", metavar="URL", help="Address of the Prometheus that has the rules and scrapes the exporter."
        ),
    ] = "",
    alertmanager_url: Annotated[
        str, typer.Option("--alertmanager-url", metavar="URL", help="Address of the Alertmanager that has the routes.")
    ] = "",
    grafana_url: Annotated[
        str, typer.Option("--grafana-url", metavar="URL", help="Address of the Grafana that has the dashboards.")
    ] = "",
    user: Annotated[
        str, typer.Option("--user", metavar="NAME", help="User name for Prometheus and Alertmanager.")
    ] = "monitoring",
    password_file: Annotated[
        Path | None, typer.Option("--password-file", metavar="FILE", help="File with the password of that user.")
    ] = None,
    grafana_token_file: Annotated[
        Path | None,
        typer.Option("--grafana-token-file", metavar="FILE", help="File with the token of a Grafana service account."),
    ] = None,
    ca_file: Annotated[
        Path | None,
        typer.Option("--ca-file", metavar="FILE", help="File with CA certificates to trust in addition to those of the host."),
    ] = None,
    monitoring_file: _File = None,
    config_file: _Config = None,
    config_dir: _ConfigDir = None,
    job: _Jobs = None,
    slo: _Slo = None,
    hurry: _Hurry = None,
    output: Annotated[Report, typer.Option("--output", "-o", help="Output format.")] = Report.TEXT,
) -> None:
    """Check whether running servers have loaded the bundle. Exit code 0: complete, 1: something is missing, 2: wrong usage."""
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
    """Make a password for the pages of Prometheus and Alertmanager (their --web.config.file), unless DIR already has one."""
    from exporter.monitoring import folder_of, make_password  # noqa: PLC0415

    with exits():
        for path in make_password(folder_of(out)):
            typer.echo(path)
