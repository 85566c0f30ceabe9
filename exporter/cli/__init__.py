"""The command line: flags, and no logic of its own. May lean on everything; nothing leans on it."""

from exporter.cli.commands import app, main

__all__ = ["app", "main"]
