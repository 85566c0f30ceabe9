"""What the shell offers for a name, by the place where the name stands."""

from __future__ import annotations

from pathlib import Path

import typer

from exporter.cli.tree import Library


def offered_targets(context: typer.Context, incomplete: str) -> list[str]:
    """Return the targets of the configuration that the command line names, without those that it has already."""
    from exporter.commands.completion import target_names  # noqa: PLC0415

    file, folder = context.params.get("config_file"), context.params.get("config_dir")
    typed = context.params.get("targets") or ()
    names = target_names(Path(str(file or "exporter.yml")))
    if folder is not None:
        names += [name for each in sorted(Path(str(folder)).glob("[!.]*.y*ml")) for name in target_names(each)]
    return [name for name in names if name.startswith(incomplete) and name not in typed]


def offered_scenarios(incomplete: str) -> list[tuple[str, str]]:
    """Return the scenarios of the simulator."""
    from exporter.commands.completion import scenario_names  # noqa: PLC0415

    return [row for row in scenario_names() if row[0].startswith(incomplete)]


def offered_incidents(context: typer.Context, incomplete: str) -> list[tuple[str, str]]:
    """Return the incidents of the simulator, without those that the command line has already."""
    from exporter.commands.completion import incident_names  # noqa: PLC0415

    typed = context.params.get("incidents") or ()
    return [row for row in incident_names() if row[0].startswith(incomplete) and row[0] not in typed]


def offered_commands(context: typer.Context, incomplete: str) -> list[str]:
    """Return the commands that may follow the words that the command line has already."""
    command: Library = context.find_root().command
    for word in context.params.get("words") or ():
        command = getattr(command, "commands", {}).get(word)
    return [name for name in getattr(command, "commands", {}) if name.startswith(incomplete)]
