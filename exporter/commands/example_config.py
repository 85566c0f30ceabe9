"""The ``example-config`` command: the files that travel with the program, byte for byte (docs/decisions/0200)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path
from typing import Final

SHIPPED: Final = {
    "exporter.yml": "exporter.yml",
    "exporter.schema.json": "exporter.schema.json",
    "monitoring.yml": "monitoring.yml",
    "monitoring.schema.json": "monitoring.schema.json",
    "booking-sync-exporter.service": "systemd/booking-sync-exporter.service",
}
"""What may be asked for, and where it lies below ``config``."""


def shipped(name: str) -> bytes:
    """Return the file called ``name``."""
    inside = files("exporter") / "shipped"
    folder = inside if inside.is_dir() else Path(__file__).parents[2] / "config"  # a clone that is run as it lies there
    return (folder / SHIPPED[name]).read_bytes()
