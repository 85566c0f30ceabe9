"""Writes the monitoring bundle with its defaults into this repository: ``python -m tools.bundle``.

A checkout has no record of what was rendered: git knows better what is an edit here.
"""

from __future__ import annotations

from pathlib import Path

from exporter.monitoring import Options, files
from exporter.monitoring.writing import write

ROOT = Path(__file__).parents[1]

if __name__ == "__main__":
    for name, text in files(Options()).items():
        write(ROOT / name, text)
