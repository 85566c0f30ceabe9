"""Nothing that we ship names a home that is not ours: an address of nobody is a stranger's page tomorrow."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path
from typing import Final

import pytest

ROOT: Final = Path(__file__).parents[1]
SHIPPED: Final = ("exporter", "config", "dashboards", "docs", "tools", "tests", ".github")
# Where code, packages, images or pages of the project would be, if it had a home.
HOME: Final = re.compile(r"(?:[\w-]+\.)+(?:com|io|org|net|dev)(?::\d+)?/(?:[\w.-]+/)?booking-sync-exporter\b")
GIVEN: Final = ("https://code.example.com/team/booking-sync-exporter", "ghcr.io/booking-sync-exporter/booking-sync-exporter:1")


def texts() -> Iterator[Path]:
    folders = [path for folder in SHIPPED for path in (ROOT / folder).rglob("*") if "node_modules" not in path.parts]
    for path in [*ROOT.iterdir(), *folders]:
        if path.is_file() and path != Path(__file__) and path.suffix not in {".png", ".mo", ".pyc", ".lock"}:
            yield path


def test_no_file_names_an_address_of_the_project() -> None:
    read = list(texts())
    assert 500 < len(read)
    found = [(path, home) for path in read for home in HOME.findall(path.read_text(encoding="utf-8", errors="replace"))]
    assert [] == found


@pytest.mark.parametrize("address", GIVEN)
def test_an_address_of_the_project_would_be_found(address: str) -> None:
    assert HOME.search(address)


def test_the_package_names_no_address() -> None:
    assert not metadata.metadata("booking-sync-exporter").get_all("Project-URL")
