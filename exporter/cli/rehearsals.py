"""The commands that rehearse: the simulator with an exporter, alone, or with your Prometheus and Alertmanager."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from exporter.cli.exits import exits
from exporter.cli.lazy_imports import configure_logs, run
from exporter.cli.names import offered_incidents, offered_scenarios
from exporter.cli.options import (
    SIMULATOR_ADDRESS,
    AllowedHosts,
    Format,
    Level,
    Lifecycle,
    Listen,
    LogFormat,
    LogLevel,
)
from exporter.cli.tree import Commands
from exporter.commands.fast_path import DEFAULT_ADDRESS

rehearsals = Commands()


def echo_on_stderr(text: str) -> None:
    """Print what is for people, beside what may be saved or piped."""
    typer.echo(text, err=True)


@rehearsals.command()
def demo(
    *,
    listen: Listen = DEFAULT_ADDRESS,
    allowed_hosts: AllowedHosts = None,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            metavar="NAME",
            autocompletion=offered_scenarios,
            help="Scenario, which says what goes wrong; see simulate --list.",
        ),
    ] = "bad-night",
    lifecycle: Lifecycle = False,
    level: Level = LogLevel.WARN,
    log_format: Format = LogFormat.AUTO,
) -> None:
    """Run the simulator and the exporter together. Needs no credentials; incidents follow a scenario."""
    from exporter import web  # noqa: PLC0415
    from exporter.commands.demo import run_demo  # noqa: PLC0415
    from exporter.runtime import shutdown  # noqa: PLC0415

    configure_logs(level.value, log_format.value)
    with exits(interrupted=0):
        names = web.allowed_hosts(allowed_hosts or ())
        shutdown.run(
            lambda signals: run_demo(
                signals, listen, scenario, typer.echo, echo_on_stderr, allowed_hosts=names, lifecycle=lifecycle
            )
        )


@rehearsals.command()
def simulate(
    *,
    scenario: Annotated[
        str,
        typer.Option(
            "--scenario",
            metavar="NAME",
            autocompletion=offered_scenarios,
            help="Scenario, which says what goes wrong; see --list.",
        ),
    ] = "calm",
    listen: Annotated[
        str, typer.Option("--listen", metavar="HOST:PORT", help="Address of the simulator. It has no password.")
    ] = SIMULATOR_ADDRESS,
    show: Annotated[bool, typer.Option("--list", help="List the scenarios and exit.")] = False,
    last_week: Annotated[
        Path | None,
        typer.Option(
            "--with-last-week",
            metavar="FILE",
            help="Also write the metrics of the three weeks before, as OpenMetrics for promtool.",
        ),
    ] = None,
    job: Annotated[
        str, typer.Option("--job", metavar="NAME", help="Prometheus job in the metrics of these weeks.")
    ] = "booking-sync-exporter",
    level: Level = LogLevel.WARN,
) -> None:
    """Run the simulator alone, for drills with your own exporter, Prometheus and pager."""
    from exporter.commands.simulate import list_scenarios, run_simulator  # noqa: PLC0415

    configure_logs(level.value)
    with exits(interrupted=0):
        if show:
            for line in list_scenarios():
                typer.echo(line)
            return
        run(run_simulator(listen, scenario, typer.echo, echo_on_stderr, last_week=last_week, job=job))


@rehearsals.command()
def drill(
    incidents: Annotated[
        list[str] | None,
        typer.Argument(metavar="INCIDENT", help="Names of incidents. Default: all.", autocompletion=offered_incidents),
    ] = None,
    *,
    prometheus: Annotated[
        str, typer.Option("--prometheus-url", metavar="URL", help="Prometheus that has loaded the bundle's rules.")
    ],
    alertmanager: Annotated[str, typer.Option("--alertmanager-url", metavar="URL", help="Alertmanager that gets its alerts.")],
    listen: Annotated[
        str,
        typer.Option("--listen", metavar="HOST:PORT", help="Address of the drill's exporter, which Prometheus must scrape."),
    ] = DEFAULT_ADDRESS,
    page: Annotated[
        bool, typer.Option("--page", help="Also play when Alertmanager's receivers reach people, who then get the alerts.")
    ] = False,
    level: Level = LogLevel.ERROR,
) -> None:
    """Play incidents on a running Prometheus and Alertmanager; report what arrived, or where it was lost. Exit code 0 to 2."""
    from exporter.commands.drill import chosen, run_drill  # noqa: PLC0415
    from exporter.commands.drill_stack import ServiceClient, Stack  # noqa: PLC0415
    from exporter.runtime import Signals, shutdown  # noqa: PLC0415
    from exporter.support.net import parse_address  # noqa: PLC0415

    configure_logs(level.value)
    with exits():
        stack = Stack(
            ServiceClient("Prometheus", "--prometheus-url", prometheus),
            ServiceClient("Alertmanager", "--alertmanager-url", alertmanager),
        )
        script = chosen(incidents or [])
        parse_address(listen, "--listen")  # before anything is asked

        async def play(signals: Signals) -> None:
            if not await run_drill(signals, script, stack, listen, typer.echo, page=page):
                raise typer.Exit(1)

        shutdown.run(play)
