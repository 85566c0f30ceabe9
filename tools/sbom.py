"""Writes what is installed with a wheel as CycloneDX: ``python -m tools.sbom dist/NAME.whl``, beside the wheel.

The wheel and what ``requirements.lock`` pins are installed where nothing else is, and cyclonedx-bom, which has an environment
of its own, lists them. A list that is not that of the lock, or has a package without a licence, is refused.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from tools.licences import ROOT, pinned, plain_name

OURS: Final = "booking-sync-exporter"


def faults(listed: Mapping[str, Any], packages: Mapping[str, str]) -> list[str]:
    """Return what is wrong with a list, one sentence each: it has to name ``packages``, versions by name, and no others."""
    found = {plain_name(one["name"]): one["version"] for one in listed["components"]}
    named = listed["metadata"]["component"]
    return [
        *(f"{name} {packages[name]} is not listed" for name in packages if found.get(name) != packages[name]),
        *(f"{name} {found[name]} is listed and not locked" for name in found if name not in packages),
        *(f"{one['name']} has no licence" for one in (*listed["components"], named) if not one.get("licenses")),
        *([] if named["name"] == OURS else [f"the list is of {named['name']}"]),
    ]


def written(wheel: Path) -> Path:
    """Write the list beside ``wheel`` and return its path. Raises :class:`SystemExit` with what is wrong with it."""
    target = wheel.with_suffix(".cdx.json")
    with tempfile.TemporaryDirectory() as folder:
        python, tool = (_environment(Path(folder) / name) for name in ("installed", "tool"))
        _run(python, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", ROOT / "requirements.lock")
        _run(python, "-m", "pip", "install", "--quiet", "--no-deps", "--no-index", wheel)
        _run(python, "-m", "pip", "uninstall", "--quiet", "--yes", "setuptools", "pip")  # of the environment, not of us
        _run(tool, "-m", "pip", "install", "--quiet", "--require-hashes", "--requirement", ROOT / "requirements-release.lock")
        options = ("--output-reproducible", "--pyproject", ROOT / "pyproject.toml", "--output-file", target)
        _run(tool, "-m", "cyclonedx_py", "environment", *options, python)
    if wrong := faults(json.loads(target.read_text()), pinned()):
        target.unlink()
        raise SystemExit("\n".join(wrong))
    return target


def _environment(folder: Path) -> Path:
    venv.create(folder, with_pip=True)
    return folder / "bin" / "python"


def _run(*words: str | Path) -> None:
    subprocess.run([str(word) for word in words], check=True)  # noqa: S603  pip and cyclonedx-bom, with words from here


if __name__ == "__main__":
    sys.stdout.write(f"{written(Path(sys.argv[1]))}\n")
