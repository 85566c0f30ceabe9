"""The house rules that a reviewer should not have to remember."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parents[2] / "exporter"

# Who may not know whom: imports follow the data downhill, only the composition root knows everything.
FORBIDDEN = {
    "model": {"config", "platforms", "snapshot", "metrics", "web", "scheduler", "simulator", "app"},
    "errors": {"config", "platforms", "snapshot", "metrics", "web", "scheduler", "simulator", "app"},
    "windows": {"config", "platforms", "snapshot", "metrics", "web", "scheduler", "simulator", "app"},
    "bookings": {"config", "platforms", "snapshot", "metrics", "web", "scheduler", "simulator", "app"},
    "config": {"platforms", "snapshot", "metrics", "web", "scheduler", "simulator", "app"},
    "platforms": {"snapshot", "metrics", "web", "scheduler", "simulator", "app", "monitoring"},
    "snapshot": {"config", "platforms", "metrics", "web", "scheduler", "simulator", "app"},
    "scheduler": {"config", "metrics", "web", "simulator", "app"},
    "metrics": {"platforms.wix", "platforms.bitrix24", "web", "scheduler", "simulator", "app"},
    "web": {"platforms", "scheduler", "simulator", "app", "cli"},
    "simulator": {"platforms.wix", "platforms.bitrix24", "snapshot", "metrics", "web", "scheduler", "app"},
    "monitoring": {"platforms", "web", "scheduler", "simulator", "app"},
}


def imports(path: Path) -> set[str]:
    """Return the modules of ours that a file imports at any depth, without the package's name."""
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            assert node.level == 0, f"{path.name} imports relatively"
            found |= {node.module} | {f"{node.module}.{alias.name}" for alias in node.names}
    return {name.removeprefix("exporter.") for name in found if name.startswith("exporter.")}


def modules_of(layer: str) -> list[Path]:
    folder = PACKAGE / layer
    return sorted(folder.rglob("*.py")) if folder.is_dir() else [PACKAGE / f"{layer}.py"]


@pytest.mark.parametrize("layer", sorted(FORBIDDEN))
def test_imports_go_downhill(layer: str) -> None:
    wrong = {
        f"{path.relative_to(PACKAGE)} -> {name}"
        for path in modules_of(layer)
        for name in imports(path)
        for forbidden in FORBIDDEN[layer]
        if name == forbidden or name.startswith(f"{forbidden}.")
    }
    assert set() == wrong


def test_no_module_is_two_things() -> None:
    long = {
        str(path.relative_to(PACKAGE)): lines for path in PACKAGE.rglob("*.py") if (lines := path.read_text().count("\n")) > 450
    }
    assert {} == long


def test_every_module_says_what_it_is() -> None:
    silent = [
        str(path.relative_to(PACKAGE)) for path in PACKAGE.rglob("*.py") if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert [] == silent
