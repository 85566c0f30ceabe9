"""What users may rely on, one name a line: ``python -m tools.public_surface docs/public-surface.txt`` adds what is new.

It removes nothing. A name that the program has no more breaks somebody's query, file or script, so its line is changed by hand
into ``gone NAME -> SUCCESSOR``, and the changelog says the same (docs/compatibility.md, "What you can rely on"). What the
names promise is in docs/contract.md.
"""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

from typer.main import get_command

from exporter.cli import app
from exporter.errors import Reason
from exporter.metrics import FAMILIES
from exporter.monitoring.alerts import alert_groups
from exporter.monitoring.options import Options
from exporter.monitoring.rules import recording_groups
from exporter.state.verdict_row import Kind

ROOT: Final = Path(__file__).parents[1]
GONE: Final = "gone "

Schema = Mapping[str, Any]


def surface() -> frozenset[str]:
    """Return everything that the program offers now."""
    return frozenset((*_metrics(), *_flags(get_command(app), "booking-sync-exporter"), *_files(), *_pages(), *_rules()))


def _metrics() -> Iterator[str]:
    for family in FAMILIES:
        yield f"metric {family.name} {family.type} {','.join(family.labels)}".rstrip()
    yield from (f"reason {reason}" for reason in Reason)
    yield from (f"kind {kind}" for kind in Kind)


def _flags(command: Any, path: str) -> Iterator[str]:  # noqa: ANN401  typer hides the class
    yield f"command {path}"
    for parameter in command.params:
        yield from (f"flag {path} {flag}" for flag in parameter.opts if flag.startswith("--") and flag != "--help")
    for name, below in getattr(command, "commands", {}).items():
        yield from _flags(below, f"{path} {name}")


def _files() -> Iterator[str]:
    for what, file in (("config", "config/exporter.schema.json"), ("monitoring.yml", "config/monitoring.schema.json")):
        yield from (f"{what} {key}" for key in _keys(*_read(file)))
    yield from (f"json {key}" for key in _keys(*_read("docs/status.schema.json")))


def _read(file: str) -> tuple[Schema, Schema]:
    schema = json.loads((ROOT / file).read_text(encoding="utf-8"))
    return schema, schema.get("$defs", {})


def _keys(schema: Schema, known: Schema, path: str = "") -> Iterator[str]:
    """Yield the path of each key that a document of ``schema`` may have: ``targets[wix].name``."""
    if "$ref" in schema:
        yield from _keys(known[schema["$ref"].rpartition("/")[2]], known, path)
    for way in (*schema.get("anyOf", ()), *schema.get("oneOf", ()), *schema.get("allOf", ())):
        yield from _keys(way, known, path)
    if "items" in schema:
        yield from _keys(schema["items"], known, f"{path}[]")
    if isinstance(schema.get("additionalProperties"), dict):
        yield from _keys(schema["additionalProperties"], known, f"{path}.*")
    properties = schema.get("properties", {})
    if platform := properties.get("platform", {}).get("const"):
        path = f"{path.removesuffix('[]')}[{platform}]"
    for name, below in properties.items():
        key = f"{path}.{name}".removeprefix(".")
        yield key
        yield from _keys(below, known, key)


def _pages() -> Iterator[str]:
    table = (ROOT / "docs" / "web.md").read_text(encoding="utf-8").partition("## Paths")[2].partition("\n## ")[0]
    for row in re.findall(r"^\| (`/.*?) \| ([A-Z, ]+) \|", table, re.MULTILINE):
        yield from (f"path {path} {row[1]}" for path in re.findall(r"`([^`]+)`", row[0]))


def _rules() -> Iterator[str]:
    for group in alert_groups(Options()):
        yield from (f"alert {alert.name} {alert.severity}" for alert in group.alerts)
    for recordings in recording_groups(Options()):
        yield from (f"record {recording.record}" for recording in recordings.rules)
    for board in sorted((ROOT / "dashboards").glob("*.json")):
        yield f"dashboard {json.loads(board.read_text(encoding='utf-8'))['uid']}"


def told(text: str) -> frozenset[str]:
    """Return the names of the file, those included that are gone."""
    return frozenset(line for line in text.splitlines() if line and not line.startswith("#"))


def with_news(text: str) -> str:
    """Return the file with the names that it lacks, in order, below its heading."""
    heading = "".join(f"{line}\n" for line in text.splitlines() if line.startswith("#"))
    return heading + "".join(f"{line}\n" for line in sorted(told(text) | surface()))


if __name__ == "__main__":
    PATH = Path(sys.argv[1])
    PATH.write_text(with_news(PATH.read_text(encoding="utf-8")), encoding="utf-8")
