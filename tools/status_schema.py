"""Writes the JSON Schema of ``/api/v1/status``: ``python -m tools.status_schema docs/status.schema.json``."""

from __future__ import annotations

import sys
from pathlib import Path

from exporter.platforms.registry import PLATFORMS
from exporter.web.status_api import schema_text

if __name__ == "__main__":
    Path(sys.argv[1]).write_text(schema_text(PLATFORMS), encoding="utf-8")
