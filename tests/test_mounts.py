"""What we ship and what the documents show mount folders: a file that is mounted alone never changes."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.monitoring import Options, render
from tests.harness.compose import without_variables

ROOT = Path(__file__).parents[1]
TEXTS = [
    path
    for pattern in (
        "*.md",
        "*.yaml",
        "*.yml",
        "Dockerfile",
        "Makefile",
        "docs/**/*",
        "config/**/*",
        "dashboards/*.yaml",
        "exporter/**/*.md",
    )
    for path in sorted(ROOT.glob(pattern))
    if path.is_file() and path.suffix != ".png"
]

# Each with its reason: its reader reads it once, so it would not see a change in a folder either.
READ_ONCE = {"grafana_admin_password"}

OPTION = re.compile(r"""(?:^|\s)(?:-v|--volume)[=\s]+["']?([^\s:"']+):""")
MOUNT = re.compile(r"--mount[=\s]+\S*?(?:source|src)=([^,\s]+)")
UNIT = re.compile(r"^Bind(?:ReadOnly)?Paths=(.*)$", re.MULTILINE)


def is_file(source: str) -> bool:
    """Return whether a mount of ``source`` is one of a file, as it lies here or as its name says."""
    return (ROOT / source).is_file() or (
        not (ROOT / source).is_dir() and "." in source.rstrip("/").rpartition("/")[2].lstrip(".")
    )


def single_files(text: str) -> Iterator[str]:
    """Yield the files that command lines and units in ``text`` mount alone."""
    sources = [*OPTION.findall(text), *MOUNT.findall(text)]
    sources += [path.partition(":")[0] for line in UNIT.findall(text) for path in line.split()]
    return filter(is_file, sources)


def compose_files(document: dict[str, Any]) -> Iterator[str]:
    """Yield the files that a compose file mounts alone: by a volume, or as a secret or config of a service."""
    for service in document.get("services", {}).values():
        for volume in service.get("volumes", []):
            source = volume["source"] if isinstance(volume, dict) else volume.partition(":")[0]
            if is_file(source):
                yield source
        for kind in ("secrets", "configs"):
            yield from {one["source"] if isinstance(one, dict) else one for one in service.get(kind, [])} - READ_ONCE


def keys(value: object) -> Iterator[str]:
    """Yield every key of every mapping in ``value``, however deep."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield key
            yield from keys(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from keys(inner)


def single_files_of(path: Path) -> list[str]:
    text = path.read_text()
    found = list(single_files(text))
    if path.suffix in (".yaml", ".yml"):
        for document in yaml.safe_load_all(without_variables(text)):
            found += [key for key in keys(document) if key.startswith("subPath")]
            if isinstance(document, dict) and "services" in document:
                found += compose_files(document)
    return found


def test_nothing_that_is_shipped_or_shown_mounts_a_file_alone(tmp_path: Path) -> None:
    rendered = [path for path in render(Options(), tmp_path).written if path.suffix in (".yaml", ".yml", ".md")]
    assert {"compose.yaml", "Dockerfile", "README.md", "deployment.yaml", "booking-sync-exporter.service"} <= {
        path.name for path in TEXTS
    }
    assert {"deployment.yaml"} <= {path.name for path in rendered}
    assert {} == {str(path): found for path in (*TEXTS, *rendered) if (found := single_files_of(path))}


@pytest.mark.parametrize(
    "text",
    [
        "docker run -v ./exporter.yml:/etc/booking-sync-exporter/exporter.yml image",
        "docker run --volume=$PWD/config/exporter.yml:/a/exporter.yml:ro image",
        "docker run --mount type=bind,source=/etc/exporter.yml,target=/a image",
        "BindReadOnlyPaths=/etc/a /etc/exporter.yml:/run/exporter.yml",
    ],
)
def test_a_mounted_file_is_found_in_a_command_line_or_a_unit(text: str) -> None:
    assert 1 == len(list(single_files(text)))
    assert [] == list(single_files(text.replace("/exporter.yml:", ":").replace("exporter.yml,", "folder,")))


@pytest.mark.parametrize(
    "text",
    [
        "services: {a: {volumes: ['./config/exporter.yml:/etc/exporter.yml:ro']}}",
        "services: {a: {volumes: [{type: bind, source: ./config/exporter.yml, target: /etc/exporter.yml}]}}",
        "services: {a: {secrets: [wix_api_key]}}",
        "services: {a: {configs: [{source: exporter, target: /etc/exporter.yml}]}}",
        "spec: {containers: [{volumeMounts: [{name: a, mountPath: /a/b.yml, subPath: b.yml}]}]}",
    ],
)
def test_a_mounted_file_is_found_in_a_manifest(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text(text)
    assert 1 == len(single_files_of(path))
